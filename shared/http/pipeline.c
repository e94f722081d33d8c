#include "http/pipeline.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/time.h"
#include "http/exchange.h"
#include "http/problem.h"
#include "log/log.h"

/* However often a request asks the store, it waits no longer than a single question would. */
static struct exchange *exchange_new(struct worker *w)
{
	struct exchange *x = ARENA_NEW(&w->arena, struct exchange);

	x->request.arena = &w->arena;
	x->request.app = w->app;
	x->request.worker = w;
	x->request.store = w->store;
	x->request.now_ms = time_now_ms();
	x->request.started_ns = time_monotonic_ns();
	x->response.arena = &w->arena;
	buf_init(&x->response.buffer, &w->arena, RESPONSE_MAX_BYTES);
	field_errors_init(&x->response.errors, &w->arena);
	if (w->store != NULL)
		store_allow(w->store, REQUEST_STORE_MS * UINT64_C(1000000));
	return x;
}

void http_handle(struct worker *w, const struct cgi *cgi, const struct body_source *body,
    struct reply *out)
{
	w->exchange = exchange_new(w);
	w->exchange->result = exchange_run(w->exchange, cgi, body);
	exchange_reply(w->exchange, out);
}

/* The slot in the table of series for a route and a status; made when first met. */
static struct metric_series *requests_series(const struct exchange *x)
{
	const struct app *app = x->request.app;
	const struct route *route = x->request.route;
	size_t row = route != NULL ? router_index(app->http->router, route) : app->handler->n_routes;
	struct metric_series *_Atomic *slot =
	    &app->http->requests[row * STATUSES_MAX + status_index(x->status)];
	char status[8];

	struct metric_series *s = atomic_load_explicit(slot, memory_order_acquire);
	if (s != NULL)
		return s;
	snprintf(status, sizeof(status), "%u", x->status);
	const char *labels[] = { app->handler->name,
		route != NULL ? method_name(route->method) : "none",
		route != NULL ? route->path : "none", status };
	s = metrics_series(app->metrics, METRIC_REQUESTS, labels);
	atomic_store_explicit(slot, s, memory_order_release);
	return s;
}

static void count(const struct exchange *x, uint64_t ns)
{
	const struct http_state *http = x->request.app->http;

	metrics_add(requests_series(x), 1);
	if (x->request.route != NULL)
		metrics_observe(http->durations[router_index(http->router, x->request.route)], ns);
}

static enum log_level level_of(uint16_t status)
{
	return status >= 500 ? LOG_ERROR : status >= 400 ? LOG_WARN : LOG_INFO;
}

/* What went well is sampled.  Where the route says so all is left out that is not
 * our own failure: probes would drown the rest. */
static bool is_logged(const struct exchange *x)
{
	enum log_level level = level_of(x->status);

	if (!log_enabled(level))
		return false;
	if (x->request.route != NULL && x->request.route->quiet)
		return level == LOG_ERROR;
	return level != LOG_INFO || log_sampled();
}

static void log_who(struct log_line *l, const struct exchange *x)
{
	const struct principal *p = &x->request.principal;

	log_str(l, "address", x->request.address);
	log_str(l, "role", str_of(role_name(p->role)));
	if (p->id.len > 0)
		log_str(l, "principal", p->id);
	if (p->key.len > 0)
		log_str(l, "api_key_id", p->key);
	if (p->tenant.len > 0)
		log_str(l, "tenant", p->tenant);
	if (x->auth_reason != NULL && x->auth_reason[0] != '\0')
		log_str(l, "auth", str_of(x->auth_reason));
}

static void log_what_failed(struct log_line *l, const struct exchange *x)
{
	if (x->limited && !x->verdict.allowed)
		log_str(l, "limited_by", str_of(x->verdict.policy));
	if (x->limit_cause != NULL) {
		log_bool(l, "limit_degraded", true);
		log_str(l, "limit_cause", str_of(x->limit_cause));
	}
	if (x->result == OK)
		return;
	log_str(l, "error", str_of(err_text(x->result)));
	if (x->response.detail.ptr != NULL)
		log_str(l, "detail", x->response.detail);
}

static void log_request(const struct exchange *x, uint64_t ns, bool sent)
{
	const struct request *req = &x->request;
	struct log_line l;

	log_begin(&l, level_of(x->status), "request");
	log_str(&l, "request_id", req->id);
	log_str(&l, "trace_id", req->trace_id);
	log_str(&l, "method", cgi_get(req->cgi, "REQUEST_METHOD"));
	log_str(&l, "route", req->route != NULL ? str_of(req->route->path) : STR_NONE);
	log_str(&l, "path", req->path.ptr != NULL ? req->path : req->raw_target);
	log_int(&l, "status", x->status);
	log_ms(&l, "duration_ms", ns);
	log_int(&l, "bytes", (int64_t)x->body_bytes);
	log_who(&l, x);
	log_what_failed(&l, x);
	if (req->app->config.log_bodies && req->json != NULL)
		log_str(&l, "body", redacted_body(req));
	if (!sent)
		log_bool(&l, "client_gone", true);
	log_end_soon(&l);
}

/* The reply is out already: nobody waits for this. */
static void note_key_use(const struct exchange *x)
{
	const struct request *req = &x->request;
	enum err e;

	if (req->principal.kind != PRINCIPAL_KEY || !req->principal.key_read)
		return;
	e = auth_key_used(req->store, req->arena, &req->principal, req->address, req->now_ms);
	if (e != OK)
		log_message(LOG_WARN, "auth.key_use", "the last use of an API key is not noted: %s",
		    err_text(e));
}

static bool has_secrets(const struct route *r)
{
	return r != NULL && (schema_has_secret(r->body) || schema_has_secret(r->query) ||
	    schema_has_secret(r->reply));
}

void http_finish(struct worker *w, bool sent)
{
	struct exchange *x = w->exchange;
	uint64_t ns = time_monotonic_ns() - x->request.started_ns;

	count(x, ns);
	if (is_logged(x))
		log_request(x, ns, sent);
	note_key_use(x);
	w->exchange = NULL;
	if (has_secrets(x->request.route))
		arena_reset_wiped(&w->arena);
	else
		arena_reset(&w->arena);
}
