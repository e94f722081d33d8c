/*
 * structured_field: header fields as RFC 8941 has them, read and written.
 * Strict: what section 4.2 lets a parser fail on, fails here; base64 is padded
 * and has no stray bits.
 * Lifetime: what is read is the arena's and borrows from the text.
 * Threads:  safe from any.
 */
#ifndef BASE_STRUCTURED_FIELD_H
#define BASE_STRUCTURED_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

/* What section 3 asks a parser to take at least is what is taken at most. */
#define SF_MAX_BYTES         65536   /* the whole of it, all lines */
#define SF_MEMBERS_MAX       1024    /* of a list or a dictionary */
#define SF_INNER_MAX         256     /* items of an inner list */
#define SF_PARAMETERS_MAX    256     /* of one item or inner list */
#define SF_KEY_MAX_BYTES     256     /* 64 are asked for */

enum sf_kind {
	SF_INTEGER, SF_DECIMAL, SF_STRING, SF_TOKEN, SF_BYTES, SF_BOOLEAN
};

struct sf_value {
	enum sf_kind kind;
	int64_t         number;         /* integer; decimal in thousandths; boolean 0 or 1 */
	struct str      text;           /* string, token, bytes: decoded */
};

struct sf_parameter {
	struct str         key;
	struct sf_value value;
};

struct sf_parameters {
	struct sf_parameter *list;
	size_t                  count;
};

struct sf_item {
	struct sf_value      value;
	struct sf_parameters parameters;
};

/* A member of a list or a dictionary: an item, or an inner list of them. */
struct sf_member {
	struct str         key;         /* of a dictionary; absent in a list */
	bool               is_inner;
	struct sf_item  item;        /* inner: its parameters alone */
	struct sf_item *inner;
	size_t             n_inner;
};

struct sf_members {
	struct sf_member *list;
	size_t               count;
	bool                 repeated;  /* a dictionary's key came more than once: the last holds */
};

/* Each reads all of `text`: the field's lines joined by ", ".
 * ERR_INVALID: not of that form; ERR_TOO_LARGE: over a bound above;
 * ERR_NO_MEMORY: the arena is exhausted. */
NODISCARD enum err sf_read_item(struct arena *a, struct str text, struct sf_item *out)
    NONNULL(1, 3);
NODISCARD enum err sf_read_list(struct arena *a, struct str text, struct sf_members *out)
    NONNULL(1, 3);
NODISCARD enum err sf_read_dictionary(struct arena *a, struct str text,
    struct sf_members *out) NONNULL(1, 3);

/* The member or parameter of that key; NULL when there is none. */
const struct sf_member *sf_member(const struct sf_members *m, struct str key)
    NONNULL(1);
const struct sf_value *sf_parameter(const struct sf_parameters *p, struct str key)
    NONNULL(1);

/* The canonical form (section 4.1) of what a reader above gave, or of what could
 * have been read: nothing is checked. */
void sf_write_value(struct buf *out, const struct sf_value *v) NONNULL_ALL;
void sf_write_parameters(struct buf *out, const struct sf_parameters *p) NONNULL_ALL;
void sf_write_item(struct buf *out, const struct sf_item *i) NONNULL_ALL;
/* An item or an inner list, without its key. */
void sf_write_member(struct buf *out, const struct sf_member *m) NONNULL_ALL;
void sf_write_list(struct buf *out, const struct sf_members *m) NONNULL_ALL;
void sf_write_dictionary(struct buf *out, const struct sf_members *m) NONNULL_ALL;

#endif
