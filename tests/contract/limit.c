/*
 * limit: several processes on one segment.  What is admitted is burst + rate ×
 * time, never more, whoever asks.
 */
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "limit/limit.h"
#include "limit/local.h"
#include "test.h"

#define PROCESSES 4
#define HOT_MS 500

static const struct limit_policy policies[] = {
	{ "hot", LIMIT_BY_ROLE, "hot", LIMIT_GCRA, 1000, 1000, 2000, false },
	{ "hourly", LIMIT_BY_TENANT, "hourly", LIMIT_WINDOW, 5000, 3600000, 0, false },
	{ "year", LIMIT_BY_PLAN, "year", LIMIT_GCRA, 1000000, LIMIT_PERIOD_MAX_MS, 0, false },
	{ "tight", LIMIT_BY_ROUTE, "tight", LIMIT_GCRA, 1000, 1000, 1, false },
	{ "once", LIMIT_BY_PLAN, "once", LIMIT_GCRA, 1, 3600000, 0, false },
	{ .name = NULL },
};

/* For what must not depend on when the test runs; in the middle of an hour. */
static const int64_t frozen_ms = INT64_C(1700000000000);

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

static void make_directory(char path[32])
{
	(void)snprintf(path, 32, "/tmp/quiver-limit-XXXXXX");
	assert_non_null(mkdtemp(path));
}

static void remove_directory(const char *path)
{
	assert_int_equal(nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* What the processes of one test tell each other. */
struct shared {
	const char *directory;
	int         go;
	int64_t     start_ms;
	uint64_t    admitted[PROCESSES];
	int64_t     first_ms[PROCESSES], last_ms[PROCESSES];
};

typedef void process_body(struct shared *shared, struct limiter *l, size_t number);

static void child(struct shared *shared, process_body *body, size_t number)
{
	struct metrics *m;
	struct limiter *l;

	if (metrics_open(shared->directory, &m) != OK ||
	    limit_open(shared->directory, policies, m, &l) != OK)
		_exit(1);
	/* with a deadline: a parent that failed never says go */
	for (int i = 0; __atomic_load_n(&shared->go, __ATOMIC_ACQUIRE) == 0; i++) {
		if (i == 100000)
			_exit(1);
		usleep(100);
	}
	body(shared, l, number);
	limit_close(l);
	metrics_close(m);
	_exit(0);
}

static uint64_t run_processes(struct shared *shared, process_body *body)
{
	pid_t pids[PROCESSES];
	uint64_t sum = 0;

	for (size_t i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			child(shared, body, i);
	}
	shared->start_ms = time_now_ms();
	__atomic_store_n(&shared->go, 1, __ATOMIC_RELEASE);
	for (size_t i = 0; i < PROCESSES; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
		sum += shared->admitted[i];
	}
	return sum;
}

static struct shared *new_shared(const char *directory)
{
	struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(shared != MAP_FAILED);
	shared->directory = directory;
	return shared;
}

static void take_hot_key(struct shared *shared, struct limiter *l, size_t number)
{
	const struct limit_subject who = { .role = STR("hot"), .role_key = STR("203.0.113.7") };
	struct limit_verdict v;
	int64_t now_ms = time_now_ms();

	shared->first_ms[number] = now_ms;
	while (now_ms < shared->first_ms[number] + HOT_MS) {
		/* until refused: at the last moment nothing must be left */
		while (limit_take(l, NULL, &who, 1, now_ms, &v) == OK && v.allowed)
			shared->admitted[number]++;
		shared->last_ms[number] = now_ms;
		now_ms = time_now_ms();
	}
}

TEST(processes_on_one_hot_key_get_the_burst_and_the_rate_together)
{
	(void)state;
	char directory[32];
	make_directory(directory);
	struct shared *shared = new_shared(directory);
	uint64_t admitted = run_processes(shared, take_hot_key);
	int64_t first = INT64_MAX, last = 0;
	for (size_t i = 0; i < PROCESSES; i++) {
		first = shared->first_ms[i] < first ? shared->first_ms[i] : first;
		last = shared->last_ms[i] > last ? shared->last_ms[i] : last;
	}
	uint64_t most = 2000 + (uint64_t)(last - first);
	assert_true(admitted <= most);
	assert_true(admitted + PROCESSES >= most);
	munmap(shared, sizeof(*shared));
	remove_directory(directory);
}

static void take_window(struct shared *shared, struct limiter *l, size_t number)
{
	const struct limit_subject who = { .tenant_plan = STR("hourly"), .tenant = STR("t1") };
	struct limit_verdict v;

	for (int i = 0; i < 5000; i++)
		if (limit_take(l, NULL, &who, 1, frozen_ms + i / 1000, &v) == OK && v.allowed)
			shared->admitted[number]++;
}

TEST(processes_in_one_window_get_its_limit_together)
{
	(void)state;
	char directory[32];
	make_directory(directory);
	struct shared *shared = new_shared(directory);
	assert_int_equal(run_processes(shared, take_window), 5000);
	munmap(shared, sizeof(*shared));
	remove_directory(directory);
}

static void take_new_keys(struct shared *shared, struct limiter *l, size_t number)
{
	struct limit_verdict v;

	for (uint32_t key = 0; key < 20000; key++) {
		const struct limit_subject who = { .plan = STR("once"),
		    .plan_key = { (const char *)&key, sizeof(key) } };
		if (limit_take(l, NULL, &who, 1, frozen_ms, &v) == OK && v.allowed)
			shared->admitted[number]++;
	}
}

TEST(processes_that_meet_at_new_keys_admit_each_once)
{
	(void)state;
	char directory[32];
	make_directory(directory);
	struct shared *shared = new_shared(directory);
	assert_int_equal(run_processes(shared, take_new_keys), 20000);
	munmap(shared, sizeof(*shared));
	remove_directory(directory);
}

/* Three policies, of which the last is the tight one: each time it earns a unit
 * all processes see it, take from the first two, and all but one give back. */
static void take_three(struct shared *shared, struct limiter *l, size_t number)
{
	const struct limit_subject who = { .plan = STR("year"), .plan_key = STR("u1"),
	    .tenant_plan = STR("hourly"), .tenant = STR("t1"),
	    .route_class = STR("tight"), .address = STR("203.0.113.7") };
	struct limit_verdict v;
	int64_t elapsed_ms = 0;

	for (; elapsed_ms < HOT_MS; elapsed_ms = time_now_ms() - shared->start_ms)
		if (limit_take(l, NULL, &who, 1, frozen_ms + elapsed_ms, &v) == OK && v.allowed)
			shared->admitted[number]++;
}

static uint64_t remaining_of(struct limiter *l, struct limit_subject who)
{
	struct limit_verdict v;
	assert_int_equal(limit_take(l, NULL, &who, 1, frozen_ms + HOT_MS, &v), OK);
	return v.remaining + 1;
}

TEST(what_a_race_over_several_policies_refuses_costs_nothing)
{
	(void)state;
	char directory[32];
	struct metrics *m;
	struct limiter *l;
	make_directory(directory);
	struct shared *shared = new_shared(directory);
	uint64_t admitted = run_processes(shared, take_three);
	assert_in_range(admitted, 1, HOT_MS + 1);
	assert_int_equal(metrics_open(directory, &m), OK);
	assert_int_equal(limit_open(directory, policies, m, &l), OK);
	const struct limit_subject year = { .plan = STR("year"), .plan_key = STR("u1") };
	const struct limit_subject hourly = { .tenant_plan = STR("hourly"), .tenant = STR("t1") };
	assert_int_equal(remaining_of(l, year), 1000000 - admitted);
	assert_int_equal(remaining_of(l, hourly), 5000 - admitted);
	limit_close(l);
	metrics_close(m);
	munmap(shared, sizeof(*shared));
	remove_directory(directory);
}

TEST(what_was_taken_outlives_the_process_that_took_it)
{
	(void)state;
	char directory[32];
	struct metrics *m;
	struct limit_verdict v;
	const struct limit_subject who = { .plan = STR("once"), .plan_key = STR("k1") };
	make_directory(directory);
	assert_int_equal(metrics_open_private(&m), OK);
	for (int i = 0; i < 3; i++) {
		struct limiter *l;
		assert_int_equal(limit_open(directory, policies, m, &l), OK);
		assert_int_equal(limit_take(l, NULL, &who, 1, frozen_ms, &v), OK);
		assert_int_equal(v.allowed, i == 0);
		limit_close(l);
	}
	metrics_close(m);
	remove_directory(directory);
}

static void take_for_ever(struct limiter *l)
{
	for (uint32_t key = 0;; key++) {
		struct limit_verdict v;
		const struct limit_subject who = { .plan = STR("once"),
		    .plan_key = { (const char *)&key, sizeof(key) } };
		if (limit_take(l, NULL, &who, 1, frozen_ms, &v) != OK)
			_exit(1);
	}
}

TEST(a_process_killed_at_any_point_blocks_no_one)
{
	(void)state;
	char directory[32];
	struct metrics *m;
	struct limiter *l;
	make_directory(directory);
	assert_int_equal(metrics_open_private(&m), OK);
	assert_int_equal(limit_open(directory, policies, m, &l), OK);
	for (uint32_t round = 0; round < 50; round++) {
		pid_t pid = fork();
		assert_true(pid >= 0);
		if (pid == 0)
			take_for_ever(l);
		usleep(1000 + round * 37);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		for (uint32_t key = 0; key < 1000; key++) {
			struct limit_verdict v;
			const struct limit_subject who = { .plan = STR("once"),
			    .plan_key = { (const char *)&key, sizeof(key) } };
			assert_int_equal(limit_take(l, NULL, &who, 1, frozen_ms, &v), OK);
			assert_false(limit_take(l, NULL, &who, 1, frozen_ms, &v) == OK &&
			    v.allowed);
		}
	}
	limit_close(l);
	metrics_close(m);
	remove_directory(directory);
}

TEST_MAIN(
	RUN(processes_on_one_hot_key_get_the_burst_and_the_rate_together),
	RUN(processes_in_one_window_get_its_limit_together),
	RUN(processes_that_meet_at_new_keys_admit_each_once),
	RUN(what_a_race_over_several_policies_refuses_costs_nothing),
	RUN(what_was_taken_outlives_the_process_that_took_it),
	RUN(a_process_killed_at_any_point_blocks_no_one))
