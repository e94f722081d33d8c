/*
 * store: one table, DynamoDB's model made small.
 * An item has a partition key and a sort key (both text, compared as bytes), a
 * secondary index of the same shape, a JSON body that the store never looks
 * into, a counter, a version, an optional expiry, and optionally words for
 * full-text search.  A write is a list of operations that happens whole or not
 * at all.  Endpoints know nothing of engines; tests/contract/store*.c hold
 * every engine to this page.
 * Engines: "sqlite:PATH", a file of this machine; "dynamodb:TABLE", a table that
 *           many machines share.  Where they differ, it says so here.
 * Lifetime: a store is opened once a process; a connection once a worker.
 * Threads:  a store is safe from any; a connection is one thread's.
 * Blocking: reads on the disk or the network; store_write until the data is durable
 *           (see enum store_durability); each at most STORE_DEADLINE_MS; a query that
 *           has no limit and searches nothing takes as long for each of its pages; all
 *           of a request's together no longer than store_allow says.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"
#include "config/config.h"
#include "metrics/metrics.h"

#define STORE_DEADLINE_MS 5000          /* what waits longer gives ERR_TIMEOUT */
#define STORE_RESERVED "words~"         /* partitions that begin so are an engine's own */

struct store;                           /* opaque */
struct store_connection;                /* opaque */

struct store_item {
	struct str pk, sk;
	struct str index_pk, index_sk;  /* both or neither */
	struct str body;                /* JSON text; may be empty */
	int64_t    n;                   /* the counter; 0 for plain items */
	uint64_t   version;             /* 1 when created, one more at each put; 0: none */
	int64_t    expires_ms;          /* 0: never.  An expired item is as if absent. */
	struct str text;                /* words for store_query's match; store_scan alone gives
	                                 * them back, every engine the same bytes */
};

enum store_durability {
	STORE_DURABLE,                  /* survives loss of power: content, accounts, keys, audit;
	                                 * and so does all that was acknowledged before it */
	STORE_RELAXED                   /* survives a crash of any process: counters, caches */
};

enum store_verb {
	STORE_PUT,                      /* item as given; version becomes old + 1 */
	STORE_DELETE,                   /* pk, sk */
	STORE_ADD,                      /* item.n is added to the counter, made as given if absent;
	                                 * all else is kept.  ERR_INVALID: it would overflow */
	STORE_CHECK                     /* the condition alone */
};

enum store_condition {
	STORE_ALWAYS,
	STORE_ABSENT,                   /* no live item there, else ERR_EXISTS */
	STORE_PRESENT,                  /* else ERR_NOT_FOUND */
	STORE_VERSION                   /* item.version is the stored one, else ERR_STALE (absent:
	                                 * ERR_NOT_FOUND) */
};

struct store_op {
	enum store_verb      verb;
	enum store_condition condition;
	struct store_item    item;      /* version: for STORE_VERSION only */
};

struct store_result {
	size_t   failed;                /* index of the operation that failed; n_ops when none */
	uint64_t version;               /* new version of the first PUT */
	int64_t  n;                     /* new value of the first ADD.  In a list on DynamoDB what
	                                 * others counted in the same moment may not be in it. */
};

/* `url` as in STORE; `config`, which must outlive the store, has what an engine needs
 * beside it (region, endpoint, keys).  ERR_INVALID: no such engine; ERR_IO, ERR_CORRUPT,
 * ERR_UNSUPPORTED (written by a newer version), ERR_NOT_FOUND (no such table),
 * ERR_FORBIDDEN, ERR_UNAVAILABLE, ERR_TIMEOUT: *reason says why and what would do (from
 * `a`).  NULL for `m`: nothing is counted.  NULL for `config`: SQLite alone. */
NODISCARD enum err store_open(struct arena *a, struct str url, const struct config *config,
    struct metrics *m, struct store **out, struct str *reason) NONNULL(1, 5, 6);
void store_close(struct store *s);
/* Makes the table that `url` names, and waits until it can be used; *reason (`a`'s) says
 * what was done, or why not.  ERR_EXISTS: it was there already.  ERR_UNSUPPORTED: the
 * engine needs no such step. */
NODISCARD enum err store_create(struct arena *a, struct str url, const struct config *config,
    struct metrics *m, struct str *reason) NONNULL(1, 3, 4, 5);
/* That table as a resource of CloudFormation: what store_create makes, in JSON. */
NODISCARD enum err store_describe_table(struct str url, struct buf *out) NONNULL(2);
NODISCARD enum err store_connect(struct store *s, struct store_connection **out) NONNULL_ALL;
void store_disconnect(struct store_connection *c);

/*
 * What all operations on `c` from now on may take together, so that a request with
 * several of them does not wait for each in turn: an operation ends by its own deadline
 * or when this is used up, and then ERR_TIMEOUT is as it is for the operation itself.
 * Only the time inside them counts, since whoever waited for somebody else meanwhile
 * (a body, an identity provider) has something to keep.  What is used up still does
 * what needs no wait.  0: no bound but each operation's own, which is what commands and
 * work in the background have, and every new connection.
 */
void store_allow(struct store_connection *c, uint64_t ns) NONNULL_ALL;

/* The item into `a`.  ERR_NOT_FOUND: absent or expired at now_ms. */
NODISCARD enum err store_get(struct store_connection *c, struct arena *a, struct str pk,
    struct str sk, int64_t now_ms, struct store_item *out) NONNULL(1, 2, 6);

/*
 * Point reads of the hot path: the body alone, without a copy into the arena
 * where the engine can lend its own bytes.  Calls `use` once, before returning,
 * with an item that is good only until `use` returns.
 */
NODISCARD enum err store_visit(struct store_connection *c, struct str pk, struct str sk,
    int64_t now_ms, void (*use)(void *context, const struct store_item *item), void *context)
    NONNULL(1, 5);
/* The same, and what was written in the last moments (usually within a second) may be
 * missing on DynamoDB: for half the price, and for public reads alone.  Whatever decides
 * something (who may, what was spent, what is written next) takes the ones above, which
 * see every write that was acknowledged before they began. */
NODISCARD enum err store_visit_recent(struct store_connection *c, struct str pk, struct str sk,
    int64_t now_ms, void (*use)(void *context, const struct store_item *item), void *context)
    NONNULL(1, 5);

struct store_query {
	struct str pk;                  /* the partition; of the secondary index when `index` */
	bool       index;
	struct str from, to;            /* sort keys: from ≤ key < to; absent is open */
	struct str after;               /* exclusive start, from the last page; absent: from the
	                                 * end asked for */
	bool       descending;
	struct str match;               /* full text: every word must occur, the last one also as a
	                                 * beginning; absent: no search.  Any bytes: never syntax */
	uint32_t   limit;               /* rows at most; 0: no bound but `each` */
	bool       recent;              /* as store_visit_recent.  Of the secondary index DynamoDB has
	                                 * nothing else: what must be there at once has an item of
	                                 * its own. */
};

/* Calls `each` for the live items of a range in key order until it returns
 * false or `limit` is reached.  The item is good only until `each` returns.
 * A page goes on after the last sort key: nothing is skipped or repeated
 * while others write.  Of a list that is being written meanwhile SQLite gives
 * all or nothing; DynamoDB may give some of its items as they were before.
 * (Query of the index: `after`/`from`/`to` are index_sk values, unique within a
 * partition by their caller's construction.)
 * ERR_UNSUPPORTED: `match` on an engine without full text; ERR_INVALID: `match`
 * has no word in it; ERR_TOO_LARGE: over QUERY_MAX_BYTES or 32 words.
 * `each` may read and write on the same connection. */
NODISCARD enum err store_query(struct store_connection *c, const struct store_query *q,
    int64_t now_ms, bool (*each)(void *context, const struct store_item *item),
    void *context) NONNULL(1, 2, 4);

/* Does all of `ops` or none, each seeing what those before it did.  Several threads'
 * writes share one commit.
 * On failure: the error of the first operation whose condition failed,
 * result->failed its index.  ERR_TOO_LARGE: over STORE_OPS_MAX or an item over
 * its bound (DynamoDB: an item of 400 KB, its body deflated when that is large, and as
 * much of different words; a list of 4 MB; in a list, items that have or had `text` count
 * twice).  ERR_INVALID: a key that is empty, has a NUL or is not UTF-8,
 * a partition that begins with STORE_RESERVED, half an index, a counter's overflow.
 * ERR_UNAVAILABLE, ERR_IO (disk full, read-only): nothing was written.  ERR_TIMEOUT:
 * nothing was written on SQLite; on DynamoDB it may have been, once, when the connection
 * broke or hung under the write and so did each attempt to find out.
 * OK means it is on disk as `durability` says.
 * `now_ms` decides whether an expired item counts as absent. */
NODISCARD enum err store_write(struct store_connection *c, const struct store_op *ops,
    size_t n_ops, enum store_durability durability, int64_t now_ms,
    struct store_result *result) NONNULL(1, 2, 6);

/* Removes up to `most` expired items; how many in *removed.  Correctness never
 * depends on it: it gives the space back.  DynamoDB does it by itself: none. */
NODISCARD enum err store_sweep(struct store_connection *c, int64_t now_ms, uint32_t most,
    uint32_t *removed) NONNULL_ALL;

/*
 * An installation whole, as it moves from one store to another.
 *
 * Calls `each` for every live item of the store, `text` as well, until it returns
 * false or `limit` (0: none) is reached; *more says whether items may follow: never after
 * a call that gave none.  The order is the engine's own, the same at every scan of
 * the same items: SQLite's that of the keys, DynamoDB's that of its Scan.  `text` is
 * given as its words, folded, each once and in order: what a search knows of it.
 * `after_pk` and `after_sk` are those of the item that was given last, both absent at
 * the beginning: that is the whole position, good in another process and when that
 * item is gone.  What is written meanwhile may be seen or not; all
 * else comes exactly once.  The item is good until `each` returns, which may write.
 * `now_ms` 0: expired ones that are still there, too.
 * ERR_UNAVAILABLE, ERR_TIMEOUT, ERR_IO: what came before is right; go on after it.
 */
NODISCARD enum err store_scan(struct store_connection *c, struct str after_pk,
    struct str after_sk, uint32_t limit, int64_t now_ms,
    bool (*each)(void *context, const struct store_item *item), void *context, bool *more)
    NONNULL(1, 6, 8);

/*
 * Writes items exactly as they are: version, counter, expiry, index, body and words,
 * over whatever stands at their keys.  The same again changes nothing, so who does
 * not know how it ended does it again.  Durable when it returns OK.  Up to
 * STORE_OPS_MAX items with different keys (ERR_INVALID for twins, for version 0, and
 * as store_write); an engine sends them in batches of its own size, and not as one
 * transaction: after an error some of them may be there.
 * ERR_TOO_LARGE: *failed is the index of an item that this engine cannot hold (n for
 * any other error or none).
 * For a store that nothing else writes to: no condition is looked at.
 */
NODISCARD enum err store_restore(struct store_connection *c, const struct store_item *items,
    size_t n, size_t *failed) NONNULL(1, 4);

/*
 * What a reader may remember: while the snapshot is the same, nothing in the store
 * has been written.  Take it, read, take it again; when both are equal, what was
 * made of the read (a rendered page) is right as long as store_snapshot gives the
 * same.  Items that expire do so without a write.  Costs some nanoseconds.
 * False: do not remember (someone is just committing, or the engine cannot tell).
 */
struct store_snapshot {
	uint64_t words[6];
};
bool store_snapshot(struct store_connection *c, struct store_snapshot *out) NONNULL_ALL;
bool store_snapshot_equal(const struct store_snapshot *a, const struct store_snapshot *b)
    NONNULL_ALL PURE;

/* A read that touches the engine, for readiness: OK or why not. */
NODISCARD enum err store_ping(struct store_connection *c) NONNULL_ALL;
/* Whether other machines write this store too: what was read of it is not right until
 * someone here writes, but for as long as its reader can bear. */
bool store_is_shared(const struct store *s) NONNULL_ALL;
/* The engine and its version, "sqlite 3.40.1", "dynamodb"; static storage. */
const char *store_engine(const struct store *s) NONNULL_ALL;

/*
 * What an engine implements (sqlite.c, dynamodb.c).  store.c checks bounds, counts
 * and times, and calls through.
 */
struct store_engine {
	const char *name;               /* the scheme before ':' */
	const char *example;            /* a URL of it, for people */
	enum err  (*open)(struct arena *a, struct str address, const struct config *config,
	    struct metrics *m, void **store, struct str *reason);
	void      (*close)(void *store);
	enum err  (*connect)(void *store, void **connection);
	void      (*disconnect)(void *connection);
	/* `recent`: as store_visit_recent. */
	enum err  (*visit)(void *connection, struct str pk, struct str sk, bool recent,
	    int64_t now_ms, void (*use)(void *context, const struct store_item *item),
	    void *context);
	enum err  (*query)(void *connection, const struct store_query *q, int64_t now_ms,
	    bool (*each)(void *context, const struct store_item *item), void *context);
	enum err  (*write)(void *connection, const struct store_op *ops, size_t n_ops,
	    enum store_durability durability, int64_t now_ms, struct store_result *result);
	enum err  (*sweep)(void *connection, int64_t now_ms, uint32_t most, uint32_t *removed);
	/* What is called next ends by then, on time_monotonic_ns, if its own deadline is not
	 * nearer; 0: by its own. */
	void      (*until)(void *connection, uint64_t deadline_ns);
	enum err  (*ping)(void *connection);
	/* As store_scan, *more false beforehand; as store_restore, the items checked
	 * against the bounds that all engines have and different from each other. */
	enum err  (*scan)(void *connection, struct str after_pk, struct str after_sk,
	    uint32_t limit, int64_t now_ms,
	    bool (*each)(void *context, const struct store_item *item), void *context,
	    bool *more);
	enum err  (*restore)(void *connection, const struct store_item *items, size_t n,
	    size_t *failed);
	const char *version;
	bool        shared;             /* as store_is_shared */
	/* NULL: cannot tell. */
	bool      (*snapshot)(void *connection, struct store_snapshot *out);
	/* NULL: it makes what it needs when it is opened. */
	enum err  (*create)(struct arena *a, struct str address, const struct config *config,
	    struct metrics *m, struct str *reason);
	enum err  (*describe_table)(struct str address, struct buf *out);
};
extern const struct store_engine store_sqlite;
extern const struct store_engine store_dynamodb;

/* For engines: the deadline of an operation that begins now; `until_ns` as `until` said. */
uint64_t store_deadline(uint64_t until_ns);

#endif
