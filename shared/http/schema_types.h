/*
 * schema_types: one row a field type; what validation and OpenAPI both need.
 * Threads: constant tables and pure functions.
 */
#ifndef HTTP_SCHEMA_TYPES_H
#define HTTP_SCHEMA_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/json.h"
#include "base/str.h"
#include "http/schema.h"

#define SCHEMA_WHY_SIZE       512       /* what is wrong with one value, in words, and a NUL */
#define SCHEMA_LIST_ITEMS_MAX 100       /* of a list whose field says nothing */

struct schema_type {
	enum json_type json;            /* of the value in a document; JSON_NULL: any */
	const char    *must_be;         /* said when it has another: "must be a string" */
	int64_t        max;             /* when the field gives none; 0: unbounded */
	/* Of a string type: false and the reason when `text` is none. */
	bool         (*check)(const struct field *f, struct str text, char why[SCHEMA_WHY_SIZE]);
	const char    *type, *format, *pattern; /* in OpenAPI */
};

/* The row of `type`; NULL for FIELD_UNSET and what is no type. */
const struct schema_type *schema_type_of(enum field_type type);

/* The largest value or length that `f` takes; INT64_MAX: unbounded. */
int64_t field_max(const struct field *f) NONNULL_ALL;
/* How many items a list takes. */
uint32_t field_max_items(const struct field *f) NONNULL_ALL;
/* Whether min and max bound a number: both 0 means any. */
bool field_is_bounded(const struct field *f) NONNULL_ALL;

/* FIELD_INT and FIELD_NUMBER against their bounds. */
bool schema_int_fits(const struct field *f, int64_t n, char why[SCHEMA_WHY_SIZE]) NONNULL_ALL;
bool schema_number_fits(const struct field *f, double n, char why[SCHEMA_WHY_SIZE]) NONNULL_ALL;

#endif
