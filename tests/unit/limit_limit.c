/*
 * limit_limit: which policies apply, all or none, and what is told.
 */
#include <string.h>

#include "limit/limit.h"
#include "test.h"

static const int64_t start_ms = INT64_C(1700000000000);

static const struct limit_policy policies[] = {
	{ "user", LIMIT_BY_ROLE, "user", LIMIT_GCRA, 4, 4000, 0, false },
	{ "plan", LIMIT_BY_PLAN, "free", LIMIT_GCRA, 10, 1000, 20, false },
	{ "tenant", LIMIT_BY_TENANT, "small", LIMIT_WINDOW, 3, 3600000, 0, false },
	{ "route", LIMIT_BY_ROUTE, "sign-in", LIMIT_GCRA, 2, 60000, 0, false },
	{ "account", LIMIT_BY_ROUTE_ACCOUNT, "sign-in", LIMIT_GCRA, 1, 60000, 0, false },
	{ "trial", LIMIT_BY_ROLE, "trial", LIMIT_GCRA, 1, 60000, 0, true },
	{ .name = NULL },
};

struct fixture {
	struct metrics *metrics;
	struct limiter *limiter;
};

static void open_limiter(struct fixture *f)
{
	assert_int_equal(metrics_open_private(&f->metrics), OK);
	assert_int_equal(limit_open(NULL, policies, f->metrics, &f->limiter), OK);
}

static void close_limiter(struct fixture *f)
{
	limit_close(f->limiter);
	metrics_close(f->metrics);
}

static struct limit_verdict take(struct fixture *f, struct limit_subject who, uint32_t cost,
    int64_t now_ms)
{
	struct limit_verdict v;
	assert_int_equal(limit_take(f->limiter, NULL, &who, cost, now_ms, &v), OK);
	return v;
}

static unsigned take_until_refused(struct fixture *f, struct limit_subject who)
{
	unsigned n = 0;
	while (n < 100 && take(f, who, 1, start_ms).allowed)
		n++;
	return n;
}

static uint64_t counted(struct fixture *f, const char *policy, const char *outcome)
{
	const char *labels[] = { "quiver", policy, outcome };
	return metrics_read(metrics_series(f->metrics, METRIC_LIMITED, labels));
}

TEST(each_scope_selects_its_policy)
{
	(void)state;
	static const struct { const char *row; struct limit_subject who; } cases[] = {
		{ "user", { .role = STR_INIT("user"), .role_key = STR_INIT("u1") } },
		{ "plan", { .plan = STR_INIT("free"), .plan_key = STR_INIT("k1") } },
		{ "tenant", { .tenant_plan = STR_INIT("small"), .tenant = STR_INIT("t1") } },
		{ "route", { .route_class = STR_INIT("sign-in"), .address = STR_INIT("a1") } },
		{ "account", { .route_class = STR_INIT("sign-in"), .account = STR_INIT("c1") } },
	};
	struct fixture f;
	open_limiter(&f);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct limit_verdict v = take(&f, cases[i].who, 1, start_ms);
		assert_row(v.allowed && strcmp(v.policy, cases[i].row) == 0, cases[i].row);
	}
	close_limiter(&f);
}

TEST(without_a_policy_all_is_allowed)
{
	(void)state;
	static const struct limit_subject nobody[] = {
		{ .role = STR_NONE },
		{ .role = STR_INIT("stranger"), .role_key = STR_INIT("u1") },
		{ .role = STR_INIT("user") },
		{ .plan = STR_INIT("user") },
	};
	struct fixture f;
	open_limiter(&f);
	for (size_t i = 0; i < COUNT(nobody); i++) {
		struct limit_verdict v = take(&f, nobody[i], 1000, start_ms);
		assert_true(v.allowed);
		assert_null(v.policy);
	}
	close_limiter(&f);
}

TEST(a_plan_without_a_policy_is_limited_as_the_free_one)
{
	(void)state;
	static const struct limit_subject unknown = {
		.plan = STR_INIT("made-up"), .plan_key = STR_INIT("k1"),
	};
	struct fixture f;
	open_limiter(&f);
	assert_string_equal(take(&f, unknown, 1, start_ms).policy, "plan");
	assert_int_equal(take_until_refused(&f, unknown), 19);
	close_limiter(&f);
}

TEST(a_cost_of_0_is_invalid_and_still_answered)
{
	(void)state;
	struct fixture f;
	struct limit_verdict v;
	memset(&v, 0xFF, sizeof(v));
	open_limiter(&f);
	const struct limit_subject who = { .role = STR("user"), .role_key = STR("u1") };
	assert_int_equal(limit_take(f.limiter, NULL, &who, 0, start_ms, &v), ERR_INVALID);
	assert_false(v.allowed);
	assert_null(v.policy);
	close_limiter(&f);
}

TEST(the_verdict_has_what_headers_need)
{
	(void)state;
	struct fixture f;
	open_limiter(&f);
	const struct limit_subject who = { .plan = STR("free"), .plan_key = STR("k1") };
	struct limit_verdict v = take(&f, who, 5, start_ms);
	assert_true(v.allowed);
	assert_int_equal(v.limit, 20);
	assert_int_equal(v.remaining, 15);
	assert_int_equal(v.period_ms, 2000);
	assert_int_equal(v.reset_s, 1);
	assert_int_equal(v.retry_after_s, 0);
	v = take(&f, who, 20, start_ms);
	assert_false(v.allowed);
	assert_int_equal(v.remaining, 15);
	assert_int_equal(v.retry_after_s, 1);
	assert_false(v.degraded);
	close_limiter(&f);
}

TEST(the_policy_nearest_to_its_limit_is_told)
{
	(void)state;
	struct fixture f;
	open_limiter(&f);
	const struct limit_subject who = { .role = STR("user"), .role_key = STR("u1"),
	    .tenant_plan = STR("small"), .tenant = STR("t1") };
	struct limit_verdict v = take(&f, who, 1, start_ms);
	assert_string_equal(v.policy, "tenant");        /* 2 of 3 left, and 3 of 4 */
	assert_int_equal(v.limit, 3);
	close_limiter(&f);
}

TEST(a_refusal_takes_from_no_policy)
{
	(void)state;
	struct fixture f;
	open_limiter(&f);
	const struct limit_subject both = { .role = STR("user"), .role_key = STR("u1"),
	    .tenant_plan = STR("small"), .tenant = STR("t1") };
	const struct limit_subject alone = { .role = STR("user"), .role_key = STR("u1") };
	assert_int_equal(take_until_refused(&f, both), 3);
	for (int i = 0; i < 10; i++) {
		struct limit_verdict v = take(&f, both, 1, start_ms);
		assert_false(v.allowed);
		assert_string_equal(v.policy, "tenant");
	}
	assert_int_equal(take_until_refused(&f, alone), 1);
	close_limiter(&f);
}

TEST(a_clock_set_back_locks_nobody_out_whom_several_policies_limit)
{
	struct limit_subject who = { .role = STR("user"), .role_key = STR("u"),
	    .plan = STR("free"), .plan_key = STR("k") };
	int64_t back_ms = start_ms - 3600000;
	struct fixture f;

	(void)state;
	open_limiter(&f);
	assert_true(take(&f, who, 1, start_ms).allowed);
	/* What was left is not known any more: a refusal, and from then on it is earned. */
	assert_false(take(&f, who, 1, back_ms).allowed);
	assert_true(take(&f, who, 1, back_ms + 1000).allowed);
	assert_false(take(&f, who, 1, back_ms + 1001).allowed);
	close_limiter(&f);
}

TEST(of_several_that_refuse_the_longest_is_told)
{
	(void)state;
	struct fixture f;
	open_limiter(&f);
	const struct limit_subject who = { .route_class = STR("sign-in"),
	    .address = STR("a1"), .account = STR("c1") };
	/* 1 more than 2 at 30 s each, and 2 more than 1 at 60 s each */
	struct limit_verdict v = take(&f, who, 3, start_ms);
	assert_false(v.allowed);
	assert_string_equal(v.policy, "account");
	assert_int_equal(v.retry_after_s, 120);
	assert_int_equal(take(&f, who, 1, start_ms).remaining, 0);
	close_limiter(&f);
}

TEST(a_dry_run_counts_and_never_refuses)
{
	(void)state;
	struct fixture f;
	open_limiter(&f);
	const struct limit_subject who = { .role = STR("trial"), .role_key = STR("u1") };
	for (int i = 0; i < 5; i++) {
		struct limit_verdict v = take(&f, who, 1, start_ms);
		assert_true(v.allowed);
		assert_null(v.policy);
	}
	assert_int_equal(counted(&f, "trial", "allowed"), 1);
	assert_int_equal(counted(&f, "trial", "dry_run"), 4);
	assert_int_equal(counted(&f, "trial", "refused"), 0);
	close_limiter(&f);
}

TEST(a_dry_run_does_not_hide_a_refusal)
{
	(void)state;
	struct fixture f;
	open_limiter(&f);
	const struct limit_subject who = { .role = STR("trial"), .role_key = STR("u1"),
	    .tenant_plan = STR("small"), .tenant = STR("t1") };
	assert_int_equal(take_until_refused(&f, who), 3);
	close_limiter(&f);
}

TEST(outcomes_are_counted_by_policy)
{
	(void)state;
	struct fixture f;
	open_limiter(&f);
	const struct limit_subject who = { .role = STR("user"), .role_key = STR("u1") };
	take_until_refused(&f, who);
	assert_int_equal(counted(&f, "user", "allowed"), 4);
	assert_int_equal(counted(&f, "user", "refused"), 1);
	close_limiter(&f);
}

TEST(a_time_before_1970_is_1970)
{
	(void)state;
	struct fixture f;
	open_limiter(&f);
	const struct limit_subject who = { .role = STR("user"), .role_key = STR("u1") };
	assert_true(take(&f, who, 4, INT64_MIN).allowed);
	assert_false(take(&f, who, 1, -1).allowed);
	close_limiter(&f);
}

TEST(cells_in_use_that_are_given_away_are_counted)
{
	(void)state;
	struct fixture f;
	open_limiter(&f);
	struct metric_series *evictions = metrics_series(f.metrics, METRIC_LIMIT_EVICTIONS, NULL);
	for (uint32_t key = 0; key < 1000; key++)
		take(&f, (struct limit_subject){ .tenant_plan = STR("small"),
		    .tenant = { (const char *)&key, sizeof(key) } }, 1, start_ms);
	assert_int_equal(metrics_read(evictions), 0);
	for (uint32_t key = 0; key < 400000; key++)
		take(&f, (struct limit_subject){ .tenant_plan = STR("small"),
		    .tenant = { (const char *)&key, sizeof(key) } }, 1, start_ms);
	/* 400,000 callers at once in 262,144 cells */
	assert_in_range(metrics_read(evictions), 400000 - 262144, 200000);
	close_limiter(&f);
}

TEST(a_limiter_that_cannot_open_says_why)
{
	(void)state;
	struct limiter *l = NULL;
	struct metrics *m;
	static struct limit_policy many[LIMIT_POLICIES_MAX + 2];
	assert_int_equal(metrics_open_private(&m), OK);
	assert_int_equal(limit_open("/nonexistent/quiver", policies, m, &l), ERR_IO);
	for (size_t i = 0; i < LIMIT_POLICIES_MAX + 1; i++)
		many[i] = policies[0];
	assert_int_equal(limit_open(NULL, many, m, &l), ERR_TOO_LARGE);
	assert_null(l);
	limit_close(NULL);
	metrics_close(m);
}

/* By the time that both have earned a unit, not when the clock has caught up. */
TEST(a_clock_set_back_locks_nobody_out_of_several_policies)
{
	(void)state;
	struct fixture f;
	struct limit_subject who = {
		.role = STR("user"), .role_key = STR("u1"), .plan = STR("free"), .plan_key = STR("k1"),
	};
	int64_t back_ms = start_ms - 3600000;

	open_limiter(&f);
	assert_true(take(&f, who, 1, start_ms).allowed);
	assert_false(take(&f, who, 1, back_ms).allowed);
	assert_false(take(&f, who, 1, back_ms + 500).allowed);
	assert_true(take(&f, who, 1, back_ms + 1000).allowed);
	close_limiter(&f);
}

TEST_MAIN(
	RUN(a_clock_set_back_locks_nobody_out_of_several_policies),
	RUN(each_scope_selects_its_policy),
	RUN(without_a_policy_all_is_allowed),
	RUN(a_plan_without_a_policy_is_limited_as_the_free_one),
	RUN(a_cost_of_0_is_invalid_and_still_answered),
	RUN(the_verdict_has_what_headers_need),
	RUN(the_policy_nearest_to_its_limit_is_told),
	RUN(a_refusal_takes_from_no_policy),
	RUN(a_clock_set_back_locks_nobody_out_whom_several_policies_limit),
	RUN(of_several_that_refuse_the_longest_is_told),
	RUN(a_dry_run_counts_and_never_refuses),
	RUN(a_dry_run_does_not_hide_a_refusal),
	RUN(outcomes_are_counted_by_policy),
	RUN(a_time_before_1970_is_1970),
	RUN(cells_in_use_that_are_given_away_are_counted),
	RUN(a_limiter_that_cannot_open_says_why))
