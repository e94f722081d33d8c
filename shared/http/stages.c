/*
 * stages: what happens to a request, in order, up to its endpoint.
 * Each decides one thing and returns OK to go on.
 */
#include "auth/account.h"
#include "auth/known_network.h"
#include "base/time.h"
#include "http/cursor.h"
#include "http/exchange.h"
#include "http/path.h"
#include "http/problem.h"

static enum err malformed(struct exchange *x, const char *what, const char *reason)
{
	x->response.problem_status = 400;
	return response_problem(&x->response, ERR_INVALID, "%s: %s", what, reason);
}

/* The values of a header that came as several variables. */
static size_t header_values(const struct request *req, const char *variable, struct str *list,
    size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < req->cgi->count && n < room; i++)
		if (str_eq(req->cgi->list[i].name, str_of(variable)) && req->cgi->list[i].value.len > 0)
			list[n++] = req->cgi->list[i].value;
	return n;
}

static enum err identify(struct exchange *x)
{
	struct request *req = &x->request;
	struct str parents[2], states[4];

	req->id = trace_request_id(req->arena, request_header(req, "X-Request-ID"), req->now_ms);
	size_t n_parents = header_values(req, "HTTP_TRACEPARENT", parents, COUNT(parents));
	size_t n_states = header_values(req, "HTTP_TRACESTATE", states, COUNT(states));
	trace_continue(req->arena, parents, n_parents, states, n_states, &x->trace);
	req->trace_id = x->trace.trace_id;
	req->parent_id = x->trace.span;
	req->trace_flags = x->trace.flags;
	req->trace_state = x->trace.state;
	return OK;
}

static enum err locate_client(struct exchange *x)
{
	struct request *req = &x->request;
	struct str peer = cgi_get(req->cgi, "REMOTE_ADDR");

	struct address_headers headers = {
		.x_forwarded_for = request_headers(req, "X-Forwarded-For"),
		.forwarded = request_headers(req, "Forwarded"),
		.x_real_ip = request_header(req, "X-Real-IP"),
	};
	req->address = address_of_client(req->arena, peer, &req->app->http->trusted, &headers);
	/* Not by that address: it is a local proxy's own when the proxy is not declared
	 * as trusted, or when a client sends headers that end the walk there. */
	x->loopback = address_is_this_machine(peer, &headers);
	return OK;
}

static bool is_host(struct str host)
{
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];
		bool ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '.' || c == '-' || c == ':' || c == '[' || c == ']' || c == '_';
		if (!ok)
			return false;
	}
	return host.len > 0 && host.len <= 255;
}

/* For links alone; nothing is decided by it. */
static enum err name_origin(struct exchange *x)
{
	struct request *req = &x->request;

	req->origin = req->app->config.public_url;
	if (req->origin.len > 0)
		return OK;
	bool tls = cgi_get(req->cgi, "HTTPS").ptr != NULL ||
	    str_eq(cgi_get(req->cgi, "REQUEST_SCHEME"), STR("https"));
	struct str host = request_header(req, "Host");
	struct buf origin;
	buf_init(&origin, req->arena, 512);
	buf_add(&origin, tls ? STR("https://") : STR("http://"));
	buf_add(&origin, is_host(host) ? host : STR("localhost"));
	req->origin = buf_str(&origin);
	return OK;
}

static enum err read_target(struct exchange *x)
{
	struct request *req = &x->request;
	const char *reason = "";

	req->raw_target = cgi_get(req->cgi, "REQUEST_URI");
	req->method = method_from_name(cgi_get(req->cgi, "REQUEST_METHOD"));
	enum err e = path_normalize(req->arena, req->raw_target, &req->path, &req->raw_query, &reason);
	if (e != OK)
		return malformed(x, "the request's target", e == ERR_TOO_LARGE ? "too long" : reason);
	/* Not the target then: a header field, or how the request is framed. */
	if (str_eq(cgi_get(req->cgi, "REDIRECT_STATUS"), STR("400")))
		return malformed(x, "the request", "the web server could not read it");
	return OK;
}

static enum err refuse_method(struct exchange *x)
{
	x->response.problem_status = 405;
	return response_problem(&x->response, ERR_INVALID, "%.*s does not answer this method",
	    STR_ARG(str_first(x->request.path, 200)));
}

static enum err match_route(struct exchange *x)
{
	struct request *req = &x->request;
	struct route_match m;

	router_match(req->app->http->router, req->method, req->path, &m);
	x->allowed = m.allowed;
	if (!m.path_known)
		return response_problem(&x->response, ERR_NOT_FOUND, "there is nothing at %.*s",
		    STR_ARG(str_first(req->path, 200)));
	if (req->method == OPTIONS) {
		x->response.status = 204;
		x->answered = true;
		return OK;
	}
	if (m.route == NULL)
		return refuse_method(x);
	req->route = m.route;
	if (req->route->bulk && req->store != NULL)
		store_allow(req->store, 0);
	req->n_parameters = m.n_parameters;
	memcpy(req->parameters, m.parameters, sizeof(m.parameters));
	return OK;
}

/* A failure is kept: who may not be told apart is limited first, then refused. */
static enum err authenticate(struct exchange *x)
{
	struct request *req = &x->request;

	req->principal = principal_anonymous();
	if (req->app->auth == NULL)
		return OK;
	struct auth_credentials who = {
		.authorization = request_header(req, "Authorization"), .loopback = x->loopback,
		.api_key = request_headers(req, "X-API-Key"), .address = req->address,
	};
	x->auth_error = auth_authenticate(req->app->auth, req->store, req->arena, &who, req->now_ms,
	    &req->principal, &x->auth_reason);
	if (x->auth_error != OK)
		req->principal = principal_anonymous();
	return OK;
}

static struct limit_subject subject_of(const struct exchange *x)
{
	const struct request *req = &x->request;
	const struct principal *p = &req->principal;
	struct limit_subject s = { 0 };

	if (p->kind == PRINCIPAL_KEY) {
		s.plan = p->plan.len > 0 ? p->plan : STR(LIMIT_PLAN_DEFAULT);
		s.plan_key = p->key;
	} else {
		s.role = str_of(role_name(p->role));
		s.role_key = p->id.len > 0 ? p->id : address_limit_key(req->arena, req->address);
	}
	if (req->route->own_limit)
		s.role = s.plan = STR_NONE;
	if (p->tenant.len > 0 && p->role != ROLE_OWNER) {
		s.tenant = p->tenant;
		s.tenant_plan = STR("standard");
	}
	if (req->route->limit_class != NULL) {
		s.route_class = str_of(req->route->limit_class);
		s.address = address_limit_key(req->arena, req->address);
	}
	return s;
}

static enum err take_from_limits(struct exchange *x, const struct limit_subject *who)
{
	const struct route *route = x->request.route;
	struct limit_verdict verdict;

	enum err e = limit_take(x->request.app->limiter, x->request.worker->redis, who,
	    route->cost != 0 ? route->cost : 1, x->request.now_ms, &verdict);
	if (verdict.degraded)
		x->limit_cause = verdict.cause;
	if (e != OK || verdict.policy == NULL)
		return e;
	/* Of two verdicts on one request the one that leaves less is what counts. */
	if (!x->limited || !verdict.allowed || verdict.remaining < x->verdict.remaining)
		x->verdict = verdict;
	x->limited = true;
	if (verdict.allowed)
		return OK;
	return response_problem(&x->response, ERR_LIMITED,
	    "the policy \"%s\" allows %llu in %llu s; try again in %u s", verdict.policy,
	    (unsigned long long)verdict.limit, (unsigned long long)((verdict.period_ms + 999) / 1000),
	    verdict.retry_after_s);
}

static enum err apply_limits(struct exchange *x)
{
	if (x->request.app->limiter == NULL || x->request.route->exempt)
		return OK;
	struct limit_subject who = subject_of(x);
	return take_from_limits(x, &who);
}

/* Passwords and sessions are a person's: no key changes them, whatever its scopes. */
static enum err check_session(struct exchange *x)
{
	if (!x->request.route->session || x->request.principal.kind == PRINCIPAL_SESSION)
		return OK;
	return response_problem(&x->response, ERR_FORBIDDEN,
	    "this needs a sign-in: an API key cannot do it");
}

/* A network that sent many wrong signatures; a good token may be among what it sends. */
static enum err refuse_forgers(struct exchange *x)
{
	response_header(&x->response, "Retry-After", STR("1"));
	return response_problem(&x->response, ERR_LIMITED,
	    "too many tokens with a wrong signature came from this network; try again in 1 s");
}

static enum err check_scope(struct exchange *x)
{
	const struct request *req = &x->request;
	enum scope needed = req->route->scope;

	if (needed == SCOPE_PUBLIC)
		return OK;
	if (x->auth_error == ERR_UNAUTHENTICATED)
		return response_problem(&x->response, ERR_UNAUTHENTICATED,
		    "the credentials are not valid (any more): sign in again");
	if (x->auth_error == ERR_LIMITED)
		return refuse_forgers(x);
	if (x->auth_error != OK)
		return x->auth_error;
	if (principal_may(&req->principal, needed))
		return check_session(x);
	if (req->principal.kind == PRINCIPAL_ANONYMOUS)
		return response_problem(&x->response, ERR_UNAUTHENTICATED,
		    "this needs the scope %s: sign in", scope_name(needed));
	return response_problem(&x->response, ERR_FORBIDDEN, "this needs the scope %s",
	    scope_name(needed));
}

static const struct field page_fields[] = {
	{ .name = "limit", .type = FIELD_INT, .min = 1, .max = LIST_LIMIT_MAX },
	{ .name = "cursor", .type = FIELD_STRING, .min = 1, .max = CURSOR_MAX_BYTES },
	{ 0 },
};
static const struct field no_query[] = { { 0 } };

static const struct field *field_named(const struct field *fields, struct str name)
{
	for (; fields->name != NULL; fields++)
		if (str_eq(str_of(fields->name), name))
			return fields;
	return NULL;
}

static void check_query_value(struct exchange *x, const struct field *fields, struct str name,
    struct str value)
{
	const struct schema *schema = x->request.route->query;
	const struct field *f = field_named(fields, name);
	struct str pointer = arena_printf(x->request.arena, "/%.*s", STR_ARG(str_first(name, 100)));

	if (f == NULL && x->request.route->page)
		f = field_named(page_fields, name);
	if (f == NULL && (schema == NULL || !schema->open))
		field_errors_add(&x->response.errors, pointer, "is no parameter of this endpoint");
	else if (f != NULL)
		schema_check_text(f, value, pointer, &x->response.errors);
}

static void add_defaults(struct request *req, const struct field *fields)
{
	for (const struct field *f = fields; f->name != NULL && req->n_query < QUERY_PARAMS_MAX; f++) {
		if (f->otherwise == NULL || request_query(req, f->name).ptr != NULL)
			continue;
		struct str text = str_of(f->otherwise);
		if (text.len >= 2 && text.ptr[0] == '"')
			text = (struct str){ text.ptr + 1, text.len - 2 };
		req->query[req->n_query++] = (struct path_parameter){ str_of(f->name), text };
	}
}

static enum err open_cursor(struct exchange *x)
{
	struct request *req = &x->request;
	struct str cursor = request_query(req, "cursor");

	req->limit = (uint32_t)request_query_int(req, "limit", LIST_LIMIT_DEFAULT);
	if (cursor.ptr == NULL)
		return OK;
	enum err e = cursor_open(req->arena, req->app->http->cursor_key, request_list_context(req),
	    cursor, &req->cursor);
	if (e != OK)
		response_field_error(&x->response, STR("/cursor"), "is not a cursor of this list");
	return e;
}

static enum err check_query(struct exchange *x)
{
	struct request *req = &x->request;
	const struct schema *schema = req->route->query;
	const struct field *fields = schema != NULL ? schema->fields : no_query;
	const char *reason = "";

	if (req->raw_query.len > QUERY_MAX_BYTES)
		return malformed(x, "the query", "too long");
	enum err e = query_parse(req->arena, req->raw_query, req->query, QUERY_PARAMS_MAX,
	    &req->n_query, &reason);
	if (e != OK)
		return malformed(x, "the query", reason);
	for (size_t i = 0; i < req->n_query; i++)
		check_query_value(x, fields, req->query[i].name, req->query[i].value);
	for (const struct field *f = fields; f->name != NULL; f++)
		if (f->required && request_query(req, f->name).ptr == NULL)
			response_field_error(&x->response,
			    arena_printf(req->arena, "/%s", f->name), "is required");
	if (x->response.errors.count > 0)
		return ERR_INVALID;
	add_defaults(req, fields);
	return req->route->page ? open_cursor(x) : OK;
}

/* A thousand addresses are no thousand limits: they share one an account, and the
 * account's owner, whose network is known, is not in it. */
static enum err limit_strangers(struct exchange *x, struct str account)
{
	const struct request *req = &x->request;
	struct limit_subject who = { .route_class = STR("strangers"), .account = account };

	if (known_network_is(req->app->auth, req->store, req->arena, account,
	    address_limit_key(req->arena, req->address), req->now_ms))
		return OK;
	return take_from_limits(x, &who);
}

/* Sign-in is limited by the account too, and that is known only now.  Counted
 * per account and network, so that a stranger's guesses do not lock the owner out. */
static enum err limit_account(struct exchange *x)
{
	const struct request *req = &x->request;
	struct str account = req->json == NULL ? STR_NONE : json_get_string(req->json, "email");

	account = account.len > 0 ? account_email_key(req->arena, account) :
	    req->route->session ? req->principal.id : STR_NONE;
	if (req->route->limit_class == NULL || account.len == 0 || req->app->limiter == NULL)
		return OK;
	struct limit_subject who = {
		.route_class = str_of(req->route->limit_class),
		.account = arena_printf(req->arena, "%.*s %.*s", STR_ARG(account),
		    STR_ARG(address_limit_key(req->arena, req->address))),
	};
	enum err e = take_from_limits(x, &who);
	return e == OK && req->route->password ? limit_strangers(x, account) : e;
}

static enum err run_endpoint(struct exchange *x)
{
	return x->request.route->run(&x->request, &x->response);
}

static enum err (*const before_body[])(struct exchange *) = {
	identify, locate_client, name_origin, read_target, match_route, authenticate,
	apply_limits, check_scope, check_query,
};
static enum err (*const after_body[])(struct exchange *) = {
	limit_account, exchange_check_signature, idempotency_begin, run_endpoint,
};

static enum err run(struct exchange *x, enum err (*const *stages)(struct exchange *), size_t n)
{
	for (size_t i = 0; i < n && !x->answered; i++) {
		enum err e = stages[i](x);
		if (e != OK)
			return e;
	}
	return OK;
}

enum err exchange_run(struct exchange *x, const struct cgi *cgi, const struct body_source *body)
{
	x->request.cgi = cgi;
	enum err e = run(x, before_body, COUNT(before_body));
	if (e == OK && !x->answered)
		e = exchange_read_body(x, body);
	if (e == OK && !x->answered)
		e = run(x, after_body, COUNT(after_body));
	if (x->idempotency_running && !x->committed)
		idempotency_abandon(x);
	return e;
}
