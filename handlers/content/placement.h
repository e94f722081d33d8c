/*
 * placement: where an item stands in the store, besides its own row.
 *
 *   partition            sort key          body       text
 *   blog                 ID                document             the item
 *   blog#slug            SLUG              document             so that a slug is one read too
 *   blog#all             ID                summary    words     every item, for editors;
 *                                                               drafts are indexed as blog#draft
 *   blog#published       PUBLISHED_AT#ID   summary    words     visible and scheduled ones: readers
 *                                                               ask up to now, so no job publishes
 *   blog#category#NAME   PUBLISHED_AT#ID   summary              by category, type
 *   blog#tag#NAME        PUBLISHED_AT#ID   summary              by tag, technology
 *   blog#facets          NAME              -                    a counter: items of that category
 *   blog#ID#rev          0000000007        document             as it was at that version
 *   blog#ID#html         html              {version, by, html}  its body rendered (rendering.h)
 *
 * Threads: pure functions.
 */
#ifndef CONTENT_PLACEMENT_H
#define CONTENT_PLACEMENT_H

#include "content/document.h"

#define REVISION_KEY_SIZE 11            /* ten digits and a NUL */

struct placement {
	struct str sort_key;            /* PUBLISHED_AT#ID */
	struct str lists[2 + LABELS_MAX];       /* partitions; none for a draft */
	size_t     n_lists;
	struct names counted;           /* names whose counters count it */
};

/* Of a document as it is to be written, or as its stored JSON says (over). */
void placement_of(struct arena *a, const struct document *d, struct placement *out) NONNULL_ALL;

/* The partition of one category, or of one tag. */
NODISCARD struct str placement_group(struct arena *a, const struct collection *c, struct str name)
    NONNULL(1, 2);
NODISCARD struct str placement_label(struct arena *a, const struct collection *c, struct str name)
    NONNULL(1, 2);
NODISCARD struct str placement_revisions(struct arena *a, const struct collection *c, struct str id)
    NONNULL(1, 2);
NODISCARD struct str placement_rendering(struct arena *a, const struct collection *c, struct str id)
    NONNULL(1, 2);
/* Ten digits, so that text compares as numbers do. */
void placement_revision_key(uint64_t version, char out[REVISION_KEY_SIZE]) NONNULL_ALL;
/* The first sort key of #published that is not visible at `now_ms`. */
NODISCARD struct str placement_after_now(struct arena *a, int64_t now_ms) NONNULL_ALL;

#endif
