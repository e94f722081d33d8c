/*
 * front_matter: the block of fields in front of a Markdown file's text.
 * Three notations are read, as Hugo, Jekyll and Zola have them:
 *   YAML between "---" lines (it may end with "..."), TOML between "+++" lines,
 *   or one JSON object that begins the file.
 * All three become the same JSON document, so that who maps fields sees one
 * shape: TOML dates and times are RFC 3339 strings (a local one counts as UTC),
 * YAML's plain scalars follow its core schema (1.2, 10.3.2), but dates, numbers
 * with leading zeros and numbers beyond int64_t or double stay text.
 * Lifetime: one call; results are the arena's.
 * Threads:  safe from any.
 */
#ifndef CONTENT_FRONT_MATTER_H
#define CONTENT_FRONT_MATTER_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "content/content_limits.h"

struct front_matter {
	const struct json *document;    /* an object, maybe an empty one */
	struct str         body;        /* behind the block and at most one empty line */
};

struct front_matter_error {
	uint32_t line, column;          /* in the file, from 1; column 0: the whole line */
	char     reason[FRONT_MATTER_REASON_SIZE];      /* for people, UTF-8 */
};

/* Reads a whole file.  A byte order mark is skipped; where the first line ends
 * in CR LF, all do, and become LF; the body is otherwise untouched.
 * ERR_INVALID, with *error filled: no front matter, one that does not end, bytes
 *   that are not UTF-8 or NUL anywhere, malformed YAML, TOML or JSON, a key given
 *   twice, a YAML alias or tag, nested over FRONT_MATTER_DEPTH_MAX, or over
 *   FRONT_MATTER_MAX_BYTES.
 * ERR_NO_MEMORY: the arena is exhausted. */
NODISCARD enum err front_matter_read(struct arena *a, struct str file,
    struct front_matter *out, struct front_matter_error *error) NONNULL(1, 3, 4);

/* Appends `document` (an object) as YAML front matter and `body` behind it;
 * front_matter_read gives both back as they were.  Every string is double-quoted
 * and every collection in flow style, which Hugo, Jekyll and Zola read too. */
void front_matter_write(struct buf *out, const struct json *document, struct str body)
    NONNULL(1, 2);

#endif
