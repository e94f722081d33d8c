/*
 * document: one item as JSON text, exactly as the API replies with it.
 * The text is stored and goes out without being parsed, so what a read must know
 * stands in front in a fixed form, the head:
 *   {"id":"…","version":7,"status":"draft","published_at":null,
 *    "created_at":"…","updated_at":"…","slug":"…",   (without the line breaks)
 * Three things depend on the time of reading and are patched in place, by text
 * of the same length: "published" that is "scheduled" still, and "expired".
 * Lifetime: strings borrow from the text or the arena they were made in.
 * Threads:  values and pure functions.
 */
#ifndef CONTENT_DOCUMENT_H
#define CONTENT_DOCUMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "content/collection.h"
#include "content/content_limits.h"

#define STATUS_DRAFT     STR("draft")
#define STATUS_PUBLISHED STR("published")
#define STATUS_SCHEDULED STR("scheduled")

struct document_head {
	struct str id, status;
	struct str published_at;        /* absent: null */
	struct str created_at, updated_at;
	struct str slug;
	uint64_t   version;
};

/* False when the text has no such head. */
NODISCARD bool document_head_read(struct str text, struct document_head *out) NONNULL(2);

/* `now` is a time as time_to_rfc3339 writes it: such texts compare as times do. */
bool document_is_published(const struct document_head *h) NONNULL_ALL;
bool document_is_visible(const struct document_head *h, struct str now) NONNULL(1);
/* When what a reader sees last changed: edited, became visible, expired. */
int64_t document_modified_ms(const struct collection *c, const struct document_head *h,
    struct str text, struct str now) NONNULL(1, 2);

/* What of a stored text does not fit the time of reading. */
enum document_view {
	VIEW_AS_STORED = 0,
	VIEW_SCHEDULED = 1,
	VIEW_EXPIRED = 2,
	VIEW_ALL = 7,
	VIEW_HTML = 4                   /* body_html is added: for its entity tag only */
};
unsigned document_view(const struct collection *c, const struct document_head *h,
    struct str text, struct str now) NONNULL(1, 2);
/* A copy of `text` as `view` has it; the text itself when that is as stored. */
struct str document_patch(struct arena *a, struct str text, unsigned view) NONNULL(1);
/* The name of a view in an entity tag. */
const char *document_variant(unsigned view);

/*
 * What a document is to become: a head, and fields from a client's JSON over
 * those of a stored document.  A member of `over` wins, null clears.
 */
struct document {
	const struct collection *collection;
	struct document_head     head;
	const struct json       *over, *base;   /* NULL: none */
};

/* The value of a field; NULL when it has none. */
const struct json *document_field(const struct document *d, const char *name) NONNULL(1);
/* A field of text; absent when it has none or `name` is NULL. */
struct str document_string(const struct document *d, const char *name) NONNULL(1);

struct names {                          /* of a list field, each once */
	struct str list[LABELS_MAX];
	size_t     count;
};
void document_labels(const struct document *d, struct names *out) NONNULL_ALL;

struct document_text {
	struct str full;                /* the JSON */
	struct str summary;             /* without its body: what lists have */
	struct str words;               /* for full-text search */
};

/* ERR_TOO_LARGE: the JSON is over DOCUMENT_TEXT_MAX_BYTES. */
NODISCARD enum err document_compose(struct arena *a, const struct document *d,
    struct document_text *out) NONNULL_ALL;

/* Rules beyond a field's own: a given slug must not mean something else in a path;
 * what ends does not end before it starts. */
void document_check_slug(const struct document *d, struct field_errors *errors) NONNULL_ALL;
void document_check_dates(const struct document *d, struct field_errors *errors) NONNULL_ALL;

#endif
