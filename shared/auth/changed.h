/*
 * changed: has this key or account changed since I read it?
 * A table of counters in shared memory (segment "changed"), one counter for all ids
 * of one hash.  Who remembers what it read of a key keeps the counters of before
 * the read beside it; whoever changes a key or an account counts up after the write.
 * While the counters are the same, what is remembered is right for every process of
 * this machine.  Two ids that share a counter cost a read more and nothing else.
 * Lifetime: one per process; the segment outlives it.
 * Threads:  safe from any, in any process; nobody holds a lock.
 * Blocking: never.
 */
#ifndef AUTH_CHANGED_H
#define AUTH_CHANGED_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/segment.h"
#include "base/str.h"

#define CHANGED_COUNTERS 16384  /* 64 KB */

struct changed {
	struct segment        segment;
	struct changed_table *table;
};

/* ERR_IO: errno says why. */
NODISCARD enum err changed_open(const char *state_dir, struct changed *out) NONNULL_ALL;
void changed_close(struct changed *c) NONNULL_ALL;

/* The count for an id: take it before reading what is remembered. */
uint32_t changed_count(const struct changed *c, struct str id) NONNULL(1);
/* After a write that changed what others may remember of the id. */
void changed_mark(struct changed *c, struct str id) NONNULL(1);
/* When nobody knows what was changed. */
void changed_mark_all(struct changed *c) NONNULL_ALL;

#endif
