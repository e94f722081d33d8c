#include "http/form.h"

#include "base/buf.h"
#include "base/limits.h"
#include "http/path.h"

#define DEPTH_MAX 1

static enum field_type type_of(const struct schema *s, struct str name)
{
	for (const struct field *f = s->fields; f->name != NULL; f++)
		if (str_eq(str_of(f->name), name))
			return f->type;
	return FIELD_STRING;
}

/* What does not read like its type stays text, and the schema says what is wrong. */
static void put_value(struct json_writer *w, enum field_type type, struct str value)
{
	int64_t n;

	if (type == FIELD_INT && str_to_i64(value, &n))
		json_put_int(w, n);
	else if (type == FIELD_BOOL && str_eq(value, STR("true")))
		json_put_bool(w, true);
	else if (type == FIELD_BOOL && str_eq(value, STR("false")))
		json_put_bool(w, false);
	else
		json_put_string(w, value);
}

enum err form_to_json(struct arena *a, const struct schema *s, struct str body,
    const struct json **out, const char **reason)
{
	struct path_parameter list[QUERY_PARAMS_MAX];
	struct json_error     error;
	struct json_writer    w;
	struct buf            text;
	size_t                n = 0;
	enum err              e = form_parse(a, body, list, COUNT(list), &n, reason);

	if (e != OK)
		return ERR_INVALID;
	/* Escaped, a byte takes six at most. */
	buf_init(&text, a, 6 * body.len + QUERY_PARAMS_MAX * sizeof("\"\":,") + sizeof("{}"));
	json_begin(&w, &text);
	json_object_open(&w);
	for (size_t i = 0; i < n; i++) {
		if (list[i].value.len == 0)
			continue;
		json_name_str(&w, list[i].name);
		put_value(&w, type_of(s, list[i].name), list[i].value);
	}
	json_object_close(&w);
	if (buf_failed(&text))
		return ERR_NO_MEMORY;
	return json_parse(a, buf_str(&text), DEPTH_MAX, out, &error) == OK ? OK : ERR_NO_MEMORY;
}
