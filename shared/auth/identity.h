/*
 * identity: accounts and sign-in, whoever keeps them.
 * identity_local.c keeps them in the store; other providers come behind the same
 * functions.  What one cannot do is ERR_UNSUPPORTED (501).
 * Threads:  safe from any, a connection each.
 * Blocking: password functions for one argon2id (19 MiB, t=2, p=1: some 40 ms);
 *           at most as many at a time, over all processes, as cores; the rest
 *           wait, ERR_UNAVAILABLE after IDENTITY_HASH_WAIT_MS.
 */
#ifndef AUTH_IDENTITY_H
#define AUTH_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"

#define IDENTITY_HASH_WAIT_MS   3000
#define PASSWORD_MIN_LENGTH     12      /* code points; NIST SP 800-63B asks 8 at least, 15 alone */
#define PASSWORD_MAX_BYTES      1024    /* what argon2 is fed; longer is refused, not cut */

struct account {
	struct str id, email, name, plan, tenant;
	uint32_t   roles;               /* bit 1 << enum role */
	uint64_t   version;
	int64_t    created_ms;
};

struct identity_tokens {
	struct str access_token, id_token, refresh_token;
	uint32_t   expires_in;          /* seconds, of the access token */
};

struct identity_client {                /* where a session comes from, shown to its owner */
	struct str address, agent;
};

/* Makes the owner's account when no account has that role.  `*password` is the
 * generated one, absent when OWNER_PASSWORD was given or an owner exists. */
NODISCARD enum err identity_ensure_owner(struct auth *auth, struct store_connection *c,
    struct arena *a, int64_t now_ms, struct str *email, struct str *password) NONNULL_ALL;

/* ERR_UNAUTHENTICATED for an unknown account, a wrong password and a disabled
 * account alike, after the same work. */
NODISCARD enum err identity_login(struct auth *auth, struct store_connection *c,
    struct arena *a, struct str email, struct str password,
    const struct identity_client *from, int64_t now_ms, struct identity_tokens *out)
    NONNULL(1, 2, 3, 6, 8);

/* The old refresh token is spent.  A spent one again within REFRESH_GRACE_S gives
 * fresh tokens of the same session (two tabs); later it revokes the session:
 * ERR_UNAUTHENTICATED. */
NODISCARD enum err identity_refresh(struct auth *auth, struct store_connection *c,
    struct arena *a, struct str refresh_token, const struct identity_client *from,
    int64_t now_ms, struct identity_tokens *out) NONNULL(1, 2, 3, 5, 7);

/* Ends `who`'s session, or every one of the account. */
NODISCARD enum err identity_logout(struct auth *auth, struct store_connection *c,
    struct arena *a, const struct principal *who, bool everywhere, int64_t now_ms) NONNULL_ALL;

/* The account behind a principal; ERR_NOT_FOUND when it is gone. */
NODISCARD enum err identity_account(struct auth *auth, struct store_connection *c,
    struct arena *a, struct str id, int64_t now_ms, struct account *out) NONNULL(1, 2, 3, 6);

/* PATCH /v1/auth/me.  ERR_STALE: version is not the stored one (0: any). */
NODISCARD enum err identity_rename(struct auth *auth, struct store_connection *c,
    struct arena *a, struct str id, struct str name, uint64_t version, int64_t now_ms,
    struct account *out) NONNULL(1, 2, 3, 8);

/* Ends the account's other sessions.  ERR_UNAUTHENTICATED: old_password is wrong, and
 * *why says so, or `who`'s session is over, and *why is absent; ERR_INVALID: the new
 * one does not do, *why says what would. */
NODISCARD enum err identity_change_password(struct auth *auth, struct store_connection *c,
    struct arena *a, const struct principal *who, struct str old_password,
    struct str new_password, int64_t now_ms, struct str *why) NONNULL(1, 2, 3, 4, 8);

#endif
