/*
 * The store's contract, full text: which items have these words, in the order and
 * within the bounds of any query.
 */
#include "store_rig.h"

#include <string.h>

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

/* As many as make SQLite search another way; DynamoDB has one. */
static int many(const struct rig *rig)
{
	return rig->remote ? 200 : 5000;
}

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
		char last[16], down[64];
		int n = many(&rig);
		put_many_words(&rig, n);
		snprintf(down, sizeof(down), "%04d %04d %04d", n - 2, n - 4, n - 6);
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
			assert_str(rig_query(&rig, q), str_of(down));
			snprintf(last, sizeof(last), "%04d", n - 3);
			q.from = str_of(last);
			assert_str(rig_query(&rig, q), str_first(str_of(down), 4));
			q.to = str_first(str_of(down), 4);
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
		for (int i = 0; i < (rig.remote ? 200 : 3000); i++) {
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

TEST_MAIN(
	RUN(a_search_finds_items_that_have_every_word),
	RUN(a_search_takes_its_last_word_as_a_beginning_too),
	RUN(what_is_searched_for_is_never_syntax),
	RUN(a_search_keeps_to_its_partition_range_order_and_limit),
	RUN(a_search_for_common_words_keeps_to_the_same_rules),
	RUN(a_search_knows_the_latest_words_only), RUN(a_search_without_a_word_is_invalid),
	RUN(a_search_of_too_many_words_is_too_large),
	RUN(bytes_that_are_not_utf8_can_be_searched_for_without_harm)
)
