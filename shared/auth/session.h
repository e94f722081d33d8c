/*
 * session: one sign-in, from login to logout; the family of its refresh tokens.
 *   account#ID / session#SID   {epoch, created_at, used_at, address, agent, and of an
 *                              OAuth client's {client, client_name, scope, auth_at}}
 *   refresh#HASH / refresh     {account, session, spent_at}: a token by its
 *                              SHA-256, kept when spent, to tell a second use
 *   revoked / SID              {}: ended, and its access tokens may still live;
 *                              a client's id stands for all tokens of that client;
 *                              by time in the index, for other machines
 * A session ends REFRESH_TOKEN_TTL_S after its last use, and SESSION_MAX_S after it began.
 */
#ifndef AUTH_SESSION_H
#define AUTH_SESSION_H

#include "auth/account.h"

/* "qv_refresh_" and 256 random bits in base64url. */
#define REFRESH_PREFIX          "qv_refresh_"

#define SESSIONS_MAX            100     /* of an account; one more ends what was not used longest */

/* Added to an access token's life when its session is revoked: requests that
 * began before may still issue one. */
#define REVOKED_MARGIN_S        120

struct session {
	struct str id, account;
	struct str address, agent;
	int64_t    epoch;               /* the account's when it began */
	int64_t    created_ms, used_ms;
	struct str client, client_name; /* the OAuth client it was given to; absent: none */
	scope_set  scopes;              /* what that client was given */
	int64_t    auth_ms;             /* when the account's owner signed in for it */
	bool       lone;                /* without a refresh token: ends with its access token;
	                                 * not stored */
};

NODISCARD enum err session_read(struct store_connection *c, struct arena *a, struct str account,
    struct str id, int64_t now_ms, struct session *out) NONNULL(1, 2, 6);
/* Each of the account's sessions, those that began last first, until `each` returns
 * false; what it gets is the arena's. */
NODISCARD enum err session_each(struct store_connection *c, struct arena *a,
    struct str account, int64_t now_ms, bool (*each)(void *context, const struct session *s),
    void *context) NONNULL(1, 2, 5);
NODISCARD enum err session_item(const struct auth *auth, struct arena *a,
    const struct session *s, struct store_item *out) NONNULL_ALL;

/* When the session is over at the latest, whatever becomes of it. */
int64_t session_last_ms(const struct auth *auth, const struct session *s) NONNULL_ALL;

/* Deletes the session and revokes it, here at once. */
NODISCARD enum err session_end(struct auth *auth, struct store_connection *c, struct arena *a,
    struct str account, struct str id, int64_t now_ms) NONNULL(1, 2, 3);
/* Every session of the account but `keep` (absent: every one). */
NODISCARD enum err session_end_all(struct auth *auth, struct store_connection *c,
    struct arena *a, struct str account, struct str keep, int64_t now_ms) NONNULL(1, 2, 3);

/* Those of the account that an OAuth client has; how many in *ended. */
NODISCARD enum err session_end_of_client(struct auth *auth, struct store_connection *c,
    struct arena *a, struct str account, struct str client, int64_t now_ms, size_t *ended)
    NONNULL(1, 2, 3, 7);

/* Ends what is over SESSIONS_MAX, the longest unused first, and never `keep`. */
NODISCARD enum err session_trim(struct auth *auth, struct store_connection *c, struct arena *a,
    struct str account, struct str keep, int64_t now_ms) NONNULL(1, 2, 3);

/* Revokes every access token of an OAuth client, in the transaction that does `also`. */
NODISCARD enum err session_end_client(struct auth *auth, struct store_connection *c,
    struct str client, const struct store_op *also, int64_t now_ms) NONNULL(1, 2, 4);

/* Revokes what is no session of ours, until its last token is over (`expires_ms`), here
 * at once. */
NODISCARD enum err session_revoke(struct auth *auth, struct store_connection *c, struct str id,
    int64_t expires_ms, int64_t now_ms) NONNULL(1, 2);

/* Whether the store has the session as revoked: OK, ERR_NOT_FOUND, or its error. */
NODISCARD enum err session_is_revoked(struct store_connection *c, struct str id, int64_t now_ms)
    NONNULL(1);
/* Every revoked session of the store into this machine's table. */
NODISCARD enum err session_fill_revoked(struct auth *auth, struct store_connection *c,
    int64_t now_ms) NONNULL_ALL;

/* What was revoked since it was last read, into this machine's table; all of it when
 * that was never, or long ago. */
NODISCARD enum err session_read_revoked(struct auth *auth, struct store_connection *c,
    int64_t now_ms) NONNULL_ALL;
/* Of another machine.  A notice is anyone's who may write to Redis: it counts no longer
 * than our own access tokens live.  What lives longer (another issuer's token) has the
 * rest of its time from the store. */
void session_heard_revoked(struct auth *auth, struct str id, int64_t now_ms, int64_t until_ms)
    NONNULL(1);

struct refresh {
	struct str key;                 /* pk of its item */
	struct str account, session;
	int64_t    spent_ms;            /* 0: not yet */
	int64_t    expires_ms;
	uint64_t   version;
};

/* A new token of a session, and what to store of it. */
struct str refresh_new(const struct auth *auth, struct arena *a, const struct session *s,
    struct refresh *out) NONNULL_ALL;
/* ERR_NOT_FOUND: no token of ours, or expired; junk costs no I/O. */
NODISCARD enum err refresh_read(struct store_connection *c, struct arena *a, struct str token,
    int64_t now_ms, struct refresh *out) NONNULL(1, 2, 5);
struct store_item refresh_item(struct arena *a, const struct refresh *r) NONNULL_ALL;

#endif
