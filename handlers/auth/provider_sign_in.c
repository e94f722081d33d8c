/*
 * Sign-in through an outside provider: to it, back from it, and to the application that
 * began (RFC 6749, 4.1, with RFC 7636, RFC 9207 and RFC 9700).
 */
#include "auth/endpoints.h"

#include "auth/grant.h"
#include "auth/oauth_redirect.h"
#include "auth/pkce.h"
#include "auth/provider_handover.h"
#include "auth/provider_link.h"
#include "auth/provider_return.h"
#include "base/crypto.h"
#include "log/log.h"

#define TRIES 3         /* somebody may change the account meanwhile */

/* --- which there are ---------------------------------------------------------------- */

enum err provider_list(const struct request *req, struct response *res)
{
	const struct providers *p = req->app->state;
	struct json_writer      w = response_writer(res);

	json_object_open(&w);
	json_name(&w, "providers");
	json_array_open(&w);
	for (size_t i = 0; i < p->settings.count; i++) {
		const struct provider *one = &p->settings.list[i];

		json_object_open(&w);
		json_member_string(&w, "name", one->name);
		json_member_string(&w, "label", one->label);
		json_member_string(&w, "url", arena_printf(req->arena, "%.*s/v1/auth/oauth/%.*s",
		    STR_ARG(req->origin), STR_ARG(one->name)));
		json_object_close(&w);
	}
	json_array_close(&w);
	json_object_close(&w);
	response_json(res);
	response_etag_of_body(res);
	return OK;
}

static enum err not_known(const struct request *req, struct response *res, enum err e)
{
	struct str name = request_parameter(req, "provider");

	if (e == ERR_UNAVAILABLE)
		return response_problem(res, e, "too many sign-ins wait for their providers");
	return response_problem(res, e, "there is no provider \"%.*s\" here: GET /v1/auth/providers "
	    "lists them", STR_ARG(name));
}

/* Accounts that are kept elsewhere are not ours to sign in to. */
static enum err enter(const struct request *req, struct response *res, struct provider_call *c)
{
	enum err e;

	if (req->app->config.identity != IDENTITY_LOCAL)
		return response_problem(res, ERR_UNSUPPORTED, "accounts are kept by another provider: "
		    "sign in there");
	e = providers_enter(req, request_parameter(req, "provider"), c);
	return e == OK ? OK : not_known(req, res, e);
}

static void tell(const struct provider_call *c, const char *event)
{
	log_message(LOG_WARN, event, "%.*s: %.*s", STR_ARG(c->provider->name), STR_ARG(c->reason));
}

static enum err is_down(const struct provider_call *c, struct response *res, enum err e)
{
	if (e != ERR_UNAVAILABLE)
		return e;
	tell(c, "auth.provider_down");
	response_header(res, "Retry-After", STR("5"));
	return response_problem(res, e, "%.*s does not answer at the moment",
	    STR_ARG(c->provider->label));
}

/* --- to the provider ------------------------------------------------------------------ */

static enum err check_return(const struct request *req, struct response *res,
    struct provider_attempt *a)
{
	const struct providers *p = req->app->state;
	enum provider_return    where = PROVIDER_RETURN_HERE;

	a->return_to = request_query(req, "return_to");
	a->challenge = request_query(req, "code_challenge");
	if (a->return_to.ptr != NULL)
		where = provider_return_check(a->return_to, req->origin, &p->origins);
	if (where == PROVIDER_RETURN_NOWHERE)
		response_field_error(res, STR("/return_to"), "must be a path of this origin, or a URL "
		    "of an origin in CORS_ORIGINS, without a fragment");
	if (where == PROVIDER_RETURN_ELSEWHERE && a->challenge.ptr == NULL)
		response_field_error(res, STR("/code_challenge"), "is needed for another origin "
		    "(RFC 7636, S256)");
	if (a->challenge.ptr != NULL && !pkce_challenge_fits(req->arena, a->challenge))
		response_field_error(res, STR("/code_challenge"), "must be the SHA-256 of the "
		    "code_verifier in base64url (RFC 7636, S256)");
	return res->errors.count > 0 ? ERR_INVALID : OK;
}

static void send_there(const struct request *req, struct response *res,
    const struct provider_call *c, const struct provider_places *places,
    const struct provider_attempt *a)
{
	const struct provider      *p = c->provider;
	const struct path_parameter list[] = {
		{ STR("response_type"), STR("code") },
		{ STR("client_id"), p->client_id },
		{ STR("redirect_uri"), provider_redirect_uri(req, p) },
		{ STR("scope"), p->scopes },
		{ STR("state"), a->state },
		{ STR("nonce"), p->openid ? a->nonce : STR_NONE },
		{ STR("code_challenge"), pkce_challenge(req->arena, a->verifier) },
		{ STR("code_challenge_method"), STR("S256") },
	};

	redirect_to(res, places->authorize_url, list, COUNT(list));
}

enum err provider_begin(const struct request *req, struct response *res)
{
	struct provider_attempt a = { .expires_ms = 0 };
	struct provider_places  places;
	struct provider_call    c;
	enum err                e = check_return(req, res, &a);

	if (e == OK)
		e = enter(req, res, &c);
	if (e != OK)
		return e;
	e = provider_places(&c, &places);
	providers_leave(&c);
	if (e != OK)
		return is_down(&c, res, e);
	e = provider_attempt_begin(req, res, c.provider->name, &a);
	if (e == OK)
		send_there(req, res, &c, &places, &a);
	return e;
}

/* --- into the account ----------------------------------------------------------------- */

/* What a refused sign-in says: to the application in a word, to a person in full. */
static const struct {
	const char *error, *detail;
} refusals[] = {
	[PROVIDER_REFUSED_DISABLED]   = { "access_denied", "this account may not sign in" },
	[PROVIDER_REFUSED_UNVERIFIED] = { "email_unverified", "the provider has verified no e-mail "
	    "address of yours: do that there, then sign in again" },
	[PROVIDER_REFUSED_TAKEN]      = { "email_taken", "there is an account with this e-mail "
	    "address: sign in to it as you did before" },
	[PROVIDER_REFUSED_CLOSED]     = { "registration_closed", "there is no account with this "
	    "e-mail address, and new ones are not made here" },
	[PROVIDER_REFUSED_MOVED]      = { "access_denied", "the provider has changed since this "
	    "account was linked with it" },
};

/* Somebody who is back. */
struct visit {
	const struct request   *req;
	struct response        *res;
	struct provider_call    call;
	struct provider_places  places;
	struct provider_attempt attempt;
};

/* Back to where it began, with an answer; without such a place, here. */
static enum err answer(struct visit *v, const char *name, struct str value)
{
	const struct path_parameter list[] = { { str_of(name), value } };

	redirect_to(v->res, v->attempt.return_to, list, COUNT(list));
	return OK;
}

static enum err refuse(struct visit *v, const char *error, const char *detail)
{
	if (v->attempt.return_to.ptr != NULL)
		return answer(v, "error", str_of(error));
	return response_problem(v->res, ERR_UNAUTHENTICATED, "%s", detail);
}

static void notify(const struct visit *v, const struct account *account)
{
	const struct mail_message message = {
		.kind = MAIL_PROVIDER_LINKED, .to = { .address = account->email },
		.provider = v->call.provider->label, .time_ms = v->req->now_ms,
	};
	enum err e = mail_send(v->req->app->mail, &message);

	log_message(LOG_INFO, "auth.provider_linked", "%.*s: account %.*s%s",
	    STR_ARG(v->call.provider->name), STR_ARG(account->id),
	    e == OK ? "" : "; its owner could not be told by mail");
}

/* The tokens themselves, or a code for them. */
static enum err hand_over(struct visit *v, const struct account_record *r)
{
	struct identity_call  k = auth_call(v->req);
	struct identity_login in;
	struct str            code;
	enum err              e;

	if (v->attempt.return_to.ptr == NULL) {
		e = grant_sign_in(&k, r, NULL, 0, &in);
		return e == OK ? auth_put_login(v->res, &in) : e;
	}
	e = provider_handover_give(v->req, v->res, r, v->attempt.challenge, &code);
	return e == OK ? answer(v, "code", code) : e;
}

static enum err sign_in(struct visit *v, const struct provider_person *who)
{
	const struct request   *req = v->req;
	struct identity_call    k = auth_call(req);
	struct provider_account found;
	enum err                e = ERR_STALE;

	for (int i = 0; e == ERR_STALE && i < TRIES; i++) {
		e = provider_account(&k, v->call.provider, who,
		    req->app->config.registration == REGISTRATION_OPEN, &found);
		if (e == OK && found.linked)
			notify(v, &found.record.account);
		if (e == OK)
			e = hand_over(v, &found.record);
	}
	if (e == ERR_FORBIDDEN)
		return refuse(v, refusals[found.refusal].error, refusals[found.refusal].detail);
	return e == ERR_STALE || e == ERR_NOT_FOUND ? ERR_UNAVAILABLE : e;
}

/* --- back from the provider ----------------------------------------------------------- */

static enum err not_begun(struct response *res)
{
	res->problem_status = 400;
	return response_problem(res, ERR_INVALID, "this browser did not begin this sign-in, or too "
	    "long ago, or has finished it: start again");
}

/* An answer of another provider than the one that was asked (RFC 9207, 2.4). */
static bool is_of_other_issuer(const struct visit *v)
{
	struct str iss = request_query(v->req, "iss");

	if (!v->call.provider->openid)
		return false;
	return (iss.ptr != NULL || v->places.says_issuer) &&
	    !str_eq(iss, v->call.provider->issuer);
}

static enum err take_person(struct visit *v, struct provider_person *who)
{
	struct str code = request_query(v->req, "code");

	if (code.len == 0) {
		v->call.reason = STR("it sent neither a code nor an error");
		return ERR_UNAUTHENTICATED;
	}
	return provider_person(&v->call, v->req, &v->places, &v->attempt, code, who);
}

/* Nothing that the provider says goes further but that it said no. */
static enum err take_error(struct visit *v)
{
	if (str_eq(request_query(v->req, "error"), STR("access_denied")))
		return refuse(v, "access_denied", "the sign-in was called off at the provider");
	v->call.reason = STR("it answered with an error");
	tell(&v->call, "auth.provider_refused");
	return refuse(v, "sign_in_failed", "the provider did not sign you in");
}

static enum err go_on(struct visit *v)
{
	struct provider_person who;
	enum err               e = provider_places(&v->call, &v->places);

	if (e == OK && is_of_other_issuer(v)) {
		v->call.reason = STR("the answer is of another issuer");
		tell(&v->call, "auth.provider_mixed_up");
		return not_begun(v->res);
	}
	if (e == OK && request_query(v->req, "error").ptr != NULL)
		return take_error(v);
	if (e == OK)
		e = take_person(v, &who);
	if (e == OK)
		return sign_in(v, &who);
	if (e == ERR_UNAVAILABLE && v->attempt.return_to.ptr != NULL) {
		tell(&v->call, "auth.provider_down");
		return answer(v, "error", STR("temporarily_unavailable"));
	}
	if (e != ERR_UNAUTHENTICATED)
		return is_down(&v->call, v->res, e);
	tell(&v->call, "auth.provider_refused");
	return refuse(v, "sign_in_failed", "the provider did not sign you in");
}

enum err provider_callback(const struct request *req, struct response *res)
{
	struct visit v = { .req = req, .res = res };
	struct str   provider = request_parameter(req, "provider");
	enum err     e;

	/* First what costs nothing: most who come without it are up to something. */
	if (provider_find(&((const struct providers *)req->app->state)->settings, provider) == NULL)
		return not_known(req, res, ERR_NOT_FOUND);
	e = provider_attempt_read(req, provider, request_query(req, "state"), &v.attempt);
	if (e == ERR_NOT_FOUND)
		return not_begun(res);
	e = enter(req, res, &v.call);
	if (e != OK)
		return e;
	e = provider_attempt_end(req, res, &v.attempt);
	if (e == OK)
		e = go_on(&v);
	else if (e == ERR_EXISTS)
		e = not_begun(res);
	providers_leave(&v.call);
	return e;
}

/* --- to the application --------------------------------------------------------------- */

enum err provider_exchange(const struct request *req, struct response *res)
{
	struct identity_call  k = auth_call(req);
	struct identity_login in;
	struct account_record r;
	struct store_op       spend;
	enum err              e = ERR_STALE;

	for (int i = 0; e == ERR_STALE && i < TRIES; i++) {
		e = provider_handover_take(req, res, &r, &spend);
		if (e == OK)
			e = grant_sign_in(&k, &r, &spend, 1, &in);
	}
	if (e == ERR_NOT_FOUND || e == ERR_STALE)
		return response_problem(res, ERR_UNAUTHENTICATED, "the code is not good (any more), or "
		    "not yours: start again");
	return e == OK ? auth_put_login(res, &in) : e;
}
