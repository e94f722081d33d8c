/*
 * crypto: digests, comparison, encryption at rest, text forms of bytes.
 * All of it is OpenSSL's; this is the one way the library calls it.
 * Threads:  safe from any.
 */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define SHA256_BYTES    32
#define SHA1_BYTES      20
#define SECRET_BYTES    32      /* SECRET_KEY, decoded */

void crypto_sha256(struct str data, uint8_t out[SHA256_BYTES]) NONNULL(2);
void crypto_hmac_sha256(const uint8_t *key, size_t key_len, struct str data,
    uint8_t out[SHA256_BYTES]) NONNULL(1, 4);
/* For one-time passwords (RFC 4226), which no other digest makes. */
void crypto_hmac_sha1(const uint8_t *key, size_t key_len, struct str data,
    uint8_t out[SHA1_BYTES]) NONNULL(1, 4);
/* In lower-case hexadecimal: the name that Redis gives a script, and for nothing else. */
void crypto_sha1_hex(struct str data, char out[2 * SHA1_BYTES + 1]) NONNULL(2);
/* In time that depends on the length alone; different lengths are unequal. */
bool crypto_equal(struct str a, struct str b);
/* Overwrites in a way that the compiler keeps. */
void crypto_wipe(void *p, size_t len) NONNULL_ALL;
/* A key for one purpose out of SECRET_KEY: HKDF-SHA256 (RFC 5869) with
 * `purpose` as info. */
void crypto_derive(const uint8_t secret[SECRET_BYTES], const char *purpose,
    uint8_t out[SECRET_BYTES]) NONNULL_ALL;

/* AES-256-GCM: nonce (12), ciphertext, tag (16); `context` is authenticated
 * with it, so that a sealed value cannot be moved to another place.  STR_NONE:
 * the arena is exhausted. */
NODISCARD struct str crypto_seal(struct arena *a, const uint8_t key[SECRET_BYTES],
    struct str plain, struct str context) NONNULL(1, 2);
/* ERR_CORRUPT: other key, other context, or changed bytes; ERR_NO_MEMORY: the
 * arena is exhausted. */
NODISCARD enum err crypto_open(struct arena *a, const uint8_t key[SECRET_BYTES],
    struct str sealed, struct str context, struct str *plain) NONNULL(1, 2, 5);

/* Lower-case hexadecimal; `out` has 2 * len + 1 bytes. */
void crypto_hex(const void *bytes, size_t len, char *out) NONNULL_ALL;
/* RFC 4648 section 5 without padding / section 4 with padding.  STR_NONE: the
 * arena is exhausted. */
NODISCARD struct str crypto_base64url(struct arena *a, struct str bytes) NONNULL(1);
NODISCARD struct str crypto_base64(struct arena *a, struct str bytes) NONNULL(1);
/* Section 4, behind what is there. */
void crypto_base64_add(struct buf *out, struct str bytes) NONNULL(1);
/* Exactly the form that the first two above give: no white space, no stray bits.
 * ERR_INVALID: anything else; ERR_NO_MEMORY: the arena is exhausted. */
NODISCARD enum err crypto_base64url_decode(struct arena *a, struct str text,
    struct str *bytes) NONNULL(1, 3);
NODISCARD enum err crypto_base64_decode(struct arena *a, struct str text,
    struct str *bytes) NONNULL(1, 3);

#endif
