#include "content/import_field.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/time.h"
#include "content/import_date.h"

enum err import_fail(struct import_mapping *m, const char *field, const char *fmt, ...)
{
	va_list args;

	snprintf(m->error->field, sizeof(m->error->field), "%s", field);
	va_start(args, fmt);
	vsnprintf(m->error->reason, sizeof(m->error->reason), fmt, args);
	va_end(args);
	return ERR_INVALID;
}

/* --- looking --------------------------------------------------------------- */

const struct json *import_find(const struct import_mapping *m, const char *path)
{
	return import_value_find(m->file->document, path);
}

bool import_is_blank(const struct json *v)
{
	return v == NULL || json_type(v) == JSON_NULL ||
	    (json_type(v) == JSON_STRING && str_is_empty(str_trim(json_string(v))));
}

const struct json *import_own(const struct import_mapping *m, const struct import_field *f)
{
	return json_get(m->file->document, str_of(f->name));
}

const struct json *import_own_or_other(struct import_mapping *m, const struct import_field *f,
    bool (*fits)(const struct json *v), const char **path)
{
	const struct json *v = import_own(m, f);

	*path = f->name;
	if (v != NULL)
		return v;
	for (size_t i = 0; i < IMPORT_OTHER_NAMES_MAX && f->others[i] != NULL; i++) {
		*path = f->others[i];
		v = import_find(m, *path);
		if (!import_is_blank(v) && fits(v))
			return v;
	}
	return NULL;
}

bool import_is_scalar(const struct json *v)
{
	return json_type(v) != JSON_ARRAY && json_type(v) != JSON_OBJECT;
}

static bool is_string(const struct json *v)
{
	return json_type(v) == JSON_STRING;
}

static bool is_any(const struct json *v)
{
	return v != NULL;
}

static enum err check_text(struct import_mapping *m, const char *field, struct str text)
{
	if (str_index(text, '\0') < text.len)
		return import_fail(m, field, "%s has a NUL in it", field);
	return OK;
}

enum err import_put_string(struct import_mapping *m, const char *field, struct str text)
{
	enum err e = check_text(m, field, text);

	if (e == OK)
		json_member_string(&m->json, field, text);
	return e;
}

/* --- one kind of value each ------------------------------------------------ */

static enum err put_text_of(struct import_mapping *m, const struct import_field *f,
    const struct json *v)
{
	struct str text;

	if (v == NULL || json_type(v) == JSON_NULL)
		return OK;
	if (!import_value_text(m->arena, v, &text))
		return import_fail(m, f->name, "%s is a list or a mapping, not a text", f->name);
	/* What a generator's template leaves empty says nothing. */
	return str_is_empty(text) ? OK : import_put_string(m, f->name, text);
}

enum err import_put_text(struct import_mapping *m, const struct import_field *f)
{
	const char *path;

	return put_text_of(m, f, import_own_or_other(m, f, import_is_scalar, &path));
}

static bool is_web_address(const struct json *v)
{
	struct str text = json_string(v);

	return str_starts(text, STR("http://")) || str_starts(text, STR("https://"));
}

enum err import_put_address(struct import_mapping *m, const struct import_field *f)
{
	const char *path;

	return put_text_of(m, f, import_own_or_other(m, f, is_web_address, &path));
}

enum err import_put_flag(struct import_mapping *m, const struct import_field *f)
{
	const char *path;
	const struct json *v = import_own_or_other(m, f, import_is_scalar, &path);

	if (v == NULL || json_type(v) == JSON_NULL)
		return OK;
	if (!import_value_is_true(v) && !import_value_is_false(v))
		return import_fail(m, f->name, "%s is neither true nor false", path);
	json_member_bool(&m->json, f->name, import_value_is_true(v));
	return OK;
}

enum err import_find_time(struct import_mapping *m, const struct import_field *f, int64_t *ms,
    bool *found)
{
	const char *path;
	const struct json *v = import_own_or_other(m, f, is_string, &path);

	*found = v != NULL && !import_is_blank(v);
	if (!*found)
		return OK;
	if (json_type(v) != JSON_STRING || !import_date_parse(json_string(v), ms))
		return import_fail(m, f->name, "%s is no date such as 2026-01-31 or "
		    "2026-01-31T10:00:00Z", path);
	return OK;
}

enum err import_put_date(struct import_mapping *m, const struct import_field *f)
{
	char text[TIME_DATE_SIZE] = "";
	bool found = false;
	int64_t ms = 0;
	enum err e = import_find_time(m, f, &ms, &found);

	if (e != OK || !found)
		return e;
	time_to_date(ms, text);
	return import_put_string(m, f->name, str_of(text));
}

/* Jekyll takes these as words, too. */
static bool splits_at_spaces(const char *path)
{
	return strcmp(path, "tags") == 0 || strcmp(path, "categories") == 0;
}

enum err import_find_list(struct import_mapping *m, const struct import_field *f,
    struct import_list *list)
{
	const char *path;
	const struct json *v = import_own_or_other(m, f, is_any, &path);

	if (v == NULL || json_type(v) == JSON_NULL)
		return OK;
	if (!import_value_list(m->arena, v, splits_at_spaces(path), list))
		return import_fail(m, f->name, "%s is no list of texts", path);
	return OK;
}

enum err import_put_list_items(struct import_mapping *m, const struct import_field *f,
    const struct import_list *list)
{
	if (list->overflow) {
		import_fail(m, f->name, "%s has over %d members", f->name, IMPORT_LIST_MAX);
		return ERR_TOO_LARGE;
	}
	json_name(&m->json, f->name);
	json_array_open(&m->json);
	for (size_t i = 0; i < list->count; i++) {
		enum err e = check_text(m, f->name, list->items[i]);

		if (e != OK)
			return e;
		json_put_string(&m->json, list->items[i]);
	}
	json_array_close(&m->json);
	return OK;
}

enum err import_put_list(struct import_mapping *m, const struct import_field *f)
{
	struct import_list *list = ARENA_NEW(m->arena, struct import_list);
	enum err e = import_find_list(m, f, list);

	if (e != OK || (list->count == 0 && import_is_blank(import_own(m, f))))
		return e;
	return import_put_list_items(m, f, list);
}

