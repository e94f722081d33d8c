/*
 * outlet: lines on their way to standard error.
 * Lines that can wait are collected and written by one write(2): when half of
 * OUTLET_BYTES is there, after the delay that outlet_start was given, or with the next
 * line that cannot wait.  They keep their order, and each stays whole.  While some are
 * being written (a file may wait for its disk), others are collected.
 * A process that crashes writes what waits; one that is killed (SIGKILL) loses it.
 * Lifetime: outlet_start once, before threads; outlet_stop before the process ends.
 *           Before and after, and in a fork's child, nothing waits.
 * Threads:  safe from any.
 * Blocking: as long as standard error does: for a line that cannot wait, and when
 *           OUTLET_BYTES wait.
 */
#ifndef LOG_OUTLET_H
#define LOG_OUTLET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

#define OUTLET_BYTES 65536              /* collected at most, beside what is being written */

/* delay_ms 0: nothing waits.  Starts a thread, which sleeps while nothing waits; where that
 * is refused nothing waits either. */
void outlet_start(uint32_t delay_ms);
void outlet_stop(void);
/* `line` is whole, with its newline. */
void outlet_write(struct str line, bool can_wait);

#endif
