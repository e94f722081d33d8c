#include "serve/outgoing.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "serve/record.h"

/* Padding, the empty record that ends the output, FCGI_END_REQUEST. */
#define TAIL_BYTES (8 + FCGI_HEADER_LEN + 16)

void outgoing_begin(struct outgoing *o, int fd, uint16_t id, int timeout_ms)
{
	o->fd = fd;
	o->id = id;
	o->timeout_ms = timeout_ms;
	o->failed = false;
	o->timed_out = false;
	o->held = 0;
}

static void skip_sent(struct msghdr *m, size_t sent)
{
	while (m->msg_iovlen > 0 && sent >= m->msg_iov->iov_len) {
		sent -= m->msg_iov->iov_len;
		m->msg_iov++;
		m->msg_iovlen--;
	}
	if (m->msg_iovlen > 0) {
		m->msg_iov->iov_base = (char *)m->msg_iov->iov_base + sent;
		m->msg_iov->iov_len -= sent;
	}
}

/* Until the peer takes more. */
static bool wait_for_room(struct outgoing *o)
{
	struct pollfd p = { .fd = o->fd, .events = POLLOUT };
	int n;

	do
		n = poll(&p, 1, o->timeout_ms);
	while (n < 0 && errno == EINTR);
	o->timed_out = n == 0;
	return n > 0;
}

static bool send_all(struct outgoing *o, struct iovec *list, size_t count)
{
	struct msghdr m = { .msg_iov = list, .msg_iovlen = count };

	while (!o->failed && m.msg_iovlen > 0) {
		ssize_t n = sendmsg(o->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0)
			skip_sent(&m, (size_t)n);
		else if (errno == EAGAIN || errno == EWOULDBLOCK)
			o->failed = !wait_for_room(o);
		else if (errno != EINTR)
			o->failed = true;
	}
	return !o->failed;
}

/* The bytes behind a record's content; with `last` also the end of the request. */
static size_t tail(const struct outgoing *o, size_t padding, bool last, unsigned char *out)
{
	memset(out, 0, padding);
	if (!last)
		return padding;
	record_header_write((struct record_header){ .type = FCGI_STDOUT, .id = o->id },
	    out + padding);
	size_t size = padding + FCGI_HEADER_LEN;
	return size + record_end_request(o->id, FCGI_REQUEST_COMPLETE, out + size);
}

/* One record of `a` and `b`, which together are at most RECORD_CONTENT_MAX. */
static bool send_record(struct outgoing *o, struct str a, struct str b, bool last)
{
	unsigned char header[FCGI_HEADER_LEN], end[TAIL_BYTES];
	size_t length = a.len + b.len, padding = (8 - length % 8) % 8;
	size_t tail_len = tail(o, padding, last, end);
	struct iovec list[] = {
		{ header, length == 0 ? 0 : sizeof(header) },
		{ (void *)a.ptr, a.len },
		{ (void *)b.ptr, b.len },
		{ end, tail_len },
	};

	record_header_write((struct record_header){ .type = FCGI_STDOUT, .id = o->id,
	    .length = (uint16_t)length, .padding = (uint8_t)padding }, header);
	return send_all(o, list, COUNT(list));
}

static bool send_content(struct outgoing *o, struct str a, struct str b, bool last)
{
	bool more = true;

	while (more && !o->failed) {
		struct str x = str_first(a, RECORD_CONTENT_MAX);
		struct str y = str_first(b, RECORD_CONTENT_MAX - x.len);
		a = str_from(a, x.len);
		b = str_from(b, y.len);
		more = a.len + b.len > 0;
		send_record(o, x, y, last && !more);
	}
	return !o->failed;
}

bool outgoing_write(struct outgoing *o, struct str bytes)
{
	if (bytes.len == 0)
		return !o->failed;
	if (o->held + bytes.len > sizeof(o->hold)) {
		struct str held = { o->hold, o->held };
		o->held = 0;
		return send_content(o, held, bytes, false);
	}
	memcpy(o->hold + o->held, bytes.ptr, bytes.len);
	o->held += bytes.len;
	return !o->failed;
}

bool outgoing_end(struct outgoing *o, struct str head, struct str body)
{
	if (o->held > 0) {
		outgoing_write(o, head);
		head = (struct str){ o->hold, o->held };
		o->held = 0;
	}
	return send_content(o, head, body, true);
}

bool outgoing_raw(struct outgoing *o, const void *bytes, size_t len)
{
	struct iovec list = { (void *)bytes, len };

	return send_all(o, &list, 1);
}
