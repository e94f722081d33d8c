#include "lambda/exchange.h"

#include <errno.h>
#include <fastcgi.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "lambda/io.h"
#include "lambda/limits.h"
#include "serve/record.h"

#define REQUEST_ID 1
#define READ_BYTES 65536        /* at once */

/* --- what is sent ---------------------------------------------------------------------- */

static void add_record(struct buf *out, uint8_t type, struct str content)
{
	unsigned char header[FCGI_HEADER_LEN];

	record_header_write((struct record_header){ .type = type, .id = REQUEST_ID,
	    .length = (uint16_t)content.len }, header);
	buf_bytes(out, header, sizeof(header));
	buf_add(out, content);
}

/* `content` in as many records as it takes, and the empty one that ends a stream. */
static void add_stream(struct buf *out, uint8_t type, struct str content)
{
	while (content.len > 0) {
		struct str part = str_first(content, RECORD_CONTENT_MAX);
		add_record(out, type, part);
		content = str_from(content, part.len);
	}
	add_record(out, type, STR(""));
}

/* FastCGI 1.0, 3.4 */
static void add_length(struct buf *out, size_t n)
{
	if (n < 128) {
		buf_char(out, (char)n);
		return;
	}
	buf_char(out, (char)(n >> 24 | 0x80));
	buf_char(out, (char)(n >> 16));
	buf_char(out, (char)(n >> 8));
	buf_char(out, (char)n);
}

static void add_request(struct arena *a, const struct event *e, struct buf *out)
{
	const char begin[8] = { 0, FCGI_RESPONDER, 0 };
	struct buf params;

	buf_init(&params, a, (size_t)VARIABLES_MAX * (2 * VARIABLE_MAX_BYTES + 8));
	for (size_t i = 0; i < e->count; i++) {
		add_length(&params, e->list[i].name.len);
		add_length(&params, e->list[i].value.len);
		buf_add(&params, e->list[i].name);
		buf_add(&params, e->list[i].value);
	}
	add_record(out, FCGI_BEGIN_REQUEST, (struct str){ begin, sizeof(begin) });
	add_stream(out, FCGI_PARAMS, buf_str(&params));
	add_stream(out, FCGI_STDIN, e->body);
	out->failed = out->failed || buf_failed(&params);
}

/* --- what comes back --------------------------------------------------------------------- */

struct answer {
	const struct exchange_sink *sink;
	unsigned char               header[FCGI_HEADER_LEN];
	size_t                      header_len;
	struct record_header        record;
	size_t                      left, padding;  /* of the record in hand */
	unsigned char               end[8];
	size_t                      end_len;
	bool                        ended;
};

/* What a program complains of is for whoever reads our log. */
static void pass_on(struct str bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(STDERR_FILENO, bytes.ptr, bytes.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		bytes = str_from(bytes, (size_t)n);
	}
}

static enum err take_content(struct answer *s, struct str part)
{
	if (s->record.id != REQUEST_ID)
		return OK;
	if (s->record.type == FCGI_STDOUT)
		return s->sink->write(s->sink->context, part);
	if (s->record.type == FCGI_STDERR)
		pass_on(part);
	for (size_t i = 0; s->record.type == FCGI_END_REQUEST && i < part.len; i++)
		if (s->end_len < sizeof(s->end))
			s->end[s->end_len++] = (unsigned char)part.ptr[i];
	return OK;
}

static enum err take_header(struct answer *s, struct str *bytes)
{
	size_t most = sizeof(s->header) - s->header_len;
	struct str part = str_first(*bytes, most);

	memcpy(s->header + s->header_len, part.ptr, part.len);
	s->header_len += part.len;
	*bytes = str_from(*bytes, part.len);
	if (s->header_len < sizeof(s->header))
		return OK;
	if (s->header[0] != FCGI_VERSION_1)
		return ERR_CORRUPT;
	s->record = record_header_read(s->header);
	s->left = s->record.length;
	s->padding = s->record.padding;
	return OK;
}

static enum err take(struct answer *s, struct str bytes)
{
	enum err e = OK;

	while (e == OK && bytes.len > 0 && !s->ended) {
		if (s->header_len < sizeof(s->header)) {
			e = take_header(s, &bytes);
		} else if (s->left > 0) {
			struct str part = str_first(bytes, s->left);
			e = take_content(s, part);
			s->left -= part.len;
			bytes = str_from(bytes, part.len);
		} else {
			size_t skip = bytes.len < s->padding ? bytes.len : s->padding;
			s->padding -= skip;
			bytes = str_from(bytes, skip);
		}
		if (s->header_len < sizeof(s->header) || s->left > 0)
			continue;
		s->ended = s->record.type == FCGI_END_REQUEST && s->record.id == REQUEST_ID;
		if (s->padding == 0)
			s->header_len = 0;
	}
	return e;
}

/* FastCGI 1.0, 5.5 */
static enum err verdict(const struct answer *s)
{
	if (s->end_len < 5)
		return ERR_CORRUPT;
	switch (s->end[4]) {
	case FCGI_REQUEST_COMPLETE:
		return OK;
	case FCGI_OVERLOADED:
	case FCGI_CANT_MPX_CONN:
		return ERR_BUSY;
	default:
		return ERR_UNSUPPORTED;
	}
}

/* --- the two together ------------------------------------------------------------------------ */

struct exchange {
	int           fd, life;
	uint64_t      until_ns;
	struct str    out;              /* what is still to be sent */
	struct answer answer;
	char          in[READ_BYTES];
};

/* As much as goes without waiting.  A program may answer and close before it has read
 * everything: what it said counts. */
static void send_some(struct exchange *x)
{
	while (x->out.len > 0) {
		ssize_t n = send(x->fd, x->out.ptr, x->out.len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN)
				x->out = STR("");
			return;
		}
		x->out = str_from(x->out, (size_t)n);
	}
}

/* Everything that is there.  ERR_EXPIRED: that was all for now. */
static enum err receive_some(struct exchange *x)
{
	while (!x->answer.ended) {
		ssize_t n = recv(x->fd, x->in, sizeof(x->in), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return ERR_EXPIRED;
		if (n <= 0)
			return ERR_CORRUPT;
		enum err e = take(&x->answer, (struct str){ x->in, (size_t)n });
		if (e != OK)
			return e;
	}
	return verdict(&x->answer);
}

static enum err converse(struct exchange *x)
{
	for (;;) {
		send_some(x);
		enum err e = receive_some(x);
		if (e != ERR_EXPIRED)
			return e;
		e = io_wait(x->fd, (short)(POLLIN | (x->out.len > 0 ? POLLOUT : 0)), x->life, x->until_ns);
		if (e == ERR_EXPIRED) {
			/* It may have said all of it before it died. */
			e = receive_some(x);
			return e == ERR_EXPIRED ? ERR_NOT_FOUND : e;
		}
		if (e != OK)
			return e;
	}
}

enum err exchange_run(struct arena *a, int fd, int life, uint64_t until_ns,
    const struct event *e, const struct exchange_sink *sink)
{
	struct exchange *x = arena_zero(a, 1, sizeof(*x));
	struct buf out;

	buf_init(&out, a, ARENA_INVOCATION_BYTES);
	add_request(a, e, &out);
	if (buf_failed(&out))
		return ERR_NO_MEMORY;
	x->fd = fd;
	x->life = life;
	x->until_ns = until_ns;
	x->out = buf_str(&out);
	x->answer.sink = sink;
	return converse(x);
}

enum err exchange_greet(int fd, int life, uint64_t until_ns)
{
	static const char question[] = "\1\11\0\0\0\21\0\0\17\0FCGI_MPXS_CONNS";
	char answer[256];
	size_t got = 0;
	enum err e = io_write(fd, (struct str){ question, sizeof(question) - 1 }, until_ns);

	if (e == OK)
		e = io_read(fd, answer, sizeof(answer), life, until_ns, &got);
	if (e == ERR_EXPIRED)
		return ERR_NOT_FOUND;
	return e == ERR_NOT_FOUND || e == ERR_IO ? OK : e;
}
