/*
 * A store as it moves whole: store_scan and store_restore, over every engine.
 */
#include "store_rig.h"

#include <string.h>

/* What a scan gave, copied. */
struct scanned {
	struct arena     *arena;
	struct store_item items[ROWS_MAX];
	size_t            n, most;      /* stops when it has as many */
};

static struct str keep(struct arena *a, struct str s)
{
	return s.ptr == NULL ? STR_NONE : arena_dup(a, s);
}

static bool collect(void *context, const struct store_item *item)
{
	struct scanned *s = context;
	struct store_item *copy = &s->items[s->n++];

	*copy = *item;
	copy->pk = keep(s->arena, item->pk);
	copy->sk = keep(s->arena, item->sk);
	copy->index_pk = keep(s->arena, item->index_pk);
	copy->index_sk = keep(s->arena, item->index_sk);
	copy->body = keep(s->arena, item->body);
	copy->text = keep(s->arena, item->text);
	return s->n < s->most;
}

/* All of it, by pages of `limit`. */
static void scan_all(struct rig *rig, uint32_t limit, int64_t now_ms, struct scanned *out)
{
	struct str pk = STR_NONE, sk = STR_NONE;
	bool more = true;

	*out = (struct scanned){ .arena = &rig->arena, .most = ROWS_MAX };
	while (more) {
		assert_int_equal(store_scan(rig->c, pk, sk, limit, now_ms, collect, out, &more),
		    OK);
		if (out->n > 0) {
			pk = out->items[out->n - 1].pk;
			sk = out->items[out->n - 1].sk;
		}
	}
}

static const struct store_item *find(const struct scanned *s, const char *pk, const char *sk)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->items[i].pk, str_of(pk)) && str_eq(s->items[i].sk, str_of(sk)))
			return &s->items[i];
	fail_msg("no %s %s", pk, sk);
	return NULL;
}

static void restore(struct rig *rig, const struct store_item *items, size_t n)
{
	size_t failed;

	assert_int_equal(store_restore(rig->c, items, n, &failed), OK);
	assert_int_equal(failed, n);
}

static void assert_same_item(const struct store_item *a, const struct store_item *b)
{
	assert_str(a->pk, b->pk);
	assert_str(a->sk, b->sk);
	assert_str(a->index_pk, b->index_pk);
	assert_str(a->index_sk, b->index_sk);
	assert_true(str_eq(a->body, b->body));
	assert_str(a->text, b->text);
	assert_int_equal(a->n, b->n);
	assert_int_equal(a->version, b->version);
	assert_int_equal(a->expires_ms, b->expires_ms);
}

static const struct store_item whole = {
	.pk = STR_INIT("p"), .sk = STR_INIT("s"), .index_pk = STR_INIT("ip"),
	.index_sk = STR_INIT("is"), .body = STR_INIT("{\"a\":\"\xc3\xa9\"}"),
	.text = STR_INIT("au cafe lait"), .n = -7, .version = 41, .expires_ms = NOW + 9,
};
static const struct store_item plain = {
	.pk = STR_INIT("p"), .sk = STR_INIT("t"), .version = 1,
};

static void put_many(struct rig *rig, size_t n)
{
	char sk[24];

	for (size_t i = 0; i < n; i++) {
		snprintf(sk, sizeof(sk), "%03zu", i);
		rig_put(rig, rig_item(i % 3 == 0 ? "a" : "b", sk, "{}"));
	}
}

/* --- restore --- */

TEST(a_restored_item_is_scanned_exactly_as_it_was_given)
{
	struct scanned got;
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		restore(&rig, (struct store_item[]){ whole, plain }, 2);
		scan_all(&rig, 0, NOW, &got);
		assert_int_equal(got.n, 2);
		assert_same_item(find(&got, "p", "s"), &whole);
		assert_same_item(find(&got, "p", "t"), &(struct store_item){ .pk = STR("p"),
		    .sk = STR("t"), .body = STR(""), .version = 1 });
	}
}

TEST(a_scan_gives_text_as_its_words)
{
	struct scanned got;
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("s"),
		    .text = STR("Lait, caf\xc3\xa9 au lait!") });
		scan_all(&rig, 0, NOW, &got);
		assert_str(find(&got, "p", "s")->text, STR("au cafe lait"));
		restore(&rig, got.items, got.n);
		assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p"),
		    .match = STR("Caf\xc3\xa9") }), STR("s"));
	}
}

TEST(the_same_restore_again_changes_nothing)
{
	struct scanned got;
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		for (int i = 0; i < 3; i++)
			restore(&rig, (struct store_item[]){ whole, plain }, 2);
		scan_all(&rig, 0, NOW, &got);
		assert_int_equal(got.n, 2);
		assert_same_item(find(&got, "p", "s"), &whole);
	}
}

TEST(a_restore_writes_over_what_stands_there)
{
	struct scanned got;
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("t"),
		    .index_pk = STR("x"), .index_sk = STR("y"), .body = STR("{}"), .n = 5,
		    .text = STR("old words"), .expires_ms = NOW + 1 });
		restore(&rig, &plain, 1);
		scan_all(&rig, 0, NOW, &got);
		assert_int_equal(got.n, 1);
		assert_null(got.items[0].index_pk.ptr);
		assert_int_equal(got.items[0].text.len, 0);
		assert_int_equal(got.items[0].n, 0);
		assert_int_equal(got.items[0].expires_ms, 0);
	}
}

TEST(a_restored_item_goes_on_as_if_it_had_been_written_there)
{
	struct rig rig;
	struct store_result result;
	struct store_item next = { .pk = STR("p"), .sk = STR("s"), .body = STR("{}"),
	    .version = 41 };

	(void)state;
	EACH_ENGINE(rig) {
		restore(&rig, &whole, 1);
		assert_int_equal(rig_get(&rig, "p", "s").version, 41);
		assert_int_equal(rig_write(&rig, &(struct store_op){ STORE_ADD, STORE_PRESENT,
		    { .pk = STR("p"), .sk = STR("s"), .n = 2 } }, 1, &result), OK);
		assert_int_equal(result.n, -5);
		assert_int_equal(rig_write(&rig, &(struct store_op){ STORE_PUT, STORE_VERSION,
		    next }, 1, &result), OK);
		assert_int_equal(result.version, 42);
	}
}

static void restores_nothing(struct rig *rig, const struct store_item *items, size_t n,
    enum err err, size_t failed)
{
	struct scanned got;
	size_t at;

	assert_int_equal(store_restore(rig->c, items, n, &at), err);
	assert_int_equal(at, failed);
	scan_all(rig, 0, NOW, &got);
	assert_int_equal(got.n, 0);
}

TEST(what_no_engine_can_hold_is_not_restored)
{
	struct store_item twins[] = { whole, plain, whole };
	struct store_item unborn = plain, half = plain, long_key = plain;
	char key[STORE_KEY_MAX_BYTES + 1];
	struct store_item many[STORE_OPS_MAX + 1];
	struct rig rig;

	(void)state;
	memset(key, 'k', sizeof(key));
	unborn.version = 0;
	half.index_pk = STR("i");
	long_key.sk = (struct str){ key, sizeof(key) };
	for (size_t i = 0; i < COUNT(many); i++)
		many[i] = plain;
	EACH_ENGINE(rig) {
		restores_nothing(&rig, twins, 3, ERR_INVALID, 3);
		restores_nothing(&rig, &unborn, 1, ERR_INVALID, 1);
		restores_nothing(&rig, &half, 1, ERR_INVALID, 1);
		restores_nothing(&rig, (struct store_item[]){ whole, long_key }, 2,
		    ERR_TOO_LARGE, 1);
		restores_nothing(&rig, many, COUNT(many), ERR_TOO_LARGE, COUNT(many));
		restore(&rig, NULL, 0);
	}
}

/* --- scan --- */

TEST(a_scan_gives_each_item_once_whatever_its_pages)
{
	struct scanned got;
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		put_many(&rig, 40);
		for (uint32_t limit = 0; limit < 50; limit += 7) {
			scan_all(&rig, limit, NOW, &got);
			assert_int_equal(got.n, 40);
			for (size_t i = 1; i < got.n; i++)
				for (size_t j = 0; j < i; j++)
					assert_false(str_eq(got.items[i].sk, got.items[j].sk));
		}
	}
}

TEST(a_scan_has_the_same_order_in_another_process)
{
	static struct scanned first, second;
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		put_many(&rig, 30);
		scan_all(&rig, 0, NOW, &first);
		rig_disconnect(&rig);
		rig_connect(&rig);
		scan_all(&rig, 4, NOW, &second);
		assert_int_equal(second.n, first.n);
		for (size_t i = 0; i < first.n; i++)
			assert_str(second.items[i].sk, first.items[i].sk);
	}
}

TEST(a_scan_goes_on_after_an_item_that_is_gone)
{
	static struct scanned all, rest;
	struct rig rig;
	bool more;

	(void)state;
	EACH_ENGINE(rig) {
		put_many(&rig, 20);
		scan_all(&rig, 0, NOW, &all);
		assert_int_equal(rig_one(&rig, STORE_DELETE, STORE_PRESENT, all.items[9]), OK);
		rest = (struct scanned){ .arena = &rig.arena, .most = ROWS_MAX };
		assert_int_equal(store_scan(rig.c, all.items[9].pk, all.items[9].sk, 0, NOW,
		    collect, &rest, &more), OK);
		assert_false(more);
		assert_int_equal(rest.n, 10);
		assert_str(rest.items[0].sk, all.items[10].sk);
	}
}

TEST(a_scan_stops_when_it_is_told_to_and_says_that_more_follows)
{
	static struct scanned got;
	struct rig rig;
	bool more = false;

	(void)state;
	EACH_ENGINE(rig) {
		put_many(&rig, 5);
		got = (struct scanned){ .arena = &rig.arena, .most = 2 };
		assert_int_equal(store_scan(rig.c, STR_NONE, STR_NONE, 0, NOW, collect, &got,
		    &more), OK);
		assert_int_equal(got.n, 2);
		assert_true(more);
	}
}

TEST(a_scan_leaves_out_what_has_expired_unless_asked)
{
	struct scanned got;
	struct rig rig;
	struct store_item mortal = plain;

	(void)state;
	mortal.expires_ms = NOW;
	EACH_ENGINE(rig) {
		restore(&rig, (struct store_item[]){ whole, mortal }, 2);
		scan_all(&rig, 0, NOW, &got);
		assert_int_equal(got.n, 1);
		scan_all(&rig, 0, 0, &got);
		assert_int_equal(got.n, 2);
	}
}

TEST(a_scan_of_nothing_ends_at_once)
{
	struct scanned got;
	struct rig rig;
	bool more;

	(void)state;
	EACH_ENGINE(rig) {
		scan_all(&rig, 10, NOW, &got);
		assert_int_equal(got.n, 0);
		assert_int_equal(store_scan(rig.c, STR("p"), STR_NONE, 0, NOW, collect, &got,
		    &more), ERR_INVALID);
	}
}

struct writer {
	struct rig *rig;
	size_t      n;
};

static bool write_meanwhile(void *context, const struct store_item *item)
{
	struct writer *w = context;

	(void)item;
	w->n++;
	return rig_one(w->rig, STORE_PUT, STORE_ALWAYS, rig_item("other", "s", "{}")) == OK;
}

TEST(a_scan_lets_others_write_and_its_own_caller_too)
{
	struct rig rig;
	bool more;

	(void)state;
	EACH_ENGINE(rig) {
		struct writer w = { &rig, 0 };
		put_many(&rig, 5);
		assert_int_equal(store_scan(rig.c, STR_NONE, STR_NONE, 0, NOW, write_meanwhile, &w,
		    &more), OK);
		assert_in_range(w.n, 5, 6);
		assert_true(rig_has(&rig, "other", "s"));
	}
}

TEST_MAIN(
	RUN(a_restored_item_is_scanned_exactly_as_it_was_given),
	RUN(a_scan_gives_text_as_its_words), RUN(the_same_restore_again_changes_nothing),
	RUN(a_restore_writes_over_what_stands_there),
	RUN(a_restored_item_goes_on_as_if_it_had_been_written_there),
	RUN(what_no_engine_can_hold_is_not_restored),
	RUN(a_scan_gives_each_item_once_whatever_its_pages),
	RUN(a_scan_has_the_same_order_in_another_process),
	RUN(a_scan_goes_on_after_an_item_that_is_gone),
	RUN(a_scan_stops_when_it_is_told_to_and_says_that_more_follows),
	RUN(a_scan_leaves_out_what_has_expired_unless_asked),
	RUN(a_scan_of_nothing_ends_at_once),
	RUN(a_scan_lets_others_write_and_its_own_caller_too))
