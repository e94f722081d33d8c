/* Creating, changing, publishing and removing items. */
#include "content/endpoints.h"

#include "base/id.h"
#include "base/time.h"
#include "content/item_slug.h"

/* --- creating ---------------------------------------------------------------------- */

static void found(void *context, const struct store_item *item)
{
	(void)item;
	*(bool *)context = true;
}

static bool is_taken(const struct request *req, struct str slug)
{
	const struct collection *c = endpoint_collection(req);
	bool taken = false;

	/* An error here comes again, and is told, when the item is written. */
	enum err e = store_visit(req->store, c->slugs, slug, req->now_ms, found, &taken);
	return (e == OK && taken) || item_slug_is_reserved(c, slug);
}

/* A free slug made of the title.  Where all numbers are taken, the last one says
 * so at once. */
static struct str free_slug(const struct request *req, struct str stem, struct str id)
{
	if (!is_taken(req, stem))
		return stem;
	if (is_taken(req, item_slug_numbered(req->arena, stem, SLUG_NUMBER_MAX, id)))
		return item_slug_numbered(req->arena, stem, SLUG_NUMBER_MAX + 1, id);
	unsigned n = 2;
	while (n < SLUG_NUMBER_MAX && is_taken(req, item_slug_numbered(req->arena, stem, n, id)))
		n++;
	return item_slug_numbered(req->arena, stem, n, id);
}

static struct document new_document(const struct request *req)
{
	char id[ID_UUID_SIZE];
	struct str now = endpoint_now(req);

	id_uuid7(req->now_ms, id);
	return (struct document){
		.collection = endpoint_collection(req),
		.head = { .id = arena_dup(req->arena, str_of(id)), .version = 1,
			.status = STATUS_DRAFT, .created_at = now, .updated_at = now },
		.over = req->json,
	};
}

static enum err commit_new(const struct request *req, struct response *res, struct change *ch,
    const struct document *d, bool *slug_taken)
{
	struct store_result result;

	endpoint_show(req, res, &d->head, ch->text.full);
	enum err e = request_commit(req, res, ch->ops, ch->n_ops, &result);
	*slug_taken = e == ERR_EXISTS && result.failed == ch->slug_op;
	return e;
}

/* A slug of ours is first written without asking whether it is free, as it mostly is:
 * the write says so, and a read would only be overtaken.  Then the first free number is
 * looked for, and should somebody take that in the meantime, nobody else has the last.
 * A given one is a conflict. */
static enum err write_new(const struct request *req, struct response *res, struct document *d,
    bool given)
{
	const struct str stem = d->head.slug;
	struct change *ch = ARENA_NEW(req->arena, struct change);
	bool taken = !given && item_slug_is_reserved(d->collection, stem);
	enum err e = OK;

	for (unsigned tries = taken ? 1 : 0; tries < 3; tries++) {
		if (tries == 1)
			d->head.slug = free_slug(req, stem, d->head.id);
		else if (tries == 2)
			d->head.slug = item_slug_numbered(req->arena, stem, SLUG_NUMBER_MAX + 1,
			    d->head.id);
		e = change_of(req->arena, d, NULL, ch);
		if (e != OK)
			return e;
		e = commit_new(req, res, ch, d, &taken);
		if (!taken)
			return e;
		if (given)
			return response_problem(res, ERR_EXISTS,
			    "the slug \"%.*s\" is taken by another %s", STR_ARG(d->head.slug),
			    d->collection->noun);
	}
	return e;
}

enum err content_create(const struct request *req, struct response *res)
{
	const struct collection *c = endpoint_collection(req);
	struct document d = new_document(req);
	struct str given = json_get_string(req->json, "slug");

	document_check_slug(&d, &res->errors);
	document_check_dates(&d, &res->errors);
	if (res->errors.count > 0)
		return ERR_INVALID;
	d.head.slug = given.ptr != NULL ? given :
	    item_slug_of(req->arena, c, document_string(&d, c->title));
	response_header(res, "Location",
	    arena_printf(req->arena, "/v1/%s/%.*s", c->name, STR_ARG(d.head.id)));
	return write_new(req, res, &d, given.ptr != NULL);
}

/* --- changing ------------------------------------------------------------------------ */

static void take_slug(const struct request *req, struct document *after)
{
	struct str slug = json_get_string(req->json, "slug");

	if (slug.ptr != NULL)
		after->head.slug = slug;
}

static enum err replace(const struct request *req, struct response *res,
    const struct stored *before, struct document *after, bool *unchanged)
{
	(void)res, (void)before, (void)unchanged;
	after->base = NULL;
	after->over = req->json;
	take_slug(req, after);
	return OK;
}

static enum err merge(const struct request *req, struct response *res,
    const struct stored *before, struct document *after, bool *unchanged)
{
	(void)res, (void)before, (void)unchanged;
	after->over = req->json;
	take_slug(req, after);
	return OK;
}

enum err content_replace(const struct request *req, struct response *res)
{
	return endpoint_edit(req, res, replace);
}

enum err content_patch(const struct request *req, struct response *res)
{
	return endpoint_edit(req, res, merge);
}

/* --- publishing ------------------------------------------------------------------------ */

/* publish_at in the form in which times are stored; absent when there is none. */
static struct str publish_at(const struct request *req)
{
	struct str given = json_get_string(req->json, "publish_at");
	char text[TIME_RFC3339_SIZE];
	int64_t ms;

	if (given.ptr == NULL || !time_from_rfc3339(given, &ms))
		return STR_NONE;
	time_to_rfc3339(ms, text);
	return arena_dup(req->arena, str_of(text));
}

static enum err publish(const struct request *req, struct response *res,
    const struct stored *before, struct document *after, bool *unchanged)
{
	struct str at = publish_at(req), now = endpoint_now(req);

	(void)res;
	/* Without a time a visible one keeps its own; a scheduled one appears now. */
	if (at.ptr == NULL)
		at = document_is_visible(&before->head, now) ? before->head.published_at : now;
	*unchanged = document_is_published(&before->head) &&
	    str_eq(before->head.published_at, at);
	after->head.status = STATUS_PUBLISHED;
	after->head.published_at = at;
	return OK;
}

static enum err unpublish(const struct request *req, struct response *res,
    const struct stored *before, struct document *after, bool *unchanged)
{
	(void)req, (void)res;
	*unchanged = !document_is_published(&before->head);
	after->head.status = STATUS_DRAFT;
	after->head.published_at = STR_NONE;
	return OK;
}

enum err content_publish(const struct request *req, struct response *res)
{
	return endpoint_edit(req, res, publish);
}

enum err content_unpublish(const struct request *req, struct response *res)
{
	return endpoint_edit(req, res, unpublish);
}

/* --- removing --------------------------------------------------------------------------- */

static enum err try_delete(const struct request *req, struct response *res, bool *named)
{
	const struct collection *c = endpoint_collection(req);
	struct str key = request_parameter(req, "id");
	struct change *ch = ARENA_NEW(req->arena, struct change);
	struct store_result result;
	struct stored before;

	enum err e = stored_load(req->store, req->arena, c, key, req->now_ms, &before);
	if (e != OK)
		return e == ERR_NOT_FOUND ? endpoint_no_item(req, res, key) : e;
	e = endpoint_if_match(req, &before.head, named);
	if (e != OK)
		return e;
	change_deletion(req->arena, c, &before, ch);
	return request_commit(req, res, ch->ops, ch->n_ops, &result);
}

enum err content_delete(const struct request *req, struct response *res)
{
	enum err e = OK;
	bool named = false;

	for (unsigned i = 0; i < WRITE_TRIES_MAX; i++) {
		e = try_delete(req, res, &named);
		if (e != ERR_STALE || named)
			return e;
	}
	return e == ERR_STALE ? ERR_UNAVAILABLE : e;
}
