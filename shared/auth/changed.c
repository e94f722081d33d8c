#include "auth/changed.h"

#include <stdatomic.h>

#define LAYOUT_VERSION 1

struct changed_table {
	_Atomic uint32_t counters[CHANGED_COUNTERS];
};

enum err changed_open(const char *state_dir, struct changed *out)
{
	struct changed fresh = { 0 };
	enum err       e = segment_open(state_dir, "changed", LAYOUT_VERSION,
	    sizeof(struct changed_table), &fresh.segment);

	if (e != OK)
		return e;
	fresh.table = fresh.segment.data;
	*out = fresh;
	return OK;
}

void changed_close(struct changed *c)
{
	segment_close(&c->segment);
	c->table = NULL;
}

static _Atomic uint32_t *counter_of(const struct changed *c, struct str id)
{
	return &c->table->counters[str_hash(id) % CHANGED_COUNTERS];
}

uint32_t changed_count(const struct changed *c, struct str id)
{
	return atomic_load_explicit(counter_of(c, id), memory_order_seq_cst);
}

void changed_mark(struct changed *c, struct str id)
{
	atomic_fetch_add_explicit(counter_of(c, id), 1, memory_order_seq_cst);
}

void changed_mark_all(struct changed *c)
{
	for (size_t i = 0; i < CHANGED_COUNTERS; i++)
		atomic_fetch_add_explicit(&c->table->counters[i], 1, memory_order_seq_cst);
}
