#include "http/problem.h"

#include <assert.h>

#include "http/error_form.h"
#include "http/exchange.h"

/* A problem that belongs to an error of the library, in the order of enum err. */
static const struct problem_kind by_error[] = {
	[OK] = { 500, "internal", "Internal error", "Something went wrong on this side; the log has it under the instance." },
	[ERR_INVALID] = { 422, "invalid", "The input is not valid", "The errors name every field that does not do, and what would." },
	[ERR_NOT_FOUND] = { 404, "not-found", "Not found", "Nothing is there, or nothing that this caller may see." },
	[ERR_EXISTS] = { 409, "conflict", "Conflict with what is there", "Something of that name exists already." },
	[ERR_STALE] = { 412, "stale", "Changed in the meantime", "If-Match names a version that is no longer the latest: read it again." },
	[ERR_BUSY] = { 409, "in-progress", "Still in progress", "A request with this Idempotency-Key is running: ask again in a moment." },
	[ERR_UNAUTHENTICATED] = { 401, "unauthenticated", "Sign-in required", "No credentials came, or they are not valid any more." },
	[ERR_FORBIDDEN] = { 403, "forbidden", "Not allowed", "The credentials are good and do not allow this." },
	[ERR_LIMITED] = { 429, "rate-limited", "Too many requests", "The RateLimit headers say how many, Retry-After says when." },
	[ERR_TOO_LARGE] = { 413, "too-large", "Too large", "The body, or something in it, is over its limit." },
	[ERR_EXPIRED] = { 410, "expired", "Expired", "It was good once." },
	[ERR_UNSUPPORTED] = { 501, "unsupported", "Not supported here", "This installation's engine or provider cannot do that." },
	[ERR_UNAVAILABLE] = { 503, "unavailable", "Temporarily unavailable", "A dependency is down or overloaded: try again after Retry-After." },
	[ERR_TIMEOUT] = { 503, "timeout", "Took too long", "A deadline passed before the work was done: try again after Retry-After." },
	[ERR_IO] = { 503, "storage", "Storage failed", "The store refused, and nothing was written: try again after Retry-After." },
	[ERR_CORRUPT] = { 500, "internal", "Internal error", "Something went wrong on this side; the log has it under the instance." },
	[ERR_NO_MEMORY] = { 503, "memory", "Out of memory", "This request needs more memory than it may have." },
	[ERR_INTERNAL] = { 500, "internal", "Internal error", "Something went wrong on this side; the log has it under the instance." },
};
static_assert(COUNT(by_error) == ERR_COUNT, "a row an error");

/* Problems of the protocol, which have a status and no error of the library. */
static const struct problem_kind by_status[] = {
	{ 400, "malformed", "Malformed request", "The request could not be read; detail says where it breaks." },
	{ 405, "method-not-allowed", "Method not allowed", "The path exists; Allow lists what it answers." },
	{ 415, "unsupported-media-type", "Unsupported media type", "The Content-Type is none that this endpoint reads." },
};

const struct problem_kind *problem_of(enum err e, uint16_t status)
{
	for (size_t i = 0; status != 0 && i < COUNT(by_status); i++)
		if (by_status[i].status == status)
			return &by_status[i];
	return &by_error[e < ERR_COUNT ? e : ERR_INTERNAL];
}

const struct problem_kind *problem_at(size_t i)
{
	if (i < COUNT(by_status))
		return &by_status[i];
	i -= COUNT(by_status) - 1;      /* OK's row is the same as ERR_INTERNAL's */
	return i < COUNT(by_error) ? &by_error[i] : NULL;
}

const struct problem_kind *problem_named(struct str name)
{
	for (size_t i = 0; problem_at(i) != NULL; i++)
		if (str_eq(name, str_of(problem_at(i)->name)))
			return problem_at(i);
	return NULL;
}

static void write_field_errors(struct json_writer *w, const struct field_errors *errors)
{
	size_t kept = errors->count < FIELD_ERRORS_MAX ? errors->count : FIELD_ERRORS_MAX;

	json_name(w, "errors");
	json_array_open(w);
	for (size_t i = 0; i < kept; i++) {
		json_object_open(w);
		json_member_string(w, "pointer", errors->list[i].pointer);
		json_member_string(w, "detail", errors->list[i].detail);
		json_object_close(w);
	}
	json_array_close(w);
	if (kept < errors->count)
		json_member_int(w, "errors_left_out", (int64_t)(errors->count - kept));
}

static void write_problem(const struct request *req, struct response *res,
    const struct problem_kind *kind)
{
	struct json_writer w;

	json_begin(&w, &res->buffer);
	json_object_open(&w);
	json_name(&w, "type");
	json_put_string(&w, arena_printf(res->arena, "/problems/%s", kind->name));
	json_member_string(&w, "title", str_of(kind->title));
	json_member_int(&w, "status", res->status);
	json_member_string(&w, "detail", res->detail.ptr == NULL ? str_of(kind->meaning) : res->detail);
	json_member_string(&w, "instance", req->id);
	if (res->errors.count > 0)
		write_field_errors(&w, &res->errors);
	json_object_close(&w);
	res->content_type = STR("application/problem+json");
}

void problem_write(const struct request *req, struct response *res, enum err e)
{
	const struct problem_kind *kind = problem_of(e, res->problem_status);
	enum error_form form = req->route != NULL ? req->route->errors : ERRORS_PROBLEM;

	buf_reset(&res->buffer);
	res->status = res->problem_status != 0 ? res->problem_status : kind->status;
	if (form == ERRORS_OAUTH)
		oauth_error_write(res, kind);
	else if (form == ERRORS_PAGE)
		error_page_write(req, res, kind);
	else
		write_problem(req, res, kind);
	res->body = buf_str(&res->buffer);
	res->stream = NULL;
	res->etag = STR_NONE;
	res->modified_ms = 0;
	res->no_store = true;
}

static const struct { uint16_t status; const char *text; } status_texts[] = {
	{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" },
	{ 301, "Moved Permanently" }, { 302, "Found" }, { 303, "See Other" },
	{ 304, "Not Modified" }, { 307, "Temporary Redirect" }, { 308, "Permanent Redirect" },
	{ 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" },
	{ 404, "Not Found" }, { 405, "Method Not Allowed" }, { 409, "Conflict" },
	{ 410, "Gone" }, { 412, "Precondition Failed" }, { 413, "Content Too Large" },
	{ 415, "Unsupported Media Type" }, { 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" }, { 500, "Internal Server Error" },
	{ 501, "Not Implemented" }, { 502, "Bad Gateway" }, { 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};

static_assert(COUNT(status_texts) < STATUSES_MAX, "a series a status");

size_t status_index(uint16_t status)
{
	for (size_t i = 0; i < COUNT(status_texts); i++)
		if (status_texts[i].status == status)
			return i + 1;
	return 0;
}

const char *status_text(uint16_t status)
{
	size_t i = status_index(status);

	return i == 0 ? "" : status_texts[i - 1].text;
}
