/*
 * cors: which web pages may call (Fetch standard, CORS protocol).
 * Origins are exact; "*" is refused at start.
 * Threads: constant after cors_parse.
 */
#ifndef HTTP_CORS_H
#define HTTP_CORS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"

struct cors {
	struct str origins[CORS_ORIGINS_MAX];   /* borrowed from the list */
	size_t     count;
};

/* A list separated by commas or spaces of "scheme://host[:port]".
 * ERR_INVALID: *bad is the entry. */
NODISCARD enum err cors_parse(struct str list, struct cors *out, struct str *bad) NONNULL(2, 3);
bool cors_allows(const struct cors *c, struct str origin) NONNULL(1);

#endif
