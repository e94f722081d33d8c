/* Categories, technologies, types: each with its count of visible items.
 * Counters move with the items; a scheduled one is counted when it is published
 * and taken off here until its time. */
#include "content/endpoints.h"
#include "content/listing.h"
#include "content/modified.h"

struct pending {                        /* names of items whose time has not come */
	struct arena *arena;
	const struct collection *collection;
	struct pending_name {
		struct str name;
		int64_t    count;
	}      *list;
	size_t  count, room;
};

static struct pending_name *pending_find(const struct pending *p, struct str name)
{
	for (size_t i = 0; i < p->count; i++)
		if (str_eq(p->list[i].name, name))
			return &p->list[i];
	return NULL;
}

static void pending_add(struct pending *p, struct str name)
{
	struct pending_name *known = pending_find(p, name);

	if (known != NULL) {
		known->count++;
		return;
	}
	if (p->count == p->room) {
		size_t more = p->room == 0 ? 16 : 2 * p->room;
		struct pending_name *list = ARENA_ARRAY(p->arena, more, struct pending_name);
		if (p->count > 0)
			memcpy(list, p->list, p->count * sizeof(*list));
		p->list = list;
		p->room = more;
	}
	p->list[p->count++] = (struct pending_name){ arena_dup(p->arena, name), 1 };
}

static bool count_pending(void *context, const struct store_item *item)
{
	struct pending *p = context;
	struct placement at;
	struct stored s;

	if (stored_read(p->arena, item->body, &s) != OK)
		return true;
	struct document d = stored_document(p->collection, &s);
	placement_of(p->arena, &d, &at);
	for (size_t i = 0; i < at.counted.count; i++)
		pending_add(p, at.counted.list[i]);
	return true;
}

static enum err find_pending(const struct request *req, struct pending *p)
{
	struct listing scheduled;
	const struct listing_filters filters = { .status = LIST_SCHEDULED };

	listing_plan(req->arena, p->collection, &filters, req->now_ms, &scheduled);
	return store_query(req->store, &scheduled.query, req->now_ms, count_pending, p);
}

static bool take_appearance(void *context, const struct store_item *item)
{
	struct document_head head;

	if (document_head_read(item->body, &head))
		*(int64_t *)context = modified_by_itself(&head);
	return false;
}

/* When the counts changed last without a write: the newest item may have been
 * scheduled. */
static enum err find_appearance(const struct request *req, int64_t *ms)
{
	struct listing visible;
	const struct listing_filters filters = { .status = LIST_VISIBLE };

	*ms = 0;
	listing_plan(req->arena, endpoint_collection(req), &filters, req->now_ms, &visible);
	visible.query.limit = 1;
	return store_query(req->store, &visible.query, req->now_ms, take_appearance, ms);
}

struct facet_page {
	const struct pending *pending;
	struct json_writer    writer;
	char                  position[STORE_KEY_MAX_BYTES];
	size_t                position_len;
	uint32_t              items, limit;
	bool                  more;
};

static bool put_facet(void *context, const struct store_item *item)
{
	struct facet_page *p = context;
	const struct pending_name *later = pending_find(p->pending, item->sk);
	int64_t count = item->n - (later == NULL ? 0 : later->count);

	if (count <= 0)
		return true;
	if (p->items == p->limit) {
		p->more = true;
		return false;
	}
	p->items++;
	p->position_len = item->sk.len < sizeof(p->position) ? item->sk.len : sizeof(p->position);
	memcpy(p->position, item->sk.ptr, p->position_len);
	json_object_open(&p->writer);
	json_member_string(&p->writer, "name", item->sk);
	json_member_int(&p->writer, "count", count);
	json_object_close(&p->writer);
	return true;
}

enum err content_facets(const struct request *req, struct response *res)
{
	const struct collection *c = endpoint_collection(req);
	struct pending pending = { .arena = req->arena, .collection = c };
	struct store_query query = { .pk = c->facets, .after = req->cursor };
	int64_t written_ms = endpoint_written_ms(req), appeared_ms;

	enum err e = find_pending(req, &pending);
	if (e == OK)
		e = find_appearance(req, &appeared_ms);
	if (e != OK)
		return e;
	struct facet_page p = { .pending = &pending, .writer = response_page_open(res),
		.limit = req->limit };
	e = store_query(req->store, &query, req->now_ms, put_facet, &p);
	if (e != OK)
		return e;
	response_page_close(req, res, &p.writer, (struct str){ p.position, p.position_len },
	    p.more);
	response_etag_of_body(res);
	res->modified_ms = appeared_ms > written_ms ? appeared_ms : written_ms;
	return OK;
}
