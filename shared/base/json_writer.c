/* The streaming half of json.h: no tree, no json-c. */
#include "base/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

void json_begin(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){ .out = out };
}

void json_end(struct json_writer *w)
{
	assert(w->depth == 0);
	(void)w;
}

/* Before each value: the comma that divides it from the one before. */
static void separate(struct json_writer *w)
{
	if (w->comma)
		buf_char(w->out, ',');
	w->comma = true;
}

static void container_open(struct json_writer *w, char bracket)
{
	separate(w);
	buf_char(w->out, bracket);
	w->depth++;
	w->comma = false;
}

static void container_close(struct json_writer *w, char bracket)
{
	assert(w->depth > 0);
	buf_char(w->out, bracket);
	w->depth--;
	w->comma = true;
}

void json_object_open(struct json_writer *w)
{
	container_open(w, '{');
}

void json_object_close(struct json_writer *w)
{
	container_close(w, '}');
}

void json_array_open(struct json_writer *w)
{
	container_open(w, '[');
}

void json_array_close(struct json_writer *w)
{
	container_close(w, ']');
}

void json_name_str(struct json_writer *w, struct str name)
{
	separate(w);
	json_escape(w->out, name);
	buf_char(w->out, ':');
	w->comma = false;
}

void json_name(struct json_writer *w, const char *name)
{
	json_name_str(w, str_of(name));
}

void json_put_string(struct json_writer *w, struct str s)
{
	if (s.ptr == NULL) {
		json_put_null(w);
		return;
	}
	separate(w);
	json_escape(w->out, s);
}

void json_put_int(struct json_writer *w, int64_t n)
{
	separate(w);
	buf_i64(w->out, n);
}

void json_put_u64(struct json_writer *w, uint64_t n)
{
	separate(w);
	buf_u64(w->out, n);
}

/* The shortest of 15 to 17 digits that reads back as the same number. */
void json_put_double(struct json_writer *w, double n)
{
	char text[32];
	int  digits = 15;

	if (!isfinite(n)) {
		json_put_null(w);
		return;
	}
	do {
		snprintf(text, sizeof(text), "%.*g", digits, n);
	} while (strtod(text, NULL) != n && ++digits <= 17);
	json_put_raw(w, str_of(text));
}

void json_put_bool(struct json_writer *w, bool b)
{
	json_put_raw(w, b ? STR("true") : STR("false"));
}

void json_put_null(struct json_writer *w)
{
	json_put_raw(w, STR("null"));
}

void json_put_raw(struct json_writer *w, struct str text)
{
	separate(w);
	buf_add(w->out, text);
}

void json_member_string(struct json_writer *w, const char *name, struct str s)
{
	json_name(w, name);
	json_put_string(w, s);
}

void json_member_int(struct json_writer *w, const char *name, int64_t n)
{
	json_name(w, name);
	json_put_int(w, n);
}

void json_member_bool(struct json_writer *w, const char *name, bool b)
{
	json_name(w, name);
	json_put_bool(w, b);
}

/* --- strings ------------------------------------------------------------------ */

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x7F && c != '"' && c != '\\';
}

static void escape_ascii(struct buf *out, char c)
{
	static const char *const short_forms[] = {
		['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r",
		['"'] = "\\\"", ['\\'] = "\\\\",
	};
	unsigned char byte = (unsigned char)c;
	char          hex[3];

	if (byte < COUNT(short_forms) && short_forms[byte] != NULL) {
		buf_add(out, str_of(short_forms[byte]));
		return;
	}
	snprintf(hex, sizeof(hex), "%02x", byte);
	BUF_LIT(out, "\\u00");
	buf_bytes(out, hex, 2);
}

/* One character that is not plain ASCII; returns its bytes. */
static size_t escape_step(struct buf *out, struct str s)
{
	size_t length;
	bool   good = str_utf8_step(s, &length);

	if (!good)
		BUF_LIT(out, "\xEF\xBF\xBD");           /* U+FFFD */
	else if (length > 1)
		buf_bytes(out, s.ptr, length);
	else
		escape_ascii(out, s.ptr[0]);
	return length;
}

void json_escape(struct buf *out, struct str s)
{
	buf_char(out, '"');
	while (s.len > 0) {
		size_t run = 0;
		while (run < s.len && is_plain(s.ptr[run]))
			run++;
		buf_bytes(out, s.ptr, run);
		s = str_from(s, run);
		if (s.len > 0)
			s = str_from(s, escape_step(out, s));
	}
	buf_char(out, '"');
}
