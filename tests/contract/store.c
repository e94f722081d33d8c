/*
 * The store's contract: every sentence of store/store.h, over every engine.
 */
#include "store_rig.h"

#include <string.h>

/* --- items --- */

TEST(an_item_comes_back_as_it_was_put)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("s"),
		    .index_pk = STR("ip"), .index_sk = STR("is"), .body = STR("{\"a\":1}"),
		    .n = -7, .expires_ms = NOW + 1 });
		struct store_item item = rig_get(&rig, "p", "s");
		assert_str(item.pk, STR("p"));
		assert_str(item.sk, STR("s"));
		assert_str(item.index_pk, STR("ip"));
		assert_str(item.index_sk, STR("is"));
		assert_str(item.body, STR("{\"a\":1}"));
		assert_int_equal(item.n, -7);
		assert_int_equal(item.version, 1);
		assert_int_equal(item.expires_ms, NOW + 1);
	}
}

TEST(an_item_outlives_the_store_that_wrote_it)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		rig_put(&rig, rig_item("p", "s", "{}"));
		rig_disconnect(&rig);
		rig_connect(&rig);
		assert_str(rig_get(&rig, "p", "s").body, STR("{}"));
	}
}

TEST(an_absent_item_is_not_found)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		rig_put(&rig, rig_item("p", "s", "{}"));
		assert_false(rig_has(&rig, "p", "t"));
		assert_false(rig_has(&rig, "q", "s"));
		assert_false(rig_has(&rig, "s", "p"));
	}
}

TEST(a_body_may_be_empty_and_an_index_absent)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("s") });
		struct store_item item = rig_get(&rig, "p", "s");
		assert_int_equal(item.body.len, 0);
		assert_null(item.index_pk.ptr);
		assert_null(item.index_sk.ptr);
		assert_int_equal(item.expires_ms, 0);
	}
}

TEST(a_body_of_any_bytes_and_of_the_largest_size_comes_back)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct str body = { malloc(rig.item_max), rig.item_max };
		for (size_t i = 0; i < body.len; i++)
			((char *)body.ptr)[i] = (char)(i * 7);
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("s"),
		    .body = body });
		assert_true(str_eq(rig_get(&rig, "p", "s").body, body));
		free((void *)body.ptr);
	}
}

TEST(keys_are_compared_as_bytes)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		rig_put(&rig, rig_item("p", "a", "1"));
		rig_put(&rig, rig_item("p", "A", "2"));
		rig_put(&rig, rig_item("p", "a ", "3"));
		rig_put(&rig, rig_item("p", "ä", "4"));
		rig_put(&rig, rig_item("p", "10", "5"));
		rig_put(&rig, rig_item("p", "9", "6"));
		assert_str(rig_get(&rig, "p", "A").body, STR("2"));
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p") }),
		    STR("10 9 A a a  ä"));
	}
}

static void count_calls(void *context, const struct store_item *item)
{
	int *calls = context;

	assert_str(item->body, STR("{}"));
	++*calls;
}

TEST(a_recent_read_finds_what_was_there_before)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		int calls = 0;
		rig_put(&rig, rig_item("p", "s", "{}"));
		assert_int_equal(store_visit_recent(rig.c, STR("p"), STR("s"), NOW, count_calls,
		    &calls), OK);
		assert_int_equal(calls, 1);
		assert_int_equal(store_visit_recent(rig.c, STR("p"), STR("t"), NOW, count_calls,
		    &calls), ERR_NOT_FOUND);
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p"), .recent = true }),
		    STR("s"));
	}
}

TEST(visit_calls_once_for_a_live_item_and_never_for_an_absent_one)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		int calls = 0;
		rig_put(&rig, rig_item("p", "s", "{}"));
		assert_int_equal(store_visit(rig.c, STR("p"), STR("s"), NOW, count_calls, &calls),
		    OK);
		assert_int_equal(calls, 1);
		assert_int_equal(store_visit(rig.c, STR("p"), STR("t"), NOW, count_calls, &calls),
		    ERR_NOT_FOUND);
		assert_int_equal(calls, 1);
	}
}

struct nested {
	struct rig *rig;
	struct str  seen;
};

static void read_another(void *context, const struct store_item *item)
{
	struct nested *nested = context;

	nested->seen = rig_get(nested->rig, "p", "inner").body;
	assert_str(item->body, STR("outer body"));
}

TEST(a_read_inside_a_read_disturbs_neither)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct nested nested = { .rig = &rig };
		rig_put(&rig, rig_item("p", "outer", "outer body"));
		rig_put(&rig, rig_item("p", "inner", "inner body"));
		for (int i = 0; i < 3; i++)
			assert_int_equal(store_visit(rig.c, STR("p"), STR("outer"), NOW,
			    read_another, &nested), OK);
		assert_str(nested.seen, STR("inner body"));
	}
}

TEST(a_read_sees_what_was_just_written_every_time)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		char body[16];
		for (int i = 0; i < 200; i++) {
			snprintf(body, sizeof(body), "%d", i);
			rig_put(&rig, rig_item("p", "s", body));
			assert_str(rig_get(&rig, "p", "s").body, str_of(body));
			assert_str(rig_get(&rig, "p", "s").body, str_of(body));
		}
		assert_int_equal(rig_one(&rig, STORE_DELETE, STORE_ALWAYS,
		    rig_item("p", "s", "")), OK);
		assert_false(rig_has(&rig, "p", "s"));
		assert_false(rig_has(&rig, "p", "s"));
		rig_put(&rig, rig_item("p", "s", "again"));
		assert_str(rig_get(&rig, "p", "s").body, STR("again"));
	}
}

/* --- verbs --- */

TEST(a_put_replaces_the_whole_item_and_raises_its_version)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("s"), .n = 5,
		    .index_pk = STR("i"), .index_sk = STR("j"), .body = STR("old"),
		    .expires_ms = NOW + 5 });
		rig_put(&rig, rig_item("p", "s", "new"));
		struct store_item item = rig_get(&rig, "p", "s");
		assert_str(item.body, STR("new"));
		assert_int_equal(item.version, 2);
		assert_int_equal(item.n, 0);
		assert_int_equal(item.expires_ms, 0);
		assert_null(item.index_pk.ptr);
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR("i"), .index = true }),
		    STR(""));
	}
}

TEST(a_delete_removes_and_is_content_with_nothing_there)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct store_item item = rig_item("p", "s", "");
		rig_put(&rig, rig_item("p", "s", "{}"));
		assert_int_equal(rig_one(&rig, STORE_DELETE, STORE_ALWAYS, item), OK);
		assert_false(rig_has(&rig, "p", "s"));
		assert_int_equal(rig_one(&rig, STORE_DELETE, STORE_ALWAYS, item), OK);
	}
}

TEST(a_version_begins_again_at_one_after_a_delete)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		rig_put(&rig, rig_item("p", "s", "{}"));
		rig_put(&rig, rig_item("p", "s", "{}"));
		assert_int_equal(rig_one(&rig, STORE_DELETE, STORE_ALWAYS,
		    rig_item("p", "s", "")), OK);
		rig_put(&rig, rig_item("p", "s", "{}"));
		assert_int_equal(rig_get(&rig, "p", "s").version, 1);
	}
}

TEST(an_add_makes_the_counter_and_then_adds_to_it)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct store_item item = { .pk = STR("p"), .sk = STR("s"), .n = 5 };
		assert_int_equal(rig_one(&rig, STORE_ADD, STORE_ALWAYS, item), OK);
		assert_int_equal(rig_get(&rig, "p", "s").n, 5);
		item.n = -8;
		assert_int_equal(rig_one(&rig, STORE_ADD, STORE_ALWAYS, item), OK);
		assert_int_equal(rig_get(&rig, "p", "s").n, -3);
	}
}

TEST(an_add_keeps_all_but_the_counter)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("s"), .n = 1,
		    .index_pk = STR("i"), .index_sk = STR("j"), .body = STR("{}"),
		    .expires_ms = NOW + 5 });
		assert_int_equal(rig_one(&rig, STORE_ADD, STORE_ALWAYS, (struct store_item){
		    .pk = STR("p"), .sk = STR("s"), .n = 1, .body = STR("other"),
		    .expires_ms = NOW + 9 }), OK);
		struct store_item item = rig_get(&rig, "p", "s");
		assert_int_equal(item.n, 2);
		assert_int_equal(item.version, 1);
		assert_str(item.body, STR("{}"));
		assert_str(item.index_sk, STR("j"));
		assert_int_equal(item.expires_ms, NOW + 5);
	}
}

TEST(an_add_that_makes_the_item_makes_it_as_given)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		assert_int_equal(rig_one(&rig, STORE_ADD, STORE_ALWAYS, (struct store_item){
		    .pk = STR("p"), .sk = STR("s"), .n = 1, .body = STR("{}"),
		    .expires_ms = NOW + 9 }), OK);
		assert_str(rig_get(&rig, "p", "s").body, STR("{}"));
		assert_int_equal(rig_get(&rig, "p", "s").expires_ms, NOW + 9);
	}
}

TEST(a_counter_that_would_overflow_is_refused_and_keeps_its_value)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct store_item item = { .pk = STR("p"), .sk = STR("s"), .n = INT64_MAX };
		assert_int_equal(rig_one(&rig, STORE_ADD, STORE_ALWAYS, item), OK);
		item.n = 1;
		assert_int_equal(rig_one(&rig, STORE_ADD, STORE_ALWAYS, item), ERR_INVALID);
		assert_int_equal(rig_get(&rig, "p", "s").n, INT64_MAX);
	}
}

TEST(a_check_changes_nothing)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		rig_put(&rig, rig_item("p", "s", "{}"));
		assert_int_equal(rig_one(&rig, STORE_CHECK, STORE_PRESENT,
		    rig_item("p", "s", "x")), OK);
		assert_int_equal(rig_get(&rig, "p", "s").version, 1);
		assert_int_equal(rig_one(&rig, STORE_CHECK, STORE_ABSENT,
		    rig_item("p", "t", "x")), OK);
		assert_false(rig_has(&rig, "p", "t"));
	}
}

/* --- conditions --- */

TEST(each_condition_holds_or_fails_as_its_error_says)
{
	static const struct row {
		const char           *name;
		enum store_condition  condition;
		const char           *sk;       /* "there" has version 2, "gone" has expired */
		uint64_t              version;
		enum err              expected;
	} rows[] = {
		{ "always, there", STORE_ALWAYS, "there", 0, OK },
		{ "always, nothing", STORE_ALWAYS, "nothing", 0, OK },
		{ "absent, there", STORE_ABSENT, "there", 0, ERR_EXISTS },
		{ "absent, nothing", STORE_ABSENT, "nothing", 0, OK },
		{ "absent, expired", STORE_ABSENT, "gone", 0, OK },
		{ "present, there", STORE_PRESENT, "there", 0, OK },
		{ "present, nothing", STORE_PRESENT, "nothing", 0, ERR_NOT_FOUND },
		{ "present, expired", STORE_PRESENT, "gone", 0, ERR_NOT_FOUND },
		{ "version, right", STORE_VERSION, "there", 2, OK },
		{ "version, old", STORE_VERSION, "there", 1, ERR_STALE },
		{ "version, none", STORE_VERSION, "there", 0, ERR_STALE },
		{ "version, nothing", STORE_VERSION, "nothing", 1, ERR_NOT_FOUND },
		{ "version, expired", STORE_VERSION, "gone", 1, ERR_NOT_FOUND },
	};
	static const enum store_verb verbs[] = { STORE_PUT, STORE_DELETE, STORE_ADD, STORE_CHECK };
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		for (size_t i = 0; i < COUNT(rows) * COUNT(verbs); i++) {
			const struct row *row = &rows[i / COUNT(verbs)];
			struct store_item item = rig_item("p", row->sk, "{}");
			rig_one(&rig, STORE_DELETE, STORE_ALWAYS, rig_item("p", "there", ""));
			rig_one(&rig, STORE_DELETE, STORE_ALWAYS, rig_item("p", "nothing", ""));
			rig_put(&rig, rig_item("p", "there", "{}"));
			rig_put(&rig, rig_item("p", "there", "{}"));
			rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("gone"),
			    .expires_ms = NOW });
			item.version = row->version;
			assert_row(rig_one(&rig, verbs[i % COUNT(verbs)], row->condition, item) ==
			    row->expected, row->name);
		}
	}
}

/* --- lists --- */

TEST(a_list_happens_whole)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		const struct store_op ops[] = {
			{ STORE_PUT, STORE_ABSENT, rig_item("p", "a", "1") },
			{ STORE_PUT, STORE_ALWAYS, rig_item("q", "b", "2") },
			{ STORE_ADD, STORE_ALWAYS, { .pk = STR("c"), .sk = STR("n"), .n = 3 } },
		};
		struct store_result result;
		assert_int_equal(rig_write(&rig, ops, COUNT(ops), &result), OK);
		assert_int_equal(result.failed, COUNT(ops));
		assert_true(rig_has(&rig, "p", "a") && rig_has(&rig, "q", "b"));
		assert_int_equal(rig_get(&rig, "c", "n").n, 3);
	}
}

TEST(a_list_with_a_failing_condition_leaves_nothing_behind)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		rig_put(&rig, rig_item("p", "kept", "{}"));
		const struct store_op ops[] = {
			{ STORE_PUT, STORE_ALWAYS, rig_item("p", "a", "1") },
			{ STORE_DELETE, STORE_ALWAYS, rig_item("p", "kept", "") },
			{ STORE_ADD, STORE_ALWAYS, { .pk = STR("c"), .sk = STR("n"), .n = 3 } },
			{ STORE_CHECK, STORE_PRESENT, rig_item("p", "nothing", "") },
			{ STORE_PUT, STORE_ABSENT, rig_item("p", "kept", "") },
		};
		struct store_result result;
		assert_int_equal(rig_write(&rig, ops, COUNT(ops), &result), ERR_NOT_FOUND);
		assert_int_equal(result.failed, 3);
		assert_int_equal(result.version, 0);
		assert_int_equal(result.n, 0);
		assert_false(rig_has(&rig, "p", "a") || rig_has(&rig, "c", "n"));
		assert_true(rig_has(&rig, "p", "kept"));
	}
}

TEST(an_operation_sees_what_those_before_it_in_its_list_did)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		const struct store_item counter = { .pk = STR("c"), .sk = STR("n"), .n = 2 };
		const struct store_op good[] = {
			{ STORE_CHECK, STORE_ABSENT, rig_item("p", "a", "") },
			{ STORE_PUT, STORE_ABSENT, rig_item("p", "a", "1") },
			{ STORE_PUT, STORE_PRESENT, rig_item("p", "a", "2") },
			{ STORE_ADD, STORE_ALWAYS, counter },
			{ STORE_ADD, STORE_ALWAYS, counter },
			{ STORE_PUT, STORE_ABSENT, rig_item("p", "b", "1") },
			{ STORE_DELETE, STORE_PRESENT, rig_item("p", "b", "") },
		};
		const struct store_op bad[] = {
			{ STORE_DELETE, STORE_PRESENT, rig_item("p", "a", "") },
			{ STORE_ADD, STORE_ALWAYS, counter },
			{ STORE_PUT, STORE_PRESENT, rig_item("p", "a", "3") },
		};
		struct store_result result;
		assert_int_equal(rig_write(&rig, good, COUNT(good), &result), OK);
		assert_int_equal(result.version, 1);
		assert_int_equal(result.n, 2);
		assert_int_equal(rig_get(&rig, "c", "n").n, 4);
		assert_false(rig_has(&rig, "p", "b"));
		assert_int_equal(rig_write(&rig, bad, COUNT(bad), &result), ERR_NOT_FOUND);
		assert_int_equal(result.failed, 2);
		assert_int_equal(rig_get(&rig, "c", "n").n, 4);
		assert_str(rig_get(&rig, "p", "a").body, STR("2"));
		assert_int_equal(rig_get(&rig, "p", "a").version, 2);
	}
}

TEST(the_result_has_the_first_puts_version_and_the_first_adds_value)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		rig_put(&rig, rig_item("p", "a", "1"));
		const struct store_op ops[] = {
			{ STORE_ADD, STORE_ALWAYS, { .pk = STR("c"), .sk = STR("m"), .n = 0 } },
			{ STORE_ADD, STORE_ALWAYS, { .pk = STR("c"), .sk = STR("n"), .n = 9 } },
			{ STORE_PUT, STORE_ALWAYS, rig_item("p", "a", "1") },
			{ STORE_PUT, STORE_ALWAYS, rig_item("p", "b", "1") },
		};
		struct store_result result;
		assert_int_equal(rig_write(&rig, ops, COUNT(ops), &result), OK);
		assert_int_equal(result.version, 2);
		assert_int_equal(result.n, 0);
	}
}

TEST(a_list_of_nothing_is_done)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		const struct store_op op = { .verb = STORE_PUT };
		struct store_result result;
		assert_int_equal(rig_write(&rig, &op, 0, &result), OK);
		assert_int_equal(result.failed, 0);
	}
}

TEST(a_list_may_be_as_long_as_its_bound_and_no_longer)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct store_op ops[STORE_OPS_MAX + 1];
		char keys[STORE_OPS_MAX + 1][8];
		struct store_result result;
		for (size_t i = 0; i < COUNT(ops); i++) {
			snprintf(keys[i], sizeof(keys[i]), "%03zu", i);
			ops[i] = (struct store_op){ STORE_PUT, STORE_ALWAYS,
			    rig_item("p", keys[i], "{}") };
		}
		assert_int_equal(rig_write(&rig, ops, COUNT(ops), &result), ERR_TOO_LARGE);
		assert_false(rig_has(&rig, "p", "000"));
		assert_int_equal(rig_write(&rig, ops, STORE_OPS_MAX, &result), OK);
		assert_true(rig_has(&rig, "p", "099"));
	}
}

TEST(an_item_that_cannot_be_kept_is_refused_before_anything_is_written)
{
	static char long_key[STORE_KEY_MAX_BYTES + 1], long_body[STORE_ITEM_MAX_BYTES + 1];
	const struct str key = { long_key, sizeof(long_key) };
	const struct str body = { long_body, sizeof(long_body) };
	const struct str most = { long_key, STORE_KEY_MAX_BYTES };
	const struct row {
		const char       *name;
		struct store_item item;
		enum err          expected;
	} rows[] = {
		{ "longest keys", { .pk = most, .sk = most, .index_pk = most, .index_sk = most },
		    OK },
		{ "pk too long", { .pk = key, .sk = STR("s") }, ERR_TOO_LARGE },
		{ "sk too long", { .pk = STR("p"), .sk = key }, ERR_TOO_LARGE },
		{ "body too long", { .pk = STR("p"), .sk = STR("s"), .body = body },
		    ERR_TOO_LARGE },
		{ "words too long", { .pk = STR("p"), .sk = STR("s"), .text = body },
		    ERR_TOO_LARGE },
		{ "no pk", { .sk = STR("s") }, ERR_INVALID },
		{ "empty sk", { .pk = STR("p"), .sk = STR("") }, ERR_INVALID },
		{ "NUL in pk", { .pk = STR("p\0q"), .sk = STR("s") }, ERR_INVALID },
		{ "sk not UTF-8", { .pk = STR("p"), .sk = STR("\xff") }, ERR_INVALID },
		{ "half an index", { .pk = STR("p"), .sk = STR("s"), .index_pk = STR("i") },
		    ERR_INVALID },
		{ "the other half", { .pk = STR("p"), .sk = STR("s"), .index_sk = STR("i") },
		    ERR_INVALID },
		{ "index too long", { .pk = STR("p"), .sk = STR("s"), .index_pk = key,
		    .index_sk = STR("i") }, ERR_TOO_LARGE },
		{ "before 1970", { .pk = STR("p"), .sk = STR("s"), .expires_ms = -1 },
		    ERR_INVALID },
	};
	struct rig rig;

	(void)state;
	memset(long_key, 'k', sizeof(long_key));
	memset(long_body, 'b', sizeof(long_body));
	EACH_ENGINE(rig) {
		for (size_t i = 0; i < COUNT(rows); i++) {
			const struct store_op ops[] = {
				{ STORE_PUT, STORE_ALWAYS, rig_item("p", "first", "{}") },
				{ STORE_PUT, STORE_ALWAYS, rows[i].item },
			};
			struct store_result result;
			rig_one(&rig, STORE_DELETE, STORE_ALWAYS, rig_item("p", "first", ""));
			assert_row(rig_write(&rig, ops, 2, &result) == rows[i].expected,
			    rows[i].name);
			assert_row(result.failed == (rows[i].expected == OK ? 2 : 1), rows[i].name);
			assert_row(rig_has(&rig, "p", "first") == (rows[i].expected == OK),
			    rows[i].name);
		}
	}
}

TEST(an_item_over_the_engines_own_bound_is_too_large)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		size_t len = rig.item_max == STORE_ITEM_MAX_BYTES ? rig.item_max + 1 : 400 << 10;
		char *body = malloc(len);
		memset(body, 'b', len);
		const struct store_op ops[] = {
			{ STORE_PUT, STORE_ALWAYS, rig_item("p", "first", "{}") },
			{ STORE_PUT, STORE_ALWAYS, { .pk = STR("p"), .sk = STR("s"),
			    .body = { body, len } } },
		};
		struct store_result result;
		assert_int_equal(rig_write(&rig, ops, 2, &result), ERR_TOO_LARGE);
		assert_int_equal(result.failed, 1);
		assert_false(rig_has(&rig, "p", "first"));
		free(body);
	}
}

TEST(partitions_of_the_engines_own_are_nobody_elses)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("s"),
		    .index_pk = STR("i"), .index_sk = STR("j"), .text = STR("word") });
		assert_false(rig_has(&rig, STORE_RESERVED "p", "s"));
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR(STORE_RESERVED "p") }),
		    STR(""));
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR(STORE_RESERVED "i"),
		    .index = true }), STR(""));
		assert_int_equal(rig_one(&rig, STORE_PUT, STORE_ALWAYS,
		    rig_item(STORE_RESERVED "p", "s", "{}")), ERR_INVALID);
		assert_int_equal(rig_one(&rig, STORE_PUT, STORE_ALWAYS, (struct store_item){
		    .pk = STR("p"), .sk = STR("t"), .index_pk = STR(STORE_RESERVED "i"),
		    .index_sk = STR("j") }), ERR_INVALID);
	}
}

TEST(a_key_that_cannot_exist_is_not_found)
{
	static char long_key[STORE_KEY_MAX_BYTES + 1];
	struct rig rig;

	(void)state;
	memset(long_key, 'k', sizeof(long_key));
	EACH_ENGINE(rig) {
		const struct str keys[] = {
			STR_NONE, STR(""), STR("\xff"), STR("a\0b"), { long_key, sizeof(long_key) }
		};
		for (size_t i = 0; i < COUNT(keys); i++) {
			assert_int_equal(rig_look(&rig, keys[i], STR("s"), NOW), ERR_NOT_FOUND);
			assert_int_equal(rig_look(&rig, STR("p"), keys[i], NOW), ERR_NOT_FOUND);
			assert_str(rig_query(&rig, (struct store_query){ .pk = keys[i] }), STR(""));
		}
	}
}

TEST(both_durabilities_mix_in_any_order)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct store_item item = { .pk = STR("p"), .sk = STR("s"), .n = 1 };
		const struct store_op op = { STORE_ADD, STORE_ALWAYS, item };
		struct store_result result;
		for (int i = 1; i <= 12; i++) {
			assert_int_equal(store_write(rig.c, &op, 1,
			    i % 3 == 0 ? STORE_DURABLE : STORE_RELAXED, NOW, &result), OK);
			assert_int_equal(result.n, i);
		}
	}
}

/* --- queries --- */

static void put_letters(struct rig *rig)
{
	static const char *const letters[] = { "e", "b", "d", "a", "c" };

	for (size_t i = 0; i < COUNT(letters); i++)
		rig_put(rig, (struct store_item){ .pk = STR("p"), .sk = str_of(letters[i]),
		    .index_pk = STR("i"), .index_sk = str_of(letters[i]), .body = STR("{}") });
	rig_put(rig, rig_item("o", "a", "{}"));
	rig_put(rig, rig_item("q", "a", "{}"));
}

TEST(a_query_gives_the_range_it_was_asked_for_in_order)
{
	static const struct row {
		const char        *name;
		struct store_query q;
		const char        *expected;
	} rows[] = {
		{ "all", { .limit = 0 }, "a b c d e" },
		{ "all, down", { .descending = true }, "e d c b a" },
		{ "from includes", { .from = STR_INIT("b") }, "b c d e" },
		{ "to excludes", { .to = STR_INIT("d") }, "a b c" },
		{ "both", { .from = STR_INIT("b"), .to = STR_INIT("d") }, "b c" },
		{ "both, down", { .from = STR_INIT("b"), .to = STR_INIT("d"), .descending = true },
		    "c b" },
		{ "after excludes", { .after = STR_INIT("b") }, "c d e" },
		{ "after, down", { .after = STR_INIT("d"), .descending = true }, "c b a" },
		{ "after what is not there", { .after = STR_INIT("bb") }, "c d e" },
		{ "after lies before from", { .from = STR_INIT("c"), .after = STR_INIT("a") },
		    "c d e" },
		{ "after is from", { .from = STR_INIT("c"), .after = STR_INIT("c") }, "d e" },
		{ "after, to", { .after = STR_INIT("b"), .to = STR_INIT("d") }, "c" },
		{ "after, from, down", { .after = STR_INIT("d"), .from = STR_INIT("b"),
		    .descending = true }, "c b" },
		{ "after lies behind to, down", { .after = STR_INIT("e"), .to = STR_INIT("c"),
		    .descending = true }, "b a" },
		{ "after the last", { .after = STR_INIT("e") }, "" },
		{ "empty range", { .from = STR_INIT("d"), .to = STR_INIT("b") }, "" },
		{ "limit", { .limit = 2 }, "a b" },
		{ "limit, down", { .limit = 2, .descending = true }, "e d" },
		{ "limit over all", { .limit = 9 }, "a b c d e" },
		{ "to is no UTF-8", { .to = STR_INIT("c\xff") }, "a b c" },
	};
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		put_letters(&rig);
		for (size_t i = 0; i < COUNT(rows) * 2; i++) {
			struct store_query q = rows[i / 2].q;
			q.index = i % 2 == 1;
			q.pk = q.index ? STR("i") : STR("p");
			assert_row(str_eq(rig_query(&rig, q), str_of(rows[i / 2].expected)),
			    rows[i / 2].name);
		}
	}
}

TEST(a_query_goes_on_after_the_longest_key)
{
	static char key[STORE_KEY_MAX_BYTES];
	struct rig rig;

	(void)state;
	memset(key, 'k', sizeof(key));
	EACH_ENGINE(rig) {
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = { key, sizeof(key) } });
		rig_put(&rig, rig_item("p", "l", "{}"));
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p"),
		    .after = { key, sizeof(key) } }), STR("l"));
	}
}

TEST(a_query_of_no_partition_gives_nothing)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		put_letters(&rig);
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR("nobody") }), STR(""));
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p"), .index = true }),
		    STR(""));
	}
}

TEST(a_query_stops_when_its_callback_says_so)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct rig_keys keys = { .stop_after = 2 };
		const struct store_query q = { .pk = STR("p") };
		put_letters(&rig);
		buf_init(&keys.text, &rig.arena, 1000);
		assert_int_equal(store_query(rig.c, &q, NOW, rig_key, &keys), OK);
		assert_str(buf_str(&keys.text), STR("a b"));
	}
}

static bool count_whole(void *context, const struct store_item *item)
{
	size_t *n = context;

	++*n;
	return item->pk.len == 1 && item->n == 4 && item->version == 1 &&
	    item->expires_ms == NOW + 1 && str_eq(item->body, STR("body")) &&
	    str_eq(item->index_pk, STR("i")) && str_eq(item->index_sk, item->sk);
}

TEST(a_query_gives_whole_items)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		for (int i = 0; i < 4; i++) {
			const struct store_query q = { .pk = i % 2 == 0 ? STR("p") : STR("i"),
			    .index = i % 2 == 1, .match = i / 2 == 1 ? STR("words") : STR_NONE };
			size_t n = 0;
			for (int j = 0; j < 3; j++)
				rig_one(&rig, STORE_PUT, STORE_ABSENT, (struct store_item){
				    .pk = STR("p"), .sk = { &"abc"[j], 1 }, .index_pk = STR("i"),
				    .index_sk = { &"abc"[j], 1 }, .body = STR("body"), .n = 4,
				    .expires_ms = NOW + 1, .text = STR("Words") });
			assert_int_equal(store_query(rig.c, &q, NOW, count_whole, &n), OK);
			assert_int_equal(n, 3);
		}
	}
}

static bool query_inside(void *context, const struct store_item *item)
{
	struct nested *nested = context;

	nested->seen = rig_query(nested->rig, (struct store_query){ .pk = STR("p"),
	    .from = item->sk, .limit = 2 });
	return !str_eq(item->sk, STR("c"));
}

TEST(a_query_inside_a_query_disturbs_neither)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct nested nested = { .rig = &rig };
		const struct store_query q = { .pk = STR("p") };
		put_letters(&rig);
		assert_int_equal(store_query(rig.c, &q, NOW, query_inside, &nested), OK);
		assert_str(nested.seen, STR("c d"));
	}
}

static bool delete_it(void *context, const struct store_item *item)
{
	struct rig *rig = context;

	return rig_one(rig, STORE_DELETE, STORE_PRESENT, *item) == OK;
}

TEST(a_callback_may_write)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		const struct store_query q = { .pk = STR("p") };
		put_letters(&rig);
		assert_int_equal(store_query(rig.c, &q, NOW, delete_it, &rig), OK);
		assert_str(rig_query(&rig, q), STR(""));
	}
}

static bool write_and_read(void *context, const struct store_item *item)
{
	struct rig *rig = context;

	(void)item;
	rig_put(rig, rig_item("p", "other", "new"));
	for (int i = 0; i < 3; i++)
		(void)rig_get(rig, "p", "other");
	return false;
}

TEST(a_read_after_a_query_sees_what_was_written_during_it)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		const struct store_query q = { .pk = STR("p") };
		rig_put(&rig, rig_item("p", "other", "old"));
		for (int i = 0; i < 3; i++)
			assert_str(rig_get(&rig, "p", "other").body, STR("old"));
		assert_int_equal(store_query(rig.c, &q, NOW, write_and_read, &rig), OK);
		assert_str(rig_get(&rig, "p", "other").body, STR("new"));
	}
}

TEST(an_item_read_often_expires_all_the_same)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct store_item item;
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("s"),
		    .expires_ms = NOW + 1 });
		for (int i = 0; i < 4; i++)
			assert_true(rig_has(&rig, "p", "s"));
		assert_int_equal(store_get(rig.c, &rig.arena, STR("p"), STR("s"), NOW + 1, &item),
		    ERR_NOT_FOUND);
	}
}

TEST(an_item_read_often_comes_back_whole_every_time)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		static char large[20000];
		memset(large, 'l', sizeof(large));
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("s"), .n = 3,
		    .index_pk = STR("i"), .index_sk = STR("j"), .body = STR("{}") });
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("large"),
		    .body = { large, sizeof(large) } });
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("empty") });
		for (int i = 0; i < 4; i++) {
			struct store_item item = rig_get(&rig, "p", "s");
			assert_str(item.pk, STR("p"));
			assert_str(item.sk, STR("s"));
			assert_str(item.index_pk, STR("i"));
			assert_str(item.index_sk, STR("j"));
			assert_str(item.body, STR("{}"));
			assert_int_equal(item.n, 3);
			assert_int_equal(item.version, 1);
			assert_int_equal(rig_get(&rig, "p", "large").body.len, sizeof(large));
			item = rig_get(&rig, "p", "empty");
			assert_int_equal(item.body.len, 0);
			assert_null(item.index_pk.ptr);
			assert_false(rig_has(&rig, "s", "p"));
		}
	}
}

/* --- expiry --- */

TEST(an_expired_item_is_as_if_absent)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct store_item item = { .pk = STR("p"), .sk = STR("s"), .body = STR("{}"),
		    .index_pk = STR("i"), .index_sk = STR("j"), .text = STR("word"),
		    .expires_ms = NOW };
		rig_put(&rig, item);
		rig_put(&rig, rig_item("p", "t", "{}"));
		assert_false(rig_has(&rig, "p", "s"));
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p") }), STR("t"));
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR("i"), .index = true }),
		    STR(""));
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p"),
		    .match = STR("word") }), STR(""));
		assert_int_equal(rig_look(&rig, STR("p"), STR("s"), NOW - 1), OK);
	}
}

TEST(an_expired_item_does_not_count_towards_a_limit)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		put_letters(&rig);
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("b"),
		    .expires_ms = NOW - 1 });
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p"), .limit = 2 }),
		    STR("a c"));
	}
}

TEST(a_write_over_an_expired_item_begins_anew)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct store_item old = { .pk = STR("p"), .sk = STR("s"), .n = 5,
		    .expires_ms = NOW, .text = STR("old"), .index_pk = STR("i"),
		    .index_sk = STR("j") };
		rig_put(&rig, old);
		rig_put(&rig, old);
		assert_int_equal(rig_one(&rig, STORE_ADD, STORE_ALWAYS, (struct store_item){
		    .pk = STR("p"), .sk = STR("s"), .n = 2 }), OK);
		struct store_item item = rig_get(&rig, "p", "s");
		assert_int_equal(item.n, 2);
		assert_int_equal(item.version, 1);
		assert_null(item.index_pk.ptr);
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p"),
		    .match = STR("old") }), STR(""));
	}
}

TEST(a_sweep_removes_what_has_expired_and_nothing_else)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		uint32_t removed = 0;
		struct store_item item;
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("a"),
		    .expires_ms = NOW });
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("b"),
		    .expires_ms = NOW + 1 });
		rig_put(&rig, rig_item("p", "c", "{}"));
		assert_int_equal(store_sweep(rig.c, NOW, 100, &removed), OK);
		assert_int_equal(removed, rig.remote ? 0 : 1);
		assert_int_equal(store_get(rig.c, &rig.arena, STR("p"), STR("a"), 0, &item),
		    rig.remote ? OK : ERR_NOT_FOUND);
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p") }), STR("b c"));
		assert_int_equal(store_sweep(rig.c, NOW, 100, &removed), OK);
		assert_int_equal(removed, 0);
	}
}

TEST(a_sweep_removes_no_more_than_it_was_told)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		uint32_t removed = 0;
		char key[16];
		if (rig.remote)
			continue;
		for (int i = 0; i < 1300; i++) {
			snprintf(key, sizeof(key), "%04d", i);
			rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = str_of(key),
			    .expires_ms = 1 + i, .text = i % 3 == 0 ? STR("word") : STR_NONE });
		}
		assert_int_equal(store_sweep(rig.c, NOW, 1100, &removed), OK);
		assert_int_equal(removed, 1100);
		assert_int_equal(store_sweep(rig.c, NOW, 1100, &removed), OK);
		assert_int_equal(removed, 200);
	}
}

/* --- full text --- */

static void put_text(struct rig *rig, const char *sk, const char *text)
{
	rig_put(rig, (struct store_item){ .pk = STR("p"), .sk = str_of(sk), .text = str_of(text) });
}

TEST(a_search_finds_items_that_have_every_word)
{
	static const struct { const char *words, *expected; } rows[] = {
		{ "lazy", "a b" },
		{ "lazy dog", "a" },
		{ "dog lazy", "a" },
		{ "LAZY", "a b" },
		{ "cafe", "c" },
		{ "Café", "c" },
		{ "CAFÉ creme", "c" },
		{ "lazy unicorn", "" },
		{ "full-text", "d" },
		{ "lazy.", "a b" },
		{ "+++ lazy", "a b" },
		{ "Übergröße", "d" },
		{ "日本語", "d" },
	};
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		put_text(&rig, "a", "The quick fox jumps over the lazy dog");
		put_text(&rig, "b", "A lazy afternoon");
		put_text(&rig, "c", "Café au lait, crème brûlée");
		put_text(&rig, "d", "Full, text; übergrösse übergröße 日本語");
		for (size_t i = 0; i < COUNT(rows); i++)
			assert_row(str_eq(rig_query(&rig, (struct store_query){ .pk = STR("p"),
			    .match = str_of(rows[i].words) }), str_of(rows[i].expected)),
			    rows[i].words);
	}
}

TEST(a_search_takes_its_last_word_as_a_beginning_too)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		put_text(&rig, "a", "sqlite database");
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p"),
		    .match = STR("sqlite dat") }), STR("a"));
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p"),
		    .match = STR("sql database") }), STR(""));
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p"),
		    .match = STR("d") }), STR(""));
	}
}

TEST(what_is_searched_for_is_never_syntax)
{
	static const char *const words[] = {
		"NOT fox", "fox OR lazy", "NEAR(fox lazy)", "text:fox", "fox*", "\"fox lazy\"",
		"-fox", "^fox", "fox AND", "(fox", "fox\"", "{text} : fox",
		"'fox'; DROP TABLE item",
	};
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		put_text(&rig, "a", "nothing of interest");
		for (size_t i = 0; i < COUNT(words); i++)
			assert_row(rig_query(&rig, (struct store_query){ .pk = STR("p"),
			    .match = str_of(words[i]) }).len == 0, words[i]);
	}
}

TEST(a_search_keeps_to_its_partition_range_order_and_limit)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		const char *const keys[] = { "c", "a", "e", "b", "d" };
		for (size_t i = 0; i < COUNT(keys); i++)
			rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = str_of(keys[i]),
			    .index_pk = STR("i"), .index_sk = str_of(keys[i]),
			    .text = STR("common word") });
		rig_put(&rig, (struct store_item){ .pk = STR("q"), .sk = STR("b"),
		    .text = STR("common word") });
		for (int i = 0; i < 2; i++) {
			struct store_query q = { .pk = i == 1 ? STR("i") : STR("p"),
			    .index = i == 1, .match = STR("common") };
			assert_str(rig_query(&rig, q), STR("a b c d e"));
			q.descending = true;
			q.limit = 2;
			assert_str(rig_query(&rig, q), STR("e d"));
			q.after = STR("d");
			assert_str(rig_query(&rig, q), STR("c b"));
			q.from = STR("c");
			assert_str(rig_query(&rig, q), STR("c"));
		}
	}
}

/* As many as make an engine search another way. */
static void put_many_words(struct rig *rig, int n)
{
	enum { CHUNK = 50 };
	static char keys[CHUNK][8];
	struct store_op ops[CHUNK];
	struct store_result result;

	for (int i = 0; i < n; i += CHUNK) {
		for (int j = 0; j < CHUNK; j++) {
			snprintf(keys[j], sizeof(keys[j]), "%04d", i + j);
			ops[j] = (struct store_op){ STORE_PUT, STORE_ALWAYS, { .pk = STR("p"),
			    .sk = str_of(keys[j]), .index_pk = STR("i"), .index_sk = str_of(keys[j]),
			    .text = (i + j) % 2 == 0 ? STR("common even") : STR("common odd") } };
		}
		assert_int_equal(rig_write(rig, ops, CHUNK, &result), OK);
	}
}

TEST(a_search_for_common_words_keeps_to_the_same_rules)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		put_many_words(&rig, 5000);
		rig_put(&rig, (struct store_item){ .pk = STR("q"), .sk = STR("0001"),
		    .text = STR("common even") });
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("0004"),
		    .text = STR("common even"), .expires_ms = NOW });
		for (int i = 0; i < 2; i++) {
			struct store_query q = { .pk = i == 1 ? STR("i") : STR("p"),
			    .index = i == 1, .match = STR("common even"), .limit = 3 };
			assert_str(rig_query(&rig, q), STR("0000 0002 0006"));
			q.after = STR("0002");
			assert_str(rig_query(&rig, q), STR("0006 0008 0010"));
			q.descending = true;
			q.after = STR_NONE;
			assert_str(rig_query(&rig, q), STR("4998 4996 4994"));
			q.from = STR("4997");
			assert_str(rig_query(&rig, q), STR("4998"));
			q.to = STR("4998");
			assert_str(rig_query(&rig, q), STR(""));
		}
	}
}

TEST(a_search_knows_the_latest_words_only)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		const struct store_query old = { .pk = STR("p"), .match = STR("before") };
		const struct store_query new = { .pk = STR("p"), .match = STR("afterwards") };
		put_text(&rig, "a", "before");
		put_text(&rig, "a", "afterwards");
		assert_str(rig_query(&rig, old), STR(""));
		assert_str(rig_query(&rig, new), STR("a"));
		assert_int_equal(rig_one(&rig, STORE_ADD, STORE_ALWAYS,
		    rig_item("p", "a", "")), OK);
		assert_str(rig_query(&rig, new), STR("a"));
		rig_put(&rig, rig_item("p", "a", "no words"));
		assert_str(rig_query(&rig, new), STR(""));
		put_text(&rig, "a", "afterwards");
		assert_int_equal(rig_one(&rig, STORE_DELETE, STORE_ALWAYS,
		    rig_item("p", "a", "")), OK);
		assert_str(rig_query(&rig, new), STR(""));
	}
}

TEST(a_search_without_a_word_is_invalid)
{
	static const char *const words[] = { "", " ", "+++", "\"", "* - ()", "…", "\t\n" };
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		for (size_t i = 0; i < COUNT(words); i++) {
			struct rig_keys keys = { .n = 0 };
			const struct store_query q = { .pk = STR("p"), .match = str_of(words[i]) };
			buf_init(&keys.text, &rig.arena, 1000);
			assert_row(store_query(rig.c, &q, NOW, rig_key, &keys) == ERR_INVALID,
			    words[i]);
		}
	}
}

TEST(a_search_of_too_many_words_is_too_large)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct rig_keys keys = { .n = 0 };
		char words[QUERY_MAX_BYTES];
		struct store_query q = { .pk = STR("p"), .match = { words, sizeof(words) } };
		buf_init(&keys.text, &rig.arena, 1000);
		for (size_t i = 0; i < sizeof(words); i++)
			words[i] = i % 2 == 0 ? 'a' : ' ';
		assert_int_equal(store_query(rig.c, &q, NOW, rig_key, &keys), ERR_TOO_LARGE);
		memset(words, 'a', sizeof(words));
		assert_int_equal(store_query(rig.c, &q, NOW, rig_key, &keys), OK);
		q.match.len++;
		assert_int_equal(store_query(rig.c, &q, NOW, rig_key, &keys), ERR_TOO_LARGE);
	}
}

TEST(bytes_that_are_not_utf8_can_be_searched_for_without_harm)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		const struct str words[] = {
			STR("a\xff\xfe"), STR("\xc3"), STR("a\0b"), STR("\xf0\x9f"),
			STR("\xed\xa0\x80x"),
		};
		put_text(&rig, "a", "a\xff\xfe \xc3 \xf0\x9f");
		for (size_t i = 0; i < COUNT(words); i++) {
			struct rig_keys keys = { .n = 0 };
			const struct store_query q = { .pk = STR("p"), .match = words[i] };
			buf_init(&keys.text, &rig.arena, 1000);
			enum err err = store_query(rig.c, &q, NOW, rig_key, &keys);
			assert_true(err == OK || err == ERR_INVALID);
		}
		uint64_t random = 88172645463325252;    /* xorshift64, Marsaglia 2003 */
		for (int i = 0; i < 3000; i++) {
			struct rig_keys keys = { .n = 0 };
			char bytes[12];
			for (size_t j = 0; j < sizeof(bytes); j++) {
				random ^= random << 13;
				random ^= random >> 7;
				random ^= random << 17;
				bytes[j] = (char)(random >> 32);
			}
			const struct store_query q = { .pk = STR("p"),
			    .match = { bytes, 1 + random % sizeof(bytes) } };
			buf_init(&keys.text, &rig.arena, 1000);
			enum err err = store_query(rig.c, &q, NOW, rig_key, &keys);
			assert_true(err == OK || err == ERR_INVALID);
		}
	}
}

/* --- the rest --- */

TEST(a_snapshot_is_the_same_until_something_is_written)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct store_snapshot before, after;
		rig_put(&rig, rig_item("p", "s", "{}"));
		if (!store_snapshot(rig.c, &before))
			continue;       /* an engine that cannot tell says so */
		assert_true(rig_has(&rig, "p", "s"));
		assert_int_equal(rig_one(&rig, STORE_PUT, STORE_ABSENT, rig_item("p", "s", "")),
		    ERR_EXISTS);
		assert_true(store_snapshot(rig.c, &after));
		assert_true(store_snapshot_equal(&before, &after));
		rig_put(&rig, rig_item("q", "s", "{}"));
		assert_true(store_snapshot(rig.c, &after));
		assert_false(store_snapshot_equal(&before, &after));
	}
}

TEST(a_ping_is_answered_and_the_engine_names_itself)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		assert_int_equal(store_ping(rig.c), OK);
		assert_true(str_starts(str_of(store_engine(rig.store)), str_of(rig.engine)));
	}
}

TEST(an_unknown_engine_is_refused_with_a_reason)
{
	static const char *const urls[] = { "", "sqlite", "postgres:x", ":x", "sqlit:x" };
	struct arena a;

	(void)state;
	arena_init(&a, 65536);
	for (size_t i = 0; i < COUNT(urls); i++) {
		struct store *s = NULL;
		struct str reason = STR_NONE;
		assert_row(store_open(&a, str_of(urls[i]), NULL, NULL, &s, &reason) == ERR_INVALID,
		    urls[i]);
		assert_row(reason.len > 0, urls[i]);
	}
	arena_clean(&a);
}

TEST(operations_are_counted_by_outcome)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		const char *labels[] = { rig.engine, "write", "conflict" };
		struct metric_series *conflicts = metrics_series(rig.metrics,
		    METRIC_STORE_OPERATIONS, labels);
		rig_put(&rig, rig_item("p", "s", "{}"));
		assert_int_equal(metrics_read(conflicts), 0);
		assert_int_equal(rig_one(&rig, STORE_PUT, STORE_ABSENT, rig_item("p", "s", "")),
		    ERR_EXISTS);
		assert_int_equal(metrics_read(conflicts), 1);
		assert_int_equal(metrics_read(metrics_series(rig.metrics, METRIC_STORE_DURATION,
		    labels)), 2);
	}
}

TEST(a_copy_that_does_not_fit_the_arena_is_an_error)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		static char body[100000];
		struct arena small;
		struct store_item item;
		memset(body, 'b', sizeof(body));
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("s"),
		    .body = { body, sizeof(body) } });
		arena_init(&small, 65536);
		assert_int_equal(store_get(rig.c, &small, STR("p"), STR("s"), NOW, &item),
		    ERR_NO_MEMORY);
		arena_clean(&small);
	}
}

TEST_MAIN(
	RUN(an_item_comes_back_as_it_was_put), RUN(an_item_outlives_the_store_that_wrote_it),
	RUN(an_absent_item_is_not_found), RUN(a_body_may_be_empty_and_an_index_absent),
	RUN(a_body_of_any_bytes_and_of_the_largest_size_comes_back),
	RUN(keys_are_compared_as_bytes),
	RUN(a_recent_read_finds_what_was_there_before),
	RUN(visit_calls_once_for_a_live_item_and_never_for_an_absent_one),
	RUN(a_read_inside_a_read_disturbs_neither),
	RUN(a_read_sees_what_was_just_written_every_time),
	RUN(a_put_replaces_the_whole_item_and_raises_its_version),
	RUN(a_delete_removes_and_is_content_with_nothing_there),
	RUN(a_version_begins_again_at_one_after_a_delete),
	RUN(an_add_makes_the_counter_and_then_adds_to_it), RUN(an_add_keeps_all_but_the_counter),
	RUN(an_add_that_makes_the_item_makes_it_as_given),
	RUN(a_counter_that_would_overflow_is_refused_and_keeps_its_value),
	RUN(a_check_changes_nothing), RUN(each_condition_holds_or_fails_as_its_error_says),
	RUN(a_list_happens_whole), RUN(a_list_with_a_failing_condition_leaves_nothing_behind),
	RUN(an_operation_sees_what_those_before_it_in_its_list_did),
	RUN(the_result_has_the_first_puts_version_and_the_first_adds_value),
	RUN(a_list_of_nothing_is_done), RUN(a_list_may_be_as_long_as_its_bound_and_no_longer),
	RUN(an_item_that_cannot_be_kept_is_refused_before_anything_is_written),
	RUN(an_item_over_the_engines_own_bound_is_too_large),
	RUN(partitions_of_the_engines_own_are_nobody_elses),
	RUN(a_key_that_cannot_exist_is_not_found), RUN(both_durabilities_mix_in_any_order),
	RUN(a_query_gives_the_range_it_was_asked_for_in_order),
	RUN(a_query_goes_on_after_the_longest_key), RUN(a_query_of_no_partition_gives_nothing),
	RUN(a_query_stops_when_its_callback_says_so), RUN(a_query_gives_whole_items),
	RUN(a_query_inside_a_query_disturbs_neither), RUN(a_callback_may_write),
	RUN(a_read_after_a_query_sees_what_was_written_during_it),
	RUN(an_item_read_often_expires_all_the_same),
	RUN(an_item_read_often_comes_back_whole_every_time),
	RUN(an_expired_item_is_as_if_absent),
	RUN(an_expired_item_does_not_count_towards_a_limit),
	RUN(a_write_over_an_expired_item_begins_anew),
	RUN(a_sweep_removes_what_has_expired_and_nothing_else),
	RUN(a_sweep_removes_no_more_than_it_was_told),
	RUN(a_search_finds_items_that_have_every_word),
	RUN(a_search_takes_its_last_word_as_a_beginning_too),
	RUN(what_is_searched_for_is_never_syntax),
	RUN(a_search_keeps_to_its_partition_range_order_and_limit),
	RUN(a_search_for_common_words_keeps_to_the_same_rules),
	RUN(a_search_knows_the_latest_words_only), RUN(a_search_without_a_word_is_invalid),
	RUN(a_search_of_too_many_words_is_too_large),
	RUN(bytes_that_are_not_utf8_can_be_searched_for_without_harm),
	RUN(a_snapshot_is_the_same_until_something_is_written),
	RUN(a_ping_is_answered_and_the_engine_names_itself),
	RUN(an_unknown_engine_is_refused_with_a_reason), RUN(operations_are_counted_by_outcome),
	RUN(a_copy_that_does_not_fit_the_arena_is_an_error)
)
