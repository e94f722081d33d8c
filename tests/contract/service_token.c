/*
 * Tokens for calls of our own, from a token endpoint on loopback.  Attacks they hold
 * off: a token that becomes a header of its own, a token got with someone else's
 * secret, an endpoint that is asked without end, secrets in the log.
 */
#include "net/service_token.h"

#include "base/limits.h"
#include "base/time.h"
#include "http_server.h"

#define THREADS     8
#define DEADLINE_MS 5000
#define SECRET      "s3cret/+:"

struct rig {
	struct http_server    *server;
	struct http_client    *client;
	struct service_tokens *tokens;
	struct metrics        *metrics;
	struct arena           a;
	struct service_client  who;
	struct str             token, reason;
	/* what the endpoint answers */
	atomic_int  life_s, status, delay_ms;
	const char *body;               /* NULL: a token named for the request's number */
};

static bool answer(struct http_peer *p)
{
	struct rig *r = p->server->context;
	char body[200];
	int n = atomic_load(&p->server->requests);

	usleep((useconds_t)atomic_load(&r->delay_ms) * 1000);
	(void)snprintf(body, sizeof(body),
	    "{\"access_token\":\"token-%d\",\"token_type\":\"bearer\",\"expires_in\":%d}", n,
	    atomic_load(&r->life_s));
	http_peer_reply(p, (unsigned)atomic_load(&r->status), "",
	    str_of(r->body == NULL ? body : r->body));
	return true;
}

static void rig_open(struct rig *r)
{
	*r = (struct rig){ .tokens = service_tokens_new() };
	atomic_store(&r->life_s, 3600);
	atomic_store(&r->status, 200);
	r->server = http_server_start(answer, r, NULL);
	assert_int_equal(metrics_open_private(&r->metrics), OK);
	r->client = http_client_new(r->metrics, STR_NONE);
	arena_init(&r->a, 1 << 24);
	r->who = (struct service_client){
		.token_url = arena_printf(&r->a, "http://127.0.0.1:%u/token", r->server->port),
		.client_id = STR("quiver"), .client_secret = STR(SECRET),
	};
}

static void rig_close(struct rig *r)
{
	http_client_free(r->client);
	http_server_stop(r->server);
	service_tokens_free(r->tokens);
	metrics_close(r->metrics);
	arena_clean(&r->a);
}

static enum err get(struct rig *r)
{
	return service_token_get(r->tokens, r->client, &r->a, &r->who, DEADLINE_MS, &r->token,
	    &r->reason);
}

static int requests(const struct rig *r)
{
	return atomic_load(&r->server->requests);
}

/* A caller on a thread of its own. */
struct caller {
	struct rig *rig;
	pthread_t   thread;
	uint32_t    deadline_ms;
	enum err    result;
	char        token[32];
	uint64_t    took_ms;
};

static void *call(void *context)
{
	struct caller *c = context;
	struct http_client *client = http_client_new(c->rig->metrics, STR_NONE);
	struct str token = STR_NONE, reason;
	struct arena a;
	uint64_t start = time_monotonic_ns();

	arena_init(&a, 1 << 20);
	c->result = service_token_get(c->rig->tokens, client, &a, &c->rig->who, c->deadline_ms,
	    &token, &reason);
	c->took_ms = (time_monotonic_ns() - start) / 1000000;
	(void)snprintf(c->token, sizeof(c->token), "%.*s", STR_ARG(token));
	arena_clean(&a);
	http_client_free(client);
	return NULL;
}

static void start_call(struct rig *r, struct caller *c, uint32_t deadline_ms)
{
	*c = (struct caller){ .rig = r, .deadline_ms = deadline_ms };
	assert_int_equal(pthread_create(&c->thread, NULL, call, c), 0);
}

/* Until the endpoint has seen `n` requests. */
static void wait_for_requests(const struct rig *r, int n)
{
	for (int ms = 0; requests(r) < n; ms++) {
		assert_true(ms < DEADLINE_MS);
		usleep(1000);
	}
}

/* --- one token for many ------------------------------------------------------------- */

TEST(a_token_is_got_once_and_kept)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(get(&r), OK);
		assert_str(r.token, STR("token-1"));
	}
	assert_int_equal(requests(&r), 1);
	rig_close(&r);
}

TEST(threads_that_ask_at_once_share_one_call)
{
	struct rig r;
	struct caller callers[THREADS];

	(void)state;
	rig_open(&r);
	atomic_store(&r.delay_ms, 100);
	for (size_t i = 0; i < THREADS; i++)
		start_call(&r, &callers[i], DEADLINE_MS);
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(callers[i].thread, NULL);
		assert_int_equal(callers[i].result, OK);
		assert_string_equal(callers[i].token, "token-1");
	}
	assert_int_equal(requests(&r), 1);
	rig_close(&r);
}

TEST(who_differs_in_anything_gets_a_token_of_their_own)
{
	struct rig r;
	struct str *const fields[] = {
		&r.who.client_id, &r.who.client_secret, &r.who.scope, &r.who.audience,
	};

	(void)state;
	rig_open(&r);
	assert_int_equal(get(&r), OK);
	for (size_t i = 0; i < COUNT(fields); i++) {
		struct str before = *fields[i];
		*fields[i] = STR("other");
		assert_int_equal(get(&r), OK);
		*fields[i] = before;
		assert_int_equal(requests(&r), i + 2);
	}
	assert_int_equal(get(&r), OK);
	assert_str(r.token, STR("token-1"));
	rig_close(&r);
}

TEST(of_too_many_clients_the_one_used_longest_ago_goes)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	for (int i = 0; i <= SERVICE_TOKENS_MAX; i++) {
		r.who.client_id = arena_printf(&r.a, "client-%d", i);
		assert_int_equal(get(&r), OK);
		usleep(1500);           /* each a millisecond of its own */
	}
	assert_int_equal(get(&r), OK);
	assert_int_equal(requests(&r), SERVICE_TOKENS_MAX + 1);
	r.who.client_id = STR("client-0");
	assert_int_equal(get(&r), OK);
	assert_int_equal(requests(&r), SERVICE_TOKENS_MAX + 2);
	rig_close(&r);
}

/* --- time --------------------------------------------------------------------------- */

TEST(a_token_is_got_anew_before_it_expires)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	atomic_store(&r.life_s, 2);
	assert_int_equal(get(&r), OK);
	assert_int_equal(get(&r), OK);
	assert_int_equal(requests(&r), 1);
	usleep(1100000);
	assert_int_equal(get(&r), OK);
	assert_str(r.token, STR("token-2"));
	rig_close(&r);
}

TEST(while_the_endpoint_is_down_the_old_token_serves_until_its_end)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	atomic_store(&r.life_s, 2);
	assert_int_equal(get(&r), OK);
	atomic_store(&r.status, 503);
	usleep(1100000);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(get(&r), OK);
		assert_str(r.token, STR("token-1"));
	}
	assert_int_equal(requests(&r), 2);
	usleep(800000);
	assert_int_equal(get(&r), ERR_UNAVAILABLE);
	rig_close(&r);
}

TEST(while_one_thread_gets_a_new_token_others_use_the_old_one)
{
	struct rig r;
	struct caller slow, fast;

	(void)state;
	rig_open(&r);
	atomic_store(&r.life_s, 4);
	assert_int_equal(get(&r), OK);
	usleep(2100000);
	atomic_store(&r.delay_ms, 500);
	start_call(&r, &slow, DEADLINE_MS);
	wait_for_requests(&r, 2);
	start_call(&r, &fast, DEADLINE_MS);
	pthread_join(fast.thread, NULL);
	pthread_join(slow.thread, NULL);
	assert_string_equal(fast.token, "token-1");
	assert_true(fast.took_ms < 450);
	assert_string_equal(slow.token, "token-2");
	rig_close(&r);
}

TEST(who_waits_for_another_threads_call_waits_until_the_deadline_only)
{
	struct rig r;
	struct caller slow, fast;

	(void)state;
	rig_open(&r);
	atomic_store(&r.delay_ms, 1000);
	start_call(&r, &slow, DEADLINE_MS);
	wait_for_requests(&r, 1);
	start_call(&r, &fast, 100);
	pthread_join(fast.thread, NULL);
	pthread_join(slow.thread, NULL);
	assert_int_equal(fast.result, ERR_TIMEOUT);
	assert_true(fast.took_ms >= 95 && fast.took_ms < 900);
	assert_int_equal(slow.result, OK);
	rig_close(&r);
}

TEST(an_endpoint_that_is_slow_is_left_at_the_deadline)
{
	struct rig r;
	struct caller caller;

	(void)state;
	rig_open(&r);
	atomic_store(&r.delay_ms, 1000);
	start_call(&r, &caller, 100);
	pthread_join(caller.thread, NULL);
	assert_int_equal(caller.result, ERR_TIMEOUT);
	assert_true(caller.took_ms < 900);
	rig_close(&r);
}

/* --- what the endpoint says --------------------------------------------------------- */

TEST(an_answer_that_is_no_token_is_an_error_that_says_why)
{
	static const struct { const char *row; int status; enum err expected; const char *body, *says; }
	rows[] = {
		{ "refused", 401, ERR_FORBIDDEN, "{\"error\":\"invalid_client\"}", "401: invalid_client" },
		{ "bad scope", 400, ERR_FORBIDDEN, "{\"error\":\"invalid_scope\"}", "invalid_scope" },
		{ "refused in HTML", 403, ERR_FORBIDDEN, "<h1>no</h1>", "no reason given" },
		{ "a reason that is a text", 400, ERR_FORBIDDEN, "{\"error\":\"a\\nb\"}", "no reason given" },
		{ "down", 503, ERR_UNAVAILABLE, "", "503" },
		{ "redirected", 302, ERR_UNAVAILABLE, "", "302" },
		{ "HTML", 200, ERR_UNAVAILABLE, "<h1>hello</h1>", "no JSON" },
		{ "an array", 200, ERR_UNAVAILABLE, "[]", "no access_token" },
		{ "no token", 200, ERR_UNAVAILABLE, "{\"token_type\":\"Bearer\"}", "no access_token" },
		{ "a number", 200, ERR_UNAVAILABLE, "{\"access_token\":1,\"token_type\":\"Bearer\"}",
		  "no access_token" },
		{ "a header in it", 200, ERR_UNAVAILABLE,
		  "{\"access_token\":\"a\\r\\nX: y\",\"token_type\":\"Bearer\"}", "no access_token" },
		{ "another type", 200, ERR_UNAVAILABLE,
		  "{\"access_token\":\"a\",\"token_type\":\"mac\"}", "token_type" },
		{ "expired", 200, ERR_UNAVAILABLE,
		  "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":0}", "expired" },
	};
	struct rig r;

	(void)state;
	rig_open(&r);
	for (size_t i = 0; i < COUNT(rows); i++) {
		r.who.client_id = str_of(rows[i].row);
		r.body = rows[i].body;
		atomic_store(&r.status, rows[i].status);
		assert_row(get(&r) == rows[i].expected, rows[i].row);
		assert_row(str_contains(r.reason, str_of(rows[i].says)), rows[i].row);
		assert_row(!str_contains(r.reason, STR("s3cret")), rows[i].row);
	}
	rig_close(&r);
}

TEST(an_endpoint_that_failed_is_not_asked_again_at_once)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	atomic_store(&r.status, 401);
	for (int i = 0; i < 5; i++)
		assert_int_equal(get(&r), ERR_FORBIDDEN);
	assert_int_equal(requests(&r), 1);
	atomic_store(&r.status, 200);
	usleep(1100000);
	assert_int_equal(get(&r), OK);
	rig_close(&r);
}

TEST(the_secret_goes_in_a_header_with_both_parts_escaped)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	r.who.client_id = STR("a b");
	r.who.scope = STR("read write");
	r.who.audience = STR("https://api.example.org/");
	assert_int_equal(get(&r), OK);
	/* a%20b:s3cret%2F%2B%3A */
	assert_non_null(strstr(r.server->last,
	    "\r\nAuthorization: Basic YSUyMGI6czNjcmV0JTJGJTJCJTNB\r\n"));
	assert_non_null(strstr(r.server->last, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
	assert_non_null(strstr(r.server->last, "\r\n\r\ngrant_type=client_credentials&"
	    "scope=read%20write&audience=https%3A%2F%2Fapi.example.org%2F"));
	assert_null(strstr(r.server->last, "client_secret"));
	rig_close(&r);
}

TEST(the_secret_goes_in_the_body_where_asked_for)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	r.who.secret_in = SERVICE_SECRET_IN_BODY;
	assert_int_equal(get(&r), OK);
	assert_non_null(strstr(r.server->last,
	    "\r\n\r\ngrant_type=client_credentials&client_id=quiver&client_secret=s3cret%2F%2B%3A"));
	assert_null(strstr(r.server->last, "Authorization"));
	rig_close(&r);
}

TEST(an_endpoint_in_the_clear_on_another_machine_is_refused)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	r.who.token_url = STR("http://example.org/token");
	assert_int_equal(get(&r), ERR_INVALID);
	rig_close(&r);
}

TEST_MAIN(
    RUN(a_token_is_got_once_and_kept),
    RUN(threads_that_ask_at_once_share_one_call),
    RUN(who_differs_in_anything_gets_a_token_of_their_own),
    RUN(of_too_many_clients_the_one_used_longest_ago_goes),
    RUN(a_token_is_got_anew_before_it_expires),
    RUN(while_the_endpoint_is_down_the_old_token_serves_until_its_end),
    RUN(while_one_thread_gets_a_new_token_others_use_the_old_one),
    RUN(who_waits_for_another_threads_call_waits_until_the_deadline_only),
    RUN(an_endpoint_that_is_slow_is_left_at_the_deadline),
    RUN(an_answer_that_is_no_token_is_an_error_that_says_why),
    RUN(an_endpoint_that_failed_is_not_asked_again_at_once),
    RUN(the_secret_goes_in_a_header_with_both_parts_escaped),
    RUN(the_secret_goes_in_the_body_where_asked_for),
    RUN(an_endpoint_in_the_clear_on_another_machine_is_refused))
