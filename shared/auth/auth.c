#include "auth/auth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "access/address.h"
#include "auth/api_key_auth.h"
#include "auth/cognito.h"
#include "auth/foreign.h"
#include "auth/identity.h"
#include "auth/session.h"
#include "auth/state.h"
#include "auth/token_verify.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/time.h"
#include "log/log.h"

#define DEFAULT_ISSUER STR("http://localhost")

static const char *const count_labels[COUNT_COUNT][2] = {
	[COUNT_ANONYMOUS]        = { "anonymous", "ok" },
	[COUNT_MACHINE]          = { "machine", "ok" },
	[COUNT_SESSION_CACHED]   = { "session", "cached" },
	[COUNT_SESSION_VERIFIED] = { "session", "verified" },
	[COUNT_KEY_CACHED]       = { "key", "cached" },
	[COUNT_KEY_VERIFIED]     = { "key", "verified" },
	[COUNT_REFUSED]          = { "unknown", "refused" },
	[COUNT_UNAVAILABLE]      = { "unknown", "unavailable" },
};

/* --- opening -------------------------------------------------------------------- */

/* A fresh table of revoked sessions is filled from the store.  When that cannot
 * be done now, the table says so and every lookup asks the store. */
static void fill_revoked(struct auth *auth, struct store *s)
{
	struct store_connection *c;

	if (revoked_is_filled(&auth->revoked) || store_connect(s, &c) != OK)
		return;
	if (session_fill_revoked(auth, c, time_now_ms()) != OK)
		log_message(LOG_WARN, "auth.revoked_unfilled",
		    "the revoked sessions could not be read: the store is asked for each");
	store_disconnect(c);
}

static enum err open_segments(struct auth *auth, struct arena *a, struct str *reason)
{
	struct str  dir = auth->config->state_dir;
	const char *name = "revoked";
	enum err    e = revoked_open(arena_cstr(a, dir), &auth->revoked);

	if (e == OK) {
		name = "changed";
		e = changed_open(arena_cstr(a, dir), &auth->changed);
	}
	if (e != OK)
		*reason = arena_printf(a, "STATE_DIR %.*s: cannot map %s.shm (%s): this "
		    "user must be able to write there", STR_ARG(dir), name, strerror(errno));
	return e;
}

static enum err open_state_dir(struct auth *auth, struct arena *a, struct str *reason)
{
	const struct config *c = auth->config;
	struct str           path = arena_printf(a, "%.*s/password.slots", STR_ARG(c->state_dir));
	enum err             e = open_segments(auth, a, reason);

	if (e != OK)
		return e;
	auth->slots_path = strdup(path.ptr);
	if (auth->slots_path == NULL)
		abort();
	auth->hasher = (struct password_hasher){
		.cost = PASSWORD_COST, .slots_path = auth->slots_path,
		.slots = password_slots(), .wait_ms = IDENTITY_HASH_WAIT_MS,
	};
	return OK;
}

/* Others may have begun to sign with a key before it was replaced. */
static struct keys_terms key_terms(const struct config *c)
{
	return (struct keys_terms){
		.max_age_ms = (int64_t)c->signing_key_max_age_s * 1000,
		.tokens_live_ms = ((int64_t)c->access_token_ttl_s + c->clock_skew_s +
		    REVOKED_MARGIN_S) * 1000,
	};
}

/* Whose tokens are trusted beside ours.  Nothing is fetched before one comes. */
static enum err open_issuers(struct auth *auth, struct metrics *m, struct arena *a,
    struct str *reason)
{
	const struct config *c = auth->config;
	enum err             e = OK;

	arena_init(&auth->arena, ARENA_MAX_BYTES);
	auth->jwks = jwks_client_new(m, c->net_ca_file, &jwks_bounds_default);
	if (c->oidc_issuers.len > 0)
		e = issuers_parse(&auth->arena, c->oidc_issuers, auth->issuer, &auth->issuers, reason);
	if (e == OK && c->identity == IDENTITY_OIDC && auth->issuers.count == 0) {
		*reason = STR("OIDC_ISSUERS: not set, and IDENTITY=oidc needs it; give "
		    "[{\"issuer\":\"https://tenant.auth0.com/\",\"audience\":\"my-api\"}]");
		return ERR_INVALID;
	}
	if (e == OK && c->identity == IDENTITY_COGNITO)
		e = cognito_add_issuer(&auth->arena, c, &auth->issuers, reason);
	if (e != OK)
		*reason = arena_dup(a, *reason);
	for (size_t i = 0; e == OK && i < auth->issuers.count; i++) {
		struct issuer *one = &auth->issuers.list[i];

		one->keys = jwks_client_add(auth->jwks, one->name, one->jwks_uri);
	}
	return e;
}

static const struct identity_provider *const identities[] = {
	[IDENTITY_LOCAL]   = &identity_local,
	[IDENTITY_COGNITO] = &identity_cognito,
	[IDENTITY_OIDC]    = &identity_oidc,
};

enum err auth_open(const struct config *c, struct store *s, struct metrics *m,
    struct auth **out, struct arena *a, struct str *reason)
{
	struct auth *auth;
	enum err     e;

	auth = calloc(1, sizeof(*auth));
	if (auth == NULL)
		abort();
	auth->config = c;
	auth->identity = identities[c->identity];
	auth->issuer = c->public_url.len > 0 ? c->public_url : DEFAULT_ISSUER;
	auth->keys = keys_new(c->secret_key, key_terms(c));
	auth->cache = token_cache_new();
	auth->api_keys = api_key_cache_new();
	auth->forgeries = forgery_new();
	for (size_t i = 0; i < COUNT_COUNT; i++)
		auth->counts[i] = metrics_series(m, METRIC_AUTH, count_labels[i]);
	e = open_issuers(auth, m, a, reason);
	if (e == OK)
		e = open_state_dir(auth, a, reason);
	if (e != OK) {
		auth_close(auth);
		return e;
	}
	fill_revoked(auth, s);
	*out = auth;
	return OK;
}

void auth_follow(struct auth *auth, struct store *s, struct redis_server *r, struct metrics *m)
{
	auth->notices = notices_open(auth, s, r, m);
}

void auth_close(struct auth *auth)
{
	if (auth == NULL)
		return;
	notices_close(auth->notices);
	jwks_client_free(auth->jwks);
	arena_clean(&auth->arena);
	revoked_close(&auth->revoked);
	changed_close(&auth->changed);
	token_cache_free(auth->cache);
	digest_cache_free(auth->api_keys);
	forgery_free(auth->forgeries);
	keys_free(auth->keys);
	free(auth->slots_path);
	free(auth);
}

struct str auth_issuer(const struct auth *auth)
{
	return auth->issuer;
}

const struct identity_provider *auth_identity(const struct auth *auth)
{
	return auth->identity;
}

const struct identity_provider *identity_of(const struct identity_call *k)
{
	return k->foreign ? &identity_oidc : auth_identity(k->auth);
}

enum err auth_jwks(struct auth *auth, struct store_connection *c, struct arena *a,
    int64_t now_ms, struct str *json, int64_t *changed_ms)
{
	return keys_jwks(auth->keys, c, a, now_ms, json, changed_ms);
}

enum err auth_rotate_keys(struct auth *auth, struct store_connection *c, struct arena *a,
    int64_t now_ms, struct str *kid)
{
	return keys_rotate(auth->keys, c, a, now_ms, kid);
}

void auth_changed(struct auth *auth, struct str id)
{
	changed_mark(&auth->changed, id);
	(void)notices_send(auth->notices, NOTICE_CHANGED, id, 0);
}

/* --- authenticating ------------------------------------------------------------- */

/* One request's way through. */
struct attempt {
	struct auth             *auth;
	struct store_connection *store;
	struct arena            *arena;
	int64_t                  now_ms;
	const char              *reason;
	const struct issuer     *issuer;        /* whose token it is; NULL: ours */
	struct str               network;       /* the client's; absent: nobody's, has no budget */
};

static enum err refuse(struct attempt *t, const char *why)
{
	t->reason = why;
	return ERR_UNAUTHENTICATED;
}

static void own_rules(const struct attempt *t, struct token_rules *out)
{
	static const struct str audience = STR_INIT(TOKEN_AUDIENCE);

	*out = (struct token_rules){
		.issuer = t->auth->issuer, .audiences = &audience, .n_audiences = 1,
		.use = STR(TOKEN_USE_ACCESS), .algorithms = JWS_BIT(JWS_RS256),
		.now_ms = t->now_ms, .skew_s = t->auth->config->clock_skew_s, .uuids = true,
	};
}

static bool rules_for(void *context, struct str issuer, struct token_rules *out)
{
	struct attempt *t = context;

	if (str_eq(issuer, t->auth->issuer)) {
		own_rules(t, out);
		return true;
	}
	t->issuer = issuers_find(&t->auth->issuers, issuer);
	if (t->issuer == NULL)
		return false;
	issuer_rules(t->issuer, t->now_ms, t->auth->config->clock_skew_s, out);
	return true;
}

static enum err keys_for(void *context, const struct token *token, struct key_choice *out)
{
	struct attempt   *t = context;
	const struct jwk *key;
	enum err          e;

	if (t->network.len > 0 &&
	    !forgery_may_try(t->auth->forgeries, t->network, t->now_ms)) {
		t->reason = "too_many_forgeries";
		return ERR_LIMITED;
	}
	if (t->issuer != NULL)
		return jwks_choose(t->issuer->keys, &token->jws, out);
	e = keys_find_or_load(t->auth->keys, t->store, t->arena,
	    token->jws.kid, t->now_ms, &key);

	if (e == OK)
		key_choice_add(out, &token->jws, key);
	return e;
}

/* Of our own tokens alone: a third party has what it was given and never the account
 * itself: its "profile" is OpenID's, and a key that it makes would outlive the grant.  A client for itself is
 * counted at a user's rate. */
static void narrow_to_client(struct principal *p, const struct token_claims *claims)
{
	p->client = claims->client;
	if (str_eq(claims->client, claims->subject)) {
		p->kind = PRINCIPAL_CLIENT;
		principal_set_roles(p, UINT32_C(1) << ROLE_USER);
		p->scopes = claims->scopes;
	}
	p->scopes &= ~(SCOPE_BIT(SCOPE_PROFILE) | SCOPE_BIT(SCOPE_KEYS_MANAGE));
}

static struct principal principal_from(const struct token_claims *claims)
{
	struct principal p = {
		.kind = PRINCIPAL_SESSION,
		.id = claims->subject, .session = claims->session,
		.email = claims->email, .name = claims->name,
		.plan = claims->plan, .tenant = claims->tenant,
		.expires_ms = claims->expires_ms,
	};

	principal_set_roles(&p, claims->roles);
	if (claims->scoped)
		p.scopes &= claims->scopes;
	if (claims->client.len > 0)
		narrow_to_client(&p, claims);
	return p;
}

static enum err verify(struct attempt *t, struct str text, const uint8_t digest[SHA256_BYTES],
    struct principal *out)
{
	const struct token_verifier verifier = { t, rules_for, keys_for };
	struct token                token;
	enum err                    e = token_verify(t->arena, text, &verifier, &token,
	    &t->reason);

	if (token.forged && t->network.len > 0)
		forgery_count(t->auth->forgeries, t->network, t->now_ms);
	if (e == OK && t->issuer != NULL)
		return foreign_principal(t->arena, t->issuer, &token, digest, out, &t->reason);
	if (e == OK)
		*out = principal_from(&token.claims);
	return e;
}

static enum err check_revoked_id(struct attempt *t, struct str session)
{
	enum revoked_answer answer = revoked_has(&t->auth->revoked, session, t->now_ms);
	enum err            e;

	if (answer == REVOKED_NO)
		return OK;
	if (answer == REVOKED_YES)
		return refuse(t, "revoked");
	e = session_is_revoked(t->store, session, t->now_ms);
	if (e == OK)
		return refuse(t, "revoked");
	return e == ERR_NOT_FOUND ? OK : ERR_UNAVAILABLE;
}

/* A client that is gone takes all its tokens with it. */
static enum err check_revoked(struct attempt *t, const struct principal *p)
{
	enum err e = check_revoked_id(t, p->session);

	return e == OK && p->client.len > 0 ? check_revoked_id(t, p->client) : e;
}

static enum err session_principal(struct attempt *t, struct str token, struct principal *out,
    enum auth_count *count)
{
	uint8_t  digest[SHA256_BYTES];
	enum err e;

	if (token.len > TOKEN_MAX_BYTES)
		return refuse(t, "too_long");
	crypto_sha256(token, digest);
	*count = COUNT_SESSION_CACHED;
	if (token_cache_get(t->auth->cache, digest, t->now_ms, t->arena, out))
		return check_revoked(t, out);
	*count = COUNT_SESSION_VERIFIED;
	e = verify(t, token, digest, out);
	if (e == OK)
		e = check_revoked(t, out);
	if (e == OK)
		token_cache_put(t->auth->cache, digest, out, t->now_ms,
		    out->expires_ms + (int64_t)t->auth->config->clock_skew_s * 1000);
	return e;
}

/* The token after "Bearer" and its spaces (RFC 6750, 2.1); absent for another scheme. */
static struct str bearer_of(struct str authorization)
{
	struct str rest = authorization;
	struct str scheme = str_cut(&rest, ' ');

	if (!str_eq_nocase(scheme, STR("Bearer")))
		return STR_NONE;
	return str_trim(rest);
}

static enum err key_principal(struct attempt *t, struct str key, struct str address,
    struct principal *out, enum auth_count *count)
{
	enum err e = api_key_authenticate(t->auth, t->store, t->arena, key, address, t->now_ms, out,
	    &t->reason);

	*count = e == OK && out->key_read ? COUNT_KEY_VERIFIED : COUNT_KEY_CACHED;
	return e;
}

static enum err bearer_principal(struct attempt *t, struct str bearer, struct str address,
    struct principal *out, enum auth_count *count)
{
	struct str metrics_token = t->auth->config->metrics_token;

	if (metrics_token.len > 0 && crypto_equal(bearer, metrics_token)) {
		*out = (struct principal){
			.kind = PRINCIPAL_MACHINE, .scopes = SCOPE_BIT(SCOPE_METRICS_READ),
		};
		*count = COUNT_MACHINE;
		return OK;
	}
	/* Every JSON object that begins with a name begins like this in base64url. */
	if (str_starts(bearer, STR("eyJ"))) {
		enum err e = session_principal(t, bearer, out, count);

		out->token = bearer;
		return e;
	}
	if (api_key_is_meant(bearer))
		return key_principal(t, bearer, address, out, count);
	return refuse(t, bearer.len == 0 ? "unknown_scheme" : "unknown_form");
}

/* Whoever sends two different credentials does not know who they are. */
static enum err sent_principal(struct attempt *t, const struct auth_credentials *who,
    struct principal *out, enum auth_count *count)
{
	struct str bearer = bearer_of(who->authorization);

	if (who->api_key.len == 0)
		return bearer_principal(t, bearer, who->address, out, count);
	if (who->authorization.len > 0 && !crypto_equal(bearer, who->api_key))
		return refuse(t, "two_credentials");
	return key_principal(t, who->api_key, who->address, out, count);
}

enum err auth_authenticate(struct auth *auth, struct store_connection *c, struct arena *a,
    const struct auth_credentials *who, int64_t now_ms, struct principal *out,
    const char **reason)
{
	struct attempt   t = { auth, c, a, now_ms, "", NULL, STR_NONE };
	struct principal p = principal_anonymous();
	enum auth_count  count = COUNT_ANONYMOUS;
	enum err         e = OK;

	if (who->address.len > 0)
		t.network = address_limit_key(a, who->address);
	if (who->authorization.len > 0 || who->api_key.len > 0)
		e = sent_principal(&t, who, &p, &count);
	else if (who->loopback && auth->config->metrics_token.len == 0)
		p.scopes |= SCOPE_BIT(SCOPE_METRICS_READ);
	if (e != OK)
		count = e == ERR_UNAUTHENTICATED ? COUNT_REFUSED : COUNT_UNAVAILABLE;
	metrics_add(auth->counts[count], 1);
	*reason = t.reason;
	if (e == OK)
		*out = p;
	return e;
}
