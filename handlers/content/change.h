/*
 * change: a creation, a change or a deletion of one item as the operations of
 * one transaction: the item, its slug, its rows in lists, its counters and the
 * revision that it leaves behind move together or not at all.
 * Lifetime: built in an arena, written once.
 * Threads:  values.
 */
#ifndef CONTENT_CHANGE_H
#define CONTENT_CHANGE_H

#include "content/placement.h"
#include "store/store.h"

/* A stored item, read and parsed. */
struct stored {
	struct str           text;
	struct document_head head;
	const struct json   *json;
};

/* By id or by slug.  ERR_NOT_FOUND: there is none, or the key is neither. */
NODISCARD enum err stored_load(struct store_connection *store, struct arena *a,
    const struct collection *c, struct str key, int64_t now_ms, struct stored *out)
    NONNULL(1, 2, 3, 6);
/* Parses `text`, which must be a stored document.  ERR_CORRUPT: it is none. */
NODISCARD enum err stored_read(struct arena *a, struct str text, struct stored *out) NONNULL(1, 3);
/* The partition and the sort key that `key`, an id or a slug, is found under. */
struct str stored_partition(const struct collection *c, struct str key) NONNULL(1);
/* The stored item as a document: its head and its fields. */
struct document stored_document(const struct collection *c, const struct stored *s) NONNULL_ALL;

struct change {
	struct document_text text;      /* of the document after it */
	struct store_op      ops[STORE_OPS_MAX];
	size_t               n_ops;
	size_t               slug_op;   /* fails with ERR_EXISTS when the slug is taken */
};

/*
 * `before` NULL: a creation; the id and the slug must be free.  Otherwise the
 * store must still have before's version; `after` has the next one.
 * ERR_TOO_LARGE: as document_compose.
 */
NODISCARD enum err change_of(struct arena *a, const struct document *after,
    const struct stored *before, struct change *out) NONNULL(1, 2, 4);
/* Removes all that there is of `before`, revisions too. */
void change_deletion(struct arena *a, const struct collection *c, const struct stored *before,
    struct change *out) NONNULL_ALL;

#endif
