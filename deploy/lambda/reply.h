/*
 * reply: what a handler said over FastCGI, as what Lambda hands to whoever sent the event.
 * Lifetime: a reply borrows from the bytes that it was read from.
 * Threads:  one at a time.
 * Blocking: never.
 */
#ifndef LAMBDA_REPLY_H
#define LAMBDA_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "lambda/event.h"
#include "lambda/limits.h"

struct reply_header {
	struct str name, value;
};

struct reply {
	int                 status;     /* 200 to 599 */
	struct reply_header list[REPLY_HEADERS_MAX];
	size_t              count;
	struct str          body;
};

/* Where the empty line after the headers ends; 0: it has not come yet. */
size_t reply_head_end(struct str bytes) PURE;
/* A CGI head (RFC 3875, 6.3) up to there.  Hop-by-hop headers and Content-Length are
 * left out.  ERR_INVALID: no CGI head; ERR_TOO_LARGE: over REPLY_HEADERS_MAX. */
NODISCARD enum err reply_read_head(struct str head, struct reply *out) NONNULL(2);

/* STR_NONE when there is none. */
struct str reply_header(const struct reply *r, struct str name) NONNULL(1);

/* A problem (RFC 9457) of our own. */
void reply_problem(struct arena *a, int status, struct str detail, struct reply *out)
    NONNULL(1, 4);

/*
 * The whole reply for `event`.  A body that the client takes compressed is; one that
 * is no text is base64.  What would be over Lambda's bound (a load balancer's is
 * lower) becomes a 500 that says so.
 * For events that nobody waits for it is what the handler said, if that is JSON.
 * ERR_NO_MEMORY: the arena is exhausted, and `out` is to be thrown away.
 */
NODISCARD enum err reply_write(struct arena *a, const struct event *event,
    const struct reply *reply, struct buf *out) NONNULL_ALL;

/* What stands before the eight NULs of a streamed reply (Function URL, RESPONSE_STREAM). */
void reply_write_prelude(const struct reply *reply, struct buf *out) NONNULL_ALL;

/* The bytes as gzip (RFC 1952); STR_NONE when that is not shorter. */
NODISCARD struct str reply_gzip(struct arena *a, struct str bytes) NONNULL(1);

#endif
