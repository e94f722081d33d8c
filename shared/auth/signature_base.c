/* What is signed: a line for each component (RFC 9421, sections 2 and 2.5). */
#include "auth/signature.h"

#include "base/crypto.h"

struct builder {
	struct arena                   *arena;
	const struct signature_message *message;
	struct buf                      out;
	const char                     *reason;
};

static enum err refuse(struct builder *b, const char *why)
{
	b->reason = why;
	return ERR_INVALID;
}

/* --- header fields (section 2.1) ---------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* One line's value without the space around it, and with each obs-fold (RFC 9112, 5.2)
 * as one space.  False: it has a line break that is none, or another control byte. */
static bool unfold(struct str value, struct buf *out)
{
	value = str_trim(value);
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		if (c != '\r' && c != '\n') {
			if ((unsigned char)c < 0x20 && c != '\t')
				return false;
			buf_char(out, c);
			continue;
		}
		if (c == '\r' && value.ptr[i + 1] != '\n')      /* trimmed: never the last */
			return false;
		i += c == '\r';
		if (!is_blank(value.ptr[i + 1]))
			return false;
		while (is_blank(value.ptr[i + 1]))
			i++;
		while (out->len > 0 && is_blank(out->ptr[out->len - 1]))
			buf_truncate(out, out->len - 1);
		buf_char(out, ' ');
	}
	return true;
}

/* All lines of a field, each by `add`, with ", " between them. */
static enum err join_lines(struct builder *b, struct str name, struct buf *out,
    enum err (*add)(struct builder *, struct str value, struct buf *out))
{
	bool found = false;

	for (size_t i = 0; i < b->message->n_headers; i++) {
		if (!str_eq_nocase(b->message->headers[i].name, name))
			continue;
		if (found)
			BUF_LIT(out, ", ");
		found = true;
		enum err e = add(b, b->message->headers[i].value, out);
		if (e != OK)
			return e;
	}
	return found ? OK : refuse(b, "missing_component");
}

static enum err add_text(struct builder *b, struct str value, struct buf *out)
{
	struct buf line;

	buf_init(&line, b->arena, SIGNATURE_BASE_MAX_BYTES);
	if (!unfold(value, &line))
		return refuse(b, "bad_header_value");
	for (size_t i = 0; i < line.len; i++)
		if ((unsigned char)line.ptr[i] >= 0x7F)
			return refuse(b, "bad_header_value");
	out->failed |= line.failed;
	buf_add(out, buf_str(&line));
	return OK;
}

static enum err add_bytes(struct builder *b, struct str value, struct buf *out)
{
	struct buf line;

	buf_init(&line, b->arena, SIGNATURE_BASE_MAX_BYTES);
	if (!unfold(value, &line))
		return refuse(b, "bad_header_value");
	out->failed |= line.failed;
	buf_char(out, ':');
	crypto_base64_add(out, buf_str(&line));
	buf_char(out, ':');
	return OK;
}

/* ";key": the member of a dictionary.  ";sf": the whole in its canonical form; which of
 * the forms a field has is told by reading it, since a list of plain items reads the
 * same as a dictionary that repeats none. */
static enum err add_structured(struct builder *b, struct str name, const struct sf_value *key)
{
	struct sf_members members;
	struct buf        text;

	buf_init(&text, b->arena, SIGNATURE_BASE_MAX_BYTES);
	enum err e = join_lines(b, name, &text, add_text);
	if (e != OK)
		return e;
	if (key == NULL && sf_read_list(b->arena, buf_str(&text), &members) == OK) {
		sf_write_list(&b->out, &members);
		return OK;
	}
	if (sf_read_dictionary(b->arena, buf_str(&text), &members) != OK)
		return refuse(b, "not_structured");
	if (key == NULL) {
		sf_write_dictionary(&b->out, &members);
		return OK;
	}
	const struct sf_member *m = sf_member(&members, key->text);
	if (m == NULL)
		return refuse(b, "missing_component");
	sf_write_member(&b->out, m);
	return OK;
}

static bool is_field_name(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
		if (!good)
			return false;
	}
	return name.len > 0;
}

static enum err add_field(struct builder *b, const struct sf_item *component)
{
	const struct sf_parameters *p = &component->parameters;
	struct str                  name = component->value.text;

	if (!is_field_name(name))
		return refuse(b, "unknown_component");
	if (p->count == 0)
		return join_lines(b, name, &b->out, add_text);
	if (p->count > 1)
		return refuse(b, "unknown_parameter");
	const struct sf_value *v = &p->list[0].value;
	bool                   flag = v->kind == SF_BOOLEAN && v->number == 1;
	if (str_eq(p->list[0].key, STR("bs")) && flag)
		return join_lines(b, name, &b->out, add_bytes);
	if (str_eq(p->list[0].key, STR("sf")) && flag)
		return add_structured(b, name, NULL);
	if (str_eq(p->list[0].key, STR("key")) && v->kind == SF_STRING)
		return add_structured(b, name, v);
	return refuse(b, "unknown_parameter");
}

/* --- derived components (section 2.2) ------------------------------------------------ */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Decodes as a form's (URL Standard, 5.1) and encodes again with the set of forms,
 * where a space is "%20" and not "+". */
static void recode(struct str s, struct buf *out)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = s.ptr[i] == '+' ? ' ' : (unsigned char)s.ptr[i];
		if (c == '%' && i + 2 < s.len && hex_value(s.ptr[i + 1]) >= 0 &&
		    hex_value(s.ptr[i + 2]) >= 0) {
			c = (unsigned char)(hex_value(s.ptr[i + 1]) << 4 | hex_value(s.ptr[i + 2]));
			i += 2;
		}
		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '*' || c == '-' || c == '.' || c == '_')
			buf_char(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

/* One that comes twice must not be covered (section 2.2.8). */
static enum err add_query_param(struct builder *b, const struct sf_item *component)
{
	const struct sf_parameters *p = &component->parameters;
	struct str                  rest = str_from(b->message->query, 1);
	struct buf                  name;
	bool                        found = false;

	if (p->count != 1 || !str_eq(p->list[0].key, STR("name")) ||
	    p->list[0].value.kind != SF_STRING)
		return refuse(b, "unknown_parameter");
	buf_init(&name, b->arena, SIGNATURE_BASE_MAX_BYTES);
	while (rest.ptr != NULL) {
		struct str value = str_cut(&rest, '&');
		if (value.len == 0)
			continue;
		buf_reset(&name);
		recode(str_cut(&value, '='), &name);
		if (!str_eq(buf_str(&name), p->list[0].value.text))
			continue;
		if (found)
			return refuse(b, "repeated_query_parameter");
		found = true;
		recode(value, &b->out);
	}
	return found ? OK : refuse(b, "missing_component");
}

static struct str method_of(const struct signature_message *m) { return m->method; }
static struct str target_uri_of(const struct signature_message *m) { return m->target_uri; }
static struct str authority_of(const struct signature_message *m) { return m->authority; }
static struct str scheme_of(const struct signature_message *m) { return m->scheme; }
static struct str request_target_of(const struct signature_message *m) { return m->request_target; }
static struct str path_of(const struct signature_message *m) { return m->path; }

static struct str query_of(const struct signature_message *m)
{
	return m->query.ptr == NULL ? STR("?") : m->query;
}

/* Of a request; "@status" is a reply's. */
static const struct {
	const char *name;
	struct str (*value)(const struct signature_message *);
} derived[] = {
	{ "@method", method_of },
	{ "@target-uri", target_uri_of },
	{ "@authority", authority_of },
	{ "@scheme", scheme_of },
	{ "@request-target", request_target_of },
	{ "@path", path_of },
	{ "@query", query_of },
};

static enum err add_derived(struct builder *b, const struct sf_item *component)
{
	struct str name = component->value.text;

	if (str_eq(name, STR("@query-param")))
		return add_query_param(b, component);
	for (size_t i = 0; i < COUNT(derived); i++) {
		if (!str_eq(name, str_of(derived[i].name)))
			continue;
		if (component->parameters.count > 0)
			return refuse(b, "unknown_parameter");
		buf_add(&b->out, derived[i].value(b->message));
		return OK;
	}
	return refuse(b, "unknown_component");
}

enum err signature_base(struct arena *a, const struct signature_message *m,
    const struct signature *s, struct str *out, const char **reason)
{
	struct builder b = { .arena = a, .message = m };

	buf_init(&b.out, a, SIGNATURE_BASE_MAX_BYTES);
	for (size_t i = 0; i < s->input->n_inner; i++) {
		const struct sf_item *component = &s->input->inner[i];

		sf_write_item(&b.out, component);
		BUF_LIT(&b.out, ": ");
		enum err e = str_starts(component->value.text, STR("@")) ?
		    add_derived(&b, component) : add_field(&b, component);
		if (e != OK) {
			*reason = b.reason;
			return e;
		}
		buf_char(&b.out, '\n');
	}
	BUF_LIT(&b.out, "\"@signature-params\": ");
	sf_write_member(&b.out, s->input);
	if (buf_failed(&b.out)) {
		*reason = "too_large";
		return ERR_TOO_LARGE;
	}
	*out = buf_str(&b.out);
	return OK;
}
