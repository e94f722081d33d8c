/*
 * dynamodb_read: point reads, batches and ranges.
 *
 * What a read costs: half a read unit for each 4 KB of an item, one when it must see
 * what was just written (all but `recent` and the index); a range counts the bytes of
 * all its items together, those of expired ones too.
 */
#include "store/dynamodb.h"

#include <stdio.h>
#include <string.h>

static bool is_key(struct str key)
{
	return key.len > 0 && str_index(key, '\0') == key.len && str_is_utf8(key);
}

/* --- one ------------------------------------------------------------------------------ */

enum err dynamo_get(struct dynamo_connection *c, struct arena *a, struct dynamo_key key,
    bool recent, uint64_t deadline_ns, struct dynamo_row *out)
{
	struct dynamo_rows rows;
	struct dynamo_call call;
	enum err err;

	dynamo_begin(&call, c, a, "GetItem");
	dynamo_put_key(&call.json, "Key", key.pk, key.sk);
	if (!recent)
		json_member_bool(&call.json, "ConsistentRead", true);
	err = dynamo_send(&call, c->client, true, deadline_ns);
	if (err != OK)
		return dynamo_fail(&call, err);
	err = dynamo_read_rows(a, call.reply.body, &rows);
	if (err != OK)
		return err == ERR_NO_MEMORY ? err : dynamo_garbled(&call);
	if (rows.n == 0)
		return ERR_NOT_FOUND;
	*out = rows.list[0];
	return OK;
}

enum err dynamo_visit(void *connection, struct str pk, struct str sk, bool recent,
    int64_t now_ms, void (*use)(void *context, const struct store_item *item), void *context)
{
	const struct dynamo_key key = { pk, sk };
	struct dynamo_row row = { .has_text = false };
	struct arena a;
	enum err err;

	if (!is_key(pk) || !is_key(sk))
		return ERR_NOT_FOUND;
	arena_init(&a, ARENA_MAX_BYTES);
	err = dynamo_get(connection, &a, key, recent, dynamo_deadline(connection), &row);
	if (err == OK && !dynamo_is_live(&row, now_ms))
		err = ERR_NOT_FOUND;
	if (err == OK)
		err = dynamo_unpack(&a, &row);
	if (err == OK)
		use(context, &row.item);
	arena_clean(&a);
	return err;
}

/* --- many ------------------------------------------------------------------------------- */

struct batch {
	struct dynamo_connection *c;
	struct arena             *a;
	const struct dynamo_key  *keys;
	struct dynamo_row        *rows;
	bool                     *pending;
	size_t                    n;
	bool                      state_alone, recent;
};

static void begin_batch(struct dynamo_call *call, const struct batch *b)
{
	struct json_writer *w = &call->json;
	size_t asked = 0;

	dynamo_begin_bare(call, b->a, "BatchGetItem");
	json_name(w, "RequestItems");
	json_object_open(w);
	json_name(w, b->c->store->table);
	json_object_open(w);
	json_name(w, "Keys");
	json_array_open(w);
	for (size_t i = 0; i < b->n && asked < BATCH_MAX; i++) {
		if (!b->pending[i])
			continue;
		asked++;
		b->pending[i] = false;          /* until it comes back as left over */
		json_object_open(w);
		dynamo_put_s(w, "pk", b->keys[i].pk);
		dynamo_put_s(w, "sk", b->keys[i].sk);
		json_object_close(w);
	}
	json_array_close(w);
	if (!b->recent)
		json_member_bool(w, "ConsistentRead", true);
	if (b->state_alone)
		json_member_string(w, "ProjectionExpression", STR("pk,sk,n,v,x,t,w"));
	json_object_close(w);
	json_object_close(w);
}

static size_t index_of(const struct batch *b, const struct store_item *item)
{
	size_t i = 0;

	while (i < b->n && !(str_eq(b->keys[i].sk, item->sk) && str_eq(b->keys[i].pk, item->pk)))
		i++;
	return i;
}

/* Puts what came where it belongs; false: something that was not asked for. */
static bool sort_in(struct batch *b, const struct dynamo_rows *came)
{
	for (size_t i = 0; i < came->n; i++) {
		size_t at = index_of(b, &came->list[i].item);
		if (at == b->n)
			return false;
		b->rows[at] = came->list[i];
	}
	for (size_t i = 0; i < came->n_left; i++) {
		size_t at = index_of(b, &came->left[i].item);
		if (at == b->n)
			return false;
		b->pending[at] = true;
	}
	return true;
}

static bool is_pending(const struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (b->pending[i])
			return true;
	return false;
}

/* What DynamoDB leaves over, of a table that is busy or a reply that is full, is asked
 * for again, more slowly each time that nothing came. */
static enum err run_batch(struct batch *b, uint64_t deadline_ns)
{
	unsigned barren = 0;

	while (is_pending(b)) {
		struct dynamo_rows came;
		struct dynamo_call call;
		begin_batch(&call, b);
		enum err err = dynamo_send(&call, b->c->client, true, deadline_ns);
		if (err != OK)
			return dynamo_fail(&call, err);
		err = dynamo_read_rows(b->a, call.reply.body, &came);
		if (err != OK || !sort_in(b, &came))
			return err == ERR_NO_MEMORY ? err : dynamo_garbled(&call);
		barren = came.n > 0 || came.n_left == 0 ? 0 : barren + 1;
		if (barren > 0 && !aws_client_wait(b->c->client, barren, deadline_ns))
			return ERR_UNAVAILABLE;
	}
	return OK;
}

static enum err get_one(struct batch *b, uint64_t deadline_ns)
{
	enum err err = dynamo_get(b->c, b->a, b->keys[0], b->recent, deadline_ns, &b->rows[0]);

	return err == ERR_NOT_FOUND ? OK : err;
}

enum err dynamo_batch(struct dynamo_connection *c, struct arena *a, const struct dynamo_key *keys,
    size_t n, bool state_alone, bool recent, uint64_t deadline_ns, struct dynamo_row *rows)
{
	struct batch b = { .c = c, .a = a, .keys = keys, .rows = rows, .n = n,
		.state_alone = state_alone, .recent = recent };

	if (n == 0)
		return OK;
	memset(rows, 0, n * sizeof(*rows));
	if (n == 1)
		return get_one(&b, deadline_ns);
	b.pending = arena_alloc(a, n * sizeof(*b.pending));
	for (size_t i = 0; i < n; i++)
		b.pending[i] = true;
	return run_batch(&b, deadline_ns);
}

/* --- ranges --------------------------------------------------------------------------------- */

/* The bounds that DynamoDB is told: one that is no UTF-8 it could not compare, so it
 * is left to dynamo_in_range. */
struct bounds {
	struct str low, high;
	bool       low_open;            /* "greater than", not "from" */
	bool       empty;
};

static bool is_later(struct str a, struct str b)
{
	return b.ptr == NULL || str_compare(a, b) > 0;
}

static void bounds_of(const struct store_query *q, struct bounds *b)
{
	*b = (struct bounds){ .low = is_key(q->from) ? q->from : STR_NONE,
		.high = is_key(q->to) ? q->to : STR_NONE };
	if (is_key(q->after) && !q->descending && (is_later(q->after, b->low) ||
	    str_eq(q->after, b->low))) {
		b->low = q->after;
		b->low_open = true;
	}
	if (is_key(q->after) && q->descending &&
	    (b->high.ptr == NULL || str_compare(q->after, b->high) < 0))
		b->high = q->after;
	b->empty = b->low.ptr != NULL && b->high.ptr != NULL && str_compare(b->low, b->high) >= 0;
}

bool dynamo_in_range(const struct store_query *q, struct str sort_key)
{
	if (q->from.ptr != NULL && str_compare(sort_key, q->from) < 0)
		return false;
	if (q->to.ptr != NULL && str_compare(sort_key, q->to) >= 0)
		return false;
	if (q->after.ptr == NULL)
		return true;
	return q->descending ? str_compare(sort_key, q->after) < 0
	    : str_compare(sort_key, q->after) > 0;
}

/* With both bounds there is BETWEEN alone, which has them both in: who reads drops one. */
static void put_condition(struct json_writer *w, const struct store_query *q,
    const struct bounds *b)
{
	static const char *const shapes[2][4] = {
		{ "pk=:p", "pk=:p AND sk>=:a", "pk=:p AND sk<:b", "pk=:p AND sk BETWEEN :a AND :b" },
		{ "index_pk=:p", "index_pk=:p AND index_sk>=:a", "index_pk=:p AND index_sk<:b",
		  "index_pk=:p AND index_sk BETWEEN :a AND :b" },
	};
	static const char *const open_shapes[2] = { "pk=:p AND sk>:a", "index_pk=:p AND index_sk>:a" };
	unsigned which = (b->low.ptr != NULL ? 1 : 0) + (b->high.ptr != NULL ? 2 : 0);
	bool open = which == 1 && b->low_open;

	json_member_string(w, "KeyConditionExpression",
	    str_of(open ? open_shapes[q->index] : shapes[q->index][which]));
}

static void put_values(struct json_writer *w, const struct dynamo_pager *p,
    const struct bounds *b)
{
	char name[8] = ":w0";

	json_name(w, "ExpressionAttributeValues");
	json_object_open(w);
	dynamo_put_s(w, ":p", p->pk);
	if (b->low.ptr != NULL)
		dynamo_put_s(w, ":a", b->low);
	if (b->high.ptr != NULL)
		dynamo_put_s(w, ":b", b->high);
	for (size_t i = 0; i < p->n_words; i++) {
		snprintf(name, sizeof(name), ":w%u", (unsigned)i % 100);
		dynamo_put_s(w, name, p->words[i]);
	}
	json_object_close(w);
}

static void begin_page(struct dynamo_call *call, struct dynamo_connection *c, struct arena *a,
    const struct dynamo_pager *p, const struct bounds *b)
{
	struct json_writer *w = &call->json;

	dynamo_begin(call, c, a, "Query");
	if (p->q->index)
		json_member_string(w, "IndexName", STR(INDEX_NAME));
	else if (!p->q->recent)
		json_member_bool(w, "ConsistentRead", true);
	put_condition(w, p->q, b);
	if (p->filter.ptr != NULL)
		json_member_string(w, "FilterExpression", p->filter);
	put_values(w, p, b);
	if (p->q->descending)
		json_member_bool(w, "ScanIndexForward", false);
	if (p->page > 0)
		json_member_int(w, "Limit", p->page);
	if (p->next.ptr != NULL) {
		json_name(w, "ExclusiveStartKey");
		json_put_raw(w, p->next);
	}
}

enum err dynamo_next_page(struct dynamo_connection *c, struct arena *a, struct dynamo_pager *p,
    uint64_t deadline_ns, struct dynamo_rows *out)
{
	struct dynamo_call call;
	struct bounds bounds;
	enum err err;

	*out = (struct dynamo_rows){ .list = NULL };
	bounds_of(p->q, &bounds);
	if (bounds.empty || !is_key(p->pk)) {
		p->done = true;
		return OK;
	}
	begin_page(&call, c, a, p, &bounds);
	err = dynamo_send(&call, c->client, true, deadline_ns);
	if (err != OK)
		return dynamo_fail(&call, err);
	err = dynamo_read_rows(a, call.reply.body, out);
	if (err != OK)
		return err == ERR_NO_MEMORY ? err : dynamo_garbled(&call);
	p->next = out->last_key;
	p->done = out->last_key.ptr == NULL;
	return OK;
}

struct giving {
	const struct store_query *q;
	int64_t                   now_ms;
	bool                    (*each)(void *context, const struct store_item *item);
	void                     *context;
	uint32_t                  given;
	bool                      more; /* false: it has had enough, or the limit is reached */
};

/* The rows of one page to `each`. */
static enum err give(struct giving *g, const struct dynamo_rows *rows)
{
	enum err err = OK;

	for (size_t i = 0; i < rows->n && g->more && err == OK; i++) {
		const struct dynamo_row *row = &rows->list[i];
		if (!dynamo_is_live(row, g->now_ms) ||
		    !dynamo_in_range(g->q, g->q->index ? row->item.index_sk : row->item.sk))
			continue;
		g->given++;
		err = dynamo_give(row, g->each, g->context, &g->more);
		g->more = g->more && g->given != g->q->limit;
	}
	return err;
}

/* Without a limit pages grow, since a caller who wanted a few rows has stopped by then. */
static uint32_t next_size(const struct store_query *q, uint32_t given, uint32_t page)
{
	if (q->limit > 0)
		return q->limit - given + 1;    /* one may be the bound that BETWEEN has in */
	if (page == 0)
		return PAGE_FIRST;
	return page > UINT32_MAX / 4 ? page : page * 4;
}

enum err dynamo_query(void *connection, const struct store_query *q, int64_t now_ms,
    bool (*each)(void *context, const struct store_item *item), void *context)
{
	struct dynamo_pager pager = { .q = q, .pk = q->pk };
	uint64_t deadline_ns = dynamo_deadline(connection);
	struct dynamo_rows rows;
	struct arena pages[2];          /* a page's `next` lies in it until the one after came */
	unsigned turn = 0;
	struct giving g = { .q = q, .now_ms = now_ms, .each = each, .context = context,
		.more = true };
	enum err err = OK;

	if (q->match.ptr != NULL)
		return dynamo_search(connection, q, now_ms, each, context);
	arena_init(&pages[0], ARENA_MAX_BYTES);
	arena_init(&pages[1], ARENA_MAX_BYTES);
	while (err == OK && g.more && !pager.done) {
		arena_reset(&pages[turn]);
		pager.page = next_size(q, g.given, pager.page);
		if (q->limit == 0)
			deadline_ns = dynamo_deadline(connection);
		err = dynamo_next_page(connection, &pages[turn], &pager, deadline_ns, &rows);
		if (err == OK)
			err = give(&g, &rows);
		turn ^= 1;
	}
	arena_clean(&pages[0]);
	arena_clean(&pages[1]);
	return err;
}
