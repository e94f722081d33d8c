/*
 * jwks_fetch: the keys of one issuer over the network: where they are (OpenID
 * Connect Discovery 1.0, 4), what they are (RFC 7517) and how long that may be kept.
 * For jwks_client.c alone, but for jwks_age_s.
 * Threads:  one at a time.
 * Blocking: until the deadline.
 */
#ifndef AUTH_JWKS_FETCH_H
#define AUTH_JWKS_FETCH_H

#include "auth/jwks_client.h"
#include "net/http_client.h"

/* Of whom, and what is remembered between fetches. */
struct jwks_place {
	struct str issuer;
	struct str jwks_uri;            /* absent: discovery says it */
	char      *discovered;          /* what it said; NULL: nothing yet; freed by its owner */
	uint64_t   discovered_until_ns;
	size_t     told_used, told_left_out;    /* what the log has of the last set */
};

/* OK: *out has at least one key, and may be kept for *age_s.  Else *reason is for the
 * log, and *out is empty. */
NODISCARD enum err jwks_fetch(struct http_client *net, struct arena *a, struct jwks_place *place,
    const struct jwks_bounds *bounds, struct key_set *out, uint32_t *age_s, struct str *reason)
    NONNULL_ALL;

/* max-age of a Cache-Control header (RFC 9111, 5.2.2) within the bounds; the default
 * without one; the least for no-store and no-cache. */
uint32_t jwks_age_s(struct str cache_control, const struct jwks_bounds *bounds) NONNULL(2);

#endif
