/*
 * openapi_operation: one row of a handler's table as an OpenAPI operation.
 */
#ifndef HTTP_OPENAPI_OPERATION_H
#define HTTP_OPENAPI_OPERATION_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"
#include "http/openapi_parts.h"
#include "http/route.h"

/* A name for client code, made of method and path alone so that it stays:
 * "listBlog", "getBlogById", "publishBlogById", "loginAuth". */
struct str operation_id(struct arena *a, const struct route *r) NONNULL_ALL;
/* The operation object of `r`. */
void operation_write(struct openapi *o, const struct route *r) NONNULL_ALL;
/* Notes the schemas that `r` refers to; for all rows, before any is written. */
void operation_collect(struct openapi *o, const struct route *r) NONNULL_ALL;

#endif
