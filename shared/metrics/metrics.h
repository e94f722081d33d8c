/*
 * metrics: one registry for all handlers of a machine, in shared memory.
 * The table in metrics.c has a row a metric (name, type, unit, help, label
 * names, buckets).  A series is a metric with label values; it is found or made
 * once, at start, and counting on it is one atomic add.
 * Bounds:   SERIES_MAX series; past it a series counts into a discarded cell and
 *           quiver_metrics_dropped_series_total says so.  Label values come from
 *           tables (routes, handlers, outcomes), never from a client.
 * Lifetime: metrics_open once a process; the counts outlive it.
 * Threads:  safe from any; every process of the machine shares the segment.
 */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"

enum metric {
	METRIC_REQUESTS,                /* counter: handler, method, route, status */
	METRIC_REQUEST_DURATION,        /* histogram, seconds: handler, route */
	METRIC_REQUESTS_IN_FLIGHT,      /* gauge: handler, pid (removed when the process ends) */
	METRIC_LIMITED,                 /* counter: handler, policy, outcome (allowed, …) */
	METRIC_LIMIT_EVICTIONS,         /* counter */
	METRIC_AUTH,                    /* counter: kind (session, anonymous, …), outcome */
	METRIC_STORE_OPERATIONS,        /* counter: engine, operation, outcome */
	METRIC_STORE_DURATION,          /* histogram, seconds: engine, operation */
	METRIC_STORE_BATCH,             /* histogram, transactions in one commit */
	METRIC_STORE_FAILURES,          /* counter: engine, cause (disk_full, read_only, …) */
	METRIC_CONNECTIONS,             /* counter: handler, outcome (accepted, closed, …) */
	METRIC_LOG_LINES,               /* counter: level */
	METRIC_PROCESS_START,           /* gauge, unix seconds: handler, pid */
	METRIC_BUILD_INFO,              /* gauge, 1: handler, version */
	METRIC_OUTGOING,                /* counter: purpose (jwks, mail, …), outcome */
	METRIC_JWKS,                    /* counter: outcome (fetched, failed, unavailable) */
	METRIC_OUTGOING_DURATION,       /* histogram, seconds: purpose */
	METRIC_AWS_CALLS,               /* counter: service, operation, outcome (ok, refused, …) */
	METRIC_AWS_DURATION,            /* histogram, seconds: service, operation */
	METRIC_AWS_RETRIES,             /* counter: service, cause (throttled, unavailable, …) */
	METRIC_AWS_CONNECTIONS,         /* counter: service, outcome (reused, new) */
	METRIC_AWS_CREDENTIALS,         /* counter: source, outcome (fetched, failed) */
	METRIC_MAIL,                    /* counter: outcome (queued, sent, kept, …) */
	METRIC_REDIS,                   /* counter: purpose (limits, publish, follow), outcome */
	METRIC_REDIS_DURATION,          /* histogram, seconds: purpose */
	METRIC_REDIS_OPEN,              /* gauge: purpose */
	METRIC_NOTICES,                 /* counter: event (sent, unsent, heard, gap, read, unread) */
	METRIC_LIMIT_DECIDED,           /* counter: by (redis, remembered, local, allow, deny) */
	METRIC_DROPPED_SERIES,          /* counter */
	METRIC_COUNT
};

struct metrics;                         /* opaque */
struct metric_series;                   /* in shared memory; opaque */

NODISCARD enum err metrics_open(const char *state_dir, struct metrics **out) NONNULL_ALL;
/* In-process only, for tests and for a process without a state directory. */
NODISCARD enum err metrics_open_private(struct metrics **out) NONNULL_ALL;
void metrics_close(struct metrics *m);

/* The series of `metric` with these label values, one per label name of its
 * row, in the row's order.  Never NULL (see Bounds). */
struct metric_series *metrics_series(struct metrics *m, enum metric metric,
    const char *const *label_values) NONNULL(1);
/* Gauges of processes that no longer live are dropped at exposition. */

void metrics_add(struct metric_series *s, uint64_t n) NONNULL_ALL;
void metrics_set(struct metric_series *s, int64_t n) NONNULL_ALL;
void metrics_change(struct metric_series *s, int64_t by) NONNULL_ALL;
/* A histogram takes what its row's unit says: nanoseconds for seconds, else counts. */
void metrics_observe(struct metric_series *s, uint64_t value) NONNULL_ALL;
/* A counter's or gauge's value; how many a histogram observed. */
uint64_t metrics_read(const struct metric_series *s) NONNULL_ALL;

/* Prometheus text format 0.0.4 of every series of the machine. */
void metrics_expose(struct metrics *m, struct buf *out) NONNULL_ALL;

#endif
