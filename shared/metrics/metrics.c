#include "metrics/metrics.h"

#include <assert.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "log/log.h"
#include "metrics/series.h"

#define LAYOUT_VERSION      1
#define CLAIM_SPINS         2000        /* yields while another process fills in a slot */

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

static const struct metric_row rows[] = {
	[METRIC_REQUESTS] = { "quiver_requests_total", "Requests answered.",
	  .type = METRIC_COUNTER, .labels = { "handler", "method", "route", "status" } },
	[METRIC_REQUEST_DURATION] = { "quiver_request_duration_seconds",
	  "Time from the request's last byte to the reply's.",
	  .type = METRIC_HISTOGRAM, .unit = METRIC_NANOSECONDS, .labels = { "handler", "route" },
	  .buckets = { 50 * US, 100 * US, 250 * US, 500 * US, 1 * MS, 2500 * US, 5 * MS, 10 * MS,
	  25 * MS, 50 * MS, 100 * MS, 250 * MS, 500 * MS, 1 * S, 2500 * MS, 5 * S, 10 * S } },
	[METRIC_REQUESTS_IN_FLIGHT] = { "quiver_requests_in_flight", "Requests being answered.",
	  .type = METRIC_GAUGE, .labels = { "handler", "pid" } },
	[METRIC_LIMITED] = { "quiver_limited_total", "Decisions of the limiter.",
	  .type = METRIC_COUNTER, .labels = { "handler", "policy", "outcome" } },
	[METRIC_LIMIT_EVICTIONS] = { "quiver_limit_evictions_total",
	  "Limiter cells in use that were given to another key.",
	  .type = METRIC_COUNTER },
	[METRIC_AUTH] = { "quiver_auth_total", "Authentications.",
	  .type = METRIC_COUNTER, .labels = { "kind", "outcome" } },
	[METRIC_STORE_OPERATIONS] = { "quiver_store_operations_total", "Operations of the store.",
	  .type = METRIC_COUNTER, .labels = { "engine", "operation", "outcome" } },
	[METRIC_STORE_DURATION] = { "quiver_store_duration_seconds",
	  "Time of one operation of the store.",
	  .type = METRIC_HISTOGRAM, .unit = METRIC_NANOSECONDS, .labels = { "engine", "operation" },
	  .buckets = { 5 * US, 10 * US, 25 * US, 50 * US, 100 * US, 250 * US, 500 * US, 1 * MS,
	  2500 * US, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS, 1 * S, 5 * S } },
	[METRIC_STORE_BATCH] = { "quiver_store_batch_transactions",
	  "Transactions made durable by one commit.",
	  .type = METRIC_HISTOGRAM, .buckets = { 1, 2, 4, 8, 16, 32, 64, 128, 256 } },
	[METRIC_STORE_FAILURES] = { "quiver_store_failures_total",
	  "Operations that the store's engine failed at, by cause.",
	  .type = METRIC_COUNTER, .labels = { "engine", "cause" } },
	[METRIC_CONNECTIONS] = { "quiver_connections_total", "FastCGI connections.",
	  .type = METRIC_COUNTER, .labels = { "handler", "outcome" } },
	[METRIC_LOG_LINES] = { "quiver_log_lines_total", "Lines written to the log.",
	  .type = METRIC_COUNTER, .labels = { "level" } },
	[METRIC_PROCESS_START] = { "quiver_process_start_time_seconds",
	  "When the process started, in seconds since 1970.",
	  .type = METRIC_GAUGE, .labels = { "handler", "pid" } },
	[METRIC_BUILD_INFO] = { "quiver_build_info", "Version of a handler; the value is 1.",
	  .type = METRIC_GAUGE, .labels = { "handler", "version" } },
	[METRIC_OUTGOING] = { "quiver_outgoing_total", "Calls to other services.",
	  .type = METRIC_COUNTER, .labels = { "purpose", "outcome" } },
	[METRIC_JWKS] = { "quiver_jwks_total",
	  "Key sets of trusted issuers fetched or not, and requests that had to be turned away without.",
	  .type = METRIC_COUNTER, .labels = { "outcome" } },
	[METRIC_OUTGOING_DURATION] = { "quiver_outgoing_duration_seconds",
	  "Time of one call to another service.",
	  .type = METRIC_HISTOGRAM, .unit = METRIC_NANOSECONDS, .labels = { "purpose" },
	  .buckets = { 1 * MS, 2500 * US, 5 * MS, 10 * MS, 25 * MS, 50 * MS, 100 * MS, 250 * MS,
	  500 * MS, 1 * S, 2500 * MS, 5 * S, 10 * S, 30 * S } },
	[METRIC_AWS_CALLS] = { "quiver_aws_calls_total",
	  "Calls to an AWS service, tries again not counted; unclear: nobody knows whether it was done.",
	  .type = METRIC_COUNTER, .labels = { "service", "operation", "outcome" } },
	[METRIC_AWS_DURATION] = { "quiver_aws_duration_seconds",
	  "Time of one call to an AWS service, with all its tries.",
	  .type = METRIC_HISTOGRAM, .unit = METRIC_NANOSECONDS, .labels = { "service", "operation" },
	  .buckets = { 250 * US, 500 * US, 1 * MS, 2500 * US, 5 * MS, 10 * MS, 25 * MS, 50 * MS,
	  100 * MS, 250 * MS, 500 * MS, 1 * S, 2500 * MS, 5 * S, 10 * S } },
	[METRIC_AWS_RETRIES] = { "quiver_aws_retries_total",
	  "Calls to an AWS service tried again, by why; exhausted: not tried, the budget is used up.",
	  .type = METRIC_COUNTER, .labels = { "service", "cause" } },
	[METRIC_AWS_CONNECTIONS] = { "quiver_aws_connections_total",
	  "Connections that calls to an AWS service used, new or once more.",
	  .type = METRIC_COUNTER, .labels = { "service", "outcome" } },
	[METRIC_AWS_CREDENTIALS] = { "quiver_aws_credentials_total",
	  "Keys for AWS fetched or not.",
	  .type = METRIC_COUNTER, .labels = { "source", "outcome" } },
	[METRIC_MAIL] = { "quiver_mail_total",
	  "Mails taken, sent, kept as a file instead, refused by a full queue, or lost.",
	  .type = METRIC_COUNTER, .labels = { "outcome" } },
	[METRIC_REDIS] = { "quiver_redis_total",
	  "Calls to Redis by how they went; open: not asked, since the breaker is open.",
	  .type = METRIC_COUNTER, .labels = { "purpose", "outcome" } },
	[METRIC_REDIS_DURATION] = { "quiver_redis_duration_seconds",
	  "Time of one call to Redis, connecting included.",
	  .type = METRIC_HISTOGRAM, .unit = METRIC_NANOSECONDS, .labels = { "purpose" },
	  .buckets = { 50 * US, 100 * US, 250 * US, 500 * US, 1 * MS, 2500 * US, 5 * MS, 10 * MS,
	  25 * MS, 50 * MS, 100 * MS, 1 * S } },
	[METRIC_REDIS_OPEN] = { "quiver_redis_open",
	  "Whether the breaker is open: 1 while Redis is not asked.",
	  .type = METRIC_GAUGE, .labels = { "purpose" } },
	[METRIC_NOTICES] = { "quiver_notices_total",
	  "What machines tell each other: sent and heard through Redis, gaps in it, readings of the store.",
	  .type = METRIC_COUNTER, .labels = { "event" } },
	[METRIC_LIMIT_DECIDED] = { "quiver_limit_decided_total",
	  "With REDIS_URL, who decided about a request's limits.",
	  .type = METRIC_COUNTER, .labels = { "by" } },
	[METRIC_DROPPED_SERIES] = { "quiver_metrics_dropped_series_total",
	  "Series that found no room, or whose labels are too long, and were not counted.",
	  .type = METRIC_COUNTER },
};
static_assert(COUNT(rows) == METRIC_COUNT, "a row for each metric");
static_assert(sizeof(struct metric_series) == 512, "slots fill cache lines and pages evenly");

const struct metric_row *metrics_row(size_t i)
{
	return i < COUNT(rows) ? &rows[i] : NULL;
}

/* Slots say a metric's number and its buckets': when the table changes, so does
 * the version, and the segment is remade. */
static uint32_t table_version(void)
{
	uint64_t version = LAYOUT_VERSION;

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct metric_row *row = &rows[i];
		version = version * 31 + str_hash(str_of(row->name));
		for (size_t j = 0; j < METRIC_LABELS_MAX && row->labels[j] != NULL; j++)
			version = version * 31 + str_hash(str_of(row->labels[j]));
		for (size_t j = 0; j < METRIC_BUCKETS_MAX; j++)
			version = version * 31 + row->buckets[j];
	}
	return (uint32_t)(version ^ version >> 32);
}

static void count_log_line(void *context, enum log_level level)
{
	struct metrics *m = context;
	metrics_add(m->log_lines[level], 1);
}

/* The series that the registry itself counts on. */
static void make_own_series(struct metrics *m)
{
	static const char *const levels[] = { "debug", "info", "warn", "error" };
	static_assert(COUNT(levels) == LOG_ERROR + 1, "a label for each level");
	static_assert(COUNT(levels) == COUNT(m->log_lines), "a series for each level");

	for (uint32_t i = 0; i < METRIC_COUNT; i++)
		m->discarded[i].metric = i;
	m->dropped = &m->discarded[METRIC_DROPPED_SERIES];
	m->dropped = metrics_series(m, METRIC_DROPPED_SERIES, NULL);
	for (size_t i = 0; i < COUNT(levels); i++)
		m->log_lines[i] = metrics_series(m, METRIC_LOG_LINES, &levels[i]);
	log_on_line(count_log_line, m);
}

static struct metrics *metrics_new(void)
{
	struct metrics *m = calloc(1, sizeof(*m));
	if (m == NULL)
		return NULL;
	pthread_mutex_init(&m->making, NULL);
	return m;
}

enum err metrics_open(const char *state_dir, struct metrics **out)
{
	struct metrics *m = metrics_new();
	if (m == NULL)
		return ERR_NO_MEMORY;
	enum err e = segment_open(state_dir, "metrics", table_version(),
	    sizeof(struct registry), &m->segment);
	if (e != OK) {
		free(m);
		return e;
	}
	m->registry = m->segment.data;
	make_own_series(m);
	*out = m;
	return OK;
}

enum err metrics_open_private(struct metrics **out)
{
	struct metrics *m = metrics_new();
	if (m == NULL)
		return ERR_NO_MEMORY;
	m->registry = calloc(1, sizeof(struct registry));
	if (m->registry == NULL) {
		free(m);
		return ERR_NO_MEMORY;
	}
	make_own_series(m);
	*out = m;
	return OK;
}

void metrics_close(struct metrics *m)
{
	if (m == NULL)
		return;
	log_on_line(NULL, NULL);
	if (m->segment.mapping != NULL)
		segment_close(&m->segment);
	else
		free(m->registry);
	pthread_mutex_destroy(&m->making);
	free(m);
}

/* name="value" as the exposition wants it; false: no room. */
static bool add_label(char *out, size_t *len, const char *name, const char *value)
{
	int n = snprintf(out + *len, SERIES_LABEL_BYTES - *len, "%s%s=\"",
	    *len == 0 ? "" : ",", name);
	if (n < 0 || (size_t)n >= SERIES_LABEL_BYTES - *len)
		return false;
	*len += (size_t)n;
	for (; *value != '\0'; value++) {
		if (SERIES_LABEL_BYTES - *len < 4)
			return false;
		if (*value == '"' || *value == '\\' || *value == '\n')
			out[(*len)++] = '\\';
		out[(*len)++] = *value == '\n' ? 'n' : *value;
	}
	out[(*len)++] = '"';
	return true;
}

/* Fills in what a slot for these labels says; false: too long. */
static bool describe(struct metric_series *s, enum metric metric, const char *const *values)
{
	const struct metric_row *row = &rows[metric];
	size_t len = 0;

	*s = (struct metric_series){ .metric = (uint32_t)metric };
	for (size_t i = 0; i < METRIC_LABELS_MAX && row->labels[i] != NULL; i++) {
		if (!add_label(s->labels, &len, row->labels[i], values[i]))
			return false;
		if (strcmp(row->labels[i], "pid") == 0)
			s->pid = strtoll(values[i], NULL, 10);
	}
	s->labels_len = (uint32_t)len;
	if (s->pid != 0 && process_started(s->pid, &s->started) != OK)
		s->started = 0;
	return true;
}

static bool is_same(const struct metric_series *a, const struct metric_series *b)
{
	return a->metric == b->metric && a->labels_len == b->labels_len &&
	    memcmp(a->labels, b->labels, a->labels_len) == 0;
}

static uint64_t ready_word(const struct metric_series *s)
{
	uint64_t hash = str_hash((struct str){ s->labels, s->labels_len });
	return ((hash + s->metric * UINT64_C(0x9E3779B97F4A7C15)) & ~UINT64_C(3)) | SERIES_READY;
}

static uint64_t claim_word(void)
{
	return (uint64_t)getpid() << 2 | SERIES_CLAIMED;
}

static bool swap_word(struct metrics *m, size_t i, uint64_t expected, uint64_t desired)
{
	return __atomic_compare_exchange_n(&m->registry->words[i], &expected, desired, false,
	    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

void series_free(struct metrics *m, size_t i, uint64_t word)
{
	(void)swap_word(m, i, word, SERIES_FREED);
}

/* Whether whoever claimed a slot will never fill it in.  A claim under our own
 * pid is one that an earlier process of that number left: ours are made one at a
 * time, under a mutex. */
static bool is_abandoned(uint64_t word)
{
	uint64_t ticks;
	return word == claim_word() ||
	    process_started((int64_t)(word >> 2), &ticks) == ERR_NOT_FOUND;
}

/* The word of slot `i` once nobody alive is filling it in: another process may
 * be making the very series that is wanted.  What a dead one left is freed. */
static uint64_t settled_word(struct metrics *m, size_t i)
{
	uint64_t word = series_word(m, i);

	for (int n = 0; n < CLAIM_SPINS && SERIES_STATE(word) == SERIES_CLAIMED; n++) {
		/* Looking at a process costs more than what it has left to do. */
		if (n >= CLAIM_SPINS / 2 && is_abandoned(word))
			series_free(m, i, word);
		else
			sched_yield();
		word = series_word(m, i);
	}
	return word;
}

/* Whether a slot in `word`'s state may be taken for `s`.  Freed slots go to the
 * series of processes only: of the others two processes would each find another
 * one free and make the same series twice. */
static bool is_takeable(uint64_t word, const struct metric_series *s)
{
	return SERIES_STATE(word) == SERIES_EMPTY ||
	    (SERIES_STATE(word) == SERIES_FREED && s->pid != 0);
}

struct place {
	size_t   index;         /* SERIES_MAX: none */
	uint64_t word;          /* what stands there */
};

/*
 * The slot of `s`; else *vacant is where it may be made.
 * Slots are tried from the first on, not from a hash: the words lie together and
 * a few hundred of them are read in well under a microsecond, and the slots in
 * use share pages.  All processes so meet at the first empty slot, where one
 * compare-and-swap decides.
 */
static struct metric_series *find(struct metrics *m, const struct metric_series *s,
    struct place *vacant)
{
	uint64_t wanted = ready_word(s);

	vacant->index = SERIES_MAX;
	for (size_t i = 0; i < SERIES_MAX; i++) {
		uint64_t word = settled_word(m, i);
		if (word == wanted && is_same(&m->registry->series[i], s))
			return &m->registry->series[i];
		if (vacant->index == SERIES_MAX && is_takeable(word, s))
			*vacant = (struct place){ i, word };
		if (SERIES_STATE(word) == SERIES_EMPTY)
			break;
	}
	return NULL;
}

/* False when someone was faster, or thought us dead and took the slot over. */
static bool make(struct metrics *m, const struct place *vacant, const struct metric_series *s)
{
	uint64_t claim = claim_word();

	if (!swap_word(m, vacant->index, vacant->word, claim))
		return false;
	m->registry->series[vacant->index] = *s;
	return swap_word(m, vacant->index, claim, ready_word(s));
}

static struct metric_series *find_or_make(struct metrics *m, const struct metric_series *s)
{
	struct place vacant;

	for (;;) {
		struct metric_series *found = find(m, s, &vacant);
		if (found != NULL)
			return found;
		if (vacant.index == SERIES_MAX)
			return NULL;
		if (make(m, &vacant, s))
			return &m->registry->series[vacant.index];
	}
}

/* Gauges of processes that ended without a scrape since: a handler that crashes
 * in a loop must not use up the registry, nor go on from what an earlier process
 * of its pid counted. */
static void free_orphans(struct metrics *m)
{
	for (size_t i = 0; i < SERIES_MAX; i++) {
		uint64_t word = series_word(m, i);
		if (SERIES_STATE(word) == SERIES_EMPTY)
			return;
		if (SERIES_STATE(word) == SERIES_READY &&
		    series_is_orphan(&m->registry->series[i]))
			series_free(m, i, word);
	}
}

struct metric_series *metrics_series(struct metrics *m, enum metric metric,
    const char *const *label_values)
{
	struct metric_series wanted, *found = NULL;

	if (describe(&wanted, metric, label_values)) {
		pthread_mutex_lock(&m->making);
		if (wanted.pid != 0)
			free_orphans(m);
		found = find_or_make(m, &wanted);
		pthread_mutex_unlock(&m->making);
	}
	if (found != NULL)
		return found;
	metrics_add(m->dropped, 1);
	return &m->discarded[metric];
}

void metrics_add(struct metric_series *s, uint64_t n)
{
	__atomic_fetch_add(&s->values[0], n, __ATOMIC_RELAXED);
}

void metrics_set(struct metric_series *s, int64_t n)
{
	__atomic_store_n(&s->values[0], (uint64_t)n, __ATOMIC_RELAXED);
}

void metrics_change(struct metric_series *s, int64_t by)
{
	__atomic_fetch_add(&s->values[0], (uint64_t)by, __ATOMIC_RELAXED);
}

void metrics_observe(struct metric_series *s, uint64_t value)
{
	const uint64_t *bounds = rows[s->metric].buckets;
	size_t i = 0;

	while (i < METRIC_BUCKETS_MAX && bounds[i] != 0 && value > bounds[i])
		i++;
	__atomic_fetch_add(&s->values[1 + i], 1, __ATOMIC_RELAXED);
	__atomic_fetch_add(&s->values[0], value, __ATOMIC_RELAXED);
}

uint64_t metrics_read(const struct metric_series *s)
{
	uint64_t n = 0;

	if (rows[s->metric].type != METRIC_HISTOGRAM)
		return series_load(&s->values[0]);
	for (size_t i = 1; i < COUNT(s->values); i++)
		n += series_load(&s->values[i]);
	return n;
}
