/*
 * jws: one verifier for signed tokens (RFC 7515 compact form), over OpenSSL.
 * jws_parse costs no arithmetic and turns away what no key could mend: wrong
 * form, padded or non-canonical base64url, duplicate names, an algorithm that is
 * not in the table, headers that would bring a key of the token's own
 * (RFC 8725).  jws_verify then checks against one key, with the algorithm that
 * the key allows.
 * Threads: safe from any.
 */
#ifndef AUTH_JWS_H
#define AUTH_JWS_H

#include "auth/jwk.h"

#define JWS_HEADER_MAX_BYTES    1024    /* encoded: alg, typ, kid and some air */

struct jws {
	enum jws_algorithm algorithm;   /* what the token claims: to be held against the key */
	struct str         kid, type;   /* absent when the header has none */
	struct str         signed_text; /* header "." payload, as they came */
	struct str         payload;     /* decoded bytes */
	struct str         signature;   /* decoded bytes */
};

/* `out` borrows from `token` and `a`.  ERR_INVALID: *reason is a word for the log
 * (static storage).  ERR_NO_MEMORY. */
NODISCARD enum err jws_parse(struct arena *a, struct str token, struct jws *out,
    const char **reason) NONNULL_ALL;

/* Whether `k` could have signed it at all: its algorithms and the length of the
 * signature.  No arithmetic. */
bool jws_fits(const struct jws *t, const struct jwk *k) NONNULL_ALL;

/* ERR_UNAUTHENTICATED: the signature is not `k`'s over these bytes. */
NODISCARD enum err jws_verify(const struct jws *t, const struct jwk *k) NONNULL_ALL;

#endif
