/*
 * key_record: a signing key as the store has it, and how one is made.
 * {"jwk": {public, RFC 7517}, "private": sealed PKCS #8 PEM in base64,
 *  "created_at": ms}
 */
#ifndef AUTH_KEY_RECORD_H
#define AUTH_KEY_RECORD_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/str.h"

#define KEY_RSA_BITS 2048

struct key_record {
	struct str kid;                 /* RFC 7638 thumbprint */
	struct str body;                /* JSON text */
};

/* A new RS256 key, its private part sealed for `kid` alone. */
NODISCARD enum err key_record_new(struct arena *a, const uint8_t seal[SECRET_BYTES],
    int64_t now_ms, struct key_record *out) NONNULL_ALL;

/* The private part of a body as a PEM text on the heap, NUL-terminated: wipe it
 * (`*len` bytes) before freeing.  ERR_CORRUPT: not what was sealed for `kid`. */
NODISCARD enum err key_record_private(struct arena *a, const uint8_t seal[SECRET_BYTES],
    struct str kid, struct str body, char **pem, size_t *len) NONNULL(1, 2, 5, 6);

#endif
