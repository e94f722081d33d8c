#include "net/form.h"

static bool is_unreserved(char c)
{
	char low = (char)(c | 0x20);

	return (c >= '0' && c <= '9') || (low >= 'a' && low <= 'z') ||
	    c == '-' || c == '.' || c == '_' || c == '~';
}

void form_escape(struct buf *out, struct str text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		if (is_unreserved(text.ptr[i])) {
			buf_char(out, text.ptr[i]);
			continue;
		}
		buf_char(out, '%');
		buf_char(out, digits[c >> 4]);
		buf_char(out, digits[c & 15]);
	}
}

void form_add(struct buf *out, const char *name, struct str value)
{
	if (value.ptr == NULL)
		return;
	if (out->len > 0)
		buf_char(out, '&');
	form_escape(out, str_of(name));
	buf_char(out, '=');
	form_escape(out, value);
}
