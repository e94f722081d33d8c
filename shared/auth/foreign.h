/*
 * foreign: whom another issuer's token means here.
 * To all that stands above, accounts and sessions are UUIDs: those of others are made
 * of their names (version 8, RFC 9562, 5.8), so that two issuers never meet and none
 * meets ours, which are of version 7.
 * Threads: safe from any.
 */
#ifndef AUTH_FOREIGN_H
#define AUTH_FOREIGN_H

#include "auth/issuers.h"
#include "auth/principal.h"
#include "auth/token_verify.h"
#include "base/crypto.h"

/* The principal of a verified token; `digest` is its SHA-256.  Whoever the issuer signed
 * a token for is at least a user; roles are found by our names and groups.  A scope claim
 * narrows when it names scopes of ours other than those that OpenID has, too.
 * ERR_UNAUTHENTICATED: its sub is none that can be used; *reason says so for the log. */
NODISCARD enum err foreign_principal(struct arena *a, const struct issuer *i,
    const struct token *token, const uint8_t digest[SHA256_BYTES], struct principal *out,
    const char **reason) NONNULL_ALL;

/* The account id of a subject, and the id under which its session is revoked. */
struct str foreign_account_id(struct arena *a, struct str issuer, struct str subject) NONNULL(1);

#endif
