#include "lambda/event.h"

#include <assert.h>
#include <string.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "http/path.h"
#include "lambda/event_parts.h"

static_assert(VARIABLES_MAX <= CGI_PARAMS_MAX, "what is sent is taken");

typedef bool mark(const struct json *event, const struct json *context);

static const struct json *member(const struct json *v, const char *name)
{
	return json_get(v, str_of(name));
}

static bool is_object(const struct json *v)
{
	return v != NULL && json_type(v) == JSON_OBJECT;
}

static bool is_string(const struct json *v)
{
	return v != NULL && json_type(v) == JSON_STRING;
}

/* --- the marks ----------------------------------------------------------------------- */

static bool is_v2(const struct json *event, const struct json *context)
{
	return str_eq(json_get_string(event, "version"), STR("2.0")) &&
	    is_object(member(context, "http"));
}

/* ID.lambda-url.REGION.on.aws; a domain name is the gateway's, never the client's. */
static bool is_url(const struct json *event, const struct json *context)
{
	struct str domain = json_get_string(context, "domainName");

	return is_v2(event, context) && str_contains(domain, STR(".lambda-url.")) &&
	    str_contains(domain, STR(".on.aws"));
}

static bool is_rest(const struct json *event, const struct json *context)
{
	struct str version = json_get_string(event, "version");

	return is_string(member(event, "httpMethod")) && is_string(member(event, "resource")) &&
	    is_object(member(context, "identity")) &&
	    (version.ptr == NULL || str_eq(version, STR("1.0")));
}

static bool is_alb(const struct json *event, const struct json *context)
{
	return is_string(member(event, "httpMethod")) && is_object(member(context, "elb"));
}

static bool is_alb_multi(const struct json *event, const struct json *context)
{
	return is_alb(event, context) && is_object(member(event, "multiValueHeaders"));
}

static bool is_bridge(const struct json *event, const struct json *context)
{
	return context == NULL && is_string(member(event, "detail-type")) &&
	    is_string(member(event, "source")) && member(event, "detail") != NULL;
}

static bool is_queue(const struct json *event, const struct json *context)
{
	const struct json *records = member(event, "Records");

	if (context != NULL || records == NULL || json_type(records) != JSON_ARRAY ||
	    json_length(records) == 0)
		return false;
	for (size_t i = 0; i < json_length(records); i++)
		if (!str_eq(json_get_string(json_at(records, i), "eventSource"), STR("aws:sqs")))
			return false;
	return true;
}

/* The first that fits: what is narrower stands before what it is a case of. */
static const struct {
	enum event_kind kind;
	mark           *fits;
} marks[] = {
	{ EVENT_URL, is_url }, { EVENT_HTTP, is_v2 }, { EVENT_ALB_MULTI, is_alb_multi },
	{ EVENT_ALB, is_alb }, { EVENT_REST, is_rest }, { EVENT_BRIDGE, is_bridge },
	{ EVENT_QUEUE, is_queue },
};
static_assert(COUNT(marks) == EVENT_KINDS, "a mark for each kind");

static const struct {
	struct str name;
	bool       http;
} kinds[] = {
	[EVENT_REST] = { STR_INIT("rest-api"), true },
	[EVENT_HTTP] = { STR_INIT("http-api"), true },
	[EVENT_URL] = { STR_INIT("function-url"), true },
	[EVENT_ALB] = { STR_INIT("alb"), true },
	[EVENT_ALB_MULTI] = { STR_INIT("alb-multi-value"), true },
	[EVENT_BRIDGE] = { STR_INIT("eventbridge"), false },
	[EVENT_QUEUE] = { STR_INIT("sqs"), false },
};
static_assert(COUNT(kinds) == EVENT_KINDS, "a name for each kind");

struct str event_kind_name(enum event_kind kind)
{
	return kinds[kind].name;
}

bool event_is_http(enum event_kind kind)
{
	return kinds[kind].http;
}

static bool find_kind(const struct json *event, const struct json *context, enum event_kind *kind)
{
	for (size_t i = 0; i < COUNT(marks); i++) {
		if (!marks[i].fits(event, context))
			continue;
		*kind = marks[i].kind;
		return true;
	}
	return false;
}

/* --- variables -------------------------------------------------------------------------- */

void event_settle(struct event *e, int status, const char *detail)
{
	if (e->status != 0)
		return;
	e->status = status;
	e->detail = detail;
}

void event_add(struct reading *r, struct str name, struct str value)
{
	struct event *e = r->out;

	if (value.ptr == NULL)
		return;
	if (value.len > VARIABLE_MAX_BYTES || name.len > VARIABLE_MAX_BYTES)
		event_settle(e, 431, "a header or a claim is too long");
	else if (e->count == VARIABLES_MAX)
		event_settle(e, 431, "there are too many headers and claims");
	else
		e->list[e->count++] = (struct variable){ name, value };
}

struct str event_variable(const struct event *e, struct str name)
{
	for (size_t i = 0; i < e->count; i++)
		if (str_eq(e->list[i].name, name))
			return e->list[i].value;
	return STR_NONE;
}

static void add_number(struct reading *r, struct str name, int64_t n)
{
	event_add(r, name, arena_printf(r->a, "%lld", (long long)n));
}

static void add_invocation(struct reading *r)
{
	const struct invocation *i = r->invocation;

	event_add(r, STR("LAMBDA_EVENT"), event_kind_name(r->out->kind));
	event_add(r, STR("LAMBDA_REQUEST_ID"), i->request_id);
	event_add(r, STR("LAMBDA_FUNCTION_ARN"), i->function_arn);
	event_add(r, STR("LAMBDA_TRACE_ID"), i->trace_id);
	if (i->deadline_ms > 0) {
		add_number(r, STR("LAMBDA_DEADLINE_MS"), i->deadline_ms);
		add_number(r, STR("LAMBDA_REMAINING_MS"), i->remaining_ms);
	}
}

/* What every web server says. */
static void add_request(struct reading *r, struct str method, struct str path, struct str query)
{
	bool with_query = query.ptr != NULL;

	event_add(r, STR("GATEWAY_INTERFACE"), STR("CGI/1.1"));
	event_add(r, STR("SERVER_SOFTWARE"), STR("quiver-lambda/" QUIVER_VERSION));
	event_add(r, STR("REQUEST_METHOD"), method);
	event_add(r, STR("REQUEST_URI"), arena_printf(r->a, "%.*s%s%.*s", STR_ARG(path),
	    with_query ? "?" : "", (int)query.len, with_query ? query.ptr : ""));
	event_add(r, STR("QUERY_STRING"), with_query ? query : STR(""));
	event_add(r, STR("SCRIPT_NAME"), STR(""));
	add_number(r, STR("CONTENT_LENGTH"), (int64_t)r->out->body.len);
}

/* --- HTTP ----------------------------------------------------------------------------------- */

/* A load balancer listens on both and overwrites the header; gateways are https alone. */
static void add_scheme(struct reading *r)
{
	struct event *e = r->out;
	bool alb = e->kind == EVENT_ALB || e->kind == EVENT_ALB_MULTI;
	bool tls = !alb || str_eq_nocase(event_variable(e, STR("HTTP_X_FORWARDED_PROTO")), STR("https"));

	event_add(r, STR("REQUEST_SCHEME"), tls ? STR("https") : STR("http"));
	event_add(r, STR("SERVER_PORT"), tls ? STR("443") : STR("80"));
	if (tls)
		event_add(r, STR("HTTPS"), STR("on"));
}

static struct str server_name(struct reading *r)
{
	struct str name = json_get_string(r->context, "domainName");

	if (name.ptr == NULL)
		name = event_variable(r->out, STR("HTTP_HOST"));
	return name.ptr == NULL ? STR("lambda") : name;
}

/* Only its context knows who sent it: a load balancer's has no address, and then
 * TRUSTED_PROXIES decides about X-Forwarded-For. */
static void add_context(struct reading *r)
{
	const struct json *context = r->context;
	const struct json *v2 = member(context, "http");
	const struct json *who = is_object(v2) ? v2 : member(context, "identity");
	struct str address = json_get_string(who, "sourceIp");
	struct str protocol = json_get_string(is_object(v2) ? v2 : context, "protocol");

	event_add(r, STR("REMOTE_ADDR"), str_is_empty(address) ? STR_NONE : address);
	event_add(r, STR("SERVER_PROTOCOL"),
	    protocol.ptr == NULL || str_has_control(protocol) ? STR("HTTP/1.1") : protocol);
	event_add(r, STR("SERVER_NAME"), server_name(r));
	event_add(r, STR("GATEWAY_REQUEST_ID"), json_get_string(context, "requestId"));
	event_add(r, STR("GATEWAY_STAGE"), json_get_string(context, "stage"));
	event_add(r, STR("GATEWAY_API_ID"), json_get_string(context, "apiId"));
	add_scheme(r);
}

/* X-Ray's header as Lambda has continued it; an id that the log and Lambda's own
 * report share, unless the client sent one. */
static void add_tracing(struct reading *r)
{
	const struct invocation *i = r->invocation;
	struct event *e = r->out;

	if (i->trace_id.len > 0) {
		for (size_t at = 0; at < e->count; at++)
			if (str_eq(e->list[at].name, STR("HTTP_X_AMZN_TRACE_ID")))
				e->list[at--] = e->list[--e->count];
		event_add(r, STR("HTTP_X_AMZN_TRACE_ID"), i->trace_id);
	}
	if (event_variable(e, STR("HTTP_X_REQUEST_ID")).len == 0)
		event_add(r, STR("HTTP_X_REQUEST_ID"), i->request_id);
}

static bool is_method(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(s.ptr[i] >= 'A' && s.ptr[i] <= 'Z') && s.ptr[i] != '-' && s.ptr[i] != '_')
			return false;
	return s.len > 0 && s.len <= 32;
}

static enum err read_body(struct reading *r)
{
	struct str body = json_get_string(r->event, "body");
	struct event *e = r->out;

	e->body = body.ptr == NULL ? STR("") : body;
	if (!json_get_bool(r->event, "isBase64Encoded", false) || body.len == 0)
		return OK;
	enum err err = crypto_base64_decode(r->a, body, &e->body);
	if (err == ERR_INVALID)
		event_settle(e, 400, "the event's body is no base64");
	return err == ERR_INVALID ? OK : err;
}

/* What an event is posted to is not for clients. */
static bool is_for_events(struct str path)
{
	return str_eq(path, STR("/events")) || str_starts(path, STR("/events/"));
}

static void find_path(struct reading *r, struct str target)
{
	struct str query;
	struct event *e = r->out;
	const char *reason = "";
	enum err err = path_normalize(r->a, target, &e->path, &query, &reason);

	if (err == ERR_TOO_LARGE)
		event_settle(e, 414, reason);
	else if (err != OK)
		event_settle(e, 400, reason);
	else if (is_for_events(e->path))
		event_settle(e, 404, "this path takes events, not requests");
	if (err != OK)
		e->path = STR_NONE;
	event_add(r, STR("PATH_INFO"), e->path);
}

static enum err read_http(struct reading *r, struct str base_path, struct str *reason)
{
	struct str method = json_get_string(r->event, "httpMethod");
	struct event *e = r->out;

	if (e->kind == EVENT_HTTP || e->kind == EVENT_URL)
		method = json_get_string(member(r->context, "http"), "method");
	if (!is_method(method)) {
		*reason = STR("an HTTP event without its method");
		return ERR_INVALID;
	}
	enum err err = read_body(r);
	if (err != OK)
		return err;
	struct str path = event_path(r, base_path);
	if (path.ptr == NULL) {
		*reason = STR("an HTTP event without its path");
		return ERR_INVALID;
	}
	add_request(r, method, path, event_query(r));
	find_path(r, path);
	event_add_headers(r);
	add_context(r);
	add_tracing(r);
	event_add_authorizer(r);
	e->gzip = event_takes_gzip(event_variable(e, STR("HTTP_ACCEPT_ENCODING")));
	return OK;
}

/* --- events that nobody waits for ------------------------------------------------------------ */

/* "aws.events", "my.shop": what may stand in a path as it is. */
static bool is_source(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '_' || (c == '.' && i > 0)))
			return false;
	}
	return s.len > 0 && s.len <= 256;
}

static enum err read_post(struct reading *r, struct str text, struct str *reason)
{
	struct event *e = r->out;
	struct str source = e->kind == EVENT_QUEUE ? STR("aws.sqs") :
	    json_get_string(r->event, "source");

	if (!is_source(source)) {
		*reason = STR("an event whose source cannot stand in a path");
		return ERR_INVALID;
	}
	e->body = text;
	e->path = arena_printf(r->a, "/events/%.*s", STR_ARG(source));
	add_request(r, STR("POST"), e->path, STR_NONE);
	event_add(r, STR("PATH_INFO"), e->path);
	event_add(r, STR("CONTENT_TYPE"), STR("application/json"));
	event_add(r, STR("SERVER_PROTOCOL"), STR("HTTP/1.1"));
	event_add(r, STR("SERVER_NAME"), STR("lambda"));
	event_add(r, STR("SERVER_PORT"), STR("443"));
	event_add(r, STR("REQUEST_SCHEME"), STR("https"));
	event_add(r, STR("HTTPS"), STR("on"));
	event_add(r, STR("HTTP_HOST"), STR("lambda"));
	event_add(r, STR("LAMBDA_EVENT_SOURCE"), source);
	add_tracing(r);
	return OK;
}

enum err event_read(struct arena *a, const struct json *document, struct str text,
    const struct invocation *i, struct str base_path, struct event *out, struct str *reason)
{
	const struct json *context = json_get(document, STR("requestContext"));
	struct reading r = { a, document, context, i, out };

	memset(out, 0, sizeof(*out));
	if (!find_kind(document, context, &out->kind)) {
		*reason = STR("no event of API Gateway, a load balancer, a Function URL, EventBridge "
		    "or SQS");
		return ERR_UNSUPPORTED;
	}
	add_invocation(&r);
	return event_is_http(out->kind) ? read_http(&r, base_path, reason) :
	    read_post(&r, text, reason);
}
