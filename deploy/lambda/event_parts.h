/*
 * event_parts: what event.c is made of.
 */
#ifndef LAMBDA_EVENT_PARTS_H
#define LAMBDA_EVENT_PARTS_H

#include "base/buf.h"
#include "lambda/event.h"

/* What is being made of what. */
struct reading {
	struct arena            *a;
	const struct json       *event, *context;       /* the document, its requestContext */
	const struct invocation *invocation;
	struct event            *out;
};

/* The first answer that is settled stays. */
void event_settle(struct event *e, int status, const char *detail) NONNULL_ALL;
/* Absent values are left out; one too many or too long settles 431. */
void event_add(struct reading *r, struct str name, struct str value) NONNULL(1);

/* HTTP_*, CONTENT_TYPE; multi-value where the event has it; cookies. */
void event_add_headers(struct reading *r) NONNULL_ALL;
/* Whether a field's list (Accept-Encoding) takes gzip: RFC 9110, 12.5.3. */
bool event_takes_gzip(struct str accept_encoding);
/* AUTHORIZER_*. */
void event_add_authorizer(struct reading *r) NONNULL_ALL;
/* The path as it is asked for: encoded, without stage, mapping and `base_path`. */
struct str event_path(struct reading *r, struct str base_path) NONNULL(1);
/* The raw query; absent when there is none. */
struct str event_query(struct reading *r) NONNULL_ALL;

/* `s` with what may not stand in a path or a query (RFC 3986) as %XX; with `all`
 * everything but unreserved characters. */
struct str event_encode(struct arena *a, struct str s, bool all) NONNULL(1);

#endif
