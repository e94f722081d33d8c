/*
 * oauth_consent: what an account has allowed a client.
 *   account#ID / consent#CLIENT   {scope}: forgotten after OAUTH_CONSENT_TTL_S
 */
#ifndef HANDLERS_AUTH_OAUTH_CONSENT_H
#define HANDLERS_AUTH_OAUTH_CONSENT_H

#include "auth/principal.h"
#include "base/err.h"
#include "store/store.h"

#define OAUTH_CONSENT_TTL_S (180 * 86400)       /* half a year after it was last given */

/* Zero: nothing yet. */
NODISCARD enum err oauth_consent_read(struct store_connection *c, struct arena *a,
    struct str account, struct str client, int64_t now_ms, scope_set *out) NONNULL(1, 2, 6);
/* In a transaction: it is still there. */
struct store_op oauth_consent_stands(struct arena *a, struct str account, struct str client)
    NONNULL(1);
struct store_item oauth_consent_item(struct arena *a, struct str account, struct str client,
    scope_set scopes, int64_t now_ms) NONNULL(1);

#endif
