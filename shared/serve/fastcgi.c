#include "serve/fastcgi.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"
#include "http/pipeline.h"
#include "serve/record.h"

/* A body nobody wanted is read before the reply ends: Apache takes a connection
 * for free once it has FCGI_END_REQUEST, sent or not, and mod_fcgid sends all before
 * it reads.  A server that has it sends it at once; a client may take its time. */
#define DRAIN_MAX_BYTES    (66 << 20)   /* more than web servers are configured to let through */
#define DRAIN_MAX_MS       2000
#define DRAIN_PATIENCE_MS  200
#define LINGER_MAX_MS      1000
#define LINGER_PATIENCE_MS 10

/* RFC 6585, 5.  Sent from here because a list cut short may lack the very header
 * that decides who the caller is. */
#define TOO_MANY_VARIABLES                                                        \
	"Status: 431 Request Header Fields Too Large\r\n"                         \
	"Content-Type: application/problem+json\r\n"                              \
	"Cache-Control: no-store\r\n\r\n"
#define TOO_MANY_VARIABLES_BODY                                                   \
	"{\"type\":\"about:blank\",\"title\":\"Request Header Fields Too Large\"," \
	"\"status\":431,\"detail\":\"too many header fields\"}"

/* How long libfcgi, whose reads block, may wait for more of a request. */
static void set_patience(int fd, int ms)
{
	struct timeval t = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
}

/* The variables, borrowed from libfcgi until FCGX_Free. */
static bool read_variables(struct fastcgi *f, struct cgi *out)
{
	size_t n = 0;

	for (char **e = f->request.envp; *e != NULL; e++) {
		struct str value = str_of(*e);
		if (n == COUNT(f->variables))
			return false;
		f->variables[n].name = str_cut(&value, '=');
		f->variables[n].value = value;
		n++;
	}
	*out = (struct cgi){ f->variables, n };
	return true;
}

/* One byte makes libfcgi read what is there; the rest is then a copy, so that a
 * slow sender's bytes are handed on as they come. */
static long read_body(void *context, char *into, size_t most)
{
	FCGX_Stream *in = ((struct fastcgi *)context)->request.in;

	if (most == 0)
		return 0;
	int first = FCGX_GetChar(in);
	if (first < 0)
		return FCGX_GetError(in) == 0 ? 0 : -1;
	into[0] = (char)first;
	size_t there = (size_t)(in->stop - in->rdNext);
	return 1 + FCGX_GetStr(into + 1, (int)(there < most - 1 ? there : most - 1), in);
}

static bool write_stream(void *context, struct str bytes)
{
	return outgoing_write(&((struct fastcgi *)context)->out, bytes);
}

static bool send_reply(struct fastcgi *f, const struct reply *reply)
{
	const struct body_sink sink = { f, write_stream };

	if (reply->stream == NULL)
		return outgoing_end(&f->out, reply->head, reply->body);
	outgoing_write(&f->out, reply->head);
	reply->stream(reply->stream_context, &sink);
	return outgoing_end(&f->out, STR_NONE, STR_NONE);
}

/* Reads on to the end of the input, within reason: only then can the connection be
 * used again, or be closed without the peer noticing. */
static bool drain(struct fastcgi *f)
{
	FCGX_Stream *in = f->request.in;
	uint64_t end = f->whole ? UINT64_MAX : time_monotonic_ns() + DRAIN_MAX_MS * UINT64_C(1000000);
	long left = DRAIN_MAX_BYTES, n = 1;

	if (!f->whole && !FCGX_HasSeenEOF(in))
		set_patience(f->fd, DRAIN_PATIENCE_MS);
	while (left > 0 && n > 0) {
		n = FCGX_GetStr(f->peeked, (int)sizeof(f->peeked), in);
		left -= n;
		if (!f->whole && time_monotonic_ns() > end)
			break;
	}
	return FCGX_HasSeenEOF(in) && FCGX_GetError(in) == 0;
}

static bool answer(struct fastcgi *f, bool *drained)
{
	const struct body_source source = { f, read_body };
	struct reply reply = { 0 };
	struct cgi cgi;

	if (!read_variables(f, &cgi)) {
		*drained = drain(f);
		return outgoing_end(&f->out, STR(TOO_MANY_VARIABLES), STR(TOO_MANY_VARIABLES_BODY));
	}
	http_handle(f->worker, &cgi, &source, &reply);
	f->silent = FCGX_GetError(f->request.in) == EAGAIN;
	*drained = drain(f);
	bool sent = send_reply(f, &reply);
	http_finish(f->worker, sent);
	return sent;
}

static enum fastcgi_next refuse_role(struct fastcgi *f, uint16_t id)
{
	unsigned char record[16];
	size_t len = record_end_request(id, FCGI_UNKNOWN_ROLE, record);

	outgoing_begin(&f->out, f->fd, id, f->timeout_ms);
	return outgoing_raw(&f->out, record, len) ? FASTCGI_LINGER : FASTCGI_CLOSE;
}

/* FCGX_Accept_r on a connection that is open: with listen_sock -1 it returns an
 * error, the connection closed, where it would go on to accept another. */
static bool read_request(struct fastcgi *f, int fd)
{
	FCGX_InitRequest(&f->request, -1, 0);
	f->request.ipcFd = fd;
	f->request.keepConnection = 1;
	return FCGX_Accept_r(&f->request) == 0;
}

static enum fastcgi_next serve_request(struct fastcgi *f)
{
	bool keep = f->request.keepConnection != 0, drained = false;

	f->silent = false;
	outgoing_begin(&f->out, f->fd, (uint16_t)f->request.requestId, f->timeout_ms);
	metrics_change(f->in_flight, 1);
	bool sent = answer(f, &drained);
	metrics_change(f->in_flight, -1);
	FCGX_Free(&f->request, 0);
	if (f->silent || f->out.timed_out)
		return FASTCGI_SILENT;
	if (drained && sent)
		return keep ? FASTCGI_WAIT : FASTCGI_CLOSE;
	return sent ? FASTCGI_LINGER : FASTCGI_CLOSE;
}

/* `whole`: all of it is there, so that nothing below waits. */
static enum fastcgi_next take_request(struct fastcgi *f, bool whole)
{
	uint64_t started = whole ? 0 : time_monotonic_ns();

	f->whole = whole;
	if (!whole)
		set_patience(f->fd, f->timeout_ms);
	if (!read_request(f, f->fd)) {
		f->fd = -1;
		bool waited = !whole &&
		    time_monotonic_ns() - started >= (uint64_t)f->timeout_ms * 1000000;
		return waited ? FASTCGI_SILENT : FASTCGI_BROKEN;
	}
	if (f->request.role == FCGI_RESPONDER)
		return serve_request(f);
	uint16_t id = (uint16_t)f->request.requestId;
	FCGX_Free(&f->request, 0);
	return refuse_role(f, id);
}

/* A server that sends the next request before the reply to this one: libfcgi
 * would read both and drop the second.  It gets the first alone, by another way. */
static enum fastcgi_next take_first(struct fastcgi *f, size_t size)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return FASTCGI_BROKEN;
	enum fastcgi_next next = FASTCGI_BROKEN;
	bool moved = recv(f->fd, f->peeked, size, MSG_WAITALL) == (ssize_t)size &&
	    send(pair[0], f->peeked, size, MSG_NOSIGNAL) == (ssize_t)size;
	close(pair[0]);
	if (!moved) {
		close(pair[1]);
		return next;
	}
	f->whole = true;
	if (read_request(f, pair[1])) {
		next = serve_request(f);
		close(pair[1]);
	}
	return next == FASTCGI_WAIT ? FASTCGI_AGAIN : next;
}

/* Takes a record off the connection.  *content is empty when there is no room. */
static bool take_record(struct fastcgi *f, const struct record_header *h, struct str *content)
{
	size_t left = (size_t)h->length + h->padding, at = 0;
	bool fits = left <= sizeof(f->peeked);

	set_patience(f->fd, f->timeout_ms);
	if (recv(f->fd, f->peeked, FCGI_HEADER_LEN, MSG_WAITALL) != FCGI_HEADER_LEN)
		return false;
	while (left > 0) {
		size_t room = sizeof(f->peeked) - at;
		ssize_t n = recv(f->fd, f->peeked + at, left < room ? left : room, 0);
		if (n <= 0)
			return false;
		left -= (size_t)n;
		at = fits ? at + (size_t)n : 0;
	}
	*content = (struct str){ f->peeked, fits ? h->length : 0 };
	return true;
}

static enum fastcgi_next manage(struct fastcgi *f, const struct record_header *h)
{
	unsigned char record[RECORD_VALUES_MAX];
	struct str content;

	if (!take_record(f, h, &content))
		return FASTCGI_BROKEN;
	size_t len = h->type == FCGI_GET_VALUES ?
	    record_values(content, f->connections_max, record) :
	    record_unknown_type(h->type, record);
	outgoing_begin(&f->out, f->fd, FCGI_NULL_REQUEST_ID, f->timeout_ms);
	return outgoing_raw(&f->out, record, len) ? FASTCGI_AGAIN : FASTCGI_CLOSE;
}

static enum fastcgi_next begin(struct fastcgi *f, const struct opening *o)
{
	struct str ignored;

	switch (o->kind) {
	case OPENING_SHORT:
		return take_request(f, false);
	case OPENING_REQUEST:
		return o->more ? take_first(f, o->size) : take_request(f, o->size > 0);
	case OPENING_ROLE:
		return refuse_role(f, o->header.id);
	case OPENING_MANAGEMENT:
		return manage(f, &o->header);
	case OPENING_STRAY:
		return take_record(f, &o->header, &ignored) ? FASTCGI_AGAIN : FASTCGI_BROKEN;
	case OPENING_BROKEN:
		break;
	}
	return FASTCGI_BROKEN;
}

enum fastcgi_next fastcgi_converse(struct fastcgi *f, int fd)
{
	struct opening o;

	f->fd = fd;
	f->whole = false;
	ssize_t n = recv(fd, f->peeked, sizeof(f->peeked), MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return FASTCGI_WAIT;
	if (n <= 0)
		return FASTCGI_CLOSE;
	record_opening((struct str){ f->peeked, (size_t)n }, &o);
	return begin(f, &o);
}

void fastcgi_linger(int fd)
{
	uint64_t end = time_monotonic_ns() + LINGER_MAX_MS * UINT64_C(1000000);
	char trash[8192];
	ssize_t n = 1;

	(void)shutdown(fd, SHUT_WR);
	while (n > 0 && time_monotonic_ns() < end) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		n = poll(&p, 1, LINGER_PATIENCE_MS) > 0 ?
		    recv(fd, trash, sizeof(trash), MSG_DONTWAIT) : 0;
	}
	close(fd);
}
