#include "lambda/invocation.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/time.h"
#include "lambda/exchange.h"
#include "lambda/io.h"
#include "lambda/reply.h"

#define DEATH_MS 100            /* from a connection that broke to the end of its process */

/* What is going on, and what of it is said already. */
struct turn {
	struct runtime          *runtime;
	const struct invocation *invocation;
	struct event            *event;
	struct buf               bytes;         /* of the program's answer; streaming: its head */
	uint64_t                 until_ns;
	bool                     streams, begun;
	enum err                 api;           /* what the Runtime API said last */
};

void invocation_say(struct arena *a, const char *level, struct str id, struct str what)
{
	char now[TIME_RFC3339_SIZE];
	struct buf line;
	struct json_writer w;

	buf_init(&line, a, LOG_LINE_MAX_BYTES);
	time_to_rfc3339(time_now_ms(), now);
	json_begin(&w, &line);
	json_object_open(&w);
	json_member_string(&w, "time", str_of(now));
	json_member_string(&w, "level", str_of(level));
	json_member_string(&w, "handler", STR("bootstrap"));
	json_member_string(&w, "event", STR("lambda"));
	if (id.ptr != NULL)
		json_member_string(&w, "request_id", id);
	json_member_string(&w, "message", what);
	json_object_close(&w);
	buf_char(&line, '\n');
	if (!buf_failed(&line))
		(void)!write(STDERR_FILENO, line.ptr, line.len);
}

/* --- answering --------------------------------------------------------------------------- */

static enum err fail(struct turn *t, struct str type, struct str why)
{
	struct runtime *r = t->runtime;

	invocation_say(&r->arena, "error", t->invocation->request_id, why);
	return runtime_fail(&r->api, t->invocation->request_id, type, why);
}

static enum err begin_stream(struct turn *t, const struct reply *reply)
{
	struct runtime *r = t->runtime;
	struct buf prelude;

	buf_init(&prelude, &r->arena, 8 * REPLY_HEAD_MAX_BYTES);
	reply_write_prelude(reply, &prelude);
	buf_bytes(&prelude, "\0\0\0\0\0\0\0\0", 8);
	if (buf_failed(&prelude))
		return ERR_NO_MEMORY;
	t->begun = true;
	t->api = runtime_stream_begin(&r->api, t->invocation->request_id, t->until_ns);
	if (t->api == OK)
		t->api = runtime_stream_write(&r->api, buf_str(&prelude));
	if (t->api == OK)
		t->api = runtime_stream_write(&r->api, reply->body);
	return t->api;
}

static enum err send_reply(struct turn *t, const struct reply *reply)
{
	struct runtime *r = t->runtime;
	struct buf out;

	if (t->streams) {
		t->until_ns = io_deadline(API_TIMEOUT_MS);
		if (begin_stream(t, reply) != OK)
			return t->api;
		return runtime_stream_end(&r->api, STR_NONE, STR_NONE);
	}
	buf_init(&out, &r->arena, ARENA_INVOCATION_BYTES);
	if (reply_write(&r->arena, t->event, reply, &out) != OK)
		return fail(t, STR("Runtime.OutOfMemory"), STR("no memory for the reply"));
	return runtime_respond(&r->api, t->invocation->request_id, buf_str(&out));
}

/* An answer of our own: to a client as HTTP, to a queue so that it tries again. */
static enum err refuse(struct turn *t, int status, struct str type, struct str why)
{
	struct reply reply;

	if (!event_is_http(t->event->kind))
		return fail(t, type, why);
	if (status >= 500)
		invocation_say(&t->runtime->arena, "error", t->invocation->request_id, why);
	reply_problem(&t->runtime->arena, status, why, &reply);
	return send_reply(t, &reply);
}

/* --- asking a handler ---------------------------------------------------------------------- */

static enum err take_streamed(struct turn *t)
{
	struct str there = buf_str(&t->bytes);
	struct reply reply;
	size_t head = reply_head_end(there);

	if (head == 0)
		return there.len > REPLY_HEAD_MAX_BYTES ? ERR_CORRUPT : OK;
	enum err e = reply_read_head(str_first(there, head), &reply);
	if (e != OK)
		return ERR_CORRUPT;
	reply.body = str_from(there, head);
	return begin_stream(t, &reply);
}

static enum err take_output(void *context, struct str bytes)
{
	struct turn *t = context;

	if (t->begun)
		return t->api = runtime_stream_write(&t->runtime->api, bytes);
	buf_add(&t->bytes, bytes);
	if (buf_failed(&t->bytes))
		return ERR_TOO_LARGE;
	return t->streams ? take_streamed(t) : OK;
}

static enum err finish(struct turn *t, const char *program)
{
	struct runtime *r = t->runtime;
	struct str there = buf_str(&t->bytes);
	struct reply reply;
	size_t head = reply_head_end(there);

	if (t->begun)
		return runtime_stream_end(&r->api, STR_NONE, STR_NONE);
	if (head == 0 || reply_read_head(str_first(there, head), &reply) != OK)
		return refuse(t, 502, STR("Handler.NoReply"), arena_printf(&r->arena,
		    "%s answered without a CGI header", program));
	reply.body = str_from(there, head);
	if (!event_is_http(t->event->kind) && reply.status >= 300)
		return fail(t, STR("Handler.Refused"), arena_printf(&r->arena,
		    "%s answered %d to %.*s", program, reply.status, STR_ARG(t->event->path)));
	return send_reply(t, &reply);
}

static const struct {
	enum err    outcome;
	int         status;
	struct str  type;
	const char *what;
} failures[] = {
	{ ERR_NOT_FOUND, 502, STR_INIT("Handler.Ended"), "ended before it answered" },
	{ ERR_CORRUPT, 502, STR_INIT("Handler.BrokeOff"), "broke off its answer" },
	{ ERR_TIMEOUT, 504, STR_INIT("Handler.TooSlow"), "did not answer in time" },
	{ ERR_BUSY, 503, STR_INIT("Handler.Overloaded"), "is overloaded" },
	{ ERR_TOO_LARGE, 500, STR_INIT("Handler.ReplyTooLarge"), "answered more than fits" },
	{ ERR_UNSUPPORTED, 502, STR_INIT("Handler.Refused"), "takes no FastCGI responder's request" },
};

static enum err finish_failed(struct turn *t, const char *program, enum err outcome)
{
	struct runtime *r = t->runtime;
	size_t i = 0;

	while (i + 1 < COUNT(failures) && failures[i].outcome != outcome)
		i++;
	struct str why = arena_printf(&r->arena, "%s %s", program, failures[i].what);
	if (!t->begun)
		return refuse(t, failures[i].status, failures[i].type, why);
	invocation_say(&r->arena, "error", t->invocation->request_id, why);
	enum err e = runtime_stream_end(&r->api, failures[i].type, why);
	/* A stream that Lambda has closed is over; we are not. */
	return e == ERR_UNAVAILABLE && t->api != OK ? OK : e;
}

/* Nothing that was given up may still run, or be found queued by who comes next. */
static void clear_up(struct program *which, enum err outcome)
{
	if (outcome == ERR_TIMEOUT || outcome == ERR_NOT_FOUND ||
	    (outcome == ERR_CORRUPT && io_wait(which->life, POLLIN, -1, io_deadline(DEATH_MS)) == OK))
		program_kill(which);
}

/* Some of what is left when the margin is more than that. */
static uint64_t deadline(const struct runtime *r, const struct invocation *i)
{
	int64_t left = i->deadline_ms - time_now_ms();
	int64_t margin = r->settings.margin_ms;

	return io_deadline(left > 2 * margin ? left - margin : left / 2);
}

static enum err ask(struct turn *t, struct program *which)
{
	struct runtime *r = t->runtime;
	const struct exchange_sink sink = { t, take_output };
	const char *name = which->arguments[0];
	int fd = program_start(which) ? program_connect(which) : -1;

	if (fd < 0)
		return refuse(t, 502, STR("Handler.NotStarted"), arena_printf(&r->arena,
		    "%s does not start: %s", name, strerror(errno)));
	enum err e = exchange_run(&r->arena, fd, which->life, t->until_ns, t->event, &sink);
	close(fd);
	enum err said = e == OK ? finish(t, name) : finish_failed(t, name, e);
	clear_up(which, e);
	return said;
}

/* --- the whole ------------------------------------------------------------------------------- */

static enum err serve_event(struct turn *t)
{
	struct runtime *r = t->runtime;
	struct event *e = t->event;
	struct program *which;

	if (e->status != 0)
		return refuse(t, e->status, STR("Event.Refused"), str_of(e->detail));
	which = programs_find(&r->programs, e->path);
	if (which == NULL)
		return refuse(t, 404, STR("Event.NoHandler"), arena_printf(&r->arena,
		    "no handler of this function answers %.*s", STR_ARG(e->path)));
	return ask(t, which);
}

enum err invocation_serve(struct runtime *r, const struct invocation *i, struct str text,
    bool too_large)
{
	struct event *event = arena_zero(&r->arena, 1, sizeof(*event));
	struct turn t = { .runtime = r, .invocation = i, .event = event,
	    .streams = r->settings.streams, .until_ns = deadline(r, i) };
	struct json_error error = { 0 };
	const struct json *document;
	struct str reason = STR("no memory for the event");

	buf_init(&t.bytes, &r->arena, REPLY_HEAD_MAX_BYTES + REPLY_BODY_MAX_BYTES);
	event->kind = EVENT_URL;        /* whose reply all but a load balancer take */
	if (too_large)
		return refuse(&t, 413, STR("Event.TooLarge"), STR("the request is larger than 6 MB"));
	enum err e = json_parse(&r->arena, text, JSON_DEPTH_MAX, &document, &error);
	if (e == ERR_INVALID)
		return fail(&t, STR("Event.Malformed"), arena_printf(&r->arena,
		    "the event is no JSON: line %u, column %u: %s", error.line, error.column,
		    error.reason));
	if (e == OK)
		e = event_read(&r->arena, document, text, i, str_of(r->settings.base_path), event,
		    &reason);
	if (e != OK)
		return fail(&t, e == ERR_UNSUPPORTED ? STR("Event.Unknown") : STR("Event.Malformed"),
		    reason);
	t.streams = t.streams && event_is_http(event->kind);
	return serve_event(&t);
}
