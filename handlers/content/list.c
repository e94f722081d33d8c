/*
 * Lists.  What readers see is stored text put into the page; nothing of it is
 * parsed, and a page that is asked for again while nothing is written is kept.
 */
#include "base/time.h"
#include "content/endpoints.h"
#include "content/listing.h"
#include "content/state.h"
#include "http/etag.h"

#define ROW_IDENTITY_BYTES 72   /* of a head: id and version, whatever that is */
#define ROW_TYPICAL_BYTES  400  /* a page is made room for at once, not by doubling */

struct page {
	const struct request    *req;
	const struct collection *collection;
	const struct listing    *listing;
	struct json_writer       writer;
	struct str               now;
	struct buf               versions;      /* what the page's entity tag is made of */
	char                     position[STORE_KEY_MAX_BYTES];
	size_t                   position_len;
	int64_t                  changed_ms;    /* without a write; 0: never */
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

/* What appears by itself appears on top. */
static void note_first(struct page *p, struct str summary)
{
	struct document_head head;

	if (document_head_read(summary, &head))
		p->changed_ms = modified_page_by_itself(p->collection, &head, p->req->now_ms);
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
		if (p->items++ == 0)
			note_first(p, item->body);
		put_summary(p, item->body);
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

/* --- a page that was made before ----------------------------------------------------- */

#define DAY_MS ((int64_t)86400 * 1000)

/* What names a page: its links have the origin in them. */
static struct str page_key(const struct request *req)
{
	return arena_printf(req->arena, "%.*s%.*s?%.*s", STR_ARG(req->origin), STR_ARG(req->path),
	    STR_ARG(req->raw_query));
}

static bool show_kept(const struct request *req, struct response *res,
    const struct store_snapshot *snapshot, struct str key)
{
	struct kept_page kept;

	if (!page_cache_find(content_state(req)->pages, req->arena, snapshot, req->now_ms, key,
	    &kept))
		return false;
	response_body(res, kept.body);
	res->etag = kept.etag;
	res->modified_ms = kept.changed_ms;
	if (kept.link.ptr != NULL)
		response_header(res, "Link", kept.link);
	return true;
}

static bool take_time(void *context, const struct store_item *item)
{
	struct document_head head;
	int64_t *until = context, ms;

	if (document_head_read(item->body, &head) && time_from_rfc3339(head.published_at, &ms) &&
	    ms < *until)
		*until = ms;
	return false;
}

/* Until when a page is right if nobody writes: the next item appears, or the day
 * ends and something expires. */
static bool right_until(const struct request *req, const struct listing *l, int64_t *until)
{
	struct store_query next = { .pk = l->query.pk, .limit = 1,
		.from = placement_after_now(req->arena, req->now_ms) };

	*until = (req->now_ms / DAY_MS + 1) * DAY_MS;
	return store_query(req->store, &next, req->now_ms, take_time, until) == OK;
}

static void keep_page(const struct request *req, const struct response *res,
    const struct listing *l, const struct store_snapshot *before, struct str key)
{
	struct page_cache *pages = content_state(req)->pages;
	struct store_snapshot after;
	struct kept_page page = { .body = res->body, .etag = res->etag,
		.changed_ms = res->modified_ms };
	int64_t until;

	for (size_t i = 0; i < res->n_headers; i++)
		if (str_eq(res->headers[i].name, STR("Link")))
			page.link = res->headers[i].value;
	if (page_cache_wants(pages, before, key) && right_until(req, l, &until) &&
	    store_snapshot(req->store, &after) && store_snapshot_equal(before, &after))
		page_cache_keep(pages, before, until, key, &page);
}

/* --- the endpoint ------------------------------------------------------------------------ */

static enum err make_page(const struct request *req, struct response *res,
    struct listing *listing, enum listing_status status)
{
	const struct collection *c = endpoint_collection(req);
	struct page p = { .req = req, .collection = c, .listing = listing,
		.writer = response_page_open(res), .now = endpoint_now(req),
		.checks = listing_has_checks(listing),
		.views = c->expires || status != LIST_VISIBLE };

	buf_init(&p.versions, req->arena, (LIST_LIMIT_MAX + 1) * (ROW_IDENTITY_BYTES + 1));
	if (!buf_reserve(&res->buffer, req->limit * ROW_TYPICAL_BYTES) ||
	    !buf_reserve(&p.versions, (req->limit + 1) * (ROW_IDENTITY_BYTES + 1)))
		return ERR_NO_MEMORY;
	if (!p.checks)
		listing->query.limit = req->limit + 1;
	listing->query.recent = !endpoint_is_editor(req);
	enum err e = store_query(req->store, &listing->query, req->now_ms, put_row, &p);
	if (e != OK)
		return e;
	response_page_close(req, res, &p.writer, (struct str){ p.position, p.position_len },
	    p.more);
	buf_char(&p.versions, p.more ? '+' : '.');
	res->etag = etag_of_bytes(req->arena, buf_str(&p.versions));
	res->modified_ms = p.changed_ms;
	return OK;
}

/* An editor's list is of its moment: it has what changes by itself anywhere in it. */
static enum err make_for_editor(const struct request *req, struct response *res,
    struct listing *listing, enum listing_status status)
{
	enum err e = make_page(req, res, listing, status);

	res->modified_ms = req->now_ms + 1000;
	return e;
}

static enum err make_and_keep(const struct request *req, struct response *res,
    struct listing *listing)
{
	struct store_snapshot snapshot;
	bool may_keep = store_snapshot(req->store, &snapshot);
	int64_t written_ms = modified_watch_ms(&content_state(req)->watch,
	    may_keep ? &snapshot : NULL, time_now_ms());
	struct str key = page_key(req);
	enum err e = OK;

	if (!may_keep || !show_kept(req, res, &snapshot, key)) {
		e = make_page(req, res, listing, LIST_VISIBLE);
		if (e == OK && may_keep)
			keep_page(req, res, listing, &snapshot, key);
	}
	if (res->modified_ms < written_ms)
		res->modified_ms = written_ms;
	return e;
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
	enum err e = status.ptr == NULL ? make_and_keep(req, res, &listing) :
	    make_for_editor(req, res, &listing, filters.status);
	if (filters.words.ptr == NULL || (e != ERR_INVALID && e != ERR_TOO_LARGE))
		return e;
	response_field_error(res, STR("/q"), e == ERR_INVALID ? "has no word to look for" :
	    "has too many words");
	return ERR_INVALID;
}
