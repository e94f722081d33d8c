#include "base/json_tree.h"

#include <pthread.h>

#include "base/id.h"
#include "base/siphash.h"

struct json {
	char unused;
};

static const struct json null_value;

static struct siphash_key hash_key;

const struct json *json_tree_value(json_object *o)
{
	return o == NULL ? &null_value : (const struct json *)o;
}

json_object *json_tree_object(const struct json *v)
{
	return v == &null_value ? NULL : (json_object *)(uintptr_t)v;
}

static void draw_hash_key(void)
{
	id_random(&hash_key, sizeof(hash_key));
}

static unsigned long name_hash(const void *key)
{
	const struct str *name = key;

	return (unsigned long)siphash(&hash_key, *name);
}

static int name_equal(const void *a, const void *b)
{
	const struct str *x = a, *y = b;

	return str_eq(*x, *y);
}

json_object *json_tree_new_object(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	json_object          *o;
	struct lh_table      *table;

	pthread_once(&once, draw_hash_key);
	o = json_object_new_object();
	if (o == NULL)
		return NULL;
	/* json-c offers no other way to say so for the table of an object; it keeps
	 * both when the table grows. */
	table = json_object_get_object(o);
	table->hash_fn = name_hash;
	table->equal_fn = name_equal;
	return o;
}

struct lh_entry *json_tree_find(const json_object *object, struct str name)
{
	return lh_table_lookup_entry_w_hash(json_object_get_object(object), &name,
	    name_hash(&name));
}

bool json_tree_add(json_object *object, const struct str *name, json_object *v)
{
	return lh_table_insert_w_hash(json_object_get_object(object), name, v, name_hash(name),
	    JSON_C_OBJECT_ADD_CONSTANT_KEY) == 0;
}
