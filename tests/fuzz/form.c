/*
 * A form of any bytes (application/x-www-form-urlencoded) as the object that a schema is
 * checked against: each of its names once, text as it was or what reads like the field's
 * type, nothing that is not in the form; and the same form again gives the same.
 */
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "http/form.h"
#include "http/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const choices[] = { "allow", "deny", NULL };

static const struct field fields[] = {
	{ .name = "code", .type = FIELD_STRING, .required = true, .min = 1, .max = 64 },
	{ .name = "text", .type = FIELD_TEXT, .nullable = true },
	{ .name = "number", .type = FIELD_INT, .min = -5, .max = 5 },
	{ .name = "yes", .type = FIELD_BOOL },
	{ .name = "decision", .type = FIELD_ENUM, .choices = choices },
	{ .name = "email", .type = FIELD_EMAIL },
	{ 0 },
};
static const struct schema schema = { "Form", fields, false };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_value(const struct path_parameter *p, const struct json *value)
{
	int64_t n;

	switch (json_type(value)) {
	case JSON_STRING:
		require(str_eq(json_string(value), p->value));
		break;
	case JSON_INT:
		require(str_eq(p->name, STR("number")) && str_to_i64(p->value, &n) &&
		    n == json_int(value));
		break;
	case JSON_BOOL:
		require(str_eq(p->name, STR("yes")) &&
		    str_eq(p->value, json_bool(value) ? STR("true") : STR("false")));
		break;
	default:
		abort();
	}
}

static void check_object(struct arena *a, struct str form, const struct json *object)
{
	struct path_parameter list[QUERY_PARAMS_MAX];
	const char           *reason;
	size_t                n = 0, given = 0;

	require(form_parse(a, form, list, COUNT(list), &n, &reason) == OK);
	for (size_t i = 0; i < n; i++) {
		if (list[i].value.len == 0)
			continue;
		given++;
		check_value(&list[i], json_get(object, list[i].name));
	}
	require(json_type(object) == JSON_OBJECT && json_length(object) == given);
}

static struct str text_of(struct arena *a, const struct json *object)
{
	struct buf out;

	buf_init(&out, a, 8u << 20);
	json_write(&out, object);
	require(!buf_failed(&out));
	return buf_str(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str          form = { size == 0 ? "" : (const char *)data, size };
	const struct json  *object, *again;
	const char         *reason = NULL;
	struct field_errors errors;
	struct arena        a;
	enum err            e;

	arena_init(&a, 64u << 20);
	e = form_to_json(&a, &schema, form, &object, &reason);
	if (e == OK) {
		check_object(&a, form, object);
		require(form_to_json(&a, &schema, form, &again, &reason) == OK &&
		    str_eq(text_of(&a, object), text_of(&a, again)));
		field_errors_init(&errors, &a);
		schema_check(&schema, SCHEMA_WHOLE, object, &errors);
	} else {
		require(e == ERR_INVALID && reason != NULL && reason[0] != '\0');
	}
	arena_clean(&a);
	return 0;
}
