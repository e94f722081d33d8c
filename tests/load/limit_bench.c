/*
 * limit_bench: what one decision of the limiter costs, and whether it is exact
 * while it is fast.  Prints nanoseconds a decision: alone over many keys, alone
 * on one key, refused, over two policies, and 4 processes on one hot key with
 * the check that what was admitted is burst + rate × time.
 *
 *      limit_bench [DIRECTORY]         where the segment goes; /tmp
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "limit/limit.h"

#define DECISIONS   2000000
#define KEYS        4096
#define PROCESSES   4
#define HOT_MS      2000
#define HOT_BURST   100000
#define HOT_PER_MS  10

static const struct limit_policy policies[] = {
	{ "wide", LIMIT_BY_ROLE, "wide", LIMIT_GCRA, 1000000, 1000, 1000000000, false },
	{ "narrow", LIMIT_BY_ROLE, "narrow", LIMIT_GCRA, 1, 3600000, 0, false },
	{ "window", LIMIT_BY_TENANT, "window", LIMIT_WINDOW, LIMIT_WINDOW_MAX, 3600000, 0, false },
	{ "hot", LIMIT_BY_ROLE, "hot", LIMIT_GCRA, HOT_PER_MS, 1, HOT_BURST, false },
	{ .name = NULL },
};

static struct str keys[KEYS];
static char key_texts[KEYS][40];

static void make_keys(void)
{
	for (unsigned i = 0; i < KEYS; i++) {
		int len = snprintf(key_texts[i], sizeof(key_texts[i]),
		    "0190a5d6-7c3e-7000-8000-%012u", i);
		keys[i] = (struct str){ key_texts[i], (size_t)len };
	}
}

static void measure(struct limiter *l, const char *what, struct limit_subject who, unsigned spread)
{
	struct limit_verdict v;
	uint64_t allowed = 0;
	int64_t now_ms = time_now_ms();
	uint64_t start = time_monotonic_ns();

	for (unsigned i = 0; i < DECISIONS; i++) {
		who.role_key = who.tenant = keys[i % spread];
		if (limit_take(l, NULL, &who, 1, now_ms, &v) == OK)
			allowed += v.allowed;
	}
	uint64_t ns = time_monotonic_ns() - start;
	printf("%-38s %8.1f ns  %5.1f %% allowed\n", what, (double)ns / DECISIONS,
	    100.0 * (double)allowed / DECISIONS);
}

struct result {
	uint64_t decisions, admitted;
	int64_t  first_ms, last_ms;
};

static void hammer(struct limiter *l, struct result *r)
{
	const struct limit_subject who = { .role = STR("hot"), .role_key = STR("203.0.113.7") };
	struct limit_verdict v;
	int64_t now_ms = time_now_ms();

	r->first_ms = now_ms;
	while (now_ms < r->first_ms + HOT_MS) {
		for (int i = 0; i < 64; i++) {
			if (limit_take(l, NULL, &who, 1, now_ms, &v) == OK)
				r->admitted += v.allowed;
		}
		r->decisions += 64;
		r->last_ms = now_ms;
		now_ms = time_now_ms();
	}
	/* At the last moment nothing must be left, or the sum says nothing. */
	while (limit_take(l, NULL, &who, 1, r->last_ms, &v) == OK && v.allowed)
		r->admitted++;
}

/* True when what 4 processes were given together is exact. */
static bool measure_processes(struct limiter *l)
{
	struct result *results = mmap(NULL, PROCESSES * sizeof(*results), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct result all = { .first_ms = INT64_MAX };
	pid_t pids[PROCESSES];

	if (results == MAP_FAILED)
		return false;
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			hammer(l, &results[i]);
			_exit(0);
		}
	}
	for (int i = 0; i < PROCESSES; i++) {
		(void)waitpid(pids[i], NULL, 0);
		all.decisions += results[i].decisions;
		all.admitted += results[i].admitted;
		if (results[i].first_ms < all.first_ms)
			all.first_ms = results[i].first_ms;
		if (results[i].last_ms > all.last_ms)
			all.last_ms = results[i].last_ms;
	}
	uint64_t most = HOT_BURST + (uint64_t)(all.last_ms - all.first_ms) * HOT_PER_MS;
	bool exact = all.admitted <= most && all.admitted + PROCESSES * HOT_PER_MS >= most;
	printf("%-38s %8.1f ns  %llu decisions, %llu admitted of %llu: %s\n",
	    "4 processes, one hot key", (double)HOT_MS * 1e6 / (double)all.decisions,
	    (unsigned long long)all.decisions, (unsigned long long)all.admitted,
	    (unsigned long long)most, exact ? "exact" : "NOT EXACT");
	munmap(results, PROCESSES * sizeof(*results));
	return exact;
}

int main(int argc, char **argv)
{
	char directory[256];
	struct metrics *m;
	struct limiter *l;

	(void)snprintf(directory, sizeof(directory), "%s/quiver-limit-bench-XXXXXX",
	    argc > 1 ? argv[1] : "/tmp");
	if (mkdtemp(directory) == NULL || metrics_open_private(&m) != OK ||
	    limit_open(directory, policies, m, &l) != OK) {
		perror(directory);
		return 1;
	}
	make_keys();
	struct limit_subject wide = { .role = STR("wide") }, narrow = { .role = STR("narrow") };
	struct limit_subject both = { .role = STR("wide"), .tenant_plan = STR("window") };
	measure(l, "one process, 4,096 keys", wide, KEYS);
	measure(l, "one process, one key", wide, 1);
	measure(l, "one process, one key, refused", narrow, 1);
	measure(l, "one process, 4,096 keys, two policies", both, KEYS);
	bool exact = measure_processes(l);
	limit_close(l);
	metrics_close(m);
	static const char *const files[] = { "limit.shm", "limit.shm.lock" };
	for (size_t i = 0; i < COUNT(files); i++) {
		char path[300];
		(void)snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(directory);
	return exact ? 0 : 1;
}
