/*
 * redact: what must not reach a log, by name and by look.
 * Threads: safe from any.
 */
#ifndef LOG_REDACT_H
#define LOG_REDACT_H

#include <stddef.h>

#include "base/attr.h"
#include "base/str.h"

#define REDACTED "[redacted]"

/* How many bytes at the start of `s` are an API key (qv_live_…), a refresh token
 * (qv_refresh_…) or a signed token (base64url parts that begin with eyJ); 0: none
 * of them stands there. */
size_t redact_length(struct str s) PURE;

#endif
