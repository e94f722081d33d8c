/*
 * http_client: outgoing HTTP/1.1, for everyone who calls out.
 * What it does not do, since nobody here needs it and each is a way in: other
 * protocols than http and https, redirects to another host, proxies (also not
 * from the environment), .netrc, cookies, user:password in a URL, content
 * encodings, HTTP/0.9.  Certificates are always verified.  Plain http goes to
 * loopback alone unless a call says otherwise.
 * It does not judge addresses: a URL that a client of ours chose must have been
 * compared with an allow-list before it comes here.
 * Lifetime: one per worker; it keeps connections alive between calls.
 * Threads:  one at a time.  SIGPIPE must be ignored (stop_install does).
 * Blocking: until the call's deadline, DNS included, and not longer.
 */
#ifndef NET_HTTP_CLIENT_H
#define NET_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "metrics/metrics.h"
#include "net/outgoing.h"

struct http_client;                     /* opaque */

struct http_header {
	struct str name, value;
};

struct http_call {
	const char       *method;               /* NULL: GET */
	struct str        url;                  /* absolute */
	const struct http_header *headers;      /* no Host, Content-Length, Content-Type */
	size_t            n_headers;
	struct str        body;                 /* absent: none */
	struct str        content_type;         /* of the body */
	struct str        traceparent, tracestate;      /* or absent (W3C Trace Context) */
	uint32_t          deadline_ms;          /* of all of it; 0: HTTP_DEADLINE_MS */
	size_t            response_max_bytes;   /* of the body; 0: HTTP_RESPONSE_MAX_BYTES */
	bool              plain_http;           /* http:// to any host; else to loopback alone */
	bool              redirects_same_host;  /* of GET and HEAD: at most 3, scheme, host and port
						 * stay; any other redirect is the reply */
	enum outgoing_purpose purpose;          /* the metric's label */
};

struct http_reply {
	uint16_t                  status;
	struct str                body;
	const struct http_header *headers;
	size_t                    n_headers;
};

/* `ca_file`: a PEM file with the authorities to trust instead of the system's;
 * absent or empty: the system's.  Aborts when there is no memory. */
NODISCARD struct http_client *http_client_new(struct metrics *m, struct str ca_file) NONNULL(1);
void http_client_free(struct http_client *c);

/* OK: there is a reply, whatever its status; it is the arena's.  Else *reason says
 * for the log what happened: it names scheme, host and port, and nothing of path,
 * query, headers or bodies.
 * ERR_INVALID: the call is malformed, or its URL not allowed; nothing was sent.
 * ERR_TIMEOUT: the deadline passed.
 * ERR_TOO_LARGE: the reply's body or head is over its bound.
 * ERR_UNAVAILABLE: DNS, connection, TLS, or what came is no HTTP reply.
 * ERR_NO_MEMORY: the arena is exhausted. */
NODISCARD enum err http_client_call(struct http_client *c, struct arena *a,
    const struct http_call *call, struct http_reply *reply, struct str *reason) NONNULL_ALL;

/* The first header of that name, any case; STR_NONE: there is none. */
struct str http_reply_header(const struct http_reply *reply, const char *name) NONNULL_ALL;

/* Whether plain http:// to `host` (as in a URL, IPv6 in brackets) stays on this
 * machine: localhost, 127.0.0.0/8, [::1]. */
bool http_host_is_loopback(struct str host) PURE;

#endif
