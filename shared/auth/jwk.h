/*
 * jwk: a public key as JSON (RFC 7517, 7518, 8037), made ready to verify with.
 * What a key may be used for is decided here, once, and never by a token.
 * Lifetime: jwk_parse to jwk_clean.
 * Threads:  a parsed key is read by all.
 */
#ifndef AUTH_JWK_H
#define AUTH_JWK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/types.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

#define JWK_KID_MAX_BYTES       128     /* a thumbprint has 43; providers use up to a UUID or two */
#define JWK_RSA_MIN_BITS        2048    /* RFC 7518, 3.3 */
#define JWK_RSA_MAX_BITS        8192    /* verifying is quadratic: a key must not be an attack */

/* "none" and the HMAC family are not in it: no key of ours can be asked for them.
 * PS512 is for signatures of HTTP messages (RFC 9421); no token may use it. */
enum jws_algorithm {
	JWS_UNKNOWN = 0,
	JWS_RS256, JWS_RS384, JWS_RS512, JWS_PS256, JWS_ES256, JWS_ES384, JWS_EDDSA, JWS_PS512,
	JWS_ALGORITHM_COUNT
};
#define JWS_BIT(algorithm) (UINT32_C(1) << (algorithm))
/* What tokens may be signed with. */
#define JWS_TOKEN_ALGORITHMS \
	((JWS_BIT(JWS_ALGORITHM_COUNT) - 1) & ~(JWS_BIT(JWS_UNKNOWN) | JWS_BIT(JWS_PS512)))

struct jwk {
	EVP_PKEY *key;
	uint32_t  algorithms;           /* JWS_BITs it may verify */
	size_t    signature_bytes;      /* exactly; of every algorithm it has */
	char      kid[JWK_KID_MAX_BYTES + 1];   /* "" when it has none */
};

/* "RS256"; "" for JWS_UNKNOWN. */
const char *jws_algorithm_name(enum jws_algorithm algorithm);
/* JWS_UNKNOWN for "none", for HMAC and for another case: names are exact. */
enum jws_algorithm jws_algorithm_from_name(struct str name);

/* RSA of 2,048 to 8,192 bits, EC on P-256 and P-384, Ed25519.
 * ERR_UNSUPPORTED: another kind, or not for verifying signatures;
 * ERR_INVALID: malformed, too small, not on its curve, made by a generator that is
 *   known to be broken (ROCA), or with private parts.
 * *reason says which (static storage). */
NODISCARD enum err jwk_parse(struct arena *a, const struct json *json, struct jwk *out,
    const char **reason) NONNULL_ALL;
void jwk_clean(struct jwk *k) NONNULL_ALL;
/* The same key for a second owner, who cleans it too; no arithmetic, no parsing. */
void jwk_share(const struct jwk *k, struct jwk *out) NONNULL_ALL;

/* RFC 7638 with SHA-256, base64url.  ERR_UNSUPPORTED: kty or crv is not known. */
NODISCARD enum err jwk_thumbprint(struct arena *a, const struct json *json, struct str *out)
    NONNULL_ALL;

#endif
