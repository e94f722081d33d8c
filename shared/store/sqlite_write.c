/*
 * sqlite_write: one list of operations, inside a transaction that the queue made.
 */
#include "store/sqlite.h"

/* What stands where an operation wants to write. */
struct stored {
	int64_t  id;            /* 0: nothing */
	int64_t  n;
	uint64_t version;
	bool     live;          /* there, and not expired */
	bool     has_text;
};

/* What a list has done so far. */
struct changed {
	struct store_result result;
	size_t              at;         /* the operation under way */
	bool                added;      /* result.n is set */
};

bool sqlite_is_condition(enum err err)
{
	return err == ERR_EXISTS || err == ERR_NOT_FOUND || err == ERR_STALE || err == ERR_INVALID;
}

static int find(struct sqlite_db *db, const struct store_item *item, int64_t now_ms,
    struct stored *out)
{
	sqlite3_stmt *st = sqlite_take(db, STATEMENT_FIND);
	int64_t expires_ms;
	int rc;

	*out = (struct stored){ .id = 0 };
	if (st == NULL)
		return sqlite3_extended_errcode(db->handle);
	sqlite_bind_str(st, 1, item->pk);
	sqlite_bind_str(st, 2, item->sk);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		expires_ms = sqlite3_column_int64(st, 3);
		out->id = sqlite3_column_int64(st, 0);
		out->version = (uint64_t)sqlite3_column_int64(st, 1);
		out->n = sqlite3_column_int64(st, 2);
		out->live = expires_ms == 0 || expires_ms > now_ms;
		out->has_text = sqlite3_column_int(st, 4) != 0;
	}
	sqlite_give(db, STATEMENT_FIND, st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static enum err check(const struct store_op *op, const struct stored *old)
{
	switch (op->condition) {
	case STORE_ALWAYS:
		return OK;
	case STORE_ABSENT:
		return old->live ? ERR_EXISTS : OK;
	case STORE_PRESENT:
		return old->live ? OK : ERR_NOT_FOUND;
	case STORE_VERSION:
		if (!old->live)
			return ERR_NOT_FOUND;
		return old->version == op->item.version ? OK : ERR_STALE;
	}
	return ERR_INVALID;
}

static int run_with_id(struct sqlite_db *db, enum statement which, int64_t id)
{
	sqlite3_stmt *st = sqlite_take(db, which);

	if (st == NULL)
		return sqlite3_extended_errcode(db->handle);
	sqlite3_bind_int64(st, 1, id);
	return sqlite_finish(db, which, st);
}

static int add_text(struct sqlite_db *db, int64_t id, struct str text)
{
	sqlite3_stmt *st = sqlite_take(db, STATEMENT_TEXT_ADD);

	if (st == NULL)
		return sqlite3_extended_errcode(db->handle);
	sqlite3_bind_int64(st, 1, id);
	sqlite_bind_str(st, 2, text);
	return sqlite_finish(db, STATEMENT_TEXT_ADD, st);
}

/* An expired row is written over, and its life begins again at version 1. */
static int store_row(struct sqlite_db *db, const struct store_item *item,
    const struct stored *old, uint64_t version)
{
	enum statement which = old->id == 0 ? STATEMENT_CREATE : STATEMENT_REPLACE;
	sqlite3_stmt *st = sqlite_take(db, which);

	if (st == NULL)
		return sqlite3_extended_errcode(db->handle);
	sqlite3_bind_int64(st, 1, item->n);
	sqlite3_bind_int64(st, 2, (int64_t)version);
	if (item->expires_ms == 0)
		sqlite3_bind_null(st, 3);
	else
		sqlite3_bind_int64(st, 3, item->expires_ms);
	sqlite3_bind_int(st, 4, item->text.len > 0);
	sqlite_bind_str(st, 5, item->index_pk);
	sqlite_bind_str(st, 6, item->index_sk);
	sqlite_bind_str(st, 7, item->body.ptr == NULL ? STR("") : item->body);
	if (old->id == 0) {
		sqlite_bind_str(st, 8, item->pk);
		sqlite_bind_str(st, 9, item->sk);
	} else {
		sqlite3_bind_int64(st, 8, old->id);
	}
	return sqlite_finish(db, which, st);
}

static int put_item(struct sqlite_db *db, const struct store_item *item,
    const struct stored *old, uint64_t version)
{
	int rc = store_row(db, item, old, version);

	if (rc == SQLITE_OK && old->has_text)
		rc = run_with_id(db, STATEMENT_TEXT_REMOVE, old->id);
	if (rc == SQLITE_OK && item->text.len > 0)
		rc = add_text(db, old->id != 0 ? old->id : sqlite3_last_insert_rowid(db->handle),
		    item->text);
	return rc;
}

static int remove_row(struct sqlite_db *db, int64_t id, bool has_text)
{
	int rc = run_with_id(db, STATEMENT_REMOVE, id);

	if (rc == SQLITE_OK && has_text)
		rc = run_with_id(db, STATEMENT_TEXT_REMOVE, id);
	return rc;
}

static int count_up(struct sqlite_db *db, int64_t id, int64_t n)
{
	sqlite3_stmt *st = sqlite_take(db, STATEMENT_COUNT_UP);

	if (st == NULL)
		return sqlite3_extended_errcode(db->handle);
	sqlite3_bind_int64(st, 1, n);
	sqlite3_bind_int64(st, 2, id);
	return sqlite_finish(db, STATEMENT_COUNT_UP, st);
}

/* The value that an add leaves behind.  SQLite would go on in floating point. */
static bool add_fits(const struct store_op *op, const struct stored *old, int64_t *n)
{
	*n = op->item.n;
	return !old->live || !__builtin_add_overflow(old->n, op->item.n, n);
}

/* Whether the operation may go ahead, and what it will find. */
static enum err look(struct sqlite_db *db, const struct store_op *op, int64_t now_ms,
    struct stored *old)
{
	enum err err = sqlite_fail(db, find(db, &op->item, now_ms, old), "look up");
	int64_t n;

	if (err == OK)
		err = check(op, old);
	if (err == OK && op->verb == STORE_ADD && !add_fits(op, old, &n))
		err = ERR_INVALID;
	return err;
}

static int add(struct sqlite_db *db, const struct store_op *op, const struct stored *old,
    struct changed *changed)
{
	int64_t n;

	(void)add_fits(op, old, &n);
	if (!changed->added)
		changed->result.n = n;
	changed->added = true;
	return old->live ? count_up(db, old->id, n) : put_item(db, &op->item, old, 1);
}

static int put(struct sqlite_db *db, const struct store_op *op, const struct stored *old,
    struct changed *changed)
{
	uint64_t version = old->live ? old->version + 1 : 1;

	if (changed->result.version == 0)
		changed->result.version = version;
	return put_item(db, &op->item, old, version);
}

static enum err change(struct sqlite_db *db, const struct store_op *op, const struct stored *old,
    struct changed *changed)
{
	switch (op->verb) {
	case STORE_PUT:
		return sqlite_fail(db, put(db, op, old, changed), "write");
	case STORE_ADD:
		return sqlite_fail(db, add(db, op, old, changed), "count");
	case STORE_DELETE:
		if (old->id == 0)
			return OK;
		return sqlite_fail(db, remove_row(db, old->id, old->has_text), "delete");
	case STORE_CHECK:
		return OK;
	}
	return ERR_INTERNAL;
}

/* Looks at everything first and then writes: a list whose condition fails has
 * written nothing, so the others of its commit need no savepoint against it. */
static enum err apply_distinct(struct sqlite_db *db, struct sqlite_request *r,
    struct changed *changed)
{
	struct stored old[STORE_OPS_MAX];
	enum err err = OK;

	for (size_t i = 0; i < r->n_ops && err == OK; i++) {
		changed->at = i;
		err = look(db, &r->ops[i], r->now_ms, &old[i]);
	}
	for (size_t i = 0; i < r->n_ops && err == OK; i++)
		err = change(db, &r->ops[i], &old[i], changed);
	return err;
}

/* An item occurs twice: what the second operation finds, the first has written. */
static enum err apply_in_turn(struct sqlite_db *db, struct sqlite_request *r,
    struct changed *changed)
{
	struct stored old;
	enum err err = sqlite_fail(db, sqlite_run(db, STATEMENT_SAVEPOINT), "begin a list");
	int rc = SQLITE_OK;

	for (size_t i = 0; i < r->n_ops && err == OK; i++) {
		changed->at = i;
		err = look(db, &r->ops[i], r->now_ms, &old);
		if (err == OK)
			err = change(db, &r->ops[i], &old, changed);
	}
	if (sqlite_is_condition(err))
		rc = sqlite_run(db, STATEMENT_UNDO);
	if (rc == SQLITE_OK && (err == OK || sqlite_is_condition(err)))
		rc = sqlite_run(db, STATEMENT_RELEASE);
	return rc == SQLITE_OK ? err : sqlite_fail(db, rc, "end a list");
}

static bool has_twins(const struct store_op *ops, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (str_eq(ops[i].item.sk, ops[j].item.sk) &&
			    str_eq(ops[i].item.pk, ops[j].item.pk))
				return true;
	return false;
}

static enum err apply_list(struct sqlite_db *db, struct sqlite_request *r)
{
	struct changed changed = { .result.failed = r->n_ops };
	enum err err = has_twins(r->ops, r->n_ops) ? apply_in_turn(db, r, &changed)
	    : apply_distinct(db, r, &changed);

	if (err == OK)
		*r->result = changed.result;
	else
		*r->result = (struct store_result){
			.failed = sqlite_is_condition(err) ? changed.at : r->n_ops
		};
	return err;
}

enum err sqlite_write(void *connection, const struct store_op *ops, size_t n_ops,
    enum store_durability durability, int64_t now_ms, struct store_result *result)
{
	struct sqlite_request r = {
		.apply = apply_list, .ops = ops, .n_ops = n_ops, .durability = durability,
		.now_ms = now_ms, .result = result,
	};

	return sqlite_submit(connection, &r);
}

static enum err apply_restore(struct sqlite_db *db, struct sqlite_request *r)
{
	struct stored old;
	int rc = SQLITE_OK;

	for (size_t i = 0; rc == SQLITE_OK && i < r->n_ops; i++) {
		rc = find(db, &r->items[i], r->now_ms, &old);
		if (rc == SQLITE_OK)
			rc = put_item(db, &r->items[i], &old, r->items[i].version);
	}
	return sqlite_fail(db, rc, "restore");
}

/* All of them fit: what store.c lets through, SQLite holds. */
enum err sqlite_restore(void *connection, const struct store_item *items, size_t n,
    size_t *failed)
{
	struct sqlite_request r = {
		.apply = apply_restore, .items = items, .n_ops = n, .durability = STORE_DURABLE,
	};

	*failed = n;
	return sqlite_submit(connection, &r);
}

/* The next one to go, and whether it has words; id 0: none. */
static int next_expired(struct sqlite_db *db, int64_t now_ms, int64_t *id, bool *has_text)
{
	sqlite3_stmt *st = sqlite_take(db, STATEMENT_NEXT_EXPIRED);
	int rc;

	*id = 0;
	if (st == NULL)
		return sqlite3_extended_errcode(db->handle);
	sqlite3_bind_int64(st, 1, now_ms);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW) {
		*id = sqlite3_column_int64(st, 0);
		*has_text = sqlite3_column_int(st, 1) != 0;
	}
	sqlite_give(db, STATEMENT_NEXT_EXPIRED, st);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static enum err apply_sweep(struct sqlite_db *db, struct sqlite_request *r)
{
	int64_t id = 0;
	bool has_text = false;
	int rc = SQLITE_OK;

	for (r->removed = 0; rc == SQLITE_OK && r->removed < r->most; r->removed++) {
		rc = next_expired(db, r->now_ms, &id, &has_text);
		if (rc == SQLITE_OK && id == 0)
			return OK;
		if (rc == SQLITE_OK)
			rc = remove_row(db, id, has_text);
	}
	return sqlite_fail(db, rc, "sweep");
}

/* In slices, so that no writer waits for a long one. */
enum err sqlite_sweep(void *connection, int64_t now_ms, uint32_t most, uint32_t *removed)
{
	enum err err = OK;
	uint32_t slice = SWEEP_SLICE;

	*removed = 0;
	while (err == OK && slice == SWEEP_SLICE && *removed < most) {
		struct sqlite_request r = {
			.apply = apply_sweep, .durability = STORE_RELAXED, .now_ms = now_ms,
			.most = most - *removed < SWEEP_SLICE ? most - *removed : SWEEP_SLICE,
		};
		err = sqlite_submit(connection, &r);
		slice = err == OK ? r.removed : 0;
		*removed += slice;
	}
	return err;
}
