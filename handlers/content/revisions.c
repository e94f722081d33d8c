/* What an item was before: the documents that its changes replaced. */
#include "content/endpoints.h"

#define REVISION_DIGITS_MAX 10

/* {version} of the path; false when it is no number of a version. */
static bool wanted_version(const struct request *req, uint64_t *version)
{
	struct str text = request_parameter(req, "version");

	return text.len <= REVISION_DIGITS_MAX && str_to_u64(text, version) && *version > 0;
}

static enum err load_current(const struct request *req, struct response *res, struct stored *out)
{
	struct str key = request_parameter(req, "id");

	enum err e = stored_load(req->store, req->arena, endpoint_collection(req), key,
	    req->now_ms, out);
	return e == ERR_NOT_FOUND ? endpoint_no_item(req, res, key) : e;
}

/* The document as it was at the version of the path; the present one too. */
static enum err load_revision(const struct request *req, struct response *res,
    const struct stored *current, struct stored *out)
{
	struct str pk = placement_revisions(req->arena, endpoint_collection(req), current->head.id);
	char key[REVISION_KEY_SIZE];
	struct store_item item;
	uint64_t version;

	if (!wanted_version(req, &version) || version > current->head.version)
		return response_problem(res, ERR_NOT_FOUND, "there is no such version");
	if (version == current->head.version) {
		*out = *current;
		return OK;
	}
	placement_revision_key(version, key);
	enum err e = store_get(req->store, req->arena, pk, str_of(key), req->now_ms, &item);
	if (e == ERR_NOT_FOUND)
		return response_problem(res, e, "version %llu is not kept: only the newest %d are",
		    (unsigned long long)version, REVISIONS_MAX);
	return e != OK ? e : stored_read(req->arena, item.body, out);
}

struct revision_page {
	struct json_writer writer;
	char               position[REVISION_KEY_SIZE];
	uint32_t           items, limit;
	bool               more;
};

static bool put_revision(void *context, const struct store_item *item)
{
	struct revision_page *p = context;
	struct document_head h;

	if (!document_head_read(item->body, &h))
		return true;
	if (p->items == p->limit) {
		p->more = true;
		return false;
	}
	p->items++;
	placement_revision_key(h.version, p->position);
	json_object_open(&p->writer);
	json_name(&p->writer, "version");
	json_put_u64(&p->writer, h.version);
	json_member_string(&p->writer, "status", h.status);
	json_member_string(&p->writer, "published_at", h.published_at);
	json_member_string(&p->writer, "slug", h.slug);
	json_member_string(&p->writer, "updated_at", h.updated_at);
	json_object_close(&p->writer);
	return true;
}

enum err content_revisions(const struct request *req, struct response *res)
{
	struct stored current;

	enum err e = load_current(req, res, &current);
	if (e != OK)
		return e;
	struct store_query query = {
		.pk = placement_revisions(req->arena, endpoint_collection(req), current.head.id),
		.after = req->cursor, .descending = true, .limit = req->limit + 1,
	};
	struct revision_page p = { .writer = response_page_open(res), .limit = req->limit };
	e = store_query(req->store, &query, req->now_ms, put_revision, &p);
	if (e != OK)
		return e;
	response_page_close(req, res, &p.writer, arena_dup(req->arena, str_of(p.position)), p.more);
	response_etag_of_body(res);
	return OK;
}

enum err content_revision(const struct request *req, struct response *res)
{
	struct stored current = { 0 }, revision = { 0 };

	enum err e = load_current(req, res, &current);
	if (e == OK)
		e = load_revision(req, res, &current, &revision);
	if (e == OK)
		endpoint_show(req, res, &revision.head, revision.text);
	return e;
}

/* Its fields come back as a new version; whether it is published stays as it is. */
static enum err restore(const struct request *req, struct response *res,
    const struct stored *before, struct document *after, bool *unchanged)
{
	struct stored revision = { 0 };

	enum err e = load_revision(req, res, before, &revision);
	if (e != OK)
		return e;
	*unchanged = revision.head.version == before->head.version;
	after->base = NULL;
	after->over = revision.json;
	after->head.slug = revision.head.slug;
	return OK;
}

enum err content_restore(const struct request *req, struct response *res)
{
	return endpoint_edit(req, res, restore);
}
