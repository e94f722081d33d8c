/*
 * series: how series lie in memory; for metrics.c, which makes and counts them,
 * and expose.c, which reads them.
 */
#ifndef METRICS_SERIES_H
#define METRICS_SERIES_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/segment.h"
#include "metrics/metrics.h"

#define METRIC_LABELS_MAX   4
#define METRIC_BUCKETS_MAX  20
#define SERIES_LABEL_BYTES  312         /* all labels of one series, as they are exposed */
#define SERIES_MAX          4096        /* 2 MiB, of which what is used is touched */

enum metric_type { METRIC_NONE, METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };
/* What one of the numbers is: exposed in Prometheus' base units. */
enum metric_unit { METRIC_ONES, METRIC_NANOSECONDS };

struct metric_row {
	const char      *name, *help;
	enum metric_type type;
	enum metric_unit unit;
	const char      *labels[METRIC_LABELS_MAX];     /* ended by NULL when fewer */
	uint64_t         buckets[METRIC_BUCKETS_MAX];   /* upper bounds, rising, ended by 0 */
};

/* The row of metric `i`; NULL past the end. */
const struct metric_row *metrics_row(size_t i);

/*
 * A slot's word says what it is: a state in the two lowest bits, and above them
 * the hash of metric and labels (SERIES_READY) or the pid of who fills it in
 * (SERIES_CLAIMED), so that a slot whose filler died can be taken over.
 */
enum series_state { SERIES_EMPTY, SERIES_CLAIMED, SERIES_READY, SERIES_FREED };
#define SERIES_STATE(word) ((enum series_state)((word) & 3))

struct metric_series {
	uint32_t metric;
	uint32_t labels_len;
	int64_t  pid;                   /* of a row with a pid label; else 0 */
	uint64_t started;               /* that process's start, see process_started; 0: unknown */
	char     labels[SERIES_LABEL_BYTES];    /* handler="content",method="GET" */
	/* counter or gauge: [0]; histogram: the sum, then one a bucket, +Inf last */
	uint64_t values[METRIC_BUCKETS_MAX + 2];
};

struct registry {
	uint64_t             words[SERIES_MAX];
	struct metric_series series[SERIES_MAX];
};

struct metrics {
	struct segment        segment;
	struct registry      *registry;
	pthread_mutex_t       making;   /* this process's threads make one series at a time */
	struct metric_series *dropped, *log_lines[4];
	struct metric_series  discarded[METRIC_COUNT];
};

static inline uint64_t series_load(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline uint64_t series_word(const struct metrics *m, size_t i)
{
	return __atomic_load_n(&m->registry->words[i], __ATOMIC_ACQUIRE);
}

/* Gives slot `i` back unless it is no longer `word`. */
void series_free(struct metrics *m, size_t i, uint64_t word) NONNULL_ALL;
/* Whether the process that a series belongs to is gone (or a zombie, or another
 * one has its pid now).  False for a series that belongs to none. */
bool series_is_orphan(const struct metric_series *s) NONNULL_ALL;

/* When process `pid` started, in the kernel's ticks since boot.  ERR_NOT_FOUND:
 * it does not live (a zombie does not either); ERR_IO: it lives, and /proc does
 * not say more. */
NODISCARD enum err process_started(int64_t pid, uint64_t *ticks) NONNULL(2);

#endif
