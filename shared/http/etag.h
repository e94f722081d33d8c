/*
 * etag: strong entity tags and the preconditions on them (RFC 9110, 8.8.3 and 13).
 * Threads: values and pure functions.
 */
#ifndef HTTP_ETAG_H
#define HTTP_ETAG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

/* With its quotes: the end of the id, so that a thing made anew under an old name
 * has another tag; the version; the variant. */
struct str etag_of_version(struct arena *a, struct str id, uint64_t version, const char *variant)
    NONNULL(1, 4);
/* Of the bytes themselves. */
struct str etag_of_bytes(struct arena *a, struct str bytes) NONNULL(1);
/* Whether `tag` is in the list of If-Match or "*" stands there; strong comparison. */
bool etag_list_has(struct str list, struct str tag);
/* The same for If-None-Match; weak comparison (a proxy that compresses says W/). */
bool etag_list_has_weak(struct str list, struct str tag);

#endif
