/*
 * redact: a body that may be logged (LOG_BODIES).  A member is masked when its
 * schema says secret or when its name is in the log's own table.
 */
#include "http/exchange.h"
#include "log/log.h"
#include "log/redact.h"

static bool is_secret(const struct schema *schema, struct str name)
{
	if (log_is_secret(name))
		return true;
	for (const struct field *f = schema->fields; f->name != NULL; f++)
		if (f->secret && str_eq(str_of(f->name), name))
			return true;
	return false;
}

struct redaction {
	const struct schema *schema;
	struct json_writer   w;
};

static bool write_member(void *context, struct json_member m);

/* What is not of the schema is looked into too: it is logged before it is refused.
 * The parser has bounded the depth. */
static void write_value(struct redaction *r, const struct json *v)
{
	if (json_type(v) == JSON_OBJECT) {
		json_object_open(&r->w);
		json_each(v, write_member, r);
		json_object_close(&r->w);
	} else if (json_type(v) == JSON_ARRAY) {
		json_array_open(&r->w);
		for (size_t i = 0; i < json_length(v); i++)
			write_value(r, json_at(v, i));
		json_array_close(&r->w);
	} else {
		json_put_value(&r->w, v);
	}
}

static bool write_member(void *context, struct json_member m)
{
	struct redaction *r = context;

	json_name_str(&r->w, m.name);
	if (is_secret(r->schema, m.name))
		json_put_string(&r->w, STR(REDACTED));
	else
		write_value(r, m.value);
	return true;
}

struct str redacted_body(const struct request *req)
{
	struct redaction r = { .schema = req->route->body };
	struct buf text;

	buf_init(&text, req->arena, BODY_LOGGED_MAX_BYTES);
	json_begin(&r.w, &text);
	write_value(&r, req->json);
	return buf_failed(&text) ? STR("[too long to log]") : buf_str(&text);
}
