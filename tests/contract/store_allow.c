/*
 * The time that a request may wait for the store, all its waits together, over every
 * engine: SQLite's file is locked by somebody else, DynamoDB does not answer.
 */
#include "store_rig.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>
#include <time.h>

#include "base/time.h"

#define SLACK_MS 1500                   /* of a machine that is busy with other tests */

/* --- a store that does not answer --- */

static sqlite3 *hang(struct rig *rig)
{
	sqlite3 *db = NULL;

	if (rig->remote) {
		dynamodb_child_control("/_fault", "{\"hang\":true,\"n\":1000}", NULL, 0);
		return NULL;
	}
	assert_int_equal(sqlite3_open(strchr(rig->url, ':') + 1, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	return db;
}

static void go_on(struct rig *rig, sqlite3 *db)
{
	if (rig->remote)
		dynamodb_child_control("/_reset", "", NULL, 0);
	sqlite3_close(db);
}

static enum err add_one(struct store_connection *c)
{
	const struct store_op op = { STORE_ADD, STORE_ALWAYS,
	    { .pk = STR("c"), .sk = STR("n"), .n = 1 } };
	struct store_result result;

	return store_write(c, &op, 1, STORE_RELAXED, NOW, &result);
}

static uint64_t ms_since(uint64_t began_ns)
{
	return (time_monotonic_ns() - began_ns) / 1000000;
}

static void allow_ms(struct store_connection *c, uint64_t ms)
{
	store_allow(c, ms * 1000000);
}

static void sleep_ms(long ms)
{
	const struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

/* --- */

TEST(operations_of_a_request_wait_no_longer_together_than_it_may)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		sqlite3 *db = hang(&rig);
		uint64_t began = time_monotonic_ns();
		allow_ms(rig.c, 400);
		for (int i = 0; i < 8; i++)
			assert_row(add_one(rig.c) == ERR_TIMEOUT, rig.engine);
		assert_row(ms_since(began) >= 399 && ms_since(began) < 400 + SLACK_MS, rig.engine);
		go_on(&rig, db);
	}
}

TEST(the_next_request_has_its_own_time)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		sqlite3 *db = hang(&rig);
		allow_ms(rig.c, 1);
		assert_row(add_one(rig.c) == ERR_TIMEOUT, rig.engine);
		uint64_t began = time_monotonic_ns();
		allow_ms(rig.c, 300);
		assert_row(add_one(rig.c) == ERR_TIMEOUT, rig.engine);
		assert_row(ms_since(began) >= 299, rig.engine);
		go_on(&rig, db);
		allow_ms(rig.c, 3000);
		assert_row(add_one(rig.c) == OK, rig.engine);
	}
}

TEST(work_in_the_background_has_each_operations_own_deadline)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		sqlite3 *db = hang(&rig);
		allow_ms(rig.c, 1);
		assert_row(add_one(rig.c) == ERR_TIMEOUT, rig.engine);
		store_allow(rig.c, 0);
		uint64_t began = time_monotonic_ns();
		assert_row(add_one(rig.c) == ERR_TIMEOUT, rig.engine);
		assert_row(ms_since(began) + 1 >= STORE_DEADLINE_MS, rig.engine);
		go_on(&rig, db);
	}
}

TEST(more_than_an_operations_own_deadline_is_not_more_for_it)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		sqlite3 *db = hang(&rig);
		uint64_t began = time_monotonic_ns();
		allow_ms(rig.c, 10ull * STORE_DEADLINE_MS);
		assert_row(add_one(rig.c) == ERR_TIMEOUT, rig.engine);
		assert_row(ms_since(began) < STORE_DEADLINE_MS + SLACK_MS, rig.engine);
		go_on(&rig, db);
	}
}

TEST(time_between_operations_is_not_the_stores)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		allow_ms(rig.c, 3000);
		assert_row(add_one(rig.c) == OK, rig.engine);
		sleep_ms(3100);
		assert_row(add_one(rig.c) == OK, rig.engine);
	}
}

TEST(when_the_time_is_used_up_what_needs_no_wait_is_done)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		rig_put(&rig, rig_item("p", "s", "{}"));
		sqlite3 *db = hang(&rig);
		allow_ms(rig.c, 1);
		assert_row(add_one(rig.c) == ERR_TIMEOUT, rig.engine);
		go_on(&rig, db);
		/* Over a network there is no such thing. */
		enum err expected = rig.remote ? ERR_TIMEOUT : OK;
		assert_row(add_one(rig.c) == expected, rig.engine);
		assert_row(rig_look(&rig, STR("p"), STR("s"), NOW) == expected, rig.engine);
	}
}

struct nested {
	struct rig *rig;
	sqlite3    *lock;
	unsigned    n;
};

static bool write_inside(void *context, const struct store_item *item)
{
	struct nested *n = context;

	(void)item;
	if (n->n++ == 0)
		n->lock = hang(n->rig);
	assert_row(add_one(n->rig->c) == ERR_TIMEOUT, n->rig->engine);
	return true;
}

TEST(what_is_asked_inside_of_a_query_ends_with_it)
{
	struct store_query q = { .pk = STR("p") };
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct nested n = { .rig = &rig };
		for (char name[] = "a"; name[0] <= 'h'; name[0]++)
			rig_put(&rig, rig_item("p", name, "{}"));
		uint64_t began = time_monotonic_ns();
		allow_ms(rig.c, 800);
		assert_row(store_query(rig.c, &q, NOW, write_inside, &n) == OK, rig.engine);
		assert_row(n.n == 8 && ms_since(began) < 800 + SLACK_MS, rig.engine);
		go_on(&rig, n.lock);
	}
}

/* --- several --- */

struct writer {
	struct rig *rig;
	pthread_t   thread;
	uint64_t    allowed_ms;
	enum err    err;
	uint64_t    took_ms;
};

static void *write_timed(void *context)
{
	struct writer *w = context;
	struct store_connection *c;

	if (store_connect(w->rig->store, &c) != OK)
		abort();
	allow_ms(c, w->allowed_ms);
	uint64_t began = time_monotonic_ns();
	w->err = add_one(c);
	w->took_ms = ms_since(began);
	store_disconnect(c);
	return NULL;
}

/* The first leads a batch alone, and hands over to the second when its time is over;
 * the third is in the second's batch. */
TEST(who_has_little_time_neither_waits_for_others_nor_takes_theirs)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct writer w[] = { { &rig, .allowed_ms = 300 }, { &rig, .allowed_ms = 4500 },
			{ &rig, .allowed_ms = 900 } };
		sqlite3 *db = hang(&rig);
		for (size_t i = 0; i < COUNT(w); i++) {
			pthread_create(&w[i].thread, NULL, write_timed, &w[i]);
			sleep_ms(50);
		}
		pthread_join(w[0].thread, NULL);
		pthread_join(w[2].thread, NULL);
		go_on(&rig, db);
		pthread_join(w[1].thread, NULL);
		assert_row(w[0].err == ERR_TIMEOUT && w[2].err == ERR_TIMEOUT, rig.engine);
		assert_row(w[0].took_ms < 300 + SLACK_MS, rig.engine);
		assert_row(w[2].took_ms < 900 + SLACK_MS, rig.engine);
		if (!rig.remote)
			assert_int_equal(w[1].err, OK);
	}
}

TEST_MAIN(
	RUN(operations_of_a_request_wait_no_longer_together_than_it_may),
	RUN(the_next_request_has_its_own_time),
	RUN(work_in_the_background_has_each_operations_own_deadline),
	RUN(more_than_an_operations_own_deadline_is_not_more_for_it),
	RUN(time_between_operations_is_not_the_stores),
	RUN(when_the_time_is_used_up_what_needs_no_wait_is_done),
	RUN(what_is_asked_inside_of_a_query_ends_with_it),
	RUN(who_has_little_time_neither_waits_for_others_nor_takes_theirs)
)
