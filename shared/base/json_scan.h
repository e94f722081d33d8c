/*
 * json_scan: decides what is JSON (RFC 8259), token by token; internal to json.
 * Lifetime: one pass over a text that stays where it is.
 * A function that fails says why in `reason` and leaves `at` where it happened;
 * one that only looks (json_scan_take) fails without a trace.
 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

struct json_scan {
	const char *at, *end;
	const char *reason;             /* static storage; NULL: nothing is wrong */
};

void json_scan_space(struct json_scan *s) NONNULL_ALL;
/* Takes `c` when it is next. */
bool json_scan_take(struct json_scan *s, char c) NONNULL_ALL;
/* What is next, or 0 at the end (and for a NUL, which begins nothing). */
static inline char json_scan_peek(const struct json_scan *s)
{
	return s->at < s->end ? *s->at : '\0';
}
/* Takes exactly this word: true, false, null. */
NODISCARD bool json_scan_word(struct json_scan *s, struct str word) NONNULL(1);
/* Takes a string, from quote to quote.  *out is its bytes: in the text itself
 * when nothing is escaped, else in `scratch`.  false without a reason: no memory. */
NODISCARD bool json_scan_string(struct json_scan *s, struct buf *scratch, struct str *out)
    NONNULL_ALL;
/* Takes a number.  *integer: it has neither fraction nor exponent. */
NODISCARD bool json_scan_number(struct json_scan *s, struct str *out, bool *integer) NONNULL_ALL;
/* Always false. */
bool json_scan_fail(struct json_scan *s, const char *reason) NONNULL_ALL;

#endif
