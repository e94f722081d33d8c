/*
 * sqlite_statement: connections and their statements.
 */
#include "store/sqlite.h"

#include <time.h>

#include "base/time.h"

#define COLUMNS "item.pk, item.sk, n, version, expires_ms, index_pk, index_sk, body"
#define LIVE    "(expires_ms IS NULL OR expires_ms > ?4)"
/* Named indexes, so that no statistics and no later index ever change a plan. */
#define RANGE(order)                                                           \
	"SELECT " COLUMNS " FROM item INDEXED BY item_key"                     \
	" WHERE pk = ?1 AND sk >= ?2 AND sk < ?3 AND " LIVE                    \
	" ORDER BY sk " order " LIMIT ?5"
#define INDEX_RANGE(order)                                                     \
	"SELECT " COLUMNS " FROM item INDEXED BY item_index"                   \
	" WHERE index_pk = ?1 AND index_sk >= ?2 AND index_sk < ?3 AND " LIVE  \
	" ORDER BY index_sk " order " LIMIT ?5"
/* A search, when few items have the words: those are looked up and put in order,
 * by their keys alone; what is wanted of them is read at the end. */
#define FEW(pk, sk, order)                                                     \
	"SELECT " COLUMNS " FROM ("                                            \
	"SELECT item.id AS hit FROM item_text"                                 \
	" CROSS JOIN item NOT INDEXED ON item.id = item_text.rowid"            \
	" WHERE item_text MATCH ?6 AND " pk " = ?1 AND " sk " >= ?2"           \
	" AND " sk " < ?3 AND " LIVE " ORDER BY " sk " " order " LIMIT ?5)"    \
	" CROSS JOIN item ON item.id = hit ORDER BY " sk " " order
/* When many do: down the index, until enough of them have been met. */
#define MANY(index, pk, sk, order)                                             \
	"SELECT " COLUMNS " FROM item INDEXED BY " index                       \
	" WHERE " pk " = ?1 AND " sk " >= ?2 AND " sk " < ?3 AND " LIVE        \
	" AND id IN (SELECT rowid FROM item_text WHERE item_text MATCH ?6)"    \
	" ORDER BY " sk " " order " LIMIT ?5"

/* All of it in the order of the keys; the words are a look-up for the few that have any. */
#define SCAN(where)                                                            \
	"SELECT " COLUMNS ", CASE has_text WHEN 1 THEN"                        \
	" (SELECT text FROM item_text WHERE rowid = item.id) END"              \
	" FROM item INDEXED BY item_key WHERE " where LIVE                     \
	" ORDER BY pk, sk LIMIT ?5"

static const char *const texts[STATEMENT_COUNT] = {
	[STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
	[STATEMENT_COMMIT] = "COMMIT",
	[STATEMENT_ROLLBACK] = "ROLLBACK",
	[STATEMENT_SAVEPOINT] = "SAVEPOINT list",
	[STATEMENT_RELEASE] = "RELEASE list",
	[STATEMENT_UNDO] = "ROLLBACK TO list",
	[STATEMENT_POINT] = "SELECT n, version, expires_ms, index_pk, index_sk, body"
	    " FROM item INDEXED BY item_key WHERE pk = ?1 AND sk = ?2",
	[STATEMENT_PING] = "SELECT 1 FROM item LIMIT 1",
	[STATEMENT_RANGE] = RANGE("ASC"),
	[STATEMENT_RANGE + 1] = RANGE("DESC"),
	[STATEMENT_RANGE + 2] = INDEX_RANGE("ASC"),
	[STATEMENT_RANGE + 3] = INDEX_RANGE("DESC"),
	[STATEMENT_RANGE + 4] = FEW("item.pk", "item.sk", "ASC"),
	[STATEMENT_RANGE + 5] = FEW("item.pk", "item.sk", "DESC"),
	[STATEMENT_RANGE + 6] = FEW("index_pk", "index_sk", "ASC"),
	[STATEMENT_RANGE + 7] = FEW("index_pk", "index_sk", "DESC"),
	[STATEMENT_RANGE + 8] = MANY("item_key", "pk", "sk", "ASC"),
	[STATEMENT_RANGE + 9] = MANY("item_key", "pk", "sk", "DESC"),
	[STATEMENT_RANGE + 10] = MANY("item_index", "index_pk", "index_sk", "ASC"),
	[STATEMENT_RANGE + 11] = MANY("item_index", "index_pk", "index_sk", "DESC"),
	[STATEMENT_HITS] = "SELECT count(*) FROM (SELECT 1 FROM item_text"
	    " WHERE item_text MATCH ?1 LIMIT ?2)",
	[STATEMENT_SCAN] = SCAN(""),
	[STATEMENT_SCAN_ON] = SCAN("(pk, sk) > (?1, ?2) AND "),
	[STATEMENT_FIND] = "SELECT id, version, n, expires_ms, has_text"
	    " FROM item INDEXED BY item_key WHERE pk = ?1 AND sk = ?2",
	[STATEMENT_CREATE] = "INSERT INTO item"
	    " (n, version, expires_ms, has_text, index_pk, index_sk, body, pk, sk)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[STATEMENT_REPLACE] = "UPDATE item SET n = ?1, version = ?2, expires_ms = ?3,"
	    " has_text = ?4, index_pk = ?5, index_sk = ?6, body = ?7 WHERE id = ?8",
	[STATEMENT_COUNT_UP] = "UPDATE item SET n = ?1 WHERE id = ?2",
	[STATEMENT_REMOVE] = "DELETE FROM item WHERE id = ?1",
	[STATEMENT_TEXT_ADD] = "INSERT INTO item_text (rowid, text) VALUES (?1, ?2)",
	[STATEMENT_TEXT_REMOVE] = "DELETE FROM item_text WHERE rowid = ?1",
	[STATEMENT_NEXT_EXPIRED] = "SELECT id, has_text FROM item INDEXED BY item_expiry"
	    " WHERE expires_ms <= ?1 ORDER BY expires_ms LIMIT 1",
	[STATEMENT_SYNC_FULL] = "PRAGMA synchronous = FULL",
	[STATEMENT_SYNC_NORMAL] = "PRAGMA synchronous = NORMAL",
};

/* Another connection holds the lock: a commit takes a fraction of a millisecond.
 * The looks stay close together so that one falls into the pause that the holder
 * makes for those who wait; a look costs 3 µs. */
static int wait_for_lock(void *context, int looks)
{
	static const long waits_us[] = { 50, 50, 50, 100 };
	struct sqlite_db *db = context;
	size_t step = (size_t)looks < COUNT(waits_us) ? (size_t)looks : COUNT(waits_us) - 1;
	struct timespec pause = { 0, waits_us[step] * 1000 };
	uint64_t now = time_monotonic_ns();

	if (looks == 0) {
		db->wait_until_ns = store_deadline(db->until_ns);
		sqlite_turn_wait(db);
	}
	if (now >= db->wait_until_ns)
		return 0;
	nanosleep(&pause, NULL);
	return 1;
}

int sqlite_db_open(struct sqlite_db *db, const char *path)
{
	static const char settings[] =
	    "PRAGMA trusted_schema = OFF;"
	    "PRAGMA temp_store = MEMORY;"       /* savepoints copy pages: never into a file */
	    "PRAGMA cache_size = -1024;"        /* pages of the WAL; the others are mapped */
	    "PRAGMA mmap_size = 1073741824;"    /* address space, not memory */
	    "PRAGMA journal_size_limit = 67108864;";
	int rc;

	db->turn_fd = -1;
	rc = sqlite3_open_v2(path, &db->handle,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
	    SQLITE_OPEN_EXRESCODE, NULL);

	if (rc != SQLITE_OK)
		return rc;
	words_init(&db->words, db->handle);
	sqlite3_busy_handler(db->handle, wait_for_lock, db);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return sqlite3_exec(db->handle, settings, NULL, NULL, NULL);
}

void sqlite_db_close(struct sqlite_db *db)
{
	for (size_t i = 0; i < STATEMENT_COUNT; i++) {
		sqlite3_finalize(db->statements[i]);
		db->statements[i] = NULL;
	}
	words_clean(&db->words);
	sqlite_turn_close(db);
	sqlite3_close(db->handle);
	db->handle = NULL;
}

sqlite3_stmt *sqlite_take(struct sqlite_db *db, enum statement which)
{
	sqlite3_stmt **slot = &db->statements[which], *other = NULL;

	if (*slot == NULL) {
		sqlite3_prepare_v3(db->handle, texts[which], -1, SQLITE_PREPARE_PERSISTENT, slot,
		    NULL);
		return *slot;
	}
	if (!sqlite3_stmt_busy(*slot))
		return *slot;
	sqlite3_prepare_v2(db->handle, texts[which], -1, &other, NULL);
	return other;
}

void sqlite_give(struct sqlite_db *db, enum statement which, sqlite3_stmt *st)
{
	if (st == db->statements[which])
		sqlite3_reset(st);
	else
		sqlite3_finalize(st);
}

int sqlite_finish(struct sqlite_db *db, enum statement which, sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	sqlite_give(db, which, st);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

int sqlite_run(struct sqlite_db *db, enum statement which)
{
	sqlite3_stmt *st = sqlite_take(db, which);

	return st == NULL ? sqlite3_extended_errcode(db->handle) : sqlite_finish(db, which, st);
}

void sqlite_bind_str(sqlite3_stmt *st, int at, struct str s)
{
	if (s.ptr == NULL)
		sqlite3_bind_null(st, at);
	else
		sqlite3_bind_text64(st, at, s.ptr, s.len, SQLITE_STATIC, SQLITE_UTF8);
}

/* As a blob: the text form would append a NUL, which can mean a copy. */
struct str sqlite_column_str(sqlite3_stmt *st, int at)
{
	const char *ptr = sqlite3_column_blob(st, at);
	size_t len = (size_t)sqlite3_column_bytes(st, at);

	if (ptr == NULL && sqlite3_column_type(st, at) != SQLITE_NULL)
		ptr = "";
	return (struct str){ ptr, len };
}
