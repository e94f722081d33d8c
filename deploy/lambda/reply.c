#include "lambda/reply.h"

#include <stdio.h>

#include "base/crypto.h"
#include "base/json.h"

static const struct {
	int         status;
	const char *title;
} titles[] = {
	{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" }, { 204, "No Content" },
	{ 206, "Partial Content" }, { 301, "Moved Permanently" }, { 302, "Found" },
	{ 303, "See Other" }, { 304, "Not Modified" }, { 307, "Temporary Redirect" },
	{ 308, "Permanent Redirect" }, { 400, "Bad Request" }, { 401, "Unauthorized" },
	{ 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" }, { 409, "Conflict" }, { 410, "Gone" },
	{ 412, "Precondition Failed" }, { 413, "Content Too Large" }, { 414, "URI Too Long" },
	{ 415, "Unsupported Media Type" }, { 422, "Unprocessable Content" },
	{ 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 502, "Bad Gateway" },
	{ 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
};

static const char *title_of(int status)
{
	for (size_t i = 0; i < COUNT(titles); i++)
		if (titles[i].status == status)
			return titles[i].title;
	return "Unnamed";
}

/* --- headers ----------------------------------------------------------------------------- */

static bool is_cookie(const struct reply_header *h)
{
	return str_eq_nocase(h->name, STR("set-cookie"));
}

/* Whether an earlier row has the name of row `at`. */
static bool is_repeated(const struct reply *r, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (str_eq_nocase(r->list[i].name, r->list[at].name))
			return true;
	return false;
}

static void write_many(const struct reply *r, struct json_writer *w)
{
	json_name(w, "multiValueHeaders");
	json_object_open(w);
	for (size_t i = 0; i < r->count; i++) {
		if (is_repeated(r, i))
			continue;
		json_name_str(w, r->list[i].name);
		json_array_open(w);
		for (size_t j = i; j < r->count; j++)
			if (str_eq_nocase(r->list[j].name, r->list[i].name))
				json_put_string(w, r->list[j].value);
		json_array_close(w);
	}
	json_object_close(w);
}

/* Values of one name joined (RFC 9110, 5.3), which a cookie's cannot be. */
static void write_joined(const struct reply *r, size_t at, struct json_writer *w)
{
	struct buf value;

	buf_init(&value, NULL, 2 * REPLY_HEAD_MAX_BYTES);
	for (size_t i = at; i < r->count; i++) {
		if (!str_eq_nocase(r->list[i].name, r->list[at].name))
			continue;
		if (value.len > 0)
			BUF_LIT(&value, ", ");
		buf_add(&value, r->list[i].value);
	}
	json_name_str(w, r->list[at].name);
	json_put_string(w, buf_str(&value));
	buf_clean(&value);
}

static void write_single(const struct reply *r, struct json_writer *w)
{
	json_name(w, "headers");
	json_object_open(w);
	for (size_t i = 0; i < r->count; i++)
		if (!is_cookie(&r->list[i]) && !is_repeated(r, i))
			write_joined(r, i, w);
}

static void write_cookies(const struct reply *r, struct json_writer *w)
{
	bool any = false;

	for (size_t i = 0; i < r->count; i++)
		any = any || is_cookie(&r->list[i]);
	if (!any)
		return;
	json_name(w, "cookies");
	json_array_open(w);
	for (size_t i = 0; i < r->count; i++)
		if (is_cookie(&r->list[i]))
			json_put_string(w, r->list[i].value);
	json_array_close(w);
}

/* "set-cookie" in the n-th of its spellings: names in one object are unique, headers
 * are not, and a load balancer without multi-value headers has no other way. */
static void write_spelled_cookies(const struct reply *r, struct json_writer *w)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->count; i++) {
		char name[] = "set-cookie";
		if (!is_cookie(&r->list[i]))
			continue;
		for (unsigned at = 0, bit = 0; at < sizeof(name) - 1; at++)
			if (name[at] != '-' && (n >> bit++ & 1) != 0)
				name[at] = (char)(name[at] - 'a' + 'A');
		json_name(w, name);
		json_put_string(w, r->list[i].value);
		n++;
	}
}

static void write_headers(const struct event *event, const struct reply *r, struct json_writer *w)
{
	switch (event->kind) {
	case EVENT_REST:
	case EVENT_ALB_MULTI:
		write_many(r, w);
		break;
	case EVENT_ALB:
		write_single(r, w);
		write_spelled_cookies(r, w);
		json_object_close(w);
		break;
	default:
		write_single(r, w);
		json_object_close(w);
		write_cookies(r, w);
	}
}

/* --- the body ------------------------------------------------------------------------------ */

static bool is_text(const struct reply *r)
{
	struct str coding = reply_header(r, STR("Content-Encoding"));

	return coding.len == 0 && memchr(r->body.ptr, '\0', r->body.len) == NULL &&
	    str_is_utf8(r->body);
}

static bool has_type(struct str type, const char *part)
{
	return str_contains(type, str_of(part));
}

/* What is not compressed already. */
static bool is_compressible(struct str type)
{
	return str_starts(type, STR("text/")) || has_type(type, "json") || has_type(type, "xml") ||
	    has_type(type, "javascript") || has_type(type, "yaml") || has_type(type, "form-urlencoded");
}

static bool may_gzip(const struct event *event, const struct reply *r)
{
	return event->gzip && r->body.len > GZIP_MIN_BYTES && r->status != 206 &&
	    reply_header(r, STR("Content-Encoding")).ptr == NULL &&
	    !str_contains(reply_header(r, STR("Cache-Control")), STR("no-transform")) &&
	    is_compressible(reply_header(r, STR("Content-Type")));
}

static void add_header(struct reply *r, struct str name, struct str value)
{
	if (r->count < REPLY_HEADERS_MAX)
		r->list[r->count++] = (struct reply_header){ name, value };
}

/* The reply as it goes out; a cache must know that it has another form. */
static void compress(struct arena *a, const struct event *event, struct reply *r)
{
	if (r->count + 2 > REPLY_HEADERS_MAX || !may_gzip(event, r))
		return;
	struct str packed = reply_gzip(a, r->body);
	if (packed.ptr == NULL)
		return;
	r->body = packed;
	add_header(r, STR("Content-Encoding"), STR("gzip"));
	add_header(r, STR("Vary"), STR("Accept-Encoding"));
}

static void write_whole(const struct event *event, const struct reply *r, struct buf *out)
{
	bool text = is_text(r);
	bool alb = event->kind == EVENT_ALB || event->kind == EVENT_ALB_MULTI;
	struct json_writer w;

	json_begin(&w, out);
	json_object_open(&w);
	json_member_int(&w, "statusCode", r->status);
	if (alb) {
		char line[64];
		int n = snprintf(line, sizeof(line), "%d %s", r->status, title_of(r->status));
		json_member_string(&w, "statusDescription", (struct str){ line, (size_t)n });
	}
	write_headers(event, r, &w);
	json_member_bool(&w, "isBase64Encoded", !text);
	json_name(&w, "body");
	if (text) {
		json_put_string(&w, r->body);
	} else {
		json_put_raw(&w, STR("\""));
		crypto_base64_add(out, r->body);
		BUF_LIT(out, "\"");
	}
	json_object_close(&w);
	json_end(&w);
}

/* A queue reads which messages are to come again; a schedule reads nothing. */
static void write_answer(const struct reply *r, struct buf *out)
{
	if (r->body.len > 0 && str_contains(reply_header(r, STR("Content-Type")), STR("json")))
		buf_add(out, r->body);
	else
		BUF_LIT(out, "{}");
}

static size_t most_bytes(const struct event *event)
{
	return event->kind == EVENT_ALB || event->kind == EVENT_ALB_MULTI ? ALB_REPLY_MAX_BYTES :
	    REPLY_MAX_BYTES;
}

enum err reply_write(struct arena *a, const struct event *event, const struct reply *reply,
    struct buf *out)
{
	struct reply r = *reply;

	if (!event_is_http(event->kind)) {
		write_answer(&r, out);
		return buf_failed(out) ? ERR_NO_MEMORY : OK;
	}
	compress(a, event, &r);
	write_whole(event, &r, out);
	if (!buf_failed(out) && out->len <= most_bytes(event))
		return OK;
	buf_reset(out);
	reply_problem(a, 500, STR("the reply is larger than Lambda lets through: ask for less of it "
	    "at once"), &r);
	write_whole(event, &r, out);
	return buf_failed(out) ? ERR_NO_MEMORY : OK;
}

void reply_write_prelude(const struct reply *reply, struct buf *out)
{
	struct json_writer w;

	json_begin(&w, out);
	json_object_open(&w);
	json_member_int(&w, "statusCode", reply->status);
	write_single(reply, &w);
	json_object_close(&w);
	write_cookies(reply, &w);
	json_object_close(&w);
	json_end(&w);
}

void reply_problem(struct arena *a, int status, struct str detail, struct reply *out)
{
	struct buf body;
	struct json_writer w;

	buf_init(&body, a, 4096);
	json_begin(&w, &body);
	json_object_open(&w);
	json_member_string(&w, "type", STR("about:blank"));
	json_member_string(&w, "title", str_of(title_of(status)));
	json_member_int(&w, "status", status);
	json_member_string(&w, "detail", detail);
	json_object_close(&w);
	json_end(&w);
	*out = (struct reply){ .status = status, .body = buf_str(&body) };
	add_header(out, STR("Content-Type"), STR("application/problem+json"));
	add_header(out, STR("Cache-Control"), STR("no-store"));
}
