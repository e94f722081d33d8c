/*
 * A body of any bytes against a schema with every type of field: what is JSON is
 * written as the same JSON, and every error has a pointer and a text of its own.
 */
#include <stdlib.h>

#include "base/limits.h"
#include "http/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const choices[] = { "draft", "published", NULL };

static const struct field inner_fields[] = {
	{ .name = "label", .type = FIELD_STRING, .required = true, .min = 1 },
	{ .name = "a/b~c", .type = FIELD_NUMBER, .min = -1, .max = 1 },
	{ 0 },
};
static const struct schema inner = { "Inner", inner_fields, false };

static const struct field fields[] = {
	{ .name = "string", .type = FIELD_STRING, .required = true, .min = 1, .max = 8 },
	{ .name = "text", .type = FIELD_TEXT, .nullable = true },
	{ .name = "int", .type = FIELD_INT, .min = -5, .max = 5 },
	{ .name = "number", .type = FIELD_NUMBER },
	{ .name = "bool", .type = FIELD_BOOL },
	{ .name = "enum", .type = FIELD_ENUM, .choices = choices },
	{ .name = "slug", .type = FIELD_SLUG },
	{ .name = "uuid", .type = FIELD_UUID },
	{ .name = "url", .type = FIELD_URL },
	{ .name = "email", .type = FIELD_EMAIL },
	{ .name = "date", .type = FIELD_DATE },
	{ .name = "time", .type = FIELD_TIME },
	{ .name = "object", .type = FIELD_OBJECT, .object = &inner },
	{ .name = "any", .type = FIELD_ANY },
	{ .name = "list", .type = FIELD_STRING, .list = true, .max_items = 4 },
	{ .name = "objects", .type = FIELD_OBJECT, .object = &inner, .list = true },
	{ .name = "id", .type = FIELD_UUID, .read_only = true },
	{ 0 },
};
static const struct schema every_type = { "EveryType", fields, false };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_error(const struct field_error *e)
{
	require(e->pointer.len == 0 || e->pointer.ptr[0] == '/');
	for (size_t i = 0; i < e->pointer.len; i++)
		if (e->pointer.ptr[i] == '~')
			require(i + 1 < e->pointer.len &&
			    (e->pointer.ptr[i + 1] == '0' || e->pointer.ptr[i + 1] == '1'));
	require(str_is_utf8(e->pointer));
	require(e->detail.len > 0 && !str_has_control(e->detail) && str_is_utf8(e->detail));
}

static size_t check_mode(struct arena *a, enum schema_mode mode, const struct json *document)
{
	struct field_errors errors;

	field_errors_init(&errors, a);
	schema_check(&every_type, mode, document, &errors);
	for (size_t i = 0; i < errors.count && i < FIELD_ERRORS_MAX; i++)
		check_error(&errors.list[i]);
	return errors.count;
}

static void check_round_trip(struct arena *a, const struct json *document)
{
	const struct json *again;
	struct json_error error = { 0 };
	struct buf first, second;

	buf_init(&first, a, 64u << 20);
	buf_init(&second, a, 64u << 20);
	json_write(&first, document);
	require(json_parse(a, buf_str(&first), JSON_DEPTH_MAX, &again, &error) == OK);
	json_write(&second, again);
	require(str_eq(buf_str(&first), buf_str(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { size == 0 ? "" : (const char *)data, size };
	const struct json *document;
	struct json_error error = { 0 };
	struct field_errors errors;
	struct arena a;

	arena_init(&a, 256u << 20);
	if (json_parse(&a, text, JSON_DEPTH_MAX, &document, &error) == OK) {
		/* A patch may leave out what a whole document must have, and no more. */
		size_t patch = check_mode(&a, SCHEMA_PATCH, document);
		require(check_mode(&a, SCHEMA_WHOLE, document) >= patch);
		check_round_trip(&a, document);
	} else {
		require(error.reason != NULL && error.line > 0 && error.column > 0);
	}
	field_errors_init(&errors, &a);
	for (const struct field *f = fields; f->name != NULL; f++)
		schema_check_text(f, text, STR("/f"), &errors);
	for (size_t i = 0; i < errors.count && i < FIELD_ERRORS_MAX; i++)
		check_error(&errors.list[i]);
	arena_clean(&a);
	return 0;
}
