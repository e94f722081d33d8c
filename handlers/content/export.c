/*
 * Everything of a collection, drafts too, as import takes it: NDJSON, or a tar of
 * Markdown files.
 * Items are read a batch at a time, in the order of their ids, each batch going on
 * behind the last id: nothing is skipped or repeated while others write, and a
 * client that reads slowly holds no one up.
 */
#include "base/time.h"
#include "content/archive.h"
#include "content/endpoints.h"
#include "content/import_map.h"
#include "log/log.h"

#define BATCH_BYTES (1u << 20)          /* a batch ends behind the item that passes this */

struct export {
	const struct request    *req;
	const struct collection *only;  /* NULL: all */
	const struct collection *collection;    /* the present one */
	const struct body_sink  *sink;
	struct arena             arena; /* of the present batch */
	struct buf               batch; /* documents, each ended by a line feed */
	char                     last[STORE_KEY_MAX_BYTES];
	size_t                   last_len;
	struct archive_writer   *tar;   /* NULL: NDJSON */
	bool                     gone;  /* the client */
};

static bool take_document(void *context, const struct store_item *item)
{
	struct export *x = context;

	x->last_len = item->sk.len < sizeof(x->last) ? item->sk.len : sizeof(x->last);
	memcpy(x->last, item->sk.ptr, x->last_len);
	buf_add(&x->batch, item->body);
	buf_char(&x->batch, '\n');
	return x->batch.len < BATCH_BYTES;
}

/* Documents behind the last one; false when there are none, or no more can be
 * read (the reply has begun: all one can do is break it off). */
static bool read_batch(struct export *x)
{
	struct store_query query = { .pk = x->collection->documents, .limit = EXPORT_BATCH_ITEMS };

	arena_reset(&x->arena);
	buf_init(&x->batch, &x->arena, EXPORT_BATCH_MAX_BYTES);
	query.after = x->last_len == 0 ? STR_NONE :
	    arena_dup(&x->arena, (struct str){ x->last, x->last_len });
	enum err e = store_query(x->req->store, &query, x->req->now_ms, take_document, x);
	if (e != OK || buf_failed(&x->batch)) {
		log_message(LOG_ERROR, "export", "broken off: %s",
		    err_text(e != OK ? e : ERR_NO_MEMORY));
		x->gone = true;
	}
	return !x->gone && x->batch.len > 0;
}

/* --- one document ---------------------------------------------------------------------- */

/* {"collection":"blog","id":… */
static enum err put_line(struct export *x, struct str document)
{
	struct buf line;

	buf_init(&line, &x->arena, DOCUMENT_TEXT_MAX_BYTES + 64);
	buf_printf(&line, "{\"collection\":\"%s\",", x->collection->name);
	buf_add(&line, str_from(document, 1));
	buf_char(&line, '\n');
	x->gone = buf_failed(&line) || !x->sink->write(x->sink->context, buf_str(&line));
	return x->gone ? ERR_IO : OK;
}

static enum import_kind kind_of(const struct collection *c)
{
	return c == &collection_projects ? IMPORT_PROJECTS :
	    c == &collection_certifications ? IMPORT_CERTIFICATIONS : IMPORT_BLOG;
}

static enum err put_file(struct export *x, struct str document)
{
	struct arena *a = &x->arena;
	struct json_error error;
	const struct json *item;
	struct document_head h;
	struct buf file, named;
	int64_t modified;

	if (!document_head_read(document, &h) || !time_from_rfc3339(h.updated_at, &modified))
		return ERR_CORRUPT;
	buf_init(&named, a, DOCUMENT_TEXT_MAX_BYTES + 64);
	buf_printf(&named, "{\"collection\":\"%s\",", x->collection->name);
	buf_add(&named, str_from(document, 1));
	enum err e = json_parse(a, buf_str(&named), JSON_DEPTH_MAX, &item, &error);
	buf_init(&file, a, DOCUMENT_TEXT_MAX_BYTES);
	if (e == OK)
		e = export_map(a, kind_of(x->collection), item, &file);
	if (e != OK || buf_failed(&file))
		return e != OK ? e : ERR_NO_MEMORY;
	struct str name = arena_printf(a, "%s/%.*s.md", x->collection->name, STR_ARG(h.slug));
	return archive_writer_add(x->tar, name.ptr, modified, buf_str(&file));
}

static void put_batch(struct export *x)
{
	struct str rest = buf_str(&x->batch);

	while (rest.len > 0 && !x->gone) {
		struct str document = str_cut(&rest, '\n');
		enum err e = x->tar != NULL ? put_file(x, document) : put_line(x, document);
		if (e != OK && !x->gone) {
			log_message(LOG_ERROR, "export", "broken off: %s", err_text(e));
			x->gone = true;
		}
	}
}

/* --- the stream -------------------------------------------------------------------------- */

static enum err send_piece(void *context, struct str bytes)
{
	struct export *x = context;

	x->gone = x->gone || !x->sink->write(x->sink->context, bytes);
	return x->gone ? ERR_IO : OK;
}

static void send_collections(struct export *x)
{
	for (size_t i = 0; collection_at(i) != NULL && !x->gone; i++) {
		x->collection = collection_at(i);
		x->last_len = 0;
		if (x->only != NULL && x->only != x->collection)
			continue;
		while (read_batch(x))
			put_batch(x);
	}
}

static void stream_lines(void *context, const struct body_sink *sink)
{
	struct export *x = context;

	x->sink = sink;
	arena_init(&x->arena, ARENA_MAX_BYTES);
	send_collections(x);
	arena_clean(&x->arena);
}

static void stream_tar(void *context, const struct body_sink *sink)
{
	struct export *x = context;

	x->sink = sink;
	x->tar = archive_writer_open(x->req->arena, send_piece, x);
	if (x->tar == NULL)
		return;
	arena_init(&x->arena, ARENA_MAX_BYTES);
	send_collections(x);
	arena_clean(&x->arena);
	if (!x->gone && archive_writer_close(x->tar) != OK)
		log_message(LOG_ERROR, "export", "the archive could not be ended");
}

enum err content_export(const struct request *req, struct response *res)
{
	struct export *x = ARENA_NEW(req->arena, struct export);
	bool tar = str_eq(request_query(req, "format"), STR("tar"));

	x->req = req;
	x->only = collection_named(request_query(req, "collection"));
	res->stream = tar ? stream_tar : stream_lines;
	res->stream_context = x;
	res->content_type = tar ? STR("application/x-tar") : STR("application/x-ndjson");
	response_header(res, "Content-Disposition", tar ?
	    STR("attachment; filename=\"content.tar\"") :
	    STR("attachment; filename=\"content.ndjson\""));
	return OK;
}
