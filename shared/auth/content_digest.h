/*
 * content_digest: whether a body is the one that its Content-Digest names (RFC 9530).
 * Threads:  safe from any.
 * Blocking: never; hashes the body once for each digest given, of two kinds at most.
 */
#ifndef AUTH_CONTENT_DIGEST_H
#define AUTH_CONTENT_DIGEST_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

/* `field` is the header's value.  Every sha-256 and sha-512 in it must be the body's,
 * and one of them must be there; other algorithms are passed over.
 * ERR_INVALID: it is no such field, or knows none of the two; ERR_STALE: the body is
 * another.  *reason is a word for the log (static storage). */
NODISCARD enum err content_digest_check(struct arena *a, struct str field, struct str body,
    const char **reason) NONNULL(1, 4);

#endif
