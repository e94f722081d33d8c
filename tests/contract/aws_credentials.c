/*
 * Keys for AWS from endpoints on loopback that are a container's or an instance's.
 * Attacks and accidents they hold off: a container's token that is sent to another host,
 * metadata that answers whoever can make it GET a URL (version 1), an endpoint that hangs
 * or is asked without end, keys that expire in use, secrets in the log.
 */
#include "net/aws_client.h"

#include "aws_server.h"

#define SECOND      UINT64_C(1000000000)
#define THREADS     8
#define META_TOKEN  "metadata-token"

/* An endpoint that gives keys: ASIA1, ASIA2, … */
struct giver {
	struct http_server *http;
	atomic_int  fetches, life_ms, status, delay_ms;
	atomic_bool version_1;          /* someone came without a token */
	int64_t     clock_ms;           /* its clock less ours; 0: it says none */
	const char *body;               /* NULL: keys */
	char        token[100];         /* what the last one showed as Authorization */
};

static bool give_keys(struct http_peer *p, struct giver *g)
{
	char body[400], end[TIME_RFC3339_SIZE], date[TIME_HTTP_SIZE], headers[64] = "";
	int n = atomic_fetch_add(&g->fetches, 1) + 1;

	usleep((useconds_t)atomic_load(&g->delay_ms) * 1000);
	int64_t now = time_now_ms() + g->clock_ms;
	time_to_rfc3339(now + atomic_load(&g->life_ms), end);
	time_to_http(now, date);
	if (g->clock_ms != 0)
		(void)snprintf(headers, sizeof(headers), "Date: %s\r\n", date);
	(void)snprintf(body, sizeof(body), "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIA%d\","
	    "\"SecretAccessKey\":\"secret-of-ASIA%d\",\"Token\":\"session-%d\",\"Expiration\":\"%s\"}",
	    n, n, n, end);
	http_peer_reply(p, (unsigned)atomic_load(&g->status), headers,
	    str_of(g->body == NULL ? body : g->body));
	return true;
}

static bool answer_container(struct http_peer *p)
{
	struct giver *g = p->server->context;

	(void)snprintf(g->token, sizeof(g->token), "%.*s",
	    STR_ARG(aws_header(p, STR("authorization"))));
	return give_keys(p, g);
}

static bool answer_instance(struct http_peer *p)
{
	struct giver *g = p->server->context;
	struct str path = aws_between(str_of(p->request), " ", " ");
	bool known = str_eq(aws_header(p, STR("x-aws-ec2-metadata-token")), STR(META_TOKEN));

	if (str_starts(str_of(p->request), STR("PUT /latest/api/token ")) &&
	    aws_header(p, STR("x-aws-ec2-metadata-token-ttl-seconds")).len > 0) {
		http_peer_reply(p, 200, "", STR(META_TOKEN));
	} else if (!known) {
		atomic_store(&g->version_1, true);
		http_peer_reply(p, 403, "", STR(""));
	} else if (str_eq(path, STR("/latest/meta-data/iam/security-credentials/"))) {
		http_peer_reply(p, 200, "", STR("quiver-role\n"));
	} else if (str_eq(path, STR("/latest/meta-data/iam/security-credentials/quiver-role"))) {
		return give_keys(p, g);
	} else {
		http_peer_reply(p, 404, "", STR(""));
	}
	return true;
}

struct rig {
	struct giver            giver;
	struct metrics         *metrics;
	struct config           config;
	struct aws_credentials *credentials;
	struct aws_keys         keys;
	struct arena            a;
	struct str              reason;
	char                    url[100];
};

static void giver_start(struct giver *g, http_server_answer *answer)
{
	*g = (struct giver){ .body = NULL };
	atomic_store(&g->life_ms, 3600000);
	atomic_store(&g->status, 200);
	g->http = http_server_start(answer, g, NULL);
}

static void rig_open(struct rig *r, bool instance)
{
	*r = (struct rig){ .metrics = NULL };
	giver_start(&r->giver, instance ? answer_instance : answer_container);
	(void)snprintf(r->url, sizeof(r->url), "http://127.0.0.1:%u%s", r->giver.http->port,
	    instance ? "/" : "/keys?x=1");
	if (instance)
		r->config.aws_metadata_endpoint = str_of(r->url);
	else
		r->config.aws_container_full_uri = str_of(r->url);
	assert_int_equal(metrics_open_private(&r->metrics), OK);
	arena_init(&r->a, 1 << 20);
	r->credentials = aws_credentials_new(&r->config, r->metrics);
}

static void rig_close(struct rig *r)
{
	aws_credentials_free(r->credentials);
	http_server_stop(r->giver.http);
	metrics_close(r->metrics);
	arena_clean(&r->a);
}

static enum err get(struct rig *r)
{
	return aws_credentials_get(r->credentials, &r->a, time_monotonic_ns() + 3 * SECOND,
	    &r->keys, &r->reason);
}

static int fetches(struct rig *r)
{
	return atomic_load(&r->giver.fetches);
}

/* A caller on a thread of its own. */
struct caller {
	struct rig *rig;
	pthread_t   thread;
	enum err    result;
	char        id[16];
};

static void *ask(void *context)
{
	struct caller *c = context;
	struct aws_keys *keys = calloc(1, sizeof(*keys));
	struct str reason;
	struct arena a;

	arena_init(&a, 1 << 16);
	c->result = aws_credentials_get(c->rig->credentials, &a, time_monotonic_ns() + 5 * SECOND,
	    keys, &reason);
	(void)snprintf(c->id, sizeof(c->id), "%.15s", keys->id);
	arena_clean(&a);
	free(keys);
	return NULL;
}

static void start_asking(struct rig *r, struct caller *c)
{
	*c = (struct caller){ .rig = r };
	assert_int_equal(pthread_create(&c->thread, NULL, ask, c), 0);
}

static void end_asking(struct caller *c, const char *id)
{
	pthread_join(c->thread, NULL);
	assert_int_equal(c->result, OK);
	assert_string_equal(c->id, id);
}

/* --- where from ----------------------------------------------------------------------- */

TEST(a_container_gives_keys_for_the_token_it_was_given)
{
	struct rig r;

	(void)state;
	rig_open(&r, false);
	r.config.aws_container_token = STR("container-token");
	assert_int_equal(get(&r), OK);
	assert_string_equal(r.keys.id, "ASIA1");
	assert_string_equal(r.keys.secret, "secret-of-ASIA1");
	assert_string_equal(r.keys.session, "session-1");
	assert_string_equal(r.giver.token, "container-token");
	rig_close(&r);
}

TEST(a_containers_token_is_read_from_its_file_each_time)
{
	char path[] = "/tmp/quiver-token-XXXXXX";
	struct rig r;
	int fd = mkstemp(path);

	(void)state;
	rig_open(&r, false);
	atomic_store(&r.giver.life_ms, 400);
	r.config.aws_container_token = STR("other");
	r.config.aws_container_token_file = str_of(path);
	assert_int_equal(write(fd, "first\n", 6), 6);
	assert_int_equal(get(&r), OK);
	assert_string_equal(r.giver.token, "first");
	assert_int_equal(pwrite(fd, "again\n", 6, 0), 6);
	usleep(450000);
	assert_int_equal(get(&r), OK);
	assert_string_equal(r.giver.token, "again");
	close(fd);
	unlink(path);
	rig_close(&r);
}

TEST(a_containers_token_file_that_has_none_is_said_so)
{
	struct rig r;

	(void)state;
	rig_open(&r, false);
	r.config.aws_container_token_file = STR("/dev/null");
	assert_int_equal(get(&r), ERR_UNAVAILABLE);
	assert_true(str_contains(r.reason, STR("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")));
	assert_int_equal(fetches(&r), 0);
	rig_close(&r);
}

TEST(a_containers_url_on_another_host_is_not_asked)
{
	static const char *const urls[] = {
		"http://keys.example/", "https://keys.example/", "http://169.254.170.3/",
		"http://127.0.0.1.keys.example/", "http://127.0.0.1@keys.example/",
		"http://169.254.170.2:80@keys.example/", "http://0x7f000001.keys.example/",
	};
	struct rig r;

	(void)state;
	for (size_t i = 0; i < COUNT(urls); i++) {
		rig_open(&r, false);
		r.config.aws_container_full_uri = str_of(urls[i]);
		r.config.aws_container_token = STR("container-token");
		assert_row(get(&r) == ERR_INVALID, urls[i]);
		assert_row(str_contains(r.reason, STR("AWS_CONTAINER_CREDENTIALS_")), urls[i]);
		rig_close(&r);
	}
}

TEST(an_instance_gives_keys_to_version_2_alone)
{
	struct rig r;

	(void)state;
	rig_open(&r, true);
	assert_int_equal(get(&r), OK);
	assert_string_equal(r.keys.id, "ASIA1");
	assert_false(atomic_load(&r.giver.version_1));
	rig_close(&r);
}

TEST(without_a_source_it_says_which_settings_would_do)
{
	struct rig r;

	(void)state;
	rig_open(&r, true);
	aws_credentials_free(r.credentials);
	r.config.aws_metadata_disabled = true;
	r.credentials = aws_credentials_new(&r.config, r.metrics);
	assert_int_equal(get(&r), ERR_INVALID);
	assert_true(str_contains(r.reason, STR("AWS_ACCESS_KEY_ID")));
	rig_close(&r);
}

/* --- when ----------------------------------------------------------------------------- */

TEST(keys_are_got_once_and_kept)
{
	struct rig r;

	(void)state;
	rig_open(&r, false);
	for (int i = 0; i < 100; i++)
		assert_int_equal(get(&r), OK);
	assert_int_equal(fetches(&r), 1);
	rig_close(&r);
}

TEST(keys_are_got_anew_before_they_expire)
{
	struct rig r;

	(void)state;
	rig_open(&r, false);
	atomic_store(&r.giver.life_ms, 2000);
	assert_int_equal(get(&r), OK);
	uint64_t generation = r.keys.generation;
	usleep(1100000);
	atomic_store(&r.giver.life_ms, 3600000);
	assert_int_equal(get(&r), OK);
	assert_string_equal(r.keys.id, "ASIA2");
	assert_true(r.keys.generation != generation);
	assert_int_equal(fetches(&r), 2);
	rig_close(&r);
}

TEST(a_clock_of_ours_that_is_off_does_not_make_keys_expire)
{
	static const int64_t offs[] = { -86400000, 86400000 };
	struct rig r;

	(void)state;
	for (size_t i = 0; i < COUNT(offs); i++) {
		rig_open(&r, false);
		r.giver.clock_ms = offs[i];
		atomic_store(&r.giver.life_ms, 4000);
		assert_int_equal(get(&r), OK);
		usleep(2100000);
		assert_int_equal(get(&r), OK);
		assert_int_equal(fetches(&r), 2);
		rig_close(&r);
	}
}

TEST(keys_that_are_refused_are_got_anew_by_whoever_comes_first)
{
	struct caller callers[THREADS];
	struct rig r;

	(void)state;
	rig_open(&r, false);
	assert_int_equal(get(&r), OK);
	/* So young, they are what the endpoint has. */
	assert_false(aws_credentials_refused(r.credentials, r.keys.generation));
	usleep(5100000);
	atomic_store(&r.giver.delay_ms, 200);
	for (size_t i = 0; i < THREADS; i++) {
		assert_true(aws_credentials_refused(r.credentials, r.keys.generation));
		start_asking(&r, &callers[i]);
		usleep(10000);
	}
	for (size_t i = 0; i < THREADS; i++)
		end_asking(&callers[i], "ASIA2");
	assert_int_equal(fetches(&r), 2);
	rig_close(&r);
}

TEST(while_the_endpoint_is_down_the_old_keys_go_on_until_they_expire)
{
	struct rig r;

	(void)state;
	rig_open(&r, false);
	atomic_store(&r.giver.life_ms, 3000);
	assert_int_equal(get(&r), OK);
	atomic_store(&r.giver.status, 500);
	usleep(1600000);
	for (int i = 0; i < 50; i++)
		assert_int_equal(get(&r), OK);
	assert_string_equal(r.keys.id, "ASIA1");
	assert_int_equal(fetches(&r), 2);
	usleep(1300000);
	assert_int_equal(get(&r), ERR_UNAVAILABLE);
	assert_true(str_contains(r.reason, STR("answered 500")));
	assert_true(fetches(&r) <= 4);
	rig_close(&r);
}

TEST(an_endpoint_that_fails_is_not_asked_without_end)
{
	struct rig r;

	(void)state;
	rig_open(&r, true);
	atomic_store(&r.giver.status, 500);
	for (int i = 0; i < 100; i++)
		assert_int_equal(get(&r), ERR_UNAVAILABLE);
	assert_int_equal(fetches(&r), 1);
	atomic_store(&r.giver.status, 200);
	usleep(600000);
	assert_int_equal(get(&r), OK);
	rig_close(&r);
}

TEST(what_is_no_keys_is_said_without_what_it_was)
{
	struct rig r;

	(void)state;
	rig_open(&r, false);
	r.giver.body = "{\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":\"s3cret\",\"Token\":\"t0ken\"}";
	assert_int_equal(get(&r), ERR_UNAVAILABLE);
	assert_true(str_contains(r.reason, STR("Expiration")));
	assert_false(str_contains(r.reason, STR("s3cret")));
	assert_false(str_contains(r.reason, STR("t0ken")));
	rig_close(&r);
}

TEST(an_endpoint_that_hangs_holds_nobody_past_the_deadline)
{
	struct rig r;

	(void)state;
	rig_open(&r, false);
	atomic_store(&r.giver.delay_ms, 1500);
	uint64_t start = time_monotonic_ns();
	assert_int_equal(aws_credentials_get(r.credentials, &r.a, start + SECOND / 2, &r.keys,
	    &r.reason), ERR_TIMEOUT);
	assert_true(time_monotonic_ns() - start < SECOND);
	rig_close(&r);
}

/* --- many ----------------------------------------------------------------------------- */

TEST(threads_that_ask_at_once_share_one_visit)
{
	struct caller callers[THREADS];
	struct rig r;

	(void)state;
	rig_open(&r, true);
	atomic_store(&r.giver.delay_ms, 200);
	for (size_t i = 0; i < THREADS; i++)
		start_asking(&r, &callers[i]);
	for (size_t i = 0; i < THREADS; i++)
		end_asking(&callers[i], "ASIA1");
	assert_int_equal(fetches(&r), 1);
	rig_close(&r);
}

/* --- a call --------------------------------------------------------------------------- */

static struct aws_service *service_of(struct rig *r, const struct aws_server *server)
{
	struct aws_service *service;
	struct aws_service_options o = {
		.credentials = r->credentials, .metrics = r->metrics, .name = "dynamodb",
		.target = "DynamoDB_20120810", .region = STR("eu-west-1"),
		.endpoint = arena_printf(&r->a, "http://127.0.0.1:%u", server->http->port),
	};

	assert_int_equal(aws_service_new(&r->a, &o, &service, &r->reason), OK);
	return service;
}

TEST(a_call_whose_keys_expired_is_made_again_with_others)
{
	static const struct aws_step steps[] = {
		{ .status = 0 },
		{ .status = 400, .body = "{\"__type\":\"x#ExpiredTokenException\",\"message\":\"x\"}" },
		{ .status = 0 },
	};
	struct aws_service *service;
	struct aws_server server;
	struct aws_reply reply;
	struct buf body;
	struct rig r;

	(void)state;
	rig_open(&r, false);
	aws_server_start(&server, steps, COUNT(steps));
	service = service_of(&r, &server);
	struct aws_client *client = aws_client_new(service);
	buf_init(&body, NULL, 65536);
	for (int i = 0; i < 2; i++) {
		struct aws_call call = { .operation = "GetItem", .body = STR("{}"),
		    .deadline_ns = time_monotonic_ns() + 5 * SECOND };
		assert_int_equal(aws_client_call(client, &call, &body, &reply), OK);
		/* Keys this young are kept for a while, whatever a service says. */
		if (i == 0)
			usleep(5100000);
	}
	assert_int_equal(reply.attempts, 2);
	assert_false(reply.unclear);
	assert_int_equal(fetches(&r), 2);
	assert_non_null(strstr(server.http->last, "Credential=ASIA2/"));
	assert_non_null(strstr(server.http->last, "X-Amz-Security-Token: session-2\r\n"));
	buf_clean(&body);
	aws_client_free(client);
	aws_service_free(service);
	aws_server_stop(&server);
	rig_close(&r);
}

/* The keys take most of the time there is, and then nobody answers. */
TEST(a_call_that_waited_for_keys_ends_by_its_deadline_all_the_same)
{
	static const struct aws_step hang = { .act = ACT_HANG };
	struct aws_service *service;
	struct aws_server server;
	struct aws_reply reply;
	struct buf body;
	struct rig r;

	(void)state;
	rig_open(&r, false);
	atomic_store(&r.giver.delay_ms, 1500);
	aws_server_start(&server, &hang, 1);
	service = service_of(&r, &server);
	struct aws_client *client = aws_client_new(service);
	buf_init(&body, NULL, 65536);
	uint64_t began = time_monotonic_ns();
	struct aws_call call = { .operation = "UpdateItem", .body = STR("{}"),
	    .deadline_ns = began + 2 * SECOND };
	assert_int_equal(aws_client_call(client, &call, &body, &reply), ERR_TIMEOUT);
	assert_true(time_monotonic_ns() - began < 3 * SECOND);
	buf_clean(&body);
	aws_client_free(client);
	aws_service_free(service);
	aws_server_stop(&server);
	rig_close(&r);
}

TEST_MAIN(
	RUN(a_container_gives_keys_for_the_token_it_was_given),
	RUN(a_containers_token_is_read_from_its_file_each_time),
	RUN(a_containers_token_file_that_has_none_is_said_so),
	RUN(a_containers_url_on_another_host_is_not_asked),
	RUN(an_instance_gives_keys_to_version_2_alone),
	RUN(without_a_source_it_says_which_settings_would_do),
	RUN(keys_are_got_once_and_kept),
	RUN(keys_are_got_anew_before_they_expire),
	RUN(a_clock_of_ours_that_is_off_does_not_make_keys_expire),
	RUN(keys_that_are_refused_are_got_anew_by_whoever_comes_first),
	RUN(while_the_endpoint_is_down_the_old_keys_go_on_until_they_expire),
	RUN(an_endpoint_that_fails_is_not_asked_without_end),
	RUN(what_is_no_keys_is_said_without_what_it_was),
	RUN(an_endpoint_that_hangs_holds_nobody_past_the_deadline),
	RUN(threads_that_ask_at_once_share_one_visit),
	RUN(a_call_whose_keys_expired_is_made_again_with_others),
	RUN(a_call_that_waited_for_keys_ends_by_its_deadline_all_the_same),
)
