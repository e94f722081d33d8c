#include "content/rendering.h"

#include "content/markdown.h"
#include "content/xml.h"

#define SORT_KEY STR("html")

/* {"version":7,"by":"0.1.0","html":"…"}: the string without parsing, when it is of
 * this version of the item, and of this version of what makes it safe. */
static struct str beginning(struct arena *a, uint64_t version)
{
	return arena_printf(a, "{\"version\":%llu,\"by\":\"" QUIVER_VERSION "\",\"html\":",
	    (unsigned long long)version);
}

static bool read_kept(struct arena *a, struct str row, uint64_t version, struct str *html)
{
	struct str before = beginning(a, version);

	if (!str_starts(row, before))
		return false;
	*html = str_first(str_from(row, before.len), row.len - before.len - 1);
	return true;
}

/* A body that no honest author wrote is shown as it is: one of them must not take
 * a feed away. */
static enum err show_source(struct arena *a, struct str body, struct str *html)
{
	struct buf text;

	buf_init(&text, a, 6 * DOCUMENT_BODY_MAX_BYTES);
	BUF_LIT(&text, "<pre>");
	xml_text(&text, body);
	BUF_LIT(&text, "</pre>\n");
	*html = buf_str(&text);
	return buf_failed(&text) ? ERR_TOO_LARGE : OK;
}

static enum err render(struct arena *a, const struct collection *c, struct str text,
    struct str *html)
{
	struct json_error error;
	const struct json *json;

	enum err e = json_parse(a, text, JSON_DEPTH_MAX, &json, &error);
	if (e != OK)
		return e == ERR_INVALID ? ERR_CORRUPT : e;
	struct str body = json_get_string(json, c->body);
	e = markdown_to_html(a, body, NULL, html);
	return e == ERR_TOO_LARGE || (e == OK && html->len > RENDERING_MAX_BYTES) ?
	    show_source(a, body, html) : e;
}

enum err rendering_of(struct store_connection *store, struct arena *a,
    const struct collection *c, const struct document_head *h, struct str text, int64_t now_ms,
    struct str *html)
{
	struct store_op op = { .verb = STORE_PUT, .item = {
		.pk = placement_rendering(a, c, h->id), .sk = SORT_KEY } };
	struct store_item kept;
	struct store_result result;
	struct str rendered;
	struct buf row;

	enum err e = store_get(store, a, op.item.pk, op.item.sk, now_ms, &kept);
	if (e == OK && read_kept(a, kept.body, h->version, html))
		return OK;
	e = render(a, c, text, &rendered);
	if (e != OK)
		return e;
	buf_init(&row, a, STORE_ITEM_MAX_BYTES);
	buf_add(&row, beginning(a, h->version));
	json_escape(&row, rendered);
	buf_char(&row, '}');
	if (buf_failed(&row))
		return ERR_TOO_LARGE;
	op.item.body = buf_str(&row);
	/* When it cannot be kept it is made again the next time. */
	e = store_write(store, &op, 1, STORE_RELAXED, now_ms, &result);
	(void)e;
	return read_kept(a, op.item.body, h->version, html) ? OK : ERR_INTERNAL;
}
