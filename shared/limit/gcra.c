/*
 * The generic cell rate algorithm (ITU-T I.371, annex A; the virtual scheduling
 * form).  A unit of cost takes T = period / limit of time.  The theoretical
 * arrival time (TAT) is when all that was taken so far will have been earned
 * again; it may run ahead of now by burst × T and no further.
 */
#include "limit/limit.h"

#include "limit/local.h"

#define NS_PER_MS       UINT64_C(1000000)
#define TIME_MAX_NS     (UINT64_C(1) << 62)     /* the year 2116: a sum of two still fits */

typedef unsigned __int128 wide;

static uint64_t bounded(wide ns)
{
	return ns < TIME_MAX_NS ? (uint64_t)ns : TIME_MAX_NS;
}

/* T, rounded up: what is rounded away is never handed out.  A limit of 0 earns
 * nothing, ever. */
static uint64_t unit_ns(const struct limit_policy *p)
{
	uint64_t period = bounded((wide)p->period_ms * NS_PER_MS);
	if (p->limit == 0)
		return TIME_MAX_NS;
	uint64_t unit = period / p->limit + (period % p->limit != 0);
	return unit == 0 ? 1 : unit;
}

static uint64_t burst_of(const struct limit_policy *p)
{
	return p->burst != 0 ? p->burst : p->limit;
}

/* More is taken than a cell may hold: the clock was set back. */
static bool is_set_back(const struct limit_policy *p, uint64_t used_ns, uint64_t full_ns)
{
	uint64_t most_ns = p->ahead > burst_of(p) ? bounded((wide)p->ahead * unit_ns(p)) : full_ns;

	return used_ns > most_ns && used_ns - most_ns > LIMIT_CLOCK_SLACK_NS;
}

struct limit_step limit_gcra(const struct limit_policy *p, uint64_t *tat_ns,
    uint64_t now_ns, uint64_t cost)
{
	uint64_t now = bounded(now_ns);
	uint64_t unit = unit_ns(p);
	uint64_t full = bounded((wide)burst_of(p) * unit);

	if (*tat_ns > now + full && is_set_back(p, *tat_ns - now, full))
		*tat_ns = now + full;
	uint64_t used = *tat_ns > now ? *tat_ns - now : 0;
	wide wanted = used + (wide)cost * unit;
	bool allowed = wanted <= full && cost <= burst_of(p);

	if (allowed) {
		used = (uint64_t)wanted;
		*tat_ns = now + used;
	}
	return (struct limit_step){
		.allowed = allowed,
		.remaining = used < full ? (full - used) / unit : 0,
		.retry_after_ns = allowed ? 0 : bounded(wanted - full),
		.reset_ns = used,
	};
}

uint64_t limit_gcra_cost_ns(const struct limit_policy *p, uint64_t cost)
{
	return bounded((wide)unit_ns(p) * cost);
}
