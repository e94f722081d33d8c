/*
 * The authorization endpoint: a person signs in, allows or denies, and goes back to
 * the client with a code (RFC 6749, 4.1; OpenID Connect Core 1.0, 3.1.2).
 */
#include "auth/endpoints.h"
#include "auth/identity.h"
#include "auth/oauth_code.h"
#include "auth/oauth_consent.h"
#include "auth/oauth_page.h"
#include "auth/oauth_redirect.h"
#include "auth/session.h"
#include "log/log.h"

/* A request with the browser that brings it and who has signed in there. */
struct visit {
	const struct request *req;
	struct response      *res;
	struct oauth_request  r;
	struct oauth_browser  b;
	struct account_record who;
};

/* --- granting ------------------------------------------------------------------- */

/* The code, and what was allowed with it, in one transaction. */
static enum err grant(struct visit *v, scope_set scopes, scope_set allowed)
{
	const struct request *req = v->req;
	struct oauth_code     code = {
		.client = v->r.client.id, .redirect_uri = v->r.redirect_uri,
		.account = v->who.account.id, .nonce = v->r.nonce, .challenge = v->r.challenge,
		.scopes = scopes, .epoch = v->who.epoch, .auth_ms = v->b.auth_ms,
		.created_ms = req->now_ms,
	};
	struct store_result result;
	struct str          text = oauth_code_new(req->arena, &code);
	struct store_op     ops[] = {
		{ .verb = STORE_PUT, .condition = STORE_ABSENT },
		{ STORE_PUT, STORE_ALWAYS, oauth_consent_item(req->arena, code.account, code.client,
		  allowed | scopes, req->now_ms) },
	};
	enum err e = oauth_code_item(req->arena, &code, &ops[0].item);

	if (e == OK)
		e = store_write(req->store, ops, COUNT(ops), STORE_DURABLE, req->now_ms, &result);
	if (e == OK)
		oauth_request_grant(req, v->res, &v->r, text);
	return e;
}

/* What would be granted: what was asked for, as far as the account has it. */
static scope_set grantable(const struct visit *v)
{
	return v->r.scopes & roles_scopes(v->who.account.roles);
}

/* A public client whose address anybody on that machine could have proves nothing of
 * itself, so its person is asked each time (RFC 8252, 8.6). */
static bool is_known(const struct visit *v)
{
	return !v->r.client.is_public || redirect_is_claimed(v->r.redirect_uri);
}

static enum err refuse(struct visit *v, const char *error, const char *description)
{
	oauth_request_refuse(v->req, v->res, &v->r, error, description);
	return OK;
}

/* Somebody has signed in: grant what was allowed before, else ask. */
static enum err go_on(struct visit *v)
{
	scope_set scopes = grantable(v), allowed;
	enum err  e = oauth_consent_read(v->req->store, v->req->arena, v->who.account.id,
	    v->r.client.id, v->req->now_ms, &allowed);

	if (e != OK)
		return e;
	if (scopes == 0)
		return refuse(v, "access_denied", "this account has none of these scopes");
	if (!v->r.ask && is_known(v) && (scopes & ~allowed) == 0)
		return grant(v, scopes, allowed);
	if (v->r.silent)
		return refuse(v, "consent_required", "nobody has allowed this yet");
	oauth_page_consent(v->req, v->res, &v->r, &v->b, &v->who.account, scopes);
	return OK;
}

/* --- signing in ----------------------------------------------------------------- */

static enum err ask_to_sign_in(struct visit *v, const char *wrong)
{
	if (v->r.silent)
		return refuse(v, "login_required", "nobody has signed in");
	oauth_page_sign_in(v->req, v->res, &v->r, &v->b, wrong);
	return OK;
}

static bool is_too_long_ago(const struct visit *v)
{
	return v->r.max_age_s >= 0 && v->req->now_ms - v->b.auth_ms > v->r.max_age_s * 1000;
}

/* Codes are of accounts that are kept here. */
static enum err begin(struct visit *v, bool *answered)
{
	if (v->req->app->config.identity != IDENTITY_LOCAL)
		return response_problem(v->res, ERR_UNSUPPORTED, "accounts are kept by another "
		    "provider: clients sign people in there");
	return oauth_request_read(v->req, v->res, &v->r, answered);
}

enum err oauth_authorize(const struct request *req, struct response *res)
{
	struct visit v = { .req = req, .res = res };
	bool         answered = false;
	enum err     e = begin(&v, &answered);

	if (e != OK || answered)
		return e;
	if (!oauth_browser_read(req, &v.b)) {
		if (!v.r.silent)
			v.b = oauth_browser_new(req, res, STR_NONE, STR_NONE);
		return ask_to_sign_in(&v, NULL);
	}
	e = oauth_browser_account(req, &v.b, &v.who);
	if (e == ERR_NOT_FOUND || (e == OK && (v.r.sign_in || is_too_long_ago(&v))))
		return ask_to_sign_in(&v, NULL);
	return e == OK ? go_on(&v) : e;
}

/* The sign-in's session is the browser's here and nobody's elsewhere: it ends with
 * the cookie, and its refresh token at once. */
static enum err keep_for_browser(const struct request *req, const struct principal *p,
    struct str refresh_token)
{
	struct store_op ops[] = {
		{ .verb = STORE_PUT, .condition = STORE_PRESENT },
		{ .verb = STORE_DELETE },
	};
	struct store_result result;
	struct refresh      refresh;
	struct session      s;
	enum err            e = session_read(req->store, req->arena, p->id, p->session,
	    req->now_ms, &s);

	if (e == OK)
		e = refresh_read(req->store, req->arena, refresh_token, req->now_ms, &refresh);
	if (e == OK)
		e = session_item(req->app->auth, req->arena, &s, &ops[0].item);
	if (e != OK)
		return e;
	ops[0].item.expires_ms = req->now_ms + (int64_t)OAUTH_BROWSER_TTL_S * 1000;
	ops[1].item = refresh_item(req->arena, &refresh);
	return store_write(req->store, ops, COUNT(ops), STORE_DURABLE, req->now_ms, &result);
}

/* Who signed in, by the token that the sign-in gave: without one nobody did. */
static enum err accept(struct visit *v, const struct identity_tokens *tokens)
{
	const struct request   *req = v->req;
	struct auth_credentials who = { arena_printf(req->arena, "Bearer %.*s",
	    STR_ARG(tokens->access_token)), false };
	struct principal p;
	const char      *reason;
	enum err         e;

	e = auth_authenticate(req->app->auth, req->store, req->arena, &who, req->now_ms, &p, &reason);
	if (e == OK && (p.kind != PRINCIPAL_SESSION || p.client.len > 0))
		e = ERR_UNAUTHENTICATED;
	if (e == OK)
		e = keep_for_browser(req, &p, tokens->refresh_token);
	if (e != OK)
		return e;
	/* A new name for the browser: one that was there before may be another's. */
	v->b = oauth_browser_new(req, v->res, p.id, p.session);
	return oauth_browser_account(req, &v->b, &v->who);
}

static enum err after_login(struct visit *v, enum err e, const struct identity_login *in,
    const char *wrong)
{
	if (e == OK && in->challenge == CHALLENGE_TOTP) {
		oauth_page_code(v->req, v->res, &v->r, &v->b, in->session);
		return OK;
	}
	if (e == OK && in->challenge != CHALLENGE_NONE)
		return ask_to_sign_in(v, "This account needs a new password first.");
	if (e == OK)
		e = accept(v, &in->tokens);
	if (e == OK)
		return go_on(v);
	if (e != ERR_UNAUTHENTICATED && e != ERR_NOT_FOUND)
		return e;
	v->res->status = 401;
	return ask_to_sign_in(v, wrong);
}

static enum err take_sign_in(struct visit *v)
{
	struct identity_call  k = auth_call(v->req);
	struct identity_login in = { .challenge = CHALLENGE_NONE };
	enum err e = IDENTITY_CALL(&k, login, json_get_string(v->req->json, "email"),
	    json_get_string(v->req->json, "password"), &in);

	if (e == OK)
		auth_password_was_right(v->req);
	return after_login(v, e, &in, "The e-mail address or the password is wrong.");
}

static enum err take_code(struct visit *v)
{
	struct identity_call  k = auth_call(v->req);
	struct identity_login in = { .challenge = CHALLENGE_NONE };
	enum err e = IDENTITY_CALL(&k, login_totp, json_get_string(v->req->json, "session"),
	    json_get_string(v->req->json, "code"), &in);

	return after_login(v, e, &in, "The code was wrong or came too late. Sign in again.");
}

/* --- the forms ------------------------------------------------------------------ */

static enum err refuse_form(struct visit *v)
{
	log_message(LOG_WARN, "auth.consent_form_refused",
	    "a form that this browser was not given was sent to the consent page");
	v->res->problem_status = 400;
	return response_problem(v->res, ERR_INVALID, "This page has expired, or another site sent "
	    "you here. Go back to the application and start again.");
}

static enum err take_decision(struct visit *v)
{
	struct str decision = json_get_string(v->req->json, "decision");
	scope_set  allowed;
	enum err   e = oauth_browser_account(v->req, &v->b, &v->who);

	if (e == ERR_NOT_FOUND || (e == OK && str_eq(decision, STR("switch"))))
		return ask_to_sign_in(v, NULL);
	if (e != OK)
		return e;
	if (!str_eq(decision, STR("allow")))
		return refuse(v, "access_denied", "the owner of the account said no");
	if (grantable(v) == 0)
		return refuse(v, "access_denied", "this account has none of these scopes");
	e = oauth_consent_read(v->req->store, v->req->arena, v->who.account.id, v->r.client.id,
	    v->req->now_ms, &allowed);
	return e == OK ? grant(v, grantable(v), allowed) : e;
}

/* What a form that this browser was given asks for. */
static const struct {
	const char *what;
	enum err  (*take)(struct visit *v);
} forms[] = {
	{ OAUTH_ASKS_SIGN_IN, take_sign_in },
	{ OAUTH_ASKS_CODE, take_code },
	{ OAUTH_ASKS_CONSENT, take_decision },
};

enum err oauth_decide(const struct request *req, struct response *res)
{
	struct visit v = { .req = req, .res = res };
	bool         answered = false;
	enum err     e = begin(&v, &answered);

	if (e != OK || answered)
		return e;
	if (!oauth_browser_read(req, &v.b) ||
	    str_eq(request_header(req, "Sec-Fetch-Site"), STR("cross-site")))
		return refuse_form(&v);
	for (size_t i = 0; i < COUNT(forms); i++)
		if (oauth_browser_sent(req, &v.b, forms[i].what))
			return forms[i].take(&v);
	return refuse_form(&v);
}
