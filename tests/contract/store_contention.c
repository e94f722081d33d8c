/*
 * The store's contract when many write one item at once: everybody gets their turn
 * within the deadline, and the version counts every put.
 */
#include "store_crew.h"

static void put_same(struct hand *h, enum store_durability durability)
{
	for (unsigned i = 0; i < h->crew->rig->rounds; i++)
		if (hand_write(h, STORE_PUT, STORE_ALWAYS, rig_item("p", "s", "{}"),
		    durability) != OK)
			abort();
}

static void put_relaxed(struct hand *h)
{
	put_same(h, STORE_RELAXED);
}

static void put_durable(struct hand *h)
{
	put_same(h, STORE_DURABLE);
}

static void contend(void (*work)(struct hand *h))
{
	struct rig rig;

	EACH_ENGINE(rig) {
		in_processes(&rig, work);
		assert_int_equal(rig_get(&rig, "p", "s").version, PROCESSES * THREADS * rig.rounds);
	}
}

TEST(relaxed_puts_over_one_item_all_get_their_turn)
{
	(void)state;
	contend(put_relaxed);
}

TEST(durable_puts_over_one_item_all_get_their_turn)
{
	(void)state;
	contend(put_durable);
}

/* --- DynamoDB: a put that lost too often --- */

#define ALWAYS 100                      /* more often than the deadline has room for */

/* The next puts of a whole item lose to somebody. */
static void lose(int times)
{
	char fault[128];

	snprintf(fault, sizeof(fault), "{\"operation\":\"PutItem\",\"n\":%d,\"status\":400,"
	    "\"type\":\"ConditionalCheckFailedException\"}", times);
	dynamodb_child_control("/_fault", fault, NULL, 0);
}

static void begin(struct rig *rig)
{
	rig_open(rig, 1);
	assert_string_equal(rig->engine, "dynamodb");
}

static void put_as_late(struct rig *rig, struct store_item item, int times, uint64_t version)
{
	const struct store_op op = { STORE_PUT, STORE_ALWAYS, item };
	struct store_result result;

	lose(times);
	assert_int_equal(store_write(rig->c, &op, 1, STORE_RELAXED, NOW, &result), OK);
	assert_int_equal(result.version, version);
	dynamodb_child_control("/_reset", "", NULL, 0);
}

TEST(a_put_that_lost_often_replaces_the_whole_item_all_the_same)
{
	const struct store_item full = { .pk = STR_INIT("p"), .sk = STR_INIT("s"), .n = 5,
		.index_pk = STR_INIT("i"), .index_sk = STR_INIT("j"), .body = STR_INIT("{\"a\":1}"),
		.expires_ms = NOW + 5000 };
	static char large[100000];
	struct store_item item;
	struct rig rig;

	(void)state;
	begin(&rig);
	rig_put(&rig, rig_item("p", "s", "\xff bytes"));
	put_as_late(&rig, full, ALWAYS, 2);
	item = rig_get(&rig, "p", "s");
	assert_str(item.body, full.body);
	assert_str(item.index_sk, full.index_sk);
	assert_int_equal(item.n, 5);
	assert_int_equal(item.expires_ms, NOW + 5000);
	put_as_late(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("s"),
	    .body = { large, sizeof(large) } }, ALWAYS, 3);
	item = rig_get(&rig, "p", "s");
	assert_int_equal(item.body.len, sizeof(large));
	assert_null(item.index_pk.ptr);
	assert_int_equal(item.n, 0);
	assert_int_equal(item.expires_ms, 0);
	put_as_late(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("s") }, ALWAYS, 4);
	assert_int_equal(rig_get(&rig, "p", "s").body.len, 0);
	put_as_late(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("s"),
	    .body = STR("\xfe") }, ALWAYS, 5);
	assert_true(str_eq(rig_get(&rig, "p", "s").body, STR("\xfe")));
	rig_close(&rig);
}

TEST(a_put_that_lost_often_is_made_once_when_its_connection_breaks)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	rig_put(&rig, rig_item("p", "s", "old"));
	dynamodb_child_control("/_fault", "{\"operation\":\"UpdateItem\",\"cut\":\"after\"}",
	    NULL, 0);
	put_as_late(&rig, rig_item("p", "s", "new"), ALWAYS, 2);
	assert_str(rig_get(&rig, "p", "s").body, STR("new"));
	assert_int_equal(rig_get(&rig, "p", "s").version, 2);
	rig_close(&rig);
}

/* It makes no item of one that is not there, and leaves no words behind. */
TEST(a_put_that_lost_often_over_nothing_or_words_goes_the_long_way)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	put_as_late(&rig, rig_item("p", "s", "first"), 3, 1);
	rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("t"), .text = STR("word") });
	put_as_late(&rig, rig_item("p", "t", "none"), 3, 2);
	assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p"), .match = STR("word") }),
	    STR(""));
	put_as_late(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("x"),
	    .expires_ms = NOW }, 3, 1);
	put_as_late(&rig, rig_item("p", "x", "anew"), 3, 1);
	rig_close(&rig);
}

TEST_MAIN(
	RUN(relaxed_puts_over_one_item_all_get_their_turn),
	RUN(durable_puts_over_one_item_all_get_their_turn),
	RUN(a_put_that_lost_often_replaces_the_whole_item_all_the_same),
	RUN(a_put_that_lost_often_is_made_once_when_its_connection_breaks),
	RUN(a_put_that_lost_often_over_nothing_or_words_goes_the_long_way)
)
