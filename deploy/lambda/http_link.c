#include "lambda/http_link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "lambda/io.h"
#include "lambda/limits.h"

#define LINE_MAX_BYTES 256      /* of a chunk's size */

/* --- connecting ------------------------------------------------------------------------ */

static bool read_host(struct http_link *l, struct str host, uint16_t port)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&l->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&l->address;
	char text[INET6_ADDRSTRLEN + 1];

	if (str_eq(host, STR("localhost")))
		host = STR("127.0.0.1");
	if (host.len >= sizeof(text))
		return false;
	memcpy(text, host.ptr, host.len);
	text[host.len] = '\0';
	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		l->address_size = sizeof(*v4);
		return true;
	}
	if (inet_pton(AF_INET6, text, &v6->sin6_addr) != 1)
		return false;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	l->address_size = sizeof(*v6);
	return true;
}

enum err http_link_open(struct http_link *l, struct str host_port)
{
	size_t colon = host_port.len;
	uint64_t port;

	memset(l, 0, offsetof(struct http_link, in));
	l->fd = -1;
	while (colon > 0 && host_port.ptr[colon - 1] != ':')
		colon--;
	if (colon == 0 || !str_to_u64(str_from(host_port, colon), &port) || port == 0 || port > 65535)
		return ERR_INVALID;
	struct str host = str_first(host_port, colon - 1);
	if (str_starts(host, STR("[")) && str_ends(host, STR("]")))
		host = str_from(str_first(host, host.len - 1), 1);
	return read_host(l, host, (uint16_t)port) ? OK : ERR_INVALID;
}

void http_link_close(struct http_link *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
	l->begin = l->end = 0;
}

/* Whether a connection that was left alone is still one: it must have nothing to say. */
static bool is_idle(struct http_link *l)
{
	char byte;

	return l->begin == l->end && recv(l->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	    errno == EAGAIN;
}

enum err http_link_connect(struct http_link *l, uint64_t until_ns)
{
	int one = 1, error = 0;
	socklen_t size = sizeof(error);

	if (l->fd >= 0 && is_idle(l))
		return OK;
	http_link_close(l);
	l->fd = socket(l->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return ERR_UNAVAILABLE;
	(void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(l->fd, (const struct sockaddr *)&l->address, l->address_size) == 0)
		return OK;
	if (errno == EINPROGRESS && io_wait(l->fd, POLLOUT, -1, until_ns) == OK &&
	    getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
		return OK;
	http_link_close(l);
	return ERR_UNAVAILABLE;
}

/* --- reading -------------------------------------------------------------------------------- */

struct reader {
	struct http_link *link;
	int               also;
	uint64_t          until_ns;
};

/* More bytes behind those that are there. */
static enum err fill(struct reader *r)
{
	struct http_link *l = r->link;
	size_t got = 0;

	if (l->begin == l->end)
		l->begin = l->end = 0;
	if (l->end == sizeof(l->in)) {
		memmove(l->in, l->in + l->begin, l->end - l->begin);
		l->end -= l->begin;
		l->begin = 0;
	}
	if (l->end == sizeof(l->in))
		return ERR_CORRUPT;
	enum err e = io_read(l->fd, l->in + l->end, sizeof(l->in) - l->end, r->also, r->until_ns, &got);
	if (e == OK)
		l->end += got;
	return e;
}

static struct str unread(const struct http_link *l)
{
	return (struct str){ l->in + l->begin, l->end - l->begin };
}

/* A line without its end. */
static enum err read_line(struct reader *r, struct str *line)
{
	struct http_link *l = r->link;

	for (;;) {
		struct str there = unread(l);
		size_t end = str_index(there, '\n');
		if (end < there.len) {
			l->begin += end + 1;
			*line = str_first(there, end);
			if (str_ends(*line, STR("\r")))
				line->len--;
			return OK;
		}
		enum err e = fill(r);
		if (e != OK)
			return e;
	}
}

/* "HTTP/1.1 200 OK" */
static bool read_status(struct str line, int *status)
{
	uint64_t n;

	if (!str_starts(line, STR("HTTP/1.")) || line.len < 12 || line.ptr[8] != ' ' ||
	    !str_to_u64(str_first(str_from(line, 9), 3), &n) || n < 100)
		return false;
	*status = (int)n;
	return true;
}

static enum err read_head(struct reader *r, struct arena *a, struct http_answer *out)
{
	struct buf head;
	struct str line;
	enum err e = read_line(r, &line);

	if (e != OK)
		return e == ERR_NOT_FOUND && r->link->end > r->link->begin ? ERR_CORRUPT : e;
	if (!read_status(line, &out->status))
		return ERR_CORRUPT;
	buf_init(&head, a, HTTP_HEAD_MAX_BYTES);
	for (;;) {
		e = read_line(r, &line);
		if (e != OK)
			return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
		if (line.len == 0)
			break;
		buf_add(&head, line);
		buf_char(&head, '\n');
	}
	out->head = buf_str(&head);
	return buf_failed(&head) ? ERR_CORRUPT : OK;
}

/* `count` bytes of the body, or what there is room for. */
static enum err take(struct reader *r, uint64_t count, struct buf *body)
{
	struct http_link *l = r->link;

	while (count > 0) {
		struct str there = unread(l);
		if (there.len == 0) {
			enum err e = fill(r);
			if (e != OK)
				return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
			continue;
		}
		there = str_first(there, count < there.len ? (size_t)count : there.len);
		buf_add(body, there);
		l->begin += there.len;
		count -= there.len;
	}
	return OK;
}

static bool read_hex(struct str s, uint64_t *out)
{
	*out = 0;
	s = str_trim(str_first(s, str_index(s, ';')));
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') :
		    c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10) :
		    c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10) : 16;
		if (digit > 15)
			return false;
		*out = *out << 4 | digit;
	}
	return s.len > 0 && s.len <= 8;
}

/* RFC 9112, 7.1 */
static enum err take_chunks(struct reader *r, struct buf *body)
{
	struct str line;
	uint64_t size = 1;
	enum err e = OK;

	while (size > 0) {
		e = read_line(r, &line);
		if (e == OK && (line.len > LINE_MAX_BYTES || !read_hex(line, &size)))
			e = ERR_CORRUPT;
		if (e == OK && size > 0) {
			e = take(r, size, body);
			if (e == OK)
				e = read_line(r, &line);
		}
		if (e != OK)
			return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
	}
	do
		e = read_line(r, &line);
	while (e == OK && line.len > 0);
	return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

static enum err read_body(struct reader *r, struct arena *a, size_t body_max,
    struct http_answer *out)
{
	struct str length = http_answer_header(out, STR("content-length"));
	struct buf body;
	uint64_t size = 0;
	enum err e;

	buf_init(&body, a, body_max);
	if (length.ptr != NULL && !str_to_u64(length, &size))
		return ERR_CORRUPT;
	if (str_eq_nocase(http_answer_header(out, STR("transfer-encoding")), STR("chunked"))) {
		e = take_chunks(r, &body);
	} else {
		if (size > 0 && size <= body_max && !buf_reserve(&body, (size_t)size))
			return ERR_NO_MEMORY;
		e = take(r, size, &body);
	}
	out->body = buf_str(&body);
	return e == OK && buf_failed(&body) ? ERR_TOO_LARGE : e;
}

enum err http_link_read(struct http_link *l, struct arena *a, size_t body_max, int also,
    uint64_t until_ns, struct http_answer *out)
{
	struct reader r = { l, also, until_ns };
	enum err e;

	*out = (struct http_answer){ .body = STR("") };
	do
		e = read_head(&r, a, out);
	while (e == OK && out->status < 200);
	if (e == OK) {
		/* Whoever wants to stop us waits for the end of what has begun. */
		r.also = -1;
		e = read_body(&r, a, body_max, out);
	}
	if ((e != OK && e != ERR_TOO_LARGE && e != ERR_EXPIRED) ||
	    str_eq_nocase(http_answer_header(out, STR("connection")), STR("close")))
		http_link_close(l);
	return e;
}

struct str http_answer_header(const struct http_answer *answer, struct str name)
{
	for (struct str rest = answer->head; rest.ptr != NULL;) {
		struct str line = str_cut(&rest, '\n');
		size_t colon = str_index(line, ':');
		if (colon < line.len && str_eq_nocase(str_first(line, colon), name))
			return str_trim(str_from(line, colon + 1));
	}
	return STR_NONE;
}
