/*
 * stop: signals as a value that the main thread waits for.
 * They are blocked before any thread starts, so that none ever runs a handler or
 * interrupts a worker.
 */
#ifndef SERVE_STOP_H
#define SERVE_STOP_H

#include "base/attr.h"

/* SIGTERM, SIGINT and SIGUSR1 (as FastCGI process managers send it) wait for
 * stop_wait; SIGPIPE does nothing.  Undoes what FCGX_Init installs: call it after. */
void stop_prepare(void);
/* Blocks until one of them comes; returns it. */
int stop_wait(void);

#endif
