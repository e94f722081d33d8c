#include "content/import_value.h"

#include "base/buf.h"

static const struct {
	struct str word;
	bool       truth;
} words[] = {
	{ STR_INIT("true"), true },   { STR_INIT("yes"), true }, { STR_INIT("on"), true },
	{ STR_INIT("false"), false }, { STR_INIT("no"), false }, { STR_INIT("off"), false },
};

const struct json *import_value_find(const struct json *document, const char *path)
{
	struct str rest = str_of(path);

	while (rest.ptr != NULL && document != NULL) {
		struct str name = str_cut(&rest, '.');

		if (json_type(document) != JSON_OBJECT)
			return NULL;
		document = json_get(document, name);
	}
	return document;
}

bool import_value_text(struct arena *a, const struct json *v, struct str *out)
{
	struct buf text;

	switch (json_type(v)) {
	case JSON_STRING: *out = json_string(v); return true;
	case JSON_BOOL:
	case JSON_INT:
	case JSON_DOUBLE:
		buf_init(&text, a, 64);
		json_write(&text, v);
		*out = buf_str(&text);
		return !buf_failed(&text);
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT: return false;
	}
	return false;
}

static bool says(const struct json *v, bool truth)
{
	if (v == NULL)
		return false;
	if (json_type(v) == JSON_BOOL)
		return json_bool(v) == truth;
	if (json_type(v) != JSON_STRING)
		return false;
	for (size_t i = 0; i < COUNT(words); i++)
		if (words[i].truth == truth && str_eq_nocase(json_string(v), words[i].word))
			return true;
	return false;
}

bool import_value_is_true(const struct json *v)
{
	return says(v, true);
}

bool import_value_is_false(const struct json *v)
{
	return says(v, false);
}

void import_list_add(struct import_list *list, struct str item)
{
	if (str_is_empty(item))
		return;
	for (size_t i = 0; i < list->count; i++)
		if (str_eq(list->items[i], item))
			return;
	if (list->count == IMPORT_LIST_MAX)
		list->overflow = true;
	else
		list->items[list->count++] = item;
}

static void split(struct str text, char separator, struct import_list *out)
{
	while (text.ptr != NULL) {
		struct str part = str_trim(str_cut(&text, separator));

		if (!str_is_empty(part))
			import_list_add(out, part);
	}
}

bool import_value_list(struct arena *a, const struct json *v, bool at_spaces,
    struct import_list *out)
{
	struct str text;

	if (json_type(v) != JSON_ARRAY) {
		if (json_type(v) == JSON_OBJECT)
			v = json_get(v, STR("name"));
		if (v == NULL || !import_value_text(a, v, &text))
			return false;
		split(text, at_spaces && str_index(text, ',') == text.len ? ' ' : ',', out);
		return true;
	}
	for (size_t i = 0; i < json_length(v); i++) {
		const struct json *item = json_at(v, i);

		if (json_type(item) == JSON_OBJECT)
			item = json_get(item, STR("name"));
		if (item == NULL || !import_value_text(a, item, &text))
			return false;
		import_list_add(out, text);
	}
	return true;
}
