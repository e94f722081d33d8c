/*
 * keys: the installation's signing keys.
 * They are in the store: an item a key with the public JWK and, sealed under a
 * key derived from SECRET_KEY, the private part; and one item that names the key
 * which signs now.  Whoever needs the first key makes it; of several at once one
 * wins and the others take that one.
 * Rotation, when it is asked for and when the key is too old for who is about to sign
 * with it, is three writes in one transaction: the new key's item, the old one's
 * with an expiry after its last token's, and the name.  Readers find the new key
 * because its id is one they do not know yet.
 * Lifetime: one per process.  The private part is read by a process that issues
 *           tokens, and by no other.
 * Threads:  safe from any.
 * Blocking: keys_find never; the others on the store, and for some 200 ms when a
 *           key is made.
 */
#ifndef AUTH_KEYS_H
#define AUTH_KEYS_H

#include <stdint.h>

#include "auth/jwk.h"
#include "auth/token.h"
#include "base/crypto.h"
#include "store/store.h"

#define KEYS_MAX                256     /* keys one process may come to know: years of rotation */
#define KEYS_RELOAD_MS          1000    /* unknown ids make us read the store no more often */

struct keys;                            /* opaque */

struct keys_terms {
	int64_t max_age_ms;             /* of a key that signs; 0: any */
	int64_t tokens_live_ms;         /* the longest after they were signed */
};

struct keys *keys_new(const uint8_t secret_key[SECRET_BYTES], struct keys_terms terms)
    NONNULL(1);
void keys_free(struct keys *k);

/* The key of that id, good as long as `k`; NULL when it is not known or its time
 * is over. */
const struct jwk *keys_find(const struct keys *k, struct str kid, int64_t now_ms) NONNULL(1);
/* The same, after a look into the store when that was long enough ago.
 * ERR_NOT_FOUND: still none; else the store's error. */
NODISCARD enum err keys_find_or_load(struct keys *k, struct store_connection *c,
    struct arena *a, struct str kid, int64_t now_ms, const struct jwk **out)
    NONNULL(1, 2, 3, 6);

/* What signs now, good as long as `k`; the first key is made when there is none.
 * ERR_CORRUPT: it was sealed under another SECRET_KEY (the log says so). */
NODISCARD enum err keys_signer(struct keys *k, struct store_connection *c, struct arena *a,
    int64_t now_ms, const struct token_signer **out) NONNULL_ALL;

/* Has a new key sign from now on; the old ones verify until their last tokens are
 * dead.  ERR_LIMITED: KEYS_LIVING_MAX (key_current.h) do; ERR_UNAVAILABLE: others are
 * rotating, too. */
NODISCARD enum err keys_rotate(struct keys *k, struct store_connection *c, struct arena *a,
    int64_t now_ms, struct str *kid) NONNULL_ALL;

/* {"keys":[…]}; the first key is made when there is none.  *changed_ms: when the newest
 * was made, or the last one that this process has known ended. */
NODISCARD enum err keys_jwks(struct keys *k, struct store_connection *c, struct arena *a,
    int64_t now_ms, struct str *json, int64_t *changed_ms) NONNULL_ALL;

#endif
