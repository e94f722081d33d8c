/*
 * grant: what an account's sign-in gives, and to whom: a session and its tokens.
 * Our own sign-in and the clients of the OAuth server begin and go on through these
 * alike, so that rotation and what a reused refresh token means are the same.
 * Threads:  safe from any, a connection each.
 * Blocking: on the store.
 */
#ifndef AUTH_GRANT_H
#define AUTH_GRANT_H

#include "auth/session.h"

/* All zero: our own sign-in, with all that the account may do. */
struct grant_terms {
	struct str client, client_name; /* the OAuth client */
	scope_set  scopes;              /* at most these; of them the account's are given */
	struct str nonce;               /* for the id token, which comes with "openid" */
	int64_t    auth_ms;             /* when the account's owner signed in */
	bool       lone;                /* no refresh token */
	struct str session;             /* the session's id to be; absent: a new one */
};

/* A session of `r`'s account and its tokens, with the `n` operations of `also` (at most
 * GRANT_ALSO_MAX) in the same transaction; the account's oldest session makes room.
 * ERR_STALE, ERR_NOT_FOUND: the account changed since it was read, or something that
 * `also` checks. */
#define GRANT_ALSO_MAX 4
NODISCARD enum err grant_begin(const struct identity_call *k, const struct account_record *r,
    const struct grant_terms *terms, const struct store_op *also, size_t n,
    struct identity_tokens *out) NONNULL(1, 2, 3, 6);

/* The same for our own sign-in of an account whose owner has shown who they are once:
 * with a second factor on it, a challenge in place of tokens. */
NODISCARD enum err grant_sign_in(const struct identity_call *k, const struct account_record *r,
    const struct store_op *also, size_t n, struct identity_login *out) NONNULL(1, 2, 5);

/* What a refresh token stands for. */
struct grant {
	struct refresh        refresh;
	struct account_record r;
	struct session        s;
};
/* A token of a session that is over, of an account that may not sign in, or of
 * another client than `client` (absent: our own) is as good as none: ERR_NOT_FOUND. */
NODISCARD enum err grant_read(const struct identity_call *k, struct str token,
    struct str client, struct grant *out) NONNULL(1, 4);

/* identity_provider's refresh, and the same for a client: of its terms client, scopes
 * (what the new access token has, within what was given) and nothing else count. */
NODISCARD enum err grant_refresh(const struct identity_call *k, struct str refresh_token,
    const struct grant_terms *terms, struct identity_tokens *out) NONNULL(1, 3, 4);

/* An access token of an OAuth client for itself, with its own id as the subject. */
NODISCARD enum err grant_to_client(const struct identity_call *k,
    const struct grant_terms *terms, struct identity_tokens *out) NONNULL_ALL;

#endif
