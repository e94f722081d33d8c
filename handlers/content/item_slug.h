/*
 * item_slug: which slug an item of a collection gets when nobody gave one.
 * Threads: pure functions.
 */
#ifndef CONTENT_ITEM_SLUG_H
#define CONTENT_ITEM_SLUG_H

#include "base/arena.h"
#include "base/attr.h"
#include "content/collection.h"
#include "content/slug.h"

/* Numbers tried when it is taken: -2 to -9, then the tail of the item's id. */
#define SLUG_NUMBER_MAX 9

/* slug_from of a title, cut so that an ending still fits.  A title without one
 * letter that a slug can have gives the collection's name and a digest: the same
 * one for the same title. */
NODISCARD struct str item_slug_of(struct arena *a, const struct collection *c, struct str title)
    NONNULL(1, 2);
/* The slug to try when `stem` is taken: number 2 gives "stem-2"; over
 * SLUG_NUMBER_MAX the end of `id`, which no other item has. */
NODISCARD struct str item_slug_numbered(struct arena *a, struct str stem, unsigned number,
    struct str id) NONNULL(1);
/* "stem-ending", the stem cut where that would be too long. */
NODISCARD struct str item_slug_ended(struct arena *a, struct str stem, struct str ending)
    NONNULL(1);
/* Whether a path with it would mean something else: an id, or counts. */
bool item_slug_is_reserved(const struct collection *c, struct str slug) NONNULL(1);

#endif
