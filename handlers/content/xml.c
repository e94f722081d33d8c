#include "content/xml.h"

static const char *entity(char c)
{
	switch (c) {
	case '&': return "&amp;";
	case '<': return "&lt;";
	case '>': return "&gt;";
	case '"': return "&quot;";
	case '\r': return "&#13;";      /* a parser would make it a line feed */
	default: return NULL;
	}
}

static bool is_plain(char c)
{
	return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && entity(c) == NULL;
}

static bool is_character(struct str s, size_t length)
{
	unsigned char c = (unsigned char)s.ptr[0];

	if (length == 1)
		return c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
	return length != 3 || (memcmp(s.ptr, "\xEF\xBF\xBE", 3) != 0 &&
	    memcmp(s.ptr, "\xEF\xBF\xBF", 3) != 0);
}

/* One character that is not plain ASCII; returns its bytes. */
static size_t step(struct buf *out, struct str s)
{
	size_t length;
	bool good = str_utf8_step(s, &length);

	if (!good || !is_character(s, length))
		return length;
	if (length == 1 && entity(s.ptr[0]) != NULL)
		buf_add(out, str_of(entity(s.ptr[0])));
	else
		buf_bytes(out, s.ptr, length);
	return length;
}

void xml_text(struct buf *out, struct str text)
{
	while (text.len > 0) {
		size_t run = 0;
		while (run < text.len && is_plain(text.ptr[run]))
			run++;
		buf_bytes(out, text.ptr, run);
		text = str_from(text, run);
		if (text.len > 0)
			text = str_from(text, step(out, text));
	}
}

void xml_element(struct buf *out, const char *name, struct str text)
{
	if (text.ptr == NULL)
		return;
	buf_printf(out, "<%s>", name);
	xml_text(out, text);
	buf_printf(out, "</%s>", name);
}
