/*
 * state: what is behind `struct auth`; auth/ alone includes it.
 */
#ifndef AUTH_STATE_H
#define AUTH_STATE_H

#include "auth/changed.h"
#include "auth/digest_cache.h"
#include "auth/forgery.h"
#include "auth/identity.h"
#include "auth/issuers.h"
#include "auth/keys.h"
#include "auth/notices.h"
#include "auth/password.h"
#include "auth/revoked.h"
#include "auth/token_cache.h"

enum auth_count {
	COUNT_ANONYMOUS, COUNT_MACHINE, COUNT_SESSION_CACHED, COUNT_SESSION_VERIFIED,
	COUNT_KEY_CACHED, COUNT_KEY_VERIFIED, COUNT_REFUSED, COUNT_UNAVAILABLE, COUNT_COUNT
};

struct auth {
	const struct config    *config;
	const struct identity_provider *identity;
	struct str              issuer;
	struct arena            arena;          /* what the issuers' settings are kept in */
	struct issuers          issuers;        /* trusted beside our own */
	struct jwks_client     *jwks;           /* their keys */
	struct keys            *keys;
	struct token_cache     *cache;
	struct digest_cache    *api_keys;
	struct forgery_budgets *forgeries;
	struct revoked          revoked;
	struct changed          changed;
	struct notices         *notices;        /* NULL: no other machines */
	struct password_hasher  hasher;
	char                   *slots_path;     /* the hasher's */
	struct metric_series   *counts[COUNT_COUNT];
};

#endif
