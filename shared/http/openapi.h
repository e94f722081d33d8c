/*
 * openapi: the OpenAPI 3.1 part of one handler, from its table alone.
 */
#ifndef HTTP_OPENAPI_H
#define HTTP_OPENAPI_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "http/app.h"

/* A whole document: openapi, info, paths, components (schemas, parameters,
 * responses, securitySchemes), tags.  The docs handler merges paths, tags and
 * components of several. */
void openapi_write(struct arena *a, const struct handler *h, struct buf *out) NONNULL_ALL;

#endif
