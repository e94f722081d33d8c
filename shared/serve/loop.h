/*
 * loop: what the workers wait for: one epoll set over the listening socket, the
 * connections that are idle, and the word to stop.  Who wakes does the work.
 *   listening socket  EPOLLONESHOT: who wakes accepts one connection, arms it for
 *                     another worker, and serves what it accepted.  (Measured
 *                     against EPOLLEXCLUSIVE, which wakes a second worker for
 *                     nothing, and against EPOLLET, which must accept once more to
 *                     learn that nobody waits: 10 to 15 % less CPU a request.)
 *   connections       EPOLLONESHOT: one worker at a time has one
 *   stop              an eventfd that stays readable, so that all see it
 * Lifetime: opened before the workers, closed after them.
 * Threads:  safe from any.
 */
#ifndef SERVE_LOOP_H
#define SERVE_LOOP_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "http/app.h"

struct loop {
	int              listener, epoll, stop;
	int              timeout_ms;            /* IO_TIMEOUT_S */
	unsigned         connections_max;
	_Atomic unsigned connections;
	_Atomic bool     full;                  /* nothing is accepted until one closes */
	_Atomic bool     stopping;
	struct metric_series *accepted, *closed, *broken, *silent, *in_flight;
};

/* ERR_IO: errno says why. */
NODISCARD enum err loop_open(struct loop *l, const struct app *app, int listener) NONNULL_ALL;
void loop_close(struct loop *l) NONNULL_ALL;

/* A worker's life: returns after loop_stop, when nothing that has arrived is left. */
void loop_work(struct loop *l, struct worker *w) NONNULL_ALL;

/* `backlog`: connections that wait to be accepted are still served; else they are
 * left to whom the socket is shared with. */
void loop_stop(struct loop *l, bool backlog) NONNULL_ALL;

#endif
