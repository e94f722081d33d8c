/*
 * token: what our tokens say (RFC 7519), checked and issued.
 * token_use tells access from id, as in Cognito's: only an access token
 * authenticates, whatever else its claims say.
 * Threads: safe from any.
 */
#ifndef AUTH_TOKEN_H
#define AUTH_TOKEN_H

#include "auth/jws.h"
#include "auth/principal.h"

#define TOKEN_AUDIENCE          "quiver"
#define TOKEN_USE_ACCESS        "access"
#define TOKEN_USE_ID            "id"
#define TOKEN_PAYLOAD_DEPTH_MAX 8       /* ours are two deep; providers nest address claims */

/* What a token must say to count here.  Every zero is the strict choice: without an
 * audience or an algorithm nothing passes. */
struct token_rules {
	struct str        issuer;
	const struct str *audiences;    /* one of them must be the token's */
	size_t            n_audiences;
	struct str        use;
	uint32_t          algorithms;   /* JWS_BITs, beside what the key allows */
	int64_t           now_ms;
	uint32_t          skew_s;       /* how far two clocks may differ */
	bool              uuids;        /* sub and sid must be UUIDs */
	bool              use_unsaid;   /* token_use may be absent; what then looks like an id token
	                                 * is none of use "access" */
	bool              any_issuer, any_audience, any_use, any_subject;
	bool              bare;         /* a payload that does not begin as a JSON object is let by */
};

struct token_claims {
	struct str subject, session;    /* session absent: the token has no sid */
	struct str client;              /* client_id; absent: the token has none */
	struct str email, name, plan, tenant;
	uint32_t   roles;               /* bit 1 << enum role; unknown names are left out */
	bool       scoped;              /* it has a scope claim, */
	scope_set  scopes;              /* of these */
	int64_t    expires_ms;          /* exp, without the skew */
};

/* Checks iss, aud (or, without one, client_id), exp, nbf, iat, token_use and sub;
 * strings of *out are the payload's.  ERR_UNAUTHENTICATED: *reason is a word for
 * the log ("expired", "wrong_issuer"; static storage). */
NODISCARD enum err token_check(const struct json *payload, const struct token_rules *rules,
    struct token_claims *out, const char **reason) NONNULL_ALL;

/* Whether it has what OpenID providers put into id tokens (nonce, at_hash, c_hash,
 * s_hash, typ "ID") or logout tokens (events), and never into access tokens. */
bool token_looks_like_id(const struct json *payload) NONNULL_ALL;

/* Whether a header's typ may stand on an access token: none, "JWT" or "at+jwt"
 * (RFC 9068), any case, with or without "application/". */
bool token_type_fits(struct str type);

/* A token to be. */
struct token_draft {
	const char *use;                /* TOKEN_USE_… */
	struct str  issuer, subject, session, email, name, plan, tenant;
	uint32_t    roles;
	int64_t     now_ms;
	uint32_t    ttl_s;
	/* For an OAuth client; without one the scopes are all that the roles give.  Its
	 * access tokens have RFC 9068's claims (libjwt writes no other typ than JWT), its id
	 * tokens OpenID Connect's: neither says more of the account than the scopes allow. */
	struct str  client;
	scope_set   scopes;
	struct str  nonce;
	int64_t     auth_ms;            /* when the account's owner signed in */
	struct str  access_token;       /* an id token's at_hash is made of it */
};

/* What signs: a PEM text and its key id, both NUL-terminated. */
struct token_signer {
	const char *kid, *pem;
	size_t      pem_len;
};

/* Signs with RS256.  ERR_INTERNAL: libjwt would not. */
NODISCARD enum err token_issue(struct arena *a, const struct token_signer *signer,
    const struct token_draft *draft, struct str *out) NONNULL_ALL;

#endif
