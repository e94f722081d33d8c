#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/*
 * Under AddressSanitizer what nobody was given is poisoned, and a gap stands
 * behind every piece: an overflow is caught inside a block too.
 */
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define GAP_BYTES           16u
#define HIDE(ptr, size)     ASAN_POISON_MEMORY_REGION((ptr), (size))
#define SHOW(ptr, size)     ASAN_UNPOISON_MEMORY_REGION((ptr), (size))
#else
#define GAP_BYTES           0u
#define HIDE(ptr, size)     ((void)(ptr), (void)(size))
#define SHOW(ptr, size)     ((void)(ptr), (void)(size))
#endif

#define ALIGN               alignof(max_align_t)

struct arena_block {
	struct arena_block *older;
	size_t              size, used;     /* of data */
	alignas(max_align_t) char data[];
};

struct arena_cleanup {
	struct arena_cleanup *older;
	void                (*fn)(void *);
	void                 *what;
};

void arena_init(struct arena *a, size_t max_bytes)
{
	*a = (struct arena){ .max_bytes = max_bytes };
}

static void run_cleanups(struct arena *a)
{
	while (a->cleanups != NULL) {
		/* Off the list first: a cleanup may add another. */
		struct arena_cleanup *c = a->cleanups;
		a->cleanups = c->older;
		c->fn(c->what);
	}
}

static void block_free(struct arena_block *b)
{
	SHOW(b->data, b->size);
	free(b);
}

void arena_reset(struct arena *a)
{
	struct arena_block *kept = NULL;

	run_cleanups(a);
	while (a->block != NULL) {
		struct arena_block *b = a->block;
		a->block = b->older;
		/* The largest of those that a worker may hold on to: what this
		 * request needed, the next one most likely needs. */
		if (b->size > ARENA_KEEP_BYTES || (kept != NULL && b->size <= kept->size)) {
			block_free(b);
			continue;
		}
		if (kept != NULL)
			block_free(kept);
		kept = b;
	}
	if (kept != NULL) {
		HIDE(kept->data, kept->size);
		kept->used = 0;
		kept->older = NULL;
	}
	a->block = kept;
	a->used = 0;
}

void arena_reset_wiped(struct arena *a)
{
	run_cleanups(a);                /* they stand in what is wiped */
	for (struct arena_block *b = a->block; b != NULL; b = b->older) {
		SHOW(b->data, b->used);
		explicit_bzero(b->data, b->used);
	}
	arena_reset(a);
}

void arena_clean(struct arena *a)
{
	arena_reset(a);
	if (a->block != NULL)
		block_free(a->block);
	a->block = NULL;
}

static struct arena_block *block_new(size_t size)
{
	struct arena_block *b = malloc(sizeof(*b) + size);

	if (b == NULL)
		return NULL;
	b->older = NULL;
	b->size = size;
	b->used = 0;
	HIDE(b->data, b->size);
	return b;
}

/* What a piece takes in its block; at least one step, so that two pieces never
 * share an address.  0: over what size_t holds. */
static size_t footprint(size_t size)
{
	if (size > SIZE_MAX / 2)
		return 0;
	size += GAP_BYTES;
	return size == 0 ? ALIGN : (size + ALIGN - 1) / ALIGN * ALIGN;
}

static void *block_take(struct arena_block *b, size_t size, size_t step)
{
	char *piece = b->data + b->used;

	b->used += step;
	SHOW(piece, size);
	return piece;
}

/* A block with room for `step`.  One that is larger than the blocks of its time
 * goes behind the newest, whose room stays in use. */
static struct arena_block *block_for(struct arena *a, size_t step)
{
	struct arena_block *b;
	size_t              size = ARENA_BLOCK_BYTES;

	if (a->block != NULL)
		size = a->block->size < ARENA_BLOCK_MAX_BYTES ? a->block->size * 2 :
		    ARENA_BLOCK_MAX_BYTES;
	b = block_new(step > size ? step : size);
	if (b == NULL)
		return NULL;
	if (step > size && a->block != NULL) {
		b->older = a->block->older;
		a->block->older = b;
	} else {
		b->older = a->block;
		a->block = b;
	}
	return b;
}

/* Up to `bound` bytes in all. */
static void *take(struct arena *a, size_t size, size_t bound)
{
	size_t              step = footprint(size);
	struct arena_block *b = a->block;

	if (step == 0 || bound < a->used || step > bound - a->used)
		return NULL;
	if (b == NULL || b->size - b->used < step)
		b = block_for(a, step);
	if (b == NULL)
		return NULL;
	a->used += step;
	return block_take(b, size, step);
}

void *arena_try(struct arena *a, size_t size)
{
	return take(a, size, a->max_bytes);
}

NORETURN static void exhausted(const struct arena *a, size_t size)
{
	fprintf(stderr, "arena: no room for %zu bytes (%zu of %zu used)\n", size, a->used,
	    a->max_bytes);
	abort();
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t bound;
	void  *piece;

	if (__builtin_add_overflow(a->max_bytes, ARENA_RESERVE_BYTES, &bound))
		bound = SIZE_MAX;
	piece = take(a, size, bound);
	if (piece == NULL)
		exhausted(a, size);
	return piece;
}

void *arena_zero(struct arena *a, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes))
		exhausted(a, SIZE_MAX);
	return memset(arena_alloc(a, bytes), 0, bytes);
}

/* Makes the newest piece longer where it stands. */
static bool grow_in_place(struct arena *a, char *ptr, size_t old_size, size_t new_size)
{
	struct arena_block *b = a->block;
	size_t              old_step = footprint(old_size), step = footprint(new_size);
	size_t              more = step - old_step;

	if (b == NULL || step == 0 || b->used < old_step ||
	    ptr != b->data + (b->used - old_step))
		return false;
	if (b->size - b->used < more || a->used > a->max_bytes || more > a->max_bytes - a->used)
		return false;
	b->used += more;
	a->used += more;
	SHOW(ptr, new_size);
	return true;
}

void *arena_grow(struct arena *a, void *ptr, size_t old_size, size_t new_size)
{
	void *moved;

	if (ptr != NULL && grow_in_place(a, ptr, old_size, new_size))
		return ptr;
	moved = arena_try(a, new_size);
	if (moved != NULL && old_size > 0)
		memcpy(moved, ptr, old_size);
	return moved;
}

bool arena_charge(struct arena *a, size_t bytes)
{
	if (a->used > a->max_bytes || bytes > a->max_bytes - a->used)
		return false;
	a->used += bytes;
	return true;
}

char *arena_cstr(struct arena *a, struct str s)
{
	char *copy = arena_alloc(a, s.len + 1);

	if (s.len > 0)
		memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	return copy;
}

struct str arena_dup(struct arena *a, struct str s)
{
	if (s.ptr == NULL)
		return STR_NONE;
	return (struct str){ arena_cstr(a, s), s.len };
}

struct str arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list args;
	int     len;
	char   *text;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		return STR("");
	text = arena_alloc(a, (size_t)len + 1);
	va_start(args, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, args);
	va_end(args);
	return (struct str){ text, (size_t)len };
}

void arena_defer(struct arena *a, void (*fn)(void *), void *what)
{
	struct arena_cleanup *c = arena_alloc(a, sizeof(*c));

	*c = (struct arena_cleanup){ .older = a->cleanups, .fn = fn, .what = what };
	a->cleanups = c;
}
