/*
 * str: a borrowed run of bytes; it looks and never owns.
 * Lifetime: that of the bytes it points at; usually a request's arena.
 * Threads:  a value; as safe as the bytes.
 * A str with ptr NULL is "absent"; one with len 0 and ptr set is "empty".
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/attr.h"

struct str {
	const char *ptr;
	size_t      len;
};

#define STR(literal)  ((struct str){ "" literal, sizeof(literal) - 1 })
/* For initialisers of static tables, where a compound literal is no constant. */
#define STR_INIT(literal) { "" literal, sizeof(literal) - 1 }
#define STR_NONE      ((struct str){ NULL, 0 })
/* For printf's "%.*s". */
#define STR_ARG(s)    (int)(s).len, (s).ptr

/* A view of a NUL-terminated string; NULL gives STR_NONE. */
static inline struct str str_of(const char *text)
{
	return (struct str){ text, text == NULL ? 0 : strlen(text) };
}

static inline bool str_is_empty(struct str s) { return s.len == 0; }

static inline bool str_eq(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_starts(struct str s, struct str prefix)
{
	return s.len >= prefix.len &&
	    (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

static inline bool str_ends(struct str s, struct str suffix)
{
	return s.len >= suffix.len &&
	    (suffix.len == 0 ||
	    memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

/* From `from` (at most len) to the end. */
static inline struct str str_from(struct str s, size_t from)
{
	if (from > s.len)
		from = s.len;
	return (struct str){ s.ptr == NULL ? NULL : s.ptr + from, s.len - from };
}

/* The first `n` bytes, or all. */
static inline struct str str_first(struct str s, size_t n)
{
	return (struct str){ s.ptr, n < s.len ? n : s.len };
}

/* ASCII case folded. */
bool str_eq_nocase(struct str a, struct str b) PURE;
/* <0, 0, >0 as memcmp, shorter first. */
int  str_compare(struct str a, struct str b) PURE;
/* Index of the first `c`, or s.len. */
size_t str_index(struct str s, char c) PURE;
/* Whether `needle` occurs in `s`. */
bool str_contains(struct str s, struct str needle) PURE;
/* Without leading and trailing spaces, tabs, CR and LF. */
struct str str_trim(struct str s);
/* Takes the part before the first `sep` off the front of *rest and returns it;
 * with no `sep` it is all of *rest, and *rest becomes STR_NONE.  Loop while
 * rest->ptr != NULL. */
struct str str_cut(struct str *rest, char sep) NONNULL(1);
/* Decimal digits only, no sign, no space; false when empty or over UINT64_MAX. */
NODISCARD bool str_to_u64(struct str s, uint64_t *out) NONNULL(2);
/* An optional '-' and digits; false when empty or out of int64_t. */
NODISCARD bool str_to_i64(struct str s, int64_t *out) NONNULL(2);
/* Well-formed UTF-8 (RFC 3629): no overlong form, no surrogate, nothing over U+10FFFF. */
bool str_is_utf8(struct str s) PURE;
/* The first character of `s` (not empty): true and its length when well-formed;
 * else false and the length of the bad part, as one U+FFFD replaces it (Unicode,
 * "maximal subpart"). */
NODISCARD bool str_utf8_step(struct str s, size_t *length) NONNULL(2);
/* Number of code points of well-formed UTF-8. */
size_t str_code_points(struct str s) PURE;
/* Any byte under 0x20 or 0x7F. */
bool str_has_control(struct str s) PURE;
/* FNV-1a over the bytes with an avalanche; for tables of our own making, not
 * for keys that an attacker chooses (use crypto.h's digests there). */
uint64_t str_hash(struct str s) PURE;

#endif
