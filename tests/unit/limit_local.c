/*
 * limit_local: the cells, in memory of this process.  What several processes do
 * to them is tests/contract/limit.c.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/time.h"
#include "limit/local.h"
#include "test.h"

#define S UINT64_C(1000000000)
#define THREADS 2

static const uint64_t start = UINT64_C(1700000000) * S;

static const struct limit_policy five = {
	.name = "five", .limit = 5, .period_ms = 5000,
};
static const struct limit_policy six = {
	.name = "six", .limit = 6, .period_ms = 6000,
};
static const struct limit_policy hourly = {
	.name = "hourly", .algorithm = LIMIT_WINDOW, .limit = 3, .period_ms = 3600000,
};

struct fixture {
	struct limit_cells *cells;
	struct limit_rule   five, six, hourly;
};

static void open_cells(struct fixture *f)
{
	assert_int_equal(limit_cells_open(NULL, &f->cells), OK);
	limit_cells_rule(f->cells, &five, LIMIT_CELL_OWN, &f->five);
	limit_cells_rule(f->cells, &six, LIMIT_CELL_OWN, &f->six);
	limit_cells_rule(f->cells, &hourly, LIMIT_CELL_OWN, &f->hourly);
}

static struct limit_place place_of(struct fixture *f, const struct limit_rule *rule, uint64_t key)
{
	return limit_cells_place(f->cells, rule, (struct str){ (const char *)&key, sizeof(key) });
}

static bool take(struct fixture *f, const struct limit_rule *rule, uint64_t key, uint64_t now)
{
	bool evicted;
	struct limit_place place = place_of(f, rule, key);
	return limit_cells_take(f->cells, rule, &place, now, 1, &evicted).allowed;
}

static unsigned take_until_refused(struct fixture *f, const struct limit_rule *rule, uint64_t key,
    uint64_t now)
{
	unsigned n = 0;
	while (n < 1000 && take(f, rule, key, now))
		n++;
	return n;
}

TEST(each_key_has_its_own)
{
	(void)state;
	struct fixture f;
	open_cells(&f);
	for (uint64_t key = 0; key < 100; key++)
		assert_int_equal(take_until_refused(&f, &f.five, key, start), 5);
	for (uint64_t key = 0; key < 100; key++)
		assert_false(take(&f, &f.five, key, start));
	limit_cells_close(f.cells);
}

TEST(each_policy_has_its_own)
{
	(void)state;
	struct fixture f;
	open_cells(&f);
	assert_int_equal(take_until_refused(&f, &f.five, 7, start), 5);
	assert_int_equal(take_until_refused(&f, &f.six, 7, start), 6);
	assert_int_equal(take_until_refused(&f, &f.hourly, 7, start), 3);
	limit_cells_close(f.cells);
}

TEST(a_peek_takes_nothing)
{
	(void)state;
	struct fixture f;
	open_cells(&f);
	struct limit_place place = place_of(&f, &f.five, 1);
	for (int i = 0; i < 20; i++)
		assert_true(limit_cells_peek(f.cells, &f.five, &place, start, 5).allowed);
	assert_int_equal(take_until_refused(&f, &f.five, 1, start), 5);
	assert_false(limit_cells_peek(f.cells, &f.five, &place, start, 1).allowed);
	limit_cells_close(f.cells);
}

TEST(cells_whose_time_has_passed_are_used_again)
{
	(void)state;
	struct fixture f;
	bool evicted;
	open_cells(&f);
	for (uint64_t round = 0; round < 6; round++) {
		for (uint64_t key = 0; key < LIMIT_CELLS / 8; key++) {
			struct limit_place place = place_of(&f, &f.five, round << 32 | key);
			uint64_t now = start + round * 7 * S;
			assert_true(limit_cells_take(f.cells, &f.five, &place, now, 5,
			    &evicted).allowed);
			assert_false(evicted);
		}
	}
	limit_cells_close(f.cells);
}

TEST(windows_two_periods_old_are_used_again)
{
	(void)state;
	struct fixture f;
	bool evicted;
	open_cells(&f);
	for (uint64_t round = 0; round < 6; round++) {
		for (uint64_t key = 0; key < LIMIT_CELLS / 8; key++) {
			struct limit_place place = place_of(&f, &f.hourly, round << 32 | key);
			uint64_t now = start + round * 7205 * S;
			assert_true(limit_cells_take(f.cells, &f.hourly, &place, now, 3,
			    &evicted).allowed);
			assert_false(evicted);
		}
	}
	limit_cells_close(f.cells);
}

/* The `n`-th key that falls into the set of key 0. */
static uint64_t neighbour(struct fixture *f, uint64_t after)
{
	union limit_cell *set = place_of(f, &f->five, 0).set;
	do {
		after++;
	} while (place_of(f, &f->five, after).set != set);
	return after;
}

TEST(when_a_set_is_in_use_the_cell_nearest_to_free_goes)
{
	(void)state;
	struct fixture f;
	uint64_t keys[LIMIT_WAYS + 1] = { 0 };
	bool evicted;
	open_cells(&f);
	for (size_t i = 1; i < COUNT(keys); i++)
		keys[i] = neighbour(&f, keys[i - 1]);
	for (size_t i = 0; i < LIMIT_WAYS; i++) {
		/* the fourth has taken least */
		struct limit_place place = place_of(&f, &f.five, keys[i]);
		limit_cells_take(f.cells, &f.five, &place, start, i == 3 ? 2 : 5, &evicted);
		assert_false(evicted);
	}
	struct limit_place place = place_of(&f, &f.five, keys[LIMIT_WAYS]);
	assert_true(limit_cells_take(f.cells, &f.five, &place, start, 5, &evicted).allowed);
	assert_true(evicted);
	for (size_t i = 0; i < COUNT(keys); i++) {
		place = place_of(&f, &f.five, keys[i]);
		uint64_t left = limit_cells_peek(f.cells, &f.five, &place, start, 1).remaining;
		assert_int_equal(left, i == 3 ? 4 : 0);
	}
	limit_cells_close(f.cells);
}

TEST(a_cost_that_is_never_allowed_takes_no_cell)
{
	(void)state;
	struct fixture f;
	bool evicted;
	open_cells(&f);
	struct limit_place place = place_of(&f, &f.five, 1);
	const uint64_t *words = (const uint64_t *)place.set;
	assert_false(limit_cells_take(f.cells, &f.five, &place, start, 6, &evicted).allowed);
	for (size_t i = 0; i < 2 * LIMIT_WAYS; i++)
		assert_true(words[i] == 0);
	limit_cells_close(f.cells);
}

TEST(what_is_given_back_was_never_taken)
{
	(void)state;
	struct fixture f;
	bool evicted;
	const struct limit_rule *const rules[] = { &f.five, &f.hourly };
	open_cells(&f);
	for (size_t i = 0; i < COUNT(rules); i++) {
		uint64_t since = time_monotonic_ns();
		struct limit_place place = place_of(&f, rules[i], 9);
		assert_true(limit_cells_take(f.cells, rules[i], &place, start, 3,
		    &evicted).allowed);
		limit_cells_give_back(f.cells, rules[i], &place, 3, since);
		uint64_t full = rules[i]->policy->limit;
		assert_row(take_until_refused(&f, rules[i], 9, start) == full,
		    rules[i]->policy->name);
	}
	limit_cells_close(f.cells);
}

TEST(what_time_has_given_back_is_not_given_back_again)
{
	(void)state;
	struct fixture f;
	bool evicted;
	open_cells(&f);
	struct limit_place place = place_of(&f, &f.five, 9);
	assert_true(limit_cells_take(f.cells, &f.five, &place, start, 3, &evicted).allowed);
	/* as if the thread had slept for an hour since */
	limit_cells_give_back(f.cells, &f.five, &place, 3, time_monotonic_ns() - 3600 * S);
	assert_int_equal(take_until_refused(&f, &f.five, 9, start), 2);
	limit_cells_close(f.cells);
}

/* The two words of one way of a set, as a process that died left them. */
static void leave(const struct limit_place *place, size_t way, uint64_t tag, uint64_t then)
{
	uint64_t *words = (uint64_t *)place->set;
	words[2 * way] = tag;
	words[2 * way + 1] = then;
}

TEST(a_process_that_died_in_mid_insert_blocks_no_one)
{
	(void)state;
	struct fixture f;
	open_cells(&f);
	for (uint64_t key = 0; key < LIMIT_WAYS; key++) {
		struct limit_place place = place_of(&f, &f.five, key);
		leave(&place, key, place.tag | 63, start);
		assert_int_equal(take_until_refused(&f, &f.five, key, start), 5);
	}
	limit_cells_close(f.cells);
}

TEST(cells_that_dead_processes_left_pending_are_used_again)
{
	(void)state;
	struct fixture f;
	bool evicted;
	open_cells(&f);
	struct limit_place place = place_of(&f, &f.five, 1);
	for (size_t way = 0; way < LIMIT_WAYS; way++)
		leave(&place, way, UINT64_C(0xABC000) + (way << 32) + 63, start);
	assert_true(limit_cells_take(f.cells, &f.five, &place, start + 2 * S, 1, &evicted).allowed);
	assert_false(evicted);
	limit_cells_close(f.cells);
}

TEST(more_window_periods_than_are_recorded_still_limit)
{
	(void)state;
	struct fixture f;
	bool evicted;
	open_cells(&f);
	for (uint64_t i = 0; i < 80; i++) {
		struct limit_policy p = hourly;
		struct limit_rule rule;
		p.period_ms = 3600000 + i;
		limit_cells_rule(f.cells, &p, LIMIT_CELL_OWN, &rule);
		struct limit_place place = place_of(&f, &rule, 1);
		for (int n = 0; n < 5; n++)
			assert_int_equal(limit_cells_take(f.cells, &rule, &place, start, 1,
			    &evicted).allowed, n < 3);
	}
	limit_cells_close(f.cells);
}

struct race {
	struct fixture   *f;
	uint64_t          keys, rounds;
	atomic_uint       admitted;
	pthread_barrier_t begin;
	atomic_ulong      arrived;      /* in lockstep: rounds begun, of all threads */
};

/* Waits until every thread has begun this round; spinning, so that they leave
 * within nanoseconds of each other. */
static void keep_step(struct race *race, uint64_t round)
{
	atomic_fetch_add(&race->arrived, 1);
	for (unsigned n = 1; atomic_load(&race->arrived) < (round + 1) * THREADS; n++)
		if (n % 1000 == 0)
			sched_yield();
}

static void *take_hot_key(void *argument)
{
	struct race *race = argument;
	unsigned admitted = 0;

	pthread_barrier_wait(&race->begin);
	for (uint64_t i = 0; i < race->rounds; i++)
		admitted += take(race->f, &race->f->six, 1, start + i / 1000 * S);
	atomic_fetch_add(&race->admitted, admitted);
	return NULL;
}

static void run_threads(struct race *race, void *(*body)(void *))
{
	pthread_t threads[THREADS];

	assert_int_equal(pthread_barrier_init(&race->begin, NULL, THREADS), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, body, race), 0);
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	pthread_barrier_destroy(&race->begin);
}

TEST(threads_on_one_key_get_the_burst_and_the_rate_together)
{
	(void)state;
	struct fixture f;
	struct race race = { .f = &f, .rounds = 5000 };
	open_cells(&f);
	run_threads(&race, take_hot_key);
	/* at once 6, and one for each of the 4 seconds that pass */
	assert_int_equal(race.admitted, 6 + 4);
	limit_cells_close(f.cells);
}

static void *take_new_keys(void *argument)
{
	struct race *race = argument;
	unsigned admitted = 0;
	bool evicted;

	pthread_barrier_wait(&race->begin);
	for (uint64_t key = 0; key < race->keys; key++) {
		struct limit_place place = place_of(race->f, &race->f->five, key);
		admitted += limit_cells_take(race->f->cells, &race->f->five, &place, start, 5,
		    &evicted).allowed;
	}
	atomic_fetch_add(&race->admitted, admitted);
	return NULL;
}

TEST(threads_that_meet_at_a_new_key_make_one_cell_of_it)
{
	(void)state;
	struct fixture f;
	struct race race = { .f = &f, .keys = 50000 };
	open_cells(&f);
	run_threads(&race, take_new_keys);
	assert_int_equal(race.admitted, 50000);
	limit_cells_close(f.cells);
}

/* Each thread's clock is another one, and cells become free for one before they
 * do for the other: so they choose different cells for the same new key. */
static void *take_churning_keys(void *argument)
{
	struct race *race = argument;
	static atomic_uint serial;
	uint64_t skew = atomic_fetch_add(&serial, 1) % THREADS * 300 * 1000000;
	unsigned admitted = 0;

	for (uint64_t i = 0; i < race->rounds; i++) {
		bool evicted;
		struct limit_place place = place_of(race->f, &race->f->five, i);
		/* all in one set, so that its cells come and go all the time */
		place.set = place_of(race->f, &race->f->five, 0).set;
		uint64_t now = start + i * S / 2 + skew;
		keep_step(race, i);
		admitted += limit_cells_take(race->f->cells, &race->f->five, &place, now, 5,
		    &evicted).allowed;
	}
	atomic_fetch_add(&race->admitted, admitted);
	return NULL;
}

TEST(a_key_never_has_two_cells_while_cells_come_and_go)
{
	(void)state;
	struct fixture f;
	struct race race = { .f = &f, .rounds = 20000 };
	open_cells(&f);
	run_threads(&race, take_churning_keys);
	assert_int_equal(race.admitted, 20000);
	limit_cells_close(f.cells);
}

TEST_MAIN(
	RUN(each_key_has_its_own),
	RUN(each_policy_has_its_own),
	RUN(a_peek_takes_nothing),
	RUN(cells_whose_time_has_passed_are_used_again),
	RUN(windows_two_periods_old_are_used_again),
	RUN(when_a_set_is_in_use_the_cell_nearest_to_free_goes),
	RUN(a_cost_that_is_never_allowed_takes_no_cell),
	RUN(what_is_given_back_was_never_taken),
	RUN(what_time_has_given_back_is_not_given_back_again),
	RUN(a_process_that_died_in_mid_insert_blocks_no_one),
	RUN(cells_that_dead_processes_left_pending_are_used_again),
	RUN(more_window_periods_than_are_recorded_still_limit),
	RUN(threads_on_one_key_get_the_burst_and_the_rate_together),
	RUN(threads_that_meet_at_a_new_key_make_one_cell_of_it),
	RUN(a_key_never_has_two_cells_while_cells_come_and_go))
