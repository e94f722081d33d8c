/*
 * store: what every engine shares: which one a URL names, bounds, counts, times.
 */
#include "store/store.h"

#include <assert.h>
#include <stdlib.h>

#include "base/time.h"

enum operation {
	OPERATION_GET, OPERATION_QUERY, OPERATION_WRITE, OPERATION_SWEEP, OPERATION_PING,
	OPERATIONS
};
static const char *const operation_names[] = { "get", "query", "write", "sweep", "ping" };
static_assert(COUNT(operation_names) == OPERATIONS, "a name for each");

enum outcome {
	OUTCOME_OK, OUTCOME_ABSENT, OUTCOME_CONFLICT, OUTCOME_REFUSED, OUTCOME_TIMEOUT,
	OUTCOME_ERROR,
	OUTCOMES
};
static const char *const outcome_names[] = {
	"ok", "absent", "conflict", "refused", "timeout", "error"
};
static_assert(COUNT(outcome_names) == OUTCOMES, "a name for each");

static const struct store_engine *const engines[] = {
	&store_sqlite, &store_dynamodb
};

struct store {
	const struct store_engine *engine;
	void                      *handle;
	/* NULL without metrics. */
	struct metric_series      *counts[OPERATIONS][OUTCOMES];
	struct metric_series      *durations[OPERATIONS];
};

struct store_connection {
	struct store *store;
	void         *handle;
	bool          bounded;          /* store_allow said so */
	uint64_t      left_ns;          /* of what it allowed */
	unsigned      depth;            /* operations inside each other's callbacks */
};

static enum outcome outcome_of(enum err err)
{
	switch (err) {
	case OK:
		return OUTCOME_OK;
	case ERR_NOT_FOUND:
		return OUTCOME_ABSENT;
	case ERR_EXISTS:
	case ERR_STALE:
		return OUTCOME_CONFLICT;
	case ERR_INVALID:
	case ERR_TOO_LARGE:
	case ERR_UNSUPPORTED:
		return OUTCOME_REFUSED;
	case ERR_TIMEOUT:
		return OUTCOME_TIMEOUT;
	default:
		return OUTCOME_ERROR;
	}
}

static void find_series(struct store *s, struct metrics *m)
{
	for (size_t i = 0; i < OPERATIONS; i++) {
		const char *labels[] = { s->engine->name, operation_names[i], NULL };

		s->durations[i] = metrics_series(m, METRIC_STORE_DURATION, labels);
		for (size_t j = 0; j < OUTCOMES; j++) {
			labels[2] = outcome_names[j];
			s->counts[i][j] = metrics_series(m, METRIC_STORE_OPERATIONS, labels);
		}
	}
}

/* An operation inside another's callback ends with that one. */
static uint64_t begin(struct store_connection *c)
{
	uint64_t now;

	if (!c->bounded && c->store->durations[0] == NULL)
		return 0;
	now = time_monotonic_ns();
	if (c->bounded && c->depth++ == 0)
		c->store->engine->until(c->handle, now + c->left_ns);
	return now;
}

static enum err end(struct store_connection *c, enum operation operation, uint64_t began_ns,
    enum err err)
{
	const struct store *s = c->store;
	uint64_t took_ns = began_ns == 0 ? 0 : time_monotonic_ns() - began_ns;

	if (c->bounded && --c->depth == 0)
		c->left_ns -= took_ns < c->left_ns ? took_ns : c->left_ns;
	if (s->durations[0] != NULL) {
		metrics_observe(s->durations[operation], took_ns);
		metrics_add(s->counts[operation][outcome_of(err)], 1);
	}
	return err;
}

void store_allow(struct store_connection *c, uint64_t ns)
{
	assert(c->depth == 0);
	c->bounded = ns != 0;
	c->left_ns = ns;
	if (ns == 0)
		c->store->engine->until(c->handle, 0);
}

uint64_t store_deadline(uint64_t until_ns)
{
	uint64_t own = time_monotonic_ns() + STORE_DEADLINE_MS * UINT64_C(1000000);

	return until_ns != 0 && until_ns < own ? until_ns : own;
}

static const struct store_engine *find_engine(struct str scheme)
{
	for (size_t i = 0; i < COUNT(engines); i++)
		if (str_eq(scheme, str_of(engines[i]->name)))
			return engines[i];
	return NULL;
}

/* The engine that `url` names, and what stands behind the colon; NULL: none. */
static const struct store_engine *engine_of(struct str url, struct str *address)
{
	struct str scheme;

	*address = url;
	scheme = str_cut(address, ':');
	return address->ptr == NULL ? NULL : find_engine(scheme);
}

static enum err unknown_engine(struct arena *a, struct str url, struct str *reason)
{
	struct str scheme = str_cut(&url, ':');

	*reason = arena_printf(a, "no store is called \"%.*s\"; what would do: %s or %s",
	    STR_ARG(scheme), engines[0]->example, engines[1]->example);
	return ERR_INVALID;
}

enum err store_create(struct arena *a, struct str url, const struct config *config,
    struct metrics *m, struct str *reason)
{
	struct str address;
	const struct store_engine *engine = engine_of(url, &address);

	if (engine == NULL)
		return unknown_engine(a, url, reason);
	if (engine->create == NULL) {
		*reason = arena_printf(a, "%s makes what it needs by itself", engine->name);
		return ERR_UNSUPPORTED;
	}
	return engine->create(a, address, config, m, reason);
}

enum err store_describe_table(struct str url, struct buf *out)
{
	struct str address;
	const struct store_engine *engine = engine_of(url, &address);

	if (engine == NULL)
		return ERR_INVALID;
	return engine->describe_table == NULL ? ERR_UNSUPPORTED :
	    engine->describe_table(address, out);
}

enum err store_open(struct arena *a, struct str url, const struct config *config,
    struct metrics *m, struct store **out, struct str *reason)
{
	struct str address;
	struct store *s;
	enum err err;

	*reason = STR("out of memory");
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return ERR_NO_MEMORY;
	s->engine = engine_of(url, &address);
	if (s->engine == NULL) {
		free(s);
		return unknown_engine(a, url, reason);
	}
	err = s->engine->open(a, address, config, m, &s->handle, reason);
	if (err != OK) {
		free(s);
		return err;
	}
	if (m != NULL)
		find_series(s, m);
	*out = s;
	return OK;
}

void store_close(struct store *s)
{
	if (s == NULL)
		return;
	s->engine->close(s->handle);
	free(s);
}

enum err store_connect(struct store *s, struct store_connection **out)
{
	struct store_connection *c = calloc(1, sizeof(*c));
	enum err err;

	if (c == NULL)
		return ERR_NO_MEMORY;
	c->store = s;
	err = s->engine->connect(s->handle, &c->handle);
	if (err != OK) {
		free(c);
		return err;
	}
	*out = c;
	return OK;
}

void store_disconnect(struct store_connection *c)
{
	if (c == NULL)
		return;
	c->store->engine->disconnect(c->handle);
	free(c);
}

/* --- reads --- */

/* What store_write would refuse cannot be there: a client's id that is too long
 * is simply not found. */
static bool may_exist(struct str key)
{
	return key.len > 0 && key.len <= STORE_KEY_MAX_BYTES;
}

static bool may_be_partition(struct str key)
{
	return may_exist(key) && !str_starts(key, STR(STORE_RESERVED));
}

static enum err visit(struct store_connection *c, struct str pk, struct str sk, bool recent,
    int64_t now_ms, void (*use)(void *context, const struct store_item *item), void *context)
{
	struct store *s = c->store;
	uint64_t began = begin(c);
	enum err err = ERR_NOT_FOUND;

	if (may_be_partition(pk) && may_exist(sk))
		err = s->engine->visit(c->handle, pk, sk, recent, now_ms, use, context);
	return end(c, OPERATION_GET, began, err);
}

enum err store_visit(struct store_connection *c, struct str pk, struct str sk, int64_t now_ms,
    void (*use)(void *context, const struct store_item *item), void *context)
{
	return visit(c, pk, sk, false, now_ms, use, context);
}

enum err store_visit_recent(struct store_connection *c, struct str pk, struct str sk,
    int64_t now_ms, void (*use)(void *context, const struct store_item *item), void *context)
{
	return visit(c, pk, sk, true, now_ms, use, context);
}

struct copy {
	struct arena      *arena;
	struct store_item *out;
	enum err           err;
};

/* Copies `s` to *at and moves *at behind it and its NUL. */
static struct str copy_str(char **at, struct str s)
{
	struct str copy = { *at, s.len };

	if (s.ptr == NULL)
		return STR_NONE;
	memcpy(*at, s.ptr, s.len);
	(*at)[s.len] = '\0';
	*at += s.len + 1;
	return copy;
}

static void copy_item(void *context, const struct store_item *item)
{
	struct copy *copy = context;
	size_t size = item->pk.len + item->sk.len + item->index_pk.len + item->index_sk.len +
	    item->body.len + 5;
	char *at = arena_try(copy->arena, size);

	if (at == NULL) {
		copy->err = ERR_NO_MEMORY;
		return;
	}
	*copy->out = *item;
	copy->out->pk = copy_str(&at, item->pk);
	copy->out->sk = copy_str(&at, item->sk);
	copy->out->index_pk = copy_str(&at, item->index_pk);
	copy->out->index_sk = copy_str(&at, item->index_sk);
	copy->out->body = copy_str(&at, item->body);
}

enum err store_get(struct store_connection *c, struct arena *a, struct str pk, struct str sk,
    int64_t now_ms, struct store_item *out)
{
	struct copy copy = { .arena = a, .out = out, .err = OK };
	enum err err = store_visit(c, pk, sk, now_ms, copy_item, &copy);

	return err == OK ? copy.err : err;
}

enum err store_query(struct store_connection *c, const struct store_query *q, int64_t now_ms,
    bool (*each)(void *context, const struct store_item *item), void *context)
{
	struct store *s = c->store;
	uint64_t began = begin(c);
	enum err err = OK;

	if (q->match.len > QUERY_MAX_BYTES)
		err = ERR_TOO_LARGE;
	else if (q->match.ptr != NULL && q->match.len == 0)
		err = ERR_INVALID;
	else if (may_be_partition(q->pk))
		err = s->engine->query(c->handle, q, now_ms, each, context);
	return end(c, OPERATION_QUERY, began, err);
}

/* --- writes --- */

static enum err check_key(struct str key)
{
	if (key.len > STORE_KEY_MAX_BYTES)
		return ERR_TOO_LARGE;
	if (key.len == 0 || str_index(key, '\0') != key.len || !str_is_utf8(key))
		return ERR_INVALID;
	return OK;
}

static enum err check_partition(struct str key)
{
	return str_starts(key, STR(STORE_RESERVED)) ? ERR_INVALID : check_key(key);
}

static enum err check_index(const struct store_item *item)
{
	enum err err;

	if (item->index_pk.ptr == NULL && item->index_sk.ptr == NULL)
		return OK;
	err = check_partition(item->index_pk);
	return err == OK ? check_key(item->index_sk) : err;
}

static enum err check_keys(const struct store_item *item)
{
	enum err err = check_partition(item->pk);

	return err == OK ? check_key(item->sk) : err;
}

static enum err check_item(const struct store_item *item)
{
	enum err err = check_keys(item);

	if (err != OK)
		return err;
	if (item->body.len > STORE_ITEM_MAX_BYTES || item->text.len > STORE_ITEM_MAX_BYTES)
		return ERR_TOO_LARGE;
	if (item->expires_ms < 0)
		return ERR_INVALID;
	return check_index(item);
}

static enum err check_op(const struct store_op *op)
{
	if (op->verb == STORE_DELETE || op->verb == STORE_CHECK)
		return check_keys(&op->item);
	return check_item(&op->item);
}

static enum err check_ops(const struct store_op *ops, size_t n_ops, struct store_result *result)
{
	enum err err = OK;

	*result = (struct store_result){ .failed = n_ops };
	if (n_ops > STORE_OPS_MAX)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < n_ops && err == OK; i++) {
		err = check_op(&ops[i]);
		if (err != OK)
			result->failed = i;
	}
	return err;
}

enum err store_write(struct store_connection *c, const struct store_op *ops, size_t n_ops,
    enum store_durability durability, int64_t now_ms, struct store_result *result)
{
	struct store *s = c->store;
	uint64_t began = begin(c);
	enum err err = check_ops(ops, n_ops, result);

	if (err == OK && n_ops > 0)
		err = s->engine->write(c->handle, ops, n_ops, durability, now_ms, result);
	return end(c, OPERATION_WRITE, began, err);
}

enum err store_sweep(struct store_connection *c, int64_t now_ms, uint32_t most,
    uint32_t *removed)
{
	struct store *s = c->store;
	uint64_t began = begin(c);

	*removed = 0;
	return end(c, OPERATION_SWEEP, began, s->engine->sweep(c->handle, now_ms, most, removed));
}

enum err store_ping(struct store_connection *c)
{
	struct store *s = c->store;
	uint64_t began = begin(c);

	return end(c, OPERATION_PING, began, s->engine->ping(c->handle));
}

/* --- the whole of it: commands do this, which nobody scrapes, so it is not counted --- */

enum err store_scan(struct store_connection *c, struct str after_pk, struct str after_sk,
    uint32_t limit, int64_t now_ms,
    bool (*each)(void *context, const struct store_item *item), void *context, bool *more)
{
	enum err err = OK;

	*more = false;
	if (after_pk.ptr != NULL || after_sk.ptr != NULL)
		err = check_keys(&(struct store_item){ .pk = after_pk, .sk = after_sk });
	if (err != OK)
		return err;
	return c->store->engine->scan(c->handle, after_pk, after_sk, limit, now_ms, each, context,
	    more);
}

static bool is_twin(const struct store_item *items, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (str_eq(items[i].sk, items[at].sk) && str_eq(items[i].pk, items[at].pk))
			return true;
	return false;
}

/* ERR_TOO_LARGE for the list itself names no item. */
static enum err check_items(const struct store_item *items, size_t n, size_t *failed)
{
	enum err err = OK;

	*failed = n;
	if (n > STORE_OPS_MAX)
		return ERR_TOO_LARGE;
	for (size_t i = 0; i < n && err == OK; i++) {
		err = check_item(&items[i]);
		if (err == OK && (items[i].version == 0 || items[i].version > INT64_MAX ||
		    is_twin(items, i)))
			err = ERR_INVALID;
		if (err == ERR_TOO_LARGE)
			*failed = i;
	}
	return err;
}

enum err store_restore(struct store_connection *c, const struct store_item *items, size_t n,
    size_t *failed)
{
	enum err err = check_items(items, n, failed);

	return err != OK || n == 0 ? err : c->store->engine->restore(c->handle, items, n, failed);
}

bool store_snapshot(struct store_connection *c, struct store_snapshot *out)
{
	const struct store_engine *engine = c->store->engine;

	return engine->snapshot != NULL && engine->snapshot(c->handle, out);
}

bool store_snapshot_equal(const struct store_snapshot *a, const struct store_snapshot *b)
{
	return memcmp(a->words, b->words, sizeof(a->words)) == 0;
}

bool store_is_shared(const struct store *s)
{
	return s->engine->shared;
}

const char *store_engine(const struct store *s)
{
	return s->engine->version;
}
