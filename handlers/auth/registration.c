#include "auth/endpoints.h"

/* The same for every address: what there is to know is in the mail. */
static enum err accepted(struct response *res, const char *message)
{
	struct json_writer w = response_writer(res);

	json_object_open(&w);
	json_member_string(&w, "message", str_of(message));
	json_object_close(&w);
	response_json(res);
	return OK;
}

static enum err wrong_code(struct response *res)
{
	return response_problem(res, ERR_UNAUTHENTICATED,
	    "the code is wrong or not good any more: ask for another");
}

enum err auth_register(const struct request *req, struct response *res)
{
	struct identity_call k = auth_call(req);
	struct str           why = STR_NONE;
	enum err             e = IDENTITY_CALL(&k, sign_up, json_get_string(req->json, "email"),
	    json_get_string(req->json, "password"), json_get_string(req->json, "name"), &why);

	if (e == ERR_INVALID && why.ptr != NULL)
		response_field_error(res, STR("/password"), "%.*s", STR_ARG(why));
	if (e == ERR_FORBIDDEN)
		return response_problem(res, e, "registration is closed here");
	return e == OK ? accepted(res, "a mail tells how to go on") : e;
}

enum err auth_confirm(const struct request *req, struct response *res)
{
	struct identity_call k = auth_call(req);
	enum err             e = IDENTITY_CALL(&k, confirm, json_get_string(req->json, "email"),
	    json_get_string(req->json, "code"));

	if (e == OK)
		(void)auth_know_network(req);
	return e == ERR_UNAUTHENTICATED ? wrong_code(res) : e;
}

enum err auth_resend(const struct request *req, struct response *res)
{
	struct identity_call k = auth_call(req);
	enum err             e = IDENTITY_CALL(&k, resend, json_get_string(req->json, "email"));

	return e == OK ? accepted(res, "when a registration waits, a mail has a code") : e;
}

enum err auth_forgot(const struct request *req, struct response *res)
{
	struct identity_call k = auth_call(req);
	enum err             e = IDENTITY_CALL(&k, forgot, json_get_string(req->json, "email"));

	return e == OK ? accepted(res, "when the address has an account, a mail has a code") : e;
}

enum err auth_reset(const struct request *req, struct response *res)
{
	struct identity_call k = auth_call(req);
	struct str           why = STR_NONE;
	enum err             e = IDENTITY_CALL(&k, reset, json_get_string(req->json, "email"),
	    json_get_string(req->json, "code"), json_get_string(req->json, "new_password"), &why);

	if (e == ERR_INVALID && why.ptr != NULL)
		response_field_error(res, STR("/new_password"), "%.*s", STR_ARG(why));
	if (e == OK)
		(void)auth_know_network(req);
	return e == ERR_UNAUTHENTICATED ? wrong_code(res) : e;
}
