/*
 * feed: what both feed formats are written from.
 */
#ifndef CONTENT_FEED_H
#define CONTENT_FEED_H

#include "content/endpoints.h"

struct feed_entry {
	struct str           summary;   /* the stored row: head borrows from it */
	struct document_head head;
	const struct json   *fields;
	struct str           html;      /* the body, a JSON string with its quotes */
};

struct feed {
	struct arena            *arena;
	const struct collection *collection;
	struct str               origin, title;
	struct str               updated;       /* RFC 3339 */
	struct feed_entry        entries[FEED_ITEMS_MAX];
	size_t                   count;
};

struct feed_format {
	const char *name;               /* "atom" */
	enum err  (*write)(const struct feed *f, struct buf *out);
};
extern const struct feed_format feed_atom, feed_json;

/* When a reader saw it change: the later of its edit and its publication. */
struct str feed_changed(const struct document_head *h) NONNULL_ALL;

#endif
