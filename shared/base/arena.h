/*
 * arena: memory of one request; everything in it ends together.
 * Lifetime: arena_init to arena_clean; arena_reset empties it and keeps its
 *           largest block, within ARENA_KEEP_BYTES, so that a worker's next
 *           request of the kind allocates nothing.
 * Threads:  one at a time.
 * Blocking: never, beyond what malloc does.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/str.h"

struct arena_block;
struct arena_cleanup;

struct arena {
	struct arena_block   *block;            /* the newest; older ones behind it */
	struct arena_cleanup *cleanups;
	size_t                used, max_bytes;  /* over all blocks */
};

/* `max_bytes` bounds what arena_try gives; arena_alloc aborts over it (and
 * ARENA_RESERVE_BYTES, so that a client who fills the bound exactly makes the
 * next request fail and not the process). */
void arena_init(struct arena *a, size_t max_bytes) NONNULL_ALL;
/* Runs the cleanups, newest first, and empties the arena. */
void arena_reset(struct arena *a) NONNULL_ALL;
/* The same, and overwrites what was in it, in a way that the compiler keeps: for
 * passwords and tokens. */
void arena_reset_wiped(struct arena *a) NONNULL_ALL;
/* arena_reset, and gives the memory back. */
void arena_clean(struct arena *a) NONNULL_ALL;

/* `size` bytes aligned for any type, not zeroed.  Aborts the process when
 * memory or the bound is exhausted: for sizes that the program chooses. */
NODISCARD void *arena_alloc(struct arena *a, size_t size) NONNULL_ALL
    __attribute__((malloc, alloc_size(2), returns_nonnull));
/* The same, zeroed, for `count` things of `size`. */
NODISCARD void *arena_zero(struct arena *a, size_t count, size_t size) NONNULL_ALL
    __attribute__((malloc, alloc_size(2, 3), returns_nonnull));
/* NULL when exhausted: for sizes that a client chooses. */
NODISCARD void *arena_try(struct arena *a, size_t size) NONNULL_ALL
    __attribute__((malloc, alloc_size(2)));
/* `ptr` (of `old_size`; NULL when that is 0) with `new_size`, which is not less,
 * bytes: in place when it is the newest and its block has room, else a copy.
 * NULL when exhausted, and `ptr` stays. */
NODISCARD void *arena_grow(struct arena *a, void *ptr, size_t old_size, size_t new_size)
    NONNULL(1);
/* Counts memory that a library allocates on behalf of this arena until the next
 * reset against the bound; false, and nothing counted, when it would pass it. */
NODISCARD bool arena_charge(struct arena *a, size_t bytes) NONNULL_ALL;

/* A NUL-terminated copy of `s`. */
NODISCARD char *arena_cstr(struct arena *a, struct str s) NONNULL_ALL;
/* A copy of `s`, also NUL-terminated behind its end; absent stays absent. */
NODISCARD struct str arena_dup(struct arena *a, struct str s) NONNULL(1);
NODISCARD struct str arena_printf(struct arena *a, const char *fmt, ...)
    NONNULL(1, 2) PRINTF(2, 3);

/* Calls fn(what) at the next reset: for what a library allocated. */
void arena_defer(struct arena *a, void (*fn)(void *), void *what) NONNULL(1, 2);

#define ARENA_NEW(a, type) ((type *)arena_zero((a), 1, sizeof(type)))
#define ARENA_ARRAY(a, count, type) ((type *)arena_zero((a), (count), sizeof(type)))

#endif
