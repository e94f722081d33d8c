#include "net/http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/limits.h"
#include "base/time.h"
#include "net/curl_library.h"
#include "net/http_url.h"

#define NS_PER_MS           UINT64_C(1000000)
#define FIRST_BODY_BYTES    16384       /* most replies need no second */

struct http_client {
	struct metrics *metrics;
	char           *ca_file;        /* NULL: the system's authorities */
	CURL           *handle;         /* NULL until the first call */
};

/* One call, while it lasts. */
struct transfer {
	const struct curl_library *curl;
	CURL                      *handle;
	struct arena              *a;
	const struct http_call    *call;
	struct http_url            url;
	uint64_t                   deadline_ns;
	struct curl_slist         *lines;       /* request headers: nodes and texts are the arena's */
	struct buf                 body;
	struct http_header         headers[HTTP_HEADERS_MAX];
	size_t                     n_headers, head_bytes;
	bool                       too_large;
};

struct http_client *http_client_new(struct metrics *m, struct str ca_file)
{
	struct http_client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	c->metrics = m;
	if (ca_file.len > 0) {
		c->ca_file = strndup(ca_file.ptr, ca_file.len);
		if (c->ca_file == NULL)
			abort();
	}
	return c;
}

void http_client_free(struct http_client *c)
{
	if (c == NULL)
		return;
	if (c->handle != NULL)
		curl_library()->easy_cleanup(c->handle);
	free(c->ca_file);
	free(c);
}

/* --- what comes ------------------------------------------------------------------- */

static size_t take_body(char *bytes, size_t size, size_t n, void *context)
{
	struct transfer *t = context;

	(void)size;                     /* 1, always */
	buf_bytes(&t->body, bytes, n);
	if (!buf_failed(&t->body))
		return n;
	t->too_large = t->body.len + n > t->body.max_bytes;
	return 0;
}

/* A status line begins the head anew: the one before was a 1xx. */
static size_t take_header(char *bytes, size_t size, size_t n, void *context)
{
	struct transfer *t = context;
	struct str line = str_trim((struct str){ bytes, n }), rest = line;

	(void)size;
	if (str_starts(line, STR("HTTP/")))
		t->n_headers = 0;
	t->head_bytes += n;
	t->too_large = t->head_bytes > HTTP_HEAD_MAX_BYTES;
	struct str name = str_cut(&rest, ':');
	if (!t->too_large && rest.ptr != NULL) {
		t->too_large = t->n_headers == HTTP_HEADERS_MAX;
		if (!t->too_large)
			t->headers[t->n_headers++] = (struct http_header){
				arena_dup(t->a, str_trim(name)), arena_dup(t->a, str_trim(rest)),
			};
	}
	return t->too_large ? 0 : n;
}

struct str http_reply_header(const struct http_reply *reply, const char *name)
{
	for (size_t i = 0; i < reply->n_headers; i++)
		if (str_eq_nocase(reply->headers[i].name, str_of(name)))
			return reply->headers[i].value;
	return STR_NONE;
}

/* --- what goes -------------------------------------------------------------------- */

/* token of RFC 9110, 5.6.2 */
static bool is_token(struct str s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i], low = (char)(c | 0x20);
		if (!(c >= '0' && c <= '9') && !(low >= 'a' && low <= 'z') &&
		    (c == '\0' || strchr(others, c) == NULL))
			return false;
	}
	return s.len > 0;
}

static bool is_value(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.ptr[i] < ' ' && s.ptr[i] != '\t') || s.ptr[i] == 0x7F)
			return false;
	return true;
}

/* What libcurl writes itself. */
static bool is_ours(struct str name)
{
	static const char *const names[] = {
		"Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Expect", "Connection",
	};

	for (size_t i = 0; i < COUNT(names); i++)
		if (str_eq_nocase(name, str_of(names[i])))
			return true;
	return false;
}

/* libcurl reads the list and takes no copy of it, so its memory is ours to wipe. */
static void add_line(struct transfer *t, char *text)
{
	struct curl_slist *node = ARENA_NEW(t->a, struct curl_slist);

	node->data = text;
	node->next = t->lines;
	t->lines = node;
}

/* "Name;" is how libcurl is asked for a header with an empty value. */
static void add_header(struct transfer *t, struct str name, struct str value)
{
	size_t size = name.len + 2 + value.len + 1;
	char *text = arena_alloc(t->a, size);

	(void)snprintf(text, size, "%.*s%s%.*s", STR_ARG(name), value.len == 0 ? ";" : ": ",
	    STR_ARG(value));
	add_line(t, text);
}

static const char *check_call(const struct http_call *call)
{
	if (call->method != NULL && !is_token(str_of(call->method)))
		return "the method is no token";
	if (!is_value(call->content_type) || !is_value(call->traceparent) ||
	    !is_value(call->tracestate))
		return "a header's value has control characters";
	for (size_t i = 0; i < call->n_headers; i++) {
		const struct http_header *h = &call->headers[i];
		if (!is_token(h->name) || is_ours(h->name))
			return "a header's name is no token, or one that is written for the call";
		if (!is_value(h->value))
			return "a header's value has control characters";
	}
	return NULL;
}

static void make_lines(struct transfer *t)
{
	const struct http_call *call = t->call;

	for (size_t i = 0; i < call->n_headers; i++)
		add_header(t, call->headers[i].name, call->headers[i].value);
	if (call->content_type.len > 0)
		add_header(t, STR("Content-Type"), call->content_type);
	else
		add_line(t, arena_cstr(t->a, STR("Content-Type:")));    /* none, not libcurl's guess */
	if (call->traceparent.len > 0)
		add_header(t, STR("traceparent"), call->traceparent);
	if (call->tracestate.len > 0)
		add_header(t, STR("tracestate"), call->tracestate);
	/* No waiting for a 100. */
	add_line(t, arena_cstr(t->a, STR("Expect:")));
}

/* Tokens and keys travel in them. */
static void wipe_lines(struct transfer *t)
{
	for (struct curl_slist *node = t->lines; node != NULL; node = node->next)
		crypto_wipe(node->data, strlen(node->data));
}

/* Methods that say a length even of nothing (RFC 9110, 8.6). */
static bool has_body(const struct http_call *call, const char *method)
{
	return call->body.ptr != NULL || strcmp(method, "POST") == 0 ||
	    strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
}

static void set_method(struct curl_options *o, const struct http_call *call)
{
	const char *method = call->method == NULL ? "GET" : call->method;

	if (has_body(call, method)) {
		curl_set_long(o, CURLOPT_POST, 1);
		o->failed |= o->curl->easy_setopt(o->handle, CURLOPT_POSTFIELDSIZE_LARGE,
		    (curl_off_t)call->body.len) != CURLE_OK;
		curl_set_text(o, CURLOPT_POSTFIELDS, call->body.len == 0 ? "" : call->body.ptr);
	} else if (strcmp(method, "HEAD") == 0) {
		curl_set_long(o, CURLOPT_NOBODY, 1);
	}
	curl_set_text(o, CURLOPT_CUSTOMREQUEST, method);
}

static bool set_options(struct transfer *t, const struct http_client *c, long left_ms)
{
	struct curl_options o = { t->curl, t->handle, false };

	curl_set_http_bounds(&o, c->ca_file);
	curl_set_long(&o, CURLOPT_MAXCONNECTS, HTTP_CONNECTIONS_MAX);
	set_method(&o, t->call);
	curl_set_pointer(&o, CURLOPT_CURLU, t->url.handle);
	curl_set_pointer(&o, CURLOPT_HTTPHEADER, t->lines);
	curl_set_deadline(&o, left_ms, HTTP_CONNECT_MS);
	curl_set_pointer(&o, CURLOPT_WRITEDATA, t);
	curl_set_pointer(&o, CURLOPT_HEADERDATA, t);
	o.failed |= t->curl->easy_setopt(t->handle, CURLOPT_WRITEFUNCTION, take_body) != CURLE_OK;
	o.failed |= t->curl->easy_setopt(t->handle, CURLOPT_HEADERFUNCTION, take_header) != CURLE_OK;
	o.failed |= t->curl->easy_setopt(t->handle, CURLOPT_MAXFILESIZE_LARGE,
	    (curl_off_t)t->body.max_bytes) != CURLE_OK;
	return !o.failed;
}

/* --- a call ----------------------------------------------------------------------- */

static enum err result(const struct transfer *t, CURLcode code)
{
	if (code == CURLE_OK)
		return OK;
	if (t->too_large || code == CURLE_FILESIZE_EXCEEDED)
		return ERR_TOO_LARGE;
	if (code == CURLE_OPERATION_TIMEDOUT)
		return ERR_TIMEOUT;
	if (code == CURLE_OUT_OF_MEMORY || buf_failed(&t->body))
		return ERR_NO_MEMORY;
	return ERR_UNAVAILABLE;
}

static enum err perform_once(struct http_client *c, struct transfer *t, struct str *reason)
{
	uint64_t now = time_monotonic_ns();
	char message[CURL_ERROR_SIZE] = "";

	t->n_headers = t->head_bytes = 0;
	buf_reset(&t->body);
	if (now >= t->deadline_ns) {
		*reason = arena_printf(t->a, "%.*s: no time left", STR_ARG(t->url.origin));
		return ERR_TIMEOUT;
	}
	/* Whole milliseconds, and 0 would be no limit. */
	bool set = set_options(t, c, (long)((t->deadline_ns - now) / NS_PER_MS) + 1);
	set &= t->curl->easy_setopt(t->handle, CURLOPT_ERRORBUFFER, message) == CURLE_OK;
	CURLcode code = set ? t->curl->easy_perform(t->handle) : CURLE_UNKNOWN_OPTION;
	enum err e = result(t, code);
	if (e != OK)
		*reason = arena_printf(t->a, "%.*s: %s", STR_ARG(t->url.origin),
		    t->too_large ? "the reply is over its bound" :
		    message[0] != '\0' ? message : t->curl->easy_strerror(code));
	return e;
}

static bool may_follow(const struct transfer *t, long status)
{
	const char *method = t->call->method;

	return t->call->redirects_same_host && t->call->body.ptr == NULL &&
	    (method == NULL || strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) &&
	    (status == 301 || status == 302 || status == 303 || status == 307 || status == 308);
}

/* Performs, and follows what may be followed. */
static enum err perform(struct http_client *c, struct transfer *t, struct http_reply *reply,
    struct str *reason)
{
	long status = 0;

	for (int redirects = 0;; redirects++) {
		enum err e = perform_once(c, t, reason);
		if (e != OK)
			return e;
		t->curl->easy_getinfo(t->handle, CURLINFO_RESPONSE_CODE, &status);
		*reply = (struct http_reply){
			.status = (uint16_t)status, .body = buf_str(&t->body),
			.headers = t->headers, .n_headers = t->n_headers,
		};
		if (redirects == HTTP_REDIRECTS_MAX || !may_follow(t, status) ||
		    !http_url_follow(t->curl, t->a, &t->url, http_reply_header(reply, "Location")))
			return OK;
	}
}

static enum err call_with(struct http_client *c, struct transfer *t, struct http_reply *reply,
    struct str *reason)
{
	const struct http_call *call = t->call;
	const char *wrong = check_call(call);
	uint32_t deadline_ms = call->deadline_ms != 0 ? call->deadline_ms : HTTP_DEADLINE_MS;

	t->deadline_ns = time_monotonic_ns() + deadline_ms * NS_PER_MS;
	if (wrong != NULL) {
		*reason = str_of(wrong);
		return ERR_INVALID;
	}
	enum err e = http_url_parse(t->curl, t->a, call->url, call->plain_http, &t->url, reason);
	if (e != OK)
		return e;
	buf_init(&t->body, t->a, call->response_max_bytes != 0 ? call->response_max_bytes :
	    HTTP_RESPONSE_MAX_BYTES);
	/* At once: a body that grows leaves copies, and some bodies are secrets. */
	if (!buf_reserve(&t->body, t->body.max_bytes < FIRST_BODY_BYTES ? t->body.max_bytes :
	    FIRST_BODY_BYTES))
		return ERR_NO_MEMORY;
	make_lines(t);
	e = perform(c, t, reply, reason);
	wipe_lines(t);
	/* Nothing of this call stays in the handle but its connections. */
	t->curl->easy_reset(t->handle);
	http_url_clean(t->curl, &t->url);
	return e;
}

enum err http_client_call(struct http_client *c, struct arena *a, const struct http_call *call,
    struct http_reply *reply, struct str *reason)
{
	const struct curl_library *curl = curl_library();
	uint64_t start = time_monotonic_ns();
	enum err e = ERR_UNAVAILABLE;

	*reason = STR("libcurl.so.4 is not installed");
	if (curl != NULL && c->handle == NULL)
		c->handle = curl->easy_init();
	if (curl != NULL && c->handle == NULL)
		e = ERR_NO_MEMORY;
	*reply = (struct http_reply){ .status = 0 };
	if (c->handle != NULL) {
		struct transfer *t = ARENA_NEW(a, struct transfer);

		*t = (struct transfer){ .curl = curl, .handle = c->handle, .a = a, .call = call };
		e = call_with(c, t, reply, reason);
	}
	outgoing_count(c->metrics, call->purpose, e, reply->status, time_monotonic_ns() - start);
	return e;
}
