/*
 * openapi_schema: schemas as JSON Schema (2020-12, OpenAPI 3.1's dialect).
 * Lifetime: one document being written; everything in its arena.
 */
#ifndef HTTP_OPENAPI_SCHEMA_H
#define HTTP_OPENAPI_SCHEMA_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/json.h"
#include "http/schema.h"

enum schema_variant {
	VARIANT_WHOLE,                  /* NAME */
	VARIANT_PATCH,                  /* NAMEPatch: nothing is required, nothing is read-only */
	VARIANT_PAGE,                   /* NAMEPage: {"items":[NAME],"next_cursor"} */
	VARIANT_COUNT
};

struct schema_use;

/* The schemas that a document refers to, each variant once, in order of their use. */
struct schema_uses {
	struct schema_use *first, *last;
};

/* Notes that `s` is used, and all it refers to.  `request`: a client sends it, so
 * that the bounds its fields do not name hold as well. */
void schema_uses_add(struct schema_uses *u, struct arena *a, const struct schema *s,
    enum schema_variant variant, bool request) NONNULL_ALL;
/* Its members for components/schemas. */
void schema_uses_write(const struct schema_uses *u, struct arena *a, struct json_writer *w)
    NONNULL_ALL;

/* {"$ref": …} of a schema that was added. */
void schema_write_ref(struct arena *a, struct json_writer *w, const struct schema *s,
    enum schema_variant variant) NONNULL_ALL;
/* The schema of a query parameter, as an object. */
void schema_write_parameter(struct arena *a, struct json_writer *w, const struct field *f)
    NONNULL_ALL;

#endif
