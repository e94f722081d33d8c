/*
 * Calls to an AWS service on loopback that misbehaves as a test says.  Each request's
 * signature is verified by the server.  Attacks and accidents it holds off: a reply that
 * is cut, damaged, endless or none; a server that hangs or drips; a call that is done
 * twice though it must not be; a service in trouble that gets ten calls for each of ours;
 * secrets in the log.
 */
#include "net/aws_client.h"

#include "aws_server.h"
#include "log/log.h"
#include "net/aws_retry.h"

#define SECOND          UINT64_C(1000000000)
#define REPLY_MAX       65536
#define DYNAMODB        "com.amazonaws.dynamodb.v20120810#"
#define FAULT(type)     "{\"__type\":\"" DYNAMODB type "\",\"message\":\"why\"}"

struct rig {
	struct aws_server       server;
	struct metrics         *metrics;
	struct config           config;
	struct aws_credentials *credentials;
	struct aws_service     *service;
	struct aws_client      *client;
	struct arena            a;
	struct buf              body;
	struct aws_reply        reply;
	uint64_t                took_ns;
};

static void open_client(struct rig *r, uint16_t port)
{
	struct str reason;

	assert_int_equal(metrics_open_private(&r->metrics), OK);
	arena_init(&r->a, 1 << 20);
	buf_init(&r->body, NULL, REPLY_MAX);
	r->credentials = aws_credentials_new(&r->config, r->metrics);
	struct aws_service_options o = {
		.credentials = r->credentials, .metrics = r->metrics, .name = "dynamodb",
		.target = "DynamoDB_20120810", .region = STR("eu-west-1"),
		.endpoint = arena_printf(&r->a, "http://127.0.0.1:%u", port),
	};
	assert_int_equal(aws_service_new(&r->a, &o, &r->service, &reason), OK);
	r->client = aws_client_new(r->service);
}

static void rig_open(struct rig *r, const struct aws_step *steps, size_t n_steps)
{
	*r = (struct rig){ .config = {
		.aws_access_key_id = STR("AKIDEXAMPLE"),
		.aws_secret_access_key = STR("secret-of-AKIDEXAMPLE"),
	} };
	aws_server_start(&r->server, steps, n_steps);
	open_client(r, r->server.http->port);
}

static void close_client(struct rig *r)
{
	aws_client_free(r->client);
	aws_service_free(r->service);
	aws_credentials_free(r->credentials);
	metrics_close(r->metrics);
	buf_clean(&r->body);
	arena_clean(&r->a);
}

static void rig_close(struct rig *r)
{
	close_client(r);
	aws_server_stop(&r->server);
}

static enum err call_for(struct rig *r, bool idempotent, uint64_t deadline_ns)
{
	uint64_t start = time_monotonic_ns();
	enum err e = aws_client_call(r->client, &(struct aws_call){
		.operation = "GetItem", .body = STR("{\"TableName\":\"quiver\"}"),
		.deadline_ns = start + deadline_ns, .idempotent = idempotent,
	}, &r->body, &r->reply);

	r->took_ns = time_monotonic_ns() - start;
	return e;
}

static enum err call(struct rig *r)
{
	return call_for(r, true, 5 * SECOND);
}

static int requests(struct rig *r)
{
	return atomic_load(&r->server.next);
}

static uint64_t count(struct rig *r, enum metric metric, const char *one, const char *two)
{
	const char *labels[] = { "dynamodb", one, two };

	return metrics_read(metrics_series(r->metrics, metric, labels));
}

#define RIG(r, ...)                                                            \
	static const struct aws_step steps[] = { __VA_ARGS__ };                \
	struct rig r;                                                          \
	(void)state;                                                           \
	rig_open(&r, steps, COUNT(steps))

/* --- what a call is ------------------------------------------------------------------- */

TEST(a_call_is_signed_and_its_reply_is_whole)
{
	RIG(r, { .body = "{\"Item\":{}}" });
	assert_int_equal(call(&r), OK);
	assert_int_equal(r.reply.status, 200);
	assert_str(r.reply.body, STR("{\"Item\":{}}"));
	assert_false(r.reply.unclear);
	assert_int_equal(r.reply.attempts, 1);
	assert_true(str_starts(str_of(r.server.http->last), STR("POST / HTTP/1.1\r\n")));
	assert_non_null(strstr(r.server.http->last, "X-Amz-Target: DynamoDB_20120810.GetItem\r\n"));
	assert_non_null(strstr(r.server.http->last, "Content-Type: application/x-amz-json-1.0\r\n"));
	assert_null(strstr(r.server.http->last, "Expect"));
	assert_null(strstr(r.server.http->last, "Accept-Encoding"));
	assert_int_equal(count(&r, METRIC_AWS_CALLS, "GetItem", "ok"), 1);
	rig_close(&r);
}

TEST(a_session_token_and_a_trace_go_with_it)
{
	RIG(r, { .status = 0 });
	close_client(&r);
	r.config.aws_session_token = STR("session/token+with=signs");
	open_client(&r, r.server.http->port);
	assert_int_equal(aws_client_call(r.client, &(struct aws_call){
		.operation = "GetItem", .body = STR("{}"), .traceparent = STR("00-1-2-01"),
		.tracestate = STR("a\nb"), .deadline_ns = time_monotonic_ns() + SECOND,
	}, &r.body, &r.reply), OK);
	assert_non_null(strstr(r.server.http->last,
	    "\r\nX-Amz-Security-Token: session/token+with=signs\r\n"));
	assert_non_null(strstr(r.server.http->last, "\r\ntraceparent: 00-1-2-01\r\n"));
	assert_null(strstr(r.server.http->last, "tracestate"));
	rig_close(&r);
}

TEST(many_calls_share_a_connection)
{
	RIG(r, { .status = 0 });
	for (int i = 0; i < 200; i++)
		assert_int_equal(call(&r), OK);
	assert_int_equal(atomic_load(&r.server.http->connections), 1);
	assert_int_equal(count(&r, METRIC_AWS_CONNECTIONS, "new", NULL), 1);
	assert_int_equal(count(&r, METRIC_AWS_CONNECTIONS, "reused", NULL), 199);
	rig_close(&r);
}

TEST(a_refusal_says_its_type_and_is_not_tried_again)
{
	RIG(r, { .status = 400, .body = "{\"__type\":\"" DYNAMODB "TransactionCanceledException\","
	    "\"Message\":\"cancelled\",\"CancellationReasons\":[{\"Code\":\"None\"}]}" });
	assert_int_equal(call(&r), ERR_INVALID);
	assert_str(r.reply.error, STR("TransactionCanceledException"));
	assert_str(r.reply.message, STR("cancelled"));
	assert_true(str_contains(r.reply.body, STR("CancellationReasons")));
	assert_false(r.reply.unclear);
	assert_int_equal(requests(&r), 1);
	rig_close(&r);
}

TEST(a_call_over_the_bound_is_not_sent)
{
	RIG(r, { .status = 0 });
	char *big = calloc(1, AWS_REQUEST_MAX_BYTES + 1);
	assert_int_equal(aws_client_call(r.client, &(struct aws_call){
		.operation = "PutItem", .body = { big, AWS_REQUEST_MAX_BYTES + 1 },
		.deadline_ns = time_monotonic_ns() + SECOND,
	}, &r.body, &r.reply), ERR_TOO_LARGE);
	assert_int_equal(requests(&r), 0);
	assert_false(r.reply.unclear);
	free(big);
	rig_close(&r);
}

TEST(an_endpoint_is_https_or_this_machine_and_has_no_path)
{
	static const struct {
		const char *endpoint;
		enum err    e;
	} rows[] = {
		{ "", OK }, { "https://dynamodb.example", OK }, { "http://127.0.0.1:8000/", OK },
		{ "http://dynamodb.example", ERR_INVALID }, { "https://a.example/x", ERR_INVALID },
		{ "https://a.example?x", ERR_INVALID }, { "https://u:p@a.example", ERR_INVALID },
		{ "ftp://a.example", ERR_INVALID }, { "nonsense", ERR_INVALID },
	};

	RIG(r, { .status = 0 });
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct aws_service *s = NULL;
		struct str reason;
		struct aws_service_options o = {
			.credentials = r.credentials, .metrics = r.metrics, .name = "dynamodb",
			.target = "D", .region = STR("eu-west-1"), .endpoint = str_of(rows[i].endpoint),
		};
		assert_row(aws_service_new(&r.a, &o, &s, &reason) == rows[i].e, rows[i].endpoint);
		aws_service_free(s);
	}
	rig_close(&r);
}

/* --- trouble that passes -------------------------------------------------------------- */

TEST(trouble_that_passes_is_not_seen)
{
	static const struct {
		const char     *name;
		struct aws_step step;
		const char     *cause;
		bool            unclear;
	} rows[] = {
		{ "throttled", { .status = 400,
		  .body = FAULT("ProvisionedThroughputExceededException") }, "throttled", false },
		{ "429", { .status = 429, .body = "slow down" }, "throttled", false },
		{ "500", { .status = 500, .body = FAULT("InternalServerError") }, "server", true },
		{ "503 that is no JSON", { .status = 503, .body = "<html>" }, "server", true },
		{ "closed without a byte", { .act = ACT_DROP }, "connection", true },
		{ "closed in mid-reply", { .act = ACT_CUT, .body = "{\"Item\":{}}" }, "connection", true },
		{ "bad checksum", { .act = ACT_BAD_CRC }, "garbage", true },
		{ "no JSON", { .body = "<html>" }, "garbage", true },
		{ "no JSON and no checksum", { .act = ACT_NO_CRC, .body = "{\"a\":" }, "garbage", true },
		{ "a refusal that is none", { .status = 400, .body = "{}" }, "garbage", true },
		{ "no HTTP", { .act = ACT_RAW, .body = "SSH-2.0-OpenSSH\r\n" }, "connection", true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct aws_step steps[] = { rows[i].step, { .body = "{\"a\":1}" } };
		struct rig r;
		rig_open(&r, steps, COUNT(steps));
		assert_row(call(&r) == OK, rows[i].name);
		assert_row(str_eq(r.reply.body, STR("{\"a\":1}")), rows[i].name);
		assert_row(r.reply.attempts == 2, rows[i].name);
		assert_row(r.reply.unclear == rows[i].unclear, rows[i].name);
		assert_row(count(&r, METRIC_AWS_RETRIES, rows[i].cause, NULL) == 1, rows[i].name);
		rig_close(&r);
		/* What must not be done twice is made again only when it was not done. */
		rig_open(&r, steps, COUNT(steps));
		enum err e = call_for(&r, false, 5 * SECOND);
		assert_row((e == OK) == !rows[i].unclear, rows[i].name);
		assert_row(r.reply.unclear == rows[i].unclear, rows[i].name);
		assert_row(requests(&r) == (rows[i].unclear ? 1 : 2), rows[i].name);
		rig_close(&r);
	}
}

/* libcurl sends again by itself when a connection that it kept gives no answer. */
TEST(what_must_not_be_done_twice_is_not_sent_twice_on_a_kept_connection)
{
	RIG(r, { .status = 0 }, { .act = ACT_DROP }, { .status = 0 });
	assert_int_equal(call_for(&r, false, SECOND), OK);
	assert_int_equal(call_for(&r, false, SECOND), ERR_UNAVAILABLE);
	assert_true(r.reply.unclear);
	assert_int_equal(requests(&r), 2);
	assert_int_equal(call_for(&r, false, SECOND), OK);
	rig_close(&r);
}

TEST(what_libcurl_sent_again_by_itself_is_unclear)
{
	RIG(r, { .status = 0 }, { .act = ACT_DROP }, { .status = 0 });
	assert_int_equal(call(&r), OK);
	assert_false(r.reply.unclear);
	assert_int_equal(call(&r), OK);
	assert_int_equal(requests(&r), 3);
	assert_true(r.reply.unclear);
	rig_close(&r);
}

TEST(nobody_there_means_certainly_not_done)
{
	RIG(r, { .status = 0 });
	close_client(&r);
	aws_server_stop(&r.server);
	struct http_server *gone = http_server_start(aws_answer, NULL, NULL);
	uint16_t port = gone->port;
	http_server_stop(gone);
	open_client(&r, port);
	assert_int_equal(call_for(&r, false, SECOND), ERR_UNAVAILABLE);
	assert_false(r.reply.unclear);
	assert_true(r.reply.attempts > 1);
	assert_true(r.took_ns < SECOND + SECOND / 4);
	close_client(&r);
}

/* --- trouble that stays --------------------------------------------------------------- */

TEST(throttling_past_the_deadline_ends_by_it)
{
	RIG(r, { .status = 400, .body = FAULT("ThrottlingException") });
	assert_int_equal(call_for(&r, true, SECOND / 2), ERR_LIMITED);
	assert_false(r.reply.unclear);
	assert_str(r.reply.error, STR("ThrottlingException"));
	assert_true(r.reply.attempts > 1);
	assert_true(r.took_ns < SECOND / 2 + SECOND / 5);
	assert_int_equal(count(&r, METRIC_AWS_CALLS, "GetItem", "throttled"), 1);
	rig_close(&r);
}

TEST(a_service_in_trouble_is_not_asked_ten_times_for_each_call)
{
	RIG(r, { .status = 500, .body = FAULT("InternalServerError") });
	int calls = 30, left = 10;
	for (int i = 0; i < AWS_BUDGET / AWS_BUDGET_RETRY - left; i++)
		assert_true(aws_client_wait(r.client, 1, time_monotonic_ns() + SECOND));
	for (int i = 0; i < calls; i++)
		assert_int_equal(call_for(&r, true, 5 * SECOND), ERR_UNAVAILABLE);
	assert_int_equal(requests(&r), calls + left);
	assert_int_equal(r.reply.attempts, 1);
	assert_true(count(&r, METRIC_AWS_RETRIES, "exhausted", NULL) > 0);
	rig_close(&r);
}

TEST(a_server_that_hangs_holds_nobody_past_the_deadline)
{
	RIG(r, { .act = ACT_HANG });
	assert_int_equal(call_for(&r, false, SECOND / 2), ERR_TIMEOUT);
	assert_true(r.reply.unclear);
	assert_int_equal(requests(&r), 1);
	assert_true(r.took_ns < SECOND / 2 + SECOND / 5);
	rig_close(&r);
}

TEST(a_connection_that_died_leaves_time_for_another)
{
	RIG(r, { .act = ACT_HANG }, { .status = 0 });
	assert_int_equal(call_for(&r, true, 2 * SECOND), OK);
	assert_int_equal(r.reply.attempts, 2);
	assert_true(r.reply.unclear);
	assert_true(r.took_ns < 2 * SECOND);
	rig_close(&r);
}

TEST(a_slow_server_is_waited_for)
{
	RIG(r, { .delay_ms = 300 });
	assert_int_equal(call_for(&r, true, 2 * SECOND), OK);
	assert_int_equal(r.reply.attempts, 1);
	assert_true(r.took_ns >= 3 * (SECOND / 10));
	rig_close(&r);
}

/* An object of `size` bytes and a NUL. */
static char *object_of(size_t size)
{
	char *text = malloc(size + 1);

	memset(text, ' ', size);
	text[0] = '{';
	text[size - 1] = '}';
	text[size] = '\0';
	return text;
}

TEST(a_reply_over_its_bound_is_given_up)
{
	char *over = object_of(REPLY_MAX + 1), *full = object_of(REPLY_MAX);
	const struct aws_step steps[] = { { .body = over }, { .body = full } };
	struct rig r;

	(void)state;
	rig_open(&r, steps, COUNT(steps));
	assert_int_equal(call(&r), ERR_TOO_LARGE);
	assert_true(r.reply.unclear);
	assert_int_equal(requests(&r), 1);
	/* Exactly the bound is fine. */
	assert_int_equal(call(&r), OK);
	assert_int_equal(r.reply.body.len, REPLY_MAX);
	rig_close(&r);
	free(over);
	free(full);
}

TEST(a_head_without_end_is_given_up)
{
	static char head[HTTP_HEAD_MAX_BYTES + 4096];
	size_t n = (size_t)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n");

	(void)state;
	while (n + 32 < sizeof(head))
		n += (size_t)snprintf(head + n, sizeof(head) - n, "X-Filler: aaaaaaaaaaaaaa\r\n");
	(void)snprintf(head + n, sizeof(head) - n, "\r\n");
	const struct aws_step steps[] = { { .act = ACT_RAW, .body = head } };
	struct rig r;
	rig_open(&r, steps, 1);
	assert_int_equal(call(&r), ERR_TOO_LARGE);
	rig_close(&r);
}

TEST(a_wait_of_the_callers_own_takes_from_the_budget_and_ends_by_the_deadline)
{
	RIG(r, { .status = 0 });
	int waits = 0;
	assert_false(aws_client_wait(r.client, 3, time_monotonic_ns()));
	while (aws_client_wait(r.client, 1, time_monotonic_ns() + 60 * SECOND))
		waits++;
	assert_int_equal(waits, AWS_BUDGET / AWS_BUDGET_RETRY);
	rig_close(&r);
}

TEST(tries_again_that_help_do_not_use_up_the_budget)
{
	static struct aws_step steps[AWS_SERVER_STEPS];
	struct rig r;

	(void)state;
	for (size_t i = 0; i < COUNT(steps); i += 2)
		steps[i] = (struct aws_step){ .status = 400, .body = FAULT("ThrottlingException") };
	rig_open(&r, steps, COUNT(steps));
	int waits = 0;
	for (int i = 0; i < AWS_BUDGET / AWS_BUDGET_RETRY - 1; i++)
		assert_true(aws_client_wait(r.client, 1, time_monotonic_ns() + SECOND));
	for (size_t i = 0; i < COUNT(steps) / 2; i++)
		assert_int_equal(call(&r), OK);
	while (aws_client_wait(r.client, 1, time_monotonic_ns() + SECOND))
		waits++;
	assert_int_equal(waits, 1);
	rig_close(&r);
}

/* --- who we are, and when ------------------------------------------------------------- */

TEST(keys_of_the_environment_that_are_refused_are_not_tried_again)
{
	RIG(r, { .status = 400, .body = FAULT("UnrecognizedClientException") });
	assert_int_equal(call(&r), ERR_FORBIDDEN);
	assert_false(r.reply.unclear);
	assert_int_equal(requests(&r), 1);
	rig_close(&r);
}

TEST(a_clock_that_is_off_is_corrected_by_the_services)
{
	int64_t hour = 3600000;

	RIG(r, { .status = 400, .body = FAULT("InvalidSignatureException"), .clock_ms = 3600000 },
	    { .clock_ms = 3600000 });
	char before[TIME_RFC3339_SIZE], day[16];
	time_to_rfc3339(time_now_ms() + hour - 60000, before);
	assert_int_equal(call(&r), OK);
	assert_int_equal(r.reply.attempts, 2);
	(void)snprintf(day, sizeof(day), "%.4s%.2s%.2sT%.2s", before, before + 5, before + 8,
	    before + 11);
	char *said = strstr(r.server.http->last, "X-Amz-Date: ");
	assert_non_null(said);
	/* The hour after a minute ago or, at its end, the next one. */
	char other[16];
	time_to_rfc3339(time_now_ms() + hour + 60000, before);
	(void)snprintf(other, sizeof(other), "%.4s%.2s%.2sT%.2s", before, before + 5, before + 8,
	    before + 11);
	assert_true(strncmp(said + 12, day, strlen(day)) == 0 ||
	    strncmp(said + 12, other, strlen(other)) == 0);
	/* From then on at once. */
	assert_int_equal(call(&r), OK);
	assert_int_equal(r.reply.attempts, 1);
	rig_close(&r);
}

TEST(a_signature_that_is_refused_with_a_good_clock_is_final)
{
	RIG(r, { .status = 400, .body = FAULT("InvalidSignatureException") });
	assert_int_equal(call(&r), ERR_FORBIDDEN);
	assert_int_equal(requests(&r), 1);
	rig_close(&r);
}

/* --- the log -------------------------------------------------------------------------- */

TEST(a_failed_call_writes_a_line_that_names_the_cause_and_no_secret)
{
	char line[8192];
	int saved = dup(STDERR_FILENO), ends[2];

	RIG(r, { .status = 400, .body = "{\"__type\":\"x#AccessDeniedException\",\"message\":"
	    "\"User: arn:aws:iam::123456789012:user/secret-name is not authorized\"}" });
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDERR_FILENO);
	enum err e = call(&r);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	ssize_t n = read(ends[0], line, sizeof(line) - 1);
	close(ends[0]);
	assert_int_equal(e, ERR_FORBIDDEN);
	assert_true(n > 0);
	line[n] = '\0';
	assert_non_null(strstr(line, "\"event\":\"aws_call_failed\""));
	assert_non_null(strstr(line, "\"operation\":\"GetItem\""));
	assert_non_null(strstr(line, "\"reason\":\"AccessDeniedException\""));
	assert_non_null(strstr(line, "\"unclear\":false"));
	assert_null(strstr(line, "secret"));
	assert_null(strstr(line, "AKID"));
	assert_null(strstr(line, "TableName"));
	rig_close(&r);
}

TEST_MAIN(
	RUN(a_call_is_signed_and_its_reply_is_whole),
	RUN(a_session_token_and_a_trace_go_with_it),
	RUN(many_calls_share_a_connection),
	RUN(a_refusal_says_its_type_and_is_not_tried_again),
	RUN(a_call_over_the_bound_is_not_sent),
	RUN(an_endpoint_is_https_or_this_machine_and_has_no_path),
	RUN(trouble_that_passes_is_not_seen),
	RUN(what_must_not_be_done_twice_is_not_sent_twice_on_a_kept_connection),
	RUN(what_libcurl_sent_again_by_itself_is_unclear),
	RUN(nobody_there_means_certainly_not_done),
	RUN(throttling_past_the_deadline_ends_by_it),
	RUN(a_service_in_trouble_is_not_asked_ten_times_for_each_call),
	RUN(a_server_that_hangs_holds_nobody_past_the_deadline),
	RUN(a_connection_that_died_leaves_time_for_another),
	RUN(a_slow_server_is_waited_for),
	RUN(a_reply_over_its_bound_is_given_up),
	RUN(a_head_without_end_is_given_up),
	RUN(a_wait_of_the_callers_own_takes_from_the_budget_and_ends_by_the_deadline),
	RUN(tries_again_that_help_do_not_use_up_the_budget),
	RUN(keys_of_the_environment_that_are_refused_are_not_tried_again),
	RUN(a_clock_that_is_off_is_corrected_by_the_services),
	RUN(a_signature_that_is_refused_with_a_good_clock_is_final),
	RUN(a_failed_call_writes_a_line_that_names_the_cause_and_no_secret),
)
