/*
 * key_current: which signing key signs now, as the store has it.
 *   signing-keys / KID       a key (key_record.h); with an expiry once it signs no more
 *   signing-key / current    {kid, since}: the one that signs
 * Replacing it is one transaction on the version of that name, so that of several
 * who do it at once one does.
 */
#ifndef AUTH_KEY_CURRENT_H
#define AUTH_KEY_CURRENT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/str.h"
#include "store/store.h"

#define KEYS_PK         STR("signing-keys")
#define KEYS_LIVING_MAX 32      /* keys whose tokens may live, at once: a JWKS stays small */

struct key_current {
	struct str kid;
	int64_t    since_ms;            /* when it began to sign; 0: unknown */
	uint64_t   version;             /* of the name; 0: there is none yet */
};

/* ERR_NOT_FOUND: no key was ever made. */
NODISCARD enum err key_current_read(struct store_connection *c, struct arena *a,
    int64_t now_ms, struct key_current *out) NONNULL_ALL;

/* Makes a key that signs from now on instead of `old` (as read; `version` 0: it is
 * the first), which stays until `old_until_ms`.  ERR_EXISTS, ERR_STALE: another did;
 * ERR_LIMITED: there are KEYS_LIVING_MAX. */
NODISCARD enum err key_current_replace(struct store_connection *c, struct arena *a,
    const uint8_t seal[SECRET_BYTES], const struct key_current *old, int64_t old_until_ms,
    int64_t now_ms, struct str *kid) NONNULL_ALL;

#endif
