#include "auth/oauth_request.h"

#include "auth/pkce.h"
#include "auth/oauth_code.h"
#include "auth/oauth_redirect.h"
#include "http/app.h"

static enum err refuse_here(struct response *res, const char *what)
{
	res->problem_status = 400;
	return response_problem(res, ERR_INVALID, "%s. Nothing was granted; tell the people who "
	    "run the application that sent you here.", what);
}

static enum err find_client(const struct request *req, struct response *res,
    struct oauth_request *r)
{
	enum err e = oauth_client_read(req->store, req->arena, request_query(req, "client_id"),
	    req->now_ms, &r->client);

	if (e == ERR_NOT_FOUND)
		return refuse_here(res, "No application of that client_id is known here");
	if (e != OK)
		return e;
	r->redirect_uri = request_query(req, "redirect_uri");
	if (r->redirect_uri.ptr == NULL || !oauth_client_has_redirect(&r->client, r->redirect_uri))
		return refuse_here(res, "The application asks for an answer at a redirect_uri that is "
		    "not registered for it");
	return OK;
}

/* --- what is answered with a redirect ------------------------------------------- */

struct fault {
	const char *error, *description;        /* error NULL: none */
};

static struct fault check_form(const struct request *req, struct oauth_request *r)
{
	struct str type = request_query(req, "response_type");
	struct str mode = request_query(req, "response_mode");

	if (request_query(req, "request").ptr != NULL)
		return (struct fault){ "request_not_supported", "request objects are not taken" };
	if (request_query(req, "request_uri").ptr != NULL)
		return (struct fault){ "request_uri_not_supported", "request_uri is not taken" };
	if (type.len == 0)
		return (struct fault){ "invalid_request", "response_type is missing" };
	if (!str_eq(type, STR("code")))
		return (struct fault){ "unsupported_response_type", "response_type must be code" };
	if (mode.len > 0 && !str_eq(mode, STR("query")))
		return (struct fault){ "invalid_request", "response_mode must be query" };
	if ((r->client.grants & OAUTH_GRANT_BIT(OAUTH_GRANT_CODE)) == 0)
		return (struct fault){ "unauthorized_client",
			"this client has not the grant type authorization_code" };
	return (struct fault){ 0 };
}

static struct fault check_challenge(const struct request *req, struct oauth_request *r)
{
	r->challenge = request_query(req, "code_challenge");
	if (r->challenge.len == 0)
		return (struct fault){ "invalid_request", "PKCE is required: code_challenge is missing" };
	if (!str_eq(request_query(req, "code_challenge_method"), STR("S256")))
		return (struct fault){ "invalid_request", "code_challenge_method must be S256" };
	if (!pkce_challenge_fits(req->arena, r->challenge))
		return (struct fault){ "invalid_request", "code_challenge is no SHA-256 in base64url" };
	return (struct fault){ 0 };
}

static struct fault check_scope(const struct request *req, struct oauth_request *r)
{
	struct str list = request_query(req, "scope");

	if (list.len == 0)
		r->scopes = r->client.scopes;
	while (list.len > 0) {
		struct str name = str_cut(&list, ' ');
		enum scope s = scope_from_name(name);

		if (name.len > 0 && (s == SCOPE_UNSET || (r->client.scopes & SCOPE_BIT(s)) == 0))
			return (struct fault){ "invalid_scope", "a scope is none of this client's" };
		if (name.len > 0)
			r->scopes |= SCOPE_BIT(s);
	}
	if (r->scopes == 0)
		return (struct fault){ "invalid_scope", "this client has no scopes" };
	return (struct fault){ 0 };
}

static struct fault check_prompt(const struct request *req, struct oauth_request *r)
{
	struct str list = request_query(req, "prompt"), age = request_query(req, "max_age");

	while (list.len > 0) {
		struct str name = str_cut(&list, ' ');

		if (str_eq(name, STR("none")))
			r->silent = true;
		else if (str_eq(name, STR("login")) || str_eq(name, STR("select_account")))
			r->sign_in = true;
		else if (str_eq(name, STR("consent")))
			r->ask = true;
		else if (name.len > 0)
			return (struct fault){ "invalid_request", "prompt has a value that is not known" };
	}
	if (r->silent && (r->sign_in || r->ask))
		return (struct fault){ "invalid_request", "prompt=none goes with no other" };
	r->max_age_s = -1;
	if (age.len > 0 && (!str_to_i64(age, &r->max_age_s) || r->max_age_s < 0 ||
	    r->max_age_s > INT32_MAX))
		return (struct fault){ "invalid_request", "max_age must be a number of seconds" };
	return (struct fault){ 0 };
}

enum err oauth_request_read(const struct request *req, struct response *res,
    struct oauth_request *out, bool *answered)
{
	static struct fault (*const checks[])(const struct request *, struct oauth_request *) = {
		check_form, check_challenge, check_scope, check_prompt,
	};
	struct fault fault = { 0 };
	enum err     e;

	*out = (struct oauth_request){
		.state = request_query(req, "state"), .nonce = request_query(req, "nonce"),
		.login_hint = request_query(req, "login_hint"),
	};
	e = find_client(req, res, out);
	if (e != OK)
		return e;
	for (size_t i = 0; fault.error == NULL && i < COUNT(checks); i++)
		fault = checks[i](req, out);
	*answered = fault.error != NULL;
	if (*answered)
		oauth_request_refuse(req, res, out, fault.error, fault.description);
	return OK;
}

void oauth_request_refuse(const struct request *req, struct response *res,
    const struct oauth_request *r, const char *error, const char *description)
{
	const struct path_parameter list[] = {
		{ STR("error"), str_of(error) },
		{ STR("error_description"), str_of(description) },
		{ STR("state"), r->state },
		{ STR("iss"), auth_issuer(req->app->auth) },
	};

	redirect_to(res, r->redirect_uri, list, COUNT(list));
}

void oauth_request_grant(const struct request *req, struct response *res,
    const struct oauth_request *r, struct str code)
{
	const struct path_parameter list[] = {
		{ STR("code"), code },
		{ STR("state"), r->state },
		{ STR("iss"), auth_issuer(req->app->auth) },
	};

	redirect_to(res, r->redirect_uri, list, COUNT(list));
}
