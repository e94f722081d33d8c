/*
 * reply: the head and body that go out, whatever the endpoint did.
 */
#include <stdio.h>

#include "base/time.h"
#include "http/etag.h"
#include "http/exchange.h"
#include "http/problem.h"

#define HEAD_MAX_BYTES 32768

/* On every reply; an endpoint that sets one of them itself replaces it. */
static const struct header security_headers[] = {
	{ STR_INIT("Strict-Transport-Security"), STR_INIT("max-age=31536000; includeSubDomains") },
	{ STR_INIT("X-Content-Type-Options"), STR_INIT("nosniff") },
	{ STR_INIT("Referrer-Policy"), STR_INIT("no-referrer") },
	{ STR_INIT("Content-Security-Policy"), STR_INIT("default-src 'none'; frame-ancestors 'none'") },
	{ STR_INIT("Permissions-Policy"), STR_INIT("camera=(), geolocation=(), microphone=()") },
};

#define EXPOSED_HEADERS                                                                   \
	"ETag, Link, Location, Retry-After, RateLimit, RateLimit-Policy, X-RateLimit-Limit, " \
	"X-RateLimit-Remaining, X-RateLimit-Reset, X-Request-ID, Idempotent-Replayed, Accept-Signature"
#define ALLOWED_HEADERS                                                                   \
	"Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, "          \
	"X-Request-ID, X-API-Key, Content-Digest, Signature, Signature-Input, "                \
	"traceparent, tracestate"

static void line(struct buf *head, struct str name, struct str value)
{
	buf_add(head, name);
	BUF_LIT(head, ": ");
	buf_add(head, value);
	BUF_LIT(head, "\r\n");
}

static void line_u64(struct buf *head, struct str name, uint64_t value)
{
	buf_add(head, name);
	BUF_LIT(head, ": ");
	buf_u64(head, value);
	BUF_LIT(head, "\r\n");
}

static bool has_header(const struct response *res, struct str name)
{
	for (size_t i = 0; i < res->n_headers; i++)
		if (str_eq_nocase(res->headers[i].name, name))
			return true;
	return false;
}

static bool is_read(enum method m)
{
	return m == GET || m == HEAD;
}

/* RFC 9110, 13.2.2: If-None-Match, and only without it If-Modified-Since. */
static bool not_modified(const struct exchange *x)
{
	const struct request *req = &x->request;
	const struct response *res = &x->response;
	int64_t since;

	if (!is_read(req->method) || x->status != 200)
		return false;
	struct str tags = request_headers(req, "If-None-Match");
	if (tags.ptr != NULL)
		return res->etag.ptr != NULL && etag_list_has_weak(tags, res->etag);
	struct str date = request_header(req, "If-Modified-Since");
	return res->modified_ms > 0 && date.ptr != NULL && time_from_http(date, &since) &&
	    res->modified_ms / 1000 <= since / 1000;
}

static void write_status(struct exchange *x, struct buf *head)
{
	BUF_LIT(head, "Status: ");
	buf_u64(head, x->status);
	buf_char(head, ' ');
	buf_add(head, str_of(status_text(x->status)));
	BUF_LIT(head, "\r\n");
}

static void write_caching(const struct exchange *x, struct buf *head)
{
	const struct response *res = &x->response;
	const struct route *route = x->request.route;
	enum caching caching = route == NULL || res->no_store || !is_read(x->request.method) ?
	    CACHE_PRIVATE : route->caching;

	if (has_header(res, STR("Cache-Control")))
		return;
	if (caching == CACHE_ASSET)
		line(head, STR("Cache-Control"), STR("public, max-age=86400"));
	else if (caching == CACHE_PUBLIC && x->request.principal.kind == PRINCIPAL_ANONYMOUS)
		line(head, STR("Cache-Control"), STR("public, max-age=60"));
	else
		line(head, STR("Cache-Control"), STR("no-store"));
	if (caching == CACHE_PUBLIC)
		line(head, STR("Vary"), STR("Authorization, X-API-Key"));
}

static void write_validators(const struct exchange *x, struct buf *head)
{
	const struct response *res = &x->response;
	int64_t now_ms = x->request.now_ms;
	char date[TIME_HTTP_SIZE];

	if (res->etag.ptr != NULL)
		line(head, STR("ETag"), res->etag);
	if (res->modified_ms > 0) {
		/* No later than the reply itself (RFC 9110, 8.8.2.1). */
		time_to_http(res->modified_ms < now_ms ? res->modified_ms : now_ms, date);
		line(head, STR("Last-Modified"), str_of(date));
	}
}

static void write_allow(const struct exchange *x, struct buf *head, struct str name)
{
	bool first = true;

	buf_add(head, name);
	BUF_LIT(head, ": ");
	for (int m = GET; m < METHOD_COUNT; m++) {
		if ((x->allowed & 1u << m) == 0)
			continue;
		if (!first)
			BUF_LIT(head, ", ");
		buf_add(head, str_of(method_name((enum method)m)));
		first = false;
	}
	BUF_LIT(head, "\r\n");
}

/* The draft of the IETF httpapi group, and the older X- form that clients know. */
static void write_limits(const struct exchange *x, struct buf *head)
{
	const struct limit_verdict *v = &x->verdict;

	if (!x->limited)
		return;
	struct str policy = str_of(v->policy);
	BUF_LIT(head, "RateLimit-Policy: \"");
	buf_add(head, policy);
	BUF_LIT(head, "\";q=");
	buf_u64(head, v->limit);
	BUF_LIT(head, ";w=");
	buf_u64(head, (v->period_ms + 999) / 1000);
	BUF_LIT(head, "\r\nRateLimit: \"");
	buf_add(head, policy);
	BUF_LIT(head, "\";r=");
	buf_u64(head, v->remaining);
	BUF_LIT(head, ";t=");
	buf_u64(head, v->reset_s);
	BUF_LIT(head, "\r\n");
	line_u64(head, STR("X-RateLimit-Limit"), v->limit);
	line_u64(head, STR("X-RateLimit-Remaining"), v->remaining);
	line_u64(head, STR("X-RateLimit-Reset"), v->reset_s);
	if (!v->allowed)
		line_u64(head, STR("Retry-After"), v->retry_after_s);
}

static void write_tracing(const struct exchange *x, struct buf *head)
{
	line(head, STR("X-Request-ID"), x->request.id);
	if (x->trace.traceparent.len > 0)
		line(head, STR("traceparent"), x->trace.traceparent);
}

static void write_challenge(const struct exchange *x, struct buf *head)
{
	const struct route *route = x->request.route;

	if (x->status == 401 && route != NULL && route->errors == ERRORS_OAUTH)
		line(head, STR("WWW-Authenticate"), STR("Basic realm=\"oauth2\", charset=\"UTF-8\""));
	else if (x->status == 401 && has_header(&x->response, STR("Accept-Signature")))
		line(head, STR("WWW-Authenticate"), STR("Signature"));
	else if (x->status == 401)
		line(head, STR("WWW-Authenticate"), x->auth_error == ERR_UNAUTHENTICATED ?
		    STR("Bearer error=\"invalid_token\"") : STR("Bearer"));
	else if (x->status == 403 && route != NULL && route->errors == ERRORS_PROBLEM)
		buf_printf(head, "WWW-Authenticate: Bearer error=\"insufficient_scope\", scope=\"%s\"\r\n",
		    scope_name(route->scope));
	else if (x->status == 503 && !has_header(&x->response, STR("Retry-After")))
		line(head, STR("Retry-After"), STR("1"));
}

static void write_cors(const struct exchange *x, struct buf *head)
{
	const struct cors *cors = &x->request.app->http->cors;
	struct str origin = request_header(&x->request, "Origin");

	if (cors->count == 0)
		return;
	line(head, STR("Vary"), STR("Origin"));
	if (origin.ptr == NULL || !cors_allows(cors, origin))
		return;
	line(head, STR("Access-Control-Allow-Origin"), origin);
	if (x->request.method != OPTIONS) {
		line(head, STR("Access-Control-Expose-Headers"), STR(EXPOSED_HEADERS));
		return;
	}
	write_allow(x, head, STR("Access-Control-Allow-Methods"));
	line(head, STR("Access-Control-Allow-Headers"), STR(ALLOWED_HEADERS));
	line(head, STR("Access-Control-Max-Age"), STR("600"));
}

static void write_security(const struct exchange *x, struct buf *head)
{
	for (size_t i = 0; i < COUNT(security_headers); i++)
		if (!has_header(&x->response, security_headers[i].name))
			line(head, security_headers[i].name, security_headers[i].value);
}

static struct str content_type(const struct exchange *x)
{
	const struct route *route = x->request.route;

	if (x->response.content_type.ptr != NULL)
		return x->response.content_type;
	if (route != NULL && route->reply_type != NULL)
		return str_of(route->reply_type);
	return STR("application/json");
}

/* What describes the body.  304 has none; an empty 204 neither. */
static void write_content(struct exchange *x, struct buf *head)
{
	if (x->status == 304 || x->status == 204)
		return;
	line(head, STR("Content-Type"), content_type(x));
	if (x->response.stream == NULL)
		line_u64(head, STR("Content-Length"), x->response.body.len);
}

static uint16_t status_when_well(const struct exchange *x)
{
	const struct route *route = x->request.route;

	if (x->response.status != 0)
		return x->response.status;
	if (route == NULL)
		return 200;
	return route_status(route);
}

static void finish_response(struct exchange *x)
{
	if (x->result == OK && buf_failed(&x->response.buffer))
		x->result = ERR_NO_MEMORY;
	if (x->result != OK)
		problem_write(&x->request, &x->response, x->result);
	x->status = status_when_well(x);
	if (x->result == OK && not_modified(x))
		x->status = 304;
	if (x->status == 304 || x->status == 204) {
		x->response.body = STR_NONE;
		x->response.stream = NULL;
	}
}

static void write_head(struct exchange *x, struct buf *head)
{
	write_status(x, head);
	write_content(x, head);
	write_validators(x, head);
	write_caching(x, head);
	for (size_t i = 0; i < x->response.n_headers; i++)
		line(head, x->response.headers[i].name, x->response.headers[i].value);
	if (x->status == 405 || (x->request.method == OPTIONS && x->allowed != 0))
		write_allow(x, head, STR("Allow"));
	write_challenge(x, head);
	write_limits(x, head);
	write_tracing(x, head);
	write_cors(x, head);
	write_security(x, head);
	BUF_LIT(head, "\r\n");
}

void exchange_reply(struct exchange *x, struct reply *out)
{
	struct buf head;

	finish_response(x);
	buf_init(&head, x->request.arena, HEAD_MAX_BYTES);
	write_head(x, &head);
	bool bodiless = x->request.method == HEAD;
	out->status = x->status;
	out->head = buf_str(&head);
	out->body = bodiless ? STR_NONE : x->response.body;
	out->stream = bodiless ? NULL : x->response.stream;
	out->stream_context = x->response.stream_context;
	x->body_bytes = out->body.len;
}
