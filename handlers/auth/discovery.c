#include "auth/endpoints.h"
#include "auth/oauth_client.h"

/* Only what exists is listed (OpenID Connect Discovery 1.0, 3; RFC 8414, 2). */
static const char *const response_types[] = { "code", NULL };
static const char *const response_modes[] = { "query", NULL };
static const char *const subject_types[] = { "public", NULL };
static const char *const signing_algorithms[] = { "RS256", NULL };
static const char *const challenge_methods[] = { "S256", NULL };
static const char *const secret_methods[] = { "client_secret_basic", "client_secret_post", NULL };
static const char *const prompts[] = { "none", "login", "consent", "select_account", NULL };
static const char *const claims[] = {
	"iss", "aud", "sub", "iat", "nbf", "exp", "jti", "sid", "auth_time", "nonce", "at_hash",
	"token_use", "email", "name", "plan", "tenant", "roles", "scope", "client_id", NULL
};

static const struct {
	const char *name, *path;
} endpoints[] = {
	{ "authorization_endpoint", "/oauth2/authorize" },
	{ "token_endpoint", "/oauth2/token" },
	{ "userinfo_endpoint", "/oauth2/userinfo" },
	{ "jwks_uri", "/.well-known/jwks.json" },
	{ "introspection_endpoint", "/oauth2/introspect" },
	{ "revocation_endpoint", "/oauth2/revoke" },
};

static const struct {
	const char        *name;
	const char *const *list;
} lists[] = {
	{ "response_types_supported", response_types },
	{ "response_modes_supported", response_modes },
	{ "grant_types_supported", oauth_grant_names },
	{ "subject_types_supported", subject_types },
	{ "id_token_signing_alg_values_supported", signing_algorithms },
	{ "token_endpoint_auth_methods_supported", oauth_method_names },
	{ "introspection_endpoint_auth_methods_supported", secret_methods },
	{ "revocation_endpoint_auth_methods_supported", oauth_method_names },
	{ "code_challenge_methods_supported", challenge_methods },
	{ "prompt_values_supported", prompts },
	{ "claims_supported", claims },
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
	for (size_t i = 0; i < COUNT(endpoints); i++)
		json_member_string(&w, endpoints[i].name, arena_printf(req->arena, "%.*s%s",
		    STR_ARG(req->origin), endpoints[i].path));
	for (size_t i = 0; i < COUNT(lists); i++)
		put_list(&w, lists[i].name, lists[i].list);
	json_name(&w, "scopes_supported");
	scopes_write(&w, ~(scope_set)0);
	json_member_bool(&w, "authorization_response_iss_parameter_supported", true);
	json_member_bool(&w, "request_parameter_supported", false);
	json_member_bool(&w, "request_uri_parameter_supported", false);
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
