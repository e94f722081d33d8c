/* Looking at a document, and writing it back. */
#include "base/json.h"

#include "base/json_tree.h"

enum json_type json_type(const struct json *v)
{
	static const enum json_type types[] = {
		[json_type_null] = JSON_NULL,
		[json_type_boolean] = JSON_BOOL,
		[json_type_double] = JSON_DOUBLE,
		[json_type_int] = JSON_INT,
		[json_type_object] = JSON_OBJECT,
		[json_type_array] = JSON_ARRAY,
		[json_type_string] = JSON_STRING,
	};

	return types[json_object_get_type(json_tree_object(v))];
}

bool json_bool(const struct json *v)
{
	return json_type(v) == JSON_BOOL && json_object_get_boolean(json_tree_object(v));
}

int64_t json_int(const struct json *v)
{
	return json_type(v) == JSON_INT ? json_object_get_int64(json_tree_object(v)) : 0;
}

double json_double(const struct json *v)
{
	enum json_type type = json_type(v);

	if (type != JSON_DOUBLE && type != JSON_INT)
		return 0;
	return json_object_get_double(json_tree_object(v));
}

struct str json_string(const struct json *v)
{
	json_object *o = json_tree_object(v);

	if (json_type(v) != JSON_STRING)
		return STR_NONE;
	return (struct str){ json_object_get_string(o), (size_t)json_object_get_string_len(o) };
}

/* json-c aborts on json_object_array_* of anything else. */
size_t json_length(const struct json *v)
{
	switch (json_type(v)) {
	case JSON_ARRAY:
		return json_object_array_length(json_tree_object(v));
	case JSON_OBJECT:
		return (size_t)lh_table_length(json_object_get_object(json_tree_object(v)));
	default:
		return 0;
	}
}

const struct json *json_at(const struct json *array, size_t index)
{
	if (json_type(array) != JSON_ARRAY || index >= json_length(array))
		return NULL;
	return json_tree_value(json_object_array_get_idx(json_tree_object(array), index));
}

const struct json *json_get(const struct json *object, struct str name)
{
	struct lh_entry *entry;

	if (json_type(object) != JSON_OBJECT)
		return NULL;
	entry = json_tree_find(json_tree_object(object), name);
	return entry == NULL ? NULL : json_tree_value(lh_entry_v(entry));
}

struct str json_get_string(const struct json *object, const char *name)
{
	return json_string(json_get(object, str_of(name)));
}

int64_t json_get_int(const struct json *object, const char *name, int64_t otherwise)
{
	const struct json *v = json_get(object, str_of(name));

	return json_type(v) == JSON_INT ? json_int(v) : otherwise;
}

bool json_get_bool(const struct json *object, const char *name, bool otherwise)
{
	const struct json *v = json_get(object, str_of(name));

	return json_type(v) == JSON_BOOL ? json_bool(v) : otherwise;
}

void json_each(const struct json *object,
    bool (*fn)(void *context, struct json_member member), void *context)
{
	struct lh_entry *entry;

	if (json_type(object) != JSON_OBJECT)
		return;
	lh_foreach(json_object_get_object(json_tree_object(object)), entry) {
		const struct str  *name = lh_entry_k(entry);
		struct json_member member = { *name, json_tree_value(lh_entry_v(entry)) };
		if (!fn(context, member))
			return;
	}
}

/* --- writing a value back ----------------------------------------------------
 * The recursion is bounded by JSON_DEPTH_MAX, as parsing was.
 */

/* The text that it was read from: json-c keeps it for doubles as user data. */
static struct str number_text(const struct json *v)
{
	return str_of(json_object_get_userdata(json_tree_object(v)));
}

static void put_number(struct json_writer *w, const struct json *v)
{
	struct str text = number_text(v);

	if (text.ptr != NULL)
		json_put_raw(w, text);
	else
		json_put_int(w, json_int(v));
}

static bool put_member(void *context, struct json_member member)
{
	struct json_writer *w = context;

	json_name_str(w, member.name);
	json_put_value(w, member.value);
	return !buf_failed(w->out);
}

static void put_array(struct json_writer *w, const struct json *v)
{
	json_array_open(w);
	for (size_t i = 0, n = json_length(v); i < n; i++)
		json_put_value(w, json_at(v, i));
	json_array_close(w);
}

void json_put_value(struct json_writer *w, const struct json *v)
{
	switch (json_type(v)) {
	case JSON_NULL:
		json_put_null(w);
		break;
	case JSON_BOOL:
		json_put_bool(w, json_bool(v));
		break;
	case JSON_INT:
	case JSON_DOUBLE:
		put_number(w, v);
		break;
	case JSON_STRING:
		json_put_string(w, json_string(v));
		break;
	case JSON_ARRAY:
		put_array(w, v);
		break;
	case JSON_OBJECT:
		json_object_open(w);
		json_each(v, put_member, w);
		json_object_close(w);
		break;
	}
}

void json_write(struct buf *out, const struct json *v)
{
	struct json_writer w;

	json_begin(&w, out);
	json_put_value(&w, v);
	json_end(&w);
}
