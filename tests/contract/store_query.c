/*
 * The store's contract, queries and expiry: which items are seen, in which order, and
 * which no more.
 */
#include "store_rig.h"

#include <string.h>

/* --- queries --- */

struct nested {
	struct rig *rig;
	struct str  seen;
};

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
	IN_A_FILE(rig) {
		uint32_t removed = 0;
		char key[16];
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

TEST_MAIN(
	RUN(a_query_gives_the_range_it_was_asked_for_in_order),
	RUN(a_query_goes_on_after_the_longest_key),
	RUN(a_query_of_no_partition_gives_nothing),
	RUN(a_query_stops_when_its_callback_says_so), RUN(a_query_gives_whole_items),
	RUN(a_query_inside_a_query_disturbs_neither), RUN(a_callback_may_write),
	RUN(a_read_after_a_query_sees_what_was_written_during_it),
	RUN(an_item_read_often_expires_all_the_same),
	RUN(an_item_read_often_comes_back_whole_every_time),
	RUN(an_expired_item_is_as_if_absent),
	RUN(an_expired_item_does_not_count_towards_a_limit),
	RUN(a_write_over_an_expired_item_begins_anew),
	RUN(a_sweep_removes_what_has_expired_and_nothing_else),
	RUN(a_sweep_removes_no_more_than_it_was_told)
)
