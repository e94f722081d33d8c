/*
 * exchange: one FastCGI request (FastCGI 1.0) as a web server makes it, on a
 * connection of its own: none is left to be found dead after a freeze.
 * Threads:  one.
 * Blocking: up to the deadline that is given.
 */
#ifndef LAMBDA_EXCHANGE_H
#define LAMBDA_EXCHANGE_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "lambda/event.h"

/* What a program writes, in the order it comes; anything but OK ends the exchange. */
struct exchange_sink {
	void      *context;
	enum err (*write)(void *context, struct str bytes);
};

/*
 * Sends `e` on `fd`, which is connected and not blocking, and hands what the program
 * answers to `sink`.  `life` becomes readable when the program is dead.
 * ERR_CORRUPT: it closed, or spoke no FastCGI, before its end of the request;
 * ERR_NOT_FOUND: it is dead; ERR_BUSY: it says that it is overloaded;
 * ERR_UNSUPPORTED: it takes no such request; ERR_TIMEOUT; else what the sink said.
 */
NODISCARD enum err exchange_run(struct arena *a, int fd, int life, uint64_t until_ns,
    const struct event *e, const struct exchange_sink *sink) NONNULL_ALL;

/* Asks for the program's values (4.1), which it answers as soon as it accepts: OK
 * when it did, or closed.  ERR_NOT_FOUND, ERR_TIMEOUT. */
NODISCARD enum err exchange_greet(int fd, int life, uint64_t until_ns);

#endif
