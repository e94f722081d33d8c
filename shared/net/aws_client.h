/*
 * aws_client: calls to an AWS service that speaks JSON over POST (DynamoDB): signed
 * (Signature Version 4), on a connection that is kept, checked (CRC32), and made again
 * where that is safe and helps.
 *
 * Whether a call was done.  A failed call says `unclear` when something of it was sent
 * and not wholly answered: it may have been done.  Else it certainly was not.  A call
 * that is `idempotent` is made again after that, others are not.  What was certainly not
 * done (throttled, not connected, keys expired) is made again for both.
 * Again:    after a random part of a time that doubles (full jitter), within the call's
 *           deadline, and as long as the service's budget lasts: each try again takes
 *           from it, one that helped gives it back and any success a little, so that a
 *           service in trouble gets one call for each of ours and not ten.
 * Log:      a call that fails for another reason than what it said itself (see
 *           ERR_INVALID) writes a line that names operation, cause and how often it was
 *           tried; never keys, bodies or what the service says of them.
 * Metrics:  quiver_aws_calls_total and quiver_aws_duration_seconds by operation,
 *           quiver_aws_retries_total by cause; quiver_aws_connections_total tells reused
 *           connections from new ones, quiver_outgoing_total counts each attempt.
 * Lifetime: a service once a process, a client once a connection to the store.
 * Threads:  a service is safe from any; a client is one thread's.
 * Blocking: until the call's deadline, credentials, DNS and waits between included.
 */
#ifndef NET_AWS_CLIENT_H
#define NET_AWS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"
#include "metrics/metrics.h"
#include "net/aws_credentials.h"

struct aws_service;                     /* opaque */
struct aws_client;                      /* opaque */

struct aws_service_options {
	struct aws_credentials *credentials;
	struct metrics *metrics;
	const char     *name;           /* "dynamodb": the signature's scope, the host, labels */
	const char     *target;         /* "DynamoDB_20120810": what stands before the operation */
	struct str      region;         /* "eu-west-1"; also part of the host */
	struct str      endpoint;       /* absent or empty: https://NAME.REGION.amazonaws.com */
	struct str      ca_file;        /* as http_client_new */
	bool            plain_http;     /* http:// to any host; else to loopback alone */
};

/* Texts are copied, credentials and metrics must outlive it.  Asks nobody yet.
 * ERR_INVALID: no region, or an endpoint that may not be called; ERR_UNAVAILABLE: libcurl
 * is not installed; *reason (`a`'s) says it. */
NODISCARD enum err aws_service_new(struct arena *a, const struct aws_service_options *o,
    struct aws_service **out, struct str *reason) NONNULL_ALL;
/* Its clients are freed. */
void aws_service_free(struct aws_service *s);

/* Connects with the first call.  Aborts when there is no memory. */
NODISCARD struct aws_client *aws_client_new(struct aws_service *s) NONNULL_ALL;
/* Closes its connection and wipes what it knows. */
void aws_client_free(struct aws_client *c);

struct aws_call {
	const char *operation;          /* "GetItem"; static storage, of a table: it is a label */
	struct str  body;               /* JSON, AWS_REQUEST_MAX_BYTES at most */
	struct str  traceparent, tracestate;    /* or absent (W3C Trace Context) */
	uint64_t    deadline_ns;        /* by time_monotonic_ns, of everything */
	bool        idempotent;         /* twice is as once: a read, a write that carries its
	                                 * own ClientRequestToken or condition */
};

struct aws_reply {
	uint16_t    status;             /* of the last attempt; 0: none was answered */
	bool        unclear;            /* an attempt was sent and its outcome is not known: what it
	                                 * asked for may have been done, also when a later attempt
	                                 * was refused (a condition that no longer holds) */
	unsigned    attempts;
	struct str  body;               /* JSON; of refusals too (CancellationReasons stand in it) */
	struct str  error;              /* "ConditionalCheckFailedException": behind the '#'; "" */
	struct str  message;            /* the service's; for people.  Not for logs: it may quote
	                                 * what we sent */
	struct str  reason;             /* ours, for the log: what went wrong, without secrets; "" */
};

/* OK: status 200, and the body is whole.  `body` is emptied first and holds reply->body;
 * its max_bytes bounds the reply.  The other texts are the client's, until its next call.
 * ERR_INVALID: the service refuses what the call says: reply->error says why.
 * ERR_FORBIDDEN: our keys do not do, or there are none; or the clock is off.
 * ERR_LIMITED: throttled to the end.  ERR_TIMEOUT: the deadline passed.
 * ERR_UNAVAILABLE: no connection, a 5xx, or what came is no reply (cut short, no JSON,
 * another checksum), to the end.
 * ERR_TOO_LARGE: the call is over AWS_REQUEST_MAX_BYTES (not sent), or its reply over the
 * bound.  ERR_NO_MEMORY: `body` cannot grow. */
NODISCARD enum err aws_client_call(struct aws_client *c, const struct aws_call *call,
    struct buf *body, struct aws_reply *reply) NONNULL_ALL;

/* For who repeats by itself (items left over, a transaction's conflict): waits as before
 * attempt `attempts` + 1 of a call, which 1 and more have come before.  False, at once: the
 * deadline is nearer than the wait, or the budget is used up. */
NODISCARD bool aws_client_wait(struct aws_client *c, unsigned attempts, uint64_t deadline_ns)
    NONNULL_ALL;

#endif
