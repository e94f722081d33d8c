/*
 * A sliding window out of two fixed ones: what was taken in this one, and of the
 * one before the share that the sliding window still covers.  Counts are whole
 * and the share is rounded up, so that no more than `limit` is ever handed out
 * in what is counted.
 */
#include "limit/limit.h"

#include "limit/local.h"

#define NS_PER_MS       UINT64_C(1000000)
#define TIME_MAX_NS     (UINT64_C(1) << 62)
#define COUNT_BITS      20
#define COUNT_MASK      LIMIT_WINDOW_MAX
#define INDEX_MASK      ((UINT64_C(1) << 24) - 1)
#define INDEX_HALF      (UINT64_C(1) << 23)

typedef unsigned __int128 wide;

/* A cell, unpacked, with the window that `now` is in. */
struct window {
	uint64_t period_ns;
	uint64_t index;                 /* modulo 2^24 */
	uint64_t previous, current;     /* counts */
	uint64_t elapsed_ns;            /* of the current window */
	uint64_t early_ns;              /* by how much `now` lies before it, or 0 */
};

static uint64_t period_ns(const struct limit_policy *p)
{
	wide ns = (wide)p->period_ms * NS_PER_MS;
	if (ns == 0)
		return 1;
	return ns < TIME_MAX_NS ? (uint64_t)ns : TIME_MAX_NS;
}

static uint64_t limit_of(const struct limit_policy *p)
{
	return p->limit < LIMIT_WINDOW_MAX ? p->limit : LIMIT_WINDOW_MAX;
}

static uint64_t pack(uint64_t index, uint64_t previous, uint64_t current)
{
	return (index & INDEX_MASK) << (2 * COUNT_BITS) | previous << COUNT_BITS | current;
}

static uint64_t index_of(uint64_t cell) { return cell >> (2 * COUNT_BITS); }
static uint64_t previous_of(uint64_t cell) { return cell >> COUNT_BITS & COUNT_MASK; }
static uint64_t current_of(uint64_t cell) { return cell & COUNT_MASK; }

/* The cell's window lies `ahead` windows after now's. */
static void look_back(struct window *w, uint64_t *cell, uint64_t ahead, uint64_t limit)
{
	wide early = (wide)ahead * w->period_ns - w->elapsed_ns;

	if (early > LIMIT_CLOCK_SLACK_NS) {
		/* The clock was set back: what was taken counts on, as if it were now. */
		uint64_t taken = previous_of(*cell) + current_of(*cell);
		w->current = taken < limit ? taken : limit;
		*cell = pack(w->index, 0, w->current);
		return;
	}
	w->early_ns = (uint64_t)early;
	w->elapsed_ns = 0;
	w->index = index_of(*cell);
	w->previous = previous_of(*cell);
	w->current = current_of(*cell);
}

static struct window unpack(const struct limit_policy *p, uint64_t *cell, uint64_t now_ns)
{
	struct window w = { .period_ns = period_ns(p) };
	uint64_t now = now_ns < TIME_MAX_NS ? now_ns : TIME_MAX_NS;

	w.index = now / w.period_ns & INDEX_MASK;
	w.elapsed_ns = now % w.period_ns;
	uint64_t behind = (w.index - index_of(*cell)) & INDEX_MASK;
	if (previous_of(*cell) == 0 && current_of(*cell) == 0) {
		/* nothing was taken, whenever that was */
	} else if (behind == 0) {
		w.previous = previous_of(*cell);
		w.current = current_of(*cell);
	} else if (behind == 1) {
		w.previous = current_of(*cell);
	} else if (behind >= INDEX_HALF) {
		look_back(&w, cell, INDEX_MASK + 1 - behind, limit_of(p));
	}
	return w;
}

static uint64_t share_ns(uint64_t room, uint64_t period, uint64_t count)
{
	wide ns = (wide)room * period / count;
	return ns < period ? (uint64_t)ns : period;
}

/* How long until the previous window's count has shrunk enough, in this window
 * or, when that is too full, in the next. */
static uint64_t retry_after(const struct window *w, uint64_t limit, uint64_t cost)
{
	uint64_t left = w->period_ns - w->elapsed_ns;

	if (cost <= limit && w->current + cost <= limit) {
		if (w->previous == 0)
			return 0;
		uint64_t share = share_ns(limit - w->current - cost, w->period_ns, w->previous);
		return left > share ? left - share : 0;
	}
	if (cost > limit || w->current == 0)
		return left + w->period_ns;
	return left + w->period_ns - share_ns(limit - cost, w->period_ns, w->current);
}

static uint64_t reset_after(const struct window *w)
{
	uint64_t left = w->period_ns - w->elapsed_ns;

	if (w->current > 0)
		return left + w->period_ns + w->early_ns;
	return w->previous > 0 ? left + w->early_ns : 0;
}

struct limit_step limit_window(const struct limit_policy *p, uint64_t *cell,
    uint64_t now_ns, uint64_t cost)
{
	uint64_t limit = limit_of(p);
	struct window w = unpack(p, cell, now_ns);
	wide carried = ((wide)w.previous * (w.period_ns - w.elapsed_ns) + w.period_ns - 1) /
	    w.period_ns;
	uint64_t used = w.current + (uint64_t)carried;
	bool allowed = cost <= limit && used + cost <= limit;
	uint64_t retry_ns = allowed ? 0 : retry_after(&w, limit, cost) + w.early_ns;

	if (allowed) {
		w.current += cost;
		used += cost;
		*cell = pack(w.index, w.previous, w.current);
	}
	return (struct limit_step){
		.allowed = allowed,
		.remaining = used < limit ? limit - used : 0,
		.retry_after_ns = retry_ns,
		.reset_ns = reset_after(&w),
	};
}

static uint64_t at_most(uint64_t count)
{
	return count < COUNT_MASK ? count : COUNT_MASK;
}

uint64_t limit_window_cell(uint64_t index, uint64_t previous, uint64_t current)
{
	return pack(index, at_most(previous), at_most(current));
}

uint64_t limit_window_free_at(uint64_t period_ms, uint64_t cell, uint64_t now_ns)
{
	struct limit_policy p = { .period_ms = period_ms };
	uint64_t period = period_ns(&p);
	uint64_t now_index = now_ns / period;
	uint64_t behind = (now_index - index_of(cell)) & INDEX_MASK;

	if (previous_of(cell) == 0 && current_of(cell) == 0)
		return 0;
	if (behind < INDEX_HALF)
		return behind > now_index ? 0 : (now_index - behind + 2) * period;
	return (now_index + (INDEX_MASK + 1 - behind) + 2) * period;
}

void limit_window_give_back(uint64_t *cell, uint64_t taken, uint64_t cost)
{
	uint64_t later = (index_of(*cell) - index_of(taken)) & INDEX_MASK;
	uint64_t previous = previous_of(*cell), current = current_of(*cell);

	if (later == 0)
		current -= cost < current ? cost : current;
	else if (later == 1)
		previous -= cost < previous ? cost : previous;
	*cell = pack(index_of(*cell), previous, current);
}
