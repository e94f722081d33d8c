/*
 * dynamodb_text: full text without a search engine.
 *
 * Beside each item that has text lies another with its words, each once, in order:
 * " every its once order word ".  Its keys are the item's, those of the index too, with
 * STORE_RESERVED before the partition, so the words of a partition are a partition of
 * their own in the same order.  A search is a Query there with a filter, contains(words,
 * " word ") for each, and " beginning" for the last; DynamoDB looks through them and
 * sends back those that fit, and the items themselves are got in a batch.  The words are
 * written in the item's transaction, so neither is ever there without the other, except
 * that DynamoDB's TTL may take one a while before the other: what has no item, or one
 * that has no text any more, is no hit.
 *
 * Cost: a write of an item with text is one of two items.  A search reads the words of
 * its partition until `limit` hits are there, a read unit for each 4 KB of words (of a
 * post of 1,000 words some 4 KB), then the hits.  1,000 posts that fit into nothing are
 * 1,000 units and four pages of 1 MB, some 100 ms; for far more there is no way around a
 * search engine.  It ends by STORE_DEADLINE_MS.
 */
#include "store/dynamodb.h"

#include <string.h>

#define FILTER_MAX_BYTES 1024           /* a condition for each of WORDS_SEARCHED_MAX words */

/* --- what is written ---------------------------------------------------------------------- */

enum err dynamo_words(struct dynamo_connection *c, struct arena *a, struct str text,
    struct str *out)
{
	struct str words;
	enum err err = text.len > TEXT_MAX_BYTES ? ERR_TOO_LARGE :
	    words_canonical(&c->words, a, text, ITEM_MAX_BYTES, &words);

	if (err == OK)
		*out = words.len == 0 ? STR(" ") : arena_printf(a, " %.*s ", STR_ARG(words));
	return err;
}

struct str dynamo_words_pk(struct arena *a, struct str pk)
{
	return arena_printf(a, STORE_RESERVED "%.*s", STR_ARG(pk));
}

struct dynamo_row dynamo_words_row(struct arena *a, const struct store_item *item,
    struct str words)
{
	struct dynamo_row row = { .item = {
		.pk = dynamo_words_pk(a, item->pk), .sk = item->sk, .text = words,
		.expires_ms = item->expires_ms,
	} };

	if (item->index_pk.ptr != NULL) {
		row.item.index_pk = dynamo_words_pk(a, item->index_pk);
		row.item.index_sk = item->index_sk;
	}
	return row;
}

/* --- what is searched for --------------------------------------------------------------------- */

static enum err add_searched(void *context, struct str word)
{
	struct words_list *w = context;

	return w->n == WORDS_SEARCHED_MAX ? ERR_TOO_LARGE : words_add(w, word);
}

/* The filter, and the values that it names: each word between spaces, the last also as a
 * beginning. */
static enum err filter_of(struct dynamo_connection *c, struct arena *a, struct str match,
    struct dynamo_pager *pager)
{
	struct words_list w = { .arena = a };
	struct buf filter;
	enum err err = words_split(&c->words, match, add_searched, &w);

	if (err != OK)
		return err;
	if (w.n == 0)
		return ERR_INVALID;
	buf_init(&filter, a, FILTER_MAX_BYTES);
	for (size_t i = 0; i < w.n; i++) {
		bool beginning = i + 1 == w.n && w.list[i].len >= WORDS_PREFIX_MIN_BYTES;
		buf_printf(&filter, "%scontains(words,:w%zu)", i > 0 ? " AND " : "", i);
		w.list[i] = arena_printf(a, " %.*s%s", STR_ARG(w.list[i]), beginning ? "" : " ");
	}
	pager->filter = buf_str(&filter);
	pager->words = w.list;
	pager->n_words = w.n;
	return buf_failed(&filter) ? ERR_TOO_LARGE : OK;
}

struct search {
	struct dynamo_connection *c;
	const struct store_query *q;
	int64_t                   now_ms;
	uint32_t                  given;
	bool                    (*each)(void *context, const struct store_item *item);
	void                     *context;
};

/* Whether the item that was got is still the one whose words fit. */
static bool is_hit(const struct search *s, const struct dynamo_row *row,
    const struct store_item *words)
{
	if (row->item.pk.ptr == NULL || !row->has_text || !dynamo_is_live(row, s->now_ms))
		return false;
	return !s->q->index || (str_eq(row->item.index_pk, s->q->pk) &&
	    str_eq(row->item.index_sk, words->index_sk));
}

/* The items of some hits to `each`; *more: it wants others. */
static enum err give_some(struct search *s, struct arena *a, const struct dynamo_row *hits,
    size_t n, uint64_t deadline_ns, bool *more)
{
	const size_t prefix = strlen(STORE_RESERVED);
	struct dynamo_key keys[BATCH_MAX];
	struct dynamo_row rows[BATCH_MAX];
	enum err err;

	for (size_t i = 0; i < n; i++)
		keys[i] = (struct dynamo_key){ str_from(hits[i].item.pk, prefix),
			hits[i].item.sk };
	err = dynamo_batch(s->c, a, keys, n, false, s->q->recent, deadline_ns, rows);
	for (size_t i = 0; i < n && err == OK && *more; i++) {
		if (!is_hit(s, &rows[i], &hits[i].item))
			continue;
		s->given++;
		err = dynamo_give(&rows[i], s->each, s->context, more);
		*more = *more && s->given != s->q->limit;
	}
	return err;
}

/* Not more than are still wanted are got at once. */
static size_t batch_size(const struct search *s)
{
	uint32_t wanted = s->q->limit - s->given;

	return s->q->limit == 0 || wanted > BATCH_MAX ? BATCH_MAX : wanted;
}

/* A page may have thousands of hits: no more than a batch of their items is held. */
static enum err give_page(struct search *s, const struct dynamo_rows *page,
    uint64_t deadline_ns, bool *more)
{
	struct dynamo_row hits[BATCH_MAX];
	struct arena items;
	enum err err = OK;
	size_t i = 0, n;

	arena_init(&items, ARENA_MAX_BYTES);
	while (err == OK && *more && i < page->n) {
		for (n = 0; i < page->n && n < batch_size(s); i++) {
			const struct dynamo_row *row = &page->list[i];
			if (dynamo_is_live(row, s->now_ms) &&
			    dynamo_in_range(s->q, s->q->index ? row->item.index_sk : row->item.sk))
				hits[n++] = *row;
		}
		arena_reset(&items);
		err = give_some(s, &items, hits, n, deadline_ns, more);
	}
	arena_clean(&items);
	return err;
}

enum err dynamo_search(struct dynamo_connection *c, const struct store_query *q, int64_t now_ms,
    bool (*each)(void *context, const struct store_item *item), void *context)
{
	struct search s = { .c = c, .q = q, .now_ms = now_ms, .each = each, .context = context };
	struct dynamo_pager pager = { .q = q };
	uint64_t deadline_ns = dynamo_deadline(c);
	struct arena lasting, pages[2];
	struct dynamo_rows rows;
	bool more = true;
	unsigned turn = 0;
	enum err err;

	arena_init(&lasting, ARENA_MAX_BYTES);
	arena_init(&pages[0], ARENA_MAX_BYTES);
	arena_init(&pages[1], ARENA_MAX_BYTES);
	err = filter_of(c, &lasting, q->match, &pager);
	pager.pk = dynamo_words_pk(&lasting, q->pk);
	while (err == OK && more && !pager.done) {
		arena_reset(&pages[turn]);
		err = dynamo_next_page(c, &pages[turn], &pager, deadline_ns, &rows);
		if (err == OK)
			err = give_page(&s, &rows, deadline_ns, &more);
		turn ^= 1;
	}
	arena_clean(&pages[0]);
	arena_clean(&pages[1]);
	arena_clean(&lasting);
	return err;
}
