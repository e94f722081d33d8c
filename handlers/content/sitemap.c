/* Every visible item of every collection (sitemaps.org, 0.9). */
#include "content/endpoints.h"
#include "content/listing.h"
#include "content/modified.h"
#include "content/xml.h"

struct sitemap {
	const struct request    *req;
	const struct collection *collection;
	struct buf               text;
	int64_t                  modified_ms;
	uint32_t                 urls;
};

static bool put_url(void *context, const struct store_item *item)
{
	struct sitemap *s = context;
	struct document_head h;

	if (s->urls == SITEMAP_URLS_MAX || buf_failed(&s->text))
		return false;
	if (!document_head_read(item->body, &h))
		return true;
	s->urls++;
	if (modified_by_itself(&h) > s->modified_ms)
		s->modified_ms = modified_by_itself(&h);
	BUF_LIT(&s->text, "<url><loc>");
	xml_text(&s->text, s->req->origin);
	buf_printf(&s->text, "/v1/%s/", s->collection->name);
	xml_text(&s->text, h.slug);
	BUF_LIT(&s->text, "</loc><lastmod>");
	xml_text(&s->text, h.updated_at);
	BUF_LIT(&s->text, "</lastmod></url>\n");
	return true;
}

enum err content_sitemap(const struct request *req, struct response *res)
{
	struct sitemap s = { .req = req, .modified_ms = endpoint_written_ms(req) };
	const struct listing_filters visible = { .status = LIST_VISIBLE };
	struct listing listing;

	buf_init(&s.text, req->arena, SITEMAP_MAX_BYTES);
	BUF_LIT(&s.text, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	    "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n");
	for (size_t i = 0; collection_at(i) != NULL; i++) {
		s.collection = collection_at(i);
		listing_plan(req->arena, s.collection, &visible, req->now_ms, &listing);
		enum err e = store_query(req->store, &listing.query, req->now_ms, put_url, &s);
		if (e != OK)
			return e;
	}
	BUF_LIT(&s.text, "</urlset>\n");
	if (buf_failed(&s.text))
		return ERR_NO_MEMORY;
	response_body(res, buf_str(&s.text));
	response_etag_of_body(res);
	res->modified_ms = s.modified_ms;
	return OK;
}
