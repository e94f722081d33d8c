/*
 * breaker: whether a service that failed is asked again.
 * Closed, everybody asks.  After BREAKER_FAILURES failures in a row it is open:
 * nobody asks, so nobody waits for its deadline.  When its time is over it is
 * half open: one caller is told to probe, and has the time that would have to pass
 * before the next one is.  A probe that succeeds closes it; one that fails, or whose
 * process died, has already cost it only that.  Until a call succeeds after it, one
 * failure opens it again and the times grow on.  The times double, with jitter, so
 * that a fleet of machines does not come back at once.
 * The whole state is one 64-bit word, which may lie in shared memory: one breaker
 * for every process of the machine, and no lock that a dead one could hold.
 * Lifetime: that of its word; zero is closed.  A word from before the machine was
 *           started anew is taken for one whose time is over.
 * Threads:  safe from any, in any process.
 * Blocking: never.
 */
#ifndef NET_BREAKER_H
#define NET_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#define BREAKER_FAILURES        5       /* in a row until it opens: one lost packet is none */
#define BREAKER_FIRST_MS        100     /* until the first probe, give or take the jitter */
#define BREAKER_MAX_MS          5000    /* and between later ones: recovery is noticed by then */

struct breaker {
	_Atomic uint64_t word;
};

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_PROBE };

/* What the caller may do now, at `now_ms` of a clock that never steps.
 * BREAKER_PROBE goes to one caller alone, who then says how it went. */
enum breaker_state breaker_ask(struct breaker *b, uint64_t now_ms) NONNULL_ALL;
/* How a call that was let through went, or a probe.  True: that opened it, or closed it. */
bool breaker_failed(struct breaker *b, uint64_t now_ms) NONNULL_ALL;
bool breaker_succeeded(struct breaker *b, bool probe) NONNULL_ALL;
/* How long until a probe is due, 0 when it is closed or due. */
uint64_t breaker_wait_ms(const struct breaker *b, uint64_t now_ms) NONNULL_ALL;
/* A look: whether it is closed.  One relaxed load. */
bool breaker_is_closed(const struct breaker *b) NONNULL_ALL;

#endif
