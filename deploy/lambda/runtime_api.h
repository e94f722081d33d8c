/*
 * runtime_api: what a Lambda runtime says to Lambda (Runtime API, 2018-06-01).
 * Lifetime: as long as the process.
 * Threads:  one.
 * Blocking: runtime_next until there is an event, however long (the sandbox is frozen
 *           meanwhile); the others API_TIMEOUT_MS.
 */
#ifndef LAMBDA_RUNTIME_API_H
#define LAMBDA_RUNTIME_API_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "lambda/event.h"
#include "lambda/http_link.h"

struct runtime_api {
	struct http_link link;
	struct arena     arena;         /* of one call */
	bool             streaming;     /* a reply is under way */
	uint64_t         until_ns;      /* by when it must be */
};

/* `host_port` as AWS_LAMBDA_RUNTIME_API has it.  ERR_INVALID: http_link_open's. */
NODISCARD enum err runtime_open(struct runtime_api *api, struct str host_port) NONNULL(1);
void runtime_close(struct runtime_api *api) NONNULL_ALL;

/* The next event; *out and *event are in `a`.
 * ERR_TOO_LARGE: *out is good and *event is not; ERR_EXPIRED: `stop_fd` became
 * readable; ERR_UNAVAILABLE: the API is gone, and so are we. */
NODISCARD enum err runtime_next(struct runtime_api *api, struct arena *a, int stop_fd,
    struct invocation *out, struct str *event) NONNULL_ALL;

/* ERR_TOO_LARGE: Lambda took no reply so long; ERR_NOT_FOUND: it waits for none;
 * ERR_UNAVAILABLE: it is gone, or wants us gone. */
NODISCARD enum err runtime_respond(struct runtime_api *api, struct str id, struct str body)
    NONNULL(1);

/* The invocation, or with an absent `id` the start, has failed.  `type` is
 * "Category.Reason". */
NODISCARD enum err runtime_fail(struct runtime_api *api, struct str id, struct str type,
    struct str message) NONNULL(1);

/* A reply in pieces; each write waits until `until_ns` at most.  After an error the
 * rest may be left unsaid, and runtime_stream_end still has to be called. */
NODISCARD enum err runtime_stream_begin(struct runtime_api *api, struct str id, uint64_t until_ns)
    NONNULL(1);
NODISCARD enum err runtime_stream_write(struct runtime_api *api, struct str bytes) NONNULL(1);
/* An absent `type`: it is whole; else it broke off. */
NODISCARD enum err runtime_stream_end(struct runtime_api *api, struct str type, struct str message)
    NONNULL(1);

#endif
