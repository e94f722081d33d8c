/*
 * provider_handover: how tokens get from the callback to the application that began the
 * sign-in: by a code in its address, which it changes for them.  Tokens are in no
 * address, history or log.
 *   handover#HASH / handover   {account, epoch, challenge}: by the code's SHA-256
 * A code is good once, for PROVIDER_HANDOVER_TTL_S, and for who knows what the challenge
 * was made of (RFC 7636): the application that gave one, else the browser that has the
 * callback's cookie.
 */
#ifndef HANDLERS_AUTH_PROVIDER_HANDOVER_H
#define HANDLERS_AUTH_PROVIDER_HANDOVER_H

#include "auth/account.h"
#include "http/request.h"
#include "http/response.h"

#define PROVIDER_HANDOVER_TTL_S 60
#define PROVIDER_HANDOVER_BYTES 55      /* the prefix, and 256 random bits in base64url */

/* A new code for the account as it was read.  Absent `challenge`: the browser gets a
 * cookie in `res`. */
NODISCARD enum err provider_handover_give(const struct request *req, struct response *res,
    const struct account_record *r, struct str challenge, struct str *code) NONNULL(1, 2, 3, 5);
/* The account that the request's code is of, and what spends the code, for the
 * transaction that uses it.  ERR_NOT_FOUND: none, over, spent, or somebody else's. */
NODISCARD enum err provider_handover_take(const struct request *req, struct response *res,
    struct account_record *out, struct store_op *spend) NONNULL_ALL;

#endif
