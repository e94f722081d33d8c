/*
 * The store's contract: every sentence of store/store.h, over every engine.  Here: items,
 * verbs and conditions; lists, queries and searches have files of their own beside it.
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
		rig_noise((char *)body.ptr, body.len);
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
	RUN(an_item_comes_back_as_it_was_put),
	RUN(an_item_outlives_the_store_that_wrote_it), RUN(an_absent_item_is_not_found),
	RUN(a_body_may_be_empty_and_an_index_absent),
	RUN(a_body_of_any_bytes_and_of_the_largest_size_comes_back),
	RUN(keys_are_compared_as_bytes), RUN(a_recent_read_finds_what_was_there_before),
	RUN(visit_calls_once_for_a_live_item_and_never_for_an_absent_one),
	RUN(a_read_inside_a_read_disturbs_neither),
	RUN(a_read_sees_what_was_just_written_every_time),
	RUN(a_put_replaces_the_whole_item_and_raises_its_version),
	RUN(a_delete_removes_and_is_content_with_nothing_there),
	RUN(a_version_begins_again_at_one_after_a_delete),
	RUN(an_add_makes_the_counter_and_then_adds_to_it),
	RUN(an_add_keeps_all_but_the_counter),
	RUN(an_add_that_makes_the_item_makes_it_as_given),
	RUN(a_counter_that_would_overflow_is_refused_and_keeps_its_value),
	RUN(a_check_changes_nothing), RUN(each_condition_holds_or_fails_as_its_error_says),
	RUN(a_snapshot_is_the_same_until_something_is_written),
	RUN(a_ping_is_answered_and_the_engine_names_itself),
	RUN(an_unknown_engine_is_refused_with_a_reason),
	RUN(operations_are_counted_by_outcome),
	RUN(a_copy_that_does_not_fit_the_arena_is_an_error)
)
