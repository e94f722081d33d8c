/*
 * local: the limiter's cells of this machine, in segment "limit".
 * A cell is {tag, state}: a keyed hash of policy and caller, and what limit_gcra
 * or limit_window keep.  It changes by one 128-bit compare-and-swap, so there is
 * no lock that a dead process could hold, and no more is ever taken than there is.
 * Bounds:   LIMIT_CELLS cells in sets of LIMIT_WAYS.  A cell whose time has
 *           passed is free.  When a whole set is in use, the cell nearest to free
 *           is given away, and limit_cells_take says so.
 * Lifetime: the file outlives every process; without a directory, this process.
 * Threads:  safe from any.
 * Blocking: never; lock-free.
 */
#ifndef LIMIT_LOCAL_H
#define LIMIT_LOCAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/siphash.h"
#include "base/str.h"
#include "limit/limit.h"

#define LIMIT_CELLS     (1u << 18)
#define LIMIT_WAYS      16

struct limit_cells;                     /* opaque */
union limit_cell;

/* A policy as the cells know it: hashed under a key of its own. */
struct limit_rule {
	const struct limit_policy *policy;
	struct siphash_key         key;
	uint64_t                   class;       /* how to see that its cells are free */
};

/* Where one caller's cell of a rule is to be found. */
struct limit_place {
	union limit_cell *set;
	uint64_t          tag;
	uint64_t          taken;        /* the state that the last take left */
};

/* NULL for `dir`: memory of this process. */
NODISCARD enum err limit_cells_open(const char *dir, struct limit_cells **out) NONNULL(2);
void limit_cells_close(struct limit_cells *c);

/* What a cell holds: what was decided here, or what Redis was last seen to hold. */
enum limit_cell_use { LIMIT_CELL_OWN, LIMIT_CELL_SEEN };

void limit_cells_rule(struct limit_cells *c, const struct limit_policy *policy,
    enum limit_cell_use use, struct limit_rule *out) NONNULL_ALL;
struct limit_place limit_cells_place(struct limit_cells *c, const struct limit_rule *rule,
    struct str key) NONNULL_ALL;

/* What a take would give.  Changes nothing, but for a clock that was set back: then
 * what the cell remembers is put right, as a take would. */
struct limit_step limit_cells_peek(struct limit_cells *c, const struct limit_rule *rule,
    const struct limit_place *place, uint64_t now_ns, uint64_t cost) NONNULL_ALL;
/* *evicted: another caller's cell in use was given away for it. */
struct limit_step limit_cells_take(struct limit_cells *c, const struct limit_rule *rule,
    struct limit_place *place, uint64_t now_ns, uint64_t cost, bool *evicted) NONNULL_ALL;
/* Makes the state of a cell what it is elsewhere.  Where others do so at the same
 * time, one of theirs may be what it is then. */
void limit_cells_set(struct limit_cells *c, const struct limit_place *place, uint64_t state,
    uint64_t now_ns, bool *evicted) NONNULL_ALL;
/* Undoes the take that `place` was last used for, begun at `since_ns` of the
 * monotonic clock, as if it had never been. */
void limit_cells_give_back(struct limit_cells *c, const struct limit_rule *rule,
    const struct limit_place *place, uint64_t cost, uint64_t since_ns) NONNULL_ALL;

/* The rest of the arithmetic, pure as in limit.h. */

/* The time that `cost` units take to be earned. */
uint64_t limit_gcra_cost_ns(const struct limit_policy *p, uint64_t cost) NONNULL_ALL;
/* A window's cell of its parts; the index may be any. */
uint64_t limit_window_cell(uint64_t index, uint64_t previous, uint64_t current);
/* When a window's cell counts for nothing any more. */
uint64_t limit_window_free_at(uint64_t period_ms, uint64_t cell, uint64_t now_ns);
/* Takes `cost`, which left the cell at `taken`, out of what the cell is now. */
void limit_window_give_back(uint64_t *cell, uint64_t taken, uint64_t cost) NONNULL_ALL;

#endif
