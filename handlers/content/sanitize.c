#include "content/sanitize.h"

#include <gumbo.h>

#include "base/buf.h"
#include "content/content_limits.h"
#include "content/heading_ids.h"
#include "content/html_balance.h"
#include "content/html_elements.h"
#include "content/parse_heap.h"

struct sanitizing {
	struct str          html;       /* balanced */
	struct buf         *out;
	struct heading_ids *ids;
};

/* --- values ---------------------------------------------------------------- */

static const struct {
	struct str    scheme;
	enum url_kind kind;
} schemes[] = {
	{ STR_INIT("http"), URL_EXTERNAL },
	{ STR_INIT("https"), URL_EXTERNAL },
	{ STR_INIT("mailto"), URL_MAIL },
};

static bool is_slash(char c)
{
	return c == '/' || c == '\\';   /* browsers take either */
}

enum url_kind sanitize_url_kind(struct str url)
{
	struct str s = str_trim(url);
	size_t end = 0;

	if (str_has_control(s))
		return URL_REFUSED;
	while (end < s.len && strchr(":/?#\\", s.ptr[end]) == NULL)
		end++;
	if (end == s.len || s.ptr[end] != ':')
		return s.len >= 2 && is_slash(s.ptr[0]) && is_slash(s.ptr[1]) ? URL_EXTERNAL
									      : URL_RELATIVE;
	for (size_t i = 0; i < COUNT(schemes); i++)
		if (str_eq_nocase(str_first(s, end), schemes[i].scheme))
			return schemes[i].kind;
	return URL_REFUSED;
}

static void escape(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		switch (s.ptr[i]) {
		case '&': BUF_LIT(out, "&amp;"); break;
		case '<': BUF_LIT(out, "&lt;"); break;
		case '>': BUF_LIT(out, "&gt;"); break;
		case '"': BUF_LIT(out, "&quot;"); break;
		default: buf_char(out, s.ptr[i]); break;
		}
	}
}

static void put_attribute(struct buf *out, const char *name, struct str prefix, struct str value)
{
	buf_char(out, ' ');
	buf_add(out, str_of(name));
	BUF_LIT(out, "=\"");
	escape(out, prefix);
	escape(out, value);
	buf_char(out, '"');
}

static bool put_text(struct buf *out, const char *name, struct str value)
{
	put_attribute(out, name, STR_NONE, value);
	return true;
}

static bool put_flag(struct buf *out, const char *name, struct str value)
{
	(void)value;
	return put_text(out, name, STR(""));
}

static bool put_number(struct buf *out, const char *name, struct str value)
{
	struct str s = str_trim(value);

	if (str_is_empty(s) || s.len > 16)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (strchr("0123456789.%-", s.ptr[i]) == NULL)
			return false;
	return put_text(out, name, s);
}

static bool put_align(struct buf *out, const char *name, struct str value)
{
	static const struct str words[] = { STR_INIT("left"), STR_INIT("right"),
		STR_INIT("center"), STR_INIT("justify") };

	for (size_t i = 0; i < COUNT(words); i++)
		if (str_eq_nocase(value, words[i]))
			return put_text(out, name, words[i]);
	return false;
}

/* "#name" follows the prefix that ids get. */
static void put_url(struct buf *out, const char *name, struct str url)
{
	const struct str prefix = STR(SANITIZE_ID_PREFIX);

	if (url.len > 1 && url.ptr[0] == '#' && !str_starts(str_from(url, 1), prefix))
		put_attribute(out, name, STR("#" SANITIZE_ID_PREFIX), str_from(url, 1));
	else
		put_text(out, name, url);
}

static bool put_link(struct buf *out, const char *name, struct str value)
{
	enum url_kind kind = sanitize_url_kind(value);

	if (kind == URL_REFUSED)
		return false;
	put_url(out, name, str_trim(value));
	if (kind == URL_EXTERNAL && str_eq(str_of(name), STR("href")))
		put_text(out, "rel", STR("nofollow noopener noreferrer"));
	return true;
}

static bool put_image(struct buf *out, const char *name, struct str value)
{
	enum url_kind kind = sanitize_url_kind(value);

	if (kind != URL_EXTERNAL && kind != URL_RELATIVE)
		return false;
	return put_text(out, name, str_trim(value));
}

static bool is_language_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("_+#.-", c) != NULL);
}

/* The first class that names a language, up to what no such name has
 * ("language-rust,ignore" is how Rust's own books write it). */
static bool put_language(struct buf *out, const char *name, struct str value)
{
	const struct str prefix = STR("language-");
	struct str rest = value;

	while (rest.ptr != NULL) {
		struct str word = str_cut(&rest, ' ');
		size_t end = prefix.len;

		if (!str_starts(word, prefix))
			continue;
		while (end < word.len && is_language_char(word.ptr[end]))
			end++;
		if (end > prefix.len)
			return put_text(out, name, str_first(word, end));
	}
	return false;
}

/* An element's id without the prefix; STR_NONE: it has none that can be one. */
static struct str id_of(const GumboVector *have)
{
	const struct str      prefix = STR(SANITIZE_ID_PREFIX);
	const GumboAttribute *id = gumbo_get_attribute(have, "id");
	struct str            value;

	if (id == NULL || id->attr_namespace != GUMBO_ATTR_NAMESPACE_NONE)
		return STR_NONE;
	value = str_of(id->value);
	if (value.len > HTML_ID_MAX_BYTES || str_has_control(value) ||
	    str_index(value, ' ') < value.len)
		return STR_NONE;
	if (str_starts(value, prefix))
		value = str_from(value, prefix.len);
	return value.len > 0 ? value : STR_NONE;
}

/* Each appends the attribute, or nothing and says false. */
static bool (*const put_value[])(struct buf *, const char *, struct str) = {
	[HTML_VALUE_TEXT] = put_text,   [HTML_VALUE_NUMBER] = put_number,
	[HTML_VALUE_ALIGN] = put_align, [HTML_VALUE_FLAG] = put_flag,
	[HTML_VALUE_LINK] = put_link,   [HTML_VALUE_IMAGE] = put_image,
	[HTML_VALUE_LANGUAGE] = put_language,
};

/* --- the tree -------------------------------------------------------------- */

static struct str element_name(const GumboElement *e)
{
	GumboStringPiece piece = e->original_tag;

	if (e->tag != GUMBO_TAG_UNKNOWN)
		return str_of(gumbo_normalized_tagname(e->tag));
	gumbo_tag_from_original_text(&piece);
	return (struct str){ piece.data, piece.length };
}

/* Whether it, or at least what it contains, is written. */
static bool is_shown(const GumboElement *node)
{
	const struct html_element *e = html_element_find(element_name(node));

	return node->tag_namespace == GUMBO_NAMESPACE_HTML &&
	    (e == NULL || e->fate == HTML_KEPT || e->fate == HTML_KEPT_VOID);
}

/* A heading's text, as much of it as an id can be made of. */
struct heading {
	char   bytes[HEADING_TEXT_MAX_BYTES];
	size_t len;
	bool   cut;
};

static void add_text(struct heading *h, const GumboVector *children, unsigned depth)
{
	for (unsigned i = 0; depth < HTML_TREE_DEPTH_MAX && !h->cut && i < children->length; i++) {
		const GumboNode *node = children->data[i];

		if (node->type == GUMBO_NODE_TEXT || node->type == GUMBO_NODE_WHITESPACE) {
			struct str text = str_of(node->v.text.text);

			h->cut = text.len > sizeof(h->bytes) - h->len;
			text = str_first(text, sizeof(h->bytes) - h->len);
			memcpy(h->bytes + h->len, text.ptr, text.len);
			h->len += text.len;
		} else if (node->type == GUMBO_NODE_ELEMENT && is_shown(&node->v.element)) {
			add_text(h, &node->v.element.children, depth + 1);
		}
	}
}

static bool is_heading(GumboTag tag)
{
	return tag == GUMBO_TAG_H1 || tag == GUMBO_TAG_H2 || tag == GUMBO_TAG_H3 ||
	    tag == GUMBO_TAG_H4 || tag == GUMBO_TAG_H5 || tag == GUMBO_TAG_H6;
}

static struct str heading_id(struct sanitizing *s, const GumboElement *node)
{
	struct heading h = { .len = 0 };

	add_text(&h, &node->children, 0);
	return h.cut ? STR_NONE : heading_ids_make(s->ids, (struct str){ h.bytes, h.len });
}

static void put_id(struct sanitizing *s, const GumboElement *node)
{
	struct str id = id_of(&node->attributes);

	if (id.ptr == NULL && is_heading(node->tag))
		id = heading_id(s, node);
	if (id.ptr != NULL)
		put_attribute(s->out, "id", STR(SANITIZE_ID_PREFIX), id);
}

static void put_attributes(struct buf *out, const struct html_element *e, const GumboVector *have)
{
	for (size_t i = 0; i < HTML_ATTRIBUTES_MAX && e->attributes[i].name != NULL; i++) {
		const struct html_attribute *rule = &e->attributes[i];
		const GumboAttribute *found = gumbo_get_attribute(have, rule->name);

		if (found != NULL && found->attr_namespace == GUMBO_ATTR_NAMESPACE_NONE)
			put_value[rule->value](out, rule->name, str_of(found->value));
	}
}

static void put_node(struct sanitizing *s, const GumboNode *node, unsigned depth);

static void put_children(struct sanitizing *s, const GumboVector *children, unsigned depth)
{
	for (unsigned i = 0; depth < HTML_TREE_DEPTH_MAX && i < children->length; i++)
		put_node(s, children->data[i], depth + 1);
}

/* A parser drops a newline right behind <pre>; one that belongs there is doubled. */
static bool starts_with_newline(const GumboElement *e)
{
	const GumboNode *first = e->children.length == 0 ? NULL : e->children.data[0];

	return e->tag == GUMBO_TAG_PRE && first != NULL &&
	    (first->type == GUMBO_NODE_TEXT || first->type == GUMBO_NODE_WHITESPACE) &&
	    first->v.text.text[0] == '\n';
}

static void put_element(struct sanitizing *s, const GumboElement *node, unsigned depth)
{
	const struct html_element *e = html_element_find(element_name(node));
	struct buf                *out = s->out;

	if (!is_shown(node))
		return;
	if (e == NULL) {
		put_children(s, &node->children, depth);
		return;
	}
	buf_char(out, '<');
	buf_add(out, str_of(e->name));
	put_id(s, node);
	put_attributes(out, e, &node->attributes);
	buf_char(out, '>');
	if (e->fate == HTML_KEPT_VOID)
		return;
	if (starts_with_newline(node))
		buf_char(out, '\n');
	put_children(s, &node->children, depth);
	BUF_LIT(out, "</");
	buf_add(out, str_of(e->name));
	buf_char(out, '>');
}

static void put_node(struct sanitizing *s, const GumboNode *node, unsigned depth)
{
	switch (node->type) {
	case GUMBO_NODE_ELEMENT: put_element(s, &node->v.element, depth); break;
	case GUMBO_NODE_TEXT:
	case GUMBO_NODE_WHITESPACE: escape(s->out, str_of(node->v.text.text)); break;
	case GUMBO_NODE_DOCUMENT:
	case GUMBO_NODE_CDATA:
	case GUMBO_NODE_COMMENT:
	case GUMBO_NODE_TEMPLATE: break;
	}
}

/* The ids that the document gives come first: no heading's is one of them. */
static void collect_ids(struct sanitizing *s, const GumboVector *children, unsigned depth)
{
	for (unsigned i = 0; depth < HTML_TREE_DEPTH_MAX && i < children->length; i++) {
		const GumboNode *node = children->data[i];
		struct str       id;

		if (node->type != GUMBO_NODE_ELEMENT || !is_shown(&node->v.element))
			continue;
		id = id_of(&node->v.element.attributes);
		if (id.ptr != NULL)
			heading_ids_add(s->ids, id);
		collect_ids(s, &node->v.element.children, depth + 1);
	}
}

/* --- one run of gumbo ------------------------------------------------------ */

static void *gumbo_take(void *heap, size_t size)
{
	return parse_heap_calloc(heap, 1, size);
}

static void gumbo_give(void *heap, void *p)
{
	parse_heap_free(heap, p);
}

/* The tree is not destroyed here (gumbo recurses to do it): the heap goes. */
static enum err parse_and_write(struct parse_heap *heap, void *context)
{
	struct sanitizing *s = context;
	GumboOptions options = kGumboDefaultOptions;
	const GumboOutput *tree;

	options.allocator = gumbo_take;
	options.deallocator = gumbo_give;
	options.userdata = heap;
	options.max_errors = 0;
	options.fragment_context = GUMBO_TAG_DIV;
	tree = gumbo_parse_with_options(&options, s->html.ptr, s->html.len);
	s->ids = heading_ids_new(heap);
	collect_ids(s, &tree->root->v.element.children, 0);
	put_children(s, &tree->root->v.element.children, 0);
	return OK;
}

enum err sanitize_html(struct arena *a, struct str html, struct str *out)
{
	struct buf balanced, safe;
	struct sanitizing s = { .out = &safe };
	enum err e;

	buf_init(&balanced, a, RENDERED_MAX_BYTES);
	buf_init(&safe, a, RENDERED_MAX_BYTES);
	html_balance(&balanced, html);
	if (buf_failed(&balanced))
		return ERR_TOO_LARGE;
	s.html = buf_str(&balanced);
	e = parse_heap_run(parse_and_write, &s);
	if (e == OK && buf_failed(&safe))
		e = ERR_TOO_LARGE;
	if (e == OK)
		*out = buf_str(&safe);
	return e;
}
