/*
 * limit_gcra: the arithmetic of rates (ITU-T I.371), on a cell of the test's own.
 */
#include "limit/limit.h"
#include "limit/local.h"
#include "test.h"

#define S UINT64_C(1000000000)
#define MS UINT64_C(1000000)

static const uint64_t start = UINT64_C(1700000000) * S;

/* 10 a second, 5 at once. */
static const struct limit_policy ten = {
	.name = "ten", .limit = 10, .period_ms = 1000, .burst = 5,
};

static unsigned take_until_refused(const struct limit_policy *p, uint64_t *tat, uint64_t now)
{
	unsigned n = 0;
	while (n < 100000 && limit_gcra(p, tat, now, 1).allowed)
		n++;
	return n;
}

TEST(a_fresh_cell_gives_the_burst_at_once_and_no_more)
{
	(void)state;
	uint64_t tat = 0;
	assert_int_equal(take_until_refused(&ten, &tat, start), 5);
}

TEST(a_burst_of_0_is_the_limit)
{
	(void)state;
	uint64_t tat = 0;
	struct limit_policy p = ten;
	p.burst = 0;
	assert_int_equal(take_until_refused(&p, &tat, start), 10);
}

TEST(a_unit_comes_back_after_its_time_and_not_before)
{
	(void)state;
	uint64_t tat = 0;
	take_until_refused(&ten, &tat, start);
	assert_false(limit_gcra(&ten, &tat, start + 100 * MS - 1, 1).allowed);
	assert_true(limit_gcra(&ten, &tat, start + 100 * MS, 1).allowed);
	assert_false(limit_gcra(&ten, &tat, start + 100 * MS, 1).allowed);
}

TEST(a_refusal_changes_nothing)
{
	(void)state;
	uint64_t tat = 0;
	take_until_refused(&ten, &tat, start);
	uint64_t before = tat;
	for (int i = 0; i < 1000; i++)
		assert_false(limit_gcra(&ten, &tat, start + (uint64_t)i, 1).allowed);
	assert_true(tat == before);
}

TEST(what_a_step_says_adds_up)
{
	(void)state;
	uint64_t tat = 0;
	struct limit_step s = limit_gcra(&ten, &tat, start, 2);
	assert_true(s.allowed);
	assert_int_equal(s.remaining, 3);
	assert_int_equal(s.retry_after_ns, 0);
	assert_int_equal(s.reset_ns, 200 * MS);
	s = limit_gcra(&ten, &tat, start, 4);
	assert_false(s.allowed);
	assert_int_equal(s.remaining, 3);
	assert_int_equal(s.retry_after_ns, 100 * MS);
	assert_int_equal(s.reset_ns, 200 * MS);
}

TEST(retry_after_is_exactly_when_it_fits)
{
	(void)state;
	for (uint64_t cost = 1; cost <= 5; cost++) {
		uint64_t tat = 0;
		take_until_refused(&ten, &tat, start);
		uint64_t wait = limit_gcra(&ten, &tat, start, cost).retry_after_ns;
		assert_false(limit_gcra(&ten, &tat, start + wait - 1, cost).allowed);
		assert_true(limit_gcra(&ten, &tat, start + wait, cost).allowed);
	}
}

TEST(a_cost_over_the_burst_is_never_allowed)
{
	(void)state;
	uint64_t tat = 0;
	for (uint64_t days = 0; days < 100; days++)
		assert_false(limit_gcra(&ten, &tat, start + days * 86400 * S, 6).allowed);
	assert_true(limit_gcra(&ten, &tat, start, 6).retry_after_ns > 0);
}

TEST(over_a_long_time_no_more_than_burst_and_rate_are_given)
{
	(void)state;
	static const struct limit_policy policies[] = {
		{ .name = "3 a second", .limit = 3, .period_ms = 1000, .burst = 3 },
		{ .name = "7 a second", .limit = 7, .period_ms = 1000, .burst = 1 },
		{ .name = "1000 a second", .limit = 1000, .period_ms = 1000, .burst = 50 },
		{ .name = "30 a minute", .limit = 30, .period_ms = 60000, .burst = 30 },
	};
	for (size_t i = 0; i < COUNT(policies); i++) {
		const struct limit_policy *p = &policies[i];
		uint64_t tat = 0, given = 0, seconds = 60;
		for (uint64_t us = 0; us < seconds * 1000000; us += 311)
			given += limit_gcra(p, &tat, start + us * 1000, 1).allowed;
		uint64_t most = p->burst + p->limit * seconds * 1000 / p->period_ms;
		assert_row(given <= most, p->name);
		assert_row(given + 1 + p->limit * seconds / 1000 >= most, p->name);
	}
}

TEST(a_limit_of_0_gives_nothing)
{
	(void)state;
	uint64_t tat = 0;
	const struct limit_policy none = { .name = "none", .limit = 0, .period_ms = 1000 };
	assert_false(limit_gcra(&none, &tat, start, 1).allowed);
	assert_false(limit_gcra(&none, &tat, start + 86400 * S, 1).allowed);
}

TEST(the_largest_numbers_do_not_overflow)
{
	(void)state;
	const struct limit_policy large[] = {
		{ .name = "long period", .limit = 1, .period_ms = LIMIT_PERIOD_MAX_MS },
		{ .name = "endless period", .limit = 1, .period_ms = UINT64_MAX },
		{ .name = "endless limit", .limit = UINT64_MAX, .period_ms = 1 },
		{ .name = "endless burst", .limit = 1, .period_ms = 1000, .burst = UINT64_MAX },
	};
	for (size_t i = 0; i < COUNT(large); i++) {
		uint64_t tat = 0;
		struct limit_step s = limit_gcra(&large[i], &tat, UINT64_MAX, UINT64_MAX);
		assert_row(s.reset_ns <= UINT64_C(1) << 62, large[i].name);
		tat = UINT64_MAX;
		s = limit_gcra(&large[i], &tat, start, 1);
		assert_row(s.reset_ns <= UINT64_C(1) << 63, large[i].name);
	}
	uint64_t tat = 0;
	assert_true(limit_gcra(&large[0], &tat, start, 1).allowed);
	assert_false(limit_gcra(&large[0], &tat, start + 399 * 86400 * S, 1).allowed);
	assert_true(limit_gcra(&large[0], &tat, start + 400 * 86400 * S, 1).allowed);
}

TEST(time_begins_at_0)
{
	(void)state;
	uint64_t tat = 0;
	assert_int_equal(take_until_refused(&ten, &tat, 0), 5);
	assert_true(limit_gcra(&ten, &tat, 100 * MS, 1).allowed);
}

TEST(a_late_thread_gets_nothing_for_being_late)
{
	(void)state;
	uint64_t tat = 0;
	take_until_refused(&ten, &tat, start);
	uint64_t before = tat;
	assert_false(limit_gcra(&ten, &tat, start - 5 * S, 1).allowed);
	assert_true(tat == before);
}

TEST(a_clock_set_back_hands_out_no_more)
{
	(void)state;
	uint64_t tat = 0;
	take_until_refused(&ten, &tat, start);
	assert_int_equal(take_until_refused(&ten, &tat, start - 3600 * S), 0);
}

TEST(a_clock_set_back_locks_nobody_out)
{
	(void)state;
	uint64_t tat = 0, set_back = start - 3600 * S;
	take_until_refused(&ten, &tat, start);
	struct limit_step s = limit_gcra(&ten, &tat, set_back, 1);
	assert_false(s.allowed);
	assert_int_equal(s.retry_after_ns, 100 * MS);
	assert_true(limit_gcra(&ten, &tat, set_back + 100 * MS, 1).allowed);
	assert_int_equal(take_until_refused(&ten, &tat, set_back + 600 * MS), 5);
}

TEST(the_cost_in_time_is_what_a_take_moves)
{
	(void)state;
	uint64_t tat = start;
	assert_true(limit_gcra(&ten, &tat, start, 3).allowed);
	assert_int_equal(tat - start, limit_gcra_cost_ns(&ten, 3));
}

TEST(what_rounding_leaves_is_not_given_away)
{
	(void)state;
	for (uint64_t limit = 1; limit < 1000; limit++) {
		const struct limit_policy p = { .name = "any", .limit = limit, .period_ms = 1 };
		assert_true(limit_gcra_cost_ns(&p, limit) >= MS);
		assert_true(limit_gcra_cost_ns(&p, limit) < MS + limit);
	}
}

TEST_MAIN(
	RUN(a_fresh_cell_gives_the_burst_at_once_and_no_more),
	RUN(a_burst_of_0_is_the_limit),
	RUN(a_unit_comes_back_after_its_time_and_not_before),
	RUN(a_refusal_changes_nothing),
	RUN(what_a_step_says_adds_up),
	RUN(retry_after_is_exactly_when_it_fits),
	RUN(a_cost_over_the_burst_is_never_allowed),
	RUN(over_a_long_time_no_more_than_burst_and_rate_are_given),
	RUN(a_limit_of_0_gives_nothing),
	RUN(the_largest_numbers_do_not_overflow),
	RUN(time_begins_at_0),
	RUN(a_late_thread_gets_nothing_for_being_late),
	RUN(a_clock_set_back_hands_out_no_more),
	RUN(a_clock_set_back_locks_nobody_out),
	RUN(the_cost_in_time_is_what_a_take_moves),
	RUN(what_rounding_leaves_is_not_given_away))
