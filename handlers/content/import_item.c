/* One item of an import: from an object with the API's names to a transaction. */
#include "content/import_wanted.h"

#include "base/id.h"
#include "base/time.h"

#define ERRORS_TOLD 5       /* field errors named in one detail */

/* --- writing it ------------------------------------------------------------------------ */

static struct str now_text(struct import *im)
{
	char text[TIME_RFC3339_SIZE];

	time_to_rfc3339(im->req->now_ms, text);
	return arena_dup(&im->arena, str_of(text));
}

/* Publication: as the import says; without a time an item keeps its own. */
static void set_status(struct import *im, const struct import_wanted *w, struct document_head *h)
{
	struct str kept = document_is_published(h) ? h->published_at : now_text(im);

	h->status = w->published ? STATUS_PUBLISHED : STATUS_DRAFT;
	h->published_at = !w->published ? STR_NONE :
	    w->published_at.ptr != NULL ? w->published_at : kept;
	h->slug = w->slug;
}

static struct document changed_document(struct import *im, const struct import_wanted *w,
    const struct stored *before)
{
	struct document d = { .collection = w->collection, .head = before->head,
		.over = w->fields };

	set_status(im, w, &d.head);
	return d;
}

static struct document created_document(struct import *im, const struct import_wanted *w)
{
	struct document d = { .collection = w->collection, .over = w->fields };
	struct str now = now_text(im);
	char id[ID_UUID_SIZE];

	id_uuid7(im->req->now_ms, id);
	d.head = (struct document_head){
		.id = w->id.ptr != NULL ? w->id : arena_dup(&im->arena, str_of(id)),
		.version = 1,
		.created_at = w->created_at.ptr != NULL ? w->created_at : now,
		.updated_at = w->updated_at.ptr != NULL ? w->updated_at : now,
	};
	set_status(im, w, &d.head);
	return d;
}

/* The stored item that this is: of its slug, else of its id. */
static enum err find_before(struct import *im, const struct import_wanted *w, struct stored *out)
{
	struct store_connection *store = im->req->store;

	enum err e = stored_load(store, &im->arena, w->collection, w->slug, im->req->now_ms, out);
	if (e == ERR_NOT_FOUND && w->id.ptr != NULL)
		e = stored_load(store, &im->arena, w->collection, w->id, im->req->now_ms, out);
	return e;
}

static enum err write_change(struct import *im, const struct document *d,
    const struct stored *before)
{
	struct change *ch = ARENA_NEW(&im->arena, struct change);
	struct store_result result;

	enum err e = change_of(&im->arena, d, before, ch);
	/* One wait for the disk at the end makes all of them durable (import_end). */
	return e != OK ? e : store_write(im->req->store, ch->ops, ch->n_ops, STORE_RELAXED,
	    im->req->now_ms, &result);
}

/* Whether writing it would change nothing: composed with the stored head it gives
 * the stored text. */
static enum err write_changed(struct import *im, const struct import_wanted *w,
    const struct stored *before, enum import_outcome *outcome)
{
	struct document d = changed_document(im, w, before);
	struct document_text text;

	enum err e = document_compose(&im->arena, &d, &text);
	if (e != OK)
		return e;
	*outcome = str_eq(text.full, before->text) ? IMPORT_UNCHANGED : IMPORT_UPDATED;
	if (*outcome == IMPORT_UNCHANGED)
		return OK;
	d.head.version++;
	d.head.updated_at = now_text(im);
	return write_change(im, &d, before);
}

static enum err try_write(struct import *im, const struct import_wanted *w,
    enum import_outcome *outcome, struct str *id)
{
	struct stored before;

	enum err e = find_before(im, w, &before);
	if (e == OK) {
		*id = before.head.id;
		return write_changed(im, w, &before, outcome);
	}
	if (e != ERR_NOT_FOUND)
		return e;
	struct document d = created_document(im, w);
	*id = d.head.id;
	*outcome = IMPORT_CREATED;
	return write_change(im, &d, NULL);
}

/* Others may change or make the same item meanwhile: then it is looked at again. */
static enum err write_item(struct import *im, const struct import_wanted *w,
    enum import_outcome *outcome, struct str *id)
{
	enum err e = OK;

	for (unsigned i = 0; i < WRITE_TRIES_MAX; i++) {
		e = try_write(im, w, outcome, id);
		if (e != ERR_STALE && e != ERR_EXISTS && e != ERR_NOT_FOUND)
			return e;
	}
	return ERR_BUSY;
}

/* --- one item ---------------------------------------------------------------------------- */

static void refuse_fields(struct import *im, const struct import_origin *from,
    const struct field_errors *errors)
{
	size_t told = errors->count < ERRORS_TOLD ? errors->count : ERRORS_TOLD;
	struct buf text;

	buf_init(&text, &im->arena, DOCUMENT_TEXT_MAX_BYTES);
	for (size_t i = 0; i < told; i++)
		buf_printf(&text, "%s%.*s %.*s", i == 0 ? "" : "; ",
		    STR_ARG(str_from(errors->list[i].pointer, 1)), STR_ARG(errors->list[i].detail));
	if (errors->count > told)
		buf_printf(&text, "; and %zu more", errors->count - told);
	import_refuse(im, from, "%.*s", STR_ARG(buf_str(&text)));
}

static void report_item(struct import *im, const struct import_origin *from,
    const struct import_wanted *w, enum import_outcome outcome, struct str id)
{
	im->outcomes[outcome]++;
	if (im->n_items == IMPORT_REPORT_MAX) {
		im->left_out++;
		return;
	}
	struct import_entry *entry = &im->items[im->n_items++];
	entry->origin = *from;
	entry->origin.file = arena_dup(im->req->arena, from->file);
	entry->text = arena_dup(im->req->arena, w->slug);
	entry->outcome = outcome;
	memcpy(entry->id, id.ptr, id.len < sizeof(entry->id) ? id.len : sizeof(entry->id) - 1);
}

static const struct collection *collection_of(const struct import *im, const struct json *identity)
{
	const struct collection *named = collection_named(json_get_string(identity, "collection"));

	return named != NULL ? named : im->collection;
}

enum err import_object(struct import *im, const struct import_origin *from,
    const struct json *object, const struct json *identity)
{
	struct import_wanted w = { .collection = collection_of(im, identity) };
	enum import_outcome outcome = IMPORT_UNCHANGED;
	struct field_errors errors;
	struct str id = STR("");

	field_errors_init(&errors, &im->arena);
	enum err e = import_read(&im->arena, object, identity, &w, &errors);
	if (e == OK && errors.count > 0) {
		refuse_fields(im, from, &errors);
		return OK;
	}
	if (e == OK && !import_choose_slug(im, from, &w))
		return OK;
	if (e == OK)
		e = write_item(im, &w, &outcome, &id);
	if (e == OK)
		report_item(im, from, &w, outcome, id);
	else if (e == ERR_TOO_LARGE || e == ERR_NO_MEMORY)
		import_refuse(im, from, "it is too large");
	else if (e == ERR_BUSY)
		import_refuse(im, from, "others keep changing this item: import it again");
	else
		return e;
	return OK;
}
