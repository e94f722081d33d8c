/*
 * import_slug: what a file is called, as a slug.
 * Internal to import_map.c.
 */
#ifndef CONTENT_IMPORT_SLUG_H
#define CONTENT_IMPORT_SLUG_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

/* Of the last segment of an address ("/2017/02/09/Rust-1.15.1/" →
 * "rust-1-15-1"); empty for one of Jekyll's patterns ("/:year/:title/"). */
NODISCARD struct str import_slug_of_address(struct arena *a, struct str address) NONNULL(1);

/* Of a file's path: without folder, day and ending; of the folder's name where the
 * file is called index or _index (a page bundle).  May be empty. */
NODISCARD struct str import_slug_of_file(struct arena *a, struct str path) NONNULL(1);

#endif
