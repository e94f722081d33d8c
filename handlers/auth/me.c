#include "auth/endpoints.h"
#include "auth/identity.h"

/* An API key has scopes of its own, and so has another issuer's token; a session has
 * its account's as they are now, so that the entity tag, which counts the account's
 * changes, tells the truth. */
static scope_set scopes_of(const struct principal *p, const struct account *account)
{
	return p->kind == PRINCIPAL_SESSION && !p->foreign ? roles_scopes(account->roles) : p->scopes;
}

static enum err put_profile(const struct request *req, struct response *res,
    const struct account *account)
{
	struct json_writer w = response_writer(res);

	json_object_open(&w);
	json_member_string(&w, "id", account->id);
	json_member_string(&w, "email", account->email);
	json_member_string(&w, "name", account->name);
	json_name(&w, "roles");
	roles_write(&w, account->roles);
	json_name(&w, "scopes");
	scopes_write(&w, scopes_of(&req->principal, account));
	json_member_string(&w, "plan", account->plan);
	json_member_string(&w, "tenant", account->tenant);
	json_object_close(&w);
	response_json(res);
	response_etag(res, account->id, account->version, "");
	return OK;
}

enum err auth_gone(struct response *res, enum err e)
{
	if (e != ERR_NOT_FOUND)
		return e;
	return response_problem(res, ERR_UNAUTHENTICATED, "this account does not exist any more");
}

enum err auth_me(const struct request *req, struct response *res)
{
	struct identity_call k = auth_call(req);
	struct account       account;
	enum err             e = IDENTITY_CALL(&k, account, &req->principal, &account);

	return e == OK ? put_profile(req, res, &account) : auth_gone(res, e);
}

enum err auth_rename(const struct request *req, struct response *res)
{
	struct identity_call k = auth_call(req);
	struct str           name = STR("name");
	struct account       account;
	uint64_t             version = 0;
	enum err             e = IDENTITY_CALL(&k, account, &req->principal, &account);

	if (e == OK)
		e = request_if_match(req, account.id, account.version, &version);
	if (e == OK && json_get(req->json, name) != NULL)
		e = IDENTITY_CALL(&k, rename, &req->principal,
		    json_get_string(req->json, "name"), version, &account);
	return e == OK ? put_profile(req, res, &account) : auth_gone(res, e);
}

enum err auth_change_password(const struct request *req, struct response *res)
{
	struct identity_call k = auth_call(req);
	struct str           why = STR_NONE;
	enum err             e = IDENTITY_CALL(&k, change_password, &req->principal,
	    json_get_string(req->json, "old_password"),
	    json_get_string(req->json, "new_password"), &why);

	if (why.ptr == NULL)
		return e;
	/* 401 would tell the client that its token is bad, and it is not. */
	response_field_error(res, e == ERR_INVALID ? STR("/new_password") : STR("/old_password"),
	    "%.*s", STR_ARG(why));
	return ERR_INVALID;
}
