/*
 * import_wanted: an item as an import has it, read and given a slug.
 */
#ifndef CONTENT_IMPORT_WANTED_H
#define CONTENT_IMPORT_WANTED_H

#include "content/import.h"

struct import_wanted {
	const struct collection *collection;
	const struct json       *fields;        /* what a client may write */
	struct str               slug, id;      /* id absent: none of use */
	bool                     named;         /* the slug was given, not made */
	bool                     published;
	struct str               published_at, created_at, updated_at;  /* absent: not given */
};

/* Fills `w` but its collection, which is set already; what is wrong with fields is
 * added to `errors`.  ERR_TOO_LARGE, ERR_NO_MEMORY. */
NODISCARD enum err import_read(struct arena *a, const struct json *object,
    const struct json *identity, struct import_wanted *w, struct field_errors *errors)
    NONNULL(1, 4, 5);

/* Settles its slug, and its id, among those of this import; false when it is
 * refused, which is reported. */
NODISCARD bool import_choose_slug(struct import *im, const struct import_origin *from,
    struct import_wanted *w) NONNULL_ALL;

#endif
