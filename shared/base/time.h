/*
 * time: clocks and their text forms.  All times are UTC.
 * Threads: safe from any.
 */
#ifndef BASE_TIME_H
#define BASE_TIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

#define TIME_RFC3339_SIZE  25   /* "2026-01-02T03:04:05.678Z" and a NUL */
#define TIME_HTTP_SIZE     30   /* "Fri, 02 Jan 2026 03:04:05 GMT" and a NUL */
#define TIME_DATE_SIZE     11   /* "2026-01-02" and a NUL */

/* Milliseconds since 1970 by the wall clock; it may step. */
int64_t time_now_ms(void);
/* Nanoseconds of a clock that never steps; for durations and deadlines. */
uint64_t time_monotonic_ns(void);

/* RFC 3339 in UTC with milliseconds; years 0000 to 9999. */
void time_to_rfc3339(int64_t ms, char out[TIME_RFC3339_SIZE]) NONNULL_ALL;
/* IMF-fixdate (RFC 9110, 5.6.7). */
void time_to_http(int64_t ms, char out[TIME_HTTP_SIZE]) NONNULL_ALL;
void time_to_date(int64_t ms, char out[TIME_DATE_SIZE]) NONNULL_ALL;

/* RFC 3339 date-time with any offset and any fraction (cut to ms); a leap
 * second counts as the next one.  False for anything else. */
NODISCARD bool time_from_rfc3339(struct str s, int64_t *ms) NONNULL(2);
/* "YYYY-MM-DD" of a day that exists, as its midnight. */
NODISCARD bool time_from_date(struct str s, int64_t *ms) NONNULL(2);
/* IMF-fixdate only. */
NODISCARD bool time_from_http(struct str s, int64_t *ms) NONNULL(2);

#endif
