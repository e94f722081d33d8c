#include "auth/endpoints.h"

enum err auth_login_totp(const struct request *req, struct response *res)
{
	struct identity_call  k = auth_call(req);
	struct identity_login in;
	enum err              e = IDENTITY_CALL(&k, login_totp,
	    json_get_string(req->json, "session"), json_get_string(req->json, "code"), &in);

	if (e == ERR_UNAUTHENTICATED)
		return response_problem(res, e, "the code is wrong, or this sign-in took too long: "
		    "try the next code, or sign in again");
	return e == OK ? auth_put_login(res, &in) : auth_too_many_codes(res, e);
}

/* Who has the password is told to wait; a recovery code is taken meanwhile. */
enum err auth_too_many_codes(struct response *res, enum err e)
{
	if (e != ERR_LIMITED)
		return e;
	response_header(res, "Retry-After", arena_printf(res->arena, "%d", TOTP_LOCKED_S));
	return response_problem(res, e, "too many codes were wrong: use a recovery code, or wait");
}

/* A token alone, which may be stolen, puts no factor on an account that its owner would
 * then be asked for. */
static enum err explain(struct response *res, enum err e)
{
	if (e == ERR_FORBIDDEN)
		return response_problem(res, e, "this sign-in is more than %d minutes old: send the "
		    "account's password, or sign in again", FRESH_SIGN_IN_S / 60);
	if (e == ERR_EXISTS)
		return response_problem(res, e, "a second factor is on already: remove it first");
	return auth_too_many_codes(res, e);
}

/* 401 would tell the client that its token is bad, and it is not. */
static enum err wrong_code(struct response *res)
{
	response_field_error(res, STR("/code"), "is not a code of this moment, or was used");
	return ERR_INVALID;
}

enum err auth_totp_enrol(const struct request *req, struct response *res)
{
	struct identity_call  k = auth_call(req);
	struct totp_enrolment enrolment;
	struct json_writer    w;
	enum err              e = IDENTITY_CALL(&k, totp_enrol, &req->principal,
	    json_get_string(req->json, "password"), &enrolment);

	if (e == ERR_UNAUTHENTICATED) {
		response_field_error(res, STR("/password"), "is not the account's");
		return ERR_INVALID;
	}
	if (e == ERR_NOT_FOUND)
		return auth_gone(res, e);
	if (e != OK)
		return explain(res, e);
	w = response_writer(res);
	json_object_open(&w);
	json_member_string(&w, "secret", enrolment.secret);
	json_member_string(&w, "otpauth_uri", enrolment.uri);
	json_object_close(&w);
	response_json(res);
	return OK;
}

enum err auth_totp_verify(const struct request *req, struct response *res)
{
	struct identity_call k = auth_call(req);
	struct str           codes[RECOVERY_CODES];
	struct json_writer   w;
	enum err             e = IDENTITY_CALL(&k, totp_verify, &req->principal,
	    json_get_string(req->json, "code"), codes);

	if (e == ERR_UNAUTHENTICATED)
		return wrong_code(res);
	if (e == ERR_NOT_FOUND)
		return response_problem(res, e, "nothing is enrolled, or it was too long ago: "
		    "POST /v1/auth/totp first");
	if (e != OK)
		return explain(res, e);
	w = response_writer(res);
	json_object_open(&w);
	json_name(&w, "recovery_codes");
	json_array_open(&w);
	/* A provider that has none leaves them out. */
	for (size_t i = 0; i < RECOVERY_CODES && codes[i].ptr != NULL; i++)
		json_put_string(&w, codes[i]);
	json_array_close(&w);
	json_object_close(&w);
	response_json(res);
	return OK;
}

enum err auth_totp_remove(const struct request *req, struct response *res)
{
	struct identity_call k = auth_call(req);
	enum err             e = IDENTITY_CALL(&k, totp_remove, &req->principal,
	    json_get_string(req->json, "code"));

	if (e == ERR_UNAUTHENTICATED)
		return wrong_code(res);
	if (e == ERR_NOT_FOUND)
		return response_problem(res, e, "no second factor is on");
	return explain(res, e);
}
