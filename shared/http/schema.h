/*
 * schema: what a query, a body or a reply looks like, as a table.
 * From it come validation with every error at once (JSON Pointers, RFC 6901)
 * and the OpenAPI document.
 */
#ifndef HTTP_SCHEMA_H
#define HTTP_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

enum field_type {
	FIELD_UNSET = 0,                /* refused by the test that walks the tables */
	FIELD_STRING,                   /* one line: no control bytes; min/max in code points */
	FIELD_TEXT,                     /* many lines; min/max in bytes */
	FIELD_INT,                      /* min/max are values */
	FIELD_NUMBER,
	FIELD_BOOL,
	FIELD_ENUM,                     /* one of `choices` */
	FIELD_SLUG,                     /* [a-z0-9]+(-[a-z0-9]+)*, max in bytes */
	FIELD_UUID,
	FIELD_URL,                      /* absolute http or https; max in bytes */
	FIELD_EMAIL,                    /* addr-spec without comments or quoted parts */
	FIELD_DATE,                     /* YYYY-MM-DD */
	FIELD_TIME,                     /* RFC 3339 */
	FIELD_OBJECT,                   /* `object` */
	FIELD_ANY                       /* replies only: any JSON */
};

struct schema;

struct field {
	const char          *name;
	enum field_type      type;
	bool                 list;      /* an array of that type; at most max_items */
	bool                 required;
	bool                 nullable;  /* null is a value, or clears (PATCH) */
	bool                 read_only; /* in replies only: a client that sends it gets an error */
	bool                 secret;    /* never logged; format: password */
	int64_t              min, max;  /* see the type; max 0: the type's own bound, which
	                                 * numbers do not have: both 0 is any number */
	uint32_t             max_items; /* lists; 0: 100 */
	const char *const   *choices;   /* FIELD_ENUM; ended by NULL */
	const struct schema *object;    /* FIELD_OBJECT */
	const char          *otherwise; /* default, as JSON text, for help and OpenAPI; queries get it */
	const char          *help;
};

struct schema {
	const char         *name;       /* in OpenAPI: components/schemas/NAME */
	const struct field *fields;     /* ended by a NULL name */
	bool                open;       /* unknown members, of a query unknown names, are let through */
};

/* Whether a field of it is secret; NULL has none. */
bool schema_has_secret(const struct schema *s);

/* Of a POST that takes nothing: no body, or an object without members. */
extern const struct schema schema_empty;

struct field_error {
	struct str pointer;             /* "/tags/3"; for a query "?limit" is "/limit" */
	struct str detail;              /* "must be at most 200 characters" */
};

struct field_errors {
	struct arena       *arena;
	struct field_error *list;       /* room for FIELD_ERRORS_MAX */
	size_t              count;      /* over the room: counted, not kept */
};

void field_errors_init(struct field_errors *e, struct arena *a) NONNULL_ALL;
void field_errors_add(struct field_errors *e, struct str pointer, const char *fmt, ...)
    NONNULL(1, 3) PRINTF(3, 4);

enum schema_mode {
	SCHEMA_WHOLE,                   /* POST, PUT: required fields must be there */
	SCHEMA_PATCH                    /* merge patch (RFC 7396): none is required, null clears what is nullable */
};

/* Adds an error for everything in `body` that `s` does not allow.  The objects in
 * a list are checked as SCHEMA_WHOLE in both modes: a patch replaces lists. */
void schema_check(const struct schema *s, enum schema_mode mode, const struct json *body,
    struct field_errors *errors) NONNULL_ALL;

/* One text value (of a query) against one field.  FIELD_BOOL is true, false, 1 or
 * 0; `list`, `required` and `nullable` do not matter here. */
void schema_check_text(const struct field *f, struct str value, struct str pointer,
    struct field_errors *errors) NONNULL(1, 4);

#endif
