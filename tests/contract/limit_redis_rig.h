/*
 * limit_redis_rig: machines that share a Redis of the test's own, and policies to ask
 * them about.
 */
#ifndef TESTS_CONTRACT_LIMIT_REDIS_RIG_H
#define TESTS_CONTRACT_LIMIT_REDIS_RIG_H

#include "base/limits.h"
#include "base/time.h"
#include "limit/limit.h"
#include "redis_server.h"
#include "test.h"

#define DEADLINE_MS 500
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

static const uint8_t secret[SECRET_BYTES] = { 1, 2, 3 };

static const struct limit_policy policies[] = {
	{ "hot", LIMIT_BY_ROLE, "hot", LIMIT_GCRA, 200, 1000, 400 },
	{ "slow", LIMIT_BY_ROLE, "slow", LIMIT_GCRA, 20, 3600000, 0 },
	{ "tight", LIMIT_BY_ROUTE, "tight", LIMIT_GCRA, 3, 3600000, 0 },
	{ "hourly", LIMIT_BY_TENANT, "hourly", LIMIT_WINDOW, 5, 3600000, 0 },
	{ "watched", LIMIT_BY_ROUTE, "watched", LIMIT_GCRA, 1, 3600000, 0, true },
	{ "open", LIMIT_BY_PLAN, "open", LIMIT_GCRA, 1, 3600000, 0, false, LIMIT_ALLOW },
	{ "shut", LIMIT_BY_PLAN, "shut", LIMIT_GCRA, 1000, 1000, 0, false, LIMIT_DENY },
	{ "quick", LIMIT_BY_PLAN, "quick", LIMIT_GCRA, 5, 1000, 1 },
	{ .name = NULL },
};

struct machine {
	struct arena         arena;
	struct metrics      *metrics;
	struct redis_server *server;
	struct redis        *redis;
	struct limiter      *limiter;
};

static inline void machine_open(struct machine *m, const char *dir, const char *url, uint32_t machines)
{
	struct str reason;

	arena_init(&m->arena, ARENA_MAX_BYTES);
	assert_int_equal(dir == NULL ? metrics_open_private(&m->metrics) :
	    metrics_open(dir, &m->metrics), OK);
	assert_int_equal(redis_open(dir, str_of(url), m->metrics, &m->server, &m->arena, &reason),
	    OK);
	/* Not the product's 5 ms: what is counted here must not depend on what else runs. */
	redis_set_deadline(m->server, REDIS_LIMITS, DEADLINE_MS);
	m->redis = redis_new(m->server, REDIS_LIMITS);
	assert_int_equal(limit_open(dir, policies, m->metrics, &m->limiter), OK);
	limit_share(m->limiter, secret, machines);
}

static inline void machine_close(struct machine *m)
{
	redis_free(m->redis);
	limit_close(m->limiter);
	redis_close(m->server);
	metrics_close(m->metrics);
	arena_clean(&m->arena);
}

static inline struct limit_verdict ask(struct machine *m, const struct limit_subject *who, uint32_t cost)
{
	struct limit_verdict v;

	assert_int_equal(limit_take(m->limiter, m->redis, who, cost, time_now_ms(), &v), OK);
	return v;
}

static inline struct limit_subject by_role(const char *role, const char *key)
{
	return (struct limit_subject){ .role = str_of(role), .role_key = str_of(key) };
}

static inline uint64_t decided(struct machine *m, const char *by)
{
	return metrics_read(metrics_series(m->metrics, METRIC_LIMIT_DECIDED,
	    (const char *const[]){ by }));
}

static inline const struct redisReply *command(struct redis *r, const struct str *words, size_t n)
{
	const struct redisReply *reply;

	assert_int_equal(redis_call(r, words, n, time_monotonic_ns() + NS_PER_S, &reply),
	    REDIS_ANSWERED);
	return reply;
}

/* How often the server was asked for it. */
static inline int calls_of(struct machine *m, const char *name)
{
	const struct str words[] = { STR("INFO"), STR("commandstats") };
	char  line[64];
	const char *found;

	snprintf(line, sizeof(line), "cmdstat_%s:calls=", name);
	found = strstr(command(m->redis, words, 2)->str, line);
	return found == NULL ? 0 : (int)strtol(found + strlen(line), NULL, 10);
}

#endif
