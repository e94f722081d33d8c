/*
 * response: what an endpoint fills in; the pipeline adds the rest (security and
 * CORS headers, limits, tracing, 304, HEAD).
 */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"
#include "http/schema.h"

struct header {
	struct str name, value;
};

/* Where a streamed body goes; false when the client has gone: stop then. */
struct body_sink {
	void *context;
	bool (*write)(void *context, struct str bytes);
};

struct response {
	struct arena *arena;
	uint16_t      status;           /* 0: the route's */
	struct str    content_type;     /* absent: the route's reply_type */
	struct str    body;
	struct header headers[RESPONSE_HEADERS_MAX];
	size_t        n_headers;
	struct str    etag;             /* with its quotes; absent: none */
	int64_t       modified_ms;      /* Last-Modified; 0: none.  One to come is shown as now,
	                                 * and no If-Modified-Since of today is told 304 */
	bool          no_store;         /* overrides the route's caching */
	bool          replayed;         /* an idempotent retry's stored reply */
	struct buf    buffer;           /* for building a body: response_writer */
	/* Instead of a body: called once the headers are out. */
	void        (*stream)(void *context, const struct body_sink *sink);
	void         *stream_context;
	/* Problem details, used when the endpoint returns an error. */
	struct str    detail;
	const char   *problem_type;     /* path under /problems/, 0: by the error */
	uint16_t      problem_status;   /* 0: by the error */
	const char   *oauth_error;      /* "invalid_grant"; 0: by the error (ERRORS_OAUTH) */
	struct field_errors errors;
};

/* `name` is a literal of ours, never a client's; value must have no control byte. */
void response_header(struct response *r, const char *name, struct str value) NONNULL(1, 2);
/* A writer on r->buffer; end with response_json, which makes it the body. */
struct json_writer response_writer(struct response *r) NONNULL_ALL;
void response_json(struct response *r) NONNULL_ALL;
/* JSON text that is there already. */
void response_body(struct response *r, struct str json) NONNULL(1);

/* A strong entity tag for a version of a thing; variant is "" or names another
 * representation of it ("html"). */
void response_etag(struct response *r, struct str id, uint64_t version, const char *variant)
    NONNULL(1, 4);
/* A strong entity tag made of the body's bytes: for lists and feeds. */
void response_etag_of_body(struct response *r) NONNULL_ALL;

/* Says what was wrong and returns `e`, so that an endpoint can
 * `return response_problem(res, ERR_EXISTS, "slug \"%s\" is taken", …)`. */
enum err response_problem(struct response *r, enum err e, const char *fmt, ...)
    NONNULL(1, 3) PRINTF(3, 4);
/* One more field error; the endpoint then returns ERR_INVALID (422). */
void response_field_error(struct response *r, struct str pointer, const char *fmt, ...)
    NONNULL(1, 3) PRINTF(3, 4);

/*
 * A page: open it, put items with response_page_item (already JSON text) or with
 * the writer, close it with the position of the last item when there are more:
 * it becomes next_cursor and the Link header.
 */
struct request;
struct json_writer response_page_open(struct response *r) NONNULL_ALL;
void response_page_close(const struct request *req, struct response *r,
    struct json_writer *w, struct str last_position, bool more) NONNULL(1, 2, 3);

#endif
