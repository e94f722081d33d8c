/*
 * json: strict reading (RFC 8259) and streaming writing.
 * Reading: a scanner of ours (json_scan.h) decides what is JSON, because the one
 *   of json-c 0.16 lets through single quotes, NaN, raw control bytes, duplicate
 *   names and numbers that it then clamps, and cuts names at a NUL; json-c holds
 *   the document (json_tree.h).  Nothing else in the tree calls json-c.
 * Lifetime: a document belongs to the arena it was parsed into.
 * Threads:  a document is one thread's.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct json;                    /* a value inside a document; opaque */

enum json_type {
	JSON_NULL, JSON_BOOL, JSON_INT, JSON_DOUBLE, JSON_STRING, JSON_ARRAY, JSON_OBJECT
};

struct json_error {
	uint32_t    line, column;       /* from 1; the column counts bytes */
	const char *reason;             /* static storage, for people: "duplicate name" */
};

/* Parses exactly one value with white space around it.
 * ERR_INVALID: not JSON, a name given twice in one object, nested over
 *   `max_depth` (at most JSON_DEPTH_MAX), a lone surrogate, invalid UTF-8, an
 *   integer outside int64_t or a number that is not finite; *error is filled.
 * ERR_NO_MEMORY: the arena is exhausted. */
NODISCARD enum err json_parse(struct arena *a, struct str text, unsigned max_depth,
    const struct json **out, struct json_error *error) NONNULL_ALL;

enum json_type json_type(const struct json *v);
/* Values of the wrong type, and NULL (as null), give false / 0 / absent; check
 * json_type first. */
bool       json_bool(const struct json *v);
int64_t    json_int(const struct json *v);
double     json_double(const struct json *v);         /* also of an int */
/* The bytes of a string, NULs and all; borrowed from the document.
 * The linker knows it by another name: jansson, which libjwt uses, has a
 * json_string of its own, and ours in the executable would take its place. */
struct str json_string(const struct json *v) __asm__("json_string_bytes");
size_t     json_length(const struct json *v);         /* of an array or an object */
/* NULL for a type other than array, or past its end. */
const struct json *json_at(const struct json *array, size_t index);
/* NULL when absent or `object` is no object.  It may be NULL: a chain of these
 * needs one check at its end. */
const struct json *json_get(const struct json *object, struct str name);
/* A string member or STR_NONE; the member's int or `otherwise`. */
struct str json_get_string(const struct json *object, const char *name) NONNULL(2);
int64_t    json_get_int(const struct json *object, const char *name, int64_t otherwise) NONNULL(2);
bool       json_get_bool(const struct json *object, const char *name, bool otherwise) NONNULL(2);

struct json_member {
	struct str         name;
	const struct json *value;
};
/* Calls fn for each member in the document's order; stops when it returns false. */
void json_each(const struct json *object,
    bool (*fn)(void *context, struct json_member member), void *context) NONNULL(2);

/* The value as JSON text, compact; numbers as they were written. */
void json_write(struct buf *out, const struct json *v) NONNULL_ALL;

/*
 * Writing: one pass, no tree.  The writer puts the commas; what is open is
 * counted, and leaving something open is caught by json_end in debug builds.
 */
struct json_writer {
	struct buf *out;
	uint32_t    depth;
	bool        comma;              /* something stands before in this container */
};

void json_begin(struct json_writer *w, struct buf *out) NONNULL_ALL;
/* Everything that was opened is closed. */
void json_end(struct json_writer *w) NONNULL_ALL;
void json_object_open(struct json_writer *w) NONNULL_ALL;
void json_object_close(struct json_writer *w) NONNULL_ALL;
void json_array_open(struct json_writer *w) NONNULL_ALL;
void json_array_close(struct json_writer *w) NONNULL_ALL;
/* A member's name; its value comes next. */
void json_name(struct json_writer *w, const char *name) NONNULL_ALL;
void json_name_str(struct json_writer *w, struct str name) NONNULL_ALL;
/* Any bytes: what is not UTF-8 becomes U+FFFD, control bytes are escaped.
 * An absent str is null. */
void json_put_string(struct json_writer *w, struct str s) NONNULL_ALL;
void json_put_int(struct json_writer *w, int64_t n) NONNULL_ALL;
void json_put_u64(struct json_writer *w, uint64_t n) NONNULL_ALL;
void json_put_double(struct json_writer *w, double n) NONNULL_ALL;   /* not finite: null */
void json_put_bool(struct json_writer *w, bool b) NONNULL_ALL;
void json_put_null(struct json_writer *w) NONNULL_ALL;
void json_put_value(struct json_writer *w, const struct json *v) NONNULL_ALL;
/* Text that is JSON already, as it stands. */
void json_put_raw(struct json_writer *w, struct str text) NONNULL_ALL;

/* name and value in one call */
void json_member_string(struct json_writer *w, const char *name, struct str s) NONNULL_ALL;
void json_member_int(struct json_writer *w, const char *name, int64_t n) NONNULL_ALL;
void json_member_bool(struct json_writer *w, const char *name, bool b) NONNULL_ALL;

/* The escaped, quoted form alone, for writers of other formats (logs). */
void json_escape(struct buf *out, struct str s) NONNULL_ALL;

#endif
