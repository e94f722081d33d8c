/*
 * redact: a body that may be logged (LOG_BODIES).  A member is masked when its
 * schema says secret or when its name is in the log's own table.
 */
#include "http/exchange.h"
#include "log/log.h"

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

static bool write_member(void *context, struct json_member m)
{
	struct redaction *r = context;

	json_name_str(&r->w, m.name);
	if (is_secret(r->schema, m.name))
		json_put_string(&r->w, STR("[redacted]"));
	else
		json_put_value(&r->w, m.value);
	return true;
}

struct str redacted_body(const struct request *req)
{
	struct redaction r = { .schema = req->route->body };
	struct buf text;

	buf_init(&text, req->arena, BODY_LOGGED_MAX_BYTES);
	json_begin(&r.w, &text);
	json_object_open(&r.w);
	json_each(req->json, write_member, &r);
	json_object_close(&r.w);
	return buf_failed(&text) ? STR("[too long to log]") : buf_str(&text);
}
