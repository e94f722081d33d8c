/*
 * store_file: a whole store as a file of lines of JSON.
 * The first line says whose it is, the last one how many items there are and what
 * they add up to; between them stands one item a line:
 *	{"quiver_store":1,"store":"sqlite:…","engine":"…","began_at":"…","key":"…"}
 *	{"pk":"…","sk":"…","version":3,"n":0,"body":"…"}
 *	{"items":1,"sum":"…"}
 * A member that is absent in the item is absent in its line; bytes that are not
 * UTF-8 are "body_base64" and "text_base64".
 * Lifetime: what a line gives is the reader's arena's, until the next line.
 * Threads:  one at a time.
 * Blocking: on the disk.
 */
#ifndef CONTENT_STORE_FILE_H
#define CONTENT_STORE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "content/store_sum.h"
#include "store/store.h"

#define STORE_FILE_FORMAT         1
#define STORE_FILE_LINE_MAX_BYTES (96 << 20)    /* one item: 16 MB of body and words, escaped */

struct store_head {
	struct str store, engine, began_at;
	struct str key;                 /* of the SECRET_KEY that things in it are sealed with */
};

enum store_line_kind { STORE_LINE_HEAD, STORE_LINE_ITEM, STORE_LINE_END };

struct store_line {
	enum store_line_kind kind;
	struct store_head    head;
	struct store_item    item;
	int64_t              items;     /* of the last line */
	struct str           sum;
};

/* Each adds one line with its newline. */
void store_file_head(struct buf *out, const struct store_head *head) NONNULL_ALL;
void store_file_item(struct buf *out, const struct store_item *item) NONNULL_ALL;
void store_file_end(struct buf *out, const struct store_sum *sum) NONNULL_ALL;

/* ERR_INVALID: none of the three; ERR_UNSUPPORTED: of a later format; ERR_NO_MEMORY. */
NODISCARD enum err store_file_line(struct arena *a, struct str line, struct store_line *out)
    NONNULL_ALL;

struct store_reader {
	FILE        *file;
	char        *line;
	size_t       room;
	uint64_t     number;            /* of the line read last; from 1 */
	int64_t      offset;            /* behind it */
	struct arena arena;
};

void store_reader_init(struct store_reader *r, FILE *file) NONNULL_ALL;
/* The file stays open. */
void store_reader_clean(struct store_reader *r) NONNULL_ALL;
NODISCARD enum err store_reader_seek(struct store_reader *r, int64_t offset) NONNULL_ALL;
/* ERR_NOT_FOUND: the end; ERR_CORRUPT: a line without an end, or as store_file_line
 * refuses it; ERR_UNSUPPORTED, ERR_NO_MEMORY; ERR_IO. */
NODISCARD enum err store_reader_next(struct store_reader *r, struct store_line *out) NONNULL_ALL;

/* Reads all of it, from the beginning: one head (its strings into `a`), items, one end
 * that agrees with them.  *sum: of the items that live at `now_ms`; *total: of all.
 * Else *reason (from `a`) says what is wrong. */
NODISCARD enum err store_file_check(struct store_reader *r, int64_t now_ms, struct arena *a,
    struct store_head *head, struct store_sum *sum, struct store_sum *total,
    struct str *reason) NONNULL_ALL;

#endif
