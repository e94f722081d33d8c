#include "auth/cognito.h"

#include "auth/state.h"
#include "log/log.h"
#include "net/http_client.h"

#define BODY_MAX_BYTES          16384
#define REPLY_MAX_BYTES         65536
#define REPLY_DEPTH_MAX         8
#define TARGET                  "AWSCognitoIdentityProviderService."

/* What Cognito's exceptions mean here; any other is its own trouble. */
static const struct {
	const char *name;
	enum err    e;
} exceptions[] = {
	{ "NotAuthorizedException", ERR_UNAUTHENTICATED },
	{ "UserNotFoundException", ERR_UNAUTHENTICATED },
	{ "UserNotConfirmedException", ERR_UNAUTHENTICATED },
	{ "PasswordResetRequiredException", ERR_UNAUTHENTICATED },
	{ "CodeMismatchException", ERR_UNAUTHENTICATED },
	{ "ExpiredCodeException", ERR_UNAUTHENTICATED },
	{ "EnableSoftwareTokenMFAException", ERR_UNAUTHENTICATED },
	{ "UnauthorizedException", ERR_UNAUTHENTICATED },
	{ "InvalidPasswordException", ERR_INVALID },
	{ "PasswordHistoryPolicyViolationException", ERR_INVALID },
	{ "InvalidParameterException", ERR_INVALID },
	{ "UsernameExistsException", ERR_EXISTS },
	{ "AliasExistsException", ERR_EXISTS },
	{ "SoftwareTokenMFANotFoundException", ERR_NOT_FOUND },
	{ "TooManyRequestsException", ERR_LIMITED },
	{ "LimitExceededException", ERR_LIMITED },
	{ "TooManyFailedAttemptsException", ERR_LIMITED },
	{ "UnsupportedOperationException", ERR_UNSUPPORTED },
};

static struct str endpoint_of(struct arena *a, const struct config *c)
{
	if (c->cognito_endpoint.len > 0)
		return c->cognito_endpoint;
	return arena_printf(a, "https://cognito-idp.%.*s.amazonaws.com", STR_ARG(c->cognito_region));
}

enum err cognito_add_issuer(struct arena *a, const struct config *c, struct issuers *list,
    struct str *reason)
{
	struct str    endpoint = endpoint_of(a, c);
	struct issuer pool = {
		.audiences = { c->cognito_client_id }, .n_audiences = 1,
		.algorithms = JWS_BIT(JWS_RS256), .roles_claim = STR("cognito:groups"), .home = true,
	};
	enum err      e;

	pool.name = arena_printf(a, "%.*s/%.*s", STR_ARG(endpoint), STR_ARG(c->cognito_user_pool_id));
	pool.jwks_uri = arena_printf(a, "%.*s/.well-known/jwks.json", STR_ARG(pool.name));
	e = issuers_add(list, &pool);
	if (e != OK)
		*reason = STR("OIDC_ISSUERS: it has no room for the user pool of IDENTITY=cognito, "
		    "or names it too; take it out there");
	return e;
}

void cognito_begin(struct cognito_request *r, const struct identity_call *k,
    const char *operation)
{
	*r = (struct cognito_request){ .call = k, .operation = operation };
	buf_init(&r->body, k->arena, BODY_MAX_BYTES);
	json_begin(&r->w, &r->body);
	json_object_open(&r->w);
}

void cognito_put_secret_hash(struct cognito_request *r, const char *name, struct str user)
{
	const struct config *c = r->call->auth->config;
	struct arena        *a = r->call->arena;
	struct str           text, secret = c->cognito_client_secret;
	uint8_t              mac[SHA256_BYTES];

	if (secret.len == 0)
		return;
	text = arena_printf(a, "%.*s%.*s", STR_ARG(user), STR_ARG(c->cognito_client_id));
	crypto_hmac_sha256((const uint8_t *)secret.ptr, secret.len, text, mac);
	json_member_string(&r->w, name,
	    crypto_base64(a, (struct str){ (const char *)mac, sizeof(mac) }));
}

void cognito_put_client(struct cognito_request *r)
{
	json_member_string(&r->w, "ClientId", r->call->auth->config->cognito_client_id);
}

enum err cognito_as_wrong(enum err e)
{
	return e == ERR_INVALID || e == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : e;
}

/* "Prefix#NotAuthorizedException:http…" is what the type may look like. */
static struct str exception_of(const struct json *reply)
{
	struct str type = json_get_string(reply, "__type"), rest;
	size_t     hash = str_index(type, '#');

	rest = hash < type.len ? str_from(type, hash + 1) : type;
	return str_cut(&rest, ':');
}

static enum err meaning_of(struct str exception)
{
	for (size_t i = 0; i < COUNT(exceptions); i++)
		if (str_eq(exception, str_of(exceptions[i].name)))
			return exceptions[i].e;
	return ERR_UNAVAILABLE;
}

static enum err refused(const struct cognito_request *r, const struct http_reply *reply,
    const struct json *json, struct str *message)
{
	struct str exception = exception_of(json);
	enum err   e = meaning_of(exception);

	*message = json_get_string(json, "message");
	log_message(e == ERR_UNAVAILABLE ? LOG_WARN : LOG_INFO, "auth.cognito",
	    "%s: %u %.*s", r->operation, (unsigned)reply->status,
	    STR_ARG(str_first(exception, 100)));
	return e;
}

static enum err unreachable(const struct cognito_request *r, struct str reason)
{
	log_message(LOG_WARN, "auth.cognito", "%s: %.*s", r->operation, STR_ARG(reason));
	return ERR_UNAVAILABLE;
}

enum err cognito_send(struct cognito_request *r, const struct json **out, struct str *message)
{
	const struct identity_call *k = r->call;
	struct str         target = arena_printf(k->arena, TARGET "%s", r->operation);
	struct http_header headers[] = { { STR("X-Amz-Target"), target } };
	struct http_call   call = {
		.method = "POST", .headers = headers, .n_headers = COUNT(headers),
		.content_type = STR("application/x-amz-json-1.1"),
		.deadline_ms = IDENTITY_NET_MS, .response_max_bytes = REPLY_MAX_BYTES,
		.purpose = OUTGOING_IDENTITY,
	};
	struct http_reply  reply;
	struct json_error  error;
	struct str         reason = STR_NONE, endpoint = endpoint_of(k->arena, k->auth->config);
	enum err           e;

	*message = STR_NONE;
	json_object_close(&r->w);
	call.url = arena_printf(k->arena, "%.*s/", STR_ARG(endpoint));
	call.body = buf_str(&r->body);
	if (buf_failed(&r->body))
		return ERR_TOO_LARGE;
	e = http_client_call(k->net, k->arena, &call, &reply, &reason);
	/* It holds passwords and tokens. */
	crypto_wipe((char *)(uintptr_t)call.body.ptr, call.body.len);
	if (e != OK)
		return unreachable(r, reason);
	if (json_parse(k->arena, reply.body, REPLY_DEPTH_MAX, out, &error) != OK &&
	    (reply.status != 200 || reply.body.len > 0))
		return unreachable(r, STR("the reply is not JSON"));
	return reply.status == 200 ? OK : refused(r, &reply, *out, message);
}
