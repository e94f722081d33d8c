/*
 * limit_window: the arithmetic of sliding windows, on a cell of the test's own.
 */
#include "limit/limit.h"
#include "limit/local.h"
#include "test.h"

#define S UINT64_C(1000000000)
#define HOUR (3600 * S)

/* A window begins exactly here. */
static const uint64_t start = UINT64_C(472222) * HOUR;

static const struct limit_policy hundred = {
	.name = "hundred", .algorithm = LIMIT_WINDOW, .limit = 100, .period_ms = 3600000,
};

static unsigned take_until_refused(const struct limit_policy *p, uint64_t *cell, uint64_t now)
{
	unsigned n = 0;
	while (n < 2000000 && limit_window(p, cell, now, 1).allowed)
		n++;
	return n;
}

TEST(a_fresh_cell_gives_the_limit_and_no_more)
{
	(void)state;
	uint64_t cell = 0;
	assert_int_equal(take_until_refused(&hundred, &cell, start + 5 * S), 100);
}

TEST(the_previous_window_counts_by_the_share_that_is_still_covered)
{
	(void)state;
	static const struct { const char *row; uint64_t quarters; unsigned left; } cases[] = {
		{ "at once", 0, 0 }, { "a quarter in", 1, 25 }, { "half way", 2, 50 },
		{ "three quarters in", 3, 75 }, { "a window later", 4, 100 },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t cell = 0;
		take_until_refused(&hundred, &cell, start);
		uint64_t now = start + HOUR + cases[i].quarters * (HOUR / 4);
		assert_row(take_until_refused(&hundred, &cell, now) == cases[i].left, cases[i].row);
	}
}

TEST(what_a_step_says_adds_up)
{
	(void)state;
	uint64_t cell = 0;
	struct limit_step s = limit_window(&hundred, &cell, start + 600 * S, 30);
	assert_true(s.allowed);
	assert_int_equal(s.remaining, 70);
	assert_int_equal(s.retry_after_ns, 0);
	assert_int_equal(s.reset_ns, 2 * HOUR - 600 * S);
	s = limit_window(&hundred, &cell, start + 600 * S, 71);
	assert_false(s.allowed);
	assert_int_equal(s.remaining, 70);
	/* into the next window, until 30 × (1 - e) is 29 */
	assert_int_equal(s.retry_after_ns, HOUR - 600 * S + HOUR / 30);
}

TEST(a_refusal_changes_nothing)
{
	(void)state;
	uint64_t cell = 0;
	take_until_refused(&hundred, &cell, start);
	uint64_t before = cell;
	for (uint64_t i = 0; i < 1000; i++)
		assert_false(limit_window(&hundred, &cell, start + i, 1).allowed);
	assert_true(cell == before);
}

TEST(retry_after_is_exactly_when_it_fits)
{
	(void)state;
	for (uint64_t previous = 0; previous <= 100; previous += 10) {
		for (uint64_t cost = 1; cost <= 100; cost += 9) {
			uint64_t cell = 0, now = start + HOUR + 700 * S;
			if (previous > 0)
				assert_true(limit_window(&hundred, &cell, start, previous).allowed);
			take_until_refused(&hundred, &cell, now);
			uint64_t wait = limit_window(&hundred, &cell, now, cost).retry_after_ns;
			uint64_t early = cell, late = cell;
			assert_false(limit_window(&hundred, &early, now + wait - 1, cost).allowed);
			assert_true(limit_window(&hundred, &late, now + wait, cost).allowed);
		}
	}
}

TEST(reset_is_when_it_is_full_again)
{
	(void)state;
	uint64_t cell = 0;
	struct limit_step s = limit_window(&hundred, &cell, start + 60 * S, 1);
	assert_true(limit_window(&hundred, &cell, start + 60 * S + s.reset_ns, 100).allowed);
}

TEST(a_cost_over_the_limit_is_never_allowed)
{
	(void)state;
	uint64_t cell = 0;
	assert_false(limit_window(&hundred, &cell, start, 101).allowed);
	assert_false(limit_window(&hundred, &cell, start, UINT64_MAX).allowed);
	assert_true(limit_window(&hundred, &cell, start, 101).retry_after_ns > 0);
	assert_true(cell == 0);
}

TEST(an_idle_cell_is_as_good_as_a_fresh_one)
{
	(void)state;
	for (uint64_t windows = 2; windows < 200; windows++) {
		uint64_t cell = 0;
		take_until_refused(&hundred, &cell, start);
		assert_int_equal(take_until_refused(&hundred, &cell, start + windows * HOUR), 100);
	}
}

TEST(the_largest_counts_do_not_touch_each_other)
{
	(void)state;
	const struct limit_policy most = { .name = "most", .algorithm = LIMIT_WINDOW,
	    .limit = LIMIT_WINDOW_MAX, .period_ms = LIMIT_PERIOD_MAX_MS };
	uint64_t cell = 0, period = LIMIT_PERIOD_MAX_MS * 1000000;
	uint64_t at = period * 50;
	assert_true(limit_window(&most, &cell, at, LIMIT_WINDOW_MAX).allowed);
	assert_false(limit_window(&most, &cell, at, 1).allowed);
	struct limit_step s = limit_window(&most, &cell, at + period + period / 2, 524287);
	assert_true(s.allowed);
	assert_int_equal(s.remaining, 0);
}

TEST(a_limit_over_what_a_cell_counts_is_held_to_that)
{
	(void)state;
	const struct limit_policy over = { .name = "over", .algorithm = LIMIT_WINDOW,
	    .limit = UINT64_MAX, .period_ms = 1000 };
	uint64_t cell = 0;
	assert_true(limit_window(&over, &cell, start, LIMIT_WINDOW_MAX).allowed);
	assert_false(limit_window(&over, &cell, start, 1).allowed);
}

TEST(zero_limit_and_zero_period_give_no_error_and_nothing)
{
	(void)state;
	const struct limit_policy none = { .name = "none", .algorithm = LIMIT_WINDOW };
	uint64_t cell = 0;
	assert_false(limit_window(&none, &cell, start, 1).allowed);
	assert_false(limit_window(&none, &cell, 0, 1).allowed);
}

TEST(time_begins_at_0)
{
	(void)state;
	uint64_t cell = 0;
	assert_int_equal(take_until_refused(&hundred, &cell, 0), 100);
	assert_int_equal(take_until_refused(&hundred, &cell, HOUR + HOUR / 2), 50);
}

TEST(a_late_thread_gets_nothing_for_being_late)
{
	(void)state;
	uint64_t cell = 0;
	take_until_refused(&hundred, &cell, start + 1);
	uint64_t before = cell;
	struct limit_step s = limit_window(&hundred, &cell, start - 5 * S, 1);
	assert_false(s.allowed);
	assert_true(s.retry_after_ns > HOUR + 5 * S - 1);
	assert_true(cell == before);
}

TEST(a_late_thread_may_have_what_is_left)
{
	(void)state;
	uint64_t cell = 0;
	assert_true(limit_window(&hundred, &cell, start, 99).allowed);
	assert_true(limit_window(&hundred, &cell, start - S, 1).allowed);
	assert_false(limit_window(&hundred, &cell, start, 1).allowed);
}

TEST(a_clock_set_back_hands_out_no_more)
{
	(void)state;
	uint64_t cell = 0;
	take_until_refused(&hundred, &cell, start);
	assert_int_equal(take_until_refused(&hundred, &cell, start - 24 * HOUR), 0);
}

TEST(a_clock_set_back_locks_nobody_out)
{
	(void)state;
	uint64_t cell = 0, set_back = start - 24 * HOUR;
	take_until_refused(&hundred, &cell, start);
	struct limit_step s = limit_window(&hundred, &cell, set_back, 1);
	assert_false(s.allowed);
	assert_true(s.retry_after_ns <= 2 * HOUR);
	assert_int_equal(take_until_refused(&hundred, &cell, set_back + 2 * HOUR), 100);
}

TEST(a_clock_set_back_leaves_what_was_not_taken)
{
	(void)state;
	uint64_t cell = 0;
	assert_true(limit_window(&hundred, &cell, start, 30).allowed);
	assert_int_equal(take_until_refused(&hundred, &cell, start - HOUR), 70);
}

TEST(a_cell_is_free_when_its_index_is_two_windows_old)
{
	(void)state;
	uint64_t cell = 0;
	assert_true(limit_window(&hundred, &cell, start + 60 * S, 1).allowed);
	assert_true(limit_window_free_at(3600000, cell, start + 60 * S) == start + 2 * HOUR);
	assert_true(limit_window_free_at(3600000, cell, start + 5 * HOUR) == start + 2 * HOUR);
	assert_true(limit_window_free_at(3600000, cell, start - 5 * HOUR) == start + 2 * HOUR);
	assert_true(limit_window_free_at(3600000, 0, start) == 0);
}

TEST(what_is_given_back_was_never_taken)
{
	(void)state;
	uint64_t cell = 0, taken;
	assert_true(limit_window(&hundred, &cell, start, 60).allowed);
	taken = cell;
	assert_true(limit_window(&hundred, &cell, start, 40).allowed);
	limit_window_give_back(&cell, taken, 60);
	assert_int_equal(take_until_refused(&hundred, &cell, start), 60);
}

TEST(what_is_given_back_a_window_later_comes_off_the_previous_count)
{
	(void)state;
	uint64_t cell = 0, taken;
	assert_true(limit_window(&hundred, &cell, start, 60).allowed);
	taken = cell;
	assert_true(limit_window(&hundred, &cell, start + HOUR, 1).allowed);
	limit_window_give_back(&cell, taken, 60);
	assert_int_equal(take_until_refused(&hundred, &cell, start + HOUR), 99);
}

TEST_MAIN(
	RUN(a_fresh_cell_gives_the_limit_and_no_more),
	RUN(the_previous_window_counts_by_the_share_that_is_still_covered),
	RUN(what_a_step_says_adds_up),
	RUN(a_refusal_changes_nothing),
	RUN(retry_after_is_exactly_when_it_fits),
	RUN(reset_is_when_it_is_full_again),
	RUN(a_cost_over_the_limit_is_never_allowed),
	RUN(an_idle_cell_is_as_good_as_a_fresh_one),
	RUN(the_largest_counts_do_not_touch_each_other),
	RUN(a_limit_over_what_a_cell_counts_is_held_to_that),
	RUN(zero_limit_and_zero_period_give_no_error_and_nothing),
	RUN(time_begins_at_0),
	RUN(a_late_thread_gets_nothing_for_being_late),
	RUN(a_late_thread_may_have_what_is_left),
	RUN(a_clock_set_back_hands_out_no_more),
	RUN(a_clock_set_back_locks_nobody_out),
	RUN(a_clock_set_back_leaves_what_was_not_taken),
	RUN(a_cell_is_free_when_its_index_is_two_windows_old),
	RUN(what_is_given_back_was_never_taken),
	RUN(what_is_given_back_a_window_later_comes_off_the_previous_count))
