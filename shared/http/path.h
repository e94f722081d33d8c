/*
 * path: from REQUEST_URI to a path one can route on, and its query.
 * Only the raw target is read: what servers decode differs.
 */
#ifndef HTTP_PATH_H
#define HTTP_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"
#include "http/route.h"

/*
 * The path of an origin-form or absolute-form target (RFC 9112, 3.2): fragment
 * and query cut off, percent-decoded, "//" made "/", dot segments removed
 * (RFC 3986, 5.2.4) after decoding.  *query is what followed '?', raw.
 * ERR_INVALID: not starting with '/', a bad escape, an encoded slash or a
 *   backslash (servers disagree on them), a control byte, invalid UTF-8, or a ".."
 *   that leaves the root; *reason says which (static storage).
 * ERR_TOO_LARGE: over PATH_MAX_BYTES before dot segments went; *reason too.
 * A '/' at the end stays.  *query is STR_NONE without a '?', borrowed from
 * `target`; *path is in `a`.
 */
NODISCARD enum err path_normalize(struct arena *a, struct str target, struct str *path,
    struct str *query, const char **reason) NONNULL(1, 3, 4, 5);

/*
 * application/x-www-form-urlencoded pairs, '+' is a space.
 * ERR_INVALID: a bad escape, invalid UTF-8, a NUL, or a name given twice;
 * ERR_TOO_LARGE: over `room` pairs or QUERY_MAX_BYTES.  A name without '=' has an
 * empty value; nothing between two '&' is no pair.
 */
NODISCARD enum err query_parse(struct arena *a, struct str raw, struct path_parameter *list,
    size_t room, size_t *count, const char **reason) NONNULL(1, 3, 5, 6);
/* The same of a body, whose length the route bounds. */
NODISCARD enum err form_parse(struct arena *a, struct str raw, struct path_parameter *list,
    size_t room, size_t *count, const char **reason) NONNULL(1, 3, 5, 6);

#endif
