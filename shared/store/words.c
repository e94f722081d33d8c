#include "store/words.h"

#include <stddef.h>

void words_init(struct words *w, sqlite3 *db)
{
	*w = (struct words){ .db = db };
}

void words_clean(struct words *w)
{
	if (w->tokenizer != NULL)
		w->methods.xDelete(w->tokenizer);
	if (w->own)
		sqlite3_close(w->db);
	*w = (struct words){ .db = NULL };
}

/* The pointer interface of FTS5: it fills in the address that is bound. */
static fts5_api *fts5_of(sqlite3 *db)
{
	fts5_api *api = NULL;
	sqlite3_stmt *st = NULL;

	if (sqlite3_prepare_v2(db, "SELECT fts5(?1)", -1, &st, NULL) != SQLITE_OK)
		return NULL;
	sqlite3_bind_pointer(st, 1, (void *)&api, "fts5_api_ptr", NULL);
	sqlite3_step(st);
	sqlite3_finalize(st);
	return api;
}

static int open_own(struct words *w)
{
	int rc = sqlite3_open_v2(":memory:", &w->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
	    SQLITE_OPEN_NOMUTEX, NULL);

	w->own = true;
	return rc;
}

static int make_tokenizer(struct words *w)
{
	const char *arguments[] = { "remove_diacritics", "2" };         /* as in WORDS_TOKENIZER */
	int rc = w->db == NULL ? open_own(w) : SQLITE_OK;
	fts5_api *api = rc == SQLITE_OK ? fts5_of(w->db) : NULL;
	void *user = NULL;

	if (api == NULL)
		return SQLITE_ERROR;
	rc = api->xFindTokenizer(api, "unicode61", &user, &w->methods);
	if (rc != SQLITE_OK)
		return rc;
	return w->methods.xCreate(user, arguments, COUNT(arguments), &w->tokenizer);
}

struct splitting {
	enum err (*each)(void *context, struct str word);
	void      *context;
	enum err   err;
};

static int take_word(void *context, int flags, const char *word, int len, int start, int end)
{
	struct splitting *s = context;

	(void)flags;
	(void)start;
	(void)end;
	s->err = s->each(s->context, (struct str){ word, (size_t)len });
	return s->err == OK ? SQLITE_OK : SQLITE_ABORT;
}

enum err words_split(struct words *w, struct str text,
    enum err (*each)(void *context, struct str word), void *context)
{
	struct splitting s = { .each = each, .context = context };
	int rc = w->tokenizer == NULL ? make_tokenizer(w) : SQLITE_OK;

	if (rc == SQLITE_OK && text.len > 0)
		rc = w->methods.xTokenize(w->tokenizer, &s, FTS5_TOKENIZE_QUERY, text.ptr,
		    (int)text.len, take_word);
	if (s.err != OK)
		return s.err;
	return rc == SQLITE_OK ? OK : rc == SQLITE_NOMEM ? ERR_NO_MEMORY : ERR_IO;
}
