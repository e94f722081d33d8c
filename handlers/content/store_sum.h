/*
 * store_sum: what a set of items adds up to, whatever order they come in.
 * The SHA-256 of each item, added up as 256-bit numbers: two stores with the same
 * count and the same sum have the same items.  It finds mistakes; it is no proof
 * against who may write to one of the two.
 * Threads: one at a time.
 */
#ifndef CONTENT_STORE_SUM_H
#define CONTENT_STORE_SUM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/err.h"
#include "store/store.h"

struct store_sum {
	uint64_t items;
	uint64_t words[4];              /* the lowest first */
};

#define STORE_SUM_HEX_SIZE (2 * SHA256_BYTES + 1)

/* Bytes of the item, so that equal ones are equal and others are not, go through
 * `scratch`.  ERR_NO_MEMORY: there is no room in it. */
NODISCARD enum err store_sum_add(struct store_sum *sum, const struct store_item *item,
    struct buf *scratch) NONNULL_ALL;
void store_sum_hex(const struct store_sum *sum, char out[STORE_SUM_HEX_SIZE]) NONNULL_ALL;
bool store_sum_equal(const struct store_sum *a, const struct store_sum *b) NONNULL_ALL PURE;

/* Of the items of `c` that live at `now_ms`; `tell` is called at each, NULL: nobody. */
NODISCARD enum err store_sum_scan(struct store_connection *c, int64_t now_ms,
    void (*tell)(void *context, uint64_t items), void *context, struct store_sum *out)
    NONNULL(1, 5);

#endif
