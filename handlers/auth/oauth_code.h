/*
 * oauth_code: authorization codes.
 *   code#HASH / code   {client, redirect_uri, account, epoch, scope, nonce, challenge,
 *                      auth_at, created_at, session}: by the code's SHA-256
 * A code is good once and for OAUTH_CODE_TTL_S.  When it has been used its item stays
 * with the session that it gave, which a second use ends.
 * Lifetime: a code is the arena's it was read into.
 */
#ifndef HANDLERS_AUTH_OAUTH_CODE_H
#define HANDLERS_AUTH_OAUTH_CODE_H

#include "auth/principal.h"
#include "base/err.h"
#include "store/store.h"

#define OAUTH_CODE_TTL_S        60
#define OAUTH_CODE_REMEMBER_S   86400   /* a used one: a second use after that finds nothing */
#define OAUTH_CODE_PREFIX       "qv_code_"

struct oauth_code {
	struct str key;                 /* pk of its item */
	struct str client, redirect_uri, account, nonce, challenge;
	scope_set  scopes;
	int64_t    epoch;               /* the account's when it was given */
	int64_t    auth_ms, created_ms;
	struct str session;             /* what it gave; absent: not used yet */
	uint64_t   version;
};

/* A new code for what is in *code, whose key is filled in. */
struct str oauth_code_new(struct arena *a, struct oauth_code *code) NONNULL_ALL;
/* ERR_NOT_FOUND: none of ours, or its time is over; junk costs no I/O. */
NODISCARD enum err oauth_code_read(struct store_connection *c, struct arena *a, struct str code,
    int64_t now_ms, struct oauth_code *out) NONNULL(1, 2, 5);
NODISCARD enum err oauth_code_item(struct arena *a, const struct oauth_code *code,
    struct store_item *out) NONNULL_ALL;

#endif
