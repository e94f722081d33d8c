/*
 * signature_keys: where the key of a signature is found, and that no nonce counts twice.
 * Threads:  safe from any.
 * Blocking: on the store.
 */
#ifndef AUTH_SIGNATURE_KEYS_H
#define AUTH_SIGNATURE_KEYS_H

#include "auth/signature.h"
#include "store/store.h"

/* Finds the public key that an API key has for its signatures: signature_key_clean it
 * afterwards.  ERR_NOT_FOUND: it has none, and signs with its own secret.  NULL: none
 * has one. */
struct signature_keys {
	enum err (*find)(void *context, struct store_connection *c, struct arena *a,
	    struct str keyid, int64_t now_ms, struct signature_key *out);
	void      *context;
};

/* Remembers the nonce of a signature that verified until expires_ms, when its age alone
 * refuses it.  ERR_EXISTS: it was used before, on whichever machine. */
NODISCARD enum err signature_nonce_use(struct store_connection *c, struct arena *a,
    struct str keyid, struct str nonce, int64_t now_ms, int64_t expires_ms) NONNULL(1, 2);

#endif
