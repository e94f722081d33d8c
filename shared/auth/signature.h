/*
 * signature: signatures of HTTP requests (RFC 9421), verified.
 * signatures_read says which ones a request carries; a caller picks one by its keyid,
 * finds the key, and asks signature_verify.  Who signs may be known by then, but
 * nothing in the request is believed before it verified.
 * Strict: what RFC 9421 lets a verifier refuse and we do not know (;req, ;tr, derived
 * components of responses, other algorithms) is refused.
 * Lifetime: what is read is the arena's and borrows from the message.
 * Threads:  safe from any.
 * Blocking: never.
 */
#ifndef AUTH_SIGNATURE_H
#define AUTH_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/jwk.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "base/structured_field.h"

#define SIGNATURES_MAX            8     /* labels in one request: a client's, and its proxies' */
#define SIGNATURE_FIELD_MAX_BYTES 16384 /* Signature-Input or Signature, all lines */
#define SIGNATURE_COMPONENTS_MAX  64    /* covered by one signature */
#define SIGNATURE_BASE_MAX_BYTES  65536 /* what is signed */
#define SIGNATURE_SECRET_MIN_BYTES 16   /* an HMAC key */

/* One line of a header; `name` in any case. */
struct signature_header {
	struct str name, value;
};

struct signature_message {
	struct str method;
	struct str target_uri;          /* absolute; signature_target fills those below from it */
	struct str scheme, authority;   /* lower case; without the scheme's own port */
	struct str request_target;      /* path and query, as they came */
	struct str path;                /* as it came; "/" for an empty one */
	struct str query;               /* with its "?"; absent: none */
	const struct signature_header *headers;
	size_t     n_headers;
	bool       has_body;            /* `body` is known: a covered content-digest is checked */
	struct str body;
};

/* Takes m->target_uri apart.  False: it is no absolute http or https URI. */
NODISCARD bool signature_target(struct arena *a, struct signature_message *m) NONNULL_ALL;

struct signature {
	struct str label;
	const struct sf_member *input;  /* components, and parameters as they came */
	struct str bytes;
	struct str keyid, alg, nonce, tag;      /* absent: not said */
	bool       has_created, has_expires;
	int64_t    created_s, expires_s;
};

struct signatures {
	struct signature list[SIGNATURES_MAX];
	size_t           count;
};

/* ERR_NOT_FOUND: the message has none; ERR_INVALID: one that is malformed, comes
 * without its half, or has a label or a component twice.  *reason is a word for the
 * log (static storage). */
NODISCARD enum err signatures_read(struct arena *a, const struct signature_message *m,
    struct signatures *out, const char **reason) NONNULL_ALL;
/* The first of that key; NULL when there is none. */
const struct signature *signatures_of_key(const struct signatures *s, struct str keyid)
    NONNULL(1);
/* Whether it covers that component, which has no parameters. */
bool signature_covers(const struct signature *s, struct str component) NONNULL(1);

/* What verifies: a secret (hmac-sha256), or a public key. */
struct signature_key {
	struct str secret;              /* absent: public_key */
	struct jwk public_key;
};

/* A JWK of kty oct, or any that jwk_parse takes.  Errors as jwk_parse's. */
NODISCARD enum err signature_key_read(struct arena *a, const struct json *jwk,
    struct signature_key *out, const char **reason) NONNULL_ALL;
/* Frees it; the secret is wiped where it lies. */
void signature_key_clean(struct signature_key *k) NONNULL_ALL;

/* What was signed, as section 2.5 makes it.  ERR_INVALID: a component is not there or
 * not known; ERR_TOO_LARGE. */
NODISCARD enum err signature_base(struct arena *a, const struct signature_message *m,
    const struct signature *s, struct str *out, const char **reason) NONNULL_ALL;
/* The algorithm is the key's; an `alg` that says another is refused.  The body is held
 * against a covered content-digest, when it is known.  Times and nonces are the
 * caller's (signature_policy_check).
 * ERR_UNAUTHENTICATED: not signed by `k`; ERR_INVALID, ERR_TOO_LARGE: see above;
 * ERR_STALE: another body. */
NODISCARD enum err signature_verify(struct arena *a, const struct signature_message *m,
    const struct signature *s, const struct signature_key *k, const char **reason) NONNULL_ALL;

/* What a route demands of a signature beside that it verifies. */
struct signature_policy {
	int64_t  now_s;
	uint32_t max_age_s, skew_s;
	bool     has_query, has_body;
};

/* It covers @method, @path, @query of a request that has one and content-digest of one
 * that has a body; it was created within max_age_s and has not expired, give or take
 * skew_s; it has a nonce of 1 to SIGNATURE_NONCE_MAX bytes.
 * ERR_UNAUTHENTICATED: it does not do. */
#define SIGNATURE_NONCE_MAX 128
NODISCARD enum err signature_policy_check(const struct signature *s,
    const struct signature_policy *p, const char **reason) NONNULL_ALL;

#endif
