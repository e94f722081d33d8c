/*
 * event: what Lambda was invoked with, as what a web server would say over FastCGI.
 * Each kind is known by marks of its own; what has none of them is refused.
 *
 * What a handler may believe: a client reaches variables named HTTP_*, CONTENT_TYPE,
 * CONTENT_LENGTH, REQUEST_* and QUERY_STRING.  AUTHORIZER_*, GATEWAY_*, LAMBDA_* and
 * REMOTE_ADDR come from the event's request context and the Runtime API alone, and
 * no header becomes one of them.
 *
 * Lifetime: an event borrows from the arena, and from the document it was read from.
 * Threads:  one at a time.
 * Blocking: never.
 */
#ifndef LAMBDA_EVENT_H
#define LAMBDA_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "lambda/limits.h"

enum event_kind {
	EVENT_REST,             /* API Gateway, REST API; HTTP API with payload 1.0 */
	EVENT_HTTP,             /* API Gateway, HTTP API with payload 2.0 */
	EVENT_URL,              /* Function URL */
	EVENT_ALB,              /* load balancer, single values */
	EVENT_ALB_MULTI,        /* load balancer, multi-value headers */
	EVENT_BRIDGE,           /* EventBridge: scheduled and others */
	EVENT_QUEUE,            /* SQS */
	EVENT_KINDS
};

struct variable {
	struct str name, value;
};

/* What the Runtime API says beside the event; absent and 0 where it is not known. */
struct invocation {
	struct str request_id, trace_id, function_arn;
	int64_t    deadline_ms;         /* since 1970 */
	int64_t    remaining_ms;
};

struct event {
	enum event_kind kind;
	struct variable list[VARIABLES_MAX];
	size_t          count;
	struct str      path;           /* decoded and normalised: to find the handler by */
	struct str      body;
	bool            gzip;           /* the client takes it */
	int             status;         /* not 0: the answer, whatever a handler would say */
	const char     *detail;         /* and why; static storage */
};

/*
 * `base_path` is cut off the front of every path ("" or absent: nothing), after the
 * stage and the mapping that the event itself names.  `text` is what `document` was
 * parsed from: scheduled and queue events are posted as they came.
 * ERR_UNSUPPORTED: no kind known here; ERR_INVALID: marks of one, and not its shape.
 *   *reason says which, for a log.
 * ERR_NO_MEMORY: the arena is exhausted.
 */
NODISCARD enum err event_read(struct arena *a, const struct json *document, struct str text,
    const struct invocation *i, struct str base_path, struct event *out, struct str *reason)
    NONNULL(1, 2, 4, 6, 7);

/* "http-api" and the like; static storage. */
struct str event_kind_name(enum event_kind kind);
/* Whether an answer with a status makes sense to whoever sent it. */
bool event_is_http(enum event_kind kind);

/* The variable's value; STR_NONE when there is none. */
struct str event_variable(const struct event *e, struct str name) NONNULL(1);

#endif
