/*
 * words: what counts as a word, and as the same word, in a full-text search.
 * FTS5's own tokenizer says it (unicode61, remove_diacritics 2) for every engine, so
 * that a search finds the same items whichever of them keeps the items.
 * Lifetime: words_init to words_clean; what it needs is made at the first split.
 * Threads:  one at a time.
 */
#ifndef STORE_WORDS_H
#define STORE_WORDS_H

#include <stdbool.h>

#include <sqlite3.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#define WORDS_SEARCHED_MAX 32           /* words of one search */
#define WORDS_PREFIX_MIN_BYTES 2        /* one letter as a beginning would find half of everything */
/* The tokenizer and its arguments, as a table's declaration takes them. */
#define WORDS_TOKENIZER "unicode61 remove_diacritics 2"

struct words {
	sqlite3        *db;             /* whose tokenizer it is */
	bool            own;            /* and made for it alone */
	Fts5Tokenizer  *tokenizer;
	fts5_tokenizer  methods;
};

/* `db`: a connection that outlives it; NULL: one of its own, in memory. */
void words_init(struct words *w, sqlite3 *db) NONNULL(1);
void words_clean(struct words *w) NONNULL_ALL;

/* Calls each(context, word) for the words of `text`, folded, in their order, as often as
 * they occur; the word is good until `each` returns; it may end it with another error.
 * Any bytes.  ERR_NO_MEMORY, ERR_IO: SQLite says so. */
NODISCARD enum err words_split(struct words *w, struct str text,
    enum err (*each)(void *context, struct str word), void *context) NONNULL(1, 3);

/* "every its once order word": all that a search knows of `text`; the arena's.
 * ERR_TOO_LARGE: over `max_bytes`.  ERR_NO_MEMORY, ERR_IO. */
NODISCARD enum err words_canonical(struct words *w, struct arena *a, struct str text,
    size_t max_bytes, struct str *out) NONNULL(1, 2, 5);

/* Words kept in an arena: what words_split can be given as `each`, with this. */
struct words_list {
	struct arena *arena;
	struct str   *list;
	size_t        n, capacity;
};
enum err words_add(void *words_list, struct str word);

#endif
