/*
 * metrics_expose: Prometheus text format 0.0.4, as its own checker would have it.
 */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "metrics/metrics.h"
#include "metrics/series.h"
#include "test.h"

#define TEXT_MAX (4u << 20)

struct fixture {
	struct metrics *metrics;
	struct buf      text;
};

static void open_metrics(struct fixture *f)
{
	assert_int_equal(metrics_open_private(&f->metrics), OK);
	buf_init(&f->text, NULL, TEXT_MAX);
}

static void close_metrics(struct fixture *f)
{
	buf_clean(&f->text);
	metrics_close(f->metrics);
}

static struct str expose(struct fixture *f)
{
	buf_reset(&f->text);
	metrics_expose(f->metrics, &f->text);
	assert_false(buf_failed(&f->text));
	return buf_str(&f->text);
}

static struct metric_series *series(struct fixture *f, enum metric metric, const char *a,
    const char *b, const char *c, const char *d)
{
	const char *labels[] = { a, b, c, d };
	return metrics_series(f->metrics, metric, labels);
}

static bool has_line(struct str text, const char *line)
{
	while (text.ptr != NULL)
		if (str_eq(str_cut(&text, '\n'), str_of(line)))
			return true;
	return false;
}

static void assert_line(struct str text, const char *line)
{
	if (!has_line(text, line))
		fail_msg("no line %s in\n%.*s", line, STR_ARG(text));
}

TEST(a_counter_is_a_line_under_its_help_and_type)
{
	(void)state;
	struct fixture f;
	open_metrics(&f);
	metrics_add(series(&f, METRIC_AUTH, "session", "ok", NULL, NULL), 3);
	struct str text = expose(&f);
	assert_true(str_contains(text, STR("# HELP quiver_auth_total Authentications.\n"
	    "# TYPE quiver_auth_total counter\n"
	    "quiver_auth_total{kind=\"session\",outcome=\"ok\"} 3\n")));
	close_metrics(&f);
}

TEST(a_series_without_labels_has_no_braces)
{
	(void)state;
	struct fixture f;
	open_metrics(&f);
	assert_line(expose(&f), "quiver_metrics_dropped_series_total 0");
	close_metrics(&f);
}

TEST(a_gauge_may_be_negative)
{
	(void)state;
	struct fixture f;
	open_metrics(&f);
	metrics_change(series(&f, METRIC_BUILD_INFO, "content", "0.1.0", NULL, NULL), -1);
	assert_line(expose(&f), "quiver_build_info{handler=\"content\",version=\"0.1.0\"} -1");
	close_metrics(&f);
}

TEST(a_histogram_is_cumulative_and_in_seconds)
{
	(void)state;
	struct fixture f;
	open_metrics(&f);
	struct metric_series *s = series(&f, METRIC_REQUEST_DURATION, "content", "/v1/blog", NULL,
	    NULL);
	metrics_observe(s, 40000);              /* 40 µs */
	metrics_observe(s, 2500000);            /* 2.5 ms */
	metrics_observe(s, UINT64_C(60000000000));
	struct str text = expose(&f);
	static const struct { const char *le, *count; } buckets[] = {
		{ "0.00005", "1" }, { "0.0001", "1" }, { "0.001", "1" }, { "0.0025", "2" },
		{ "0.5", "2" }, { "1", "2" }, { "2.5", "2" }, { "10", "2" }, { "+Inf", "3" },
	};
	for (size_t i = 0; i < COUNT(buckets); i++) {
		char line[160];
		(void)snprintf(line, sizeof(line), "quiver_request_duration_seconds_bucket"
		    "{handler=\"content\",route=\"/v1/blog\",le=\"%s\"} %s",
		    buckets[i].le, buckets[i].count);
		assert_line(text, line);
	}
	assert_line(text, "quiver_request_duration_seconds_sum"
	    "{handler=\"content\",route=\"/v1/blog\"} 60.00254");
	assert_line(text, "quiver_request_duration_seconds_count"
	    "{handler=\"content\",route=\"/v1/blog\"} 3");
	close_metrics(&f);
}

TEST(a_histogram_of_counts_has_whole_bounds)
{
	(void)state;
	struct fixture f;
	open_metrics(&f);
	metrics_observe(metrics_series(f.metrics, METRIC_STORE_BATCH, NULL), 3);
	struct str text = expose(&f);
	assert_line(text, "quiver_store_batch_transactions_bucket{le=\"2\"} 0");
	assert_line(text, "quiver_store_batch_transactions_bucket{le=\"4\"} 1");
	assert_line(text, "quiver_store_batch_transactions_sum 3");
	assert_line(text, "quiver_store_batch_transactions_count 1");
	close_metrics(&f);
}

TEST(label_values_are_escaped)
{
	(void)state;
	struct fixture f;
	open_metrics(&f);
	metrics_add(series(&f, METRIC_AUTH, "a\"b\\c\nd", "ok", NULL, NULL), 1);
	assert_line(expose(&f), "quiver_auth_total{kind=\"a\\\"b\\\\c\\nd\",outcome=\"ok\"} 1");
	close_metrics(&f);
}

static void fill(struct fixture *f)
{
	char pid[16];
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	for (int i = 0; i < 3; i++) {
		char status[4] = { (char)('2' + i), '0', '0', '\0' };
		metrics_add(series(f, METRIC_REQUESTS, "content", "GET", "/v1/blog", status), 1);
		metrics_add(series(f, METRIC_REQUESTS, "auth", "POST", "/v1/auth", status), 1);
		metrics_observe(series(f, METRIC_REQUEST_DURATION, "content", "/v1/blog", NULL,
		    NULL), 1000);
		metrics_observe(series(f, METRIC_STORE_DURATION, "sqlite", status, NULL, NULL), 9);
	}
	metrics_set(series(f, METRIC_REQUESTS_IN_FLIGHT, "content", pid, NULL, NULL), 1);
	metrics_set(series(f, METRIC_PROCESS_START, "content", pid, NULL, NULL), 1700000000);
	metrics_observe(metrics_series(f->metrics, METRIC_STORE_BATCH, NULL), 2);
	metrics_add(series(f, METRIC_LIMITED, "content", "user", "allowed", NULL), 1);
	metrics_add(metrics_series(f->metrics, METRIC_LIMIT_EVICTIONS, NULL), 1);
	metrics_add(series(f, METRIC_STORE_OPERATIONS, "sqlite", "get", "ok", NULL), 1);
	metrics_add(series(f, METRIC_CONNECTIONS, "content", "accepted", NULL, NULL), 1);
	metrics_add(series(f, METRIC_OUTGOING, "jwks", "ok", NULL, NULL), 1);
	metrics_add(series(f, METRIC_MAIL, "sent", NULL, NULL, NULL), 1);
	metrics_add(series(f, METRIC_JWKS, "fetched", NULL, NULL, NULL), 1);
	metrics_observe(series(f, METRIC_OUTGOING_DURATION, "jwks", NULL, NULL, NULL), 9);
	metrics_add(series(f, METRIC_AWS_CALLS, "dynamodb", "GetItem", "ok", NULL), 1);
	metrics_observe(series(f, METRIC_AWS_DURATION, "dynamodb", "GetItem", NULL, NULL), 9);
	metrics_add(series(f, METRIC_AWS_RETRIES, "dynamodb", "throttled", NULL, NULL), 1);
	metrics_add(series(f, METRIC_AWS_CONNECTIONS, "dynamodb", "reused", NULL, NULL), 1);
	metrics_add(series(f, METRIC_AWS_CREDENTIALS, "instance", "fetched", NULL, NULL), 1);
	metrics_add(series(f, METRIC_REDIS, "limits", "timeout", NULL, NULL), 1);
	metrics_observe(series(f, METRIC_REDIS_DURATION, "limits", NULL, NULL, NULL), 9);
	metrics_set(series(f, METRIC_REDIS_OPEN, "limits", NULL, NULL, NULL), 1);
	metrics_add(series(f, METRIC_NOTICES, "heard", NULL, NULL, NULL), 1);
	metrics_add(series(f, METRIC_LIMIT_DECIDED, "redis", NULL, NULL, NULL), 1);
}

/* The metric that a sample's name belongs to: without what a histogram adds. */
static struct str family_of(struct str name, const char *type)
{
	static const struct str suffixes[] = {
		STR_INIT("_bucket"), STR_INIT("_sum"), STR_INIT("_count"),
	};
	for (size_t i = 0; strcmp(type, "histogram") == 0 && i < COUNT(suffixes); i++)
		if (str_ends(name, suffixes[i]))
			return str_first(name, name.len - suffixes[i].len);
	return name;
}

TEST(each_metric_stands_together_under_one_help_and_one_type)
{
	(void)state;
	struct fixture f;
	open_metrics(&f);
	fill(&f);
	struct str rest = expose(&f), seen[METRIC_COUNT];
	char type[16] = "";
	size_t n = 0;
	assert_true(str_ends(rest, STR("\n")));
	rest.len--;
	while (rest.ptr != NULL) {
		struct str line = str_cut(&rest, '\n');
		if (str_starts(line, STR("# HELP "))) {
			struct str words = str_from(line, 7), name = str_cut(&words, ' ');
			for (size_t i = 0; i < n; i++)
				assert_false(str_eq(seen[i], name));
			assert_true(n < METRIC_COUNT);
			seen[n++] = name;
			line = str_cut(&rest, '\n');
			assert_true(str_starts(line, STR("# TYPE ")));
			words = str_from(line, 7);
			assert_str(str_cut(&words, ' '), name);
			(void)snprintf(type, sizeof(type), "%.*s", STR_ARG(words));
			continue;
		}
		assert_true(n > 0);
		struct str name = str_first(line, str_index(line, '{'));
		name = str_first(name, str_index(name, ' '));
		assert_str(family_of(name, type), seen[n - 1]);
	}
	assert_int_equal(n, METRIC_COUNT - 3);  /* auth, build_info and store_failures were not counted on */
	close_metrics(&f);
}

TEST(series_are_in_the_same_order_each_time)
{
	(void)state;
	struct fixture f, g;
	open_metrics(&f);
	open_metrics(&g);
	series(&f, METRIC_AUTH, "a", "ok", NULL, NULL);
	series(&f, METRIC_AUTH, "b", "ok", NULL, NULL);
	series(&g, METRIC_AUTH, "b", "ok", NULL, NULL);
	series(&g, METRIC_AUTH, "a", "ok", NULL, NULL);
	assert_str(expose(&f), expose(&g));
	close_metrics(&g);
	close_metrics(&f);
}

TEST(a_series_that_exists_twice_is_shown_once)
{
	(void)state;
	struct fixture f;
	open_metrics(&f);
	struct registry *r = f.metrics->registry;
	struct metric_series *s = series(&f, METRIC_AUTH, "session", "ok", NULL, NULL);
	size_t at = (size_t)(s - r->series);
	metrics_add(s, 2);
	r->series[at + 1] = *s;
	r->words[at + 1] = r->words[at];
	assert_line(expose(&f), "quiver_auth_total{kind=\"session\",outcome=\"ok\"} 4");
	close_metrics(&f);
}

TEST(gauges_of_processes_that_ended_are_gone)
{
	(void)state;
	struct fixture f;
	char pid[16];
	int status;
	open_metrics(&f);
	pid_t child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	(void)snprintf(pid, sizeof(pid), "%d", (int)child);
	struct metric_series *s = series(&f, METRIC_REQUESTS_IN_FLIGHT, "content", pid, NULL, NULL);
	metrics_set(s, 3);
	assert_true(str_contains(expose(&f), STR("quiver_requests_in_flight{")));
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_false(str_contains(expose(&f), STR("quiver_requests_in_flight")));
	size_t at = (size_t)(s - f.metrics->registry->series);
	assert_int_equal(SERIES_STATE(f.metrics->registry->words[at]), SERIES_FREED);
	close_metrics(&f);
}

TEST(a_slot_that_is_only_claimed_is_not_shown)
{
	(void)state;
	struct fixture f;
	open_metrics(&f);
	struct metric_series *s = series(&f, METRIC_AUTH, "session", "ok", NULL, NULL);
	f.metrics->registry->words[s - f.metrics->registry->series] =
	    (uint64_t)getppid() << 2 | SERIES_CLAIMED;
	assert_false(str_contains(expose(&f), STR("quiver_auth_total")));
	close_metrics(&f);
}

TEST(a_text_over_its_bound_fails_and_is_not_cut_short_silently)
{
	(void)state;
	struct fixture f;
	struct buf small;
	open_metrics(&f);
	buf_init(&small, NULL, 64);
	metrics_expose(f.metrics, &small);
	assert_true(buf_failed(&small));
	buf_clean(&small);
	close_metrics(&f);
}

TEST_MAIN(
	RUN(a_counter_is_a_line_under_its_help_and_type),
	RUN(a_series_without_labels_has_no_braces),
	RUN(a_gauge_may_be_negative),
	RUN(a_histogram_is_cumulative_and_in_seconds),
	RUN(a_histogram_of_counts_has_whole_bounds),
	RUN(label_values_are_escaped),
	RUN(each_metric_stands_together_under_one_help_and_one_type),
	RUN(series_are_in_the_same_order_each_time),
	RUN(a_series_that_exists_twice_is_shown_once),
	RUN(gauges_of_processes_that_ended_are_gone),
	RUN(a_slot_that_is_only_claimed_is_not_shown),
	RUN(a_text_over_its_bound_fails_and_is_not_cut_short_silently))
