/* One item, and lists of them.  What readers see of a list is stored text put
 * into the page; nothing of it is parsed. */
#include "content/endpoints.h"
#include "content/listing.h"
#include "content/rendering.h"
#include "http/etag.h"

/* --- one ---------------------------------------------------------------------------- */

struct reading {
	const struct request *req;
	struct str            now, text;        /* text absent: not for this caller */
	struct document_head  head;
	bool                  corrupt;
};

static void take_visible(void *context, const struct store_item *item)
{
	struct reading *r = context;
	struct document_head head;

	if (!document_head_read(item->body, &head)) {
		r->corrupt = true;
		return;
	}
	if (!document_is_visible(&head, r->now) && !endpoint_is_editor(r->req))
		return;
	r->text = arena_dup(r->req->arena, item->body);
	r->corrupt = !document_head_read(r->text, &r->head);
}

static enum err add_html(const struct request *req, struct response *res, const struct reading *r)
{
	const struct collection *c = endpoint_collection(req);
	struct str html;
	struct buf text;

	enum err e = rendering_of(req->store, req->arena, c, &r->head, r->text, req->now_ms, &html);
	if (e != OK)
		return e;
	buf_init(&text, req->arena, RESPONSE_MAX_BYTES);
	buf_add(&text, str_first(res->body, res->body.len - 1));
	BUF_LIT(&text, ",\"body_html\":");
	buf_add(&text, html);
	buf_char(&text, '}');
	if (buf_failed(&text))
		return ERR_NO_MEMORY;
	response_body(res, buf_str(&text));
	response_etag(res, r->head.id, r->head.version,
	    document_variant(VIEW_HTML | document_view(c, &r->head, r->text, r->now)));
	return OK;
}

enum err content_get(const struct request *req, struct response *res)
{
	const struct collection *c = endpoint_collection(req);
	struct str key = request_parameter(req, "id");
	struct reading r = { .req = req, .now = endpoint_now(req) };

	if (key.len > SLUG_MAX_BYTES)
		return endpoint_no_item(req, res, key);
	enum err e = store_visit(req->store, stored_partition(c, key), key, req->now_ms,
	    take_visible, &r);
	if (e != OK && e != ERR_NOT_FOUND)
		return e;
	if (r.corrupt)
		return ERR_CORRUPT;
	if (r.text.ptr == NULL)
		return endpoint_no_item(req, res, key);
	endpoint_show(req, res, &r.head, r.text);
	if (c->body != NULL && str_eq(request_query(req, "format"), STR("html")))
		return add_html(req, res, &r);
	return OK;
}

/* --- lists -------------------------------------------------------------------------- */

#define ROW_IDENTITY_BYTES 72   /* of a head: id and version, whatever that is */

struct page {
	const struct request    *req;
	const struct collection *collection;
	const struct listing    *listing;
	struct json_writer       writer;
	struct str               now;
	struct buf               versions;      /* what the page's entity tag is made of */
	char                     position[STORE_KEY_MAX_BYTES];
	size_t                   position_len;
	uint32_t                 items, rows;
	bool                     checks, views, more;
};

static void keep_position(struct page *p, const struct store_item *item)
{
	struct str key = p->listing->query.index ? item->index_sk : item->sk;

	p->position_len = key.len < sizeof(p->position) ? key.len : sizeof(p->position);
	memcpy(p->position, key.ptr, p->position_len);
}

/* Which item in which version is what a row says first; a digest of that names the
 * page as well as one of its bytes would, in a fifth of the time. */
static void note_version(struct page *p, struct str summary, unsigned view)
{
	buf_add(&p->versions, str_first(summary, ROW_IDENTITY_BYTES));
	buf_char(&p->versions, (char)('0' + view));
}

/* Rows differ from what is stored only for editors, and where something expires. */
static void put_summary(struct page *p, struct str summary)
{
	struct document_head head;
	unsigned view = VIEW_AS_STORED;

	if (p->views && document_head_read(summary, &head))
		view = document_view(p->collection, &head, summary, p->now);
	json_put_raw(&p->writer, document_patch(p->req->arena, summary, view));
	note_version(p, summary, view);
}

static bool put_row(void *context, const struct store_item *item)
{
	struct page *p = context;

	if (p->items == p->req->limit || p->rows == SCAN_ROWS_MAX) {
		p->more = true;
		return false;
	}
	p->rows++;
	if (!p->checks || listing_takes(p->req->arena, p->collection, p->listing, item->body)) {
		put_summary(p, item->body);
		p->items++;
	}
	keep_position(p, item);
	return true;
}

static enum err refuse_status(const struct request *req, struct response *res)
{
	return response_problem(res, req->principal.kind == PRINCIPAL_ANONYMOUS ?
	    ERR_UNAUTHENTICATED : ERR_FORBIDDEN, "?status= needs the scope content:write");
}

static struct str filter_value(const struct request *req, const char *name)
{
	return name == NULL ? STR_NONE : request_query(req, name);
}

enum err content_list(const struct request *req, struct response *res)
{
	const struct collection *c = endpoint_collection(req);
	struct str status = request_query(req, "status");
	struct listing_filters filters = {
		.status = listing_status_named(status),
		.group = filter_value(req, c->group_filter),
		.label = filter_value(req, c->label_filter),
		.words = request_query(req, "q"),
	};
	struct listing listing;

	if (status.ptr != NULL && !endpoint_is_editor(req))
		return refuse_status(req, res);
	listing_plan(req->arena, c, &filters, req->now_ms, &listing);
	listing.query.after = req->cursor;
	struct page p = { .req = req, .collection = c, .listing = &listing,
		.writer = response_page_open(res), .now = endpoint_now(req),
		.checks = listing_has_checks(&listing),
		.views = c->expires || filters.status != LIST_VISIBLE };
	buf_init(&p.versions, req->arena, (LIST_LIMIT_MAX + 1) * (ROW_IDENTITY_BYTES + 1));
	if (!p.checks)
		listing.query.limit = req->limit + 1;
	enum err e = store_query(req->store, &listing.query, req->now_ms, put_row, &p);
	if (e == ERR_INVALID && filters.words.ptr != NULL) {
		response_field_error(res, STR("/q"), "has no word to look for");
		return e;
	}
	if (e != OK)
		return e;
	response_page_close(req, res, &p.writer, (struct str){ p.position, p.position_len },
	    p.more);
	buf_char(&p.versions, p.more ? '+' : '.');
	res->etag = etag_of_bytes(req->arena, buf_str(&p.versions));
	return OK;
}
