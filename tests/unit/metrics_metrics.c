/*
 * metrics_metrics: making and counting series, in memory of this process and in
 * a segment of a temporary folder.
 */
#include <ftw.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/log.h"
#include "metrics/metrics.h"
#include "metrics/series.h"
#include "test.h"

#define THREADS 4

static struct metrics *open_private(void)
{
	struct metrics *m;
	assert_int_equal(metrics_open_private(&m), OK);
	return m;
}

TEST(the_table_has_no_hole)
{
	(void)state;
	for (size_t i = 0; i < METRIC_COUNT; i++) {
		const struct metric_row *row = metrics_row(i);
		assert_non_null(row);
		assert_non_null(row->name);
		struct str name = str_of(row->name);
		assert_row(str_starts(name, STR("quiver_")), row->name);
		assert_row(row->type != METRIC_NONE, row->name);
		assert_row(row->help != NULL && row->help[strlen(row->help) - 1] == '.', row->name);
		assert_row(str_ends(name, STR("_total")) == (row->type == METRIC_COUNTER),
		    row->name);
		assert_row((row->buckets[0] != 0) == (row->type == METRIC_HISTOGRAM), row->name);
		assert_row(str_ends(name, STR("_seconds")) || row->unit == METRIC_ONES, row->name);
		for (size_t j = 1; j < METRIC_BUCKETS_MAX && row->buckets[j] != 0; j++)
			assert_row(row->buckets[j] > row->buckets[j - 1], row->name);
		for (size_t j = 0; j < i; j++)
			assert_row(strcmp(row->name, metrics_row(j)->name) != 0, row->name);
	}
	assert_null(metrics_row(METRIC_COUNT));
}

TEST(the_same_labels_give_the_same_series)
{
	(void)state;
	struct metrics *m = open_private();
	const char *labels[] = { "content", "GET", "/v1/blog", "200" };
	const char *other[] = { "content", "GET", "/v1/blog", "404" };
	struct metric_series *s = metrics_series(m, METRIC_REQUESTS, labels);
	assert_ptr_equal(metrics_series(m, METRIC_REQUESTS, labels), s);
	assert_ptr_not_equal(metrics_series(m, METRIC_REQUESTS, other), s);
	metrics_close(m);
}

TEST(labels_do_not_run_into_each_other)
{
	(void)state;
	struct metrics *m = open_private();
	const char *a[] = { "x\",outcome=\"y", "z" };
	const char *b[] = { "x", "y\",outcome=\"z" };
	assert_ptr_not_equal(metrics_series(m, METRIC_AUTH, a), metrics_series(m, METRIC_AUTH, b));
	metrics_close(m);
}

TEST(counters_add_and_gauges_change)
{
	(void)state;
	struct metrics *m = open_private();
	const char *auth[] = { "session", "ok" };
	const char *flight[] = { "content", "0" };
	struct metric_series *counter = metrics_series(m, METRIC_AUTH, auth);
	struct metric_series *gauge = metrics_series(m, METRIC_REQUESTS_IN_FLIGHT, flight);
	metrics_add(counter, 1);
	metrics_add(counter, 41);
	assert_int_equal(metrics_read(counter), 42);
	metrics_set(gauge, 5);
	metrics_change(gauge, -7);
	assert_true((int64_t)metrics_read(gauge) == -2);
	metrics_close(m);
}

TEST(a_histogram_counts_each_observation_once)
{
	(void)state;
	struct metrics *m = open_private();
	static const uint64_t values[] = { 0, 1, 2, 3, 256, 257, UINT64_C(1) << 40 };
	/* bounds 1, 2, 4, …, 256, +Inf; a bound counts what is equal to it */
	static const uint64_t expected[] = { 2, 1, 1, 0, 0, 0, 0, 0, 1, 2 };
	struct metric_series *s = metrics_series(m, METRIC_STORE_BATCH, NULL);
	for (size_t i = 0; i < COUNT(values); i++)
		metrics_observe(s, values[i]);
	assert_int_equal(metrics_read(s), COUNT(values));
	for (size_t i = 0; i < COUNT(expected); i++)
		assert_int_equal(s->values[1 + i], expected[i]);
	metrics_close(m);
}

TEST(past_the_bound_a_series_is_discarded_and_counted)
{
	(void)state;
	struct metrics *m = open_private();
	struct metric_series *dropped = metrics_series(m, METRIC_DROPPED_SERIES, NULL);
	for (unsigned i = 0; i < SERIES_MAX + 10; i++) {
		char outcome[16];
		(void)snprintf(outcome, sizeof(outcome), "o%u", i);
		const char *labels[] = { "session", outcome };
		metrics_add(metrics_series(m, METRIC_AUTH, labels), 1);
	}
	/* one for itself and four for the log's levels are there from the start */
	assert_int_equal(metrics_read(dropped), 10 + 5);
	metrics_close(m);
}

TEST(labels_that_are_too_long_are_discarded_and_counted)
{
	(void)state;
	struct metrics *m = open_private();
	char value[SERIES_LABEL_BYTES + 1];
	const char *labels[] = { value, "ok" };
	struct metric_series *dropped = metrics_series(m, METRIC_DROPPED_SERIES, NULL);
	for (size_t len = SERIES_LABEL_BYTES - 60; len <= SERIES_LABEL_BYTES; len++) {
		memset(value, '"', len);
		value[len] = '\0';
		metrics_observe(metrics_series(m, METRIC_AUTH, labels), 1);
	}
	assert_int_equal(metrics_read(dropped), 61);
	metrics_close(m);
}

TEST(lines_of_the_log_are_counted_by_level)
{
	(void)state;
	struct metrics *m = open_private();
	const char *warn[] = { "warn" };
	int saved = dup(STDERR_FILENO);
	assert_true(saved >= 0);
	close(STDERR_FILENO);
	log_message(LOG_WARN, "test", "counted, and lost");
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	close(saved);
	assert_int_equal(metrics_read(metrics_series(m, METRIC_LOG_LINES, warn)), 1);
	metrics_close(m);
}

TEST(a_slot_left_by_a_process_that_died_is_taken_over)
{
	(void)state;
	struct metrics *m = open_private();
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	m->registry->words[5] = (uint64_t)pid << 2 | SERIES_CLAIMED;
	const char *labels[] = { "content", "0" };
	const char *auth[] = { "session", "ok" };
	struct metric_series *s = metrics_series(m, METRIC_AUTH, auth);
	metrics_add(s, 1);
	assert_ptr_equal(metrics_series(m, METRIC_AUTH, auth), s);
	assert_int_equal(SERIES_STATE(m->registry->words[5]), SERIES_FREED);
	(void)metrics_series(m, METRIC_REQUESTS_IN_FLIGHT, labels);
	metrics_close(m);
}

TEST(a_slot_that_a_live_process_never_fills_is_passed_over)
{
	(void)state;
	struct metrics *m = open_private();
	m->registry->words[5] = (uint64_t)getppid() << 2 | SERIES_CLAIMED;
	const char *auth[] = { "session", "ok" };
	struct metric_series *s = metrics_series(m, METRIC_AUTH, auth);
	assert_ptr_equal(s, &m->registry->series[6]);
	assert_ptr_equal(metrics_series(m, METRIC_AUTH, auth), s);
	metrics_close(m);
}

static void pid_labels(const char *labels[2], char text[16], pid_t pid)
{
	(void)snprintf(text, 16, "%d", (int)pid);
	labels[0] = "content";
	labels[1] = text;
}

TEST(a_gauge_of_a_process_that_ended_makes_room_for_another)
{
	(void)state;
	struct metrics *m = open_private();
	const char *labels[2];
	char text[16];
	pid_t pid = fork();
	if (pid == 0) {
		pause();
		_exit(0);
	}
	pid_labels(labels, text, pid);
	struct metric_series *gone = metrics_series(m, METRIC_REQUESTS_IN_FLIGHT, labels);
	metrics_set(gone, 7);
	assert_false(series_is_orphan(gone));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(series_is_orphan(gone));
	pid_labels(labels, text, getpid());
	struct metric_series *ours = metrics_series(m, METRIC_REQUESTS_IN_FLIGHT, labels);
	assert_ptr_equal(ours, gone);
	assert_int_equal(metrics_read(ours), 0);
	metrics_close(m);
}

TEST(a_zombie_does_not_live)
{
	(void)state;
	uint64_t ticks;
	siginfo_t ended;
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT), 0);
	assert_int_equal(process_started(pid, &ticks), ERR_NOT_FOUND);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(process_started(pid, &ticks), ERR_NOT_FOUND);
	assert_int_equal(process_started(0, &ticks), ERR_NOT_FOUND);
	assert_int_equal(process_started(-1, &ticks), ERR_NOT_FOUND);
	assert_int_equal(process_started(getpid(), &ticks), OK);
	assert_true(ticks > 0);
}

TEST(another_process_under_the_same_pid_starts_anew)
{
	(void)state;
	struct metrics *m = open_private();
	const char *labels[2];
	char text[16];
	pid_labels(labels, text, getpid());
	struct metric_series *s = metrics_series(m, METRIC_REQUESTS_IN_FLIGHT, labels);
	metrics_set(s, 9);
	assert_ptr_equal(metrics_series(m, METRIC_REQUESTS_IN_FLIGHT, labels), s);
	assert_int_equal(metrics_read(s), 9);
	s->started -= 1;
	assert_true(series_is_orphan(s));
	s = metrics_series(m, METRIC_REQUESTS_IN_FLIGHT, labels);
	assert_int_equal(metrics_read(s), 0);
	assert_false(series_is_orphan(s));
	metrics_close(m);
}

#define ROUTES 300

static struct metric_series *route_series(struct metrics *m, const char *method, unsigned i)
{
	char route[16];
	(void)snprintf(route, sizeof(route), "/r%u", i);
	const char *labels[] = { "content", method, route, "200" };
	return metrics_series(m, METRIC_REQUESTS, labels);
}

/* Series that all others make too, and between them some that nobody else does. */
static void make_and_count(struct metrics *m, unsigned number)
{
	char own[16];
	(void)snprintf(own, sizeof(own), "M%u", number);
	for (unsigned i = 0; i < ROUTES; i++) {
		metrics_add(route_series(m, own, i), 1);
		metrics_add(route_series(m, "GET", i), 1);
	}
}

static void assert_counted(struct metrics *m)
{
	for (unsigned i = 0; i < ROUTES; i++) {
		assert_int_equal(metrics_read(route_series(m, "GET", i)), THREADS);
		for (unsigned number = 0; number < THREADS; number++) {
			char own[16];
			(void)snprintf(own, sizeof(own), "M%u", number);
			assert_int_equal(metrics_read(route_series(m, own, i)), 1);
		}
	}
	size_t used = 0;
	while (SERIES_STATE(m->registry->words[used]) == SERIES_READY)
		used++;
	/* and the registry's own: dropped series, lines of the log at four levels */
	assert_int_equal(used, ROUTES * (THREADS + 1) + 5);
}

struct maker {
	struct metrics *metrics;
	unsigned        number;
};

static void *make_in_thread(void *argument)
{
	const struct maker *maker = argument;
	make_and_count(maker->metrics, maker->number);
	return NULL;
}

TEST(threads_that_make_the_same_series_share_it)
{
	(void)state;
	struct metrics *m = open_private();
	pthread_t threads[THREADS];
	struct maker makers[THREADS];
	for (unsigned i = 0; i < THREADS; i++) {
		makers[i] = (struct maker){ m, i };
		assert_int_equal(pthread_create(&threads[i], NULL, make_in_thread, &makers[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_counted(m);
	metrics_close(m);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

TEST(processes_share_counts_and_they_outlive_them)
{
	(void)state;
	char directory[] = "/tmp/quiver-metrics-XXXXXX";
	pid_t pids[THREADS];
	struct metrics *m;
	int gate[2];
	char byte;
	assert_non_null(mkdtemp(directory));
	assert_int_equal(pipe(gate), 0);
	for (size_t i = 0; i < THREADS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] != 0)
			continue;
		close(gate[1]);
		if (metrics_open(directory, &m) != OK || read(gate[0], &byte, 1) != 0)
			_exit(1);
		make_and_count(m, (unsigned)i);
		metrics_close(m);
		_exit(0);
	}
	/* the end of the pipe is what they wait for: all begin at once */
	close(gate[0]);
	close(gate[1]);
	for (size_t i = 0; i < THREADS; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(metrics_open(directory, &m), OK);
	assert_counted(m);
	metrics_close(m);
	assert_int_equal(nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
}

TEST(without_its_folder_it_does_not_open)
{
	(void)state;
	struct metrics *m = NULL;
	assert_int_equal(metrics_open("/nonexistent/quiver", &m), ERR_IO);
	assert_null(m);
	metrics_close(NULL);
}

TEST_MAIN(
	RUN(the_table_has_no_hole),
	RUN(the_same_labels_give_the_same_series),
	RUN(labels_do_not_run_into_each_other),
	RUN(counters_add_and_gauges_change),
	RUN(a_histogram_counts_each_observation_once),
	RUN(past_the_bound_a_series_is_discarded_and_counted),
	RUN(labels_that_are_too_long_are_discarded_and_counted),
	RUN(lines_of_the_log_are_counted_by_level),
	RUN(a_slot_left_by_a_process_that_died_is_taken_over),
	RUN(a_slot_that_a_live_process_never_fills_is_passed_over),
	RUN(a_gauge_of_a_process_that_ended_makes_room_for_another),
	RUN(a_zombie_does_not_live),
	RUN(another_process_under_the_same_pid_starts_anew),
	RUN(threads_that_make_the_same_series_share_it),
	RUN(processes_share_counts_and_they_outlive_them),
	RUN(without_its_folder_it_does_not_open))
