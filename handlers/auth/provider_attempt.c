#include "auth/provider_attempt.h"

#include "auth/opaque_token.h"
#include "auth/pkce.h"
#include "base/crypto.h"
#include "http/app.h"

#define COOKIE          "quiver_provider"
#define COOKIE_MAX      4096
#define BODY_MAX_BYTES  4096
#define BODY_DEPTH_MAX  2
#define PATH            "/v1/auth/oauth"

/* --- cookies ---------------------------------------------------------------------- */

static bool is_https(const struct request *req)
{
	return str_starts(req->origin, STR("https://"));
}

static struct str full_name(const struct request *req, const char *name)
{
	return arena_printf(req->arena, "%s%s", is_https(req) ? "__Host-" : "", name);
}

void provider_cookie_set(const struct request *req, struct response *res, const char *name,
    struct str value, int ttl_s, const char *same_site)
{
	bool       https = is_https(req);
	struct str full = full_name(req, name);

	response_header(res, "Set-Cookie", arena_printf(req->arena,
	    "%.*s=%.*s; Max-Age=%d; Path=%s; HttpOnly; SameSite=%s%s", STR_ARG(full),
	    STR_ARG(value), value.ptr == NULL ? 0 : ttl_s, https ? "/" : PATH, same_site,
	    https ? "; Secure" : ""));
}

bool provider_cookie_each(const struct request *req, const char *name,
    bool (*take)(void *context, struct str value), void *context)
{
	struct str full = full_name(req, name);
	struct str rest = request_header(req, "Cookie");

	while (rest.ptr != NULL) {
		struct str value = str_trim(str_cut(&rest, ';'));

		if (str_eq(str_cut(&value, '='), full) && value.len > 0 &&
		    value.len <= COOKIE_MAX && take(context, value))
			return true;
	}
	return false;
}

/* --- the attempt ------------------------------------------------------------------ */

static void derive(const struct request *req, uint8_t key[SECRET_BYTES])
{
	crypto_derive(req->app->config.secret_key, "provider attempt", key);
}

static struct str seal(const struct request *req, struct str provider, struct str plain)
{
	uint8_t    key[SECRET_BYTES];
	struct str sealed;

	derive(req, key);
	sealed = crypto_seal(req->arena, key, plain, provider);
	crypto_wipe(key, sizeof(key));
	return crypto_base64url(req->arena, sealed);
}

enum err provider_attempt_begin(const struct request *req, struct response *res,
    struct str provider, struct provider_attempt *attempt)
{
	struct json_writer w;
	struct buf         plain;

	attempt->state = opaque_random(req->arena);
	attempt->nonce = opaque_random(req->arena);
	attempt->verifier = opaque_random(req->arena);
	attempt->expires_ms = req->now_ms + PROVIDER_ATTEMPT_TTL_S * INT64_C(1000);
	buf_init(&plain, req->arena, BODY_MAX_BYTES);
	json_begin(&w, &plain);
	json_object_open(&w);
	json_member_string(&w, "state", attempt->state);
	json_member_string(&w, "nonce", attempt->nonce);
	json_member_string(&w, "verifier", attempt->verifier);
	json_member_string(&w, "return_to", attempt->return_to);
	json_member_string(&w, "challenge", attempt->challenge);
	json_member_int(&w, "expires_at", attempt->expires_ms);
	json_object_close(&w);
	if (buf_failed(&plain))
		return ERR_TOO_LARGE;
	provider_cookie_set(req, res, COOKIE, seal(req, provider, buf_str(&plain)),
	    PROVIDER_ATTEMPT_TTL_S, "Lax");
	return OK;
}

struct search {
	const struct request    *req;
	struct str               provider, state;
	struct provider_attempt *out;
};

static struct str member_of(const struct json *json, const char *name)
{
	struct str value = json_get_string(json, name);

	return value.len > 0 ? value : STR_NONE;
}

static bool open_sealed(const struct search *s, struct str value, struct str *plain)
{
	uint8_t    key[SECRET_BYTES];
	struct str sealed;
	enum err   e = crypto_base64url_decode(s->req->arena, value, &sealed);

	derive(s->req, key);
	if (e == OK)
		e = crypto_open(s->req->arena, key, sealed, s->provider, plain);
	crypto_wipe(key, sizeof(key));
	return e == OK;
}

static bool take_attempt(void *context, struct str value)
{
	const struct search *s = context;
	const struct json   *json;
	struct json_error    error;
	struct str           plain;

	if (!open_sealed(s, value, &plain) ||
	    json_parse(s->req->arena, plain, BODY_DEPTH_MAX, &json, &error) != OK)
		return false;
	*s->out = (struct provider_attempt){
		.state = json_get_string(json, "state"), .nonce = json_get_string(json, "nonce"),
		.verifier = json_get_string(json, "verifier"),
		.return_to = member_of(json, "return_to"),
		.challenge = member_of(json, "challenge"),
		.expires_ms = json_get_int(json, "expires_at", 0),
	};
	return s->out->state.len > 0 && crypto_equal(s->out->state, s->state) &&
	    s->out->expires_ms > s->req->now_ms;
}

enum err provider_attempt_read(const struct request *req, struct str provider, struct str state,
    struct provider_attempt *out)
{
	struct search s = { req, provider, state, out };

	return provider_cookie_each(req, COOKIE, take_attempt, &s) ? OK : ERR_NOT_FOUND;
}

/* Its mark outlives the cookie by nothing: then the time is over. */
enum err provider_attempt_end(const struct request *req, struct response *res,
    const struct provider_attempt *attempt)
{
	struct str          digest = pkce_challenge(req->arena, attempt->state);
	struct store_result result;
	struct store_op     used = { STORE_PUT, STORE_ABSENT, {
		.pk = arena_printf(req->arena, "provider-attempt#%.*s", STR_ARG(digest)),
		.sk = STR("used"), .body = STR("{}"), .expires_ms = attempt->expires_ms,
	} };

	provider_cookie_set(req, res, COOKIE, STR_NONE, 0, "Lax");
	return store_write(req->store, &used, 1, STORE_RELAXED, req->now_ms, &result);
}
