/*
 * auth: from a request's credentials to its principal.
 * Access tokens are RS256 JWTs (RFC 7519) with token_use, as Cognito's; one
 * verifier over OpenSSL checks ours and those of the issuers that are trusted beside
 * (issuers.h).  The algorithm belongs to the key, never to the token (RFC 8725).
 * Cheap checks first; a verified token is remembered by its SHA-256 until it
 * expires or its session is revoked.  An API key is remembered for
 * API_KEY_BELIEVED_MS, and on this machine no longer than until it or its owner's
 * account changes (changed.h).  Revocations of this machine are seen at
 * once by every process (segment "revoked"), those of others within
 * NOTICES_BELIEVED_MS (notices.h), and with Redis at once.
 * Lifetime: one per process.
 * Threads:  safe from any.
 * Blocking: one store read when a token names a key that is not known yet, at
 *           most once a second; one a token while the segment is not filled, or
 *           had no room; two for an API key that is not remembered; where a token is
 *           another issuer's, as jwks_client.h says; otherwise never.
 */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/principal.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "config/config.h"
#include "metrics/metrics.h"
#include "net/redis.h"
#include "store/store.h"

struct auth;                            /* opaque */

/* `c` gives time-outs, PUBLIC_URL and SECRET_KEY and must outlive it. */
NODISCARD enum err auth_open(const struct config *c, struct store *s, struct metrics *m,
    struct auth **out, struct arena *a, struct str *reason) NONNULL_ALL;
void auth_close(struct auth *auth);
/* Begins to tell other machines of revocations and changes, and to hear of theirs, where
 * there are any (notices.h); before workers.  `r`: NULL without Redis; used until
 * auth_close, as the store is. */
void auth_follow(struct auth *auth, struct store *s, struct redis_server *r, struct metrics *m)
    NONNULL(1, 2, 4);

#define API_KEY_BELIEVED_MS 5000        /* without asking the store again */

struct auth_credentials {
	struct str authorization;       /* the Authorization header; absent: none */
	bool       loopback;            /* the client's own address is of this machine */
	struct str api_key;             /* the X-API-Key header; absent: none */
	struct str address;             /* the client's; empty: unknown */
};

/*
 * `c` may be NULL where it is known that what comes costs no read (tests of just that).
 * OK: *out is the principal; without credentials the anonymous one.
 * ERR_UNAUTHENTICATED: credentials that are malformed, forged, expired or
 *   revoked, two that differ, a key from where it may not be used; *reason is a word for the log ("expired", "bad_signature") and never
 *   for the client.
 * ERR_UNAVAILABLE: the keys could not be read.
 */
NODISCARD enum err auth_authenticate(struct auth *auth, struct store_connection *c,
    struct arena *a, const struct auth_credentials *who, int64_t now_ms,
    struct principal *out, const char **reason) NONNULL(1, 3, 4, 6, 7);

/* After a write that changed an API key, or an account in its roles, plan, tenant or
 * whether it is disabled: every process of this machine knows with its next request, those
 * of others when the notice arrives, or after API_KEY_BELIEVED_MS. */
void auth_changed(struct auth *auth, struct str id) NONNULL(1);
/* Notes the use of a key where that is due; for a principal with key_read, when its
 * reply is out. */
NODISCARD enum err auth_key_used(struct store_connection *c, struct arena *a,
    const struct principal *who, struct str address, int64_t now_ms) NONNULL(1, 2, 3);

/* The issuer in tokens and discovery: PUBLIC_URL, or "http://localhost" when unset:
 * a constant of the installation, never taken from a request's Host. */
struct str auth_issuer(const struct auth *auth) NONNULL_ALL;
/* {"keys":[…]} (RFC 7517) of every key whose tokens may still be alive; *changed_ms:
 * when one came or, since this process has known them, went. */
NODISCARD enum err auth_jwks(struct auth *auth, struct store_connection *c, struct arena *a,
    int64_t now_ms, struct str *json, int64_t *changed_ms) NONNULL_ALL;

/* A new signing key; the old ones verify until their last tokens are dead.  Errors
 * as keys_rotate's. */
NODISCARD enum err auth_rotate_keys(struct auth *auth, struct store_connection *c,
    struct arena *a, int64_t now_ms, struct str *kid) NONNULL_ALL;

#endif
