/*
 * slug: the part of an address that names one item: [a-z0-9]+(-[a-z0-9]+)*.
 * Lifetime: one call; results are the arena's.
 * Threads:  safe from any.
 */
#ifndef CONTENT_SLUG_H
#define CONTENT_SLUG_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

/* `text` as a slug of at most SLUG_MAX_BYTES: letters small, Latin ones without
 * their accents, all else a '-'.  Empty when nothing of it is left. */
NODISCARD struct str slug_from(struct arena *a, struct str text) NONNULL(1);

/* Whether `s` is one already. */
bool slug_is_valid(struct str s);

#endif
