/* One item, by its id or its slug: the stored text as it stands. */
#include "content/endpoints.h"
#include "content/rendering.h"

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
	/* Who may write sees what was just written; what is kept of a rendering is of the
	 * latest version, too. */
	bool html = c->body != NULL && str_eq(request_query(req, "format"), STR("html"));
	bool recent = !html && !endpoint_is_editor(req);
	enum err e = (recent ? store_visit_recent : store_visit)(req->store,
	    stored_partition(c, key), key, req->now_ms, take_visible, &r);
	if (e != OK && e != ERR_NOT_FOUND)
		return e;
	if (r.corrupt)
		return ERR_CORRUPT;
	if (r.text.ptr == NULL)
		return endpoint_no_item(req, res, key);
	endpoint_show(req, res, &r.head, r.text);
	if (html)
		return add_html(req, res, &r);
	return OK;
}
