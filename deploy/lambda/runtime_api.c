#include "lambda/runtime_api.h"

#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/time.h"
#include "lambda/io.h"
#include "lambda/limits.h"

#define VERSION     "/2018-06-01/runtime"
#define PAUSE_MS    20          /* before another connection, and as much more each time */
#define ANSWER_MAX  65536       /* of what is not an event */

enum err runtime_open(struct runtime_api *api, struct str host_port)
{
	arena_init(&api->arena, ARENA_INVOCATION_BYTES);
	api->streaming = false;
	return http_link_open(&api->link, host_port);
}

void runtime_close(struct runtime_api *api)
{
	http_link_close(&api->link);
	arena_clean(&api->arena);
}

static void pause_before(int attempt)
{
	struct timespec t = { .tv_nsec = (long)attempt * PAUSE_MS * 1000000 };

	(void)nanosleep(&t, NULL);
}

/* Writes head and body on a connection, and on another when the first was dead. */
static enum err ask(struct runtime_api *api, struct str head, struct str body, uint64_t until_ns)
{
	for (int attempt = 0; attempt < API_ATTEMPTS; attempt++) {
		pause_before(attempt);
		if (http_link_connect(&api->link, until_ns) != OK)
			continue;
		enum err e = io_write(api->link.fd, head, until_ns);
		if (e == OK)
			e = io_write(api->link.fd, body, until_ns);
		if (e == OK)
			return OK;
		http_link_close(&api->link);
	}
	return ERR_UNAVAILABLE;
}

/* --- the next event ------------------------------------------------------------------- */

static struct str header(struct arena *a, const struct http_answer *answer, const char *name)
{
	return arena_dup(a, http_answer_header(answer, str_of(name)));
}

/* An id goes back into a request's first line. */
static bool is_id(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '_'))
			return false;
	}
	return s.len > 0 && s.len <= 128;
}

static enum err read_invocation(struct arena *a, const struct http_answer *answer,
    struct invocation *out)
{
	int64_t deadline = 0;

	*out = (struct invocation){
		.request_id = header(a, answer, "lambda-runtime-aws-request-id"),
		.trace_id = header(a, answer, "lambda-runtime-trace-id"),
		.function_arn = header(a, answer, "lambda-runtime-invoked-function-arn"),
	};
	if (!is_id(out->request_id) ||
	    !str_to_i64(http_answer_header(answer, STR("lambda-runtime-deadline-ms")), &deadline))
		return ERR_UNAVAILABLE;
	out->deadline_ms = deadline;
	out->remaining_ms = deadline - time_now_ms();
	return OK;
}

static enum err ask_next(struct runtime_api *api, struct arena *a, int stop_fd,
    struct http_answer *answer)
{
	const struct str head = STR("GET " VERSION "/invocation/next HTTP/1.1\r\nHost: lambda\r\n"
	    "User-Agent: quiver/" QUIVER_VERSION "\r\n\r\n");
	enum err e = ERR_UNAVAILABLE;

	/* A wait that the peer breaks off is begun again: nothing was taken. */
	for (int attempt = 0; attempt < API_ATTEMPTS; attempt++) {
		pause_before(attempt);
		if (ask(api, head, STR(""), io_deadline(API_TIMEOUT_MS)) != OK)
			return ERR_UNAVAILABLE;
		e = http_link_read(&api->link, a, EVENT_MAX_BYTES, stop_fd, 0, answer);
		if (e != ERR_NOT_FOUND)
			break;
	}
	return e;
}

enum err runtime_next(struct runtime_api *api, struct arena *a, int stop_fd,
    struct invocation *out, struct str *event)
{
	struct http_answer answer;
	enum err e = ask_next(api, a, stop_fd, &answer);

	if (e != OK && e != ERR_TOO_LARGE)
		return e == ERR_EXPIRED ? e : ERR_UNAVAILABLE;
	if (answer.status != 200)
		return ERR_UNAVAILABLE;
	enum err read = read_invocation(a, &answer, out);
	*event = answer.body;
	return read != OK ? read : e;
}

/* --- answers ------------------------------------------------------------------------------- */

static enum err meaning(int status)
{
	if (status >= 200 && status < 300)
		return OK;
	if (status == 413)
		return ERR_TOO_LARGE;
	return status >= 500 ? ERR_UNAVAILABLE : ERR_NOT_FOUND;
}

/* One call whose answer says no more than its status.  What was cut before any of the
 * answer came is said once more: an id is answered once, whoever says it twice. */
static enum err tell(struct runtime_api *api, struct str head, struct str body)
{
	struct http_answer answer;
	uint64_t until = io_deadline(API_TIMEOUT_MS);
	enum err e = ERR_UNAVAILABLE;

	for (int attempt = 0; attempt < 2; attempt++) {
		if (ask(api, head, body, until) != OK)
			return ERR_UNAVAILABLE;
		e = http_link_read(&api->link, &api->arena, ANSWER_MAX, -1, until, &answer);
		if (e != ERR_NOT_FOUND)
			break;
	}
	return e == OK || e == ERR_TOO_LARGE ? meaning(answer.status) : ERR_UNAVAILABLE;
}

static struct str path_of(struct runtime_api *api, struct str id, const char *what)
{
	if (id.ptr == NULL)
		return STR(VERSION "/init/error");
	return arena_printf(&api->arena, VERSION "/invocation/%.*s/%s", STR_ARG(id), what);
}

enum err runtime_respond(struct runtime_api *api, struct str id, struct str body)
{
	arena_reset(&api->arena);
	struct str head = arena_printf(&api->arena, "POST %.*s HTTP/1.1\r\nHost: lambda\r\n"
	    "User-Agent: quiver/" QUIVER_VERSION "\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n", STR_ARG(path_of(api, id, "response")), body.len);
	return tell(api, head, body);
}

static struct str error_json(struct arena *a, struct str type, struct str message)
{
	struct buf out;
	struct json_writer w;

	buf_init(&out, a, ANSWER_MAX);
	json_begin(&w, &out);
	json_object_open(&w);
	json_member_string(&w, "errorMessage", message);
	json_member_string(&w, "errorType", type);
	json_name(&w, "stackTrace");
	json_array_open(&w);
	json_array_close(&w);
	json_object_close(&w);
	json_end(&w);
	return buf_str(&out);
}

enum err runtime_fail(struct runtime_api *api, struct str id, struct str type, struct str message)
{
	arena_reset(&api->arena);
	struct str body = error_json(&api->arena, type, message);
	struct str head = arena_printf(&api->arena, "POST %.*s HTTP/1.1\r\nHost: lambda\r\n"
	    "User-Agent: quiver/" QUIVER_VERSION "\r\nContent-Type: application/json\r\n"
	    "Lambda-Runtime-Function-Error-Type: %.*s\r\nContent-Length: %zu\r\n\r\n",
	    STR_ARG(path_of(api, id, "error")), STR_ARG(type), body.len);
	return tell(api, head, body);
}

/* --- a reply in pieces ------------------------------------------------------------------------ */

enum err runtime_stream_begin(struct runtime_api *api, struct str id, uint64_t until_ns)
{
	arena_reset(&api->arena);
	struct str head = arena_printf(&api->arena, "POST %.*s HTTP/1.1\r\nHost: lambda\r\n"
	    "User-Agent: quiver/" QUIVER_VERSION "\r\n"
	    "Content-Type: application/vnd.awslambda.http-integration-response\r\n"
	    "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
	    "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n"
	    "Transfer-Encoding: chunked\r\n\r\n", STR_ARG(path_of(api, id, "response")));
	api->until_ns = until_ns;
	enum err e = ask(api, head, STR(""), until_ns);
	api->streaming = e == OK;
	return e;
}

enum err runtime_stream_write(struct runtime_api *api, struct str bytes)
{
	char size[24];

	if (bytes.len == 0)
		return OK;
	if (!api->streaming)
		return ERR_UNAVAILABLE;
	int n = snprintf(size, sizeof(size), "%zx\r\n", bytes.len);
	enum err e = io_write(api->link.fd, (struct str){ size, (size_t)n }, api->until_ns);
	if (e == OK)
		e = io_write(api->link.fd, bytes, api->until_ns);
	if (e == OK)
		e = io_write(api->link.fd, STR("\r\n"), api->until_ns);
	if (e != OK) {
		http_link_close(&api->link);
		api->streaming = false;
	}
	return e;
}

enum err runtime_stream_end(struct runtime_api *api, struct str type, struct str message)
{
	struct http_answer answer = { .status = 0 };
	struct buf end;
	uint64_t until = io_deadline(API_TIMEOUT_MS);

	if (!api->streaming)
		return ERR_NOT_FOUND;
	api->streaming = false;
	buf_init(&end, &api->arena, 2 * ANSWER_MAX);
	BUF_LIT(&end, "0\r\n");
	if (type.ptr != NULL) {
		buf_printf(&end, "Lambda-Runtime-Function-Error-Type: %.*s\r\n"
		    "Lambda-Runtime-Function-Error-Body: ", STR_ARG(type));
		crypto_base64_add(&end, error_json(&api->arena, type, message));
		BUF_LIT(&end, "\r\n");
	}
	BUF_LIT(&end, "\r\n");
	enum err e = io_write(api->link.fd, buf_str(&end), until);
	if (e != OK) {
		http_link_close(&api->link);
		return ERR_UNAVAILABLE;
	}
	e = http_link_read(&api->link, &api->arena, ANSWER_MAX, -1, until, &answer);
	return e == OK || e == ERR_TOO_LARGE ? meaning(answer.status) : ERR_UNAVAILABLE;
}
