/*
 * import_map: the fields of a post, project or certification out of a Markdown
 * file's front matter, as Hugo, Jekyll and Zola name them, and back.
 * A field given by the API's own name always wins, even when it is empty: what
 * export_map writes comes back as it was.  Otherwise the names that the three
 * generators use are tried in order, then what file name and body say.
 * Unknown names are ignored.
 * Lifetime: one call; results are the arena's.
 * Threads:  safe from any.
 */
#ifndef CONTENT_IMPORT_MAP_H
#define CONTENT_IMPORT_MAP_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "content/content_limits.h"

/* Which of the API's collections; the order of import_map.c's tables. */
enum import_kind { IMPORT_BLOG, IMPORT_PROJECTS, IMPORT_CERTIFICATIONS, IMPORT_KINDS };

struct import_file {
	struct str         name;        /* its path, relative; it may name the day and the slug */
	const struct json *document;    /* front_matter_read's */
	struct str         body;
};

struct import_error {
	char field[32];                 /* the API's name; "" when it is about the whole */
	char reason[FRONT_MATTER_REASON_SIZE];
};

/* *fields: one JSON object with the API's field names of `kind`, without those
 * that the file does not give, and always with
 *   "slug"     valid (slug.h): of `slug`, else the last segment of `url`, `path`
 *              or `permalink`, else of the file's name, else of the title
 *   "status"   "draft" or "published"
 *   "body"     but for certifications, which have none
 * and, where a date is given or named by a path, "published_at" (RFC 3339, ms).
 * Whether required fields are there, and their lengths, is for the API's schema.
 * ERR_INVALID, *error filled: a field has a type or text that nothing can be made
 *   of, or a NUL.
 * ERR_TOO_LARGE: a list has over IMPORT_LIST_MAX members.
 * ERR_NO_MEMORY: the arena is exhausted. */
NODISCARD enum err import_map(struct arena *a, enum import_kind kind,
    const struct import_file *file, struct str *fields, struct import_error *error) NONNULL_ALL;

/* Appends `item` (an object with the API's names) as a file: every field of
 * `kind` but the computed ones, null where the item has none, so that import_map
 * has nothing to guess; and collection, id, created_at and updated_at when it has
 * them, for who imports the file. */
NODISCARD enum err export_map(struct arena *a, enum import_kind kind, const struct json *item,
    struct buf *out) NONNULL_ALL;

#endif
