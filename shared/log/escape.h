/*
 * escape: any bytes as the inside of a JSON string (RFC 8259, section 7), with
 * what must not reach a log masked.
 * Threads: safe from any.
 */
#ifndef LOG_ESCAPE_H
#define LOG_ESCAPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/str.h"

/* Writes at most `bound` bytes to `out` and returns how many.  What is not UTF-8
 * becomes U+FFFD.  What would pass the bound is left out whole, so that no escape
 * and no sequence is ever cut, and *cut is set. */
size_t log_escape(char *out, size_t bound, struct str value, bool *cut) NONNULL(1, 4);
/* `s` without the sequence that a cut left unfinished at its end. */
struct str log_whole_sequences(struct str s);

#endif
