/*
 * store_pages: a scan of a whole store, a page at a time, with another try when the
 * store is busy.
 * Threads:  the connection's.
 * Blocking: as long as it takes; STORE_TRIES times STORE_PAUSE_MS and the store's own
 *           deadlines for what fails.
 */
#ifndef CONTENT_STORE_PAGES_H
#define CONTENT_STORE_PAGES_H

#include "base/attr.h"
#include "base/err.h"
#include "base/limits.h"
#include "store/store.h"

#define STORE_PAGE     500      /* items in one scan: no read of the store lasts long */
#define STORE_TRIES    20       /* of one page or batch that the store is too busy for */
#define STORE_PAUSE_MS 1000

/* The item that was given last; pk_len 0: none. */
struct store_position {
	size_t pk_len, sk_len;
	char   pk[STORE_KEY_MAX_BYTES], sk[STORE_KEY_MAX_BYTES];
};

void store_position_set(struct store_position *p, const struct store_item *item) NONNULL_ALL;
/* Whether another try may go well; waits before it says yes. */
NODISCARD bool store_try_again(enum err err, unsigned tries);
/* Calls `each` for every item behind *from that lives at `now_ms`, and moves *from
 * along; stops at the first error of `each`, or of the store's. */
NODISCARD enum err store_pages(struct store_connection *c, struct store_position *from,
    int64_t now_ms, enum err (*each)(void *context, const struct store_item *item),
    void *context) NONNULL(1, 2, 4);

#endif
