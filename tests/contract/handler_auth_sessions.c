/*
 * /v1/auth/sessions through the whole pipeline.
 */
#include "auth_rig.h"

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

TEST_MAIN(
	RUN(sessions_come_in_pages_and_none_is_skipped),
	RUN(a_session_is_ended_once_and_what_is_none_is_not_found))
