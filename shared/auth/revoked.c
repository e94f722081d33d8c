#include "auth/revoked.h"

#include <stdatomic.h>

#include "base/time.h"

#define LAYOUT_VERSION  2
#define TIME_BITS       26
#define TIME_UNIT_MS    64000   /* 2^26 of them since 1970 last until 2106 */
#define NS_PER_MS       UINT64_C(1000000)
#define TIME_MASK       ((UINT64_C(1) << TIME_BITS) - 1)

/* A cell is 0 until it is first used and never again: a lookup ends there.  One
 * whose time has passed is free. */
struct revoked_table {
	_Atomic uint64_t filled;
	_Atomic int64_t  incomplete_until_ms;   /* until then something had no room */
	_Atomic uint64_t read_ms;               /* the store was, by a clock that never steps */
	_Atomic uint64_t turn_ms;               /* and will be, by whoever comes first */
	uint64_t         reserved[4];
	_Atomic uint64_t cells[REVOKED_CELLS];
};

enum err revoked_open(const char *state_dir, struct revoked *out)
{
	struct revoked fresh = { 0 };
	enum err       e = segment_open(state_dir, "revoked", LAYOUT_VERSION,
	    sizeof(struct revoked_table), &fresh.segment);

	if (e != OK)
		return e;
	fresh.table = fresh.segment.data;
	*out = fresh;
	return OK;
}

void revoked_close(struct revoked *r)
{
	segment_close(&r->segment);
	r->table = NULL;
}

bool revoked_is_filled(const struct revoked *r)
{
	return atomic_load_explicit(&r->table->filled, memory_order_acquire) != 0;
}

void revoked_set_filled(struct revoked *r)
{
	atomic_store_explicit(&r->table->filled, 1, memory_order_release);
}

void revoked_believe_for(struct revoked *r, uint64_t ms)
{
	r->believed_ms = ms;
}

void revoked_set_read(struct revoked *r, uint64_t began_ms)
{
	uint64_t held = atomic_load_explicit(&r->table->read_ms, memory_order_relaxed);

	/* A later one of another process is the better one; one of the future is of
	 * before the machine was started. */
	while ((held < began_ms || held > time_monotonic_ns() / NS_PER_MS) &&
	    !atomic_compare_exchange_weak_explicit(&r->table->read_ms, &held, began_ms,
	    memory_order_release, memory_order_relaxed))
		;
}

uint64_t revoked_read_at(const struct revoked *r, uint64_t now_ms)
{
	uint64_t read_ms = atomic_load_explicit(&r->table->read_ms, memory_order_acquire);

	return read_ms <= now_ms ? read_ms : 0;
}

bool revoked_take_turn(struct revoked *r, uint64_t now_ms, uint64_t every_ms)
{
	uint64_t turn_ms = atomic_load_explicit(&r->table->turn_ms, memory_order_relaxed);

	return (turn_ms <= now_ms || turn_ms - now_ms > every_ms) &&
	    atomic_compare_exchange_strong_explicit(&r->table->turn_ms, &turn_ms,
	    now_ms + every_ms, memory_order_acq_rel, memory_order_relaxed);
}

static bool is_believed(const struct revoked *r)
{
	uint64_t now_ms, read_ms;

	if (r->believed_ms == 0)
		return true;
	now_ms = time_monotonic_ns() / NS_PER_MS;
	read_ms = revoked_read_at(r, now_ms);
	return read_ms != 0 && now_ms - read_ms < r->believed_ms;
}

static _Atomic uint64_t *cell_at(const struct revoked *r, uint64_t hash, unsigned probe)
{
	return &r->table->cells[(hash + probe) % REVOKED_CELLS];
}

/* The upper bits name the session, the lower ones chose the cell. */
static bool is_of(uint64_t cell, uint64_t hash)
{
	return cell >> TIME_BITS == hash >> TIME_BITS;
}

static bool is_alive(uint64_t cell, int64_t now_ms)
{
	return (int64_t)(cell & TIME_MASK) * TIME_UNIT_MS > now_ms;
}

static uint64_t cell_for(uint64_t hash, int64_t until_ms)
{
	uint64_t time = (uint64_t)(until_ms / TIME_UNIT_MS + 1);

	return (hash & ~TIME_MASK) | (time < TIME_MASK ? time : TIME_MASK);
}

/* Whether the cell is now this session's, and lasts as long as `want` does. */
static bool take(_Atomic uint64_t *cell, uint64_t want, int64_t now_ms)
{
	uint64_t found = atomic_load_explicit(cell, memory_order_acquire);

	for (;;) {
		if (is_of(found, want) && found >= want)
			return true;
		if (!is_of(found, want) && is_alive(found, now_ms))
			return false;
		if (atomic_compare_exchange_weak_explicit(cell, &found, want,
		    memory_order_acq_rel, memory_order_acquire))
			return true;
	}
}

static void raise_to(_Atomic int64_t *value, int64_t at_least)
{
	int64_t now = atomic_load_explicit(value, memory_order_relaxed);

	while (now < at_least &&
	    !atomic_compare_exchange_weak_explicit(value, &now, at_least, memory_order_release,
	    memory_order_relaxed))
		;
}

bool revoked_add(struct revoked *r, struct str session, int64_t now_ms, int64_t until_ms)
{
	uint64_t hash = str_hash(session);

	for (unsigned i = 0; i < REVOKED_PROBES; i++)
		if (take(cell_at(r, hash, i), cell_for(hash, until_ms), now_ms))
			return true;
	raise_to(&r->table->incomplete_until_ms, until_ms);
	return false;
}

bool revoked_is_full(const struct revoked *r, int64_t now_ms)
{
	return atomic_load_explicit(&r->table->incomplete_until_ms, memory_order_acquire) > now_ms;
}

enum revoked_answer revoked_has(const struct revoked *r, struct str session, int64_t now_ms)
{
	uint64_t hash = str_hash(session);

	for (unsigned i = 0; i < REVOKED_PROBES; i++) {
		uint64_t cell = atomic_load_explicit(cell_at(r, hash, i), memory_order_acquire);

		if (cell == 0)
			break;
		if (is_of(cell, hash) && is_alive(cell, now_ms))
			return REVOKED_YES;
	}
	if (!revoked_is_filled(r) || !is_believed(r) || revoked_is_full(r, now_ms))
		return REVOKED_ASK_STORE;
	return REVOKED_NO;
}
