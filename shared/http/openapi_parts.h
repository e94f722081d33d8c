/*
 * openapi_parts: what operations share: parameters, reply headers and problems.
 * Tables; a document has those parts that its operations refer to.
 */
#ifndef HTTP_OPENAPI_PARTS_H
#define HTTP_OPENAPI_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/json.h"
#include "http/app.h"
#include "http/openapi_schema.h"
#include "http/route.h"

enum part_parameter {
	PARAMETER_LIMIT, PARAMETER_CURSOR, PARAMETER_IF_MATCH, PARAMETER_IF_NONE_MATCH,
	PARAMETER_IDEMPOTENCY_KEY, PARAMETER_COUNT
};

enum part_header {
	HEADER_ETAG, HEADER_LAST_MODIFIED, HEADER_LINK, HEADER_LOCATION, HEADER_IDEMPOTENT_REPLAYED,
	HEADER_RATELIMIT_POLICY, HEADER_RATELIMIT, HEADER_LIMIT, HEADER_REMAINING, HEADER_RESET,
	HEADER_RETRY_AFTER, HEADER_WWW_AUTHENTICATE, HEADER_ACCEPT_SIGNATURE, HEADER_REQUEST_ID, HEADER_COUNT
};

/* A document being written. */
struct openapi {
	struct arena         *arena;
	const struct handler *handler;
	struct json_writer    w;
	struct schema_uses    schemas;
	uint32_t              parameters, headers, responses;   /* bits: referred to */
};

/* Whether the route's caller may be nobody in particular. */
bool route_is_open(const struct route *r) NONNULL_ALL;
/* Whether its replies have validators, so that If-None-Match makes sense. */
bool route_has_etag(const struct route *r) NONNULL_ALL;
/* Whether a body is read: as the pipeline decides it. */
bool route_takes_body(const struct route *r) NONNULL_ALL;

/* What ERRORS_OAUTH's replies hold (RFC 6749, 5.2). */
extern const struct schema oauth_error;

/* {"$ref": …} as an item of an array. */
void part_write_parameter(struct openapi *o, enum part_parameter p) NONNULL_ALL;
/* "headers": {…} of a reply to `r` that went well. */
void part_write_headers(struct openapi *o, const struct route *r) NONNULL_ALL;
/* The member of "responses" for 303. */
void part_write_redirect(struct openapi *o, const struct route *r) NONNULL_ALL;
/* The members of "responses" for all that can go wrong with `r`, and 304. */
void part_write_problems(struct openapi *o, const struct route *r) NONNULL_ALL;
/* The members of "components" that were referred to; schemas among them. */
void part_write_components(struct openapi *o) NONNULL_ALL;

#endif
