/*
 * Outgoing calls to a server on loopback that means no good.  Attacks held off: a reply
 * without end, a length that lies, a server that never answers or drips, nonsense.
 */
#include "http_client_rig.h"

#include "base/limits.h"
#include "base/time.h"

/* --- bounds ----------------------------------------------------------------------- */

#define SMALL_BYTES 1000

/* "/N": N bytes without a length, then the end; "/lie": a length, and less than it. */
static bool answer_size(struct http_peer *p)
{
	size_t n = strtoul(p->request + strlen("GET /"), NULL, 10);

	if (asks(p, "GET /lie")) {
		http_peer_write(p, STR("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nless"));
		return false;
	}
	if (asks(p, "GET /huge")) {
		http_peer_write(p, STR("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"));
		return true;
	}
	http_peer_write(p, STR("HTTP/1.1 200 OK\r\n\r\n"));
	for (size_t i = 0; i < n; i++)
		http_peer_write(p, STR("x"));
	return false;
}

static enum err get_bounded(struct rig *r, const char *path)
{
	struct http_call call = { .url = url(r, path), .response_max_bytes = SMALL_BYTES };

	return send_call(r, &call);
}

TEST(a_body_of_the_bound_passes_and_a_byte_more_does_not)
{
	struct rig r;

	(void)state;
	rig_open(&r, answer_size);
	assert_int_equal(get_bounded(&r, "/1000"), OK);
	assert_int_equal(r.reply.body.len, SMALL_BYTES);
	assert_int_equal(get_bounded(&r, "/1001"), ERR_TOO_LARGE);
	rig_close(&r);
}

TEST(a_length_over_the_bound_is_refused_before_its_body)
{
	struct rig r;

	(void)state;
	rig_open(&r, answer_size);
	assert_int_equal(get_bounded(&r, "/huge"), ERR_TOO_LARGE);
	rig_close(&r);
}

TEST(a_body_shorter_than_its_length_is_no_reply)
{
	struct rig r;

	(void)state;
	rig_open(&r, answer_size);
	assert_int_equal(get_bounded(&r, "/lie"), ERR_UNAVAILABLE);
	rig_close(&r);
}

static bool answer_heads(struct http_peer *p)
{
	bool many = asks(p, "GET /many");
	size_t words = many ? 1 : 200;

	http_peer_write(p, STR("HTTP/1.1 200 OK\r\n"));
	for (int i = 0; i < (many ? 200 : 100); i++) {
		http_peer_write(p, STR("X-More:"));
		for (size_t n = 0; n < words; n++)
			http_peer_write(p, STR(" and more"));
		http_peer_write(p, STR("\r\n"));
	}
	http_peer_write(p, STR("Content-Length: 0\r\n\r\n"));
	return false;
}

TEST(a_head_of_too_many_or_too_long_headers_is_refused)
{
	struct rig r;

	(void)state;
	rig_open(&r, answer_heads);
	assert_int_equal(get(&r, "/many"), ERR_TOO_LARGE);
	assert_int_equal(get(&r, "/long"), ERR_TOO_LARGE);
	rig_close(&r);
}

TEST(an_exhausted_arena_is_an_error)
{
	struct rig r;

	(void)state;
	rig_open(&r, answer_size);
	struct str at = arena_dup(&r.a, url(&r, "/200000"));
	struct arena small;
	arena_init(&small, 100000);
	struct http_call call = { .url = at };
	assert_int_equal(http_client_call(r.client, &small, &call, &r.reply, &r.reason),
	    ERR_NO_MEMORY);
	arena_clean(&small);
	rig_close(&r);
}

/* --- time ------------------------------------------------------------------------- */

#define DEADLINE_MS 300
#define GRACE_MS    200

static bool answer_slowly(struct http_peer *p)
{
	if (asks(p, "GET /silent"))
		return true;                    /* and wait for another request */
	http_peer_write(p, STR("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"));
	for (int i = 0; i < 1000; i++) {
		char byte;
		http_peer_write(p, STR("x"));
		usleep(10000);
		if (recv(p->fd, &byte, 1, MSG_DONTWAIT) == 0)
			break;
	}
	return false;
}

TEST(a_server_that_is_silent_or_drips_is_left_at_the_deadline)
{
	static const char *const paths[] = { "/silent", "/drips" };
	struct rig r;

	(void)state;
	rig_open(&r, answer_slowly);
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct http_call call = { .url = url(&r, paths[i]), .deadline_ms = DEADLINE_MS };
		uint64_t start = time_monotonic_ns();
		assert_row(send_call(&r, &call) == ERR_TIMEOUT, paths[i]);
		uint64_t ms = (time_monotonic_ns() - start) / 1000000;
		assert_row(ms >= DEADLINE_MS - 10, paths[i]);
		assert_row(ms <= DEADLINE_MS + GRACE_MS, paths[i]);
	}
	rig_close(&r);
}

TEST(a_port_where_nobody_listens_is_unavailable)
{
	struct rig r;

	(void)state;
	rig_open(&r, answer_hello);
	struct str at = url(&r, "/secret?token=secret");
	http_server_stop(r.server);
	struct http_call call = { .url = at };
	assert_int_equal(send_call(&r, &call), ERR_UNAVAILABLE);
	assert_true(str_starts(r.reason, STR("http://127.0.0.1:")));
	assert_false(str_contains(r.reason, STR("secret")));
	r.server = http_server_start(answer_hello, NULL, NULL);
	rig_close(&r);
}

static bool answer_garbage(struct http_peer *p)
{
	http_peer_write(p, STR("SSH-2.0-OpenSSH_9.2\r\n\r\nhello"));
	return false;
}

TEST(what_is_no_http_is_unavailable)
{
	struct rig r;

	(void)state;
	rig_open(&r, answer_garbage);
	assert_int_equal(get(&r, "/"), ERR_UNAVAILABLE);
	rig_close(&r);
}

TEST_MAIN(
	RUN(a_body_of_the_bound_passes_and_a_byte_more_does_not),
	RUN(a_length_over_the_bound_is_refused_before_its_body),
	RUN(a_body_shorter_than_its_length_is_no_reply),
	RUN(a_head_of_too_many_or_too_long_headers_is_refused),
	RUN(an_exhausted_arena_is_an_error),
	RUN(a_server_that_is_silent_or_drips_is_left_at_the_deadline),
	RUN(a_port_where_nobody_listens_is_unavailable),
	RUN(what_is_no_http_is_unavailable))
