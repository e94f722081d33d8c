#include "limit/local.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/id.h"
#include "base/segment.h"
#include "base/time.h"

#define LAYOUT_VERSION  1
#define SETS            (LIMIT_CELLS / LIMIT_WAYS)

/*
 * The six lowest bits of a tag are its class; the others a hash that is never 0.
 * With the class anyone can tell whether a cell is still of use, also of a
 * policy that only another process has.
 */
#define CLASS_MASK      UINT64_C(63)
#define CLASS_GCRA      UINT64_C(0)
#define CLASS_UNKNOWN   UINT64_C(62)    /* a window whose period found no row in periods */
#define CLASS_PENDING   UINT64_C(63)    /* being made; see insert() */
#define PERIODS         (CLASS_UNKNOWN - 1)     /* class 1 is periods[0] */

/* A cell is free this long after its time: a caller that slept since it read the
 * clock must still find what was taken. */
#define FREE_AFTER_NS   UINT64_C(1000000000)
/* Low bits of a pending cell's state tell its makers apart, the others say when. */
#define NONCE_BITS      20
#define PATIENCE        64              /* rounds until a pending cell's maker counts as dead */

/* may_alias: its halves are read by themselves. */
union limit_cell {
	unsigned __int128 whole;
	struct {
		uint64_t tag;           /* 0: empty */
		uint64_t state;
	} part;
};
static_assert(sizeof(union limit_cell) == 16, "what one compare-and-swap takes");

struct table {
	struct siphash_key key;                 /* each half is drawn once, by whoever is first */
	uint64_t           periods[PERIODS];    /* ms; of window policies, in the order they came */
	uint64_t           reserved;
	union limit_cell   cells[LIMIT_CELLS];
};
static_assert(offsetof(struct table, cells) % 64 == 0, "a set fills four cache lines");

struct limit_cells {
	struct segment segment;
	struct table  *table;
	uint64_t       nonce;
};

static uint64_t load(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_SEQ_CST);
}

static bool swap64(uint64_t *p, uint64_t expected, uint64_t desired)
{
	return __atomic_compare_exchange_n(p, &expected, desired, false, __ATOMIC_SEQ_CST,
	    __ATOMIC_SEQ_CST);
}

/* __sync and not __atomic where it is: for 16 bytes gcc makes the latter a call
 * of libatomic. */
static bool swap(union limit_cell *cell, union limit_cell expected, union limit_cell desired)
{
#ifdef __GCC_HAVE_SYNC_COMPARE_AND_SWAP_16
	return __sync_bool_compare_and_swap(&cell->whole, expected.whole, desired.whole);
#else
	return __atomic_compare_exchange_n(&cell->whole, &expected.whole, desired.whole, false,
	    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
#endif
}

static bool can_swap(void)
{
#ifdef __GCC_HAVE_SYNC_COMPARE_AND_SWAP_16
	return true;
#else
	return __atomic_is_lock_free(sizeof(union limit_cell), NULL);
#endif
}

static union limit_cell cell_of(uint64_t tag, uint64_t state)
{
	return (union limit_cell){ .part = { tag, state } };
}

/* A cell as it was at one moment, or as good as: when it changed in between, a
 * swap that expects this fails. */
static union limit_cell snapshot(const union limit_cell *cell)
{
	uint64_t tag, state;

	do {
		tag = load(&cell->part.tag);
		state = load(&cell->part.state);
	} while (load(&cell->part.tag) != tag);
	return cell_of(tag, state);
}

static void draw(uint64_t *half)
{
	uint64_t random = 0;
	while (random == 0)
		id_random(&random, sizeof(random));
	(void)swap64(half, 0, random);
}

static enum err map_private(struct limit_cells *c)
{
	void *p = mmap(NULL, sizeof(struct table), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return ERR_NO_MEMORY;
	c->table = p;
	return OK;
}

static enum err map_table(const char *dir, struct limit_cells *c)
{
	if (dir == NULL)
		return map_private(c);
	enum err e = segment_open(dir, "limit", LAYOUT_VERSION, sizeof(struct table), &c->segment);
	if (e == OK)
		c->table = c->segment.data;
	return e;
}

enum err limit_cells_open(const char *dir, struct limit_cells **out)
{
	if (!can_swap())
		return ERR_UNSUPPORTED;
	struct limit_cells *c = calloc(1, sizeof(*c));
	if (c == NULL)
		return ERR_NO_MEMORY;
	enum err e = map_table(dir, c);
	if (e != OK) {
		free(c);
		return e;
	}
	draw(&c->table->key.k0);
	draw(&c->table->key.k1);
	id_random(&c->nonce, sizeof(c->nonce));
	*out = c;
	return OK;
}

void limit_cells_close(struct limit_cells *c)
{
	if (c == NULL)
		return;
	if (c->segment.mapping != NULL)
		segment_close(&c->segment);
	else
		munmap(c->table, sizeof(struct table));
	free(c);
}

static uint64_t class_of(struct limit_cells *c, const struct limit_policy *p)
{
	if (p->algorithm == LIMIT_GCRA)
		return CLASS_GCRA;
	for (uint64_t i = 0; i < PERIODS; i++) {
		if (swap64(&c->table->periods[i], 0, p->period_ms) ||
		    load(&c->table->periods[i]) == p->period_ms)
			return 1 + i;
	}
	return CLASS_UNKNOWN;
}

/* Algorithm and period are in the key, since a state means nothing under others. */
void limit_cells_rule(struct limit_cells *c, const struct limit_policy *policy,
    enum limit_cell_use use, struct limit_rule *out)
{
	char text[160];
	struct siphash_key key = { load(&c->table->key.k0), load(&c->table->key.k1) };

	int len = snprintf(text, sizeof(text), "0%d.%llu.%.100s%s", (int)policy->algorithm,
	    (unsigned long long)policy->period_ms, policy->name,
	    use == LIMIT_CELL_SEEN ? " seen" : "");
	out->policy = policy;
	out->key.k0 = siphash(&key, (struct str){ text, (size_t)len });
	text[0] = '1';
	out->key.k1 = siphash(&key, (struct str){ text, (size_t)len });
	out->class = class_of(c, policy);
}

struct limit_place limit_cells_place(struct limit_cells *c, const struct limit_rule *rule,
    struct str key)
{
	uint64_t hash = siphash(&rule->key, key);
	uint64_t tag = (hash & ~CLASS_MASK) | rule->class;

	return (struct limit_place){
		.set = &c->table->cells[hash % SETS * LIMIT_WAYS],
		.tag = tag > CLASS_MASK ? tag : tag + CLASS_MASK + 1,
	};
}

static struct limit_step step(const struct limit_policy *p, uint64_t *state, uint64_t now_ns,
    uint64_t cost)
{
	return p->algorithm == LIMIT_GCRA ? limit_gcra(p, state, now_ns, cost) :
	    limit_window(p, state, now_ns, cost);
}

/* When a cell will count for nothing: 0 when it is empty. */
static uint64_t free_at(const struct limit_cells *c, union limit_cell cell, uint64_t now_ns)
{
	uint64_t class = cell.part.tag & CLASS_MASK;

	if (cell.part.tag == 0)
		return 0;
	if (class == CLASS_GCRA || class == CLASS_PENDING)
		return cell.part.state;
	if (class == CLASS_UNKNOWN)
		return UINT64_MAX - FREE_AFTER_NS;
	return limit_window_free_at(load(&c->table->periods[class - 1]), cell.part.state, now_ns);
}

static union limit_cell *find(const struct limit_place *place)
{
	for (size_t i = 0; i < LIMIT_WAYS; i++)
		if (load(&place->set[i].part.tag) == place->tag)
			return &place->set[i];
	return NULL;
}

/* The first free cell of a set, else the one nearest to it.  *was is what it holds. */
static union limit_cell *choose(const struct limit_cells *c, const struct limit_place *place,
    uint64_t now_ns, union limit_cell *was, bool *in_use)
{
	union limit_cell *best = &place->set[0];
	uint64_t best_at = UINT64_MAX;

	*was = snapshot(best);
	for (size_t i = 0; i < LIMIT_WAYS; i++) {
		union limit_cell held = snapshot(&place->set[i]);
		uint64_t at = free_at(c, held, now_ns);
		if (at == 0 || at + FREE_AFTER_NS <= now_ns) {
			*was = held;
			*in_use = false;
			return &place->set[i];
		}
		/* Someone is about to have it: the last choice. */
		if ((held.part.tag & CLASS_MASK) != CLASS_PENDING && at < best_at) {
			best = &place->set[i];
			best_at = at;
			*was = held;
		}
	}
	*in_use = true;
	return best;
}

/*
 * Whether the pending cell `mine` may come to life: no other cell of the set has
 * the same tag, live or pending.  Of two that are pending the lower one wins and
 * empties the other; when `impatient`, whoever made the lower one is taken for dead.
 */
static bool prevails(const struct limit_place *place, const union limit_cell *mine, bool impatient)
{
	uint64_t pending = place->tag | CLASS_PENDING;

	for (size_t i = 0; i < LIMIT_WAYS; i++) {
		union limit_cell *other = &place->set[i];
		union limit_cell held = snapshot(other);
		if (held.part.tag == place->tag)
			return false;
		if (held.part.tag != pending || other == mine)
			continue;
		if (other < mine && !impatient)
			return false;
		if (!swap(other, held, cell_of(0, 0)))
			i--;            /* it changed: look again */
	}
	return true;
}

/*
 * Makes the caller's cell, with its first take in it.  Two threads that look for
 * a free cell at the same time may choose different ones, and a caller with two
 * cells would have two bursts.  So a cell is first pending, visible to all; then
 * the set is searched for others of the tag; and only then it comes to life, by
 * a swap that fails when someone emptied it meanwhile.  Of two makers the one
 * that searched later has seen the other's cell.  False: look again.
 */
static bool insert(struct limit_cells *c, const struct limit_place *place, uint64_t state,
    uint64_t now_ns, bool impatient, bool *evicted)
{
	uint64_t nonce_mask = (UINT64_C(1) << NONCE_BITS) - 1;
	uint64_t nonce = __atomic_add_fetch(&c->nonce, 1, __ATOMIC_RELAXED) & nonce_mask;
	union limit_cell pending = cell_of(place->tag | CLASS_PENDING,
	    (now_ns & ~nonce_mask) | nonce);
	union limit_cell was;
	bool in_use;

	union limit_cell *mine = choose(c, place, now_ns, &was, &in_use);
	if (!swap(mine, was, pending))
		return false;
	if (!prevails(place, mine, impatient)) {
		(void)swap(mine, pending, cell_of(0, 0));
		return false;
	}
	if (!swap(mine, pending, cell_of(place->tag, state)))
		return false;
	*evicted |= in_use;
	return true;
}

struct limit_step limit_cells_peek(struct limit_cells *c, const struct limit_rule *rule,
    const struct limit_place *place, uint64_t now_ns, uint64_t cost)
{
	uint64_t state = 0;
	union limit_cell *cell = find(place), held = { 0 };

	(void)c;
	if (cell != NULL) {
		held = snapshot(cell);
		state = held.part.tag == place->tag ? held.part.state : 0;
	}
	struct limit_step done = step(rule->policy, &state, now_ns, cost);
	/* The clock was set back.  Were that left to the take, which a refusal here
	 * prevents, the caller would be locked out until the clock has caught up. */
	if (!done.allowed && state != 0 && state != held.part.state)
		(void)swap(cell, held, cell_of(place->tag, state));
	return done;
}

void limit_cells_set(struct limit_cells *c, const struct limit_place *place, uint64_t state,
    uint64_t now_ns, bool *evicted)
{
	*evicted = false;
	for (unsigned round = 0; round <= 2 * PATIENCE; round++) {
		union limit_cell *cell = find(place);
		union limit_cell  held = cell != NULL ? snapshot(cell) : cell_of(0, 0);

		if (cell == NULL && insert(c, place, state, now_ns, round > PATIENCE, evicted))
			return;
		if (cell != NULL && held.part.tag == place->tag &&
		    swap(cell, held, cell_of(place->tag, state)))
			return;
	}
}

/* One try at a cell that exists; false: it changed, look again. */
static bool take_from(union limit_cell *cell, const struct limit_rule *rule,
    struct limit_place *place, uint64_t now_ns, uint64_t cost, struct limit_step *out)
{
	union limit_cell held = snapshot(cell);
	uint64_t state = held.part.state;

	if (held.part.tag != place->tag)
		return false;
	*out = step(rule->policy, &state, now_ns, cost);
	if (state != held.part.state && !swap(cell, held, cell_of(place->tag, state)))
		return false;
	place->taken = state;
	return true;
}

struct limit_step limit_cells_take(struct limit_cells *c, const struct limit_rule *rule,
    struct limit_place *place, uint64_t now_ns, uint64_t cost, bool *evicted)
{
	*evicted = false;
	for (unsigned round = 0;; round++) {
		struct limit_step done;
		union limit_cell *cell = find(place);
		if (cell != NULL) {
			if (take_from(cell, rule, place, now_ns, cost, &done))
				return done;
			continue;
		}
		uint64_t state = 0;
		done = step(rule->policy, &state, now_ns, cost);
		place->taken = state;
		if (!done.allowed ||
		    insert(c, place, state, now_ns, round > PATIENCE, evicted))
			return done;
	}
}

/*
 * A bucket that was not full since the take holds exactly `cost` less for it.
 * It cannot have been full before the cost's own time has passed; once it has,
 * time itself has given the cost back.
 */
static bool give_back_from(union limit_cell *cell, const struct limit_rule *rule,
    const struct limit_place *place, uint64_t cost, uint64_t since_ns)
{
	union limit_cell held = snapshot(cell);
	uint64_t state = held.part.state;

	if (held.part.tag != place->tag)
		return true;
	if (rule->policy->algorithm == LIMIT_WINDOW) {
		limit_window_give_back(&state, place->taken, cost);
	} else {
		uint64_t cost_ns = limit_gcra_cost_ns(rule->policy, cost);
		if (time_monotonic_ns() - since_ns >= cost_ns || state < cost_ns)
			return true;
		state -= cost_ns;
	}
	return swap(cell, held, cell_of(place->tag, state));
}

void limit_cells_give_back(struct limit_cells *c, const struct limit_rule *rule,
    const struct limit_place *place, uint64_t cost, uint64_t since_ns)
{
	union limit_cell *cell = find(place);

	(void)c;
	while (cell != NULL && !give_back_from(cell, rule, place, cost, since_ns))
		cell = find(place);
}
