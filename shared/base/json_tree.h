/*
 * json_tree: how a document lies in json-c; internal to json.
 * A `struct json` is a json-c value under another name.  json-c's null is NULL,
 * which in json.h means absent: null has an address of its own there.
 * The tables of json-c hold `struct str *` of the arena as keys, so that a name
 * may have a NUL in it ("\u0000" is legal), and hash with SipHash under a key of
 * this process, so that nobody can send names that collide.  json-c's printing
 * and its json_object_object_* would take these keys for text: not for us.
 */
#ifndef BASE_JSON_TREE_H
#define BASE_JSON_TREE_H

#include <stdbool.h>

/* json-c has types of the names of two functions of json.h. */
#define json_type   jsonc_type
#define json_bool   jsonc_bool
#include <json-c/json_object.h>
#include <json-c/linkhash.h>
#undef json_type
#undef json_bool

#include "base/attr.h"
#include "base/json.h"

const struct json *json_tree_value(json_object *o);
json_object *json_tree_object(const struct json *v);

/* An empty object for the two below; NULL: no memory. */
NODISCARD json_object *json_tree_new_object(void);
/* NULL: `object`, which is one, has no such member. */
struct lh_entry *json_tree_find(const json_object *object, struct str name) NONNULL(1);
/* Adds a member of a name that is not there yet; `name` stays where it is as long
 * as the object lives, which from here on owns `v`.  false: no memory. */
NODISCARD bool json_tree_add(json_object *object, const struct str *name, json_object *v)
    NONNULL(1, 2);

#endif
