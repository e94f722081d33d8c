/*
 * import: files and lines into items, one transaction each.
 * One that does not do is reported with its file and line, and the rest goes in.
 * Items are found by their slug: the same input again changes nothing, and an
 * import that was cut off and is repeated ends as if it had been whole.
 * A slug or an id that comes twice in one import is refused the second time, so
 * that this holds whatever the order.
 * Lifetime: one request; each item's memory is given back before the next.
 */
#ifndef CONTENT_IMPORT_H
#define CONTENT_IMPORT_H

#include "content/change.h"
#include "content/name_set.h"
#include "http/request.h"

enum import_outcome { IMPORT_CREATED, IMPORT_UPDATED, IMPORT_UNCHANGED, IMPORT_OUTCOMES };

/* Where an item came from, for the report. */
struct import_origin {
	struct str file;                /* absent: none was named */
	uint32_t   line;                /* of NDJSON; 0: none */
};

struct import_entry {
	struct import_origin origin;
	struct str           text;      /* of an item: its slug; of an error: what is wrong */
	char                 id[37];
	enum import_outcome  outcome;
};

struct import {
	const struct request    *req;
	const struct collection *collection;    /* of what names none */
	struct arena             arena; /* of the present item */
	struct name_set          slugs, ids;    /* of this import so far */
	enum err                 stopped;       /* by the store, within an archive */
	uint32_t                 outcomes[IMPORT_OUTCOMES], failed, skipped, left_out;
	struct import_entry     *items, *errors;        /* room for IMPORT_REPORT_MAX */
	size_t                   n_items, n_errors;
};

void import_begin(struct import *im, const struct request *req,
    const struct collection *collection) NONNULL_ALL;
/* Waits until all that was written is durable, and gives the memory back.  `res`
 * is the finished reply, which an Idempotency-Key keeps; NULL: it failed. */
NODISCARD enum err import_end(struct import *im, struct response *res) NONNULL(1);

/* Reports something wrong and goes on.  `line` may be 0. */
void import_refuse(struct import *im, const struct import_origin *from, const char *fmt, ...)
    NONNULL(1, 2, 3) PRINTF(3, 4);

/* One Markdown file, one line of NDJSON.  What is wrong with it is reported; an
 * error is the store's, and ends the import. */
NODISCARD enum err import_markdown(struct import *im, const struct import_origin *from,
    struct str file) NONNULL(1, 2);
NODISCARD enum err import_line(struct import *im, const struct import_origin *from,
    struct str line) NONNULL(1, 2);

/* An object with the API's names.  `identity` is where collection, id, created_at
 * and updated_at are looked for: what export wrote, or a stranger's front matter,
 * whose values are passed over when they are none. */
NODISCARD enum err import_object(struct import *im, const struct import_origin *from,
    const struct json *object, const struct json *identity) NONNULL(1, 2);

/* The result as JSON. */
void import_report(const struct import *im, struct json_writer *w) NONNULL_ALL;

#endif
