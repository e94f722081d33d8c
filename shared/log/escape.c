#include "log/escape.h"

#include <string.h>

#include "log/redact.h"

/* Bytes of the UTF-8 sequence at the start of `s` (RFC 3629); 0: none. */
static size_t sequence_length(struct str s)
{
	uint8_t lead = (uint8_t)s.ptr[0];
	size_t n = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;

	return n <= s.len && str_is_utf8(str_first(s, n)) ? n : 0;
}

static size_t escape_byte(char *out, char c)
{
	static const char digits[] = "0123456789abcdef";
	static const char letters[] = "btn\0fr";        /* 0x08 to 0x0D */
	uint8_t byte = (uint8_t)c;

	out[0] = '\\';
	if (c == '"' || c == '\\') {
		out[1] = c;
		return 2;
	}
	if (byte >= 0x08 && byte <= 0x0D && byte != 0x0B) {
		out[1] = letters[byte - 0x08];
		return 2;
	}
	memcpy(out + 1, "u00", 3);
	out[4] = digits[byte >> 4];
	out[5] = digits[byte & 15];
	return 6;
}

/* What stands for the first byte or sequence of `s`; *taken says how much of
 * `s` it stands for.  Returns its length, at most sizeof(REDACTED) - 1. */
static size_t encode_step(char out[sizeof(REDACTED)], struct str s, size_t *taken)
{
	static const char replacement[] = "\xEF\xBF\xBD";       /* U+FFFD */
	uint8_t byte = (uint8_t)s.ptr[0];

	*taken = 1;
	if (byte >= 0x80) {
		size_t n = sequence_length(s);
		*taken = n == 0 ? 1 : n;
		memcpy(out, n == 0 ? replacement : s.ptr, n == 0 ? 3 : n);
		return n == 0 ? 3 : n;
	}
	size_t secret = byte == 'q' || byte == 'e' ? redact_length(s) : 0;
	if (secret != 0) {
		*taken = secret;
		memcpy(out, REDACTED, sizeof(REDACTED) - 1);
		return sizeof(REDACTED) - 1;
	}
	if (byte == '"' || byte == '\\' || byte < 0x20 || byte == 0x7F)
		return escape_byte(out, s.ptr[0]);
	out[0] = s.ptr[0];
	return 1;
}

/* Bytes that stand for themselves: neither escaped, nor part of a sequence, nor
 * the first letter of a key (qv_…) or a token (eyJ…).  A table, since every byte
 * that is logged passes through it. */
static const bool is_plain[256] = {
	[' ' ... '!'] = true, ['#' ... '['] = true, [']' ... 'd'] = true,
	['f' ... 'p'] = true, ['r' ... '~'] = true,
};

static size_t plain_run(struct str s, size_t most)
{
	size_t n = 0, end = s.len < most ? s.len : most;

	for (; n < end; n++) {
		char c = s.ptr[n];
		if (is_plain[(uint8_t)c])
			continue;
		if ((c != 'e' && c != 'q') || n + 1 == s.len ||
		    s.ptr[n + 1] == (c == 'e' ? 'y' : 'v'))
			break;
	}
	return n;
}

size_t log_escape(char *out, size_t bound, struct str value, bool *cut)
{
	size_t len = 0;

	while (value.len > 0) {
		size_t run = plain_run(value, bound - len);
		memcpy(out + len, value.ptr, run);
		len += run;
		value = str_from(value, run);
		if (value.len == 0)
			break;
		char step[sizeof(REDACTED)];
		size_t taken, n = encode_step(step, value, &taken);
		if (n > bound - len) {
			*cut = true;
			break;
		}
		memcpy(out + len, step, n);
		len += n;
		value = str_from(value, taken);
	}
	return len;
}

struct str log_whole_sequences(struct str s)
{
	size_t back = 1;

	while (back < s.len && back < 4 && ((uint8_t)s.ptr[s.len - back] & 0xC0) == 0x80)
		back++;
	if (back <= s.len && (uint8_t)s.ptr[s.len - back] >= 0xC0 &&
	    sequence_length(str_from(s, s.len - back)) == 0)
		s.len -= back;
	return s;
}
