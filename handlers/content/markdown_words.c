#include "content/markdown_words.h"

#define LINK_MAX_BYTES 1024     /* a longer address, or tag, is none: so far one looks for its end */

struct scan {
	char      *out;                 /* never longer than the text and a space */
	size_t     len;
	size_t     word;                /* where the present word begins in out */
	bool       worded;              /* it has a letter or a digit */
	struct str rest;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_worded(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    (unsigned char)c >= 0x80;
}

static void end_word(struct scan *s)
{
	if (!s->worded)
		s->len = s->word;
	else
		s->out[s->len++] = ' ';
	s->word = s->len;
	s->worded = false;
}

static void add(struct scan *s, char c)
{
	s->out[s->len++] = c;
	s->worded = s->worded || is_worded(c);
}

/* The place behind `end`, within a bound and (unless `lines`) this line; 0: none. */
static size_t behind(struct str s, size_t from, struct str end, bool lines)
{
	size_t most = s.len < from + LINK_MAX_BYTES ? s.len : from + LINK_MAX_BYTES;

	for (size_t i = from; i + end.len <= most; i++) {
		if (memcmp(s.ptr + i, end.ptr, end.len) == 0)
			return i + end.len;
		if (!lines && s.ptr[i] == '\n')
			return 0;
	}
	return 0;
}

/* Behind the ')' of "](address (of) it "title")"; 0: none on this line. */
static size_t behind_address(struct str s)
{
	size_t most = s.len < LINK_MAX_BYTES ? s.len : LINK_MAX_BYTES;
	unsigned depth = 0;

	for (size_t i = 1; i < most && s.ptr[i] != '\n'; i++) {
		if (s.ptr[i] == '(')
			depth++;
		else if (s.ptr[i] == ')' && --depth == 0)
			return i + 1;
	}
	return 0;
}

/* How much of what begins here is no text: 0 when it is. */
static size_t skip_length(struct str s)
{
	char next = s.len > 1 ? s.ptr[1] : '\0';

	if (s.ptr[0] == ']' && next == '(')
		return behind_address(s);
	if (s.ptr[0] == ']' && next == '[')
		return behind(s, 2, STR("]"), false);
	if (str_starts(s, STR("<!--")))
		return behind(s, 4, STR("-->"), true);
	if (s.ptr[0] == '<' && (next == '/' || next == '!' || is_worded(next)))
		return behind(s, 1, STR(">"), true);
	if (s.ptr[0] == '&') {
		size_t end = behind(str_first(s, 32), 1, STR(";"), false);
		return end > 2 && str_index(str_first(s, end), ' ') == end ? end : 0;
	}
	return 0;
}

/* A line that is no text as a whole: a fence, or the definition of a reference. */
static size_t skip_line(struct str s)
{
	size_t line = str_index(s, '\n'), i = 0;

	while (i < line && (s.ptr[i] == ' ' || s.ptr[i] == '\t'))
		i++;
	struct str text = str_first(str_from(s, i), line - i);
	if (str_starts(text, STR("```")) || str_starts(text, STR("~~~")))
		return line;
	size_t bracket = str_index(text, ']');
	if (str_starts(text, STR("[")) && str_starts(str_from(text, bracket), STR("]:")) &&
	    !str_starts(text, STR("[^")))
		return line;
	return 0;
}

static void scan_one(struct scan *s)
{
	size_t skip = skip_length(s->rest);
	char c = s->rest.ptr[0];

	if (is_blank(c) || c == '|' || (skip > 0 && c != ']'))
		end_word(s);
	else if (skip == 0)
		add(s, c);
	s->rest = str_from(s->rest, skip > 0 ? skip : 1);
}

struct str markdown_words(struct arena *a, struct str text)
{
	struct scan s = { .out = arena_alloc(a, text.len + 2), .rest = text };
	bool begins = true;

	while (s.rest.len > 0) {
		size_t skip = begins ? skip_line(s.rest) : 0;
		if (skip > 0) {
			s.rest = str_from(s.rest, skip);
			begins = false;
			continue;
		}
		begins = s.rest.ptr[0] == '\n';
		scan_one(&s);
	}
	end_word(&s);
	return (struct str){ s.out, s.len > 0 ? s.len - 1 : 0 };
}
