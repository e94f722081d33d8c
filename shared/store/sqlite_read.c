/*
 * sqlite_read: point reads and ranges, on a worker's own connection.
 *
 * What a point read of a 4 KB item costs, measured: 0.3 µs and no system call when
 * it was read before and nothing has been committed since (sqlite_cache.c); else
 * 4 µs and two: fcntl takes and drops the WAL's read lock, which several processes
 * on one file need.  Pages come from the mapped file, so that a page costs no call
 * and a commit does not empty what readers have; only pages that are still in the
 * WAL are read, with a pread each.  A range costs the same two calls and 1 µs a row.
 */
#include "store/sqlite.h"

#include <string.h>

#include "base/buf.h"

static bool is_live(int64_t expires_ms, int64_t now_ms)
{
	return expires_ms == 0 || expires_ms > now_ms;
}

/* The columns from n on, which both reads have in the same order. */
static void read_columns(sqlite3_stmt *st, int at, struct store_item *item)
{
	item->n = sqlite3_column_int64(st, at);
	item->version = (uint64_t)sqlite3_column_int64(st, at + 1);
	item->expires_ms = sqlite3_column_int64(st, at + 2);
	item->index_pk = sqlite_column_str(st, at + 3);
	item->index_sk = sqlite_column_str(st, at + 4);
	item->body = sqlite_column_str(st, at + 5);
}

/* Keeps what was read when it is certain which state it was read from: it began a
 * read transaction of its own, and the state did not change while it did. */
static void keep(struct sqlite_store *s, const struct store_snapshot *before,
    const struct store_item *item, bool present)
{
	struct store_snapshot after;

	if (sqlite_snapshot(s->cache, &after) && store_snapshot_equal(before, &after))
		sqlite_cache_keep(s->cache, before, item, present);
}

/* From the database.  `before`: the state when it was asked; NULL: not known. */
static enum err read_point(struct sqlite_connection *c, struct store_item *item,
    int64_t now_ms, const struct store_snapshot *before,
    void (*use)(void *context, const struct store_item *item), void *context)
{
	enum err err = sqlite_ready(c);
	sqlite3_stmt *st;
	bool fresh;
	int rc;

	if (err != OK)
		return err;
	err = ERR_NOT_FOUND;
	fresh = before != NULL && sqlite3_txn_state(c->db.handle, "main") == SQLITE_TXN_NONE;
	st = sqlite_take(&c->db, STATEMENT_POINT);
	if (st == NULL)
		return sqlite_fail(&c->db, sqlite3_extended_errcode(c->db.handle), "read");
	sqlite_bind_str(st, 1, item->pk);
	sqlite_bind_str(st, 2, item->sk);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		read_columns(st, 0, item);
	else if (rc != SQLITE_DONE)
		err = sqlite_fail(&c->db, rc, "read");
	if (fresh && (rc == SQLITE_ROW || rc == SQLITE_DONE))
		keep(c->store, before, item, rc == SQLITE_ROW);
	if (rc == SQLITE_ROW && is_live(item->expires_ms, now_ms)) {
		use(context, item);
		err = OK;
	}
	sqlite_give(&c->db, STATEMENT_POINT, st);
	return err;
}

enum err sqlite_visit(void *connection, struct str pk, struct str sk, bool recent, int64_t now_ms,
    void (*use)(void *context, const struct store_item *item), void *context)
{
	struct sqlite_connection *c = connection;
	struct store_item item = { .pk = pk, .sk = sk };
	const struct store_item *found;
	struct store_snapshot now;
	struct sqlite_cached *e;
	enum err err = ERR_NOT_FOUND;

	(void)recent;                   /* what was committed is there at once */
	if (!sqlite_snapshot(c->store->cache, &now))
		return read_point(c, &item, now_ms, NULL, use, context);
	e = sqlite_cache_find(c->store->cache, &now, pk, sk);
	if (e == NULL)
		return read_point(c, &item, now_ms, &now, use, context);
	found = sqlite_cached_item(e);
	if (found != NULL && is_live(found->expires_ms, now_ms)) {
		use(context, found);
		err = OK;
	}
	sqlite_cache_release(e);
	return err;
}

/* Lower bounds are inclusive and upper ones exclusive in every statement: "after
 * x" is "from the string that comes next", which is x with a NUL behind it. */
struct range {
	struct str from, to;
	char       next[STORE_KEY_MAX_BYTES + 1];
};

static void range_of(const struct store_query *q, struct range *r)
{
	size_t len = q->after.len < STORE_KEY_MAX_BYTES ? q->after.len : STORE_KEY_MAX_BYTES;

	r->from = q->from.ptr == NULL ? STR("") : q->from;
	r->to = q->to;
	if (q->after.ptr == NULL)
		return;
	if (q->descending) {
		if (r->to.ptr == NULL || str_compare(q->after, r->to) < 0)
			r->to = q->after;
		return;
	}
	memcpy(r->next, q->after.ptr, len);
	r->next[len] = '\0';
	if (str_compare(q->after, r->from) >= 0)
		r->from = (struct str){ r->next, len + 1 };
}

static void bind_query(sqlite3_stmt *st, const struct store_query *q, const struct range *r,
    int64_t now_ms, struct str match)
{
	sqlite_bind_str(st, 1, q->pk);
	sqlite_bind_str(st, 2, r->from);
	if (r->to.ptr == NULL)
		sqlite3_bind_zeroblob(st, 3, 0);        /* sorts behind every text */
	else
		sqlite_bind_str(st, 3, r->to);
	sqlite3_bind_int64(st, 4, now_ms);
	sqlite3_bind_int64(st, 5, q->limit == 0 ? -1 : (int64_t)q->limit);
	if (match.ptr != NULL)
		sqlite_bind_str(st, 6, match);
}

static int each_row(sqlite3_stmt *st, bool (*each)(void *context, const struct store_item *item),
    void *context)
{
	struct store_item item = { .n = 0 };
	int rc;

	for (rc = sqlite3_step(st); rc == SQLITE_ROW; rc = sqlite3_step(st)) {
		item.pk = sqlite_column_str(st, 0);
		item.sk = sqlite_column_str(st, 1);
		read_columns(st, 2, &item);
		if (!each(context, &item))
			return SQLITE_DONE;
	}
	return rc;
}

/* Which shape a search takes; a wrong choice would be slow, not wrong. */
static int count_hits(struct sqlite_db *db, struct str match, bool *many)
{
	sqlite3_stmt *st = sqlite_take(db, STATEMENT_HITS);
	int rc;

	if (st == NULL)
		return sqlite3_extended_errcode(db->handle);
	sqlite_bind_str(st, 1, match);
	sqlite3_bind_int(st, 2, MATCH_FEW);
	rc = sqlite3_step(st);
	*many = rc == SQLITE_ROW && sqlite3_column_int(st, 0) == MATCH_FEW;
	sqlite_give(db, STATEMENT_HITS, st);
	return rc;
}

static enum err query(struct sqlite_db *db, const struct store_query *q, int64_t now_ms,
    struct str match, bool (*each)(void *context, const struct store_item *item), void *context)
{
	enum statement which = STATEMENT_RANGE + (q->descending ? 1 : 0) + (q->index ? 2 : 0);
	struct range range;
	sqlite3_stmt *st;
	bool many = false;
	int rc;

	if (match.ptr != NULL) {
		rc = count_hits(db, match, &many);
		if (rc != SQLITE_ROW)
			return sqlite_fail(db, rc, "search");
		which += many ? 8 : 4;
	}
	st = sqlite_take(db, which);
	if (st == NULL)
		return sqlite_fail(db, sqlite3_extended_errcode(db->handle), "query");
	range_of(q, &range);
	bind_query(st, q, &range, now_ms, match);
	rc = each_row(st, each, context);
	sqlite_give(db, which, st);
	return sqlite_fail(db, rc, "query");
}

enum err sqlite_query(void *connection, const struct store_query *q, int64_t now_ms,
    bool (*each)(void *context, const struct store_item *item), void *context)
{
	struct sqlite_connection *c = connection;
	struct buf match;
	enum err err = sqlite_ready(c);

	if (err != OK)
		return err;
	if (q->match.ptr == NULL)
		return query(&c->db, q, now_ms, STR_NONE, each, context);
	buf_init(&match, NULL, MATCH_EXPRESSION_MAX_BYTES);
	err = sqlite_match(&c->db, q->match, &match);
	if (err == OK)
		err = query(&c->db, q, now_ms, buf_str(&match), each, context);
	buf_clean(&match);
	return err;
}

static bool scanned_text(struct sqlite_db *db, struct arena *a, struct str text, struct str *out)
{
	*out = STR_NONE;
	return text.ptr == NULL ||
	    words_canonical(&db->words, a, text, STORE_ITEM_MAX_BYTES, out) == OK;
}

static int each_scanned(struct sqlite_db *db, sqlite3_stmt *st, uint32_t limit,
    bool (*each)(void *context, const struct store_item *item), void *context, bool *more)
{
	struct store_item item = { .n = 0 };
	uint32_t given = 0;
	struct arena a;
	int rc;

	arena_init(&a, ARENA_MAX_BYTES);
	for (rc = sqlite3_step(st); rc == SQLITE_ROW; rc = sqlite3_step(st)) {
		item.pk = sqlite_column_str(st, 0);
		item.sk = sqlite_column_str(st, 1);
		read_columns(st, 2, &item);
		arena_reset(&a);
		if (!scanned_text(db, &a, sqlite_column_str(st, 8), &item.text)) {
			rc = SQLITE_NOMEM;
			break;
		}
		given++;
		*more = limit == given;
		if (!each(context, &item)) {
			*more = true;
			rc = SQLITE_DONE;
			break;
		}
	}
	arena_clean(&a);
	return rc;
}

enum err sqlite_scan(void *connection, struct str after_pk, struct str after_sk, uint32_t limit,
    int64_t now_ms, bool (*each)(void *context, const struct store_item *item), void *context,
    bool *more)
{
	struct sqlite_connection *c = connection;
	enum statement which = after_pk.ptr == NULL ? STATEMENT_SCAN : STATEMENT_SCAN_ON;
	enum err err = sqlite_ready(c);
	sqlite3_stmt *st;
	int rc;

	if (err != OK)
		return err;
	st = sqlite_take(&c->db, which);
	if (st == NULL)
		return sqlite_fail(&c->db, sqlite3_extended_errcode(c->db.handle), "scan");
	if (after_pk.ptr != NULL) {
		sqlite_bind_str(st, 1, after_pk);
		sqlite_bind_str(st, 2, after_sk);
	}
	sqlite3_bind_int64(st, 4, now_ms);
	sqlite3_bind_int64(st, 5, limit == 0 ? -1 : (int64_t)limit);
	rc = each_scanned(&c->db, st, limit, each, context, more);
	sqlite_give(&c->db, which, st);
	return sqlite_fail(&c->db, rc, "scan");
}

enum err sqlite_ping(void *connection)
{
	struct sqlite_connection *c = connection;
	enum err err = sqlite_ready(c);

	return err != OK ? err :
	    sqlite_fail(&c->db, sqlite_run(&c->db, STATEMENT_PING), "answer a ping");
}

bool sqlite_snapshot_of(void *connection, struct store_snapshot *out)
{
	const struct sqlite_connection *c = connection;

	return sqlite_snapshot(c->store->cache, out);
}
