/*
 * percent: one percent-encoded byte (RFC 3986, 2.1); what path and query share.
 * Threads: pure functions.
 */
#ifndef HTTP_PERCENT_H
#define HTTP_PERCENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/str.h"

/* The byte that the escape at s.ptr[at], which is a '%', stands for; false when
 * two hexadecimal digits do not follow. */
NODISCARD bool percent_byte(struct str s, size_t at, unsigned char *byte) NONNULL(3);

#endif
