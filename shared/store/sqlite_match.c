/*
 * sqlite_match: what a user typed, as an FTS5 expression.
 * The words are those of the index (store/words.h), and nothing that was typed can be
 * syntax: each word comes out quoted.
 */
#include "store/sqlite.h"

#include "base/buf.h"

struct expression {
	struct buf *out;
	unsigned    words;
	size_t      last_len;
};

static enum err add_word(void *context, struct str word)
{
	struct expression *e = context;

	if (e->words == WORDS_SEARCHED_MAX)
		return ERR_TOO_LARGE;
	e->words++;
	e->last_len = word.len;
	BUF_LIT(e->out, " \"");
	for (size_t i = 0; i < word.len; i++) {
		if (word.ptr[i] == '"')
			buf_char(e->out, '"');
		buf_char(e->out, word.ptr[i]);
	}
	buf_char(e->out, '"');
	return OK;
}

enum err sqlite_match(struct sqlite_db *db, struct str words, struct buf *out)
{
	struct expression e = { .out = out };
	enum err err = words_split(&db->words, words, add_word, &e);

	if (err != OK && err != ERR_TOO_LARGE)
		return sqlite_fail(db, sqlite3_errcode(db->handle), "split words");
	if (err != OK)
		return err;
	if (e.words == 0)
		return ERR_INVALID;
	if (e.last_len >= WORDS_PREFIX_MIN_BYTES)
		buf_char(out, '*');
	return buf_failed(out) ? ERR_TOO_LARGE : OK;
}
