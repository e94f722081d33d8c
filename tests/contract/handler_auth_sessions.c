/*
 * /v1/auth/sessions through the whole pipeline.
 */
#include "auth_rig.h"

#include "auth/session.h"

static struct fixture_reply delete(struct fixture *f, struct str id, const char *token)
{
	struct fixture_request r = { "DELETE", arena_printf(&f->arena, "/v1/auth/sessions/%.*s",
		STR_ARG(id)).ptr, { token }, STR("") };

	return fixture_send(f, &r);
}

TEST(sessions_come_in_pages_and_none_is_skipped)
{
	struct fixture       f;
	struct fixture_reply reply;
	const struct json   *tokens, *page, *item;
	const char          *token = NULL;
	struct str           last, cursor;

	(void)state;
	open_handler(&f);
	for (int i = 0; i < 3; i++)
		token = sign_in(&f, &tokens);
	reply = get(&f, "/v1/auth/sessions?limit=2", token);
	assert_int_equal(reply.status, 200);
	assert_str(fixture_header(&reply, "Cache-Control"), STR("no-store"));
	page = fixture_json(&f, &reply);
	assert_int_equal(json_length(json_get(page, STR("items"))), 2);
	item = json_at(json_get(page, STR("items")), 0);
	assert_true(json_get_bool(item, "current", false));
	assert_int_equal(json_type(json_get(item, STR("agent"))), JSON_NULL);
	last = json_get_string(json_at(json_get(page, STR("items")), 1), "id");
	cursor = json_get_string(page, "next_cursor");
	assert_true(cursor.len > 0);
	reply = get(&f, arena_printf(&f.arena, "/v1/auth/sessions?limit=2&cursor=%.*s",
	    STR_ARG(cursor)).ptr, token);
	page = fixture_json(&f, &reply);
	assert_int_equal(json_length(json_get(page, STR("items"))), 1);
	item = json_at(json_get(page, STR("items")), 0);
	assert_true(str_compare(json_get_string(item, "id"), last) < 0);
	assert_int_equal(json_type(json_get(page, STR("next_cursor"))), JSON_NULL);
	fixture_close(&f);
}

TEST(a_session_is_ended_once_and_what_is_none_is_not_found)
{
	struct fixture       f;
	struct fixture_reply reply;
	const struct json   *tokens, *items;
	const char          *token, *other;
	struct str           id;

	(void)state;
	open_handler(&f);
	other = sign_in(&f, &tokens);
	token = sign_in(&f, &tokens);
	reply = get(&f, "/v1/auth/sessions", token);
	items = json_get(fixture_json(&f, &reply), STR("items"));
	id = json_get_string(json_at(items, 1), "id");
	assert_int_equal(delete(&f, id, token).status, 204);
	assert_int_equal(get(&f, "/v1/auth/me", other).status, 401);
	assert_int_equal(get(&f, "/v1/auth/me", token).status, 200);
	assert_int_equal(delete(&f, id, token).status, 404);
	assert_int_equal(delete(&f, STR("not-one"), token).status, 404);
	assert_int_equal(delete(&f, id, NULL).status, 401);
	assert_int_equal(get(&f, "/v1/auth/sessions", NULL).status, 401);
	fixture_close(&f);
}

/* As if the caller had signed in that long ago. */
static void age_session(struct fixture *f, const char *token, int64_t ms)
{
	struct fixture_reply me = get(f, "/v1/auth/me", token);
	struct fixture_reply list = get(f, "/v1/auth/sessions", token);
	const struct json   *first = json_at(json_get(fixture_json(f, &list), STR("items")), 0);
	struct store_op      op = { .verb = STORE_PUT };
	struct store_result  result;
	struct session       s;

	assert_int_equal(session_read(f->worker.store, &f->arena,
	    json_get_string(fixture_json(f, &me), "id"), json_get_string(first, "id"),
	    time_now_ms(), &s), OK);
	s.created_ms -= ms;
	assert_int_equal(session_item(f->app.auth, &f->arena, &s, &op.item), OK);
	assert_int_equal(store_write(f->worker.store, &op, 1, STORE_DURABLE, time_now_ms(),
	    &result), OK);
}

TEST(an_old_sign_in_wants_the_password_before_a_second_factor)
{
	struct fixture       f;
	struct fixture_reply reply;
	const struct json   *tokens;
	const char          *token;

	(void)state;
	open_handler(&f);
	token = sign_in(&f, &tokens);
	assert_int_equal(post(&f, "/v1/auth/totp", token, "{}").status, 200);
	age_session(&f, token, FRESH_SIGN_IN_S * INT64_C(1000));
	assert_int_equal(post(&f, "/v1/auth/totp", token, "{}").status, 403);
	reply = post(&f, "/v1/auth/totp", token, "{\"password\":\"a guess\"}");
	assert_int_equal(reply.status, 422);
	assert_true(str_contains(reply.body, STR("\"/password\"")));
	assert_int_equal(post(&f, "/v1/auth/totp", token,
	    "{\"password\":\"" PASSWORD "\"}").status, 200);
	fixture_close(&f);
}

TEST_MAIN(
	RUN(an_old_sign_in_wants_the_password_before_a_second_factor),
	RUN(sessions_come_in_pages_and_none_is_skipped),
	RUN(a_session_is_ended_once_and_what_is_none_is_not_found))
