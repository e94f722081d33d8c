/*
 * sqlite_match: what a user typed, as an FTS5 expression.
 * FTS5's own tokenizer finds the words, so a search sees them as the index does,
 * and nothing that was typed can be syntax: each word comes out quoted.
 */
#include "store/sqlite.h"

#include "base/buf.h"

#define PREFIX_MIN_BYTES 2      /* one letter as a beginning would find half of everything */

struct expression {
	struct buf *out;
	unsigned    words;
	size_t      last_len;
};

/* The pointer interface of FTS5: it fills in the address that is bound. */
static fts5_api *fts5_of(struct sqlite_db *db)
{
	fts5_api *api = NULL;
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(db->handle, "SELECT fts5(?1)", -1, &st, NULL) != SQLITE_OK)
		return NULL;
	sqlite3_bind_pointer(st, 1, (void *)&api, "fts5_api_ptr", NULL);
	sqlite3_step(st);
	sqlite3_finalize(st);
	return api;
}

static int make_tokenizer(struct sqlite_db *db)
{
	const char *arguments[] = { "remove_diacritics", "2" };         /* as in the schema */
	fts5_api *api = fts5_of(db);
	void *user = NULL;
	int rc;

	if (api == NULL)
		return SQLITE_ERROR;
	rc = api->xFindTokenizer(api, "unicode61", &user, &db->words_methods);
	if (rc != SQLITE_OK)
		return rc;
	return db->words_methods.xCreate(user, arguments, COUNT(arguments), &db->words);
}

void sqlite_match_close(struct sqlite_db *db)
{
	if (db->words != NULL)
		db->words_methods.xDelete(db->words);
	db->words = NULL;
}

static int add_word(void *context, int flags, const char *word, int len, int start, int end)
{
	struct expression *e = context;

	(void)flags;
	(void)start;
	(void)end;
	if (e->words == MATCH_WORDS_MAX)
		return SQLITE_TOOBIG;
	e->words++;
	e->last_len = (size_t)len;
	BUF_LIT(e->out, " \"");
	for (int i = 0; i < len; i++) {
		if (word[i] == '"')
			buf_char(e->out, '"');
		buf_char(e->out, word[i]);
	}
	buf_char(e->out, '"');
	return SQLITE_OK;
}

enum err sqlite_match(struct sqlite_db *db, struct str words, struct buf *out)
{
	struct expression e = { .out = out };
	int rc = db->words == NULL ? make_tokenizer(db) : SQLITE_OK;

	if (rc == SQLITE_OK)
		rc = db->words_methods.xTokenize(db->words, &e, FTS5_TOKENIZE_QUERY, words.ptr,
		    (int)words.len, add_word);
	if (rc == SQLITE_TOOBIG)
		return ERR_TOO_LARGE;
	if (rc != SQLITE_OK)
		return sqlite_fail(db, rc, "split words");
	if (e.words == 0)
		return ERR_INVALID;
	if (e.last_len >= PREFIX_MIN_BYTES)
		buf_char(out, '*');
	return buf_failed(out) ? ERR_TOO_LARGE : OK;
}
