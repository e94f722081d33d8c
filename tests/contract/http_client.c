/*
 * The client of outgoing calls against a server on loopback.  Attacks it holds off:
 * a redirect to where nobody meant to call, header injection by a value, other
 * protocols, plain http to another machine, a certificate of someone else.
 */
#include "http_client_rig.h"

#include "base/limits.h"
#include "tls_server.h"

/* --- what a call is --------------------------------------------------------------- */

TEST(a_reply_has_status_body_and_headers_in_any_case)
{
	struct rig r;

	(void)state;
	rig_open(&r, answer_hello);
	assert_int_equal(get(&r, "/a?b=c"), OK);
	assert_int_equal(r.reply.status, 201);
	assert_str(r.reply.body, STR("hello"));
	assert_str(http_reply_header(&r.reply, "x-ONE"), STR("first"));
	assert_str(http_reply_header(&r.reply, "X-Empty"), STR(""));
	assert_null(http_reply_header(&r.reply, "X-Two").ptr);
	assert_true(str_starts(str_of(r.server->last), STR("GET /a?b=c HTTP/1.1\r\n")));
	rig_close(&r);
}

TEST(a_call_sends_method_headers_body_and_trace)
{
	struct rig r;
	const struct http_header headers[] = {
		{ STR("X-One"), STR("first") }, { STR("X-Empty"), STR("") },
	};
	static const char *const expected[] = {
		"PATCH /x HTTP/1.1\r\n", "\r\nX-One: first\r\n", "\r\nX-Empty:\r\n",
		"\r\nContent-Type: application/json\r\n", "\r\nContent-Length: 7\r\n",
		"\r\ntraceparent: 00-1-2-01\r\n", "\r\ntracestate: a=b\r\n",
		"\r\nUser-Agent: quiver/", "\r\n\r\n{\"a\":1}",
	};

	(void)state;
	rig_open(&r, answer_hello);
	struct http_call call = {
		.method = "PATCH", .url = url(&r, "/x"), .headers = headers, .n_headers = 2,
		.body = STR("{\"a\":1}"), .content_type = STR("application/json"),
		.traceparent = STR("00-1-2-01"), .tracestate = STR("a=b"),
	};
	assert_int_equal(send_call(&r, &call), OK);
	for (size_t i = 0; i < COUNT(expected); i++)
		assert_row(strstr(r.server->last, expected[i]) != NULL, expected[i]);
	rig_close(&r);
}

TEST(nothing_of_a_call_is_left_for_the_next)
{
	struct rig r;
	const struct http_header headers[] = { { STR("Authorization"), STR("Bearer x") } };

	(void)state;
	rig_open(&r, answer_hello);
	struct http_call call = {
		.method = "POST", .url = url(&r, "/"), .headers = headers, .n_headers = 1,
		.body = STR("secret"),
	};
	assert_int_equal(send_call(&r, &call), OK);
	assert_int_equal(get(&r, "/next"), OK);
	assert_true(str_starts(str_of(r.server->last), STR("GET /next ")));
	assert_null(strstr(r.server->last, "Bearer"));
	assert_null(strstr(r.server->last, "secret"));
	assert_null(strstr(r.server->last, "Content-Length"));
	rig_close(&r);
}

TEST(two_calls_share_a_connection)
{
	struct rig r;

	(void)state;
	rig_open(&r, answer_hello);
	assert_int_equal(get(&r, "/1"), OK);
	assert_int_equal(get(&r, "/2"), OK);
	assert_int_equal(atomic_load(&r.server->requests), 2);
	assert_int_equal(atomic_load(&r.server->connections), 1);
	rig_close(&r);
}

static bool answer_once(struct http_peer *p)
{
	http_peer_reply(p, 200, "", STR("hello"));
	return false;
}

TEST(a_connection_that_the_server_closed_is_made_anew)
{
	struct rig r;

	(void)state;
	rig_open(&r, answer_once);
	assert_int_equal(get(&r, "/1"), OK);
	assert_int_equal(get(&r, "/2"), OK);
	assert_int_equal(atomic_load(&r.server->connections), 2);
	rig_close(&r);
}

static bool answer_head(struct http_peer *p)
{
	http_peer_write(p, STR("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"));
	return true;
}

TEST(a_head_call_waits_for_no_body)
{
	struct rig r;

	(void)state;
	rig_open(&r, answer_head);
	struct http_call call = { .method = "HEAD", .url = url(&r, "/") };
	assert_int_equal(send_call(&r, &call), OK);
	assert_int_equal(r.reply.body.len, 0);
	rig_close(&r);
}

static bool answer_after_hints(struct http_peer *p)
{
	http_peer_write(p, STR("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"));
	http_peer_reply(p, 200, "", STR("hello"));
	return true;
}

TEST(headers_of_an_interim_reply_are_not_the_replys)
{
	struct rig r;

	(void)state;
	rig_open(&r, answer_after_hints);
	assert_int_equal(get(&r, "/"), OK);
	assert_int_equal(r.reply.status, 200);
	assert_null(http_reply_header(&r.reply, "Link").ptr);
	rig_close(&r);
}

TEST(calls_are_counted_by_purpose_and_outcome)
{
	struct rig r;
	const char *labels[] = { "jwks", "ok" };

	(void)state;
	rig_open(&r, answer_hello);
	struct http_call call = { .url = url(&r, "/"), .purpose = OUTGOING_JWKS };
	assert_int_equal(send_call(&r, &call), OK);
	assert_int_equal(metrics_read(metrics_series(r.metrics, METRIC_OUTGOING, labels)), 1);
	assert_int_equal(metrics_read(metrics_series(r.metrics, METRIC_OUTGOING_DURATION, labels)), 1);
	rig_close(&r);
}

/* --- redirects -------------------------------------------------------------------- */

static bool answer_redirects(struct http_peer *p)
{
	char location[128];

	if (asks(p, "GET /same") || asks(p, "POST /same"))
		http_peer_reply(p, 302, "Location: /there\r\n", STR("elsewhere"));
	else if (asks(p, "GET /round"))
		http_peer_reply(p, 302, "Location: /round\r\n", STR(""));
	else if (asks(p, "GET /host"))
		http_peer_reply(p, 302, "Location: http://localhost/there\r\n", STR(""));
	else if (asks(p, "GET /file"))
		http_peer_reply(p, 302, "Location: file:///etc/passwd\r\n", STR(""));
	else if (asks(p, "GET /user")) {
		(void)snprintf(location, sizeof(location), "Location: http://a:b@127.0.0.1:%u/there\r\n",
		    p->server->port);
		http_peer_reply(p, 302, location, STR(""));
	} else
		http_peer_reply(p, 200, "", STR("there"));
	return true;
}

TEST(a_redirect_is_the_reply)
{
	struct rig r;

	(void)state;
	rig_open(&r, answer_redirects);
	assert_int_equal(get(&r, "/same"), OK);
	assert_int_equal(r.reply.status, 302);
	assert_str(r.reply.body, STR("elsewhere"));
	assert_int_equal(atomic_load(&r.server->requests), 1);
	rig_close(&r);
}

TEST(a_redirect_to_the_same_host_is_followed_where_asked_for)
{
	struct rig r;

	(void)state;
	rig_open(&r, answer_redirects);
	struct http_call call = { .url = url(&r, "/same"), .redirects_same_host = true };
	assert_int_equal(send_call(&r, &call), OK);
	assert_int_equal(r.reply.status, 200);
	assert_str(r.reply.body, STR("there"));
	rig_close(&r);
}

TEST(a_redirect_elsewhere_is_not_followed)
{
	static const char *const paths[] = { "/host", "/file", "/user" };
	struct rig r;

	(void)state;
	rig_open(&r, answer_redirects);
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct http_call call = { .url = url(&r, paths[i]), .redirects_same_host = true };
		assert_row(send_call(&r, &call) == OK, paths[i]);
		assert_row(r.reply.status == 302, paths[i]);
	}
	assert_int_equal(atomic_load(&r.server->requests), COUNT(paths));
	rig_close(&r);
}

TEST(a_post_is_never_redirected)
{
	struct rig r;

	(void)state;
	rig_open(&r, answer_redirects);
	struct http_call call = {
		.method = "POST", .url = url(&r, "/same"), .redirects_same_host = true,
	};
	assert_int_equal(send_call(&r, &call), OK);
	assert_int_equal(r.reply.status, 302);
	rig_close(&r);
}

TEST(redirects_in_a_circle_end)
{
	struct rig r;

	(void)state;
	rig_open(&r, answer_redirects);
	struct http_call call = { .url = url(&r, "/round"), .redirects_same_host = true };
	assert_int_equal(send_call(&r, &call), OK);
	assert_int_equal(r.reply.status, 302);
	assert_int_equal(atomic_load(&r.server->requests), 1 + HTTP_REDIRECTS_MAX);
	rig_close(&r);
}

/* --- what is refused before anything is sent ---------------------------------------- */

TEST(a_url_that_must_not_be_called_is_refused)
{
	static const char *const urls[] = {
		"", "/relative", "127.0.0.1", "file:///etc/passwd", "ftp://127.0.0.1/",
		"gopher://127.0.0.1/", "http://example.org/", "http://127.0.0.1.example.org/",
		"http://localhost.example.org/", "http://10.0.0.1/", "http://[::2]/",
		"http://169.254.169.254/latest/", "https://user:password@127.0.0.1/",
		"http://127.0.0.1@example.org/", "http://127.0.0.1\\@example.org/",
		"http://127.0.0.1:99999/", "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y",
		"http://127.0.0.1/\xC3\xA9", "http:///path", "https://",
	};
	struct rig r;

	(void)state;
	rig_open(&r, answer_hello);
	for (size_t i = 0; i < COUNT(urls); i++) {
		struct http_call call = { .url = str_of(urls[i]) };
		assert_row(send_call(&r, &call) == ERR_INVALID, urls[i]);
		assert_row(r.reason.len > 0, urls[i]);
		assert_row(!str_contains(r.reason, STR("password")), urls[i]);
	}
	rig_close(&r);
}

TEST(hosts_on_this_machine_are_told_from_others)
{
	static const struct { const char *host; bool expected; } rows[] = {
		{ "localhost", true }, { "LocalHost", true }, { "127.0.0.1", true },
		{ "127.255.0.3", true }, { "[::1]", true }, { "127.0.0.1.", false },
		{ "127.0.0", false }, { "127.0.0.256", false }, { "128.0.0.1", false },
		{ "127.0.0.1.2", false }, { "localhost.", false }, { "", false }, { "::1", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(http_host_is_loopback(str_of(rows[i].host)) == rows[i].expected,
		    rows[i].host);
}

TEST(a_call_that_is_malformed_is_refused)
{
	static const struct { const char *row, *method, *name, *value; } rows[] = {
		{ "method with a space", "GET /x", "X", "y" },
		{ "method with a break", "GET\r\n", "X", "y" },
		{ "no method", "", "X", "y" },
		{ "break in a value", "GET", "X", "y\r\nEvil: 1" },
		{ "line feed in a value", "GET", "X", "y\nEvil: 1" },
		{ "colon in a name", "GET", "X: y", "z" },
		{ "no name", "GET", "", "z" },
		{ "a length", "GET", "content-length", "3" },
		{ "a host", "GET", "Host", "example.org" },
	};
	struct rig r;

	(void)state;
	rig_open(&r, answer_hello);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct http_header header = { str_of(rows[i].name), str_of(rows[i].value) };
		struct http_call call = {
			.method = rows[i].method, .url = url(&r, "/"), .headers = &header, .n_headers = 1,
		};
		assert_row(send_call(&r, &call) == ERR_INVALID, rows[i].row);
	}
	assert_int_equal(atomic_load(&r.server->requests), 0);
	rig_close(&r);
}

/* --- TLS -------------------------------------------------------------------------- */

/* A call to https://127.0.0.1 with a server of these names, trusting it or not. */
static enum err call_tls(const char *names, bool trusted)
{
	char pem[] = "/tmp/quiver-test-XXXXXX";
	struct rig r;

	close(mkstemp(pem));
	rig_open(&r, answer_hello);
	http_server_stop(r.server);
	http_client_free(r.client);
	r.server = http_server_start(answer_hello, NULL, tls_server_context(names, pem));
	r.client = http_client_new(r.metrics, trusted ? str_of(pem) : STR_NONE);
	struct http_call call = {
		.url = arena_printf(&r.a, "https://127.0.0.1:%u/", r.server->port),
	};
	enum err e = send_call(&r, &call);
	if (e == OK)
		assert_str(r.reply.body, STR("hello"));
	else
		assert_int_equal(atomic_load(&r.server->requests), 0);
	unlink(pem);
	rig_close(&r);
	return e;
}

TEST(a_certificate_that_nobody_vouches_for_is_refused)
{
	(void)state;
	assert_int_equal(call_tls("IP:127.0.0.1", false), ERR_UNAVAILABLE);
}

TEST(a_certificate_of_an_authority_of_ones_own_is_accepted)
{
	(void)state;
	assert_int_equal(call_tls("IP:127.0.0.1", true), OK);
}

TEST(a_certificate_for_another_name_is_refused)
{
	(void)state;
	assert_int_equal(call_tls("DNS:example.org", true), ERR_UNAVAILABLE);
}

TEST(the_environments_proxy_is_not_used)
{
	struct rig r;

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	rig_open(&r, answer_hello);
	assert_int_equal(get(&r, "/"), OK);
	rig_close(&r);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

TEST_MAIN(
	RUN(a_reply_has_status_body_and_headers_in_any_case),
	RUN(a_call_sends_method_headers_body_and_trace),
	RUN(nothing_of_a_call_is_left_for_the_next),
	RUN(two_calls_share_a_connection),
	RUN(a_connection_that_the_server_closed_is_made_anew),
	RUN(a_head_call_waits_for_no_body),
	RUN(headers_of_an_interim_reply_are_not_the_replys),
	RUN(calls_are_counted_by_purpose_and_outcome),
	RUN(a_redirect_is_the_reply),
	RUN(a_redirect_to_the_same_host_is_followed_where_asked_for),
	RUN(a_redirect_elsewhere_is_not_followed),
	RUN(a_post_is_never_redirected),
	RUN(redirects_in_a_circle_end),
	RUN(a_url_that_must_not_be_called_is_refused),
	RUN(hosts_on_this_machine_are_told_from_others),
	RUN(a_call_that_is_malformed_is_refused),
	RUN(a_certificate_that_nobody_vouches_for_is_refused),
	RUN(a_certificate_of_an_authority_of_ones_own_is_accepted),
	RUN(a_certificate_for_another_name_is_refused),
	RUN(the_environments_proxy_is_not_used))
