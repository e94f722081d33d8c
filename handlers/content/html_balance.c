#include "content/html_balance.h"

#include <stdbool.h>

#include "content/content_limits.h"
#include "content/html_elements.h"

struct balance {
	struct buf                *out;
	struct str                 rest;        /* not read yet */
	const struct html_element *open[HTML_DEPTH_MAX];
	unsigned                   depth;
	unsigned                   too_deep;    /* started beyond the depth and not ended yet */
	const struct html_element *refused;     /* everything goes until it ends */
	unsigned                   refused_depth;
};

/* One tag as it stands in the text. */
struct tag {
	struct str source, name;
	bool       end, self_closing;
};

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

/* Where the tag that starts at s.ptr[0] == '<' ends, behind its '>'; 0 when the
 * text ends first.  HTML standard, 13.2.5.32 to .40: a '>' within quotes counts
 * only where an attribute's value begins with that quote. */
static size_t tag_length(struct str s, size_t from)
{
	enum { BEFORE_NAME, NAME, AFTER_NAME, BEFORE_VALUE, UNQUOTED } state = BEFORE_NAME;

	for (size_t i = from; i < s.len; i++) {
		char c = s.ptr[i];

		if (state == BEFORE_VALUE && (c == '"' || c == '\'')) {
			i += 1 + str_index(str_from(s, i + 1), c);
			state = BEFORE_NAME;
		} else if (c == '>') {
			return i + 1;
		} else if (is_space(c)) {
			if (state == NAME)
				state = AFTER_NAME;
			else if (state == UNQUOTED)
				state = BEFORE_NAME;
		} else if (state == BEFORE_VALUE || state == UNQUOTED) {
			state = UNQUOTED;
		} else if (c == '/') {
			state = BEFORE_NAME;
		} else if (c == '=' && state != BEFORE_NAME) {
			state = BEFORE_VALUE;
		} else {
			state = NAME;
		}
	}
	return 0;
}

/* Behind the end of a comment whose "<!--" was read (13.2.5.43 to .52). */
static size_t comment_length(struct str s)
{
	size_t i = 4;

	if (str_starts(str_from(s, i), STR(">")))
		return i + 1;
	if (str_starts(str_from(s, i), STR("->")))
		return i + 2;
	for (; i < s.len; i++) {
		i += str_index(str_from(s, i), '-');
		if (str_starts(str_from(s, i), STR("-->")))
			return i + 3;
		if (str_starts(str_from(s, i), STR("--!>")))
			return i + 4;
	}
	return s.len;
}

/* Behind what is no element: comment, doctype, CDATA, processing instruction. */
static size_t markup_length(struct str s)
{
	size_t end;

	if (str_starts(s, STR("<!--")))
		return comment_length(s);
	end = str_index(s, '>');
	return end == s.len ? end : end + 1;
}

static void close_down_to(struct balance *b, unsigned depth)
{
	while (b->depth > depth) {
		b->depth--;
		BUF_LIT(b->out, "</");
		buf_add(b->out, str_of(b->open[b->depth]->name));
		BUF_LIT(b->out, ">");
	}
}

/* What an element ends by starting, and how far out it looks. */
static const struct closing {
	uint16_t starts, ends, until;
} closings[] = {
	{ HTML_BLOCK, HTML_P, HTML_CELL | HTML_TABLE },
	{ HTML_ITEM, HTML_ITEM, HTML_LIST | HTML_CELL | HTML_TABLE },
	{ HTML_ANCHOR, HTML_ANCHOR, HTML_CELL | HTML_TABLE },
	{ HTML_CELL, HTML_CELL, HTML_TABLE },
	{ HTML_ROW, HTML_CELL | HTML_ROW, HTML_TABLE },
	{ HTML_SECTION, HTML_CELL | HTML_ROW | HTML_SECTION, HTML_TABLE },
};

static void close_implied(struct balance *b, const struct closing *rule)
{
	unsigned lowest = b->depth;

	for (unsigned i = b->depth; i-- > 0 && (b->open[i]->group & rule->until) == 0;)
		if ((b->open[i]->group & rule->ends) != 0)
			lowest = i;
	close_down_to(b, lowest);
}

/* Drops what a parser would take for text, up to the end tag of that name. */
static void skip_text_of(struct balance *b, const struct html_element *e)
{
	size_t length = strlen(e->name);

	while (!str_is_empty(b->rest)) {
		struct str name;
		char after;

		b->rest = str_from(b->rest, str_index(b->rest, '<'));
		name = str_first(str_from(b->rest, 2), length);
		after = b->rest.len > length + 2 ? b->rest.ptr[length + 2] : ' ';
		if (str_starts(b->rest, STR("</")) && str_eq_nocase(name, str_of(e->name)) &&
		    (is_space(after) || after == '>' || after == '/')) {
			size_t end = tag_length(b->rest, length + 2);

			b->rest = str_from(b->rest, end == 0 ? b->rest.len : end);
			return;
		}
		b->rest = str_from(b->rest, 1);
	}
}

static void start_tag(struct balance *b, const struct html_element *e, struct str source)
{
	for (size_t i = 0; i < COUNT(closings); i++)
		if ((e->group & closings[i].starts) != 0)
			close_implied(b, &closings[i]);
	if (e->fate == HTML_KEPT && b->depth == HTML_DEPTH_MAX) {
		b->too_deep++;
		return;
	}
	buf_add(b->out, source);
	if (e->fate == HTML_KEPT)
		b->open[b->depth++] = e;
}

static void end_tag(struct balance *b, const struct html_element *e)
{
	const uint16_t table_parts = HTML_CELL | HTML_ROW | HTML_SECTION | HTML_TABLE;

	if (e->fate != HTML_KEPT)
		return;
	if (b->too_deep > 0) {
		b->too_deep--;
		return;
	}
	for (unsigned i = b->depth; i-- > 0;) {
		if (b->open[i] == e) {
			close_down_to(b, i);
			return;
		}
		/* A cell keeps what is outside of it open. */
		if ((b->open[i]->group & HTML_CELL) != 0 && (e->group & table_parts) == 0)
			return;
	}
}

/* While something is refused only its own tags count. */
static void tag_in_refused(struct balance *b, const struct html_element *e, const struct tag *tag)
{
	if (e != b->refused || tag->self_closing)
		return;
	b->refused_depth += tag->end ? -1u : 1u;
	if (b->refused_depth == 0)
		b->refused = NULL;
}

static void element_tag(struct balance *b, const struct tag *tag)
{
	const struct html_element *e = html_element_find(tag->name);

	if (e == NULL)
		return;
	if (e->fate == HTML_REFUSED_TEXT && !tag->end) {
		skip_text_of(b, e);
	} else if (b->refused != NULL) {
		tag_in_refused(b, e, tag);
	} else if (tag->end) {
		end_tag(b, e);
	} else if (e->fate == HTML_REFUSED) {
		b->refused = tag->self_closing ? NULL : e;
		b->refused_depth = 1;
	} else {
		start_tag(b, e, tag->source);
	}
}

/* Takes one tag off the front; false when the text at `rest` is none. */
static bool take_tag(struct balance *b)
{
	struct tag tag = { .end = str_starts(b->rest, STR("</")) };
	size_t name = tag.end ? 2 : 1, i = name, length;

	if (b->rest.len <= name || !is_letter(b->rest.ptr[name]))
		return false;
	while (i < b->rest.len && !is_space(b->rest.ptr[i]) && b->rest.ptr[i] != '/' &&
	    b->rest.ptr[i] != '>')
		i++;
	tag.name = str_first(str_from(b->rest, name), i - name);
	length = tag_length(b->rest, i);
	if (length == 0) {
		b->rest = STR_NONE;     /* a tag that never ends is none: 13.2.5.8, EOF */
		return true;
	}
	tag.source = str_first(b->rest, length);
	tag.self_closing = length >= 2 && tag.source.ptr[length - 2] == '/';
	b->rest = str_from(b->rest, length);
	element_tag(b, &tag);
	return true;
}

static void take_text(struct balance *b)
{
	size_t length = str_index(b->rest, '<');

	if (b->refused == NULL)
		buf_add(b->out, str_first(b->rest, length));
	b->rest = str_from(b->rest, length);
}

/* '<' at the front. */
static void take_markup(struct balance *b)
{
	char next = b->rest.len > 1 ? b->rest.ptr[1] : ' ';

	if (take_tag(b))
		return;
	if (next == '!' || next == '?' || (next == '/' && b->rest.len > 2)) {
		b->rest = str_from(b->rest, markup_length(b->rest));
		return;
	}
	if (b->refused == NULL)
		BUF_LIT(b->out, "&lt;");
	b->rest = str_from(b->rest, 1);
}

void html_balance(struct buf *out, struct str html)
{
	struct balance b = { .out = out, .rest = html };

	while (!str_is_empty(b.rest)) {
		take_text(&b);
		if (!str_is_empty(b.rest))
			take_markup(&b);
	}
	close_down_to(&b, 0);
}
