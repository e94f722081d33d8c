#include "limit/limit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/time.h"
#include "limit/claim.h"
#include "log/log.h"

#define NS_PER_MS       UINT64_C(1000000)
#define NS_PER_S        UINT64_C(1000000000)
#define INDEX_FREE      UINT16_MAX

static size_t index_start(enum limit_scope scope, struct str selector)
{
	return (str_hash(selector) + (size_t)scope * 0x9E3779B9u) % LIMIT_INDEX_SLOTS;
}

static const struct rule *rule_of(const struct limiter *l, enum limit_scope scope,
    struct str selector)
{
	size_t i = index_start(scope, selector);

	for (; l->index[i] != INDEX_FREE; i = (i + 1) % LIMIT_INDEX_SLOTS) {
		const struct rule *rule = &l->rules[l->index[i]];
		const struct limit_policy *p = rule->rule.policy;
		if (p->scope == scope && str_eq(str_of(p->selector), selector))
			return rule;
	}
	return NULL;
}

static struct metric_series *outcome_series(struct metrics *m, const char *policy,
    const char *outcome)
{
	return metrics_series(m, METRIC_LIMITED,
	    (const char *const[]){ log_handler(), policy, outcome });
}

static void add_rule(struct limiter *l, const struct limit_policy *p, struct metrics *m)
{
	struct rule *rule = &l->rules[l->count];
	size_t i = index_start(p->scope, str_of(p->selector));

	limit_cells_rule(l->cells, p, LIMIT_CELL_OWN, &rule->rule);
	rule->allowed = outcome_series(m, p->name, "allowed");
	rule->refused = outcome_series(m, p->name, "refused");
	rule->dry_run = outcome_series(m, p->name, "dry_run");
	while (l->index[i] != INDEX_FREE)
		i = (i + 1) % LIMIT_INDEX_SLOTS;
	l->index[i] = (uint16_t)l->count++;
}

static size_t count_policies(const struct limit_policy *policies)
{
	size_t n = 0;
	while (policies[n].name != NULL)
		n++;
	return n;
}

enum err limit_open(const char *state_dir, const struct limit_policy *policies,
    struct metrics *m, struct limiter **out)
{
	size_t count = count_policies(policies);
	if (count > LIMIT_POLICIES_MAX)
		return ERR_TOO_LARGE;
	struct limiter *l = calloc(1, sizeof(*l));
	struct rule *rules = calloc(count + 1, sizeof(*rules));
	enum err e = l == NULL || rules == NULL ? ERR_NO_MEMORY : OK;
	if (e == OK)
		e = limit_cells_open(state_dir, &l->cells);
	if (e != OK) {
		free(rules);
		free(l);
		return e;
	}
	l->rules = rules;
	l->metrics = m;
	memset(l->index, 0xFF, sizeof(l->index));
	l->evictions = metrics_series(m, METRIC_LIMIT_EVICTIONS, NULL);
	for (size_t i = 0; i < count; i++)
		add_rule(l, &policies[i], m);
	*out = l;
	return OK;
}

void limit_close(struct limiter *l)
{
	if (l == NULL)
		return;
	limit_cells_close(l->cells);
	free(l->rules);
	free(l);
}

static size_t select_claims(const struct limiter *l, const struct limit_subject *who,
    struct claim claims[LIMIT_SUBJECT_POLICIES_MAX])
{
	const struct { enum limit_scope scope; struct str selector, key; } ways[] = {
		{ LIMIT_BY_ROLE, who->role, who->role_key },
		{ LIMIT_BY_PLAN, who->plan, who->plan_key },
		{ LIMIT_BY_TENANT, who->tenant_plan, who->tenant },
		{ LIMIT_BY_ROUTE, who->route_class, who->address },
		{ LIMIT_BY_ROUTE_ACCOUNT, who->route_class, who->account },
	};
	static_assert(COUNT(ways) == LIMIT_SCOPES, "a way to be selected for each scope");
	static_assert(LIMIT_SUBJECT_POLICIES_MAX >= LIMIT_SCOPES, "a claim for each scope");
	size_t n = 0;

	for (size_t i = 0; i < COUNT(ways); i++) {
		if (ways[i].selector.ptr == NULL || ways[i].key.ptr == NULL)
			continue;
		const struct rule *rule = rule_of(l, ways[i].scope, ways[i].selector);
		if (rule == NULL && ways[i].scope == LIMIT_BY_PLAN)
			rule = rule_of(l, LIMIT_BY_PLAN, STR(LIMIT_PLAN_DEFAULT));
		if (rule == NULL)
			continue;
		claims[n].rule = rule;
		claims[n].at = &rule->rule;
		claims[n].key = ways[i].key;
		claims[n++].taken = false;
	}
	return n;
}

static void take(struct limiter *l, struct claim *c, uint64_t now_ns, uint32_t cost)
{
	bool evicted;

	c->step = limit_cells_take(l->cells, c->at, &c->place, now_ns, cost, &evicted);
	c->taken = c->step.allowed;
	if (evicted)
		metrics_add(l->evictions, 1);
}

static bool peek_all(struct limiter *l, struct claim *claims, size_t n, uint64_t now_ns,
    uint32_t cost)
{
	bool fits = true;

	for (size_t i = 0; i < n; i++) {
		claims[i].step = limit_cells_peek(l->cells, claims[i].at, &claims[i].place,
		    now_ns, cost);
		fits = fits && !claim_refuses(&claims[i]);
	}
	return fits;
}

/* From all, or, when one refuses that did not a moment ago, from none. */
static bool take_all(struct limiter *l, struct claim *claims, size_t n, uint64_t now_ns,
    uint32_t cost)
{
	uint64_t since_ns = n > 1 ? time_monotonic_ns() : 0;
	size_t i = 0;

	while (i < n) {
		take(l, &claims[i], now_ns, cost);
		if (claim_refuses(&claims[i]))
			break;
		i++;
	}
	if (i == n)
		return true;
	while (i-- > 0)
		if (claims[i].taken)
			limit_cells_give_back(l->cells, claims[i].at, &claims[i].place,
			    cost, since_ns);
	return false;
}

bool claims_take_here(struct limiter *l, struct claim *claims, size_t n, uint64_t now_ns,
    uint32_t cost)
{
	for (size_t i = 0; i < n; i++)
		claims[i].place = limit_cells_place(l->cells, claims[i].at, claims[i].key);
	/* With one policy its own compare-and-swap decides; peeking adds nothing. */
	return (n <= 1 || peek_all(l, claims, n, now_ns, cost)) &&
	    take_all(l, claims, n, now_ns, cost);
}

static void count_outcomes(const struct claim *claims, size_t n, bool allowed)
{
	for (size_t i = 0; i < n; i++) {
		const struct rule *rule = claims[i].rule;
		if (claim_refuses(&claims[i]))
			metrics_add(rule->refused, 1);
		else if (!claims[i].step.allowed)
			metrics_add(rule->dry_run, 1);
		else if (allowed)
			metrics_add(rule->allowed, 1);
	}
}

static uint64_t capacity(const struct limit_policy *p)
{
	return p->algorithm == LIMIT_GCRA && p->burst != 0 ? p->burst : p->limit;
}

/* In which the whole capacity comes back: a burst of 100 at 10 a second is 100 in 10 s. */
static uint64_t refill_ms(const struct limit_policy *p)
{
	unsigned __int128 units_ms = (unsigned __int128)p->period_ms * capacity(p);

	if (p->limit == 0)
		return p->period_ms;
	return (uint64_t)((units_ms + p->limit - 1) / p->limit);
}

/* Whether a caller should rather hear of `a`: it refuses, and for longer, or
 * less of it is left. */
static bool is_nearer(const struct claim *a, const struct claim *b)
{
	if (a->step.allowed != b->step.allowed)
		return !a->step.allowed;
	if (!a->step.allowed)
		return a->step.retry_after_ns > b->step.retry_after_ns;
	return (unsigned __int128)a->step.remaining * capacity(b->at->policy) <
	    (unsigned __int128)b->step.remaining * capacity(a->at->policy);
}

static uint32_t seconds(uint64_t ns)
{
	uint64_t s = ns / NS_PER_S + (ns % NS_PER_S != 0);
	return s < UINT32_MAX ? (uint32_t)s : UINT32_MAX;
}

static void report(const struct claim *claims, size_t n, struct limit_verdict *out)
{
	const struct claim *shown = NULL;

	for (size_t i = 0; i < n; i++)
		if (!claims[i].rule->rule.policy->dry_run &&
		    (shown == NULL || is_nearer(&claims[i], shown)))
			shown = &claims[i];
	if (shown == NULL)
		return;
	const struct limit_policy *p = shown->at->policy;
	out->policy = p->name;
	out->limit = capacity(p);
	out->remaining = shown->step.remaining < out->limit ? shown->step.remaining : out->limit;
	out->period_ms = refill_ms(p);
	out->reset_s = seconds(shown->step.reset_ns);
	if (out->allowed)
		return;
	out->retry_after_s = seconds(shown->step.retry_after_ns);
	if (out->retry_after_s == 0)
		out->retry_after_s = 1;
}

enum err limit_take(struct limiter *l, struct redis *r, const struct limit_subject *who,
    uint32_t cost, int64_t now_ms, struct limit_verdict *out)
{
	struct claim claims[LIMIT_SUBJECT_POLICIES_MAX];

	*out = (struct limit_verdict){ .allowed = false };
	if (cost == 0)
		return ERR_INVALID;
	uint64_t now_ns = now_ms <= 0 ? 0 : (uint64_t)now_ms * NS_PER_MS;
	size_t n = select_claims(l, who, claims);

	out->allowed = r != NULL && n > 0 ?
	    claims_take_shared(l, r, claims, n, now_ns, cost, out) :
	    claims_take_here(l, claims, n, now_ns, cost);
	count_outcomes(claims, n, out->allowed);
	report(claims, n, out);
	return OK;
}
