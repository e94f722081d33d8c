/*
 * route: an endpoint, declared once.
 * From a row come dispatch with 404 and 405, authorisation, validation, limits,
 * the label in logs and metrics, idempotency and the OpenAPI operation.
 */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/principal.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"
#include "http/schema.h"

enum method {
	METHOD_NONE = 0, GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, METHOD_COUNT
};

struct request;
struct response;
typedef enum err endpoint(const struct request *, struct response *);

enum body_kind {
	BODY_JSON = 0,                  /* application/json; PATCH: or application/merge-patch+json */
	BODY_RAW,                       /* one of route.accepts, handed over unparsed */
	BODY_FORM                       /* application/x-www-form-urlencoded: checked as an object
	                                 * of its fields; one without a value counts as absent */
};

/* What a failure looks like. */
enum error_form {
	ERRORS_PROBLEM = 0,             /* RFC 9457 */
	ERRORS_OAUTH,                   /* RFC 6749, 5.2 */
	ERRORS_PAGE                     /* HTML, for people */
};

/* How a reply may be kept by others. */
enum caching {
	CACHE_PRIVATE = 0,              /* no-store */
	CACHE_PUBLIC,                   /* anonymous reads: public, max-age=60; with a principal: no-store */
	CACHE_ASSET                     /* files of a release: a day */
};

struct route {
	enum method          method;    /* GET answers HEAD too */
	const char          *path;      /* "/v1/blog/{id}"; a last "{rest*}" takes what is left */
	endpoint            *run;
	enum scope           scope;
	bool                 session;   /* for who signed in alone: API keys are refused */
	bool                 signed_body;       /* its endpoint checks who signed the raw body: 401 */
	bool                 signature_required;        /* of an API key: RFC 9421, each request once */
	const struct schema *query, *body, *reply;
	const char *const   *accepts;   /* BODY_RAW: content types, ended by NULL */
	enum body_kind       body_kind;
	uint32_t             body_max_bytes;    /* 0: BODY_MAX_BYTES */
	bool                 page;      /* the reply is {"items":[reply],"next_cursor"}; takes limit and cursor */
	bool                 creates;   /* a POST that makes something: 201, Idempotency-Key */
	bool                 keyed;     /* a POST that takes an Idempotency-Key, and makes many or none */
	bool                 conditional;       /* honours If-Match: changes a thing that is there */
	bool                 exempt;    /* from limits: health, docs */
	bool                 provided;  /* an identity provider does it: 501 where IDENTITY's cannot */
	bool                 quiet;     /* logged at 500 and above alone: health, docs */
	enum caching         caching;
	uint16_t             status;    /* when it goes well; 0: 200, or 201 for creates */
	const char          *reply_type;/* 0: application/json */
	const char *const   *reply_types;       /* what else it may be, as its endpoint says; ended by NULL */
	enum error_form      errors;
	bool                 redirects; /* may answer 303, too; with that as its status: nothing else */
	bool                 unversioned;       /* a GET of the moment: no ETag */
	bool                 bulk;      /* its work grows with what it is given or finds: the store's
	                                 * deadline is for each operation, not for all together */
	const char          *limit_class;       /* "sign-in": policies by route */
	bool                 password;  /* takes an address and its password: whoever tries from
	                                 * networks unknown to the account shares a limit */
	bool                 own_limit; /* that class alone counts, not the caller's role */
	uint32_t             cost;      /* 0: 1 */
	const void          *data;      /* the endpoint's own: which collection */
	const char          *summary;   /* OpenAPI, --routes */
};

/* One {…} of a matched path. */
struct path_parameter {
	struct str name, value;
};

struct route_match {
	const struct route   *route;    /* NULL: none for this method */
	bool                  path_known;       /* some method has this path */
	uint32_t              allowed;  /* bits 1 << enum method, for Allow */
	struct path_parameter parameters[PATH_PARAMS_MAX];
	size_t                n_parameters;
};

struct router;                          /* rows in matching order; opaque */

/* Literal segments win over {…}.  Aborts on a table that route_table_problem
 * finds fault with: it is ours. */
struct router *router_new(const struct route *routes, size_t n_routes) NONNULL(1);
void router_free(struct router *r);
/* `path` is decoded and normalised (path.h); parameters borrow from it. */
void router_match(const struct router *r, enum method method, struct str path,
    struct route_match *out) NONNULL_ALL;
/* A dense number of the row, for metrics. */
size_t router_index(const struct router *r, const struct route *route) NONNULL_ALL;

/* What is wrong with a table ("GET /v1/blog: no scope"), or NULL. */
const char *route_table_problem(const struct route *routes, size_t n_routes) NONNULL(1);

/* Whether a request may name itself with an Idempotency-Key. */
bool route_takes_key(const struct route *r) NONNULL_ALL;
/* The status of a reply that does not say its own. */
uint16_t route_status(const struct route *r) NONNULL_ALL;

enum method method_from_name(struct str name);
const char *method_name(enum method m);

/* What a web server forwards for a route: "/v1/NAME", "/.well-known/NAME", else
 * the first segment. */
struct str route_prefix(const char *path) NONNULL_ALL;

#endif
