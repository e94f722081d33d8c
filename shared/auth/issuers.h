/*
 * issuers: whose tokens are trusted beside our own, and what their claims mean here.
 * OIDC_ISSUERS names them; a provider that IDENTITY builds in adds its own.
 * Lifetime: parsed before there are threads, constant afterwards.
 * Threads:  read by all.
 */
#ifndef AUTH_ISSUERS_H
#define AUTH_ISSUERS_H

#include "auth/jwks_client.h"
#include "auth/token.h"

#define ISSUERS_MAX             16
#define ISSUER_AUDIENCES_MAX    8
#define ISSUER_TEXT_MAX_BYTES   512     /* an issuer, an audience, a claim's path */
#define ROLES_CLAIM_DEFAULT     "roles"

struct issuer {
	struct str  name;               /* iss, exactly */
	struct str  audiences[ISSUER_AUDIENCES_MAX];
	size_t      n_audiences;
	struct str  jwks_uri;           /* absent: by discovery */
	uint32_t    algorithms;         /* JWS_BITs */
	struct str  roles_claim;        /* a claim's name, or its path with dots between names */
	struct str  tenant_claim;       /* the same; absent: tokens name no tenant */
	bool        id_tokens;          /* id tokens are what authenticates, not access tokens */
	bool        home;               /* IDENTITY's own: its sub are UUIDs and taken as account
	                                 * ids as they are, and its accounts are IDENTITY's */
	struct jwks_issuer *keys;
};

struct issuers {
	struct issuer list[ISSUERS_MAX];
	size_t        count;
};

/* Adds those of OIDC_ISSUERS, a JSON list; texts are the arena's.  `own` is our own
 * issuer, which nobody else may be.  ERR_INVALID: *reason says what is wrong with it
 * and what would do. */
NODISCARD enum err issuers_parse(struct arena *a, struct str text, struct str own,
    struct issuers *out, struct str *reason) NONNULL(1, 4, 5);
/* Adds one; its texts must outlive `out`.  ERR_EXISTS: that name is there already;
 * ERR_TOO_LARGE: there are ISSUERS_MAX. */
NODISCARD enum err issuers_add(struct issuers *out, const struct issuer *one) NONNULL_ALL;
/* NULL: not trusted. */
const struct issuer *issuers_find(const struct issuers *list, struct str name) NONNULL(1);

/* Whether it may name an issuer or a place of one: https, or http on this machine; no
 * user, no query, no fragment. */
bool issuer_url_fits(struct str url);

/* What a token of the issuer must say. */
void issuer_rules(const struct issuer *i, int64_t now_ms, uint32_t skew_s,
    struct token_rules *out) NONNULL_ALL;

/* The claim of that name; without one, that at the path ("realm_access.roles"), where
 * names may have dots themselves.  NULL: there is none. */
const struct json *issuer_claim(const struct json *payload, struct str path) NONNULL(1);

#endif
