/*
 * What Redis decides, and what stands for it.  A caller that Redis refused is
 * remembered in a cell of this machine, with the very state that refused it: until
 * time alone has changed the answer, Redis is not asked again.
 */
#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "base/time.h"
#include "limit/claim.h"
#include "log/log.h"

#define NS_PER_S        UINT64_C(1000000000)
#define DENIED_RETRY_NS NS_PER_S

/* --- opening -------------------------------------------------------------------- */

/* A share of a rate is the same number of units in a longer time, with nothing
 * rounded; a share of what may be had at once is rounded up. */
static void share_policy(const struct limit_policy *p, uint32_t machines,
    struct limit_policy *out)
{
	uint64_t burst = p->burst != 0 ? p->burst : p->limit;

	*out = *p;
	if (p->algorithm == LIMIT_WINDOW) {
		out->limit = (p->limit + machines - 1) / machines;
		return;
	}
	out->burst = (burst + machines - 1) / machines;
	out->ahead = burst;             /* as widen() may allow */
	out->period_ms = p->period_ms * machines;
}

void limit_share(struct limiter *l, const uint8_t secret[SECRET_BYTES], uint32_t machines)
{
	static const char *const deciders[] = { "redis", "remembered", "local", "allow", "deny" };
	static_assert(COUNT(deciders) == DECIDERS, "a name for each");

	for (size_t i = 0; i < DECIDERS; i++)
		l->decided[i] = metrics_series(l->metrics, METRIC_LIMIT_DECIDED, &deciders[i]);
	limit_script_name(&l->script);
	for (size_t i = 0; i < l->count; i++) {
		struct rule               *rule = &l->rules[i];
		const struct limit_policy *p = rule->rule.policy;

		limit_remote_rule(secret, p, &rule->remote);
		limit_cells_rule(l->cells, p, LIMIT_CELL_SEEN, &rule->seen);
		share_policy(p, machines, &rule->share_policy);
		limit_cells_rule(l->cells, &rule->share_policy, LIMIT_CELL_OWN, &rule->share);
	}
}

/* What a policy says that has no arithmetic now. */
static void settle(struct claim *c, bool allowed)
{
	c->step = (struct limit_step){ .allowed = allowed };
	if (allowed)
		c->step.remaining = UINT64_MAX;
	else
		c->step.retry_after_ns = c->step.reset_ns = DENIED_RETRY_NS;
}

/* --- remembering ---------------------------------------------------------------- */

/* The clock by which Redis decides, as far as is known here. */
static uint64_t redis_now_ns(const struct limiter *l)
{
	int64_t ahead = atomic_load_explicit(&l->redis_ahead_ns, memory_order_relaxed);

	return ahead == 0 ? 0 : (uint64_t)(ahead + (int64_t)time_monotonic_ns());
}

static void learn_clock(struct limiter *l, uint64_t now_ns)
{
	atomic_store_explicit(&l->redis_ahead_ns, (int64_t)(now_ns - time_monotonic_ns()),
	    memory_order_relaxed);
}

static bool is_remembered(struct limiter *l, struct claim *claims, size_t n, uint32_t cost)
{
	uint64_t now_ns = redis_now_ns(l);
	bool     refused = false;

	for (size_t i = 0; now_ns != 0 && i < n; i++) {
		struct claim      *c = &claims[i];
		struct limit_place place;

		settle(c, true);
		if (c->rule->rule.policy->dry_run)
			continue;
		place = limit_cells_place(l->cells, &c->rule->seen, c->key);
		c->step = limit_cells_peek(l->cells, &c->rule->seen, &place, now_ns, cost);
		refused = refused || !c->step.allowed;
	}
	return refused;
}

static void remember(struct limiter *l, const struct claim *c, const struct limit_asked *asked,
    uint64_t now_ns)
{
	struct limit_place place = limit_cells_place(l->cells, &c->rule->seen, c->key);
	bool               evicted;

	limit_cells_set(l->cells, &place, asked->state, now_ns, &evicted);
	if (evicted)
		metrics_add(l->evictions, 1);
}

/* --- without Redis -------------------------------------------------------------- */

/* A share under what one request costs would refuse that request for as long as Redis
 * is away: it may be had when nothing else was. */
static void widen(struct limit_policy *p, const struct limit_policy *whole, uint32_t cost)
{
	uint64_t most = whole->burst != 0 ? whole->burst : whole->limit;

	if (p->algorithm == LIMIT_WINDOW && p->limit < cost && cost <= whole->limit)
		p->limit = cost;
	else if (p->algorithm == LIMIT_GCRA && p->burst < cost && cost <= most)
		p->burst = cost;
}

static bool take_share(struct limiter *l, struct claim *claims, size_t n, uint64_t now_ns,
    uint32_t cost)
{
	struct limit_policy policies[LIMIT_SUBJECT_POLICIES_MAX];
	struct limit_rule   rules[LIMIT_SUBJECT_POLICIES_MAX];
	bool                taken;

	for (size_t i = 0; i < n; i++) {
		policies[i] = claims[i].rule->share_policy;
		widen(&policies[i], claims[i].rule->rule.policy, cost);
		rules[i] = claims[i].rule->share;
		rules[i].policy = &policies[i];
		claims[i].at = &rules[i];
	}
	taken = claims_take_here(l, claims, n, now_ns, cost);
	/* The others' policies end here. */
	for (size_t i = 0; i < n; i++)
		claims[i].at = &claims[i].rule->share;
	return taken;
}

/* Each policy by its own on_failure; one that denies spares the others' units. */
static bool take_without(struct limiter *l, struct claim *claims, size_t n, uint64_t now_ns,
    uint32_t cost)
{
	struct claim       local[LIMIT_SUBJECT_POLICIES_MAX];
	size_t             from[LIMIT_SUBJECT_POLICIES_MAX], n_local = 0;
	enum limit_decider by = DECIDED_ALLOW;
	bool               allowed = true;

	for (size_t i = 0; i < n; i++) {
		enum limit_failure way = claims[i].rule->rule.policy->on_failure;

		settle(&claims[i], way != LIMIT_DENY);
		allowed = allowed && !claim_refuses(&claims[i]);
		if (way == LIMIT_LOCAL) {
			from[n_local] = i;
			local[n_local++] = claims[i];
		}
	}
	if (!allowed) {
		by = DECIDED_DENY;
	} else if (n_local > 0) {
		by = DECIDED_LOCAL;
		allowed = take_share(l, local, n_local, now_ns, cost);
		for (size_t i = 0; i < n_local; i++)
			claims[from[i]] = local[i];
	}
	metrics_add(l->decided[by], 1);
	return allowed;
}

/* --- with it -------------------------------------------------------------------- */

static bool take_answer(struct limiter *l, struct claim *claims, size_t n,
    const struct limit_asked *asked, const struct limit_answer *answer)
{
	learn_clock(l, answer->now_ns);
	for (size_t i = 0; i < n; i++) {
		claims[i].step = asked[i].step;
		if (claim_refuses(&claims[i]))
			remember(l, &claims[i], &asked[i], answer->now_ns);
	}
	metrics_add(l->decided[DECIDED_REDIS], 1);
	return answer->allowed;
}

bool claims_take_shared(struct limiter *l, struct redis *r, struct claim *claims, size_t n,
    uint64_t now_ns, uint32_t cost, struct limit_verdict *out)
{
	struct limit_asked  asked[LIMIT_SUBJECT_POLICIES_MAX];
	struct limit_answer answer;
	enum redis_outcome  outcome;

	if (is_remembered(l, claims, n, cost)) {
		metrics_add(l->decided[DECIDED_REMEMBERED], 1);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		asked[i].policy = claims[i].rule->rule.policy;
		limit_remote_key(&claims[i].rule->remote, claims[i].key, asked[i].key);
	}
	outcome = limit_remote_take(r, &l->script, asked, n, cost, &answer);
	if (outcome == REDIS_ANSWERED)
		return take_answer(l, claims, n, asked, &answer);
	out->degraded = true;
	out->cause = redis_outcome_name(outcome);
	return take_without(l, claims, n, now_ns, cost);
}
