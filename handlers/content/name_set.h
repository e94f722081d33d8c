/*
 * name_set: names that were met, each with where.
 * Lifetime: its arena's.
 * Threads:  one at a time.
 */
#ifndef CONTENT_NAME_SET_H
#define CONTENT_NAME_SET_H

#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/siphash.h"
#include "base/str.h"

struct name_set {
	struct arena       *arena;
	struct siphash_key  key;        /* names are a client's */
	struct name_place  *table;      /* open addressing; `room` is a power of two */
	size_t              count, room;
};

struct name_place {
	struct str name, where;         /* name absent: free */
};

void name_set_init(struct name_set *s, struct arena *a) NONNULL_ALL;
/* Where the name was met first; absent when it was not. */
struct str name_set_where(const struct name_set *s, struct str name) NONNULL(1);
/* Where the name was met first; absent, and now noted as met at `where`, when it
 * was not. */
struct str name_set_meet(struct name_set *s, struct str name, struct str where) NONNULL(1);

#endif
