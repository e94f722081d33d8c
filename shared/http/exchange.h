/*
 * exchange: one request with its response while it passes through the pipeline.
 * Internal to http/.
 * Lifetime: the worker's arena's: from http_handle to the next one.
 */
#ifndef HTTP_EXCHANGE_H
#define HTTP_EXCHANGE_H

#include <stdatomic.h>

#include "access/address.h"
#include "http/cors.h"
#include "http/pipeline.h"
#include "http/trace.h"

#define STATUSES_MAX 32         /* distinct statuses counted per route: problem.c has fewer */

struct exchange {
	struct request        request;
	struct response       response;
	struct trace          trace;
	struct limit_verdict  verdict;
	const char           *limit_cause;      /* why Redis did not decide; NULL: it did, or is not used */
	bool                  limited;          /* some policy applied: its headers go out */
	enum err              auth_error;       /* kept until the scope is checked */
	const char           *auth_reason;      /* for the log only */
	uint32_t              allowed;          /* methods of the path, for Allow */
	bool                  loopback;         /* the client is of this machine */
	bool                  answered;         /* the reply is complete before the endpoint */
	bool                  idempotency_running;      /* our marker stands: take it away on failure */
	uint64_t              marker_version;   /* of that marker: the record takes its place alone */
	bool                  committed;        /* request_commit recorded the reply */
	uint8_t               fingerprint[SHA256_BYTES];
	enum err              result;
	uint16_t              status;           /* what went out */
	size_t                body_bytes;
};

/* What http keeps for a process; made by app_open. */
struct http_state {
	struct router        *router;
	struct address_ranges trusted;
	struct cors           cors;
	uint8_t               cursor_key[SECRET_BYTES];
	struct metric_series *_Atomic *requests; /* route × status, made when first met */
	struct metric_series **durations;        /* route */
};

/* The stages, in their order (stages.c); the first that does not return OK, or
 * answers, ends them. */
enum err exchange_run(struct exchange *x, const struct cgi *cgi, const struct body_source *body)
    NONNULL_ALL;
/* Reads and checks the body against the route (body.c). */
enum err exchange_read_body(struct exchange *x, const struct body_source *body) NONNULL_ALL;
/* The signature that the route demands of an API key (signed.c). */
enum err exchange_check_signature(struct exchange *x) NONNULL_ALL;
/* The checked body as JSON text with its secrets masked, for LOG_BODIES (redact.c). */
struct str redacted_body(const struct request *req) NONNULL_ALL;
/* The head and the body as they go out (reply.c). */
void exchange_reply(struct exchange *x, struct reply *out) NONNULL_ALL;

/* Idempotency-Key (idempotency.c): looks for an earlier reply, else leaves a marker. */
enum err idempotency_begin(struct exchange *x) NONNULL_ALL;
/* Takes the marker of a request that made nothing away again. */
void idempotency_abandon(struct exchange *x) NONNULL_ALL;

#endif
