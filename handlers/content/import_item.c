/* One item of an import: from an object with the API's names to a transaction. */
#include "content/import.h"

#include "base/id.h"
#include "base/time.h"
#include "content/item_slug.h"

#define ERRORS_TOLD 5           /* field errors named in one detail */

struct wanted {                         /* an item as the import has it */
	const struct collection *collection;
	const struct json       *fields;        /* what a client may write */
	struct str               slug, id;      /* id absent: none of use */
	bool                     published;
	struct str               published_at, created_at, updated_at;  /* absent: not given */
};

/* --- reading what is wanted --------------------------------------------------------- */

/* A time in the form in which times are stored; absent when it is none. */
static struct str time_member(struct arena *a, const struct json *object, const char *name)
{
	char text[TIME_RFC3339_SIZE];
	int64_t ms;

	if (!time_from_rfc3339(json_get_string(object, name), &ms))
		return STR_NONE;
	time_to_rfc3339(ms, text);
	return arena_dup(a, str_of(text));
}

static const struct field *field_named(const struct schema *s, struct str name)
{
	for (const struct field *f = s->fields; f->name != NULL; f++)
		if (str_eq(str_of(f->name), name))
			return f;
	return NULL;
}

struct selection {
	const struct schema *schema;
	struct json_writer   writer;
};

/* The server's own fields are read by name (or made anew), the others checked as
 * a client's. */
static bool select_member(void *context, struct json_member m)
{
	struct selection *s = context;
	const struct field *f = field_named(s->schema, m.name);

	if ((f != NULL && f->read_only) || str_eq(m.name, STR("collection")))
		return true;
	json_name_str(&s->writer, m.name);
	json_put_value(&s->writer, m.value);
	return true;
}

static enum err select_fields(struct arena *a, const struct schema *schema,
    const struct json *object, const struct json **out)
{
	struct selection s = { .schema = schema };
	struct json_error error;
	struct buf text;

	buf_init(&text, a, DOCUMENT_TEXT_MAX_BYTES);
	json_begin(&s.writer, &text);
	json_object_open(&s.writer);
	json_each(object, select_member, &s);
	json_object_close(&s.writer);
	if (buf_failed(&text))
		return ERR_TOO_LARGE;
	return json_parse(a, buf_str(&text), JSON_DEPTH_MAX, out, &error);
}

static void read_status(const struct json *object, struct wanted *w, struct field_errors *errors)
{
	const struct json *status = json_get(object, STR("status"));
	struct str name = json_string(status);

	w->published = str_eq(name, STATUS_PUBLISHED) || str_eq(name, STATUS_SCHEDULED);
	if (status != NULL && !w->published && !str_eq(name, STATUS_DRAFT))
		field_errors_add(errors, STR("/status"), "must be draft or published");
}

static struct str slug_of(struct arena *a, const struct wanted *w)
{
	struct str given = json_get_string(w->fields, "slug");
	struct str made;

	if (given.ptr != NULL)
		return given;
	made = item_slug_of(a, w->collection, json_get_string(w->fields, w->collection->title));
	return item_slug_is_reserved(w->collection, made) ?
	    item_slug_numbered(a, made, 2, STR_NONE) : made;
}

static void read_wanted(struct arena *a, const struct json *object, const struct json *identity,
    struct wanted *w, struct field_errors *errors)
{
	struct str id = json_get_string(identity, "id");

	schema_check(w->collection->schema, SCHEMA_WHOLE, w->fields, errors);
	struct document d = { .collection = w->collection, .over = w->fields };
	document_check(&d, errors);
	read_status(object, w, errors);
	w->slug = slug_of(a, w);
	w->id = id_is_uuid(id) ? id : STR_NONE;
	w->published_at = time_member(a, object, "published_at");
	w->created_at = time_member(a, identity, "created_at");
	w->updated_at = time_member(a, identity, "updated_at");
}

/* --- writing it ------------------------------------------------------------------------ */

static struct str now_text(struct import *im)
{
	char text[TIME_RFC3339_SIZE];

	time_to_rfc3339(im->req->now_ms, text);
	return arena_dup(&im->arena, str_of(text));
}

/* Publication: as the import says; without a time an item keeps its own. */
static void set_status(struct import *im, const struct wanted *w, struct document_head *h)
{
	struct str kept = document_is_published(h) ? h->published_at : now_text(im);

	h->status = w->published ? STATUS_PUBLISHED : STATUS_DRAFT;
	h->published_at = !w->published ? STR_NONE :
	    w->published_at.ptr != NULL ? w->published_at : kept;
	h->slug = w->slug;
}

static struct document changed_document(struct import *im, const struct wanted *w,
    const struct stored *before)
{
	struct document d = { .collection = w->collection, .head = before->head, .over = w->fields };

	set_status(im, w, &d.head);
	return d;
}

static struct document created_document(struct import *im, const struct wanted *w)
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
static enum err find_before(struct import *im, const struct wanted *w, struct stored *out)
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
	return e != OK ? e : store_write(im->req->store, ch->ops, ch->n_ops, STORE_DURABLE,
	    im->req->now_ms, &result);
}

/* Whether writing it would change nothing: composed with the stored head it gives
 * the stored text. */
static enum err write_changed(struct import *im, const struct wanted *w,
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

static enum err try_write(struct import *im, const struct wanted *w, enum import_outcome *outcome,
    struct str *id)
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
static enum err write_item(struct import *im, const struct wanted *w, enum import_outcome *outcome,
    struct str *id)
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

static struct str place_of(struct arena *a, const struct import_origin *from)
{
	if (from->line > 0)
		return arena_printf(a, "line %u", from->line);
	return from->file.ptr != NULL ? from->file : STR("an item");
}

/* A second item of the same slug is refused; a second of the same id gets its own. */
static bool meet(struct import *im, const struct import_origin *from, struct wanted *w)
{
	struct str where = place_of(&im->arena, from);
	struct str key = arena_printf(&im->arena, "%s/%.*s", w->collection->name, STR_ARG(w->slug));
	struct str first = name_set_meet(&im->slugs, key, where);

	if (first.ptr != NULL) {
		import_refuse(im, from, "the slug \"%.*s\" is that of %.*s, which came before",
		    STR_ARG(w->slug), STR_ARG(first));
		return false;
	}
	if (w->id.ptr != NULL && name_set_meet(&im->ids, w->id, where).ptr != NULL)
		w->id = STR_NONE;
	return true;
}

static void report_item(struct import *im, const struct import_origin *from,
    const struct wanted *w, enum import_outcome outcome, struct str id)
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
	struct wanted w = { .collection = collection_of(im, identity) };
	enum import_outcome outcome = IMPORT_UNCHANGED;
	struct field_errors errors;
	struct str id = STR("");

	enum err e = select_fields(&im->arena, w.collection->schema, object, &w.fields);
	if (e == OK) {
		field_errors_init(&errors, &im->arena);
		read_wanted(&im->arena, object, identity, &w, &errors);
		if (errors.count > 0) {
			refuse_fields(im, from, &errors);
			return OK;
		}
		if (!meet(im, from, &w))
			return OK;
		e = write_item(im, &w, &outcome, &id);
	}
	if (e == OK)
		report_item(im, from, &w, outcome, id);
	else if (e == ERR_TOO_LARGE || e == ERR_NO_MEMORY)
		import_refuse(im, from, "it costs too much to render: simplify it");
	else if (e == ERR_BUSY)
		import_refuse(im, from, "others keep changing this item: import it again");
	else
		return e;
	return OK;
}
