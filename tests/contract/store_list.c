/*
 * The store's contract, lists of operations: whole or not at all, in order, and within
 * their bounds.
 */
#include "store_rig.h"

#include <string.h>

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
		rig_noise(body, len);
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

TEST_MAIN(
	RUN(a_list_happens_whole),
	RUN(a_list_with_a_failing_condition_leaves_nothing_behind),
	RUN(an_operation_sees_what_those_before_it_in_its_list_did),
	RUN(the_result_has_the_first_puts_version_and_the_first_adds_value),
	RUN(a_list_of_nothing_is_done),
	RUN(a_list_may_be_as_long_as_its_bound_and_no_longer),
	RUN(an_item_that_cannot_be_kept_is_refused_before_anything_is_written),
	RUN(an_item_over_the_engines_own_bound_is_too_large),
	RUN(partitions_of_the_engines_own_are_nobody_elses),
	RUN(a_key_that_cannot_exist_is_not_found), RUN(both_durabilities_mix_in_any_order)
)
