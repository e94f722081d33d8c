/*
 * digest_cache: a fixed number of small values by a SHA-256, for what was verified
 * and may be believed for a while.
 * Bounds:   as many entries as it was made with; a new one pushes out another of
 *           its set.
 * Lifetime: one per process.
 * Threads:  safe from any.  Readers take no lock: an entry has a sequence number
 *           that is odd while it is written, and who finds it odd or changed
 *           treats it as a miss.
 * Blocking: never.
 */
#ifndef AUTH_DIGEST_CACHE_H
#define AUTH_DIGEST_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/crypto.h"

struct digest_cache;                    /* opaque */

/* `entries` is a power of two; a value has at most `value_bytes`.  Pages never used
 * cost nothing. */
struct digest_cache *digest_cache_new(size_t entries, size_t value_bytes);
void digest_cache_free(struct digest_cache *c);

/* Copies the value into `out`, which has room for value_bytes; false when unknown, or
 * past its time. */
bool digest_cache_get(const struct digest_cache *c, const uint8_t digest[SHA256_BYTES],
    int64_t now_ms, void *out) NONNULL_ALL;
/* Remembers `len` bytes until `until_ms`. */
void digest_cache_put(struct digest_cache *c, const uint8_t digest[SHA256_BYTES],
    const void *value, size_t len, int64_t now_ms, int64_t until_ms) NONNULL_ALL;

#endif
