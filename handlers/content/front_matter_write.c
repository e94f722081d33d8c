#include "content/front_matter.h"

/* What YAML's double-quoted style does not take as it stands: what is not
 * printable (1.2, 5.1), and the line ends that it would fold (1.1 counts more of
 * them, and libyaml reads 1.1). */
static const struct {
	uint32_t first, last;
} escaped[] = {
	{ 0x00, 0x1F },
	{ 0x22, 0x22 },         /* " */
	{ 0x5C, 0x5C },         /* \ */
	{ 0x7F, 0x9F },
	{ 0x2028, 0x2029 },     /* line and paragraph separator */
	{ 0xFEFF, 0xFEFF },     /* byte order mark */
	{ 0xFFFE, 0xFFFF },
};

static bool is_escaped(uint32_t cp)
{
	for (size_t i = 0; i < COUNT(escaped); i++)
		if (cp >= escaped[i].first && cp <= escaped[i].last)
			return true;
	return false;
}

/* One code point of well-formed UTF-8, as every string of a document is. */
static size_t decode(struct str s, uint32_t *cp)
{
	unsigned char c = (unsigned char)s.ptr[0];
	size_t n = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 1;

	*cp = n == 1 ? c : c & (0x7Fu >> n);
	for (size_t i = 1; i < n && i < s.len; i++)
		*cp = *cp << 6 | ((unsigned char)s.ptr[i] & 0x3F);
	return n;
}

static void write_string(struct buf *out, struct str s)
{
	size_t n;

	buf_char(out, '"');
	for (size_t i = 0; i < s.len; i += n) {
		uint32_t cp;

		n = decode(str_from(s, i), &cp);
		if (!is_escaped(cp))
			buf_add(out, str_first(str_from(s, i), n));
		else if (cp == '\n')
			BUF_LIT(out, "\\n");
		else if (cp == '"' || cp == '\\')
			buf_printf(out, "\\%c", (char)cp);
		else
			buf_printf(out, "\\u%04x", cp);
	}
	buf_char(out, '"');
}

static void write_value(struct buf *out, const struct json *v);

static void write_array(struct buf *out, const struct json *array)
{
	buf_char(out, '[');
	for (size_t i = 0; i < json_length(array); i++) {
		if (i > 0)
			BUF_LIT(out, ", ");
		write_value(out, json_at(array, i));
	}
	buf_char(out, ']');
}

static bool write_inner_member(void *context, struct json_member member)
{
	struct buf *out = context;

	if (out->len > 0 && out->ptr[out->len - 1] != '{')
		BUF_LIT(out, ", ");
	write_string(out, member.name);
	BUF_LIT(out, ": ");
	write_value(out, member.value);
	return true;
}

/* Depth is bounded by the parser that made the document. */
static void write_value(struct buf *out, const struct json *v)
{
	switch (json_type(v)) {
	case JSON_STRING: write_string(out, json_string(v)); break;
	case JSON_ARRAY: write_array(out, v); break;
	case JSON_OBJECT:
		buf_char(out, '{');
		json_each(v, write_inner_member, out);
		buf_char(out, '}');
		break;
	case JSON_NULL:
	case JSON_BOOL:
	case JSON_INT:
	case JSON_DOUBLE: json_write(out, v); break;
	}
}

/* Names such as the API's need no quotes. */
static bool is_plain_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++)
		if (name.ptr[i] != '_' && (name.ptr[i] < 'a' || name.ptr[i] > 'z'))
			return false;
	return name.len > 2;
}

static bool write_member(void *context, struct json_member member)
{
	struct buf *out = context;

	if (is_plain_name(member.name))
		buf_add(out, member.name);
	else
		write_string(out, member.name);
	BUF_LIT(out, ": ");
	write_value(out, member.value);
	buf_char(out, '\n');
	return true;
}

void front_matter_write(struct buf *out, const struct json *document, struct str body)
{
	BUF_LIT(out, "---\n");
	json_each(document, write_member, out);
	BUF_LIT(out, "---\n\n");
	buf_add(out, body);
}
