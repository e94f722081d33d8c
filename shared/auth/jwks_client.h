/*
 * jwks_client: the public keys of trusted issuers, fetched and kept fresh.
 * One thread fetches, one issuer at a time, from the first need on; before a set is
 * stale it is fetched again, so that nobody waits.  While a provider is down its old
 * keys go on.  A provider that cannot be reached is not asked again at once, and a
 * token with a key id that nobody knows makes at most one fetch a minute.
 * Bounds:   struct jwks_bounds, and what key_set has.
 * Lifetime: jwks_client_new, jwks_client_add for each issuer, then calls, then
 *           jwks_client_free, which waits for a fetch in progress.
 * Threads:  jwks_choose is safe from any.
 * Blocking: never for a key that is known.  Else for a fetch: one caller of the
 *           process as long as the deadline, others no longer than the grace after it
 *           was asked for, then ERR_UNAVAILABLE: a provider that hangs holds one worker.
 */
#ifndef AUTH_JWKS_CLIENT_H
#define AUTH_JWKS_CLIENT_H

#include "auth/key_set.h"
#include "metrics/metrics.h"

#define JWKS_DOCUMENT_MAX_BYTES 262144  /* a set, or a discovery document; real ones have 2 to 20 KB */

struct jwks_bounds {
	uint32_t deadline_ms;           /* of a fetch, discovery included */
	uint32_t grace_ms;              /* that many callers may wait for one */
	uint32_t age_min_s, age_s, age_max_s;   /* what Cache-Control may say; what holds without it */
	uint32_t outlive_s;             /* how long past its age a set serves while there is no other */
	uint32_t unknown_ms;            /* between fetches for key ids that are not known */
	uint32_t retry_min_ms, retry_max_ms;    /* after a failure; doubled each time */
};

extern const struct jwks_bounds jwks_bounds_default;

struct jwks_client;                     /* opaque */
struct jwks_issuer;                     /* opaque; the client's */

/* `ca_file` as http_client_new; `bounds` must outlive it. */
NODISCARD struct jwks_client *jwks_client_new(struct metrics *m, struct str ca_file,
    const struct jwks_bounds *bounds) NONNULL(1, 3);
void jwks_client_free(struct jwks_client *c);

/* Before the first jwks_choose.  `jwks_uri` absent: ISSUER/.well-known/openid-configuration
 * says it.  Both texts must outlive the client. */
NODISCARD struct jwks_issuer *jwks_client_add(struct jwks_client *c, struct str issuer,
    struct str jwks_uri) NONNULL(1);

/* As key_set_choose.  ERR_NOT_FOUND: the issuer, as far as one may ask it, has no such
 * key; ERR_UNAVAILABLE: its keys could not be had. */
NODISCARD enum err jwks_choose(struct jwks_issuer *i, const struct jws *t,
    struct key_choice *out) NONNULL_ALL;

#endif
