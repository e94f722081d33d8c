/*
 * import_date: the dates and times that people write into front matter.
 * Threads: safe from any.
 */
#ifndef CONTENT_IMPORT_DATE_H
#define CONTENT_IMPORT_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

/* "2026-01-02", "2026-01-02T03:04:05.678+01:00", and what YAML, Jekyll and Go
 * write: a space for the T, one-digit months and days, no seconds, a space before
 * the offset, "+0100", "+01", "UTC".  Without an offset it is UTC. */
NODISCARD bool import_date_parse(struct str text, int64_t *ms) NONNULL(2);

/* The first day named by a path: "2026/01/02/…" or "…/2026-01-02-…" where a
 * segment begins.  `behind` (may be NULL) is what follows the day. */
NODISCARD bool import_date_in_path(struct str path, int64_t *ms, struct str *behind) NONNULL(2);

#endif
