/*
 * trace: W3C Trace Context (Recommendation, level 1) and the request id.
 */
#ifndef HTTP_TRACE_H
#define HTTP_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

struct trace {
	struct str trace_id;            /* 32 hex digits */
	struct str parent;              /* the caller's span, absent when the trace begins here */
	struct str span;                /* ours: 16 hex digits */
	struct str flags;               /* 2 hex digits */
	struct str state;               /* tracestate to pass on; absent: none */
	struct str traceparent;         /* what goes out: "00-trace-span-flags" */
};

/* Continues the caller's trace, or begins one when there is none or it is not
 * well-formed (more than one traceparent counts as none).  Version ff is
 * refused, higher ones are read as 00.  A malformed tracestate is dropped; the
 * trace goes on. */
void trace_continue(struct arena *a, const struct str *traceparent, size_t n_traceparent,
    const struct str *tracestate, size_t n_tracestate, struct trace *out) NONNULL(1, 6);

/* The client's X-Request-ID when it is 1 to 128 of [A-Za-z0-9._-], else a new UUIDv7. */
struct str trace_request_id(struct arena *a, struct str given, int64_t now_ms) NONNULL(1);

#endif
