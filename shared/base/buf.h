/*
 * buf: bytes that grow, up to a maximum named at birth.
 * Lifetime: on the heap (arena NULL) until buf_clean; else the arena's.
 * Threads:  one at a time.
 * Errors:   sticky.  An append that would pass max_bytes, or runs out of
 *           memory, sets `failed`, appends nothing and so do all that follow:
 *           check buf_failed once, at the end.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

struct buf {
	char         *ptr;
	size_t        len, cap, max_bytes;
	struct arena *arena;    /* where it grows; NULL: the heap */
	bool          failed;
};

void buf_init(struct buf *b, struct arena *arena, size_t max_bytes) NONNULL(1);
/* Frees what is on the heap; the buf may be initialised again. */
void buf_clean(struct buf *b) NONNULL_ALL;
/* Empties it, keeps the memory, forgets the failure. */
static inline void buf_reset(struct buf *b) { b->len = 0; b->failed = false; }
static inline bool buf_failed(const struct buf *b) { return b->failed; }
/* What is in it; good until the next append. */
static inline struct str buf_str(const struct buf *b)
{
	return (struct str){ b->len == 0 ? "" : b->ptr, b->len };
}

/* Room for `more` bytes at ptr + len; false (and failed) when there is none. */
NODISCARD bool buf_reserve(struct buf *b, size_t more) NONNULL_ALL;
void buf_bytes(struct buf *b, const void *bytes, size_t len) NONNULL(1);
static inline void buf_add(struct buf *b, struct str s) { buf_bytes(b, s.ptr, s.len); }
void buf_char(struct buf *b, char c) NONNULL_ALL;
void buf_u64(struct buf *b, uint64_t n) NONNULL_ALL;
void buf_i64(struct buf *b, int64_t n) NONNULL_ALL;
void buf_printf(struct buf *b, const char *fmt, ...) NONNULL(1, 2) PRINTF(2, 3);
/* A NUL behind the end, not counted in len; returns ptr, or "" when failed. */
const char *buf_cstr(struct buf *b) NONNULL_ALL;
/* Cuts it back to `len`, which is at most what it has. */
static inline void buf_truncate(struct buf *b, size_t len) { if (len < b->len) b->len = len; }

#define BUF_LIT(b, literal) buf_bytes((b), "" literal, sizeof(literal) - 1)

#endif
