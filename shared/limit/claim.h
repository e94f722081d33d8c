/*
 * claim: what is behind `struct limiter`; limit/ alone includes it.
 */
#ifndef LIMIT_CLAIM_H
#define LIMIT_CLAIM_H

#include "limit/local.h"
#include "limit/remote.h"

#define LIMIT_INDEX_SLOTS (4 * LIMIT_POLICIES_MAX)      /* a power of two, at most a quarter full */

struct rule {
	struct limit_rule     rule;
	struct metric_series *allowed, *refused, *dry_run;
	/* With Redis: */
	struct limit_remote_rule remote;
	struct limit_rule     seen;             /* what Redis held when it last refused */
	struct limit_policy   share_policy;
	struct limit_rule     share;            /* what this machine gives without Redis */
};

/* Who decided, with Redis. */
enum limit_decider {
	DECIDED_REDIS, DECIDED_REMEMBERED, DECIDED_LOCAL, DECIDED_ALLOW, DECIDED_DENY, DECIDERS
};

struct limiter {
	struct limit_cells   *cells;
	struct rule          *rules;
	size_t                count;
	uint16_t              index[LIMIT_INDEX_SLOTS]; /* scope and selector → rule */
	struct metrics       *metrics;
	struct metric_series *evictions;
	/* With Redis: */
	struct limit_script   script;
	struct metric_series *decided[DECIDERS];
	_Atomic int64_t       redis_ahead_ns;   /* its clock before our monotonic one; 0: not known */
};

/* A policy that applies to the request at hand. */
struct claim {
	const struct rule       *rule;
	const struct limit_rule *at;    /* the rule's own, or its share's */
	struct str         key;
	struct limit_place place;
	struct limit_step  step;
	bool               taken;
};

/* Whether it refuses the whole request. */
static inline bool claim_refuses(const struct claim *c)
{
	return !c->step.allowed && !c->rule->rule.policy->dry_run;
}

/* From all or from none, in this machine's cells. */
NODISCARD bool claims_take_here(struct limiter *l, struct claim *claims, size_t n,
    uint64_t now_ns, uint32_t cost) NONNULL_ALL;
/* The same in Redis, or what the policies want where that cannot be asked. */
NODISCARD bool claims_take_shared(struct limiter *l, struct redis *r, struct claim *claims,
    size_t n, uint64_t now_ns, uint32_t cost, struct limit_verdict *out) NONNULL_ALL;

#endif
