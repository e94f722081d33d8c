#include "store/words.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

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

enum err words_add(void *words_list, struct str word)
{
	struct words_list *w = words_list;
	size_t more = w->capacity == 0 ? 64 : w->capacity * 2;
	struct str *grown;
	char *copy;

	if (w->n == w->capacity) {
		grown = arena_grow(w->arena, w->list, w->capacity * sizeof(*w->list),
		    more * sizeof(*w->list));
		if (grown == NULL)
			return ERR_NO_MEMORY;
		w->list = grown;
		w->capacity = more;
	}
	copy = arena_try(w->arena, word.len + 1);
	if (copy == NULL)
		return ERR_NO_MEMORY;
	memcpy(copy, word.ptr, word.len);
	w->list[w->n++] = (struct str){ copy, word.len };
	return OK;
}

static int compare_words(const void *a, const void *b)
{
	const struct str *x = a, *y = b;

	return str_compare(*x, *y);
}

enum err words_canonical(struct words *w, struct arena *a, struct str text, size_t max_bytes,
    struct str *out)
{
	struct words_list words = { .arena = a };
	struct buf joined;
	enum err err = words_split(w, text, words_add, &words);

	if (err != OK)
		return err;
	if (words.n > 0)
		qsort(words.list, words.n, sizeof(*words.list), compare_words);
	buf_init(&joined, a, max_bytes);
	for (size_t i = 0; i < words.n; i++) {
		if (i > 0 && str_eq(words.list[i], words.list[i - 1]))
			continue;
		if (i > 0)
			buf_char(&joined, ' ');
		buf_add(&joined, words.list[i]);
	}
	*out = buf_str(&joined);
	return buf_failed(&joined) ? ERR_TOO_LARGE : OK;
}
