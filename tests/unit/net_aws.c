/* The parts of calls to AWS that do without a network. */
#include "base/crc32.h"
#include "net/aws_key_source.h"
#include "net/aws_retry.h"
#include "net/aws_sign.h"
#include "tests/test.h"

/* --- signatures: made by botocore 1.43 for the same request ---------------------------- */

static void sign(const char *session, const char *date, const char *authorization)
{
	static struct aws_keys keys;
	struct aws_signer signer = { .service = STR("dynamodb"), .region = STR("eu-west-1") };
	char said[AWS_DATE_SIZE];
	struct buf out;

	keys = (struct aws_keys){ .generation = 1, .id = "AKIDEXAMPLE",
	    .secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
	memcpy(keys.session, session, strlen(session) + 1);
	buf_init(&out, NULL, 32768);
	/* The second time with the day's key that it kept. */
	for (int i = 0; i < 2; i++) {
		buf_reset(&out);
		aws_sign(&signer, &keys, &(struct aws_request){
			.host = STR("dynamodb.eu-west-1.amazonaws.com"),
			.target = STR("DynamoDB_20120810.GetItem"),
			.body = STR("{\"TableName\":\"quiver\"}"), .now_ms = 1767323045000,
		}, said, &out);
		assert_string_equal(said, date);
		assert_str(buf_str(&out), str_of(authorization));
	}
	buf_clean(&out);
}

TEST(a_signature_is_the_one_that_aws_expects)
{
	(void)state;
	sign("", "20260102T030405Z", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260102/eu-west-1/"
	    "dynamodb/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, "
	    "Signature=46d996dc0a75425405e3163e550a6fdc1908e7ce7661a9c02deb7c83a0d1eb9f");
}

TEST(a_session_token_is_signed_with_it)
{
	(void)state;
	sign("session/token+with=signs", "20260102T030405Z", "AWS4-HMAC-SHA256 Credential="
	    "AKIDEXAMPLE/20260102/eu-west-1/dynamodb/aws4_request, SignedHeaders=content-type;host;"
	    "x-amz-date;x-amz-security-token;x-amz-target, "
	    "Signature=3b6e17be8c4257ba67212b5cf8f31148b8a752d2acda18ba05e063690890387a");
}

/* --- checksums ------------------------------------------------------------------------- */

TEST(crc32_is_the_one_of_gzip)
{
	static const struct {
		const char *text;
		uint32_t    crc;
	} rows[] = {
		{ "", 0 }, { "a", 0xE8B7BE43 }, { "123456789", 0xCBF43926 },
		{ "The quick brown fox jumps over the lazy dog", 0x414FA339 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(crc32_of(str_of(rows[i].text)) == rows[i].crc, rows[i].text);
}

/* --- what a refusal means -------------------------------------------------------------- */

TEST(errors_are_told_apart)
{
	static const struct {
		const char    *error;
		unsigned       status;
		enum aws_cause cause;
	} rows[] = {
		{ "ProvisionedThroughputExceededException", 400, AWS_CAUSE_THROTTLED },
		{ "ThrottlingException", 400, AWS_CAUSE_THROTTLED },
		{ "RequestLimitExceeded", 400, AWS_CAUSE_THROTTLED },
		{ "TransactionInProgressException", 400, AWS_CAUSE_THROTTLED },
		{ "Unheard", 429, AWS_CAUSE_THROTTLED },
		{ "InternalServerError", 500, AWS_CAUSE_SERVER },
		{ "InternalServerError", 400, AWS_CAUSE_SERVER },
		{ "Unheard", 503, AWS_CAUSE_SERVER },
		{ "ExpiredTokenException", 400, AWS_CAUSE_CREDENTIALS },
		{ "UnrecognizedClientException", 400, AWS_CAUSE_CREDENTIALS },
		{ "InvalidSignatureException", 400, AWS_CAUSE_CLOCK },
		{ "AccessDeniedException", 400, AWS_CAUSE_FORBIDDEN },
		{ "ConditionalCheckFailedException", 400, AWS_CAUSE_REFUSED },
		{ "TransactionCanceledException", 400, AWS_CAUSE_REFUSED },
		{ "ValidationException", 400, AWS_CAUSE_REFUSED },
		{ "ResourceNotFoundException", 400, AWS_CAUSE_REFUSED },
		{ "Unheard", 400, AWS_CAUSE_REFUSED },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(aws_cause_of(rows[i].status, str_of(rows[i].error)) == rows[i].cause,
		    rows[i].error);
}

TEST(each_cause_has_a_name_and_an_error)
{
	(void)state;
	for (int i = 0; i < AWS_CAUSES; i++) {
		const char *name = aws_cause_name((enum aws_cause)i);
		assert_non_null(name);
		assert_row((aws_cause_err((enum aws_cause)i) == OK) == (i == AWS_CAUSE_NONE), name);
	}
}

/* --- again ----------------------------------------------------------------------------- */

TEST(a_wait_is_anything_up_to_a_bound_that_doubles)
{
	uint64_t ms = 1000000, bound = AWS_BACKOFF_MS;

	(void)state;
	for (unsigned n = 1; n < 100; n++) {
		assert_int_equal(aws_backoff_ns(n, 0), 0);
		assert_int_equal(aws_backoff_ns(n, bound * ms), bound * ms);
		assert_int_equal(aws_backoff_ns(n, bound * ms + 1), 0);
		assert_true(aws_backoff_ns(n, UINT64_MAX) <= AWS_BACKOFF_MAX_MS * ms);
		bound = bound * 2 < AWS_BACKOFF_MAX_MS ? bound * 2 : AWS_BACKOFF_MAX_MS;
	}
}

TEST(a_budget_ends_and_comes_back_and_is_never_more_than_full)
{
	struct aws_budget b;

	(void)state;
	aws_budget_init(&b);
	aws_budget_give(&b, AWS_BUDGET_SUCCESS);
	for (int i = 0; i < AWS_BUDGET / AWS_BUDGET_RETRY; i++)
		assert_true(aws_budget_take(&b, AWS_BUDGET_RETRY));
	assert_false(aws_budget_take(&b, AWS_BUDGET_RETRY));
	for (int i = 0; i < AWS_BUDGET_RETRY; i++)
		aws_budget_give(&b, AWS_BUDGET_SUCCESS);
	assert_true(aws_budget_take(&b, AWS_BUDGET_RETRY));
	assert_false(aws_budget_take(&b, 1));
}

/* --- keys ------------------------------------------------------------------------------ */

#define NOW     1767323045000           /* 2026-01-02T03:04:05Z */
#define KEYS    "\"AccessKeyId\":\"ASIA\",\"SecretAccessKey\":\"s3cret\",\"Token\":\"t0ken\""
#define LATER   "\"Expiration\":\"2026-01-02T09:04:05Z\""

static const char *read_keys(const char *text, struct aws_got *got)
{
	struct arena a;

	arena_init(&a, 1 << 20);
	const char *wrong = aws_keys_read(&a, str_of(text), NOW, got);
	arena_clean(&a);
	return wrong;
}

TEST(keys_of_a_container_and_of_an_instance_are_read)
{
	static const char *const rows[] = {
		"{\"RoleArn\":\"arn:aws:iam::1:role/x\"," KEYS "," LATER "}",
		"{\"Code\":\"Success\",\"LastUpdated\":\"2026-01-02T03:00:00Z\",\"Type\":\"AWS-HMAC\","
		KEYS "," LATER "}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct aws_got got = { .life_ms = 0 };
		assert_null(read_keys(rows[i], &got));
		assert_string_equal(got.keys.id, "ASIA");
		assert_string_equal(got.keys.secret, "s3cret");
		assert_string_equal(got.keys.session, "t0ken");
		assert_int_equal(got.life_ms, 6 * 3600 * 1000);
	}
}

TEST(what_cannot_be_keys_is_none)
{
	static const char *const rows[] = {
		"", "null", "[]", "<html>", "{}", "{" KEYS "}", "{" LATER "}",
		"{" KEYS ",\"Expiration\":\"tomorrow\"}",
		"{" KEYS ",\"Expiration\":\"2026-01-02T03:04:05Z\"}",
		"{" KEYS ",\"Expiration\":1767400000}",
		"{\"Code\":\"AssumeRoleUnauthorizedAccess\"," KEYS "," LATER "}",
		"{\"Code\":null," KEYS "," LATER "}",
		"{\"AccessKeyId\":\"A\\r\\nX: y\",\"SecretAccessKey\":\"s\",\"Token\":\"t\"," LATER "}",
		"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":\"s\",\"Token\":\"t\\u0000t\"," LATER "}",
		"{\"AccessKeyId\":\"A\",\"SecretAccessKey\":{},\"Token\":\"t\"," LATER "}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct aws_got got = { .life_ms = 0 };
		assert_row(read_keys(rows[i], &got) != NULL, rows[i]);
		assert_row(got.life_ms == 0, rows[i]);
	}
}

TEST(a_key_over_its_bound_is_none)
{
	char text[AWS_KEY_MAX_BYTES + 200], id[AWS_KEY_MAX_BYTES + 2];
	struct aws_got got;

	(void)state;
	memset(id, 'x', sizeof(id));
	for (size_t len = AWS_KEY_MAX_BYTES; len <= AWS_KEY_MAX_BYTES + 1; len++) {
		(void)snprintf(text, sizeof(text), "{\"AccessKeyId\":\"%.*s\",\"SecretAccessKey\":\"s\","
		    "\"Token\":\"t\"," LATER "}", (int)len, id);
		assert_true((read_keys(text, &got) == NULL) == (len == AWS_KEY_MAX_BYTES));
	}
}

TEST(a_containers_token_goes_to_fixed_addresses_alone)
{
	static const struct {
		const char *host;
		bool        may;
	} rows[] = {
		{ "127.0.0.1", true }, { "127.1.2.3", true }, { "localhost", true }, { "[::1]", true },
		{ "169.254.170.2", true }, { "169.254.170.23", true }, { "[fd00:ec2::23]", true },
		{ "169.254.170.3", false }, { "169.254.169.254", false }, { "169.254.170.2.evil", false },
		{ "[fd00:ec2::24]", false }, { "127.evil.example", false }, { "evil.example", false },
		{ "localhost.evil.example", false }, { "", false }, { "10.0.0.1", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(aws_host_is_container(str_of(rows[i].host)) == rows[i].may, rows[i].host);
}

TEST(the_first_source_that_is_configured_is_asked)
{
	static const struct {
		const char     *name;
		struct config   config;
		enum aws_source source;
	} rows[] = {
		{ "nothing", { .threads = 1 }, AWS_SOURCE_INSTANCE },
		{ "disabled", { .aws_metadata_disabled = true }, AWS_SOURCE_NONE },
		{ "relative", { .aws_container_relative_uri = STR_INIT("/x"),
		  .aws_metadata_disabled = true }, AWS_SOURCE_CONTAINER },
		{ "full", { .aws_container_full_uri = STR_INIT("http://localhost/x") },
		  AWS_SOURCE_CONTAINER },
		{ "environment", { .aws_access_key_id = STR_INIT("a"),
		  .aws_secret_access_key = STR_INIT("b"), .aws_container_full_uri = STR_INIT("c") },
		  AWS_SOURCE_ENVIRONMENT },
		{ "half", { .aws_access_key_id = STR_INIT("a") }, AWS_SOURCE_NONE },
		{ "other half", { .aws_secret_access_key = STR_INIT("a"),
		  .aws_container_full_uri = STR_INIT("c") }, AWS_SOURCE_NONE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(aws_source_of(&rows[i].config) == rows[i].source, rows[i].name);
}

TEST_MAIN(
	RUN(a_signature_is_the_one_that_aws_expects),
	RUN(a_session_token_is_signed_with_it),
	RUN(crc32_is_the_one_of_gzip),
	RUN(errors_are_told_apart),
	RUN(each_cause_has_a_name_and_an_error),
	RUN(a_wait_is_anything_up_to_a_bound_that_doubles),
	RUN(a_budget_ends_and_comes_back_and_is_never_more_than_full),
	RUN(keys_of_a_container_and_of_an_instance_are_read),
	RUN(what_cannot_be_keys_is_none),
	RUN(a_key_over_its_bound_is_none),
	RUN(a_containers_token_goes_to_fixed_addresses_alone),
	RUN(the_first_source_that_is_configured_is_asked),
)
