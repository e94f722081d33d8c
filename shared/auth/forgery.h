/*
 * forgery: how many wrong signatures a network may still have looked at.
 * A signature costs as much as the rest of a request or more, and whoever sends wrong ones
 * sends many.  Once a network has spent its budget, tokens that this process does not
 * know are turned away before their signature is looked at: with 429, since a good one
 * may be among them.  Tokens that were verified before never come here.
 * Bounds:   FORGERY_CELLS networks, found by a hash that nobody outside can steer; two
 *           in one cell share a budget.
 * Lifetime: one per process.
 * Threads:  safe from any; lock-free.
 * Blocking: never.
 */
#ifndef AUTH_FORGERY_H
#define AUTH_FORGERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

#define FORGERY_CELLS   4096    /* 32 KB, of which only what is used takes memory */
#define FORGERY_PER_S   20
#define FORGERY_BURST   100

struct forgery_budgets;                 /* opaque */

NODISCARD struct forgery_budgets *forgery_new(void);
void forgery_free(struct forgery_budgets *f);

/* Whether another signature of `network` (as address_limit_key) may be looked at. */
bool forgery_may_try(const struct forgery_budgets *f, struct str network, int64_t now_ms)
    NONNULL(1);
/* A signature of it was wrong. */
void forgery_count(struct forgery_budgets *f, struct str network, int64_t now_ms) NONNULL(1);

#endif
