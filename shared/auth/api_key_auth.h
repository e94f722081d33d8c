/*
 * api_key_auth: from an API key to its principal; auth/ alone includes it.
 * Threads:  safe from any.
 * Blocking: on two reads of the store for a key that is not remembered.
 */
#ifndef AUTH_API_KEY_AUTH_H
#define AUTH_API_KEY_AUTH_H

#include "auth/api_key_record.h"
#include "auth/state.h"

#define API_KEY_CACHE_ENTRIES 4096

struct digest_cache *api_key_cache_new(void);

/* As auth_authenticate; out->key_read says that the store was asked. */
NODISCARD enum err api_key_authenticate(struct auth *auth, struct store_connection *c,
    struct arena *a, struct str text, struct str address, int64_t now_ms,
    struct principal *out, const char **reason) NONNULL(1, 3, 7, 8);

#endif
