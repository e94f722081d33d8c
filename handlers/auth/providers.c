#include "auth/providers.h"

#include <stdlib.h>

#include "auth/jwks_fetch.h"
#include "base/time.h"
#include "log/log.h"

#define NS_PER_MS           UINT64_C(1000000)
#define REPLY_DEPTH_MAX     8
#define REPLY_MAX_BYTES     JWKS_DOCUMENT_MAX_BYTES

/* --- a process's ---------------------------------------------------------------- */

static struct providers *make(struct app *app)
{
	struct providers *p = calloc(1, sizeof(*p));

	if (p == NULL || pthread_mutex_init(&p->lock, NULL) != 0)
		abort();
	arena_init(&p->arena, ARENA_MAX_BYTES);
	p->jwks = jwks_client_new(app->metrics, app->config.net_ca_file, &jwks_bounds_default);
	p->calling_max = app->config.threads > 1 ? app->config.threads / 2 : 1;
	return p;
}

enum err providers_open(struct app *app, struct arena *a, struct str *reason)
{
	struct providers *p = make(app);
	struct str        text = app->config.auth_providers, why = STR_NONE;
	enum err          e;

	app->state = p;
	e = cors_parse(app->config.cors_origins, &p->origins, &why);    /* good: http/ took it */
	if (e == OK && text.len > 0)
		e = provider_settings_parse(&p->arena, text, &p->settings, &why);
	if (e != OK) {
		*reason = arena_dup(a, why);
		return e;
	}
	for (size_t i = 0; i < p->settings.count; i++)
		if (p->settings.list[i].openid)
			p->keys[i] = jwks_client_add(p->jwks, p->settings.list[i].issuer,
			    STR_NONE);
	return OK;
}

void providers_close(struct app *app)
{
	struct providers *p = app->state;

	if (p == NULL)
		return;
	app->state = NULL;
	jwks_client_free(p->jwks);
	for (size_t i = 0; i < p->settings.count; i++) {
		struct str secret = p->settings.list[i].client_secret;

		if (secret.len > 0)
			crypto_wipe((void *)(uintptr_t)secret.ptr, secret.len);
		free(p->known[i].places);
	}
	pthread_mutex_destroy(&p->lock);
	arena_clean(&p->arena);
	free(p);
}

/* --- a request's calls ---------------------------------------------------------- */

enum err providers_enter(const struct request *req, struct str name, struct provider_call *out)
{
	struct providers      *p = req->app->state;
	const struct provider *one = provider_find(&p->settings, name);

	if (one == NULL)
		return ERR_NOT_FOUND;
	if (atomic_fetch_add(&p->calling, 1) >= p->calling_max) {
		atomic_fetch_sub(&p->calling, 1);
		log_message(LOG_WARN, "auth.providers_busy",
		    "half of the workers wait for providers: a sign-in was put off");
		return ERR_UNAVAILABLE;
	}
	*out = (struct provider_call){
		.providers = p, .provider = one, .net = worker_net(req->worker),
		.arena = req->arena,
		.deadline_ns = time_monotonic_ns() + PROVIDER_DEADLINE_MS * NS_PER_MS,
		.reason = STR("no reason given"),
	};
	return OK;
}

void providers_leave(struct provider_call *c)
{
	atomic_fetch_sub(&c->providers->calling, 1);
}

uint32_t provider_left_ms(const struct provider_call *c)
{
	uint64_t now_ns = time_monotonic_ns();

	return now_ns >= c->deadline_ns ? 1 : (uint32_t)((c->deadline_ns - now_ns) / NS_PER_MS) + 1;
}

enum err provider_ask(struct provider_call *c, struct http_call *call, uint16_t *status,
    const struct json **out, struct http_reply *reply)
{
	struct json_error error;
	enum err          e;

	call->deadline_ms = provider_left_ms(c);
	call->response_max_bytes = REPLY_MAX_BYTES;
	e = http_client_call(c->net, c->arena, call, reply, &c->reason);
	if (e == ERR_NO_MEMORY)
		return e;
	if (e != OK)
		return ERR_UNAVAILABLE;
	if (status == NULL ? reply->status != 200 : reply->status >= 500) {
		c->reason = arena_printf(c->arena, "status %u", reply->status);
		return ERR_UNAVAILABLE;
	}
	if (json_parse(c->arena, reply->body, REPLY_DEPTH_MAX, out, &error) != OK) {
		c->reason = STR("what it says is not JSON");
		return ERR_UNAVAILABLE;
	}
	if (status != NULL)
		*status = reply->status;
	return OK;
}

static size_t index_of(const struct provider_call *c)
{
	return (size_t)(c->provider - c->providers->settings.list);
}

struct jwks_issuer *provider_keys(const struct provider_call *c)
{
	return c->providers->keys[index_of(c)];
}

/* --- discovery ------------------------------------------------------------------ */

static enum err fail(struct provider_call *c, const char *why)
{
	c->reason = str_of(why);
	return ERR_UNAVAILABLE;
}

/* Plain http where the issuer is plain http itself, which only loopback may be. */
static bool is_place(const struct provider_call *c, struct str url)
{
	return !str_has_control(url) && (str_starts(url, STR("https://")) ||
	    (str_starts(url, STR("http://")) &&
	    str_starts(c->provider->issuer, STR("http://"))));
}

static bool has(const struct json *list, struct str word)
{
	for (size_t i = 0; i < (json_type(list) == JSON_ARRAY ? json_length(list) : 0); i++)
		if (str_eq(json_string(json_at(list, i)), word))
			return true;
	return false;
}

/* Without a list of methods the header is what every server takes. */
static bool wants_body(const struct json *document)
{
	const struct json *methods = json_get(document,
	    STR("token_endpoint_auth_methods_supported"));

	return !has(methods, STR("client_secret_basic")) && has(methods, STR("client_secret_post"));
}

static enum err read_places(struct provider_call *c, const struct json *document,
    struct provider_places *out)
{
	*out = (struct provider_places){
		.authorize_url = json_get_string(document, "authorization_endpoint"),
		.token_url = json_get_string(document, "token_endpoint"),
		.user_url = json_get_string(document, "userinfo_endpoint"),
		.says_issuer = json_get_bool(document,
		    "authorization_response_iss_parameter_supported", false),
		.secret_in_body = wants_body(document),
	};
	if (!str_eq(json_get_string(document, "issuer"), c->provider->issuer))
		return fail(c, "the discovery document is of another issuer");
	if (!is_place(c, out->authorize_url) || !is_place(c, out->token_url) ||
	    (out->user_url.ptr != NULL && !is_place(c, out->user_url)))
		return fail(c, "an endpoint in the discovery document is no https URL");
	return OK;
}

static enum err discover(struct provider_call *c, struct provider_places *out, uint32_t *age_s,
    struct str *text)
{
	struct str               base = c->provider->issuer;
	const struct http_header accept = { STR("Accept"), STR("application/json") };
	struct http_call         call = {
		.headers = &accept, .n_headers = 1, .purpose = OUTGOING_DISCOVERY,
		.redirects_same_host = true,
	};
	const struct json *document;
	struct http_reply  reply;
	enum err           e;

	if (str_ends(base, STR("/")))
		base.len--;
	call.url = arena_printf(c->arena, "%.*s/.well-known/openid-configuration", STR_ARG(base));
	e = provider_ask(c, &call, NULL, &document, &reply);
	if (e == OK)
		e = read_places(c, document, out);
	if (e != OK)
		return e;
	*text = reply.body;
	*age_s = jwks_age_s(http_reply_header(&reply, "Cache-Control"), &jwks_bounds_default);
	return OK;
}

/* What is kept of it is its own text: it is small, and read once a sign-in. */
static void keep(struct provider_call *c, struct str text, uint32_t age_s)
{
	struct provider_known *known = &c->providers->known[index_of(c)];
	char                  *copy = malloc(text.len);

	if (copy == NULL)
		abort();
	memcpy(copy, text.ptr, text.len);
	pthread_mutex_lock(&c->providers->lock);
	free(known->places);
	known->places = copy;
	known->len = text.len;
	known->until_ns = time_monotonic_ns() + age_s * 1000 * NS_PER_MS;
	pthread_mutex_unlock(&c->providers->lock);
}

/* OK: *out is what was kept.  *fresh: nobody need be asked, or may be yet. */
static enum err recall(struct provider_call *c, struct provider_places *out, bool *fresh)
{
	struct provider_known *known = &c->providers->known[index_of(c)];
	uint64_t               now_ns = time_monotonic_ns();
	const struct json     *document;
	struct json_error      error;
	struct str             text = STR_NONE;

	pthread_mutex_lock(&c->providers->lock);
	if (known->places != NULL)
		text = arena_dup(c->arena, (struct str){ known->places, known->len });
	*fresh = now_ns < known->retry_ns || (text.ptr != NULL && now_ns < known->until_ns);
	pthread_mutex_unlock(&c->providers->lock);
	if (text.ptr == NULL)
		return fail(c, "discovery failed a moment ago");
	if (json_parse(c->arena, text, REPLY_DEPTH_MAX, &document, &error) != OK)
		return ERR_NO_MEMORY;
	return read_places(c, document, out);
}

static void put_off(struct provider_call *c)
{
	pthread_mutex_lock(&c->providers->lock);
	c->providers->known[index_of(c)].retry_ns =
	    time_monotonic_ns() + PROVIDER_RETRY_MS * NS_PER_MS;
	pthread_mutex_unlock(&c->providers->lock);
}

enum err provider_places(struct provider_call *c, struct provider_places *out)
{
	const struct provider *p = c->provider;
	struct provider_places found;
	struct str             text;
	uint32_t               age_s;
	bool                   fresh;
	enum err               e, asked;

	if (!p->openid) {
		*out = (struct provider_places){
			.authorize_url = p->authorize_url, .token_url = p->token_url,
			.user_url = p->user_url, .secret_in_body = true,
		};
		return OK;
	}
	e = recall(c, out, &fresh);
	if (fresh)
		return e;
	asked = discover(c, &found, &age_s, &text);
	if (asked == OK) {
		keep(c, text, age_s);
		*out = found;
		return OK;
	}
	put_off(c);
	return e == OK ? OK : asked;
}
