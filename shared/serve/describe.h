/*
 * describe: what a handler says about itself: --help, --routes and their like.
 * All of it comes from its tables.
 */
#ifndef SERVE_DESCRIBE_H
#define SERVE_DESCRIBE_H

#include "base/attr.h"
#include "base/buf.h"
#include "http/app.h"

/* A flag that prints and ends the process. */
struct describe_flag {
	const char *flag, *help;
	void      (*write)(const struct handler *h, struct buf *out);
};

/* Ended by a NULL flag. */
extern const struct describe_flag describe_flags[];

/* On one line: which flags there are. */
void describe_usage(const struct handler *h, struct buf *out) NONNULL_ALL;

#endif
