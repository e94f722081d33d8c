/*
 * import_value: single values of front matter in the looseness of people's files.
 * Internal to import_map.c.
 */
#ifndef CONTENT_IMPORT_VALUE_H
#define CONTENT_IMPORT_VALUE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/json.h"
#include "base/str.h"
#include "content/content_limits.h"

struct import_list {
	struct str items[IMPORT_LIST_MAX];
	size_t     count;
	bool       overflow;            /* there were more */
};

/* The value at a dotted path ("cover.image"); NULL when there is none. */
const struct json *import_value_find(const struct json *document, const char *path)
    NONNULL(2);

/* A text, or a number or boolean as it was written; false for all else. */
NODISCARD bool import_value_text(struct arena *a, const struct json *v, struct str *out)
    NONNULL(1, 3);

/* Whether it means yes: true, or a text that says so. */
bool import_value_is_true(const struct json *v);
/* Whether it means no: false, or a text that says so. */
bool import_value_is_false(const struct json *v);

/* Appends, once each, the texts of a list (of an object in it its "name"), or the
 * parts of a text between commas, or where it has none and `at_spaces`, between
 * spaces.  False for a value of another type. */
NODISCARD bool import_value_list(struct arena *a, const struct json *v, bool at_spaces,
    struct import_list *out) NONNULL(1, 4);

/* Adds what is not empty and not in it yet. */
void import_list_add(struct import_list *list, struct str item) NONNULL(1);

#endif
