/*
 * sqlite: what the files of the SQLite engine share; nothing outside includes it.
 *
 * One file in WAL mode.  Each worker reads on its own connection; all writes of a
 * process go through one more, the store's writer, led by whichever thread came
 * first (sqlite_queue.c).  Other processes do the same on the same file, and
 * SQLite's own lock decides between them.
 */
#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "base/attr.h"
#include "store/store.h"
#include "store/words.h"

#define BATCH_LISTS_MAX 64              /* lists in one commit: how long the last one waits */
#define BATCH_OPS_MAX 1024              /* operations in one commit, likewise */
#define SWEEP_SLICE 500                 /* expired items removed in one commit */
#define CHECKPOINT_PAGES 1024           /* WAL pages (4 KiB) after which someone moves them home */
#define CHECKPOINT_LATE_PAGES 16384     /* and after which writers wait: the WAL stays at 64 MB */
#define MATCH_FEW 2000                  /* hits that are cheaper to sort than to wait for */
#define MATCH_EXPRESSION_MAX_BYTES (64 << 10)   /* all of them, quoted and folded */

/* Every statement of the engine; sqlite_statement.c has their text. */
enum statement {
	STATEMENT_BEGIN, STATEMENT_COMMIT, STATEMENT_ROLLBACK,
	STATEMENT_SAVEPOINT, STATEMENT_RELEASE, STATEMENT_UNDO,
	STATEMENT_POINT, STATEMENT_PING,
	/* The shapes of a query: + 1 descending, + 2 by the index; + 4 with words that
	 * few items have, or + 8 that many do. */
	STATEMENT_RANGE,
	STATEMENT_HITS = STATEMENT_RANGE + 12,
	STATEMENT_SCAN, STATEMENT_SCAN_ON, STATEMENT_FIND,
	STATEMENT_CREATE, STATEMENT_REPLACE, STATEMENT_COUNT_UP, STATEMENT_REMOVE,
	STATEMENT_TEXT_ADD, STATEMENT_TEXT_REMOVE, STATEMENT_NEXT_EXPIRED,
	STATEMENT_SYNC_FULL, STATEMENT_SYNC_NORMAL,
	STATEMENT_COUNT
};

struct sqlite_store;

/* Why an operation failed, as the log and the metric name it. */
enum sqlite_cause {
	SQLITE_CAUSE_OTHER, SQLITE_CAUSE_FULL, SQLITE_CAUSE_READ_ONLY, SQLITE_CAUSE_IO,
	SQLITE_CAUSE_BUSY, SQLITE_CAUSE_CORRUPT, SQLITE_CAUSE_MEMORY,
	SQLITE_CAUSES
};

/* An open connection of SQLite's with its prepared statements; one thread's. */
struct sqlite_db {
	sqlite3        *handle;
	struct sqlite_store *store;     /* counts its failures; NULL: nobody does */
	sqlite3_stmt   *statements[STATEMENT_COUNT];    /* each prepared at its first use */
	uint64_t        until_ns;       /* of the write or the request; 0: each wait has its own */
	uint64_t        wait_until_ns;  /* the lock waited for now is given up then */
	int             turn_fd;        /* of the writer, see sqlite_turn.c; else -1 */
	bool            waits;          /* and has said so */
	unsigned        commits;        /* since its turn began */
	struct words    words;
};

/*
 * A list of operations (or a slice of a sweep) on its way through the queue.
 * It lies on its writer's stack; whoever leads the batch fills `result` and `err`.
 */
struct sqlite_request {
	/* Inside the batch's transaction: OK; sqlite_is_condition, with nothing
	 * written; or another error, after which the transaction is undone. */
	enum err  (*apply)(struct sqlite_db *db, struct sqlite_request *r);
	const struct store_op *ops;
	size_t                 n_ops;
	const struct store_item *items; /* of a restore, n_ops of them */
	uint32_t               most, removed;   /* of a sweep */
	enum store_durability  durability;
	int64_t                now_ms;
	struct store_result   *result;
	enum err               err;

	/* The queue's, under its lock. */
	enum { REQUEST_QUEUED, REQUEST_TAKEN, REQUEST_LEADS, REQUEST_DONE } state;
	uint64_t               deadline_ns;
	sem_t                  wake;
	struct sqlite_request *next;
};

struct sqlite_queue {
	pthread_mutex_t        lock;
	struct sqlite_request *head, **tail;
	bool                   led;     /* someone leads, or has been told to */
};

struct sqlite_store {
	char                 *path;
	struct sqlite_queue   queue;
	struct sqlite_db      writer;           /* the leader's */
	bool                  writer_full;      /* its PRAGMA synchronous is FULL */
	int                   wal_pages;        /* after the last commit; the leader's */
	atomic_int            checkpointed;     /* WAL pages that are home already */
	pthread_mutex_t       checkpoint;       /* one at a time */
	struct sqlite_cache  *cache;            /* NULL: none */
	struct metric_series *batch;            /* NULL: nobody counts */
	struct metric_series *failures[SQLITE_CAUSES];
};

struct sqlite_connection {
	struct sqlite_store *store;
	struct sqlite_db     db;
};

/* --- sqlite_failure.c --- */

/* SQLite's result as one of ours. */
enum err sqlite_err(int rc);
/* The same; for what an operator has to know about a log line, and counted by cause. */
enum err sqlite_fail(struct sqlite_db *db, int rc, const char *doing) NONNULL_ALL;
void sqlite_find_failures(struct sqlite_store *s, struct metrics *m) NONNULL_ALL;

/* --- sqlite_statement.c: connections and statements --- */

/* Opens `path`, which exists.  On failure the db may be closed or asked for its message. */
NODISCARD int sqlite_db_open(struct sqlite_db *db, const char *path) NONNULL_ALL;
void sqlite_db_close(struct sqlite_db *db) NONNULL_ALL;
/* A statement for the caller's use until sqlite_give; NULL: sqlite3_errcode says why.
 * When it is in use already (a read inside a read's callback) it is another one. */
sqlite3_stmt *sqlite_take(struct sqlite_db *db, enum statement which) NONNULL_ALL;
void sqlite_give(struct sqlite_db *db, enum statement which, sqlite3_stmt *st)
    NONNULL_ALL;
/* Runs a statement that has no rows and no parameters, or one taken and bound. */
NODISCARD int sqlite_run(struct sqlite_db *db, enum statement which) NONNULL_ALL;
NODISCARD int sqlite_finish(struct sqlite_db *db, enum statement which,
    sqlite3_stmt *st) NONNULL_ALL;
void sqlite_bind_str(sqlite3_stmt *st, int at, struct str s) NONNULL_ALL;
struct str sqlite_column_str(sqlite3_stmt *st, int at) NONNULL_ALL;

/* --- sqlite_schema.c --- */

/* Makes the file and its tables, or brings them up to date; opens the writer. */
NODISCARD enum err sqlite_schema_open(struct arena *a, struct sqlite_store *s,
    struct str *reason) NONNULL_ALL;

/* --- sqlite.c --- */

NODISCARD enum err sqlite_open_late(struct sqlite_connection *c) NONNULL_ALL;
/* Before c->db is used. */
NODISCARD static inline enum err sqlite_ready(struct sqlite_connection *c)
{
	return c->db.handle != NULL ? OK : sqlite_open_late(c);
}

/* --- sqlite_read.c --- */

enum err sqlite_visit(void *connection, struct str pk, struct str sk, bool recent, int64_t now_ms,
    void (*use)(void *context, const struct store_item *item), void *context);
enum err sqlite_query(void *connection, const struct store_query *q, int64_t now_ms,
    bool (*each)(void *context, const struct store_item *item), void *context);
enum err sqlite_scan(void *connection, struct str after_pk, struct str after_sk, uint32_t limit,
    int64_t now_ms, bool (*each)(void *context, const struct store_item *item), void *context,
    bool *more);
enum err sqlite_ping(void *connection);
bool sqlite_snapshot_of(void *connection, struct store_snapshot *out);

/* --- sqlite_cache.c --- */

struct sqlite_cache;
struct sqlite_cached;

/* `db` must be in WAL mode, have read, and stay open longer.  NULL: no cache. */
struct sqlite_cache *sqlite_cache_open(struct sqlite_db *db) NONNULL_ALL;
void sqlite_cache_close(struct sqlite_cache *cache);
/* What a read that began now would see; false: someone is just committing, or
 * there is no cache. */
bool sqlite_snapshot(const struct sqlite_cache *cache, struct store_snapshot *out) NONNULL(2);
/* What was kept for the key at `now`, until sqlite_cache_release; NULL: nothing. */
struct sqlite_cached *sqlite_cache_find(struct sqlite_cache *cache,
    const struct store_snapshot *now, struct str pk, struct str sk) NONNULL(1, 2);
void sqlite_cache_release(struct sqlite_cached *e) NONNULL_ALL;
/* NULL: that there is no such item is what was kept. */
const struct store_item *sqlite_cached_item(const struct sqlite_cached *e) NONNULL_ALL;
/* Keeps what a read found at `now`; when not `present`, only the keys of `item` count. */
void sqlite_cache_keep(struct sqlite_cache *cache, const struct store_snapshot *now,
    const struct store_item *item, bool present) NONNULL_ALL;

/* --- sqlite_match.c --- */

/* The user's words as an FTS5 expression that says: each of them, the last one
 * also as a beginning.  ERR_INVALID: no word; ERR_TOO_LARGE: too many. */
NODISCARD enum err sqlite_match(struct sqlite_db *db, struct str words, struct buf *out)
    NONNULL_ALL;

/* --- sqlite_write.c --- */

/* Whether a list that ends like this has written nothing and harmed nobody. */
bool sqlite_is_condition(enum err err);

enum err sqlite_write(void *connection, const struct store_op *ops, size_t n_ops,
    enum store_durability durability, int64_t now_ms, struct store_result *result);
enum err sqlite_restore(void *connection, const struct store_item *items, size_t n,
    size_t *failed);
enum err sqlite_sweep(void *connection, int64_t now_ms, uint32_t most, uint32_t *removed);

/* --- sqlite_turn.c --- */

void sqlite_turn_open(struct sqlite_db *db, const char *path) NONNULL_ALL;
void sqlite_turn_close(struct sqlite_db *db) NONNULL_ALL;
/* Before a transaction: lets another process go first that says it waits. */
void sqlite_turn_offer(struct sqlite_db *db) NONNULL_ALL;
/* Says that this one waits for the lock; it has it, or has given up. */
void sqlite_turn_wait(struct sqlite_db *db) NONNULL_ALL;
void sqlite_turn_taken(struct sqlite_db *db) NONNULL_ALL;

/* --- sqlite_queue.c --- */

void sqlite_queue_init(struct sqlite_queue *q) NONNULL_ALL;
void sqlite_queue_clean(struct sqlite_queue *q) NONNULL_ALL;
/* Waits until `r` has been done, by this thread or by another; its err. */
enum err sqlite_submit(struct sqlite_connection *c, struct sqlite_request *r) NONNULL_ALL;

#endif
