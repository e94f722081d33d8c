/*
 * An account's own keys, as a list and one by one.
 */
#include "developer/endpoints.h"
#include "developer/key.h"

struct page {
	const struct request *req;
	struct json_writer    writer;
	struct str            position;         /* the last key's id */
	uint32_t              items;
	bool                  more;
	enum err              error;
};

static enum err put_row(struct page *p, const struct store_item *item)
{
	const struct request *req = p->req;
	struct api_key_record *r = ARENA_NEW(req->arena, struct api_key_record);
	struct api_key_use use;
	enum err e = api_key_record_from(req->arena, item, r);

	if (e == OK)
		e = api_key_use_read(req->store, req->arena, r->id, req->now_ms, &use);
	if (e != OK)
		return e;
	json_object_open(&p->writer);
	key_put_members(req, &p->writer, r, &use);
	json_object_close(&p->writer);
	p->position = r->id;
	return OK;
}

static bool take_row(void *context, const struct store_item *item)
{
	struct page *p = context;

	if (p->items == p->req->limit) {
		p->more = true;
		return false;
	}
	p->items++;
	p->error = put_row(p, item);
	return p->error == OK;
}

/* Newest first: an id begins with its time. */
enum err developer_list_keys(const struct request *req, struct response *res)
{
	struct store_query query = api_key_query(req->arena, req->principal.id);
	struct page p = { .req = req, .writer = response_page_open(res) };
	enum err e;

	query.descending = true;
	query.after = req->cursor;
	query.limit = req->limit + 1;
	e = store_query(req->store, &query, req->now_ms, take_row, &p);
	if (e == OK)
		e = p.error;
	if (e != OK)
		return e;
	response_page_close(req, res, &p.writer, p.position, p.more);
	response_etag_of_body(res);
	return OK;
}

enum err developer_read_key(const struct request *req, struct response *res)
{
	struct api_key_record *r = ARENA_NEW(req->arena, struct api_key_record);
	struct api_key_use use;
	enum err e = key_of_path(req, res, r);

	if (e == OK)
		e = api_key_use_read(req->store, req->arena, r->id, req->now_ms, &use);
	if (e == OK)
		key_show(req, res, r, &use, STR_NONE);
	return e;
}
