#include "auth/forgery.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/id.h"
#include "base/siphash.h"
#include "limit/limit.h"

#define NS_PER_MS UINT64_C(1000000)

static const struct limit_policy budget = {
	.name = "forgery", .algorithm = LIMIT_GCRA,
	.limit = FORGERY_PER_S, .period_ms = 1000, .burst = FORGERY_BURST,
};

struct forgery_budgets {
	struct siphash_key key;
	_Atomic uint64_t   cells[FORGERY_CELLS];        /* theoretical arrival times */
};

struct forgery_budgets *forgery_new(void)
{
	struct forgery_budgets *f = calloc(1, sizeof(*f));

	if (f == NULL)
		abort();
	id_random(&f->key, sizeof(f->key));
	return f;
}

void forgery_free(struct forgery_budgets *f)
{
	free(f);
}

static size_t cell_of(const struct forgery_budgets *f, struct str network)
{
	return siphash(&f->key, network) % FORGERY_CELLS;
}

static uint64_t ns_of(int64_t now_ms)
{
	return now_ms <= 0 ? 0 : (uint64_t)now_ms * NS_PER_MS;
}

bool forgery_may_try(const struct forgery_budgets *f, struct str network, int64_t now_ms)
{
	uint64_t cell = atomic_load_explicit(&f->cells[cell_of(f, network)], memory_order_relaxed);

	return limit_gcra(&budget, &cell, ns_of(now_ms), 1).allowed;
}

void forgery_count(struct forgery_budgets *f, struct str network, int64_t now_ms)
{
	_Atomic uint64_t *cell = &f->cells[cell_of(f, network)];
	uint64_t          was = atomic_load_explicit(cell, memory_order_relaxed);
	uint64_t          is;

	do {
		is = was;
		(void)limit_gcra(&budget, &is, ns_of(now_ms), 1);
	} while (!atomic_compare_exchange_weak_explicit(cell, &was, is, memory_order_relaxed,
	    memory_order_relaxed));
}
