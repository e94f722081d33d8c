/*
 * The workers over real sockets, in this process: what many connections at once,
 * the bound on them, large replies and readers that do not read do to them.
 */
#include <errno.h>
#include <fcgiapp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "fixture.h"
#include "serve/listen.h"
#include "serve/loop.h"
#include "serve/outgoing.h"
#include "serve/record.h"
#include "serve/stop.h"

#define WORKERS      4
#define BIG_BYTES    300000
#define PIECES       5000
#define PIECE        "a piece of a stream; "
#define DEADLINE_MS  10000

/* --- a handler of the test's own ------------------------------------------------ */

static enum err small(const struct request *req, struct response *res)
{
	(void)req;
	response_body(res, STR("{\"small\":true}"));
	return OK;
}

static enum err big(const struct request *req, struct response *res)
{
	char *text = arena_alloc(req->arena, BIG_BYTES);

	for (size_t i = 0; i < BIG_BYTES; i++)
		text[i] = (char)('a' + i % 26);
	res->body = (struct str){ text, BIG_BYTES };
	return OK;
}

static void pieces(void *context, const struct body_sink *sink)
{
	bool more = true;

	(void)context;
	for (int i = 0; i < PIECES && more; i++)
		more = sink->write(sink->context, STR(PIECE));
}

static enum err streamed(const struct request *req, struct response *res)
{
	(void)req;
	res->stream = pieces;
	return OK;
}

static enum err measure(const struct request *req, struct response *res)
{
	struct str text = arena_printf(req->arena, "%zu %llx", req->body.len,
	    (unsigned long long)str_hash(req->body));

	res->body = text;
	return OK;
}

static const char *const any_bytes[] = { "application/octet-stream", NULL };

#define PLAIN .scope = SCOPE_PUBLIC, .reply_type = "text/plain", .exempt = true, .quiet = true

static const struct route routes[] = {
	{ GET,  "/v1/serve/small", small, PLAIN, .summary = "Small" },
	{ GET,  "/v1/serve/big", big, PLAIN, .summary = "Big" },
	{ GET,  "/v1/serve/streamed", streamed, PLAIN, .summary = "Streamed" },
	{ POST, "/v1/serve/measure", measure, PLAIN, .body_kind = BODY_RAW, .accepts = any_bytes,
	  .summary = "Measure" },
};

static const struct handler handler = {
	.name = "serve", .summary = "Of the test", .routes = routes, .n_routes = COUNT(routes),
};

/* --- the workers ------------------------------------------------------------------ */

struct rig {
	struct fixture  fixture;
	struct listener listener;
	struct loop     loop;
	struct worker   workers[WORKERS];
	pthread_t       threads[WORKERS];
	char            path[96];
};

struct seat {
	struct rig *rig;
	int         index;
};

static void *work(void *context)
{
	struct seat *seat = context;

	loop_work(&seat->rig->loop, &seat->rig->workers[seat->index]);
	free(seat);
	return NULL;
}

static void rig_open(struct rig *r, unsigned connections_max, const char *const *settings)
{
	struct str reason = STR_NONE;

	FCGX_Init();
	signal(SIGPIPE, SIG_IGN);
	fixture_open(&r->fixture, &handler, settings);
	snprintf(r->path, sizeof(r->path), "%s/serve.sock", r->fixture.dir);
	if (listen_open(&r->fixture.arena, str_of(r->path), &r->listener, &reason) != OK)
		fail_msg("%.*s", STR_ARG(reason));
	assert_int_equal(loop_open(&r->loop, &r->fixture.app, r->listener.fd), OK);
	if (connections_max > 0)
		r->loop.connections_max = connections_max;
	for (int i = 0; i < WORKERS; i++) {
		struct seat *seat = malloc(sizeof(*seat));
		*seat = (struct seat){ r, i };
		assert_int_equal(worker_open(&r->workers[i], &r->fixture.app, (unsigned)i + 1), OK);
		assert_int_equal(pthread_create(&r->threads[i], NULL, work, seat), 0);
	}
}

static void rig_stop(struct rig *r)
{
	listen_unlink(&r->listener);
	loop_stop(&r->loop, true);
	for (int i = 0; i < WORKERS; i++)
		assert_int_equal(pthread_join(r->threads[i], NULL), 0);
}

static void rig_close(struct rig *r)
{
	rig_stop(r);
	for (int i = 0; i < WORKERS; i++)
		worker_close(&r->workers[i]);
	loop_close(&r->loop);
	close(r->listener.fd);
	fixture_close(&r->fixture);
}

/* --- a client ------------------------------------------------------------------------ */

static int connect_to(const struct rig *r)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = DEADLINE_MS / 1000 };

	memcpy(at.sun_path, r->path, strlen(r->path));
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void add_record(struct buf *b, uint8_t type, struct str content, uint8_t padding)
{
	unsigned char header[FCGI_HEADER_LEN];

	record_header_write((struct record_header){ .type = type, .id = 1,
	    .length = (uint16_t)content.len, .padding = padding }, header);
	buf_bytes(b, header, sizeof(header));
	buf_add(b, content);
	for (uint8_t i = 0; i < padding; i++)
		buf_char(b, 'p');
}

static void add_variable(struct buf *b, const char *name, const char *value)
{
	buf_char(b, (char)strlen(name));
	buf_char(b, (char)strlen(value));
	buf_add(b, str_of(name));
	buf_add(b, str_of(value));
}

static struct str request_bytes(struct arena *a, const char *method, const char *target,
    struct str body, bool keep)
{
	struct buf out, variables;
	char begin[8] = { 0, FCGI_RESPONDER, keep ? FCGI_KEEP_CONN : 0 };

	buf_init(&out, a, 4 << 20);
	buf_init(&variables, a, 4096);
	add_variable(&variables, "REQUEST_METHOD", method);
	add_variable(&variables, "REQUEST_URI", target);
	add_variable(&variables, "CONTENT_TYPE", "application/octet-stream");
	add_record(&out, FCGI_BEGIN_REQUEST, (struct str){ begin, sizeof(begin) }, 0);
	add_record(&out, FCGI_PARAMS, buf_str(&variables), 3);
	add_record(&out, FCGI_PARAMS, STR(""), 0);
	for (; body.len > 0; body = str_from(body, 65535))
		add_record(&out, FCGI_STDIN, str_first(body, 65535), 255);
	add_record(&out, FCGI_STDIN, STR(""), 0);
	assert_false(buf_failed(&out));
	return buf_str(&out);
}

static void send_bytes(int fd, struct str bytes)
{
	while (bytes.len > 0) {
		ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
		assert_true(n > 0);
		bytes = str_from(bytes, (size_t)n);
	}
}

static bool receive(int fd, void *into, size_t len)
{
	return len == 0 || recv(fd, into, len, MSG_WAITALL) == (ssize_t)len;
}

/* The content of a reply; its largest record.  False when the connection ended first. */
static bool receive_reply(int fd, struct buf *out, size_t *largest)
{
	unsigned char header[FCGI_HEADER_LEN];
	char content[65536 + RECORD_PADDING_MAX];

	for (;;) {
		if (!receive(fd, header, sizeof(header)))
			return false;
		struct record_header h = record_header_read(header);
		assert_int_equal((h.length + h.padding) % 8, 0);
		if (!receive(fd, content, (size_t)h.length + h.padding))
			return false;
		if (h.type == FCGI_END_REQUEST)
			return true;
		if (h.length > *largest)
			*largest = h.length;
		buf_bytes(out, content, h.length);
	}
}

static struct str body_of(struct str reply)
{
	for (size_t i = 0; i + 4 <= reply.len; i++)
		if (memcmp(reply.ptr + i, "\r\n\r\n", 4) == 0)
			return str_from(reply, i + 4);
	return STR_NONE;
}

static struct str ask(struct arena *a, int fd, const char *method, const char *target,
    struct str body, size_t *largest)
{
	struct buf out;

	*largest = 0;
	buf_init(&out, a, 4 << 20);
	send_bytes(fd, request_bytes(a, method, target, body, true));
	assert_true(receive_reply(fd, &out, largest));
	return body_of(buf_str(&out));
}

static bool answers(const struct rig *r, struct arena *a)
{
	size_t largest;
	int fd = connect_to(r);
	struct str body = ask(a, fd, "GET", "/v1/serve/small", STR(""), &largest);

	close(fd);
	return str_eq(body, STR("{\"small\":true}"));
}

/* Whether there is something to read, or an end, within `ms`. */
static bool is_readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

/* --- tests ------------------------------------------------------------------------------ */

TEST(a_reply_over_64_kib_comes_in_records_that_need_no_padding)
{
	struct rig r;
	size_t largest;

	(void)state;
	rig_open(&r, 0, NULL);
	int fd = connect_to(&r);
	struct str body = ask(&r.fixture.arena, fd, "GET", "/v1/serve/big", STR(""), &largest);
	assert_int_equal(body.len, BIG_BYTES);
	assert_int_equal(largest, RECORD_CONTENT_MAX);
	for (size_t i = 0; i < body.len; i++)
		assert_int_equal(body.ptr[i], 'a' + i % 26);
	close(fd);
	rig_close(&r);
}

TEST(a_stream_of_small_pieces_comes_in_records_worth_a_call)
{
	struct rig r;
	size_t largest, piece = sizeof(PIECE) - 1;

	(void)state;
	rig_open(&r, 0, NULL);
	int fd = connect_to(&r);
	struct str body = ask(&r.fixture.arena, fd, "GET", "/v1/serve/streamed", STR(""), &largest);
	assert_int_equal(body.len, PIECES * piece);
	assert_true(largest > OUTGOING_HOLD_BYTES - piece);
	for (size_t i = 0; i < body.len; i += piece)
		assert_memory_equal(body.ptr + i, PIECE, piece);
	close(fd);
	rig_close(&r);
}

TEST(a_body_of_65535_byte_records_with_padding_arrives_as_it_was)
{
	static char bytes[65535 * 3 + 1];
	struct rig r;
	size_t largest;

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 31 + i / 251);
	rig_open(&r, 0, NULL);
	int fd = connect_to(&r);
	const size_t lengths[] = { 0, 1, 65534, 65535, 65536, sizeof(bytes) };
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct str sent = { bytes, lengths[i] };
		struct str told = ask(&r.fixture.arena, fd, "POST", "/v1/serve/measure", sent, &largest);
		assert_str(told, arena_printf(&r.fixture.arena, "%zu %llx", sent.len,
		    (unsigned long long)str_hash(sent)));
	}
	close(fd);
	rig_close(&r);
}

struct client {
	const struct rig *rig;
	int               bad;
};

#define CLIENTS  12
#define ROUNDS   40

static void *be_a_client(void *context)
{
	static const char *const targets[] = { "/v1/serve/small", "/v1/serve/big", "/v1/serve/streamed" };
	static const size_t lengths[] = { 14, BIG_BYTES, PIECES * (sizeof(PIECE) - 1) };
	struct client *c = context;
	struct arena a;
	size_t largest;

	arena_init(&a, ARENA_MAX_BYTES);
	int kept = connect_to(c->rig);
	for (int i = 0; i < ROUNDS; i++) {
		int fd = i % 2 == 0 ? kept : connect_to(c->rig);
		struct str body = ask(&a, fd, "GET", targets[i % 3], STR(""), &largest);
		c->bad += body.len != lengths[i % 3];
		if (fd != kept)
			close(fd);
		arena_reset(&a);
	}
	close(kept);
	arena_clean(&a);
	return NULL;
}

TEST(many_clients_at_once_each_get_their_own_replies)
{
	struct client clients[CLIENTS];
	pthread_t threads[CLIENTS];
	struct rig r;

	(void)state;
	rig_open(&r, 0, NULL);
	for (int i = 0; i < CLIENTS; i++) {
		clients[i] = (struct client){ &r, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, be_a_client, &clients[i]), 0);
	}
	for (int i = 0; i < CLIENTS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(clients[i].bad, 0);
	}
	rig_close(&r);
}

TEST(over_the_bound_a_connection_waits_until_another_closes)
{
	enum { MOST = 4, ALL = 10 };
	struct str request;
	int fds[ALL];
	struct rig r;

	(void)state;
	rig_open(&r, MOST, NULL);
	request = request_bytes(&r.fixture.arena, "GET", "/v1/serve/small", STR(""), true);
	for (int i = 0; i < ALL; i++) {
		fds[i] = connect_to(&r);
		send_bytes(fds[i], request);
	}
	for (int i = 0; i < MOST; i++)
		assert_true(is_readable(fds[i], DEADLINE_MS));
	for (int i = MOST; i < ALL; i++)
		assert_false(is_readable(fds[i], 20));
	for (int i = 0; i + MOST < ALL; i++) {
		close(fds[i]);
		assert_true(is_readable(fds[i + MOST], DEADLINE_MS));
	}
	for (int i = ALL - MOST; i < ALL; i++)
		close(fds[i]);
	assert_true(answers(&r, &r.fixture.arena));
	rig_close(&r);
}

TEST(readers_that_do_not_read_hold_workers_for_a_bounded_time)
{
	static const char *const settings[] = { "IO_TIMEOUT_S=1", NULL };
	struct str request;
	int fds[WORKERS * 2];
	struct rig r;

	(void)state;
	rig_open(&r, 0, settings);
	request = request_bytes(&r.fixture.arena, "GET", "/v1/serve/big", STR(""), true);
	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = connect_to(&r);
		send_bytes(fds[i], request);
	}
	assert_true(answers(&r, &r.fixture.arena));
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	rig_close(&r);
}

TEST(what_waits_to_be_accepted_is_served_before_the_end)
{
	struct buf out;
	size_t largest = 0;
	struct rig r;

	(void)state;
	rig_open(&r, 0, NULL);
	int idle = connect_to(&r), asking = connect_to(&r);
	assert_true(answers(&r, &r.fixture.arena));
	send_bytes(asking, request_bytes(&r.fixture.arena, "GET", "/v1/serve/small", STR(""), true));
	rig_stop(&r);
	buf_init(&out, &r.fixture.arena, 65536);
	assert_true(receive_reply(asking, &out, &largest));
	assert_str(body_of(buf_str(&out)), STR("{\"small\":true}"));
	assert_int_equal(access(r.path, F_OK), -1);
	close(idle);
	close(asking);
	for (int i = 0; i < WORKERS; i++)
		worker_close(&r.workers[i]);
	loop_close(&r.loop);
	close(r.listener.fd);
	fixture_close(&r.fixture);
}

TEST(a_signal_is_waited_for_and_interrupts_nothing)
{
	(void)state;
	stop_prepare();
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(stop_wait(), SIGTERM);
	assert_int_equal(raise(SIGPIPE), 0);
}

static const struct {
	const char *name, *address;
	enum err    result;
} addresses[] = {
	{ "loopback", "127.0.0.1:0", OK },
	{ "loopback, IPv6", "[::1]:0", OK },
	{ "another loopback address", "127.8.8.8:0", OK },
	{ "every interface", "0.0.0.0:0", ERR_INVALID },
	{ "every interface, IPv6", "[::]:0", ERR_INVALID },
	{ "no address", ":9000", ERR_INVALID },
	{ "a name", "localhost:9000", ERR_INVALID },
	{ "no port", "127.0.0.1", ERR_INVALID },
	{ "an empty port", "127.0.0.1:", ERR_INVALID },
	{ "no such port", "127.0.0.1:65536", ERR_INVALID },
	{ "IPv6 without brackets", "::1:0", ERR_INVALID },
	{ "half a bracket", "[::1:0", ERR_INVALID },
	{ "a folder that is not there", "/nowhere/at/all.sock", ERR_IO },
	{ "a file that is no socket", "/dev/null", ERR_EXISTS },
};

TEST(only_paths_and_loopback_are_listened_on)
{
	struct listener l;
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT(addresses); i++) {
		struct str reason = STR_NONE;
		enum err e = listen_open(&a, str_of(addresses[i].address), &l, &reason);
		assert_row(e == addresses[i].result, addresses[i].name);
		assert_row((e == OK) == (reason.ptr == NULL), addresses[i].name);
		assert_row(e != OK || (l.fd >= 0 && l.address.len > 0 && !l.exposed), addresses[i].name);
		if (l.fd >= 0)
			close(l.fd);
	}
	arena_clean(&a);
}

TEST_MAIN(
	RUN(a_reply_over_64_kib_comes_in_records_that_need_no_padding),
	RUN(a_stream_of_small_pieces_comes_in_records_worth_a_call),
	RUN(a_body_of_65535_byte_records_with_padding_arrives_as_it_was),
	RUN(many_clients_at_once_each_get_their_own_replies),
	RUN(over_the_bound_a_connection_waits_until_another_closes),
	RUN(readers_that_do_not_read_hold_workers_for_a_bounded_time),
	RUN(what_waits_to_be_accepted_is_served_before_the_end),
	RUN(a_signal_is_waited_for_and_interrupts_nothing),
	RUN(only_paths_and_loopback_are_listened_on)
)
