#include "content/feed.h"
#include "content/xml.h"

static struct document entry_document(const struct feed *f, const struct feed_entry *e)
{
	return (struct document){ .collection = f->collection, .head = e->head, .over = e->fields };
}

static struct str urn_of(const struct feed *f, const struct feed_entry *e)
{
	return arena_printf(f->arena, "urn:uuid:%.*s", STR_ARG(e->head.id));
}

static struct str url_of(const struct feed *f, const struct feed_entry *e)
{
	return arena_printf(f->arena, "%.*s/v1/%s/%.*s", STR_ARG(f->origin), f->collection->name,
	    STR_ARG(e->head.slug));
}

/* --- Atom, RFC 4287 ------------------------------------------------------------- */

static void atom_link(struct buf *out, const char *rel, const char *type, struct str href)
{
	buf_printf(out, "<link rel=\"%s\" type=\"%s\" href=\"", rel, type);
	xml_text(out, href);
	BUF_LIT(out, "\"/>\n");
}

static void atom_category(struct buf *out, struct str term)
{
	if (term.ptr == NULL)
		return;
	BUF_LIT(out, "<category term=\"");
	xml_text(out, term);
	BUF_LIT(out, "\"/>\n");
}

static void atom_author(struct buf *out, struct str name)
{
	if (name.ptr == NULL)
		return;
	BUF_LIT(out, "<author>");
	xml_element(out, "name", name);
	BUF_LIT(out, "</author>\n");
}

/* Whether there is room for it; the newest posts come first. */
static bool has_room(const struct buf *out, struct str html)
{
	return out->len + html.len <= FEED_CONTENT_MAX_BYTES;
}

static enum err atom_content(struct arena *a, struct buf *out, struct str html)
{
	const struct json *text;
	struct json_error error;

	if (!has_room(out, html))
		return OK;
	enum err e = json_parse(a, html, 1, &text, &error);
	if (e != OK)
		return e == ERR_INVALID ? ERR_CORRUPT : e;
	BUF_LIT(out, "<content type=\"html\">");
	xml_text(out, json_string(text));
	BUF_LIT(out, "</content>\n");
	return OK;
}

static enum err atom_entry(const struct feed *f, const struct feed_entry *entry, struct buf *out)
{
	struct document d = entry_document(f, entry);
	struct names labels;

	document_labels(&d, &labels);
	BUF_LIT(out, "<entry>\n");
	xml_element(out, "id", urn_of(f, entry));
	xml_element(out, "title", document_string(&d, d.collection->title));
	xml_element(out, "published", entry->head.published_at);
	xml_element(out, "updated", feed_changed(&entry->head));
	buf_char(out, '\n');
	atom_link(out, "alternate", "application/json", url_of(f, entry));
	atom_author(out, document_string(&d, "author"));
	atom_category(out, document_string(&d, d.collection->group));
	for (size_t i = 0; i < labels.count; i++)
		atom_category(out, labels.list[i]);
	xml_element(out, "summary", document_string(&d, d.collection->excerpt));
	enum err e = atom_content(f->arena, out, entry->html);
	BUF_LIT(out, "</entry>\n");
	return e;
}

static enum err write_atom(const struct feed *f, struct buf *out)
{
	enum err e = OK;

	BUF_LIT(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
	    "<feed xmlns=\"http://www.w3.org/2005/Atom\">\n");
	xml_element(out, "id", arena_printf(f->arena, "%.*s/feed.xml", STR_ARG(f->origin)));
	xml_element(out, "title", f->title);
	xml_element(out, "updated", f->updated);
	buf_char(out, '\n');
	atom_link(out, "self", "application/atom+xml",
	    arena_printf(f->arena, "%.*s/feed.xml", STR_ARG(f->origin)));
	/* For entries without one of their own: an entry must have an author. */
	atom_author(out, f->title);
	for (size_t i = 0; i < f->count && e == OK; i++)
		e = atom_entry(f, &f->entries[i], out);
	BUF_LIT(out, "</feed>\n");
	return e;
}

const struct feed_format feed_atom = { "atom", write_atom };

/* --- JSON Feed 1.1 ----------------------------------------------------------------- */

static void json_member_if(struct json_writer *w, const char *name, struct str value)
{
	if (value.ptr != NULL)
		json_member_string(w, name, value);
}

static void json_authors(struct json_writer *w, struct str name)
{
	if (name.ptr == NULL)
		return;
	json_name(w, "authors");
	json_array_open(w);
	json_object_open(w);
	json_member_string(w, "name", name);
	json_object_close(w);
	json_array_close(w);
}

static void json_tags(struct json_writer *w, const struct document *d)
{
	struct str group = document_string(d, d->collection->group);
	struct names labels;

	document_labels(d, &labels);
	json_name(w, "tags");
	json_array_open(w);
	if (group.ptr != NULL)
		json_put_string(w, group);
	for (size_t i = 0; i < labels.count; i++)
		json_put_string(w, labels.list[i]);
	json_array_close(w);
}

static void json_item(const struct feed *f, const struct feed_entry *entry, struct json_writer *w)
{
	struct document d = entry_document(f, entry);

	json_object_open(w);
	json_member_string(w, "id", urn_of(f, entry));
	json_member_string(w, "url", url_of(f, entry));
	json_member_string(w, "title", document_string(&d, d.collection->title));
	json_member_if(w, "summary", document_string(&d, d.collection->excerpt));
	json_member_if(w, "image", document_string(&d, "cover_url"));
	json_member_string(w, "date_published", entry->head.published_at);
	json_member_string(w, "date_modified", feed_changed(&entry->head));
	json_authors(w, document_string(&d, "author"));
	json_tags(w, &d);
	if (has_room(w->out, entry->html)) {
		json_name(w, "content_html");
		json_put_raw(w, entry->html);
	} else {
		json_member_string(w, "content_text", STR(""));
	}
	json_object_close(w);
}

static enum err write_json(const struct feed *f, struct buf *out)
{
	struct json_writer w;

	json_begin(&w, out);
	json_object_open(&w);
	json_member_string(&w, "version", STR("https://jsonfeed.org/version/1.1"));
	json_member_string(&w, "title", f->title);
	json_name(&w, "home_page_url");
	json_put_string(&w, arena_printf(f->arena, "%.*s/", STR_ARG(f->origin)));
	json_name(&w, "feed_url");
	json_put_string(&w, arena_printf(f->arena, "%.*s/feed.json", STR_ARG(f->origin)));
	json_name(&w, "items");
	json_array_open(&w);
	for (size_t i = 0; i < f->count; i++)
		json_item(f, &f->entries[i], &w);
	json_array_close(&w);
	json_object_close(&w);
	return OK;
}

const struct feed_format feed_json = { "json", write_json };
