/*
 * dynamodb_whole: a table as it moves: all of it read by Scan, items written as they are
 * by BatchWriteItem.  The words that lie beside an item (dynamodb_text.c) are no items
 * of their own here: they go and come as its text.
 */
#include "store/dynamodb.h"

#define PAGE_MAX 100                    /* rows of one Scan: no more words than one batch has */
#define PUTS_MAX 25                     /* DynamoDB's bound of one BatchWriteItem, deletes too */

/* --- scan ----------------------------------------------------------------------------- */

struct scan {
	struct dynamo_connection *c;
	struct dynamo_key         after;        /* no pk: the beginning */
	uint32_t                  limit, given;
	int64_t                   now_ms;
	bool                    (*each)(void *context, const struct store_item *item);
	void                     *context;
	bool                     *more;
};

static enum err scan_page(struct scan *s, struct arena *a, struct str next,
    struct dynamo_rows *out)
{
	struct dynamo_call call;
	enum err err;

	dynamo_begin(&call, s->c, a, "Scan");
	json_member_bool(&call.json, "ConsistentRead", true);
	json_member_int(&call.json, "Limit", PAGE_MAX);
	if (next.ptr != NULL) {
		json_name(&call.json, "ExclusiveStartKey");
		json_put_raw(&call.json, next);
	} else if (s->after.pk.ptr != NULL) {
		dynamo_put_key(&call.json, "ExclusiveStartKey", s->after.pk, s->after.sk);
	}
	err = dynamo_send(&call, s->c->client, true, dynamo_deadline(s->c));
	if (err != OK)
		return dynamo_fail(&call, err);
	err = dynamo_read_rows(a, call.reply.body, out);
	return err == OK || err == ERR_NO_MEMORY ? err : dynamo_garbled(&call);
}

static bool is_given(const struct scan *s, const struct dynamo_row *row)
{
	return !str_starts(row->item.pk, STR(STORE_RESERVED)) &&
	    (s->now_ms == 0 || dynamo_is_live(row, s->now_ms));
}

/* Keeps the rows to give, and fetches their texts. */
static enum err add_texts(struct scan *s, struct arena *a, struct dynamo_rows *page)
{
	struct dynamo_row *rows = ARENA_ARRAY(a, page->n + 1, struct dynamo_row);
	struct dynamo_key *keys = ARENA_ARRAY(a, page->n + 1, struct dynamo_key);
	size_t kept = 0, n = 0, at = 0;
	enum err err;

	for (size_t i = 0; i < page->n; i++) {
		const struct dynamo_row *row = &page->list[i];
		if (!is_given(s, row))
			continue;
		page->list[kept++] = *row;
		if (row->has_text)
			keys[n++] = (struct dynamo_key){ dynamo_words_pk(a, row->item.pk),
				row->item.sk };
	}
	page->n = kept;
	err = dynamo_batch(s->c, a, keys, n, false, false, dynamo_deadline(s->c), rows);
	for (size_t i = 0; i < page->n && err == OK; i++)
		if (page->list[i].has_text)
			page->list[i].item.text = str_trim(rows[at++].item.text);
	return err;
}

/* *goes_on: it has not had enough. */
static enum err give(struct scan *s, const struct dynamo_rows *page, bool *goes_on)
{
	enum err err = OK;

	*goes_on = true;
	for (size_t i = 0; i < page->n && *goes_on && err == OK; i++) {
		struct dynamo_row *row = &page->list[i];
		s->given++;
		if (row->item.body.ptr == NULL)
			row->item.body = STR("");
		err = dynamo_give(row, s->each, s->context, goes_on);
		*goes_on = *goes_on && s->given != s->limit;
	}
	*s->more = err == OK && !*goes_on;
	return err;
}

enum err dynamo_scan(void *connection, struct str after_pk, struct str after_sk, uint32_t limit,
    int64_t now_ms, bool (*each)(void *context, const struct store_item *item), void *context,
    bool *more)
{
	struct scan s = { .c = connection, .after = { after_pk, after_sk }, .limit = limit,
		.now_ms = now_ms, .each = each, .context = context, .more = more };
	struct str next = STR_NONE;
	struct dynamo_rows rows = { .list = NULL };
	struct arena pages[2];          /* `next` lies in the page before */
	unsigned turn = 0;
	bool goes_on = true;
	enum err err = OK;

	arena_init(&pages[0], ARENA_MAX_BYTES);
	arena_init(&pages[1], ARENA_MAX_BYTES);
	while (err == OK && goes_on) {
		arena_reset(&pages[turn]);
		err = scan_page(&s, &pages[turn], next, &rows);
		next = err == OK ? rows.last_key : STR_NONE;
		if (err == OK)
			err = add_texts(&s, &pages[turn], &rows);
		if (err == OK)
			err = give(&s, &rows, &goes_on);
		goes_on = goes_on && next.ptr != NULL;
		turn ^= 1;
	}
	arena_clean(&pages[0]);
	arena_clean(&pages[1]);
	return err;
}

/* --- restore -------------------------------------------------------------------------------- */

struct restoring {
	struct dynamo_connection *c;
	struct arena             *a;
	struct dynamo_row        *puts;         /* items, and the words beside them */
	size_t                    n_puts;
	struct dynamo_key        *stale;        /* words of items that have none any more */
	size_t                    n_stale;
};

/* Which of the items stand where one with words does: a read of them all costs less than
 * as many deletes of what is not there. */
static enum err find_stale(struct restoring *r, const struct store_item *items, size_t n)
{
	struct dynamo_key *keys = ARENA_ARRAY(r->a, n, struct dynamo_key);
	struct dynamo_row *rows = ARENA_ARRAY(r->a, n, struct dynamo_row);
	size_t n_keys = 0;
	enum err err;

	for (size_t i = 0; i < n; i++)
		if (items[i].text.len == 0)
			keys[n_keys++] = (struct dynamo_key){ items[i].pk, items[i].sk };
	err = dynamo_batch(r->c, r->a, keys, n_keys, true, false, dynamo_deadline(r->c), rows);
	for (size_t i = 0; i < n_keys && err == OK; i++)
		if (rows[i].has_text)
			r->stale[r->n_stale++] = (struct dynamo_key){
				dynamo_words_pk(r->a, keys[i].pk), keys[i].sk };
	return err;
}

static enum err add_put(struct restoring *r, const struct dynamo_row *row)
{
	if (dynamo_item_size(row) > ITEM_MAX_BYTES)
		return ERR_TOO_LARGE;
	r->puts[r->n_puts++] = *row;
	return OK;
}

static enum err add_item(struct restoring *r, const struct store_item *item)
{
	struct dynamo_row row = { .item = *item, .has_text = item->text.len > 0 }, beside;
	struct str words;
	enum err err;

	row.item.text = STR_NONE;
	err = dynamo_pack(r->a, item->body, &row.packed);
	if (err == OK)
		err = add_put(r, &row);
	if (err != OK || !row.has_text)
		return err;
	err = dynamo_words(r->c, r->a, item->text, &words);
	if (err != OK)
		return err;
	beside = dynamo_words_row(r->a, item, words);
	return add_put(r, &beside);
}

/* Some of the puts, or of the stale words. */
struct portion {
	size_t from, n;
	bool   stale;
};

static void write_one(struct json_writer *w, const struct restoring *r, size_t i, bool stale)
{
	json_object_open(w);
	json_name(w, stale ? "DeleteRequest" : "PutRequest");
	json_object_open(w);
	if (stale)
		dynamo_put_key(w, "Key", r->stale[i].pk, r->stale[i].sk);
	else
		dynamo_put_item(w, &r->puts[i]);
	json_object_close(w);
	json_object_close(w);
}

static void write_portion(struct dynamo_call *call, const struct restoring *r,
    const struct portion *p)
{
	struct json_writer *w = &call->json;

	json_name(w, "RequestItems");
	json_object_open(w);
	json_name(w, r->c->store->table);
	json_array_open(w);
	for (size_t i = p->from; i < p->from + p->n; i++)
		write_one(w, r, i, p->stale);
	json_array_close(w);
	json_object_close(w);
}

/* What DynamoDB leaves over is sent again until nothing is. */
static enum err send_portion(struct restoring *r, const struct portion *p,
    uint64_t deadline_ns)
{
	struct str left = STR_NONE;

	for (unsigned round = 1;; round++) {
		struct dynamo_rows rows;
		struct dynamo_call call;
		dynamo_begin_bare(&call, r->a, "BatchWriteItem");
		if (left.ptr == NULL) {
			write_portion(&call, r, p);
		} else {
			json_name(&call.json, "RequestItems");
			json_put_raw(&call.json, left);
		}
		enum err err = dynamo_send(&call, r->c->client, true, deadline_ns);
		if (err != OK)
			return dynamo_fail(&call, err);
		err = dynamo_read_rows(r->a, call.reply.body, &rows);
		if (err != OK)
			return err == ERR_NO_MEMORY ? err : dynamo_garbled(&call);
		left = rows.unprocessed;
		if (left.ptr == NULL)
			return OK;
		if (!aws_client_wait(r->c->client, round, deadline_ns))
			return ERR_UNAVAILABLE;
	}
}

static enum err send_all(struct restoring *r, size_t n, bool stale)
{
	enum err err = OK;

	for (size_t i = 0; i < n && err == OK; i += PUTS_MAX)
		err = send_portion(r, &(struct portion){ .from = i, .stale = stale,
			.n = n - i < PUTS_MAX ? n - i : PUTS_MAX }, dynamo_deadline(r->c));
	return err;
}

/* The stale words go first: what broke off behind them is found again by its item. */
static enum err restore(struct restoring *r, const struct store_item *items, size_t n,
    size_t *failed)
{
	enum err err = OK;

	for (size_t i = 0; i < n && err == OK; i++) {
		err = add_item(r, &items[i]);
		if (err == ERR_TOO_LARGE)
			*failed = i;
	}
	if (err == OK)
		err = find_stale(r, items, n);
	if (err == OK)
		err = send_all(r, r->n_stale, true);
	return err == OK ? send_all(r, r->n_puts, false) : err;
}

enum err dynamo_restore(void *connection, const struct store_item *items, size_t n,
    size_t *failed)
{
	struct restoring r = { .c = connection };
	struct arena a;
	enum err err;

	arena_init(&a, ARENA_MAX_BYTES);
	r.a = &a;
	r.puts = ARENA_ARRAY(&a, 2 * n, struct dynamo_row);
	r.stale = ARENA_ARRAY(&a, n, struct dynamo_key);
	*failed = n;
	err = restore(&r, items, n, failed);
	arena_clean(&a);
	return err;
}
