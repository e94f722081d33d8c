/*
 * sqlite_failure: what SQLite's errors mean, to callers and to whoever runs it.
 */
#include "store/sqlite.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "log/log.h"

static const struct {
	const char *label;              /* of the metric */
	const char *text;               /* NULL: SQLite's own */
} causes[] = {
	[SQLITE_CAUSE_OTHER] = { "other", NULL },
	[SQLITE_CAUSE_FULL] = { "disk_full", "the disk is full" },
	[SQLITE_CAUSE_READ_ONLY] = { "read_only", "the disk or the file is read-only" },
	[SQLITE_CAUSE_IO] = { "io", "the disk fails" },
	[SQLITE_CAUSE_BUSY] = { "busy", "another process held the lock for too long" },
	[SQLITE_CAUSE_CORRUPT] = { "corrupt", "the file is damaged" },
	[SQLITE_CAUSE_MEMORY] = { "memory", "out of memory" },
};
static_assert(COUNT(causes) == SQLITE_CAUSES, "a row for each");

static const struct { int rc; enum err err; enum sqlite_cause cause; } meanings[] = {
	{ SQLITE_OK, OK, SQLITE_CAUSE_OTHER },
	{ SQLITE_ROW, OK, SQLITE_CAUSE_OTHER },
	{ SQLITE_DONE, OK, SQLITE_CAUSE_OTHER },
	{ SQLITE_BUSY, ERR_TIMEOUT, SQLITE_CAUSE_BUSY },
	{ SQLITE_PROTOCOL, ERR_TIMEOUT, SQLITE_CAUSE_BUSY },
	{ SQLITE_LOCKED, ERR_UNAVAILABLE, SQLITE_CAUSE_BUSY },
	{ SQLITE_INTERRUPT, ERR_UNAVAILABLE, SQLITE_CAUSE_OTHER },
	{ SQLITE_FULL, ERR_IO, SQLITE_CAUSE_FULL },
	{ SQLITE_READONLY, ERR_IO, SQLITE_CAUSE_READ_ONLY },
	{ SQLITE_IOERR, ERR_IO, SQLITE_CAUSE_IO },
	{ SQLITE_CANTOPEN, ERR_IO, SQLITE_CAUSE_IO },
	{ SQLITE_PERM, ERR_IO, SQLITE_CAUSE_READ_ONLY },
	{ SQLITE_AUTH, ERR_IO, SQLITE_CAUSE_OTHER },
	{ SQLITE_CORRUPT, ERR_CORRUPT, SQLITE_CAUSE_CORRUPT },
	{ SQLITE_NOTADB, ERR_CORRUPT, SQLITE_CAUSE_CORRUPT },
	{ SQLITE_NOMEM, ERR_NO_MEMORY, SQLITE_CAUSE_MEMORY },
	{ SQLITE_TOOBIG, ERR_TOO_LARGE, SQLITE_CAUSE_OTHER },
};

enum err sqlite_err(int rc)
{
	if (rc == SQLITE_IOERR_NOMEM)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < COUNT(meanings); i++)
		if (meanings[i].rc == (rc & 0xff))
			return meanings[i].err;
	return ERR_INTERNAL;
}

/* SQLite says "disk I/O error" on a disk that has become read-only. */
static enum sqlite_cause cause_of(struct sqlite_db *db, int rc)
{
	const char *path = sqlite3_db_filename(db->handle, "main");
	enum sqlite_cause cause = SQLITE_CAUSE_OTHER;

	if (rc == SQLITE_IOERR_NOMEM)
		return SQLITE_CAUSE_MEMORY;
	for (size_t i = 0; i < COUNT(meanings); i++)
		if (meanings[i].rc == (rc & 0xff))
			cause = meanings[i].cause;
	if (cause == SQLITE_CAUSE_IO && path != NULL && access(path, W_OK) != 0 && errno == EROFS)
		return SQLITE_CAUSE_READ_ONLY;
	return cause;
}

void sqlite_find_failures(struct sqlite_store *s, struct metrics *m)
{
	for (size_t i = 0; i < COUNT(causes); i++) {
		const char *labels[] = { "sqlite", causes[i].label };

		s->failures[i] = metrics_series(m, METRIC_STORE_FAILURES, labels);
	}
}

enum err sqlite_fail(struct sqlite_db *db, int rc, const char *doing)
{
	enum err err = sqlite_err(rc);
	enum sqlite_cause cause;

	if (err == OK)
		return OK;
	cause = cause_of(db, rc);
	if (db->store != NULL && db->store->failures[cause] != NULL)
		metrics_add(db->store->failures[cause], 1);
	log_message(LOG_ERROR, "store", "sqlite cannot %s: %s (%s, %d)", doing,
	    causes[cause].text != NULL ? causes[cause].text : err_text(err),
	    sqlite3_errmsg(db->handle), rc);
	return err;
}
