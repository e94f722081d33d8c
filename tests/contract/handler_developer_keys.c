/*
 * The developer handler's own table through the whole pipeline: what a client sees.
 * Attacks held off: a key that makes itself or another more than it is; a secret that
 * stays anywhere in the store; another's keys; keys without end.
 */
#include "auth/account.h"
#include "auth/identity.h"
#include "base/time.h"
#include "log/log.h"
#include "tests/fixture.h"
#include "tests/signed_request.h"

/* The handler as it is, but for its main(). */
int developer_main(int argc, char **argv);
#define main developer_main
#include "handlers/developer/developer.c"
#undef main

#define EMAIL    "owner@localhost"
#define PASSWORD "a password of the owner's"
#define JSON     "CONTENT_TYPE=application/json"
#define KEYS     "/v1/developer/keys"

static const char *const settings[] = {
	"OWNER_PASSWORD=" PASSWORD, "LOG_LEVEL=error", "PUBLIC_URL=https://quiver.example", NULL
};

static struct fixture f;
static const char    *owner;            /* "HTTP_AUTHORIZATION=Bearer …" of a session */

static const char *header_of(const char *name, struct str value)
{
	return arena_printf(&f.arena, "%s=%.*s", name, STR_ARG(value)).ptr;
}

static void sign_in(void)
{
	struct identity_login in;
	struct identity_call call = { .auth = f.app.auth, .store = f.worker.store,
		.arena = &f.arena, .now_ms = time_now_ms() };

	assert_int_equal(identity_local.login(&call, STR(EMAIL), STR(PASSWORD), &in), OK);
	owner = arena_printf(&f.arena, "HTTP_AUTHORIZATION=Bearer %.*s",
	    STR_ARG(in.tokens.access_token)).ptr;
}

static int open_handler(void **state)
{
	struct str email, password;

	(void)state;
	fixture_open(&f, &developer, settings);
	log_open(&f.app.config, "developer");
	assert_int_equal(identity_ensure_owner(f.app.auth, f.worker.store, &f.arena,
	    time_now_ms(), &email, &password), OK);
	sign_in();
	return 0;
}

static int close_handler(void **state)
{
	(void)state;
	fixture_close(&f);
	return 0;
}

static struct fixture_reply send(const char *method, const char *target, const char *who,
    const char *body, const char *header)
{
	return fixture_send(&f, &(struct fixture_request){ method, target,
	    { JSON, "REMOTE_ADDR=192.0.2.7", who, header }, str_of(body) });
}

static struct fixture_reply get(const char *target, const char *who)
{
	return send("GET", target, who, "", NULL);
}

static struct fixture_reply post(const char *who, const char *body)
{
	return send("POST", KEYS, who, body, NULL);
}

/* A key made by `who`: its JSON, its path and the header that it is sent in. */
struct key {
	const struct json *json;
	const char        *path, *header;
	struct str         id, text;
};

static struct key key_in(const struct fixture_reply *reply)
{
	struct key k = { .json = fixture_json(&f, reply) };

	k.id = json_get_string(k.json, "id");
	k.text = json_get_string(k.json, "key");
	k.path = arena_printf(&f.arena, KEYS "/%.*s", STR_ARG(k.id)).ptr;
	k.header = header_of("HTTP_X_API_KEY", k.text);
	return k;
}

static struct key make(const char *who, const char *body)
{
	struct fixture_reply reply = post(who, body);

	if (reply.status != 201)
		fail_msg("%d %.*s", reply.status, STR_ARG(reply.body));
	return key_in(&reply);
}

#define ALL_OF_A_KEY "{\"name\":\"ci\",\"scopes\":[\"keys:manage\",\"content:read\"]}"

TEST(every_scope_can_be_asked_for)
{
	(void)state;
	scope_set set = 0, sign_in = SCOPE_BIT(SCOPE_OPENID) | SCOPE_BIT(SCOPE_EMAIL) |
	    SCOPE_BIT(SCOPE_OFFLINE_ACCESS);

	for (size_t n = 0; scope_choices[n] != NULL; n++) {
		assert_row(scope_from_name(str_of(scope_choices[n])) != SCOPE_UNSET, scope_choices[n]);
		set |= SCOPE_BIT(scope_from_name(str_of(scope_choices[n])));
	}
	assert_int_equal(set, role_scopes(ROLE_OWNER) & ~sign_in);
	assert_null(route_table_problem(routes, COUNT(routes)));
}

TEST(a_key_is_shown_once_and_works)
{
	struct fixture_reply made = post(owner, "{\"name\":\"ci\",\"scopes\":[\"keys:manage\"],"
	    "\"allowed_ips\":[\"192.0.2.0/24\",\"2001:DB8:0::/32\",\"192.0.2.0/24\"],"
	    "\"expires_at\":\"2999-01-01T00:00:00+01:00\"}");
	struct key k = key_in(&made);

	(void)state;
	assert_int_equal(made.status, 201);
	assert_str(fixture_header(&made, "Location"), str_of(k.path));
	assert_str(fixture_header(&made, "Cache-Control"), STR("no-store"));
	assert_int_equal(k.text.len, API_KEY_BYTES);
	assert_true(str_starts(k.text, json_get_string(k.json, "prefix")));
	assert_str(json_get_string(k.json, "expires_at"), STR("2998-12-31T23:00:00.000Z"));
	assert_int_equal(json_length(json_get(k.json, STR("allowed_ips"))), 2);
	assert_str(json_string(json_at(json_get(k.json, STR("allowed_ips")), 1)),
	    STR("2001:db8::/32"));

	struct fixture_reply read = get(k.path, k.header);
	assert_int_equal(read.status, 200);
	assert_str(fixture_header(&read, "ETag"), fixture_header(&made, "ETag"));
	assert_false(str_contains(read.body, k.text));
	assert_null(json_get(fixture_json(&f, &read), STR("key")));
	read = get(KEYS, owner);
	assert_false(str_contains(read.body, k.text));
}

static bool contains_file(const char *name, struct str text)
{
	char path[128], *bytes = malloc(8 << 20);
	size_t n = 0;

	snprintf(path, sizeof(path), "%s/%s", f.dir, name);
	FILE *file = fopen(path, "rb");
	if (file != NULL) {
		n = fread(bytes, 1, 8 << 20, file);
		fclose(file);
	}
	bool found = str_contains((struct str){ bytes, n }, text);
	free(bytes);
	return found;
}

TEST(no_secret_is_in_the_store_whatever_was_recorded)
{
	struct fixture_reply made = send("POST", KEYS, owner, ALL_OF_A_KEY, "HTTP_IDEMPOTENCY_KEY=k1");
	struct key k = key_in(&made);
	struct str secret = str_first(str_from(k.text, API_KEY_SHOWN_BYTES + 1), 20);

	(void)state;
	assert_int_equal(made.status, 201);
	assert_true(contains_file("quiver.db-wal", k.id) || contains_file("quiver.db", k.id));
	assert_false(contains_file("quiver.db", secret));
	assert_false(contains_file("quiver.db-wal", secret));
}

TEST(a_retry_shows_the_same_key_again_to_who_made_it)
{
	struct fixture_reply first = send("POST", KEYS, owner, ALL_OF_A_KEY, "HTTP_IDEMPOTENCY_KEY=k1");
	struct fixture_reply again = send("POST", KEYS, owner, ALL_OF_A_KEY, "HTTP_IDEMPOTENCY_KEY=k1");
	struct key k = key_in(&first);

	(void)state;
	assert_int_equal(again.status, 201);
	assert_str(again.body, first.body);
	assert_str(fixture_header(&again, "Idempotent-Replayed"), STR("true"));
	/* A key of the same account gets its own. */
	again = send("POST", KEYS, k.header, ALL_OF_A_KEY, "HTTP_IDEMPOTENCY_KEY=k1");
	assert_int_equal(again.status, 201);
	assert_null(fixture_header(&again, "Idempotent-Replayed").ptr);
	assert_false(str_contains(again.body, k.text));
	again = send("POST", KEYS, owner, "{\"name\":\"x\",\"scopes\":[\"profile\"]}",
	    "HTTP_IDEMPOTENCY_KEY=k1");
	assert_int_equal(again.status, 422);
}

TEST(what_does_not_do_is_named_by_pointer)
{
	static const struct { const char *body, *pointer; } rows[] = {
		{ "{\"scopes\":[\"profile\"]}", "/name" },
		{ "{\"name\":\"\",\"scopes\":[\"profile\"]}", "/name" },
		{ "{\"name\":\"x\"}", "/scopes" },
		{ "{\"name\":\"x\",\"scopes\":[]}", "/scopes" },
		{ "{\"name\":\"x\",\"scopes\":[\"profile\",\"root\"]}", "/scopes/1" },
		{ "{\"name\":\"x\",\"scopes\":[\"\"]}", "/scopes/0" },
		{ "{\"name\":\"x\",\"scopes\":[\"profile\"],\"expires_at\":\"2001-01-01T00:00:00Z\"}",
		  "/expires_at" },
		{ "{\"name\":\"x\",\"scopes\":[\"profile\"],\"expires_at\":\"soon\"}", "/expires_at" },
		{ "{\"name\":\"x\",\"scopes\":[\"profile\"],\"allowed_ips\":[\"10.0.0.1/8\"]}",
		  "/allowed_ips/0" },
		{ "{\"name\":\"x\",\"scopes\":[\"profile\"],\"allowed_ips\":[\"::1\",\"home\"]}",
		  "/allowed_ips/1" },
		{ "{\"name\":\"x\",\"scopes\":[\"profile\"],\"id\":\"y\"}", "/id" },
		{ "{\"name\":\"x\",\"scopes\":[\"profile\"],\"digest\":\"y\"}", "/digest" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct fixture_reply r = post(owner, rows[i].body);
		const struct json *errors = json_get(fixture_json(&f, &r), STR("errors"));

		assert_row(r.status == 422, rows[i].body);
		assert_row(str_eq(json_get_string(json_at(errors, 0), "pointer"),
		    str_of(rows[i].pointer)), rows[i].body);
	}
}

TEST(more_ranges_than_are_kept_are_refused)
{
	struct buf body;

	(void)state;
	buf_init(&body, &f.arena, 8192);
	BUF_LIT(&body, "{\"name\":\"x\",\"scopes\":[\"profile\"],\"allowed_ips\":[");
	for (int i = 0; i <= API_KEY_RANGES_MAX; i++)
		buf_printf(&body, "%s\"10.0.0.%d\"", i == 0 ? "" : ",", i);
	BUF_LIT(&body, "]}");
	assert_int_equal(post(owner, buf_cstr(&body)).status, 422);
}

TEST(a_patch_changes_what_it_names_and_the_version)
{
	struct key k = make(owner, ALL_OF_A_KEY);
	struct fixture_reply r = send("PATCH", k.path, owner,
	    "{\"name\":\"new\",\"allowed_ips\":[\"::1\"]}", NULL);
	const struct json *json = fixture_json(&f, &r);

	(void)state;
	assert_int_equal(r.status, 200);
	assert_str(json_get_string(json, "name"), STR("new"));
	assert_int_equal(json_get_int(json, "version", 0), 2);
	assert_int_equal(json_length(json_get(json, STR("scopes"))), 2);
	assert_int_equal(get(KEYS, k.header).status, 401);      /* at once */
	r = send("PATCH", k.path, owner, "{\"allowed_ips\":null}", NULL);
	assert_int_equal(r.status, 200);
	assert_int_equal(get(KEYS, k.header).status, 200);
	struct fixture_reply read = get(k.path, owner);
	assert_str(fixture_header(&read, "ETag"), fixture_header(&r, "ETag"));
}

TEST(a_stale_tag_changes_nothing)
{
	struct fixture_reply made = post(owner, ALL_OF_A_KEY);
	struct key k = key_in(&made);
	const char *tag = header_of("HTTP_IF_MATCH", fixture_header(&made, "ETag"));

	(void)state;
	assert_int_equal(send("PATCH", k.path, owner, "{\"name\":\"b\"}", tag).status, 200);
	assert_int_equal(send("PATCH", k.path, owner, "{\"name\":\"c\"}", tag).status, 412);
	assert_int_equal(send("DELETE", k.path, owner, "", tag).status, 412);
	assert_int_equal(get(KEYS, k.header).status, 200);
}

TEST(a_deleted_key_is_over_at_once_and_gone)
{
	struct key k = make(owner, ALL_OF_A_KEY);

	(void)state;
	assert_int_equal(get(KEYS, k.header).status, 200);
	assert_int_equal(send("DELETE", k.path, owner, "", NULL).status, 204);
	assert_int_equal(get(KEYS, k.header).status, 401);
	assert_int_equal(get(k.path, owner).status, 404);
	assert_int_equal(send("DELETE", k.path, owner, "", NULL).status, 404);
	assert_int_equal(send("POST", arena_printf(&f.arena, "%s/rotate", k.path).ptr, owner, "{}",
	    NULL).status, 404);
	assert_false(str_contains(get(KEYS, owner).body, k.id));
}

static struct fixture_reply rotate_key(const struct key *k, const char *who, const char *body)
{
	return send("POST", arena_printf(&f.arena, "%s/rotate", k->path).ptr, who, body, NULL);
}

TEST(a_rotation_ends_the_old_secret_or_lets_it_work_on)
{
	struct key k = make(owner, ALL_OF_A_KEY), second, third;
	struct fixture_reply r = rotate_key(&k, owner, "");

	(void)state;
	assert_int_equal(r.status, 200);
	second = key_in(&r);
	assert_str(second.id, k.id);
	assert_str(json_get_string(second.json, "prefix"), json_get_string(k.json, "prefix"));
	assert_int_equal(get(KEYS, k.header).status, 401);
	assert_int_equal(get(KEYS, second.header).status, 200);
	assert_null(json_get_string(second.json, "previous_expires_at").ptr);
	r = rotate_key(&k, owner, "{\"grace_s\":60}");
	third = key_in(&r);
	assert_int_equal(get(KEYS, second.header).status, 200);
	assert_int_equal(get(KEYS, third.header).status, 200);
	assert_non_null(json_get_string(third.json, "previous_expires_at").ptr);
	assert_int_equal(rotate_key(&k, owner, "{\"grace_s\":2592001}").status, 422);
	assert_int_equal(get(k.path, owner).status, 200);
}

TEST(an_account_has_a_bounded_number_and_an_expired_one_makes_room)
{
	struct key first = make(owner, ALL_OF_A_KEY);
	struct api_key_record r;
	struct store_result result;
	struct store_op op = { .verb = STORE_PUT };

	(void)state;
	for (int i = 1; i < API_KEYS_MAX; i++)
		make(owner, ALL_OF_A_KEY);
	assert_int_equal(post(owner, ALL_OF_A_KEY).status, 409);
	assert_int_equal(api_key_read(f.worker.store, &f.arena, first.id, time_now_ms(), &r), OK);
	r.expires_ms = time_now_ms() - 1;
	assert_int_equal(api_key_item(&f.arena, &r, &op.item), OK);
	assert_int_equal(store_write(f.worker.store, &op, 1, STORE_DURABLE, time_now_ms(), &result),
	    OK);
	assert_int_equal(post(owner, ALL_OF_A_KEY).status, 201);
	assert_int_equal(get(first.path, owner).status, 404);
	assert_int_equal(post(owner, ALL_OF_A_KEY).status, 409);
}

TEST(a_list_has_every_key_once_newest_first)
{
	struct key made[5];
	const char *target = KEYS "?limit=2";
	size_t seen = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(made); i++)
		made[i] = make(owner, ALL_OF_A_KEY);
	while (target != NULL) {
		struct fixture_reply r = get(target, owner);
		const struct json *page = fixture_json(&f, &r), *items = json_get(page, STR("items"));
		struct str next = json_get_string(page, "next_cursor");

		assert_int_equal(r.status, 200);
		for (size_t i = 0; i < json_length(items); i++, seen++)
			assert_str(json_get_string(json_at(items, i), "id"),
			    made[COUNT(made) - 1 - seen].id);
		target = next.ptr == NULL ? NULL :
		    arena_printf(&f.arena, KEYS "?limit=2&cursor=%.*s", STR_ARG(next)).ptr;
	}
	assert_int_equal(seen, COUNT(made));
}

TEST(a_key_makes_nothing_that_is_more_than_itself)
{
	struct key k = make(owner, "{\"name\":\"k\",\"scopes\":[\"keys:manage\",\"profile\"],"
	    "\"allowed_ips\":[\"192.0.2.0/24\"],\"expires_at\":\"2999-01-01T00:00:00Z\"}");
	static const struct { const char *body; uint16_t status; } rows[] = {
		{ "{\"name\":\"x\",\"scopes\":[\"content:write\"],\"allowed_ips\":[\"192.0.2.7\"],"
		  "\"expires_at\":\"2998-01-01T00:00:00Z\"}", 422 },
		{ "{\"name\":\"x\",\"scopes\":[\"profile\"],"
		  "\"expires_at\":\"2998-01-01T00:00:00Z\"}", 403 },
		{ "{\"name\":\"x\",\"scopes\":[\"profile\"],\"allowed_ips\":[\"192.0.2.7\"]}", 403 },
		{ "{\"name\":\"x\",\"scopes\":[\"profile\"],\"allowed_ips\":[\"192.0.2.7\"],"
		  "\"expires_at\":\"2999-01-01T00:00:01Z\"}", 403 },
		{ "{\"name\":\"x\",\"scopes\":[\"profile\"],\"allowed_ips\":[\"192.0.0.0/16\"],"
		  "\"expires_at\":\"2998-01-01T00:00:00Z\"}", 403 },
		{ "{\"name\":\"x\",\"scopes\":[\"profile\"],\"allowed_ips\":[\"192.0.2.7\",\"::1\"],"
		  "\"expires_at\":\"2998-01-01T00:00:00Z\"}", 403 },
		{ "{\"name\":\"x\",\"scopes\":[\"profile\"],\"allowed_ips\":[\"192.0.2.0/25\"],"
		  "\"expires_at\":\"2999-01-01T00:00:00Z\"}", 201 },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(post(k.header, rows[i].body).status == rows[i].status, rows[i].body);
	/* Nor of itself. */
	assert_int_equal(send("PATCH", k.path, k.header, "{\"allowed_ips\":null}", NULL).status, 403);
	assert_int_equal(send("PATCH", k.path, k.header, "{\"expires_at\":null}", NULL).status, 403);
	assert_int_equal(send("PATCH", k.path, k.header, "{\"scopes\":[\"audit:read\"]}",
	    NULL).status, 422);
	assert_int_equal(send("PATCH", k.path, k.header, "{\"name\":\"mine\"}", NULL).status, 200);
}

static struct fixture_reply rotate_signed(const struct key *k, const struct key *who)
{
	const char *path = arena_printf(&f.arena, "%s/rotate", k->path).ptr;
	struct signed_headers h = sign_request(&f.arena, "POST", path, "{}", who->id, who->text, NULL);

	return fixture_send(&f, &(struct fixture_request){ "POST", path,
	    { JSON, "REMOTE_ADDR=192.0.2.7", who->header, h.digest, h.input, h.signature }, STR("{}") });
}

TEST(a_key_does_not_take_over_one_that_may_do_more)
{
	struct key small = make(owner, "{\"name\":\"s\",\"scopes\":[\"keys:manage\"]}");
	struct key big = make(owner, "{\"name\":\"b\",\"scopes\":[\"content:write\"]}");
	struct fixture_reply r = rotate_signed(&big, &small);

	(void)state;
	assert_int_equal(r.status, 403);
	assert_false(str_contains(r.body, STR("qv_live_")));
	assert_int_equal(send("PATCH", big.path, small.header, "{\"name\":\"mine\"}", NULL).status,
	    403);
	r = rotate_signed(&small, &small);
	assert_int_equal(r.status, 200);
}

TEST(a_key_needs_its_scope_here_too)
{
	struct key k = make(owner, "{\"name\":\"k\",\"scopes\":[\"content:read\"]}");

	(void)state;
	assert_int_equal(get(KEYS, k.header).status, 403);
	assert_int_equal(post(k.header, ALL_OF_A_KEY).status, 403);
	assert_int_equal(get(KEYS, NULL).status, 401);
}

static struct str other_account_key(void)
{
	struct api_key_record r = { .id = STR("01900000-0000-7000-8000-00000000abcd"),
		.account = STR("01900000-0000-7000-8000-00000000aaaa"), .name = STR("other") };
	struct store_result result;
	struct store_op op = { .verb = STORE_PUT };

	assert_int_equal(api_key_item(&f.arena, &r, &op.item), OK);
	assert_int_equal(store_write(f.worker.store, &op, 1, STORE_DURABLE, time_now_ms(), &result),
	    OK);
	return r.id;
}

TEST(anothers_key_is_not_there)
{
	const char *path = arena_printf(&f.arena, KEYS "/%.*s", STR_ARG(other_account_key())).ptr;

	(void)state;
	assert_int_equal(get(path, owner).status, 404);
	assert_int_equal(send("PATCH", path, owner, "{\"name\":\"x\"}", NULL).status, 404);
	assert_int_equal(send("DELETE", path, owner, "", NULL).status, 404);
	assert_int_equal(get(KEYS "/..%2F..", owner).status / 100, 4);
	assert_int_equal(get(KEYS "/%00", owner).status / 100, 4);
}

TEST(a_use_is_noted_once_the_reply_is_out)
{
	struct key k = make(owner, ALL_OF_A_KEY);
	struct fixture_reply before = get(k.path, owner), after;
	const struct json *json;

	(void)state;
	assert_null(json_get_string(fixture_json(&f, &before), "last_used_at").ptr);
	assert_int_equal(get(KEYS, k.header).status, 200);
	after = get(k.path, owner);
	json = fixture_json(&f, &after);
	assert_non_null(json_get_string(json, "last_used_at").ptr);
	assert_str(json_get_string(json, "last_used_address"), STR("192.0.2.7"));
	assert_str(fixture_header(&after, "ETag"), fixture_header(&before, "ETag"));
}

TEST(without_keys_of_their_own_reports_are_not_taken)
{
	(void)state;
	assert_int_equal(send("POST", KEYS "/leaks", NULL, "[]", NULL).status, 404);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, open_handler, close_handler)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		CASE(every_scope_can_be_asked_for),
		CASE(a_key_is_shown_once_and_works),
		CASE(no_secret_is_in_the_store_whatever_was_recorded),
		CASE(a_retry_shows_the_same_key_again_to_who_made_it),
		CASE(what_does_not_do_is_named_by_pointer),
		CASE(more_ranges_than_are_kept_are_refused),
		CASE(a_patch_changes_what_it_names_and_the_version),
		CASE(a_stale_tag_changes_nothing),
		CASE(a_deleted_key_is_over_at_once_and_gone),
		CASE(a_rotation_ends_the_old_secret_or_lets_it_work_on),
		CASE(an_account_has_a_bounded_number_and_an_expired_one_makes_room),
		CASE(a_list_has_every_key_once_newest_first),
		CASE(a_key_makes_nothing_that_is_more_than_itself),
		CASE(a_key_does_not_take_over_one_that_may_do_more),
		CASE(a_key_needs_its_scope_here_too),
		CASE(anothers_key_is_not_there),
		CASE(a_use_is_noted_once_the_reply_is_out),
		CASE(without_keys_of_their_own_reports_are_not_taken),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
