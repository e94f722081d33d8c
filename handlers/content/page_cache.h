/*
 * page_cache: pages that readers ask for again and again while nothing is written.
 * A page is right as long as the store's snapshot is the one that it was made at,
 * and until something becomes visible or expires without a write.
 * Lifetime: one per process.
 * Threads:  safe from any; a slot is locked while one page is copied.
 * Bounds:   PAGE_CACHE_SLOTS pages of at most PAGE_CACHE_PAGE_MAX_BYTES.
 */
#ifndef CONTENT_PAGE_CACHE_H
#define CONTENT_PAGE_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"
#include "store/store.h"

struct page_cache;                      /* opaque */

struct kept_page {
	struct str body, etag, link;    /* link: the header's value; absent: none */
	int64_t    changed_ms;          /* its last change without a write; 0: none */
};

NODISCARD struct page_cache *page_cache_new(void);      /* NULL: no memory */
void page_cache_free(struct page_cache *p);

/* The page into `a`; false when there is none that is right at this snapshot and
 * time. */
NODISCARD bool page_cache_find(struct page_cache *p, struct arena *a,
    const struct store_snapshot *snapshot, int64_t now_ms, struct str key,
    struct kept_page *out) NONNULL(1, 2, 3, 6);

/* Whether this key was asked for before at this snapshot and not found: then it
 * is worth keeping.  While others write nothing is. */
NODISCARD bool page_cache_wants(struct page_cache *p, const struct store_snapshot *snapshot,
    struct str key) NONNULL(1, 2);

/* Keeps a copy that is right before `until_ms`. */
void page_cache_keep(struct page_cache *p, const struct store_snapshot *snapshot,
    int64_t until_ms, struct str key, const struct kept_page *page) NONNULL(1, 2, 5);

#endif
