#include "base/json_scan.h"

#define HEX_DIGITS      4       /* behind \u */

bool json_scan_fail(struct json_scan *s, const char *reason)
{
	s->reason = reason;
	return false;
}

void json_scan_space(struct json_scan *s)
{
	while (s->at < s->end &&
	    (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
		s->at++;
}

bool json_scan_take(struct json_scan *s, char c)
{
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

static struct str rest_of(const struct json_scan *s)
{
	return (struct str){ s->at, (size_t)(s->end - s->at) };
}

bool json_scan_word(struct json_scan *s, struct str word)
{
	if (!str_starts(rest_of(s), word))
		return json_scan_fail(s, "unknown word");
	s->at += word.len;
	return true;
}

/* --- strings ------------------------------------------------------------------ */

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\';
}

/* Whether eight bytes are plain, all of them: a top bit is set by a byte over 0x7f, by one
 * below 0x20, and by one that differs in nothing from a quote or a backslash.  These alone
 * borrow from the byte above, so that what plain bytes give is never set. */
static bool are_plain(const char *bytes)
{
	const uint64_t ones = UINT64_C(0x0101010101010101);
	uint64_t x;

	memcpy(&x, bytes, sizeof(x));
	return ((x | (x - ones * 0x20) | ((x ^ ones * '"') - ones) | ((x ^ ones * '\\') - ones)) &
	    ones * 0x80) == 0;
}

/* Over the bytes that stand for themselves, up to a quote or a backslash. */
static bool skip_plain(struct json_scan *s)
{
	for (;;) {
		size_t length;
		while (s->end - s->at >= 8 && are_plain(s->at))
			s->at += 8;
		while (s->at < s->end && is_plain(*s->at))
			s->at++;
		if (s->at == s->end)
			return json_scan_fail(s, "unterminated string");
		if (*s->at == '"' || *s->at == '\\')
			return true;
		if ((unsigned char)*s->at < 0x20)
			return json_scan_fail(s, "control character in a string");
		if (!str_utf8_step(rest_of(s), &length))
			return json_scan_fail(s, "invalid UTF-8");
		s->at += length;
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool take_hex(struct json_scan *s, uint32_t *out)
{
	*out = 0;
	for (int i = 0; i < HEX_DIGITS; i++) {
		int value = s->at < s->end ? hex_value(*s->at) : -1;
		if (value < 0)
			return json_scan_fail(s, "\\u without four hexadecimal digits");
		*out = *out << 4 | (uint32_t)value;
		s->at++;
	}
	return true;
}

static bool is_high_surrogate(uint32_t c) { return c >= 0xD800 && c <= 0xDBFF; }
static bool is_low_surrogate(uint32_t c) { return c >= 0xDC00 && c <= 0xDFFF; }

/* What follows \u: one code point, of one unit or of a surrogate pair. */
static bool take_code_point(struct json_scan *s, uint32_t *out)
{
	const char *start = s->at;
	uint32_t    low;

	if (!take_hex(s, out))
		return false;
	if (is_high_surrogate(*out)) {
		if (str_starts(rest_of(s), STR("\\u"))) {
			s->at += 2;
			if (!take_hex(s, &low))
				return false;
			if (is_low_surrogate(low)) {
				*out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
				return true;
			}
		}
		s->at = start;
		return json_scan_fail(s, "lone surrogate");
	}
	if (is_low_surrogate(*out)) {
		s->at = start;
		return json_scan_fail(s, "lone surrogate");
	}
	return true;
}

static void add_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_char(out, (char)c);
		return;
	}
	if (c < 0x800) {
		buf_char(out, (char)(0xC0 | c >> 6));
	} else if (c < 0x10000) {
		buf_char(out, (char)(0xE0 | c >> 12));
		buf_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
	} else {
		buf_char(out, (char)(0xF0 | c >> 18));
		buf_char(out, (char)(0x80 | (c >> 12 & 0x3F)));
		buf_char(out, (char)(0x80 | (c >> 6 & 0x3F)));
	}
	buf_char(out, (char)(0x80 | (c & 0x3F)));
}

/* What follows a backslash. */
static bool take_escape(struct json_scan *s, struct buf *out)
{
	static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	const char       *found;
	uint32_t          c;

	if (json_scan_take(s, 'u')) {
		if (!take_code_point(s, &c))
			return false;
		add_utf8(out, c);
		return true;
	}
	found = s->at == s->end ? NULL : memchr(escapes, *s->at, sizeof(escapes) - 1);
	if (found == NULL)
		return json_scan_fail(s, "unknown escape");
	buf_char(out, meanings[found - escapes]);
	s->at++;
	return true;
}

/* From the first backslash on: `run` is where the string began. */
static bool scan_escaped(struct json_scan *s, const char *run, struct buf *scratch)
{
	buf_reset(scratch);
	for (;;) {
		buf_bytes(scratch, run, (size_t)(s->at - run));
		if (json_scan_take(s, '"'))
			return !buf_failed(scratch);
		s->at++;                        /* the backslash */
		if (!take_escape(s, scratch))
			return false;
		run = s->at;
		if (!skip_plain(s))
			return false;
	}
}

bool json_scan_string(struct json_scan *s, struct buf *scratch, struct str *out)
{
	const char *start;

	if (!json_scan_take(s, '"'))
		return json_scan_fail(s, "expected a string");
	start = s->at;
	if (!skip_plain(s))
		return false;
	if (*s->at == '"') {
		*out = (struct str){ start, (size_t)(s->at - start) };
		s->at++;
		return true;
	}
	if (!scan_escaped(s, start, scratch))
		return false;
	*out = buf_str(scratch);
	return true;
}

/* --- numbers ------------------------------------------------------------------ */

/* At least one digit. */
static bool take_digits(struct json_scan *s)
{
	const char *start = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	return s->at > start || json_scan_fail(s, "expected a digit");
}

static bool take_integer(struct json_scan *s)
{
	json_scan_take(s, '-');
	if (!json_scan_take(s, '0'))
		return take_digits(s);
	if (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		return json_scan_fail(s, "leading zero");
	return true;
}

bool json_scan_number(struct json_scan *s, struct str *out, bool *integer)
{
	const char *start = s->at;

	*integer = true;
	if (!take_integer(s))
		return false;
	if (json_scan_take(s, '.')) {
		*integer = false;
		if (!take_digits(s))
			return false;
	}
	if (json_scan_take(s, 'e') || json_scan_take(s, 'E')) {
		*integer = false;
		if (!json_scan_take(s, '+'))
			json_scan_take(s, '-');
		if (!take_digits(s))
			return false;
	}
	*out = (struct str){ start, (size_t)(s->at - start) };
	return true;
}
