/*
 * raw_json: the members of an object as text, without a tree: what handlers print of
 * themselves is put together at every start.
 * Names with escapes are none of theirs, and count as broken.
 * Threads: a value; as safe as the text.
 */
#ifndef DOCS_RAW_JSON_H
#define DOCS_RAW_JSON_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/str.h"

struct raw_members {
	const char *at, *end;
	bool        ended;
	bool        broken;             /* it is no object, or not whole */
};

/* Text may have white space around it. */
struct raw_members raw_members(struct str object);
/* False at the end, and when it is broken.  `name` is without its quotes. */
bool raw_next(struct raw_members *m, struct str *name, struct str *value) NONNULL_ALL;
/* The same of a list. */
struct raw_members raw_elements(struct str list);
bool raw_next_element(struct raw_members *m, struct str *value) NONNULL_ALL;

/* STR_NONE: there is no such member. */
struct str raw_get(struct str object, const char *name) NONNULL(2);
bool raw_is_object(struct str text);

#endif
