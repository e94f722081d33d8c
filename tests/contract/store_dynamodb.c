/*
 * The store on DynamoDB when calls fail on the way.  The table is tested in
 * store_dynamodb_table.c, the contract that every engine keeps in store.c and its
 * neighbours, calls of whatever service in net's own tests.
 * Here the connection breaks, hangs or lies where it hurts, and then:
 *  - nothing is counted or written twice,
 *  - an own success is never told as ERR_EXISTS, ERR_STALE or ERR_NOT_FOUND,
 *  - no wait is longer than STORE_DEADLINE_MS.
 */
#include "store_dynamodb_rig.h"

#include <pthread.h>
#include <time.h>

/* --- a connection that breaks under a write -------------------------------------------------- */

/* Each write meets each fault, and whatever came of the first attempt is done once. */
TEST(a_write_whose_connection_breaks_is_done_once_and_told_so)
{
	static const char *const cuts[] = { "before", "middle", "after" };
	static const char *const operations[] = { "TransactWriteItems", "PutItem", "DeleteItem" };
	struct rig rig;

	(void)state;
	begin(&rig);
	for (size_t i = 0; i < COUNT(cuts) * 2; i++) {
		enum store_durability durability = i % 2 == 0 ? STORE_DURABLE : STORE_RELAXED;
		struct store_item item = rig_item("p", "s", "{}");
		struct store_result result;
		char json[100];
		for (size_t j = 0; j < COUNT(operations); j++) {
			if ((j == 0) != (durability == STORE_DURABLE))
				continue;
			snprintf(json, sizeof(json), "{\"operation\":\"%s\",\"cut\":\"%s\",\"n\":%d}",
			    operations[j], cuts[i / 2], j == 0 ? 3 : 1);
			fault(json);
		}
		/* Three writes, of which each meets one cut (or the first two meet three). */
		assert_row(write_one(&rig, STORE_PUT, STORE_ABSENT, item, durability, &result) ==
		    OK, cuts[i / 2]);
		assert_row(result.version == 1, cuts[i / 2]);
		if (durability == STORE_RELAXED)
			fault("{\"operation\":\"PutItem\",\"cut\":\"after\"}");
		item.version = 1;
		assert_row(write_one(&rig, STORE_PUT, STORE_VERSION, item, durability, &result) ==
		    OK, cuts[i / 2]);
		assert_row(result.version == 2, cuts[i / 2]);
		assert_row(rig_get(&rig, "p", "s").version == 2, cuts[i / 2]);
		item.version = 2;
		assert_row(write_one(&rig, STORE_DELETE, STORE_VERSION, item, durability, &result)
		    == OK, cuts[i / 2]);
		assert_row(!rig_has(&rig, "p", "s"), cuts[i / 2]);
	}
	rig_close(&rig);
}

TEST(a_durable_count_is_made_once_whatever_happens_to_its_connection)
{
	static const char *const cuts[] = { "before", "middle", "after" };
	struct rig rig;

	(void)state;
	begin(&rig);
	for (size_t i = 0; i < COUNT(cuts); i++) {
		struct store_result result;
		char json[100];
		snprintf(json, sizeof(json),
		    "{\"operation\":\"TransactWriteItems\",\"cut\":\"%s\",\"n\":2}", cuts[i]);
		fault(json);
		assert_row(write_one(&rig, STORE_ADD, STORE_ALWAYS, counter(1), STORE_DURABLE,
		    &result) == OK, cuts[i]);
		assert_row(result.n == (int64_t)i + 1, cuts[i]);
		assert_row(rig_get(&rig, "c", "n").n == (int64_t)i + 1, cuts[i]);
	}
	rig_close(&rig);
}

TEST(a_relaxed_count_is_made_once_or_its_outcome_is_said_to_be_unknown)
{
	struct store_result result;
	struct rig rig;

	(void)state;
	begin(&rig);
	assert_int_equal(write_one(&rig, STORE_ADD, STORE_ALWAYS, counter(1), STORE_RELAXED, &result),
	    OK);
	fault("{\"operation\":\"UpdateItem\",\"cut\":\"after\"}");
	assert_int_equal(write_one(&rig, STORE_ADD, STORE_ALWAYS, counter(1), STORE_RELAXED, &result),
	    OK);
	assert_int_equal(result.n, 2);
	fault("{\"operation\":\"UpdateItem\",\"cut\":\"middle\"}");
	assert_int_equal(write_one(&rig, STORE_ADD, STORE_ALWAYS, counter(1), STORE_RELAXED, &result),
	    OK);
	assert_int_equal(result.n, 3);
	fault("{\"operation\":\"UpdateItem\",\"cut\":\"before\"}");
	assert_int_equal(write_one(&rig, STORE_ADD, STORE_ALWAYS, counter(1), STORE_RELAXED, &result),
	    ERR_TIMEOUT);
	assert_int_equal(rig_get(&rig, "c", "n").n, 3);
	assert_int_equal(write_one(&rig, STORE_ADD, STORE_ALWAYS, counter(1), STORE_RELAXED, &result),
	    OK);
	assert_int_equal(result.n, 4);
	rig_close(&rig);
}

static void ignore(void *context, const struct store_item *item)
{
	(void)context;
	(void)item;
}

static bool is_begun(struct store_connection *c)
{
	return store_visit(c, STR("c"), STR("n"), NOW, ignore, NULL) == OK;
}

/* Another machine, which counts as soon as it sees that somebody has begun. */
static void *count_after_the_first(void *context)
{
	const struct timespec pause = { 0, 5 * 1000000 };
	struct rig *rig = context;
	const struct store_op op = { STORE_ADD, STORE_ALWAYS, counter(1) };
	struct store_connection *c;
	struct store_result result;
	enum err err = store_connect(rig->store, &c);

	for (int i = 0; err == OK && !is_begun(c) && i < 400; i++)
		nanosleep(&pause, NULL);
	if (err == OK)
		err = store_write(c, &op, 1, STORE_RELAXED, NOW, &result);
	store_disconnect(c);
	return err == OK ? context : NULL;
}

/* A counter's first is a put where nothing is: made again it finds itself there, and
 * who has counted on it since. */
TEST(a_counters_first_that_others_count_on_at_once_is_not_made_twice)
{
	struct store_result result;
	pthread_t other;
	void *counted;
	struct rig rig;

	(void)state;
	begin(&rig);
	fault("{\"operation\":\"PutItem\",\"cut\":\"after\"}");
	fault("{\"operation\":\"PutItem\",\"delayMs\":1500}");
	assert_int_equal(pthread_create(&other, NULL, count_after_the_first, &rig), 0);
	enum err err = write_one(&rig, STORE_ADD, STORE_ALWAYS, counter(1), STORE_RELAXED, &result);
	assert_int_equal(pthread_join(other, &counted), 0);
	assert_non_null(counted);
	assert_int_equal(rig_get(&rig, "c", "n").n, 2);
	assert_int_equal(err, ERR_TIMEOUT);
	rig_close(&rig);
}

/* What it says of the sum cannot be read, so the item is asked. */
TEST(a_count_that_is_answered_with_something_else_is_known_all_the_same)
{
	struct store_result result;
	struct rig rig;

	(void)state;
	begin(&rig);
	assert_int_equal(write_one(&rig, STORE_ADD, STORE_ALWAYS, counter(1), STORE_RELAXED, &result),
	    OK);
	fault("{\"operation\":\"UpdateItem\",\"answer\":{}}");
	assert_int_equal(write_one(&rig, STORE_ADD, STORE_ALWAYS, counter(1), STORE_RELAXED, &result),
	    OK);
	assert_int_equal(result.n, 2);
	fault("{\"operation\":\"UpdateItem\",\"answer\":{}}");
	fault("{\"operation\":\"GetItem\",\"status\":500,\"n\":8}");
	assert_int_equal(write_one(&rig, STORE_ADD, STORE_ALWAYS, counter(1), STORE_RELAXED, &result),
	    ERR_TIMEOUT);
	dynamodb_child_control("/_reset", "", NULL, 0);
	assert_int_equal(rig_get(&rig, "c", "n").n, 3);
	rig_close(&rig);
}

TEST(an_unknown_error_of_the_service_is_an_unclear_outcome_too)
{
	struct store_result result;
	struct rig rig;

	(void)state;
	begin(&rig);
	fault("{\"operation\":\"TransactWriteItems\",\"status\":500,\"n\":2}");
	assert_int_equal(write_one(&rig, STORE_ADD, STORE_ALWAYS, counter(1), STORE_DURABLE, &result),
	    OK);
	assert_int_equal(rig_get(&rig, "c", "n").n, 1);
	rig_close(&rig);
}

/* --- others at the same time --------------------------------------------------------------- */

TEST(a_transaction_that_meets_another_is_made_again)
{
	struct store_result result;
	struct rig rig;

	(void)state;
	begin(&rig);
	fault("{\"operation\":\"TransactWriteItems\",\"reasons\":[\"TransactionConflict\"],\"n\":3}");
	assert_int_equal(write_one(&rig, STORE_ADD, STORE_ALWAYS, counter(1), STORE_DURABLE, &result),
	    OK);
	fault("{\"operation\":\"PutItem\",\"status\":400,\"type\":\"TransactionConflictException\"}");
	assert_int_equal(write_one(&rig, STORE_PUT, STORE_ABSENT, rig_item("p", "s", ""),
	    STORE_RELAXED, &result), OK);
	assert_int_equal(rig_get(&rig, "c", "n").n, 1);
	assert_int_equal(rig_get(&rig, "p", "s").version, 1);
	rig_close(&rig);
}

/* The attempt that nobody heard of again may come through after all, and under another
 * token the next one would count as well. */
TEST(a_count_whose_outcome_is_unknown_is_not_tried_under_another_token)
{
	static const char *const reasons[] = { "TransactionConflict", "ConditionalCheckFailed" };
	struct store_result result;
	struct rig rig;

	(void)state;
	begin(&rig);
	assert_int_equal(write_one(&rig, STORE_ADD, STORE_ALWAYS, counter(1), STORE_DURABLE, &result),
	    OK);
	for (size_t i = 0; i < COUNT(reasons); i++) {
		char json[100];
		snprintf(json, sizeof(json), "{\"operation\":\"TransactWriteItems\",\"reasons\":"
		    "[\"%s\"]}", reasons[i]);
		fault("{\"operation\":\"TransactWriteItems\",\"cut\":\"before\"}");
		fault(json);
		assert_row(write_one(&rig, STORE_ADD, STORE_ALWAYS, counter(1), STORE_DURABLE,
		    &result) == ERR_TIMEOUT, reasons[i]);
	}
	assert_int_equal(rig_get(&rig, "c", "n").n, 1);
	/* A put carries what it must find, so it cannot come through twice. */
	fault("{\"operation\":\"TransactWriteItems\",\"cut\":\"before\"}");
	fault("{\"operation\":\"TransactWriteItems\",\"reasons\":[\"TransactionConflict\"]}");
	assert_int_equal(write_one(&rig, STORE_PUT, STORE_ALWAYS, rig_item("p", "s", "{}"),
	    STORE_DURABLE, &result), OK);
	assert_int_equal(result.version, 1);
	rig_close(&rig);
}

TEST(a_list_whose_items_changed_under_it_is_looked_at_again)
{
	struct store_result result;
	struct rig rig;

	(void)state;
	begin(&rig);
	rig_put(&rig, rig_item("p", "s", ""));
	fault("{\"operation\":\"TransactWriteItems\","
	    "\"reasons\":[\"None\",\"ConditionalCheckFailed\"],\"n\":2}");
	const struct store_op ops[] = {
		{ STORE_ADD, STORE_ALWAYS, counter(1) },
		{ STORE_PUT, STORE_ALWAYS, rig_item("p", "s", "new") },
	};
	assert_int_equal(store_write(rig.c, ops, 2, STORE_DURABLE, NOW, &result), OK);
	assert_int_equal(result.version, 2);
	assert_int_equal(rig_get(&rig, "c", "n").n, 1);
	rig_close(&rig);
}

TEST(a_list_that_never_gets_its_turn_ends_within_the_deadline_and_wrote_nothing)
{
	struct store_result result;
	struct rig rig;
	uint64_t began = time_monotonic_ns();

	(void)state;
	begin(&rig);
	fault("{\"operation\":\"TransactWriteItems\",\"reasons\":[\"TransactionConflict\"],"
	    "\"n\":1000}");
	assert_int_equal(write_one(&rig, STORE_ADD, STORE_ALWAYS, counter(1), STORE_DURABLE, &result),
	    ERR_UNAVAILABLE);
	assert_true(time_monotonic_ns() - began < (STORE_DEADLINE_MS + SLACK_MS) * 1000000ull);
	assert_false(rig_has(&rig, "c", "n"));
	rig_close(&rig);
}

/* --- a service in trouble -------------------------------------------------------------------- */

TEST(what_a_batch_leaves_over_is_asked_for_again)
{
	struct store_result result;
	struct store_op ops[20];
	char keys[20][8];
	struct rig rig;

	(void)state;
	begin(&rig);
	for (size_t i = 0; i < COUNT(ops); i++) {
		snprintf(keys[i], sizeof(keys[i]), "%02zu", i);
		ops[i] = (struct store_op){ STORE_PUT, STORE_ALWAYS, rig_item("p", keys[i], "{}") };
	}
	ops[0].item.text = STR("word");
	for (int round = 1; round <= 2; round++) {
		fault("{\"operation\":\"BatchGetItem\",\"unprocessed\":15}");
		fault("{\"operation\":\"BatchGetItem\",\"unprocessed\":15}");
		assert_int_equal(store_write(rig.c, ops, COUNT(ops), STORE_DURABLE, NOW, &result),
		    OK);
		assert_int_equal(result.version, round);
	}
	assert_int_equal(rig_get(&rig, "p", "19").version, 2);
	assert_str(rig_query(&rig, (struct store_query){ .pk = STR("p"), .match = STR("word") }),
	    STR("00"));
	rig_close(&rig);
}

TEST(a_read_that_is_throttled_cut_or_garbled_is_made_again)
{
	static const char *const faults[] = {
		"{\"status\":400,\"type\":\"ProvisionedThroughputExceededException\",\"n\":2}",
		"{\"status\":500}", "{\"status\":503}", "{\"cut\":\"before\"}", "{\"cut\":\"middle\"}",
		"{\"garbage\":true}", "{\"crc\":true}",
	};
	struct rig rig;

	(void)state;
	begin(&rig);
	rig_put(&rig, rig_item("p", "s", "{}"));
	for (size_t i = 0; i < COUNT(faults); i++) {
		fault(faults[i]);
		assert_row(str_eq(rig_get(&rig, "p", "s").body, STR("{}")), faults[i]);
		fault(faults[i]);
		assert_row(str_eq(rig_query(&rig, (struct store_query){ .pk = STR("p") }), STR("s")),
		    faults[i]);
	}
	rig_close(&rig);
}

TEST(a_service_that_hangs_is_given_up_at_the_deadline)
{
	struct store_result result;
	struct store_item item;
	struct rig rig;
	uint64_t began;

	(void)state;
	begin(&rig);
	fault("{\"hang\":true,\"n\":20}");
	began = time_monotonic_ns();
	assert_int_equal(store_get(rig.c, &rig.arena, STR("p"), STR("s"), NOW, &item), ERR_TIMEOUT);
	assert_true(time_monotonic_ns() - began < (STORE_DEADLINE_MS + SLACK_MS) * 1000000ull);
	began = time_monotonic_ns();
	assert_int_equal(write_one(&rig, STORE_PUT, STORE_ABSENT, rig_item("p", "s", ""),
	    STORE_DURABLE, &result), ERR_TIMEOUT);
	assert_true(time_monotonic_ns() - began < (STORE_DEADLINE_MS + SLACK_MS) * 1000000ull);
	rig_close(&rig);
}

/* " w000000 w000001 …": nothing of it twice. */
static struct str many_words(struct arena *a, size_t n)
{
	struct buf text;

	buf_init(&text, a, 8 * n);
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, "w%06zu ", i);
	return buf_str(&text);
}

static bool take_all(void *context, const struct store_item *item)
{
	(void)context;
	(void)item;
	return true;
}

/* Pages of 1 MB of words in which nothing fits, each slow: who gives no limit never gets
 * to say that it is enough. */
TEST(a_search_that_finds_nothing_ends_by_its_deadline_without_a_limit_too)
{
	struct store_item items[10];
	char keys[COUNT(items)][8];
	struct rig rig;
	size_t failed;

	(void)state;
	begin(&rig);
	for (size_t i = 0; i < COUNT(items); i++) {
		snprintf(keys[i], sizeof(keys[i]), "%02zu", i);
		items[i] = rig_item("p", keys[i], "{}");
		items[i].version = 1;
		items[i].text = many_words(&rig.arena, 48000);
	}
	assert_int_equal(store_restore(rig.c, items, COUNT(items), &failed), OK);
	const struct store_query q = { .pk = STR("p"), .match = STR("nothing") };
	assert_int_equal(store_query(rig.c, &q, NOW, take_all, NULL), OK);
	fault("{\"operation\":\"Query\",\"delayMs\":2000,\"n\":20}");
	uint64_t began = time_monotonic_ns();
	assert_int_equal(store_query(rig.c, &q, NOW, take_all, NULL), ERR_TIMEOUT);
	assert_true(time_monotonic_ns() - began < (STORE_DEADLINE_MS + SLACK_MS) * 1000000ull);
	rig_close(&rig);
}

TEST(throttled_to_the_end_is_unavailable_and_nobodys_fault)
{
	struct store_result result;
	struct rig rig;

	(void)state;
	begin(&rig);
	fault("{\"status\":400,\"type\":\"ThrottlingException\",\"n\":1000}");
	assert_int_equal(write_one(&rig, STORE_PUT, STORE_ABSENT, rig_item("p", "s", ""),
	    STORE_DURABLE, &result), ERR_UNAVAILABLE);
	rig_close(&rig);
}

TEST(a_table_that_goes_away_is_unavailable_and_ping_says_so)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	fault("{\"status\":400,\"type\":\"ResourceNotFoundException\",\"n\":2}");
	assert_int_equal(store_ping(rig.c), ERR_UNAVAILABLE);
	assert_int_equal(rig_look(&rig, STR("p"), STR("s"), NOW), ERR_UNAVAILABLE);
	assert_int_equal(store_ping(rig.c), OK);
	rig_close(&rig);
}

TEST_MAIN(
	RUN(a_write_whose_connection_breaks_is_done_once_and_told_so),
	RUN(a_durable_count_is_made_once_whatever_happens_to_its_connection),
	RUN(a_relaxed_count_is_made_once_or_its_outcome_is_said_to_be_unknown),
	RUN(a_counters_first_that_others_count_on_at_once_is_not_made_twice),
	RUN(a_count_that_is_answered_with_something_else_is_known_all_the_same),
	RUN(an_unknown_error_of_the_service_is_an_unclear_outcome_too),
	RUN(a_transaction_that_meets_another_is_made_again),
	RUN(a_count_whose_outcome_is_unknown_is_not_tried_under_another_token),
	RUN(a_list_whose_items_changed_under_it_is_looked_at_again),
	RUN(a_list_that_never_gets_its_turn_ends_within_the_deadline_and_wrote_nothing),
	RUN(what_a_batch_leaves_over_is_asked_for_again),
	RUN(a_read_that_is_throttled_cut_or_garbled_is_made_again),
	RUN(a_service_that_hangs_is_given_up_at_the_deadline),
	RUN(a_search_that_finds_nothing_ends_by_its_deadline_without_a_limit_too),
	RUN(throttled_to_the_end_is_unavailable_and_nobodys_fault),
	RUN(a_table_that_goes_away_is_unavailable_and_ping_says_so)
)
