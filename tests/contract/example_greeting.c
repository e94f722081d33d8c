/*
 * The handler that README.md shows, through the whole pipeline over a real store.
 */
#include "auth/identity.h"
#include "base/time.h"
#include "log/log.h"
#include "tests/fixture.h"

/* main() is the test's; the table is the handler's own. */
int greeting_main(int argc, char **argv);
#define main greeting_main
#include "tests/example/greeting/greeting.c"
#undef main

#define EMAIL    "owner@example.org"
#define PASSWORD "a-password-of-the-test"
#define ADA      "{\"name\":\"ada\",\"text\":\"Good morning\"}"

static const char *const settings[] = { "OWNER_EMAIL=" EMAIL, "OWNER_PASSWORD=" PASSWORD,
	"LOG_LEVEL=error", NULL };

static struct fixture f;
static const char *token;               /* a CGI variable */

static int open_example(void **state)
{
	struct identity_login in;
	struct str email, password;

	(void)state;
	fixture_open(&f, &greeting, settings);
	log_open(&f.app.config, "greeting");
	assert_int_equal(identity_ensure_owner(f.app.auth, f.worker.store, &f.arena,
	    time_now_ms(), &email, &password), OK);
	struct identity_call k = { .auth = f.app.auth, .store = f.worker.store,
		.arena = &f.arena, .now_ms = time_now_ms() };
	assert_int_equal(identity_local.login(&k, STR(EMAIL), STR(PASSWORD), &in), OK);
	token = arena_printf(&f.arena, "HTTP_AUTHORIZATION=Bearer %.*s",
	    STR_ARG(in.tokens.access_token)).ptr;
	return 0;
}

static int close_example(void **state)
{
	(void)state;
	fixture_close(&f);
	return 0;
}

static struct fixture_reply post(const char *body, const char *header)
{
	return fixture_send(&f, &(struct fixture_request){ "POST", "/v1/greetings",
	    { "CONTENT_TYPE=application/json", token, header }, str_of(body) });
}

static struct fixture_reply get(const char *target, const char *header)
{
	return fixture_send(&f, &(struct fixture_request){ "GET", target, { header }, STR("") });
}

TEST(a_greeting_is_made_and_read_by_anyone)
{
	(void)state;
	struct fixture_reply made = post(ADA, NULL);
	assert_int_equal(made.status, 201);
	assert_str(fixture_header(&made, "Location"), STR("/v1/greetings/ada"));

	struct fixture_reply read = get("/v1/greetings/ada", NULL);
	assert_int_equal(read.status, 200);
	assert_str(read.body, made.body);
	assert_str(fixture_header(&read, "ETag"), fixture_header(&made, "ETag"));
	assert_str(json_get_string(fixture_json(&f, &read), "text"), STR("Good morning"));
}

TEST(a_tag_that_matches_is_not_modified)
{
	(void)state;
	assert_int_equal(post(ADA, NULL).status, 201);
	assert_int_equal(get("/v1/greetings/ada", "HTTP_IF_NONE_MATCH=\"ada-1\"").status, 304);
	assert_int_equal(get("/v1/greetings/ada", "HTTP_IF_NONE_MATCH=\"ada-2\"").status, 200);
}

TEST(a_name_is_greeted_once)
{
	(void)state;
	assert_int_equal(post(ADA, NULL).status, 201);
	assert_int_equal(post(ADA, NULL).status, 409);
}

TEST(a_retry_with_its_key_gets_the_first_reply)
{
	(void)state;
	struct fixture_reply first = post(ADA, "HTTP_IDEMPOTENCY_KEY=k1");
	struct fixture_reply again = post(ADA, "HTTP_IDEMPOTENCY_KEY=k1");

	assert_int_equal(first.status, 201);
	assert_int_equal(again.status, 201);
	assert_str(again.body, first.body);
	assert_str(fixture_header(&again, "Location"), STR("/v1/greetings/ada"));
	assert_str(fixture_header(&again, "Idempotent-Replayed"), STR("true"));
}

TEST(what_the_schema_refuses_is_named_by_pointer)
{
	static const struct { const char *body, *pointer; } rows[] = {
		{ "{\"text\":\"Hello\"}", "/name" },
		{ "{\"name\":\"Not a slug\",\"text\":\"Hello\"}", "/name" },
		{ "{\"name\":\"ada\",\"text\":\"\"}", "/text" },
		{ "{\"name\":\"ada\",\"text\":7}", "/text" },
		{ "{\"name\":\"ada\",\"text\":\"x\",\"created_at\":0}", "/created_at" },
		{ "{\"name\":\"ada\",\"text\":\"x\",\"tone\":\"warm\"}", "/tone" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fixture_reply r = post(rows[i].body, NULL);
		const struct json *errors = json_get(fixture_json(&f, &r), STR("errors"));
		assert_row(r.status == 422, rows[i].body);
		assert_row(str_eq(json_get_string(json_at(errors, 0), "pointer"),
		    str_of(rows[i].pointer)), rows[i].body);
	}
	assert_int_equal(get("/v1/greetings/ada", NULL).status, 404);
}

TEST(nobody_is_not_somebody)
{
	static const char *const targets[] = {
		"/v1/greetings/bob", "/v1/greetings/%00", "/v1/greetings/a%27--", "/v1/greetings/ada/more",
	};
	struct fixture_reply anonymous = fixture_send(&f, &(struct fixture_request){ "POST",
	    "/v1/greetings", { "CONTENT_TYPE=application/json" }, STR(ADA) });
	(void)state;
	assert_int_equal(anonymous.status, 401);
	for (size_t i = 0; i < COUNT(targets); i++)
		assert_row(get(targets[i], NULL).status / 100 == 4, targets[i]);
	assert_int_equal(get("/v1/greetings", NULL).status, 405);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_example, close_example)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(a_greeting_is_made_and_read_by_anyone),
		CASE(a_tag_that_matches_is_not_modified),
		CASE(a_name_is_greeted_once),
		CASE(a_retry_with_its_key_gets_the_first_reply),
		CASE(what_the_schema_refuses_is_named_by_pointer),
		CASE(nobody_is_not_somebody),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
