/*
 * listing: from the filters of a list to a range of the store and what is left to
 * check on its rows.
 * One filter has a partition of its own (placement.h); the others are looked up
 * in the summaries of its rows.
 * Threads: pure functions.
 */
#ifndef CONTENT_LISTING_H
#define CONTENT_LISTING_H

#include "content/placement.h"
#include "store/store.h"

enum listing_status {
	LIST_VISIBLE = 0,               /* what readers see */
	LIST_DRAFTS,
	LIST_SCHEDULED,
	LIST_ALL
};

struct listing_filters {
	enum listing_status status;
	struct str group, label, words; /* absent: any */
};

struct listing {
	struct store_query query;       /* without its limit and position */
	/* Still to be checked on a row; absent: nothing. */
	struct str group, label, status;
};

/* "draft", "published", "scheduled", "all"; absent is what readers see. */
enum listing_status listing_status_named(struct str name);

void listing_plan(struct arena *a, const struct collection *c, const struct listing_filters *f,
    int64_t now_ms, struct listing *out) NONNULL_ALL;

/* Whether rows of it are to be looked into at all. */
bool listing_has_checks(const struct listing *l) NONNULL_ALL;
/* Whether a row, a stored summary, passes them.  Parses it into `a`. */
bool listing_takes(struct arena *a, const struct collection *c, const struct listing *l,
    struct str summary) NONNULL(1, 2, 3);

#endif
