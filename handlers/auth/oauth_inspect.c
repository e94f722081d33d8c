/*
 * Tokens looked into and taken back by clients: introspection (RFC 7662), revocation
 * (RFC 7009), and who a token is of (OpenID Connect Core 1.0, 5.3).
 */
#include "auth/endpoints.h"
#include "auth/grant.h"
#include "auth/jws.h"
#include "auth/oauth_credentials.h"
#include "auth/token.h"

/* A token that is good: an access token with its claims, or a refresh token. */
struct found {
	struct str         client, account, session;
	const struct json *claims;      /* NULL: a refresh token */
	struct grant       g;
	bool               spent;
};

static bool is_refresh_token(struct str token)
{
	return str_starts(token, STR(REFRESH_PREFIX));
}

/* ERR_NOT_FOUND: not of any use, whatever it is. */
static enum err find_access(const struct request *req, struct str token, struct found *out)
{
	struct auth_credentials who = { arena_printf(req->arena, "Bearer %.*s", STR_ARG(token)),
		false };
	struct json_error error;
	struct principal  p;
	struct jws        jws;
	const char       *reason;
	enum err          e;

	if (!str_starts(token, STR("eyJ")))
		return ERR_NOT_FOUND;
	e = auth_authenticate(req->app->auth, req->store, req->arena, &who, req->now_ms, &p,
	    &reason);
	if (e != OK)
		return e == ERR_UNAUTHENTICATED ? ERR_NOT_FOUND : e;
	/* What it says was verified just now. */
	if (jws_parse(req->arena, token, &jws, &reason) != OK ||
	    json_parse(req->arena, jws.payload, TOKEN_PAYLOAD_DEPTH_MAX, &out->claims, &error) != OK)
		return ERR_NOT_FOUND;
	out->client = p.client;
	out->account = p.id;
	out->session = p.session;
	return OK;
}

static enum err find_refresh(const struct request *req, struct str token,
    const struct oauth_client *client, struct found *out)
{
	struct identity_call k = auth_call(req);
	enum err             e = grant_read(&k, token, client->id, &out->g);

	if (e != OK)
		return e;
	out->client = client->id;
	out->account = out->g.s.account;
	out->session = out->g.s.id;
	out->spent = out->g.refresh.spent_ms != 0;
	return OK;
}

static enum err find_token(const struct request *req, const struct oauth_client *client,
    struct found *out)
{
	struct str token = json_get_string(req->json, "token");

	*out = (struct found){ 0 };
	return is_refresh_token(token) ? find_refresh(req, token, client, out) :
	    find_access(req, token, out);
}

/* --- introspection -------------------------------------------------------------- */

static void copy_claims(struct json_writer *w, const struct json *claims)
{
	static const char *const names[] = {
		"client_id", "sub", "scope", "iss", "aud", "jti", "exp", "iat", "nbf",
	};

	for (size_t i = 0; i < COUNT(names); i++) {
		const struct json *value = json_get(claims, str_of(names[i]));

		if (value == NULL)
			continue;
		json_name(w, names[i]);
		json_put_value(w, value);
	}
	json_member_string(w, "token_type", STR("Bearer"));
}

static void put_refresh(struct json_writer *w, struct arena *a, const struct grant *g)
{
	json_member_string(w, "client_id", g->s.client);
	json_member_string(w, "sub", g->s.account);
	json_member_string(w, "scope", scopes_list(a, g->s.scopes));
	json_member_int(w, "exp", g->refresh.expires_ms / 1000);
}

/* A client may look into its own tokens; who guards security here, into all. */
static bool may_see(const struct oauth_client *client, const struct found *t)
{
	return str_eq(t->client, client->id) ||
	    (client->scopes & SCOPE_BIT(SCOPE_SECURITY_MANAGE)) != 0;
}

enum err oauth_introspect(const struct request *req, struct response *res)
{
	struct oauth_client client;
	struct json_writer  w;
	struct found        t;
	bool                active;
	enum err            e = oauth_client_authenticate(req, res, &client);

	if (e == OK && client.is_public)
		return response_problem(res, ERR_UNAUTHENTICATED, "a public client proves nothing");
	if (e == OK)
		e = find_token(req, &client, &t);
	if (e != OK && e != ERR_NOT_FOUND)
		return e;
	active = e == OK && !t.spent && may_see(&client, &t);
	w = response_writer(res);
	json_object_open(&w);
	json_member_bool(&w, "active", active);
	if (active && t.claims != NULL)
		copy_claims(&w, t.claims);
	else if (active)
		put_refresh(&w, res->arena, &t.g);
	json_object_close(&w);
	response_json(res);
	return OK;
}

/* --- revocation ----------------------------------------------------------------- */

/* Either token ends both: they are of one session.  What is no token of this client's
 * is answered alike, so that nobody learns what it is. */
enum err oauth_revoke(const struct request *req, struct response *res)
{
	struct oauth_client client;
	struct found        t;
	enum err            e = oauth_client_authenticate(req, res, &client);

	if (e != OK)
		return e;
	e = find_token(req, &client, &t);
	if (e == OK && str_eq(t.client, client.id))
		e = session_end(req->app->auth, req->store, req->arena, t.account, t.session,
		    req->now_ms);
	return e == ERR_NOT_FOUND ? OK : e;
}

/* --- user info ------------------------------------------------------------------ */

/* Our own sign-in knows everything of its account. */
static enum err granted_scopes(const struct request *req, scope_set *out)
{
	const struct principal *p = &req->principal;
	struct session          s;
	enum err                e;

	*out = ~(scope_set)0;
	if (p->client.len == 0)
		return OK;
	e = session_read(req->store, req->arena, p->id, p->session, req->now_ms, &s);
	/* The token may have less than the session; "profile" is never among what a client's
	 * token opens. */
	*out = e == OK ? s.scopes & (p->scopes | SCOPE_BIT(SCOPE_PROFILE)) : 0;
	return e;
}

enum err oauth_userinfo(const struct request *req, struct response *res)
{
	struct identity_call k = auth_call(req);
	struct account       account;
	struct json_writer   w;
	scope_set            scopes;
	enum err             e = IDENTITY_CALL(&k, account, &req->principal, &account);

	if (e == OK)
		e = granted_scopes(req, &scopes);
	if (e != OK)
		return auth_gone(res, e);
	w = response_writer(res);
	json_object_open(&w);
	json_member_string(&w, "sub", account.id);
	if ((scopes & SCOPE_BIT(SCOPE_EMAIL)) != 0)
		json_member_string(&w, "email", account.email);
	if ((scopes & SCOPE_BIT(SCOPE_PROFILE)) != 0 && account.name.len > 0)
		json_member_string(&w, "name", account.name);
	json_object_close(&w);
	response_json(res);
	return OK;
}
