/*
 * api_key: the text of an API key, qv_live_ID_SECRETCHECKSUM.
 *   ID        the key's id (a UUID) as 22 digits in base 62
 *   SECRET    256 random bits as 43 digits
 *   CHECKSUM  CRC-32 (ISO 3309) of all that stands before it, as 6 digits, as in
 *             the tokens of GitHub: what is mistyped, cut or made up is turned away
 *             without I/O, and scanners tell a key from what only looks like one
 * Digits are 0-9A-Za-z, numbers big-endian with leading zeros: an id has one form.
 * The secret has so many bits that a plain SHA-256 of the key is safe at rest.
 * Threads: values and pure functions.
 */
#ifndef AUTH_API_KEY_H
#define AUTH_API_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/str.h"

#define API_KEY_PREFIX          "qv_live_"
#define API_KEY_ID_DIGITS       22      /* 62^22 > 2^128 */
#define API_KEY_SECRET_DIGITS   43      /* 62^43 > 2^256 */
#define API_KEY_CHECKSUM_DIGITS 6       /* 62^6 > 2^32 */
/* What may be shown of a key: the prefix and the id. */
#define API_KEY_SHOWN_BYTES     (sizeof(API_KEY_PREFIX) - 1 + API_KEY_ID_DIGITS)
#define API_KEY_BYTES \
	(API_KEY_SHOWN_BYTES + 1 + API_KEY_SECRET_DIGITS + API_KEY_CHECKSUM_DIGITS)

/* Whether it means to be one: the rest may be wrong. */
bool api_key_is_meant(struct str text) PURE;
/* False: not of this form, or its checksum is not that of its text.  Else `id` is
 * the key's, and `digest` the SHA-256 of the whole. */
NODISCARD bool api_key_parse(struct str text, char id[ID_UUID_SIZE],
    uint8_t digest[SHA256_BYTES]) NONNULL(2, 3);

/* A key of that id (a UUID) with a new secret, NUL-terminated: wipe it. */
void api_key_generate(struct str id, char text[API_KEY_BYTES + 1],
    uint8_t digest[SHA256_BYTES]) NONNULL(2, 3);
/* The part that may be shown, NUL-terminated. */
void api_key_shown(struct str id, char text[API_KEY_SHOWN_BYTES + 1]) NONNULL(2);

/* In constant time. */
bool api_key_digest_equal(const uint8_t a[SHA256_BYTES], const uint8_t b[SHA256_BYTES])
    NONNULL_ALL;

#endif
