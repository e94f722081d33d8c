#include "net/breaker.h"

#include <pthread.h>
#include <stdatomic.h>

#include "test.h"

#define T0 UINT64_C(1000000)

static void open_it(struct breaker *b, uint64_t now_ms)
{
	for (int i = 1; i < BREAKER_FAILURES; i++)
		assert_false(breaker_failed(b, now_ms));
	assert_true(breaker_failed(b, now_ms));
}

TEST(it_opens_after_failures_in_a_row)
{
	struct breaker b = { 0 };

	(void)state;
	assert_true(breaker_is_closed(&b));
	assert_int_equal(breaker_ask(&b, T0), BREAKER_CLOSED);
	open_it(&b, T0);
	assert_false(breaker_is_closed(&b));
	assert_int_equal(breaker_ask(&b, T0), BREAKER_OPEN);
	assert_in_range(breaker_wait_ms(&b, T0), BREAKER_FIRST_MS * 3 / 4, BREAKER_FIRST_MS * 5 / 4);
}

TEST(a_success_between_failures_starts_the_count_anew)
{
	struct breaker b = { 0 };

	(void)state;
	for (int round = 0; round < 10; round++) {
		for (int i = 1; i < BREAKER_FAILURES; i++)
			assert_false(breaker_failed(&b, T0));
		assert_false(breaker_succeeded(&b, false));
	}
	assert_true(breaker_is_closed(&b));
}

TEST(one_probes_when_the_time_is_over_and_the_others_wait)
{
	struct breaker b = { 0 };
	uint64_t       due_ms;

	(void)state;
	open_it(&b, T0);
	due_ms = T0 + breaker_wait_ms(&b, T0);
	assert_int_equal(breaker_ask(&b, due_ms - 1), BREAKER_OPEN);
	assert_int_equal(breaker_ask(&b, due_ms), BREAKER_PROBE);
	assert_int_equal(breaker_ask(&b, due_ms), BREAKER_OPEN);
}

TEST(a_probe_that_succeeds_closes_it)
{
	struct breaker b = { 0 };

	(void)state;
	open_it(&b, T0);
	assert_int_equal(breaker_ask(&b, T0 + 1000), BREAKER_PROBE);
	assert_true(breaker_succeeded(&b, true));
	assert_int_equal(breaker_ask(&b, T0 + 1000), BREAKER_CLOSED);
	assert_int_equal(breaker_wait_ms(&b, T0), 0);
}

/* A service that answers probes and fails at its work costs a call each time, at times
 * that grow on, and not BREAKER_FAILURES calls ten times a second. */
TEST(until_a_call_succeeds_after_the_probe_one_failure_opens_it_again)
{
	struct breaker b = { 0 };

	(void)state;
	open_it(&b, T0);
	assert_int_equal(breaker_ask(&b, T0 + 1000), BREAKER_PROBE);
	assert_int_equal(breaker_ask(&b, T0 + 2000), BREAKER_PROBE);
	assert_true(breaker_succeeded(&b, true));
	assert_true(breaker_failed(&b, T0 + 2000));
	assert_in_range(breaker_wait_ms(&b, T0 + 2000), 8 * BREAKER_FIRST_MS * 3 / 4,
	    8 * BREAKER_FIRST_MS * 5 / 4);
	assert_int_equal(breaker_ask(&b, T0 + 4000), BREAKER_PROBE);
	assert_true(breaker_succeeded(&b, true));
	assert_false(breaker_succeeded(&b, false));
	open_it(&b, T0 + 4000);
	assert_in_range(breaker_wait_ms(&b, T0 + 4000), BREAKER_FIRST_MS * 3 / 4,
	    BREAKER_FIRST_MS * 5 / 4);
}

TEST(a_success_from_before_it_opened_does_not_close_it)
{
	struct breaker b = { 0 };

	(void)state;
	open_it(&b, T0);
	assert_false(breaker_succeeded(&b, false));
	assert_false(breaker_is_closed(&b));
}

TEST(the_times_between_probes_grow_to_a_bound_and_differ)
{
	struct breaker b = { 0 };
	uint64_t       now_ms = T0, first[8], different = 0;

	(void)state;
	open_it(&b, now_ms);
	for (int i = 0; i < 20; i++) {
		uint64_t wait_ms = breaker_wait_ms(&b, now_ms);
		uint64_t most_ms = BREAKER_FIRST_MS;
		for (int j = 0; j < i && most_ms < BREAKER_MAX_MS; j++)
			most_ms *= 2;
		most_ms = most_ms < BREAKER_MAX_MS ? most_ms : BREAKER_MAX_MS;
		assert_in_range(wait_ms, most_ms * 3 / 4, most_ms * 5 / 4);
		now_ms += wait_ms;
		assert_int_equal(breaker_ask(&b, now_ms), BREAKER_PROBE);
	}
	for (size_t i = 0; i < COUNT(first); i++) {
		struct breaker other = { 0 };
		open_it(&other, T0);
		first[i] = breaker_wait_ms(&other, T0);
		different += first[i] != first[0];
	}
	assert_true(different > 0);
}

/* The word outlives a start of the machine, and its clock begins at 0 again. */
TEST(a_time_of_another_start_is_over)
{
	struct breaker b = { 0 };

	(void)state;
	open_it(&b, UINT64_C(1) << 38);
	assert_int_equal(breaker_ask(&b, 5000), BREAKER_PROBE);
}

#define THREADS 4
#define ROUNDS 20000

static struct breaker shared;
static atomic_ullong clock_ms;
static atomic_int opened, closed, probes;

static void *play(void *unused)
{
	(void)unused;
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t now_ms = T0 + atomic_fetch_add(&clock_ms, 1);
		switch (breaker_ask(&shared, now_ms)) {
		case BREAKER_CLOSED:
			if (i % 8 == 0)
				(void)breaker_succeeded(&shared, false);
			else
				atomic_fetch_add(&opened, breaker_failed(&shared, now_ms));
			break;
		case BREAKER_PROBE:
			atomic_fetch_add(&probes, 1);
			if (i % 2 == 0)
				atomic_fetch_add(&closed, breaker_succeeded(&shared, true));
			break;
		case BREAKER_OPEN:
			break;
		}
	}
	return NULL;
}

TEST(threads_open_it_once_for_each_time_that_one_closed_it)
{
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, play, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_true(atomic_load(&opened) > 0);
	assert_in_range(atomic_load(&opened) - atomic_load(&closed), 0, 1);
	assert_true(atomic_load(&probes) >= atomic_load(&closed));
	assert_int_equal(atomic_load(&opened) - atomic_load(&closed), !breaker_is_closed(&shared));
}

TEST_MAIN(
	RUN(it_opens_after_failures_in_a_row),
	RUN(a_success_between_failures_starts_the_count_anew),
	RUN(one_probes_when_the_time_is_over_and_the_others_wait),
	RUN(a_probe_that_succeeds_closes_it),
	RUN(until_a_call_succeeds_after_the_probe_one_failure_opens_it_again),
	RUN(a_success_from_before_it_opened_does_not_close_it),
	RUN(the_times_between_probes_grow_to_a_bound_and_differ),
	RUN(a_time_of_another_start_is_over),
	RUN(threads_open_it_once_for_each_time_that_one_closed_it))
