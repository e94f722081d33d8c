/*
 * The auth handler's own table through the whole pipeline: what a client sees.
 */
#include "auth_rig.h"

TEST(the_tables_have_no_hole)
{
	(void)state;
	assert_null(route_table_problem(routes, COUNT(routes)));
}

TEST(signing_in_gives_tokens_that_nobody_stores)
{
	struct fixture       f;
	struct fixture_reply reply;
	const struct json   *tokens;

	(void)state;
	open_handler(&f);
	reply = post(&f, "/v1/auth/login", NULL,
	    "{\"email\":\"" EMAIL "\",\"password\":\"" PASSWORD "\"}");
	assert_int_equal(reply.status, 200);
	assert_str(fixture_header(&reply, "Cache-Control"), STR("no-store"));
	tokens = fixture_json(&f, &reply);
	assert_str(json_get_string(tokens, "token_type"), STR("Bearer"));
	assert_int_equal(json_get_int(tokens, "expires_in", 0), 3600);
	assert_true(json_get_string(tokens, "id_token").len > 0);
	fixture_close(&f);
}

TEST(a_wrong_password_and_an_unknown_address_get_the_same_reply)
{
	struct fixture       f;
	struct fixture_reply wrong, unknown;
	const struct json   *a, *b;

	(void)state;
	open_handler(&f);
	wrong = post(&f, "/v1/auth/login", NULL,
	    "{\"email\":\"" EMAIL "\",\"password\":\"not this one\"}");
	unknown = post(&f, "/v1/auth/login", NULL,
	    "{\"email\":\"nobody@example.com\",\"password\":\"not this one\"}");
	assert_int_equal(wrong.status, 401);
	assert_int_equal(unknown.status, 401);
	a = fixture_json(&f, &wrong);
	b = fixture_json(&f, &unknown);
	assert_str(json_get_string(a, "detail"), json_get_string(b, "detail"));
	assert_str(json_get_string(a, "title"), json_get_string(b, "title"));
	fixture_close(&f);
}

static const struct {
	const char *target, *body;
	uint16_t    status;
} bad_bodies[] = {
	{ "/v1/auth/login", "", 400 },
	{ "/v1/auth/login", "{}", 422 },
	{ "/v1/auth/login", "{\"email\":\"x\",\"password\":\"y\"}", 422 },
	{ "/v1/auth/login", "{\"email\":\"a@b.c\",\"password\":\"\"}", 422 },
	{ "/v1/auth/login", "{\"email\":\"a@b.c\",\"password\":\"y\",\"admin\":true}", 422 },
	{ "/v1/auth/login", "{\"email\":\"a@b.c\",\"password\":\"y\",\"password\":\"z\"}", 400 },
	{ "/v1/auth/refresh", "{}", 422 },
	{ "/v1/auth/refresh", "{\"refresh_token\":7}", 422 },
	{ "/v1/auth/refresh", "{\"refresh_token\":\"qv_refresh_none\"}", 401 },
	{ "/v1/auth/logout", "", 401 },
	{ "/v1/auth/password/change", "{}", 401 },
};

TEST(a_bad_body_is_told_what_is_wrong)
{
	struct fixture f;

	(void)state;
	open_handler(&f);
	for (size_t i = 0; i < COUNT(bad_bodies); i++) {
		struct fixture_reply reply = post(&f, bad_bodies[i].target, NULL,
		    bad_bodies[i].body);

		if (reply.status != bad_bodies[i].status)
			fail_msg("row %s %s: %u", bad_bodies[i].target, bad_bodies[i].body,
			    reply.status);
	}
	fixture_close(&f);
}

TEST(refreshing_gives_tokens_of_the_same_session)
{
	struct fixture       f;
	struct fixture_reply reply;
	const struct json   *tokens;

	(void)state;
	open_handler(&f);
	sign_in(&f, &tokens);
	reply = post(&f, "/v1/auth/refresh", NULL, arena_printf(&f.arena,
	    "{\"refresh_token\":\"%.*s\"}", STR_ARG(json_get_string(tokens, "refresh_token"))).ptr);
	assert_int_equal(reply.status, 200);
	assert_str(fixture_header(&reply, "Cache-Control"), STR("no-store"));
	assert_false(str_eq(json_get_string(fixture_json(&f, &reply), "refresh_token"),
	    json_get_string(tokens, "refresh_token")));
	fixture_close(&f);
}

TEST(logging_out_needs_no_body_and_works_at_once)
{
	struct fixture         f;
	struct fixture_request out = { "POST", "/v1/auth/logout", { NULL }, STR("") };
	const struct json     *tokens;
	const char            *token;

	(void)state;
	open_handler(&f);
	token = sign_in(&f, &tokens);
	assert_int_equal(get(&f, "/v1/auth/me", token).status, 200);
	out.headers[0] = token;
	assert_int_equal(fixture_send(&f, &out).status, 204);
	assert_int_equal(get(&f, "/v1/auth/me", token).status, 401);
	fixture_close(&f);
}

TEST(logging_out_everywhere_ends_the_other_sessions_too)
{
	struct fixture     f;
	const struct json *tokens;
	const char        *one, *two;

	(void)state;
	open_handler(&f);
	one = sign_in(&f, &tokens);
	two = sign_in(&f, &tokens);
	assert_int_equal(post(&f, "/v1/auth/logout", one, "{\"everywhere\":true}").status, 204);
	assert_int_equal(get(&f, "/v1/auth/me", two).status, 401);
	fixture_close(&f);
}

TEST(me_says_who_the_caller_is)
{
	struct fixture       f;
	struct fixture_reply reply;
	const struct json   *me, *tokens;

	(void)state;
	open_handler(&f);
	assert_int_equal(get(&f, "/v1/auth/me", NULL).status, 401);
	reply = get(&f, "/v1/auth/me", sign_in(&f, &tokens));
	assert_int_equal(reply.status, 200);
	assert_non_null(fixture_header(&reply, "ETag").ptr);
	me = fixture_json(&f, &reply);
	assert_int_equal(json_get_string(me, "id").len, 36);
	assert_str(json_get_string(me, "email"), STR(EMAIL));
	assert_int_equal(json_type(json_get(me, STR("name"))), JSON_NULL);
	assert_int_equal(json_type(json_get(me, STR("tenant"))), JSON_NULL);
	assert_int_equal(json_length(json_get(me, STR("roles"))), 1);
	assert_str(json_string(json_at(json_get(me, STR("roles")), 0)), STR("owner"));
	assert_int_equal(json_length(json_get(me, STR("scopes"))), SCOPE_COUNT - SCOPE_CONTENT_READ);
	fixture_close(&f);
}

static struct fixture_reply rename_to(struct fixture *f, const char *token, const char *if_match,
    const char *body)
{
	struct fixture_request r = { "PATCH", "/v1/auth/me",
		{ "CONTENT_TYPE=application/merge-patch+json", token, if_match }, str_of(body) };

	return fixture_send(f, &r);
}

TEST(a_name_is_changed_and_cleared_under_if_match)
{
	struct fixture       f;
	struct fixture_reply reply;
	const struct json   *tokens;
	const char          *token, *stale;

	(void)state;
	open_handler(&f);
	token = sign_in(&f, &tokens);
	reply = get(&f, "/v1/auth/me", token);
	stale = arena_printf(&f.arena, "HTTP_IF_MATCH=%.*s",
	    STR_ARG(fixture_header(&reply, "ETag"))).ptr;
	reply = rename_to(&f, token, stale, "{\"name\":\"Ada\"}");
	assert_int_equal(reply.status, 200);
	assert_str(json_get_string(fixture_json(&f, &reply), "name"), STR("Ada"));
	assert_int_equal(rename_to(&f, token, stale, "{\"name\":\"Bea\"}").status, 412);
	reply = rename_to(&f, token, NULL, "{}");
	assert_str(json_get_string(fixture_json(&f, &reply), "name"), STR("Ada"));
	reply = rename_to(&f, token, NULL, "{\"name\":null}");
	assert_int_equal(reply.status, 200);
	assert_int_equal(json_type(json_get(fixture_json(&f, &reply), STR("name"))), JSON_NULL);
	assert_int_equal(rename_to(&f, token, NULL, "{\"email\":\"x@y.z\"}").status, 422);
	assert_int_equal(rename_to(&f, token, NULL, "{\"roles\":[\"owner\"]}").status, 422);
	assert_int_equal(rename_to(&f, token, NULL, "{\"name\":\"\"}").status, 422);
	fixture_close(&f);
}

TEST(a_wrong_old_password_is_a_field_error_and_not_a_bad_token)
{
	struct fixture       f;
	struct fixture_reply reply;
	const struct json   *tokens, *error;
	const char          *token;

	(void)state;
	open_handler(&f);
	token = sign_in(&f, &tokens);
	reply = post(&f, "/v1/auth/password/change", token,
	    "{\"old_password\":\"not this one\",\"new_password\":\"a new password altogether\"}");
	assert_int_equal(reply.status, 422);
	error = json_at(json_get(fixture_json(&f, &reply), STR("errors")), 0);
	assert_str(json_get_string(error, "pointer"), STR("/old_password"));
	reply = post(&f, "/v1/auth/password/change", token,
	    "{\"old_password\":\"" PASSWORD "\",\"new_password\":\"too short\"}");
	assert_int_equal(reply.status, 422);
	reply = post(&f, "/v1/auth/password/change", token,
	    "{\"old_password\":\"" PASSWORD "\",\"new_password\":\"a new password altogether\"}");
	assert_int_equal(reply.status, 204);
	assert_int_equal(get(&f, "/v1/auth/me", token).status, 200);
	fixture_close(&f);
}

TEST(discovery_and_keys_fit_each_other)
{
	struct fixture       f;
	struct fixture_reply reply;
	const struct json   *doc;

	(void)state;
	open_handler(&f);
	reply = get(&f, "/.well-known/openid-configuration", NULL);
	assert_int_equal(reply.status, 200);
	doc = fixture_json(&f, &reply);
	assert_str(json_get_string(doc, "issuer"), STR("https://quiver.example"));
	assert_str(json_get_string(doc, "jwks_uri"),
	    STR("https://quiver.example/.well-known/jwks.json"));
	reply = get(&f, "/.well-known/jwks.json", NULL);
	assert_int_equal(reply.status, 200);
	assert_int_equal(json_length(json_get(fixture_json(&f, &reply), STR("keys"))), 1);
	fixture_close(&f);
}

TEST_MAIN(
	RUN(the_tables_have_no_hole),
	RUN(signing_in_gives_tokens_that_nobody_stores),
	RUN(a_wrong_password_and_an_unknown_address_get_the_same_reply),
	RUN(a_bad_body_is_told_what_is_wrong),
	RUN(refreshing_gives_tokens_of_the_same_session),
	RUN(logging_out_needs_no_body_and_works_at_once),
	RUN(logging_out_everywhere_ends_the_other_sessions_too),
	RUN(me_says_who_the_caller_is),
	RUN(a_name_is_changed_and_cleared_under_if_match),
	RUN(a_wrong_old_password_is_a_field_error_and_not_a_bad_token),
	RUN(discovery_and_keys_fit_each_other))
