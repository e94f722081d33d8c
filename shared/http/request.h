/*
 * request: what an endpoint may know.
 * Everything in it is validated, normalised and the arena's.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/principal.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"
#include "http/route.h"
#include "store/store.h"

struct app;
struct worker;

/* One CGI variable as the web server sent it. */
struct cgi_variable {
	struct str name, value;
};

struct cgi {
	const struct cgi_variable *list;
	size_t                     count;
};

/* Where the body comes from; read returns bytes read, 0 at the end, -1 when the
 * client broke off or was silent too long. */
struct body_source {
	void *context;
	long (*read)(void *context, char *into, size_t most);
};

struct request {
	struct arena       *arena;
	struct app         *app;
	struct worker      *worker;
	struct store_connection *store; /* NULL in a handler that needs none */
	const struct route *route;      /* NULL before and without a match */
	const struct cgi   *cgi;
	enum method         method;     /* HEAD stays HEAD; the endpoint need not care */
	struct str          raw_target; /* REQUEST_URI as it came */
	struct str          path;       /* decoded, normalised */
	struct str          raw_query;
	struct path_parameter parameters[PATH_PARAMS_MAX];
	size_t              n_parameters;
	struct path_parameter query[QUERY_PARAMS_MAX];  /* validated, with defaults */
	size_t              n_query;
	struct str          body;       /* raw bytes */
	struct str          body_type;  /* media type without parameters, lower case */
	const struct json  *json;       /* parsed and checked against route->body */
	struct principal    principal;
	struct str          address;    /* the client's, canonical text; "" when unknown (unix) */
	struct str          id;         /* X-Request-ID */
	struct str          trace_id, parent_id, trace_flags, trace_state;      /* W3C; ours as parent */
	struct str          origin;     /* scheme://host of this installation: PUBLIC_URL, else from the request */
	struct str          cursor;     /* the position inside a verified ?cursor=; absent: first page */
	uint32_t            limit;      /* ?limit= of a page route */
	struct str          idempotency_key;    /* absent: none */
	int64_t             now_ms;
	uint64_t            started_ns;
};

/* A request header by its name ("If-Match"); STR_NONE when absent or empty.
 * Repeated ones: the first. */
struct str request_header(const struct request *r, const char *name) NONNULL_ALL;
/* All values of a repeated header joined by ", ". */
struct str request_headers(const struct request *r, const char *name) NONNULL_ALL;
/* A CGI variable; STR_NONE when absent or empty (servers differ). */
struct str cgi_get(const struct cgi *c, const char *name) NONNULL_ALL;
/* The value of {name}; STR_NONE when the route has none. */
struct str request_parameter(const struct request *r, const char *name) NONNULL_ALL;
/* A query value; STR_NONE when absent without a default. */
struct str request_query(const struct request *r, const char *name) NONNULL_ALL;
int64_t request_query_int(const struct request *r, const char *name, int64_t otherwise) NONNULL_ALL;

/*
 * Writes `ops` as the one write of a request that creates or changes something.
 * With an Idempotency-Key the finished response is recorded in the same
 * transaction, so that a retry after any crash either finds it or finds nothing
 * done: fill `res` (status, headers, body) before calling this.
 * ERR_BUSY: it outlived its lease, and another with its key is running: nothing is
 *   written.  ERR_TOO_LARGE: nor is it when the response is too large to be kept.
 */
NODISCARD enum err request_commit(const struct request *r, struct response *res,
    struct store_op *ops, size_t n_ops, struct store_result *result) NONNULL_ALL;

/* If-Match against the stored version: OK when absent or matching (*version is then
 * what to require of the write; 0: any), ERR_STALE otherwise. */
NODISCARD enum err request_if_match(const struct request *r, struct str id, uint64_t stored,
    uint64_t *version) NONNULL(1, 4);


/* Names the list that a cursor belongs to: the path and every query value but
 * cursor and limit. */
struct str request_list_context(const struct request *r) NONNULL_ALL;

#endif
