#include "http/app.h"

#include <stdio.h>
#include <stdlib.h>

#include "auth/api_key_record.h"
#include "base/time.h"
#include "http/exchange.h"

static struct metric_series *duration_series(struct app *app, const struct route *route)
{
	const char *labels[] = { app->handler->name, route->path };

	return metrics_series(app->metrics, METRIC_REQUEST_DURATION, labels);
}

static enum err open_series(struct app *app)
{
	const struct handler *h = app->handler;

	app->http->requests = calloc((h->n_routes + 1) * STATUSES_MAX, sizeof(*app->http->requests));
	app->http->durations = calloc(h->n_routes + 1, sizeof(*app->http->durations));
	if (app->http->requests == NULL || app->http->durations == NULL)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < h->n_routes; i++)
		app->http->durations[i] = duration_series(app, &h->routes[i]);
	return OK;
}

static enum err open_http(struct app *app, struct arena *a, struct str *reason)
{
	const struct config *c = &app->config;
	struct str bad = STR_NONE;

	app->http = calloc(1, sizeof(*app->http));
	if (app->http == NULL)
		return ERR_NO_MEMORY;
	app->http->router = router_new(app->handler->routes, app->handler->n_routes);
	crypto_derive(c->secret_key, "cursor", app->http->cursor_key);
	if (address_ranges_parse(c->trusted_proxies, &app->http->trusted, &bad) != OK) {
		*reason = arena_printf(a, "TRUSTED_PROXIES: \"%.*s\" is no address range; "
		    "give addresses or ranges like 10.0.0.0/8, separated by commas", STR_ARG(bad));
		return ERR_INVALID;
	}
	if (cors_parse(c->cors_origins, &app->http->cors, &bad) != OK) {
		*reason = arena_printf(a, "CORS_ORIGINS: \"%.*s\" is no origin; "
		    "give origins like https://example.com, separated by commas", STR_ARG(bad));
		return ERR_INVALID;
	}
	return open_series(app);
}

/* The whole of a small file, for LIMITS. */
static enum err read_file(struct arena *a, struct str path, struct str *out)
{
	char chunk[4096];
	struct buf text;
	size_t n;

	FILE *f = fopen(arena_cstr(a, path), "re");
	if (f == NULL)
		return ERR_IO;
	buf_init(&text, a, 1 << 20);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_bytes(&text, chunk, n);
	bool failed = ferror(f) != 0 || buf_failed(&text);
	fclose(f);
	*out = buf_str(&text);
	return failed ? ERR_IO : OK;
}

/* Policies live as long as the process: in the configuration's arena. */
static enum err open_limits(struct app *app, struct arena *a, struct str *reason)
{
	const struct limit_policy *policies = limit_defaults();
	struct arena *lasting = &app->config.arena;
	struct str path = app->config.limits_path, text, why = STR_NONE;

	if (path.len > 0) {
		if (read_file(lasting, path, &text) != OK) {
			*reason = arena_printf(a, "LIMITS: %.*s cannot be read", STR_ARG(path));
			return ERR_INVALID;
		}
		if (limit_policies_read(lasting, text, &policies, &why) != OK) {
			*reason = arena_printf(a, "LIMITS: %.*s: %.*s", STR_ARG(path), STR_ARG(why));
			return ERR_INVALID;
		}
	}
	enum err e = limit_open(arena_cstr(lasting, app->config.state_dir), policies, app->metrics,
	    &app->limiter);
	if (e == OK && app->redis != NULL)
		limit_share(app->limiter, app->config.secret_key, app->config.limit_machines);
	return e;
}

static enum err open_redis(struct app *app, struct arena *a, struct str *reason)
{
	const struct config *c = &app->config;

	if (c->redis_url.len == 0 || (app->handler->needs & (NEEDS_LIMITS | NEEDS_STORE)) == 0)
		return OK;
	enum err e = redis_open(arena_cstr(a, c->state_dir), c->redis_url, app->metrics,
	    &app->redis, a, reason);
	if (e == OK)
		redis_set_deadline(app->redis, REDIS_LIMITS, c->redis_timeout_ms);
	return e;
}

static enum err open_store(struct app *app, struct arena *a, struct str *reason)
{
	enum err e = store_open(a, app->config.store, &app->config, app->metrics,
	    &app->store, reason);

	app->signature_keys.find = api_key_public_key;
	if (e == OK)
		e = auth_open(&app->config, app->store, app->metrics, &app->auth, a, reason);
	if (e == OK)
		auth_follow(app->auth, app->store, app->redis, app->metrics);
	return e;
}

/* Of what the mail module is told, it keeps copies. */
static enum err open_mail(struct app *app, struct arena *a, struct str *reason)
{
	const struct config *c = &app->config;
	struct mail_options options = {
		.smtp_url = c->smtp_url, .from = c->mail_from, .state_dir = c->state_dir,
		.templates_dir = c->mail_templates_dir, .ca_file = c->net_ca_file,
		.product = c->site_title, .public_url = c->public_url,
	};

	if (options.templates_dir.len == 0)
		options.templates_dir = config_installed(a, "email");
	return mail_open(&options, app->metrics, &app->mail, reason);
}

/* When what is queued must be sent: a stop has its time; a command takes as long. */
static uint64_t close_by(const struct app *app)
{
	const uint64_t second = UINT64_C(1000000000);

	return app->stop_by_ns != 0 ? app->stop_by_ns :
	    time_monotonic_ns() + app->config.drain_s * second;
}

enum err app_open(struct app *app, const struct handler *h, struct arena *a, struct str *reason)
{
	app->handler = h;
	app->started_ms = time_now_ms();
	*reason = STR_NONE;
	enum err e = metrics_open(arena_cstr(a, app->config.state_dir), &app->metrics);
	if (e == OK)
		e = open_http(app, a, reason);
	if (e == OK)
		e = open_redis(app, a, reason);
	if (e == OK && (h->needs & NEEDS_LIMITS) != 0)
		e = open_limits(app, a, reason);
	if (e == OK && (h->needs & NEEDS_STORE) != 0)
		e = open_store(app, a, reason);
	if (e == OK && (h->needs & NEEDS_MAIL) != 0)
		e = open_mail(app, a, reason);
	if (e == OK && h->start != NULL)
		e = h->start(app, a, reason);
	if (e != OK && reason->ptr == NULL)
		*reason = arena_printf(a, "STATE_DIR %.*s: %s", STR_ARG(app->config.state_dir),
		    err_text(e));
	return e;
}

static void close_http(struct http_state *http)
{
	if (http == NULL)
		return;
	router_free(http->router);
	free(http->requests);
	free(http->durations);
	free(http);
}

void app_close(struct app *app)
{
	if (app->handler != NULL && app->handler->stop != NULL)
		app->handler->stop(app);
	mail_close(app->mail, close_by(app));
	if (app->auth != NULL)
		auth_close(app->auth);
	if (app->store != NULL)
		store_close(app->store);
	if (app->limiter != NULL)
		limit_close(app->limiter);
	redis_close(app->redis);
	close_http(app->http);
	if (app->metrics != NULL)
		metrics_close(app->metrics);
	config_clean(&app->config);
}

enum err worker_open(struct worker *w, struct app *app, unsigned index)
{
	*w = (struct worker){ .app = app, .index = index };
	arena_init(&w->arena, ARENA_MAX_BYTES);
	if (app->redis != NULL && app->limiter != NULL)
		w->redis = redis_new(app->redis, REDIS_LIMITS);
	return app->store == NULL ? OK : store_connect(app->store, &w->store);
}

void worker_close(struct worker *w)
{
	if (w->store != NULL)
		store_disconnect(w->store);
	http_client_free(w->net);
	redis_free(w->redis);
	arena_clean(&w->arena);
}

struct http_client *worker_net(struct worker *w)
{
	if (w->net == NULL)
		w->net = http_client_new(w->app->metrics, w->app->config.net_ca_file);
	return w->net;
}
