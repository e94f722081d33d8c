/*
 * sqlite_schema: the file, its tables, and how an older file becomes today's.
 *
 * Measured before choosing (100,000 rows of 4 KB and of 0.4 KB): a table
 * clustered on (pk, sk) keeps whole rows in the inner pages of its tree, eight to
 * a page, and grows as deep as a list is long; with a rowid and a unique index a
 * point read of a post takes less than half, a page of the secondary index a
 * third, and a create writes fewer pages.
 */
#include "store/sqlite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/time.h"

#define APPLICATION_ID 0x51767231       /* "Qvr1": so that file(1) and we know our own */

/* migrations[i] takes a file from version i to i + 1.  Never change one that was
 * released; add another. */
static const char *const migrations[] = {
	"CREATE TABLE item ("
	" id INTEGER PRIMARY KEY,"      /* also the rowid in item_text */
	" pk TEXT NOT NULL,"
	" sk TEXT NOT NULL,"
	" n INTEGER NOT NULL,"
	" version INTEGER NOT NULL,"
	" expires_ms INTEGER,"
	" has_text INTEGER NOT NULL,"
	" index_pk TEXT,"
	" index_sk TEXT,"
	" body TEXT NOT NULL);"         /* last: what stands before it needs no overflow page */
	"CREATE UNIQUE INDEX item_key ON item (pk, sk);"
	"CREATE INDEX item_index ON item (index_pk, index_sk) WHERE index_pk IS NOT NULL;"
	"CREATE INDEX item_expiry ON item (expires_ms) WHERE expires_ms IS NOT NULL;"
	"CREATE VIRTUAL TABLE item_text USING"
	/* Which words an item has is all that is asked for, not where they stand or
	 * how many they are: half the work in a commit. */
	" fts5 (text, detail = none, columnsize = 0,"
	" tokenize = \"" WORDS_TOKENIZER "\");",
};

static enum err say(struct arena *a, struct str *reason, enum err err, const char *path,
    const char *what, const char *detail)
{
	*reason = arena_printf(a, "%s: %s%s", path, what, detail);
	return err;
}

/* The directory that `path` is in; "." when it names none. */
static const char *directory_of(struct arena *a, const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash == NULL ? 0 : (size_t)(slash - path);

	if (slash == NULL)
		return ".";
	return arena_cstr(a, len == 0 ? STR("/") : (struct str){ path, len });
}

static enum err check_directory(struct arena *a, const char *path, struct str *reason)
{
	const char *directory = directory_of(a, path);
	struct stat st;

	if (stat(directory, &st) != 0)
		return say(a, reason, ERR_IO, directory, strerror(errno),
		    "; make this directory, or name another in STORE");
	if (!S_ISDIR(st.st_mode))
		return say(a, reason, ERR_IO, directory, "not a directory",
		    "; name a file in a directory in STORE");
	if (access(directory, W_OK | X_OK) != 0)
		return say(a, reason, ERR_IO, directory, strerror(errno),
		    "; SQLite makes two more files beside the database:"
		    " let this user write to the directory");
	return OK;
}

/* Makes the file when it is not there, readable for this user alone.  By mknod,
 * since closing a descriptor would drop the locks of another connection of this
 * process to the same file. */
static enum err check_file(struct arena *a, const char *path, struct str *reason)
{
	struct stat st;

	if (mknod(path, S_IFREG | 0600, 0) == 0)
		return OK;
	if (errno != EEXIST)
		return say(a, reason, ERR_IO, path, strerror(errno),
		    "; let this user make files there, or name another in STORE");
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return say(a, reason, ERR_IO, path, "is a directory", "; name a file in STORE");
	if (access(path, R_OK | W_OK) != 0)
		return say(a, reason, ERR_IO, path, strerror(errno),
		    "; let this user read and write the file");
	return OK;
}

static int read_number(struct sqlite_db *db, const char *pragma, int64_t *out)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db->handle, pragma, -1, &st, NULL);

	if (rc != SQLITE_OK)
		return rc;
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? SQLITE_OK : rc;
}

/* SQLite asks no busy handler while it changes the journal's mode. */
static int enter_wal(struct sqlite_db *db)
{
	const struct timespec pause = { 0, 1000000 };
	uint64_t until = store_deadline(0);
	int rc;

	for (;;) {
		rc = sqlite3_exec(db->handle, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
		if ((rc & 0xff) != SQLITE_BUSY || time_monotonic_ns() >= until)
			return rc;
		nanosleep(&pause, NULL);
	}
}

/* Inside BEGIN IMMEDIATE: another process may have done all of it meanwhile. */
static int migrate_locked(struct sqlite_db *db)
{
	char *set;
	int64_t version = 0;
	int rc = read_number(db, "PRAGMA user_version", &version);

	for (; rc == SQLITE_OK && version < (int64_t)COUNT(migrations); version++)
		rc = sqlite3_exec(db->handle, migrations[version], NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return rc;
	set = sqlite3_mprintf("PRAGMA application_id = %d; PRAGMA user_version = %d",
	    APPLICATION_ID, (int)version);
	if (set == NULL)
		return SQLITE_NOMEM;
	rc = sqlite3_exec(db->handle, set, NULL, NULL, NULL);
	sqlite3_free(set);
	return rc;
}

static int migrate(struct sqlite_db *db)
{
	int rc = sqlite_run(db, STATEMENT_BEGIN);

	if (rc != SQLITE_OK)
		return rc;
	rc = migrate_locked(db);
	if (rc == SQLITE_OK)
		rc = sqlite_run(db, STATEMENT_COMMIT);
	if (rc != SQLITE_OK && sqlite3_get_autocommit(db->handle) == 0)
		sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	return rc;
}

/* Ours and not from the future: OK and whether it is up to date; a file that
 * belongs to another program is left alone.  All of it in one transaction: half of
 * what another process is just making looks like somebody else's. */
static int inspect(struct sqlite_db *db, int64_t *version, bool *foreign)
{
	int64_t application = 0, tables = 0;
	int rc = sqlite3_exec(db->handle, "BEGIN", NULL, NULL, NULL);

	if (rc == SQLITE_OK)
		rc = read_number(db, "PRAGMA user_version", version);
	if (rc == SQLITE_OK)
		rc = read_number(db, "PRAGMA application_id", &application);
	if (rc == SQLITE_OK)
		rc = read_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (sqlite3_get_autocommit(db->handle) == 0 &&
	    sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL) != SQLITE_OK && rc == SQLITE_OK)
		rc = sqlite3_errcode(db->handle);
	*foreign = application != APPLICATION_ID &&
	    (application != 0 || tables != 0 || *version != 0);
	return rc;
}

static enum err open_file(struct arena *a, struct sqlite_store *s, struct str *reason)
{
	int64_t version = 0;
	bool foreign = false;
	int rc = sqlite_db_open(&s->writer, s->path);

	if (rc == SQLITE_OK)
		rc = inspect(&s->writer, &version, &foreign);
	if (rc == SQLITE_OK && foreign)
		return say(a, reason, ERR_CORRUPT, s->path, "is another program's database",
		    "; name another file in STORE");
	if (rc == SQLITE_OK && version > (int64_t)COUNT(migrations))
		return say(a, reason, ERR_UNSUPPORTED, s->path,
		    "was written by a newer version of this program",
		    "; install that version, or restore an older backup");
	if (rc == SQLITE_OK)
		rc = enter_wal(&s->writer);
	if (rc == SQLITE_OK && version < (int64_t)COUNT(migrations))
		rc = migrate(&s->writer);
	if ((rc & 0xff) == SQLITE_NOTADB)
		return say(a, reason, ERR_CORRUPT, s->path, "is not an SQLite database",
		    "; move it away, or name another file in STORE");
	if (rc != SQLITE_OK)
		return say(a, reason, sqlite_err(rc), s->path, sqlite3_errstr(rc),
		    "; look at the disk, then at the newest backup");
	return OK;
}

enum err sqlite_schema_open(struct arena *a, struct sqlite_store *s, struct str *reason)
{
	enum err err = check_directory(a, s->path, reason);

	if (err == OK)
		err = check_file(a, s->path, reason);
	if (err == OK)
		err = open_file(a, s, reason);
	if (err != OK)
		sqlite_db_close(&s->writer);
	return err;
}
