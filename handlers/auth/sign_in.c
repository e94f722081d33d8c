#include "auth/endpoints.h"
#include "access/address.h"
#include "auth/identity.h"
#include "auth/known_network.h"
#include "log/log.h"
#include "net/mail.h"

struct identity_call auth_call(const struct request *req)
{
	return (struct identity_call){
		.auth = req->app->auth, .store = req->store, .arena = req->arena,
		.from = { req->address, request_header(req, "User-Agent") },
		.mail = req->app->mail, .now_ms = req->now_ms, .foreign = req->principal.foreign,
		.net = req->app->config.identity == IDENTITY_COGNITO ? worker_net(req->worker) : NULL,
	};
}

bool auth_know_network(const struct request *req)
{
	return known_network_add(req->app->auth, req->store, req->arena,
	    json_get_string(req->json, "email"), address_limit_key(req->arena, req->address),
	    req->now_ms);
}

void auth_password_was_right(const struct request *req)
{
	const struct mail_message message = {
		.kind = MAIL_NEW_SIGN_IN, .time_ms = req->now_ms,
		.to = { .address = json_get_string(req->json, "email") },
	};
	enum err e = auth_know_network(req) ? mail_send(req->app->mail, &message) : OK;

	if (e != OK)
		log_message(LOG_WARN, "auth.not_mailed", "a mail about a sign-in from somewhere "
		    "new: %s", err_text(e));
}

static enum err put_tokens(struct response *res, const struct identity_tokens *t)
{
	struct json_writer w = response_writer(res);

	json_object_open(&w);
	json_member_string(&w, "access_token", t->access_token);
	json_member_string(&w, "id_token", t->id_token);
	json_member_string(&w, "refresh_token", t->refresh_token);
	json_member_string(&w, "token_type", STR("Bearer"));
	json_member_int(&w, "expires_in", t->expires_in);
	json_object_close(&w);
	response_json(res);
	res->no_store = true;           /* RFC 6749, 5.1 */
	return OK;
}

/* Where to go, when it is not here. */
static enum err elsewhere(const struct request *req, struct response *res, enum err e)
{
	if (e != ERR_UNSUPPORTED)
		return e;
	if (req->app->config.identity == IDENTITY_COGNITO)
		return response_problem(res, e, "the user pool asks for a step that is not "
		    "understood here: there are a new password and an authenticator app");
	return response_problem(res, e, "the accounts are an OpenID provider's: sign in there, "
	    "and send its access token with each request");
}

enum err auth_put_login(struct response *res, const struct identity_login *in)
{
	static const char *const challenges[] = {
		[CHALLENGE_TOTP] = "totp", [CHALLENGE_NEW_PASSWORD] = "new_password",
	};
	struct json_writer w;

	if (in->challenge == CHALLENGE_NONE)
		return put_tokens(res, &in->tokens);
	w = response_writer(res);
	json_object_open(&w);
	json_member_string(&w, "challenge", str_of(challenges[in->challenge]));
	json_member_string(&w, "session", in->session);
	json_object_close(&w);
	response_json(res);
	res->no_store = true;
	return OK;
}

enum err auth_login(const struct request *req, struct response *res)
{
	struct identity_call  k = auth_call(req);
	struct identity_login in;
	enum err              e = IDENTITY_CALL(&k, login, json_get_string(req->json, "email"),
	    json_get_string(req->json, "password"), &in);

	if (e == ERR_UNAUTHENTICATED)
		return response_problem(res, e, "the e-mail address or the password is wrong");
	if (e == OK)
		auth_password_was_right(req);
	return e == OK ? auth_put_login(res, &in) : elsewhere(req, res, e);
}

enum err auth_login_password(const struct request *req, struct response *res)
{
	struct identity_call  k = auth_call(req);
	struct identity_login in;
	struct str            why = STR_NONE;
	enum err              e = IDENTITY_CALL(&k, login_new_password,
	    json_get_string(req->json, "session"), json_get_string(req->json, "new_password"),
	    &why, &in);

	if (e == ERR_UNAUTHENTICATED)
		return response_problem(res, e, "this sign-in took too long: sign in again");
	if (e == ERR_INVALID)
		response_field_error(res, STR("/new_password"), "%.*s", STR_ARG(why));
	return e == OK ? auth_put_login(res, &in) : e;
}

enum err auth_refresh(const struct request *req, struct response *res)
{
	struct identity_call   k = auth_call(req);
	struct identity_tokens tokens;
	enum err               e = IDENTITY_CALL(&k, refresh,
	    json_get_string(req->json, "refresh_token"), &tokens);

	if (e == ERR_UNAUTHENTICATED)
		return response_problem(res, e, "the refresh token is not good any more: sign in again");
	return e == OK ? put_tokens(res, &tokens) : elsewhere(req, res, e);
}

enum err auth_logout(const struct request *req, struct response *res)
{
	struct identity_call k = auth_call(req);
	struct str           refresh_token = json_get_string(req->json, "refresh_token");
	enum err             e = refresh_token.len == 0 || identity_of(&k)->forget == NULL ? OK :
	    IDENTITY_CALL(&k, forget, refresh_token);

	(void)res;
	if (e != OK)
		return e;
	return IDENTITY_CALL(&k, logout, &req->principal,
	    json_get_bool(req->json, "everywhere", false));
}
