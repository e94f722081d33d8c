#include "http/openapi_parts.h"

#include "base/limits.h"
#include "http/problem.h"

#define BIT(n) ((uint32_t)1 << (n))
#define RATE_HEADERS                                                             \
	(BIT(HEADER_RATELIMIT_POLICY) | BIT(HEADER_RATELIMIT) | BIT(HEADER_LIMIT) | \
	BIT(HEADER_REMAINING) | BIT(HEADER_RESET))

static const struct parameter {
	const char *key, *name, *in, *type, *help;
	int64_t     min, max, otherwise;        /* of an integer; of a string max is its length */
} parameters[PARAMETER_COUNT] = {
	[PARAMETER_LIMIT] = { "Limit", "limit", "query", "integer",
	    "How many items a page has at most.", 1, LIST_LIMIT_MAX, LIST_LIMIT_DEFAULT },
	[PARAMETER_CURSOR] = { "Cursor", "cursor", "query", "string",
	    "`next_cursor` of the page before, as it stands.", 1, CURSOR_MAX_BYTES, 0 },
	[PARAMETER_IF_MATCH] = { "IfMatch", "If-Match", "header", "string",
	    "Acts on this version only; another one is answered with 412.", 0, 0, 0 },
	[PARAMETER_IF_NONE_MATCH] = { "IfNoneMatch", "If-None-Match", "header", "string",
	    "The ETag one has already; the same one is answered with 304.", 0, 0, 0 },
	[PARAMETER_IDEMPOTENCY_KEY] = { "IdempotencyKey", "Idempotency-Key", "header", "string",
	    "Any text of one's own: the same key and body within 24 hours give the first reply "
	    "again.", 1, IDEMPOTENCY_KEY_MAX, 0 },
};

static const struct header_part {
	const char *key, *name, *type, *help;
} headers[HEADER_COUNT] = {
	[HEADER_ETAG] = { "ETag", "ETag", "string", "A strong validator of this version." },
	[HEADER_LAST_MODIFIED] = { "LastModified", "Last-Modified", "string",
	    "It has not changed since." },
	[HEADER_LINK] = { "Link", "Link", "string",
	    "The next page, rel=\"next\" (RFC 8288); absent on the last one." },
	[HEADER_LOCATION] = { "Location", "Location", "string", "Where the new thing is." },
	[HEADER_IDEMPOTENT_REPLAYED] = { "IdempotentReplayed", "Idempotent-Replayed", "string",
	    "\"true\" on the stored reply of an earlier request with this Idempotency-Key." },
	[HEADER_RATELIMIT_POLICY] = { "RateLimitPolicy", "RateLimit-Policy", "string",
	    "The policy that is nearest to its end: name, quota (q), window in seconds (w)." },
	[HEADER_RATELIMIT] = { "RateLimit", "RateLimit", "string",
	    "What is left of it (r), and in how many seconds it is full again (t)." },
	[HEADER_LIMIT] = { "XRateLimitLimit", "X-RateLimit-Limit", "integer",
	    "The quota alone." },
	[HEADER_REMAINING] = { "XRateLimitRemaining", "X-RateLimit-Remaining", "integer",
	    "What is left, alone." },
	[HEADER_RESET] = { "XRateLimitReset", "X-RateLimit-Reset", "integer",
	    "Seconds until it is full again." },
	[HEADER_RETRY_AFTER] = { "RetryAfter", "Retry-After", "integer",
	    "Seconds after which trying again may help." },
	[HEADER_WWW_AUTHENTICATE] = { "WWWAuthenticate", "WWW-Authenticate", "string",
	    "What is wrong with the credentials (RFC 6750)." },
	[HEADER_ACCEPT_SIGNATURE] = { "AcceptSignature", "Accept-Signature", "string",
	    "Where an API key's request must be signed: over what (RFC 9421, section 5)." },
	[HEADER_REQUEST_ID] = { "XRequestID", "X-Request-ID", "string",
	    "The client's own, or a new one; it is in the log." },
};

static bool always(const struct handler *h, const struct route *r)
{
	(void)h;
	(void)r;
	return true;
}

bool route_is_open(const struct route *r)
{
	return r->scope == SCOPE_PUBLIC ||
	    (role_scopes(ROLE_ANONYMOUS) & SCOPE_BIT(r->scope)) != 0;
}

bool route_has_etag(const struct route *r)
{
	return r->method == GET && !r->unversioned && (!r->exempt || r->caching != CACHE_PRIVATE);
}

bool route_takes_body(const struct route *r)
{
	if (r->method == DELETE)
		return r->body != NULL;
	if (r->method != POST && r->method != PUT && r->method != PATCH)
		return false;
	return r->body != NULL || r->body_kind == BODY_RAW;
}

static bool has_etag(const struct handler *h, const struct route *r)
{
	(void)h;
	return route_has_etag(r);
}

static bool takes_body(const struct handler *h, const struct route *r)
{
	(void)h;
	return route_takes_body(r);
}

/* Sign-in is public, and the password in its body or the code in its query can be
 * wrong; so can a signature. */
static bool checks_credentials(const struct handler *h, const struct route *r)
{
	(void)h;
	return r->errors == ERRORS_OAUTH || r->scope != SCOPE_PUBLIC || r->signed_body ||
	    schema_has_secret(r->body) || schema_has_secret(r->query);
}

static bool checks_scope(const struct handler *h, const struct route *r)
{
	(void)h;
	return r->scope != SCOPE_PUBLIC;
}

static bool names_one(const struct handler *h, const struct route *r)
{
	(void)h;
	return strchr(r->path, '{') != NULL;
}

/* Signed reports are taken where somebody is known who signs them. */
static bool may_be_absent(const struct handler *h, const struct route *r)
{
	return names_one(h, r) || r->signed_body;
}

/* What makes a thing, changes it or does something with it can meet another one
 * that has its name by now. */
static bool can_conflict(const struct handler *h, const struct route *r)
{
	if (r->method == POST)
		return route_takes_key(r) || names_one(h, r);
	return route_takes_body(r);
}

static bool is_conditional(const struct handler *h, const struct route *r)
{
	(void)h;
	return r->conditional;
}

static bool is_limited(const struct handler *h, const struct route *r)
{
	(void)h;
	return !r->exempt;
}

static bool may_be_unsupported(const struct handler *h, const struct route *r)
{
	(void)h;
	return r->provided;
}

static bool needs_something(const struct handler *h, const struct route *r)
{
	(void)r;
	return h->needs != 0;
}

/* What can come besides success, and when.  The texts are problem.c's. */
static const struct response_part {
	uint16_t    status;
	enum err    error;
	const char *key;
	bool      (*comes)(const struct handler *h, const struct route *r);
	uint32_t    headers;
} responses[] = {
	{ 304, OK, "NotModified", has_etag, BIT(HEADER_ETAG) },
	{ 400, ERR_INVALID, "Malformed", always, 0 },
	{ 401, ERR_UNAUTHENTICATED, "Unauthenticated", checks_credentials,
	    BIT(HEADER_WWW_AUTHENTICATE) | BIT(HEADER_ACCEPT_SIGNATURE) },
	{ 403, ERR_FORBIDDEN, "Forbidden", checks_scope, BIT(HEADER_WWW_AUTHENTICATE) },
	{ 404, ERR_NOT_FOUND, "NotFound", may_be_absent, 0 },
	{ 409, ERR_EXISTS, "Conflict", can_conflict, 0 },
	{ 412, ERR_STALE, "Stale", is_conditional, 0 },
	{ 413, ERR_TOO_LARGE, "TooLarge", takes_body, 0 },
	{ 415, ERR_INVALID, "UnsupportedMediaType", takes_body, 0 },
	{ 422, ERR_INVALID, "Invalid", always, 0 },
	{ 429, ERR_LIMITED, "Limited", is_limited, RATE_HEADERS | BIT(HEADER_RETRY_AFTER) },
	{ 500, ERR_INTERNAL, "Internal", always, 0 },
	{ 501, ERR_UNSUPPORTED, "Unsupported", may_be_unsupported, 0 },
	{ 503, ERR_UNAVAILABLE, "Unavailable", needs_something, BIT(HEADER_RETRY_AFTER) },
};

static void write_ref(struct openapi *o, const char *kind, const char *key)
{
	json_object_open(&o->w);
	json_member_string(&o->w, "$ref", arena_printf(o->arena, "#/components/%s/%s", kind, key));
	json_object_close(&o->w);
}

void part_write_parameter(struct openapi *o, enum part_parameter p)
{
	o->parameters |= BIT(p);
	write_ref(o, "parameters", parameters[p].key);
}

static void write_header_refs(struct openapi *o, uint32_t wanted)
{
	o->headers |= wanted;
	json_name(&o->w, "headers");
	json_object_open(&o->w);
	for (uint32_t i = 0; i < HEADER_COUNT; i++) {
		if ((wanted & BIT(i)) == 0)
			continue;
		json_name(&o->w, headers[i].name);
		write_ref(o, "headers", headers[i].key);
	}
	json_object_close(&o->w);
}

void part_write_headers(struct openapi *o, const struct route *r)
{
	uint32_t wanted = BIT(HEADER_REQUEST_ID);
	bool     stored = (r->creates || r->conditional) && r->reply != NULL;

	if (route_has_etag(r) || stored)
		wanted |= BIT(HEADER_ETAG);
	if (route_has_etag(r) && r->caching != CACHE_PRIVATE)
		wanted |= BIT(HEADER_LAST_MODIFIED);
	if (r->page)
		wanted |= BIT(HEADER_LINK);
	if (route_takes_key(r))
		wanted |= BIT(HEADER_IDEMPOTENT_REPLAYED);
	if (r->creates && route_status(r) == 201)
		wanted |= BIT(HEADER_LOCATION);
	if (!r->exempt)
		wanted |= RATE_HEADERS;
	write_header_refs(o, wanted);
}

void part_write_redirect(struct openapi *o, const struct route *r)
{
	uint32_t wanted = BIT(HEADER_REQUEST_ID) | BIT(HEADER_LOCATION);

	json_name(&o->w, "303");
	json_object_open(&o->w);
	json_member_string(&o->w, "description", STR("See Location."));
	write_header_refs(o, wanted | (r->exempt ? 0 : RATE_HEADERS));
	json_object_close(&o->w);
}

static const struct field oauth_error_fields[] = {
	{ .name = "error", .type = FIELD_STRING, .required = true,
	    .help = "A code of RFC 6749, 5.2: invalid_grant, invalid_client, …" },
	{ .name = "error_description", .type = FIELD_STRING, .required = true,
	    .help = "The same for people." },
	{ 0 },
};
const struct schema oauth_error = { "OAuthError", oauth_error_fields, false };

/* A failure that is no problem document: a page, or RFC 6749's form. */
static void write_other_form(struct openapi *o, const struct response_part *part,
    enum error_form form)
{
	const struct problem_kind *kind = problem_of(part->error, part->status);
	struct json_writer *w = &o->w;

	json_name_str(w, arena_printf(o->arena, "%u", part->status));
	json_object_open(w);
	json_member_string(w, "description", str_of(kind->title));
	write_header_refs(o, part->headers | BIT(HEADER_REQUEST_ID));
	json_name(w, "content");
	json_object_open(w);
	json_name(w, form == ERRORS_OAUTH ? "application/json" : "text/html");
	json_object_open(w);
	json_name(w, "schema");
	if (form == ERRORS_OAUTH) {
		schema_write_ref(o->arena, w, &oauth_error, VARIANT_WHOLE);
	} else {
		json_object_open(w);
		json_member_string(w, "type", STR("string"));
		json_object_close(w);
	}
	json_object_close(w);
	json_object_close(w);
	json_object_close(w);
}

/* As error_form.c has it: what a client sent wrong is a 400 there. */
static bool has_form(const struct response_part *part, enum error_form form)
{
	return form != ERRORS_OAUTH || part->status == 400 || part->status == 401 ||
	    part->status == 429 || part->status >= 500;
}

static void write_problem(struct openapi *o, const struct route *r, size_t i)
{
	if (r->errors != ERRORS_PROBLEM && responses[i].status >= 400) {
		if (has_form(&responses[i], r->errors))
			write_other_form(o, &responses[i], r->errors);
		return;
	}
	o->responses |= BIT(i);
	json_name_str(&o->w, arena_printf(o->arena, "%u", responses[i].status));
	write_ref(o, "responses", responses[i].key);
}

void part_write_problems(struct openapi *o, const struct route *r)
{
	for (size_t i = 0; i < COUNT(responses); i++) {
		if (responses[i].comes(o->handler, r))
			write_problem(o, r, i);
	}
}

static void write_parameter(struct openapi *o, const struct parameter *p)
{
	bool number = str_eq(str_of(p->type), STR("integer"));

	json_object_open(&o->w);
	json_member_string(&o->w, "name", str_of(p->name));
	json_member_string(&o->w, "in", str_of(p->in));
	json_member_string(&o->w, "description", str_of(p->help));
	json_name(&o->w, "schema");
	json_object_open(&o->w);
	json_member_string(&o->w, "type", str_of(p->type));
	if (p->min != 0)
		json_member_int(&o->w, number ? "minimum" : "minLength", p->min);
	if (p->max != 0)
		json_member_int(&o->w, number ? "maximum" : "maxLength", p->max);
	if (p->otherwise != 0)
		json_member_int(&o->w, "default", p->otherwise);
	json_object_close(&o->w);
	json_object_close(&o->w);
}

static void write_header(struct openapi *o, const struct header_part *h)
{
	json_object_open(&o->w);
	json_member_string(&o->w, "description", str_of(h->help));
	json_name(&o->w, "schema");
	json_object_open(&o->w);
	json_member_string(&o->w, "type", str_of(h->type));
	json_object_close(&o->w);
	json_object_close(&o->w);
}

/* One row's problem as it may come, for people who read the document. */
static void write_example(struct openapi *o, const struct problem_kind *kind)
{
	struct json_writer *w = &o->w;

	json_name(w, "example");
	json_object_open(w);
	json_member_string(w, "type", arena_printf(o->arena, "/problems/%s", kind->name));
	json_member_string(w, "title", str_of(kind->title));
	json_member_int(w, "status", kind->status);
	json_member_string(w, "detail", str_of(kind->meaning));
	json_member_string(w, "instance", STR("01890a5d-ac96-774b-bcce-b302099a8057"));
	if (kind->status == 422) {
		json_name(w, "errors");
		json_array_open(w);
		json_object_open(w);
		json_member_string(w, "pointer", STR("/tags/3"));
		json_member_string(w, "detail", STR("must be at most 64 characters"));
		json_object_close(w);
		json_array_close(w);
	}
	json_object_close(w);
}

static const struct field problem_error_fields[] = {
	{ .name = "pointer", .type = FIELD_STRING, .required = true,
	    .help = "Where it is: a JSON Pointer (RFC 6901) into the body; for a query, its name." },
	{ .name = "detail", .type = FIELD_STRING, .required = true, .help = "What would do." },
	{ 0 },
};
static const struct schema problem_error = { "ProblemError", problem_error_fields, false };

static const struct field problem_fields[] = {
	{ .name = "type", .type = FIELD_STRING, .required = true, .help = "Names the kind of problem." },
	{ .name = "title", .type = FIELD_STRING, .required = true,
	    .help = "The same for all of a kind." },
	{ .name = "status", .type = FIELD_INT, .required = true, .min = 400, .max = 599 },
	{ .name = "detail", .type = FIELD_STRING, .required = true, .help = "This occurrence." },
	{ .name = "instance", .type = FIELD_STRING, .required = true,
	    .help = "The request's id, as in X-Request-ID and the log." },
	{ .name = "errors", .type = FIELD_OBJECT, .list = true, .max_items = FIELD_ERRORS_MAX,
	    .object = &problem_error, .help = "Every field that does not do." },
	{ .name = "errors_left_out", .type = FIELD_INT, .min = 1,
	    .help = "How many more there are." },
	{ 0 },
};
static const struct schema problem = { "Problem", problem_fields, false };

static void write_response(struct openapi *o, const struct response_part *r)
{
	const struct problem_kind *kind = problem_of(r->error, r->status);
	struct json_writer *w = &o->w;

	json_object_open(w);
	if (r->status < 400) {
		json_member_string(w, "description", STR("Not modified: If-None-Match has its ETag."));
		write_header_refs(o, r->headers | BIT(HEADER_REQUEST_ID));
		json_object_close(w);
		return;
	}
	json_member_string(w, "description",
	    arena_printf(o->arena, "%s. %s", kind->title, kind->meaning));
	write_header_refs(o, r->headers | BIT(HEADER_REQUEST_ID));
	json_name(w, "content");
	json_object_open(w);
	json_name(w, "application/problem+json");
	json_object_open(w);
	json_name(w, "schema");
	schema_write_ref(o->arena, w, &problem, VARIANT_WHOLE);
	write_example(o, kind);
	json_object_close(w);
	json_object_close(w);
	json_object_close(w);
}

static void write_responses(struct openapi *o)
{
	json_name(&o->w, "responses");
	json_object_open(&o->w);
	for (size_t i = 0; i < COUNT(responses); i++) {
		if ((o->responses & BIT(i)) == 0)
			continue;
		json_name(&o->w, responses[i].key);
		write_response(o, &responses[i]);
	}
	json_object_close(&o->w);
}

static void write_parameters(struct openapi *o)
{
	json_name(&o->w, "parameters");
	json_object_open(&o->w);
	for (size_t i = 0; i < PARAMETER_COUNT; i++) {
		if ((o->parameters & BIT(i)) == 0)
			continue;
		json_name(&o->w, parameters[i].key);
		write_parameter(o, &parameters[i]);
	}
	json_object_close(&o->w);
}

static void write_headers(struct openapi *o)
{
	json_name(&o->w, "headers");
	json_object_open(&o->w);
	for (size_t i = 0; i < HEADER_COUNT; i++) {
		if ((o->headers & BIT(i)) == 0)
			continue;
		json_name(&o->w, headers[i].key);
		write_header(o, &headers[i]);
	}
	json_object_close(&o->w);
}

void part_write_components(struct openapi *o)
{
	/* The responses come first: they refer to headers and to the problem. */
	write_responses(o);
	write_parameters(o);
	write_headers(o);
	if (o->responses != 0)
		schema_uses_add(&o->schemas, o->arena, &problem, VARIANT_WHOLE, false);
	json_name(&o->w, "schemas");
	json_object_open(&o->w);
	schema_uses_write(&o->schemas, o->arena, &o->w);
	json_object_close(&o->w);
}
