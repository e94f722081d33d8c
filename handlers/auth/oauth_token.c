/*
 * The token endpoint (RFC 6749, 4.1.3, 4.4 and 6): a code, a refresh token or a client
 * itself becomes an access token.
 */
#include "auth/endpoints.h"
#include "auth/grant.h"
#include "auth/oauth_code.h"
#include "auth/oauth_consent.h"
#include "auth/oauth_credentials.h"
#include "auth/pkce.h"
#include "base/id.h"
#include "log/log.h"

#define TRIES 3         /* somebody may change the account meanwhile */

static void member_if(struct json_writer *w, const char *name, struct str value)
{
	if (value.len > 0)
		json_member_string(w, name, value);
}

static enum err put_tokens(struct response *res, const struct identity_tokens *t)
{
	struct json_writer w = response_writer(res);

	json_object_open(&w);
	json_member_string(&w, "access_token", t->access_token);
	json_member_string(&w, "token_type", STR("Bearer"));
	json_member_int(&w, "expires_in", t->expires_in);
	json_member_string(&w, "scope", scopes_list(res->arena, t->scopes));
	member_if(&w, "refresh_token", t->refresh_token);
	member_if(&w, "id_token", t->id_token);
	json_object_close(&w);
	response_json(res);
	res->no_store = true;           /* RFC 6749, 5.1 */
	return OK;
}

static enum err bad_grant(struct response *res, const char *what)
{
	return oauth_refuse(res, "invalid_grant", what);
}

/* The scopes that were asked for, all of `most` when none were; false when one of them
 * is not in there. */
static bool wanted_scopes(const struct request *req, scope_set most, scope_set *out)
{
	struct str list = json_get_string(req->json, "scope");

	*out = list.len > 0 ? 0 : most;
	while (list.len > 0) {
		struct str name = str_cut(&list, ' ');
		enum scope s = scope_from_name(name);

		if (name.len > 0 && (s == SCOPE_UNSET || (most & SCOPE_BIT(s)) == 0))
			return false;
		if (name.len > 0)
			*out |= SCOPE_BIT(s);
	}
	return true;
}

/* --- authorization_code --------------------------------------------------------- */

/* A code that comes twice was seen by somebody else: what it gave ends (RFC 6749,
 * 4.1.2). */
static enum err end_reused(const struct request *req, struct response *res,
    const struct oauth_code *code)
{
	enum err e = session_end(req->app->auth, req->store, req->arena, code->account,
	    code->session, req->now_ms);

	log_message(LOG_WARN, "auth.code_reused",
	    "a code of client %.*s was presented again: session %.*s of account %.*s is revoked",
	    STR_ARG(code->client), STR_ARG(code->session), STR_ARG(code->account));
	return e == OK ? bad_grant(res, "the code is not good (any more)") : e;
}

/* The code is this client's, for this address, from whoever began with it. */
static enum err check_code(const struct request *req, const struct oauth_client *client,
    struct oauth_code *code)
{
	enum err e = oauth_code_read(req->store, req->arena, json_get_string(req->json, "code"),
	    req->now_ms, code);

	if (e != OK)
		return e;
	if (!str_eq(code->client, client->id) ||
	    !str_eq(code->redirect_uri, json_get_string(req->json, "redirect_uri")) ||
	    !pkce_verifies(req->arena, code->challenge,
	    json_get_string(req->json, "code_verifier")))
		return ERR_NOT_FOUND;
	return OK;
}

/* Spends the code and begins the session in one transaction.  ERR_STALE: the code or
 * the account changed meanwhile; ERR_NOT_FOUND: what was allowed was taken back. */
static enum err spend_code(const struct request *req, const struct oauth_client *client,
    struct oauth_code *code, struct identity_tokens *out)
{
	struct identity_call  k = auth_call(req);
	struct store_op       also[] = {
		{ .verb = STORE_PUT, .condition = STORE_VERSION },
		oauth_consent_stands(req->arena, code->account, client->id),
	};
	struct account_record who;
	char                  id[ID_UUID_SIZE];
	enum err              e = account_read(req->store, req->arena, code->account,
	    req->now_ms, &who);

	if (e == OK && (who.disabled || who.epoch != code->epoch))
		return ERR_NOT_FOUND;
	if (e != OK)
		return e;
	id_uuid7(req->now_ms, id);
	code->session = arena_dup(req->arena, str_of(id));
	struct grant_terms terms = {
		.client = client->id, .client_name = client->name,
		.scopes = code->scopes & client->scopes, .nonce = code->nonce,
		.auth_ms = code->auth_ms, .session = code->session,
		.lone = (client->grants & OAUTH_GRANT_BIT(OAUTH_GRANT_REFRESH)) == 0,
	};
	e = oauth_code_item(req->arena, code, &also[0].item);
	return e == OK ? grant_begin(&k, &who, &terms, also, COUNT(also), out) : e;
}

static enum err take_code(const struct request *req, struct response *res,
    const struct oauth_client *client)
{
	struct identity_tokens tokens;
	struct oauth_code      code;
	enum err               e = ERR_STALE;

	for (int i = 0; e == ERR_STALE && i < TRIES; i++) {
		e = check_code(req, client, &code);
		if (e == OK && code.session.len > 0)
			return end_reused(req, res, &code);
		if (e == OK)
			e = spend_code(req, client, &code, &tokens);
	}
	if (e == ERR_NOT_FOUND)
		return bad_grant(res, "the code is not good (any more), or not for this client, "
		    "redirect_uri and code_verifier");
	if (e != OK)
		return e == ERR_STALE ? ERR_UNAVAILABLE : e;
	return put_tokens(res, &tokens);
}

/* --- refresh_token -------------------------------------------------------------- */

static enum err take_refresh_token(const struct request *req, struct response *res,
    const struct oauth_client *client)
{
	struct identity_call   k = auth_call(req);
	struct grant_terms     terms = { .client = client->id };
	struct str             token = json_get_string(req->json, "refresh_token");
	struct identity_tokens tokens;
	struct grant           g;
	enum err               e = grant_read(&k, token, client->id, &g);

	/* Asking for too much does not spend it. */
	if (e == OK && !wanted_scopes(req, g.s.scopes, &terms.scopes))
		return oauth_refuse(res, "invalid_scope", "a scope was not granted");
	terms.scopes &= client->scopes;
	if (e == OK)
		e = grant_refresh(&k, token, &terms, &tokens);
	if (e == ERR_NOT_FOUND || e == ERR_UNAUTHENTICATED)
		return bad_grant(res, "the refresh token is not good (any more)");
	return e == OK ? put_tokens(res, &tokens) : e;
}

/* --- client_credentials --------------------------------------------------------- */

static enum err take_client(const struct request *req, struct response *res,
    const struct oauth_client *client)
{
	struct identity_call   k = auth_call(req);
	struct grant_terms     terms = { .client = client->id };
	struct identity_tokens tokens;
	enum err               e;

	/* A client is nobody that OpenID could tell of. */
	if (!wanted_scopes(req, client->scopes & ~SCOPES_OF_OPENID, &terms.scopes))
		return oauth_refuse(res, "invalid_scope", "a scope is none of this client's own");
	e = grant_to_client(&k, &terms, &tokens);
	return e == OK ? put_tokens(res, &tokens) : e;
}

enum err oauth_token(const struct request *req, struct response *res)
{
	static enum err (*const takes[OAUTH_GRANT_COUNT])(const struct request *,
	    struct response *, const struct oauth_client *) = {
		[OAUTH_GRANT_CODE] = take_code,
		[OAUTH_GRANT_REFRESH] = take_refresh_token,
		[OAUTH_GRANT_CLIENT] = take_client,
	};
	struct str          type = json_get_string(req->json, "grant_type");
	struct oauth_client client;
	int                 g = 0;
	enum err            e = oauth_client_authenticate(req, res, &client);

	if (e != OK)
		return e;
	while (g < OAUTH_GRANT_COUNT && !str_eq(type, str_of(oauth_grant_names[g])))
		g++;
	if (g == OAUTH_GRANT_COUNT)
		return oauth_refuse(res, "unsupported_grant_type", "there is no such grant type here");
	if ((client.grants & OAUTH_GRANT_BIT(g)) == 0)
		return oauth_refuse(res, "unauthorized_client", "this client has not that grant type");
	return takes[g](req, res, &client);
}
