#include "content/endpoints.h"

#include "base/time.h"
#include "content/state.h"
#include "http/etag.h"

const struct collection *endpoint_collection(const struct request *req)
{
	return req->route->data;
}

bool endpoint_is_editor(const struct request *req)
{
	return principal_may(&req->principal, SCOPE_CONTENT_WRITE);
}

struct str endpoint_now(const struct request *req)
{
	char text[TIME_RFC3339_SIZE];

	time_to_rfc3339(req->now_ms, text);
	return arena_dup(req->arena, str_of(text));
}

int64_t endpoint_written_ms(const struct request *req)
{
	struct store_snapshot snapshot;
	bool known = store_snapshot(req->store, &snapshot);

	return modified_watch_ms(&content_state(req)->watch, known ? &snapshot : NULL,
	    time_now_ms());
}

enum err endpoint_no_item(const struct request *req, struct response *res, struct str key)
{
	return response_problem(res, ERR_NOT_FOUND, "there is no %s \"%.*s\"",
	    endpoint_collection(req)->noun, STR_ARG(str_first(key, SLUG_MAX_BYTES)));
}

enum err endpoint_if_match(const struct request *req, const struct document_head *h, bool *named)
{
	struct str tags = request_headers(req, "If-Match");
	uint64_t version;

	*named = tags.ptr != NULL;
	if (request_if_match(req, h->id, h->version, &version) == OK)
		return OK;
	/* A tag of another representation names the same version. */
	for (unsigned view = VIEW_AS_STORED + 1; view <= VIEW_ALL; view++)
		if (etag_list_has(tags, etag_of_version(req->arena, h->id, h->version,
		    document_variant(view))))
			return OK;
	return ERR_STALE;
}

void endpoint_show(const struct request *req, struct response *res, const struct document_head *h,
    struct str text)
{
	const struct collection *c = endpoint_collection(req);
	struct str now = endpoint_now(req);
	unsigned view = document_view(c, h, text, now);

	response_body(res, document_patch(req->arena, text, view));
	response_etag(res, h->id, h->version, document_variant(view));
	res->modified_ms = document_modified_ms(c, h, text, now);
}

/* --- editing ---------------------------------------------------------------------- */

static enum err check(struct response *res, const struct document *after)
{
	document_check_slug(after, &res->errors);
	document_check_dates(after, &res->errors);
	return res->errors.count == 0 ? OK : ERR_INVALID;
}

static enum err explain(struct response *res, const struct change *ch,
    const struct store_result *result, enum err e, const struct document *after)
{
	if (e == ERR_EXISTS && result->failed == ch->slug_op)
		return response_problem(res, e, "the slug \"%.*s\" is taken by another %s",
		    STR_ARG(after->head.slug), after->collection->noun);
	return e;
}

static enum err write_change(const struct request *req, struct response *res,
    const struct stored *before, const struct document *after)
{
	struct change *ch = ARENA_NEW(req->arena, struct change);
	struct store_result result;

	enum err e = change_of(req->arena, after, before, ch);
	if (e != OK)
		return e;
	endpoint_show(req, res, &after->head, ch->text.full);
	return explain(res, ch, &result,
	    request_commit(req, res, ch->ops, ch->n_ops, &result), after);
}

static enum err try_edit(const struct request *req, struct response *res, edit *change, bool *named)
{
	const struct collection *c = endpoint_collection(req);
	struct str key = request_parameter(req, "id");
	struct stored before;
	bool unchanged = false;

	enum err e = stored_load(req->store, req->arena, c, key, req->now_ms, &before);
	if (e != OK)
		return e == ERR_NOT_FOUND ? endpoint_no_item(req, res, key) : e;
	e = endpoint_if_match(req, &before.head, named);
	if (e != OK)
		return e;
	struct document after = { .collection = c, .head = before.head, .base = before.json };
	after.head.version++;
	after.head.updated_at = endpoint_now(req);
	e = change(req, res, &before, &after, &unchanged);
	if (e != OK)
		return e;
	if (unchanged) {
		endpoint_show(req, res, &before.head, before.text);
		return OK;
	}
	e = check(res, &after);
	return e != OK ? e : write_change(req, res, &before, &after);
}

enum err endpoint_edit(const struct request *req, struct response *res, edit *change)
{
	enum err e = OK;
	bool named = false;

	for (unsigned i = 0; i < WRITE_TRIES_MAX; i++) {
		e = try_edit(req, res, change, &named);
		if (e != ERR_STALE || named)
			return e;
	}
	/* Nobody's If-Match failed: the item is changed faster than we write. */
	return e == ERR_STALE ? ERR_UNAVAILABLE : e;
}
