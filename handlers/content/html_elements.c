#include "content/html_elements.h"

#include <stdlib.h>

#include "content/content_limits.h"

#define CELL_ATTRIBUTES                                                                            \
	{                                                                                          \
		{ "align", HTML_VALUE_ALIGN }, { "colspan", HTML_VALUE_NUMBER },                   \
		{ "rowspan", HTML_VALUE_NUMBER }, { "scope", HTML_VALUE_TEXT },                    \
	}
#define ALIGNED { { "align", HTML_VALUE_ALIGN } }

/* Ordered by name: html_element_find searches by halves. */
static const struct html_element elements[] = {
	{ "a", HTML_KEPT, HTML_ANCHOR,
	    { { "href", HTML_VALUE_LINK }, { "title", HTML_VALUE_TEXT } } },
	{ "abbr", HTML_KEPT, HTML_INLINE, { { "title", HTML_VALUE_TEXT } } },
	{ "address", HTML_KEPT, HTML_BLOCK, { { 0 } } },
	{ "article", HTML_KEPT, HTML_BLOCK, { { 0 } } },
	{ "aside", HTML_KEPT, HTML_BLOCK, { { 0 } } },
	{ "b", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "bdi", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "blockquote", HTML_KEPT, HTML_BLOCK, { { "cite", HTML_VALUE_LINK } } },
	{ "br", HTML_KEPT_VOID, HTML_INLINE, { { 0 } } },
	{ "caption", HTML_KEPT, HTML_SECTION, { { 0 } } },
	{ "center", HTML_KEPT, HTML_BLOCK, { { 0 } } },
	{ "cite", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "code", HTML_KEPT, HTML_INLINE, { { "class", HTML_VALUE_LANGUAGE } } },
	{ "dd", HTML_KEPT, HTML_BLOCK | HTML_ITEM, { { 0 } } },
	{ "del", HTML_KEPT, HTML_INLINE, { { "datetime", HTML_VALUE_TEXT } } },
	{ "details", HTML_KEPT, HTML_BLOCK, { { "open", HTML_VALUE_FLAG } } },
	{ "dfn", HTML_KEPT, HTML_INLINE, { { "title", HTML_VALUE_TEXT } } },
	{ "div", HTML_KEPT, HTML_BLOCK, ALIGNED },
	{ "dl", HTML_KEPT, HTML_BLOCK | HTML_LIST, { { 0 } } },
	{ "dt", HTML_KEPT, HTML_BLOCK | HTML_ITEM, { { 0 } } },
	{ "em", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "figcaption", HTML_KEPT, HTML_BLOCK, { { 0 } } },
	{ "figure", HTML_KEPT, HTML_BLOCK, { { 0 } } },
	{ "footer", HTML_KEPT, HTML_BLOCK, { { 0 } } },
	{ "h1", HTML_KEPT, HTML_BLOCK, ALIGNED },
	{ "h2", HTML_KEPT, HTML_BLOCK, ALIGNED },
	{ "h3", HTML_KEPT, HTML_BLOCK, ALIGNED },
	{ "h4", HTML_KEPT, HTML_BLOCK, ALIGNED },
	{ "h5", HTML_KEPT, HTML_BLOCK, ALIGNED },
	{ "h6", HTML_KEPT, HTML_BLOCK, ALIGNED },
	{ "header", HTML_KEPT, HTML_BLOCK, { { 0 } } },
	{ "hr", HTML_KEPT_VOID, HTML_BLOCK, { { 0 } } },
	{ "i", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "iframe", HTML_REFUSED_TEXT, HTML_INLINE, { { 0 } } },
	{ "img", HTML_KEPT_VOID, HTML_INLINE,
	    { { "src", HTML_VALUE_IMAGE }, { "alt", HTML_VALUE_TEXT }, { "title", HTML_VALUE_TEXT },
	      { "width", HTML_VALUE_NUMBER }, { "height", HTML_VALUE_NUMBER },
	      { "align", HTML_VALUE_ALIGN } } },
	{ "ins", HTML_KEPT, HTML_INLINE, { { "datetime", HTML_VALUE_TEXT } } },
	{ "kbd", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "li", HTML_KEPT, HTML_BLOCK | HTML_ITEM, { { "value", HTML_VALUE_NUMBER } } },
	{ "main", HTML_KEPT, HTML_BLOCK, { { 0 } } },
	{ "mark", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "math", HTML_REFUSED, HTML_INLINE, { { 0 } } },
	{ "nav", HTML_KEPT, HTML_BLOCK, { { 0 } } },
	{ "noembed", HTML_REFUSED_TEXT, HTML_INLINE, { { 0 } } },
	{ "noframes", HTML_REFUSED_TEXT, HTML_INLINE, { { 0 } } },
	{ "noscript", HTML_REFUSED_TEXT, HTML_INLINE, { { 0 } } },
	{ "ol", HTML_KEPT, HTML_BLOCK | HTML_LIST,
	    { { "start", HTML_VALUE_NUMBER }, { "reversed", HTML_VALUE_FLAG } } },
	{ "p", HTML_KEPT, HTML_BLOCK | HTML_P, ALIGNED },
	{ "plaintext", HTML_REFUSED_TEXT, HTML_INLINE, { { 0 } } },
	{ "pre", HTML_KEPT, HTML_BLOCK, { { 0 } } },
	{ "progress", HTML_KEPT, HTML_INLINE,
	    { { "value", HTML_VALUE_NUMBER }, { "max", HTML_VALUE_NUMBER } } },
	{ "q", HTML_KEPT, HTML_INLINE, { { "cite", HTML_VALUE_LINK } } },
	{ "s", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "samp", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "script", HTML_REFUSED_TEXT, HTML_INLINE, { { 0 } } },
	{ "section", HTML_KEPT, HTML_BLOCK, { { 0 } } },
	{ "select", HTML_REFUSED, HTML_INLINE, { { 0 } } },
	{ "small", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "span", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "strong", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "style", HTML_REFUSED_TEXT, HTML_INLINE, { { 0 } } },
	{ "sub", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "summary", HTML_KEPT, HTML_BLOCK, { { 0 } } },
	{ "sup", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "svg", HTML_REFUSED, HTML_INLINE, { { 0 } } },
	{ "table", HTML_KEPT, HTML_BLOCK | HTML_TABLE, ALIGNED },
	{ "tbody", HTML_KEPT, HTML_SECTION, { { 0 } } },
	{ "td", HTML_KEPT, HTML_CELL, CELL_ATTRIBUTES },
	{ "template", HTML_REFUSED, HTML_INLINE, { { 0 } } },
	{ "textarea", HTML_REFUSED_TEXT, HTML_INLINE, { { 0 } } },
	{ "tfoot", HTML_KEPT, HTML_SECTION, { { 0 } } },
	{ "th", HTML_KEPT, HTML_CELL, CELL_ATTRIBUTES },
	{ "thead", HTML_KEPT, HTML_SECTION, { { 0 } } },
	{ "time", HTML_KEPT, HTML_INLINE, { { "datetime", HTML_VALUE_TEXT } } },
	{ "title", HTML_REFUSED_TEXT, HTML_INLINE, { { 0 } } },
	{ "tr", HTML_KEPT, HTML_ROW, { { 0 } } },
	{ "tt", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "u", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "ul", HTML_KEPT, HTML_BLOCK | HTML_LIST, { { 0 } } },
	{ "var", HTML_KEPT, HTML_INLINE, { { 0 } } },
	{ "wbr", HTML_KEPT_VOID, HTML_INLINE, { { 0 } } },
	{ "xmp", HTML_REFUSED_TEXT, HTML_INLINE, { { 0 } } },
};

const struct html_element *html_elements(size_t *count)
{
	*count = COUNT(elements);
	return elements;
}

static int compare_name(const void *name, const void *element)
{
	return strcmp(name, ((const struct html_element *)element)->name);
}

const struct html_element *html_element_find(struct str name)
{
	char folded[HTML_NAME_MAX_BYTES];

	if (name.len >= sizeof(folded))
		return NULL;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];

		folded[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	folded[name.len] = '\0';
	return bsearch(folded, elements, COUNT(elements), sizeof(elements[0]), compare_name);
}
