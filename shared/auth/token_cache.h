/*
 * token_cache: tokens that were verified, by their SHA-256, with whom they mean.
 * Only what passed every check gets in, so nobody without a token of ours can
 * fill it.  The token itself is not kept.
 * Bounds:   TOKEN_CACHE_ENTRIES; a new one pushes out another of its set.  A
 *           principal with more text than an entry holds is not remembered.
 * Lifetime: one per process.
 * Threads:  safe from any.  Readers take no lock: an entry has a sequence number
 *           that is odd while it is written, and who finds it odd or changed
 *           treats it as a miss.
 * Blocking: never.
 */
#ifndef AUTH_TOKEN_CACHE_H
#define AUTH_TOKEN_CACHE_H

#include "auth/principal.h"
#include "base/arena.h"
#include "base/crypto.h"

#define TOKEN_CACHE_ENTRIES     4096    /* 2 MB when full; pages never used cost nothing */

struct token_cache;                     /* opaque */

struct token_cache *token_cache_new(void);
void token_cache_free(struct token_cache *c);

/* The principal with its strings in `a`; false when unknown, or past `until_ms`.
 * Revocation is the caller's to check. */
bool token_cache_get(const struct token_cache *c, const uint8_t digest[SHA256_BYTES],
    int64_t now_ms, struct arena *a, struct principal *out) NONNULL_ALL;
void token_cache_put(struct token_cache *c, const uint8_t digest[SHA256_BYTES],
    const struct principal *p, int64_t now_ms, int64_t until_ms) NONNULL_ALL;

#endif
