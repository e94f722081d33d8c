#include "auth/endpoints.h"

/* Only what exists is listed (OpenID Connect Discovery 1.0, 3; RFC 8414, 2): there
 * is no authorization endpoint, so the one response type is "none". */
static const char *const response_types[] = { "none", NULL };
static const char *const subject_types[] = { "public", NULL };
static const char *const signing_algorithms[] = { "RS256", NULL };
static const char *const claims[] = {
	"iss", "aud", "sub", "iat", "nbf", "exp", "jti", "sid", "token_use", "email", "name",
	"plan", "tenant", "roles", "scope", NULL
};

static void put_list(struct json_writer *w, const char *name, const char *const *list)
{
	json_name(w, name);
	json_array_open(w);
	for (; *list != NULL; list++)
		json_put_string(w, str_of(*list));
	json_array_close(w);
}

enum err auth_discovery(const struct request *req, struct response *res)
{
	struct json_writer w = response_writer(res);

	json_object_open(&w);
	json_member_string(&w, "issuer", auth_issuer(req->app->auth));
	json_member_string(&w, "jwks_uri", arena_printf(req->arena, "%.*s/.well-known/jwks.json",
	    STR_ARG(req->origin)));
	put_list(&w, "response_types_supported", response_types);
	put_list(&w, "subject_types_supported", subject_types);
	put_list(&w, "id_token_signing_alg_values_supported", signing_algorithms);
	json_name(&w, "scopes_supported");
	scopes_write(&w, ~(scope_set)0);
	put_list(&w, "claims_supported", claims);
	json_object_close(&w);
	response_json(res);
	response_etag_of_body(res);
	/* Settings and version are all that it is made of. */
	res->modified_ms = req->app->started_ms;
	return OK;
}

enum err auth_keys(const struct request *req, struct response *res)
{
	struct str json;
	int64_t    changed_ms;
	enum err   e = auth_jwks(req->app->auth, req->store, req->arena, req->now_ms, &json,
	    &changed_ms);

	if (e != OK)
		return e;
	response_body(res, json);
	response_etag_of_body(res);
	/* A key that ended before this process began is one that it knows nothing of. */
	res->modified_ms = changed_ms > req->app->started_ms ? changed_ms : req->app->started_ms;
	return OK;
}
