#include "content/plain_text.h"

#include "base/buf.h"
#include "content/content_limits.h"
#include "content/html_elements.h"

/* What sanitize.c escapes, and nothing else. */
static const struct {
	struct str entity;
	char       character;
} entities[] = {
	{ STR_INIT("&amp;"), '&' },
	{ STR_INIT("&lt;"), '<' },
	{ STR_INIT("&gt;"), '>' },
	{ STR_INIT("&quot;"), '"' },
};

static bool is_white(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

/* One space or line end between words, none in front. */
static void put_gap(struct buf *out, char gap)
{
	if (out->len == 0 || out->ptr[out->len - 1] == '\n')
		return;
	if (out->ptr[out->len - 1] == ' ')
		buf_truncate(out, out->len - 1);
	buf_char(out, gap);
}

static size_t put_character(struct buf *out, struct str s)
{
	for (size_t i = 0; s.ptr[0] == '&' && i < COUNT(entities); i++) {
		if (str_starts(s, entities[i].entity)) {
			buf_char(out, entities[i].character);
			return entities[i].entity.len;
		}
	}
	if (is_white(s.ptr[0]))
		put_gap(out, ' ');
	else
		buf_char(out, s.ptr[0]);
	return 1;
}

/* The gap that a tag makes; its length comes back. */
static size_t put_tag(struct buf *out, struct str s)
{
	size_t length = str_index(s, '>'), name = s.len > 1 && s.ptr[1] == '/' ? 2 : 1, end = name;
	const struct html_element *e;
	struct str tag;

	while (end < length && s.ptr[end] != ' ')
		end++;
	tag = str_from(str_first(s, end), name);
	e = html_element_find(tag);
	if (str_eq(tag, STR("br")))
		put_gap(out, '\n');
	else if (e != NULL && (e->group & HTML_CELL) != 0)
		put_gap(out, ' ');
	else if (e != NULL && e->group != HTML_INLINE && e->group != HTML_ANCHOR)
		put_gap(out, '\n');
	return length < s.len ? length + 1 : s.len;
}

enum err plain_text_of_html(struct arena *a, struct str sanitized, struct str *text)
{
	struct str rest = sanitized;
	struct buf out;

	buf_init(&out, a, RENDERED_MAX_BYTES);
	while (!str_is_empty(rest)) {
		size_t n = rest.ptr[0] == '<' ? put_tag(&out, rest) : put_character(&out, rest);

		rest = str_from(rest, n);
	}
	if (buf_failed(&out))
		return ERR_TOO_LARGE;
	*text = str_trim(buf_str(&out));
	return OK;
}

/* Length of the code point at `i`; malformed bytes count one each. */
static size_t code_point(struct str s, size_t i, uint32_t *cp)
{
	unsigned char c = (unsigned char)s.ptr[i];
	size_t n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;

	if (n > s.len - i)
		n = 1;
	*cp = n == 1 ? c : c & (0x7Fu >> n);
	for (size_t k = 1; k < n; k++)
		*cp = *cp << 6 | ((unsigned char)s.ptr[i + k] & 0x3F);
	return n;
}

static const struct {
	uint32_t first, last;
} word_each[] = {
	{ 0x3040, 0x30FF },     /* Hiragana, Katakana */
	{ 0x3400, 0x4DBF },     /* CJK extension A */
	{ 0x4E00, 0x9FFF },     /* CJK unified ideographs */
	{ 0xF900, 0xFAFF },     /* CJK compatibility ideographs */
	{ 0x20000, 0x3FFFF },   /* CJK extensions B and following */
};

static bool is_word_alone(uint32_t cp)
{
	for (size_t i = 0; i < COUNT(word_each); i++)
		if (cp >= word_each[i].first && cp <= word_each[i].last)
			return true;
	return false;
}

size_t plain_text_words(struct str text)
{
	size_t words = 0, n;
	bool inside = false;

	for (size_t i = 0; i < text.len; i += n) {
		uint32_t cp;

		n = code_point(text, i, &cp);
		if (is_word_alone(cp)) {
			words++;
			inside = false;
		} else if (n == 1 && is_white(text.ptr[i])) {
			inside = false;
		} else {
			words += !inside;
			inside = true;
		}
	}
	return words;
}

uint32_t plain_text_reading_minutes(struct str text)
{
	size_t words = plain_text_words(text);

	return words == 0 ? 1 : (uint32_t)((words + WORDS_PER_MINUTE - 1) / WORDS_PER_MINUTE);
}

struct str plain_text_excerpt(struct arena *a, struct str text, size_t max)
{
	size_t end = 0, space = 0, points = 0;
	struct buf out;

	while (end < text.len && points < max) {
		uint32_t cp;

		if (is_white(text.ptr[end]))
			space = end;
		end += code_point(text, end, &cp);
		points++;
	}
	if (end < text.len && space > 0 && !is_white(text.ptr[end]))
		end = space;
	buf_init(&out, a, RENDERED_MAX_BYTES);
	for (size_t i = 0; i < end; i++)
		buf_char(&out, is_white(text.ptr[i]) ? ' ' : text.ptr[i]);
	if (end < text.len)
		BUF_LIT(&out, "…");
	return buf_str(&out);
}
