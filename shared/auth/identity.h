/*
 * identity: accounts and sign-in, whoever keeps them.
 * IDENTITY names the provider: a table of functions (struct identity_provider).
 * identity_local.c keeps accounts in our own store.  What a provider cannot do
 * is ERR_UNSUPPORTED (501).
 * Threads:  safe from any, a call each.
 * Blocking: a provider of ours for one argon2id (19 MiB, t=2, p=1: some 40 ms);
 *           at most as many at a time, over all processes, as cores; the rest
 *           wait, ERR_UNAVAILABLE after IDENTITY_HASH_WAIT_MS.  Another one for
 *           its network, at most IDENTITY_NET_MS, then ERR_UNAVAILABLE.
 */
#ifndef AUTH_IDENTITY_H
#define AUTH_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/auth.h"

#define IDENTITY_HASH_WAIT_MS   3000
#define IDENTITY_NET_MS         5000
#define PASSWORD_MIN_LENGTH     12      /* code points; NIST SP 800-63B asks 8 at least, 15 alone */
#define PASSWORD_MAX_BYTES      1024    /* what argon2 is fed; longer is refused, not cut */
#define RECOVERY_CODES          10      /* each good once, in place of a second factor */
#define FRESH_SIGN_IN_S         600     /* how long a sign-in counts as who is there now */
#define TOTP_LOCKED_S           3600    /* at most, after too many wrong codes */

struct http_client;
struct mail;

struct account {
	struct str id, email, name, plan, tenant;
	uint32_t   roles;               /* bit 1 << enum role */
	bool       totp;                /* a second factor is on */
	uint64_t   version;
	int64_t    created_ms;
};

struct identity_tokens {
	struct str access_token, id_token, refresh_token;
	uint32_t   expires_in;          /* seconds, of the access token */
	scope_set  scopes;              /* of an OAuth client's access token */
	struct str session;             /* absent: the token is no session's */
};

/* What is wanted before there are tokens. */
enum challenge { CHALLENGE_NONE, CHALLENGE_TOTP, CHALLENGE_NEW_PASSWORD };

struct identity_login {
	enum challenge         challenge;
	struct str             session; /* of the challenge, to give back with its answer */
	struct identity_tokens tokens;  /* without a challenge */
};

struct identity_client {                /* where a session comes from, shown to its owner */
	struct str address, agent;
};

/* What every function below works with. */
struct identity_call {
	struct auth             *auth;
	struct store_connection *store;
	struct arena            *arena;
	struct mail             *mail;  /* NULL: nothing is mailed */
	struct http_client      *net;   /* NULL with accounts of our own */
	struct identity_client   from;
	int64_t                  now_ms;
	bool                     foreign;       /* the caller's account is another issuer's */
};

struct identity_session {
	struct str id, address, agent;
	struct str client, client_name; /* the OAuth client that has it; absent: none */
	int64_t    created_ms, used_ms;
	bool       current;             /* the caller's own */
};

struct totp_enrolment {
	struct str secret;              /* base32 (RFC 4648), for typing */
	struct str uri;                 /* otpauth://totp/…, for scanning */
};

/* Makes the owner's account when no account has that role.  `*password` is the
 * generated one, absent when OWNER_PASSWORD was given or an owner exists. */
NODISCARD enum err identity_ensure_owner(struct auth *auth, struct store_connection *c,
    struct arena *a, int64_t now_ms, struct str *email, struct str *password) NONNULL_ALL;

/*
 * The functions.  `who` is the caller; `why`, where it is given, says what is wrong
 * with a value and is absent when nothing is.
 */
struct identity_provider {
	/* ERR_UNAUTHENTICATED for an unknown account, a wrong password, an unconfirmed
	 * and a disabled account alike, after the same work. */
	enum err (*login)(const struct identity_call *k, struct str email, struct str password,
	    struct identity_login *out);
	/* ERR_UNAUTHENTICATED: a wrong code, or a session that is over; ERR_LIMITED: too
	 * many codes were wrong, and for TOTP_LOCKED_S only recovery codes are taken. */
	enum err (*login_totp)(const struct identity_call *k, struct str session, struct str code,
	    struct identity_login *out);
	/* ERR_INVALID: the password does not do, *why says what would. */
	enum err (*login_new_password)(const struct identity_call *k, struct str session,
	    struct str password, struct str *why, struct identity_login *out);

	/* The old refresh token is spent.  A spent one again within REFRESH_GRACE_S gives
	 * fresh tokens of the same session (two tabs); later it revokes the session:
	 * ERR_UNAUTHENTICATED. */
	enum err (*refresh)(const struct identity_call *k, struct str refresh_token,
	    struct identity_tokens *out);
	/* Ends `who`'s session, or every one of the account. */
	enum err (*logout)(const struct identity_call *k, const struct principal *who,
	    bool everywhere);
	/* Optional: ends a refresh token that logout cannot know.  OK for one that is over. */
	enum err (*forget)(const struct identity_call *k, struct str refresh_token);

	/* OK whether or not the address is known: a mail says which.  ERR_INVALID: *why;
	 * ERR_FORBIDDEN: REGISTRATION is closed. */
	enum err (*sign_up)(const struct identity_call *k, struct str email, struct str password,
	    struct str name, struct str *why);
	/* ERR_UNAUTHENTICATED: not the code, or too late, or nobody waits for it.  When the
	 * address was registered more than once meanwhile, the account has no password
	 * yet, and a mail says how to choose it. */
	enum err (*confirm)(const struct identity_call *k, struct str email, struct str code);
	/* These two: OK always, as far as a stranger can tell. */
	enum err (*resend)(const struct identity_call *k, struct str email);
	enum err (*forgot)(const struct identity_call *k, struct str email);
	/* Ends every session.  ERR_UNAUTHENTICATED as confirm; ERR_INVALID: *why. */
	enum err (*reset)(const struct identity_call *k, struct str email, struct str code,
	    struct str password, struct str *why);

	/* The account behind a principal; ERR_NOT_FOUND when it is gone. */
	enum err (*account)(const struct identity_call *k, const struct principal *who,
	    struct account *out);
	/* ERR_STALE: version is not the stored one (0: any). */
	enum err (*rename)(const struct identity_call *k, const struct principal *who,
	    struct str name, uint64_t version, struct account *out);
	/* Ends the account's other sessions.  ERR_UNAUTHENTICATED: old_password is wrong,
	 * and *why says so, or `who`'s session is over, and *why is absent; ERR_INVALID:
	 * the new one does not do, *why says what would. */
	enum err (*change_password)(const struct identity_call *k, const struct principal *who,
	    struct str old_password, struct str new_password, struct str *why);

	/* Each of the account's sessions, the newest first, until `each` returns false. */
	enum err (*sessions)(const struct identity_call *k, const struct principal *who,
	    bool (*each)(void *context, const struct identity_session *s), void *context);
	/* ERR_NOT_FOUND: no session of that account. */
	enum err (*session_end)(const struct identity_call *k, const struct principal *who,
	    struct str session);

	/* These three are for sessions: ERR_FORBIDDEN for an API key. */
	/* An access token alone, which may be stolen, does not do: the sign-in is at most
	 * FRESH_SIGN_IN_S old, else ERR_FORBIDDEN, or `password` is the account's, else
	 * ERR_UNAUTHENTICATED.  ERR_EXISTS: it is on already. */
	enum err (*totp_enrol)(const struct identity_call *k, const struct principal *who,
	    struct str password, struct totp_enrolment *out);
	/* ERR_UNAUTHENTICATED: not the code of the enrolled secret; ERR_NOT_FOUND: none is
	 * enrolled, or too long ago; ERR_EXISTS. */
	enum err (*totp_verify)(const struct identity_call *k, const struct principal *who,
	    struct str code, struct str recovery[RECOVERY_CODES]);
	/* With a code of it, or a recovery code.  ERR_NOT_FOUND: it is not on;
	 * ERR_UNAUTHENTICATED, ERR_LIMITED as login_totp. */
	enum err (*totp_remove)(const struct identity_call *k, const struct principal *who,
	    struct str code);
};

extern const struct identity_provider identity_local, identity_oidc, identity_cognito;

/* The provider that IDENTITY names; and the one that a call is for: a caller whose
 * account is another issuer's has what identity_oidc has. */
const struct identity_provider *auth_identity(const struct auth *auth) NONNULL_ALL;
const struct identity_provider *identity_of(const struct identity_call *k) NONNULL_ALL;

/* IDENTITY_CALL(&call, login, email, password, &out): ERR_UNSUPPORTED when the
 * provider does not have it. */
#define IDENTITY_CALL(k, function, ...) \
	(identity_of(k)->function == NULL ? ERR_UNSUPPORTED : \
	    identity_of(k)->function((k), __VA_ARGS__))

#endif
