#include "content/import_wanted.h"

#include "base/id.h"
#include "base/time.h"
#include "content/item_slug.h"

#define CANDIDATES_MAX 8        /* slugs tried for a file that gives none */
#define DATED          3        /* of them: its own, with its year, with its day */

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

static void read_status(const struct json *object, struct import_wanted *w,
    struct field_errors *errors)
{
	const struct json *status = json_get(object, STR("status"));
	struct str name = json_string(status);

	w->published = str_eq(name, STATUS_PUBLISHED) || str_eq(name, STATUS_SCHEDULED);
	if (status != NULL && !w->published && !str_eq(name, STATUS_DRAFT))
		field_errors_add(errors, STR("/status"), "must be draft or published");
}

enum err import_read(struct arena *a, const struct json *object, const struct json *identity,
    struct import_wanted *w, struct field_errors *errors)
{
	struct str id = json_get_string(identity, "id");

	enum err e = select_fields(a, w->collection->schema, object, &w->fields);
	if (e != OK)
		return e;
	schema_check(w->collection->schema, SCHEMA_WHOLE, w->fields, errors);
	read_status(object, w, errors);
	w->id = id_is_uuid(id) ? id : STR_NONE;
	w->slug = json_get_string(w->fields, "slug");
	w->named = json_get_string(identity, "slug").ptr != NULL;
	struct document d = { .collection = w->collection, .over = w->fields };
	document_check_dates(&d, errors);
	/* One that was made gives way to another instead. */
	if (w->named)
		document_check_slug(&d, errors);
	if (w->slug.ptr == NULL)
		w->slug = item_slug_of(a, w->collection,
		    json_get_string(w->fields, w->collection->title));
	w->published_at = time_member(a, object, "published_at");
	w->created_at = time_member(a, identity, "created_at");
	w->updated_at = time_member(a, identity, "updated_at");
	return OK;
}

/* --- its slug ------------------------------------------------------------------------- */

static struct str place_of(struct arena *a, const struct import_origin *from)
{
	if (from->line > 0)
		return arena_printf(a, "line %u", from->line);
	return from->file.ptr != NULL ? from->file : STR("an item");
}

static struct str met_key(struct import *im, const struct import_wanted *w, struct str slug)
{
	return arena_printf(&im->arena, "%s/%.*s", w->collection->name, STR_ARG(slug));
}

static bool is_met(struct import *im, const struct import_wanted *w, struct str slug)
{
	return item_slug_is_reserved(w->collection, slug) ||
	    name_set_where(&im->slugs, met_key(im, w, slug)).ptr != NULL;
}

/* Slugs that an item may have: its own, and where nobody gave that, with the year
 * and the day on which it was published, or with numbers. */
static size_t candidates(struct import *im, const struct import_wanted *w, struct str *list)
{
	size_t n = 0;

	list[n++] = w->slug;
	if (w->named)
		return n;
	if (w->published_at.ptr != NULL) {
		list[n++] = item_slug_ended(&im->arena, w->slug, str_first(w->published_at, 4));
		list[n++] = item_slug_ended(&im->arena, w->slug, str_first(w->published_at, 10));
	}
	for (unsigned i = 2; n < CANDIDATES_MAX; i++)
		list[n++] = item_slug_numbered(&im->arena, w->slug, i, STR_NONE);
	return n;
}

struct dated {
	struct str published_at;
	bool       equal;
};

static void compare_time(void *context, const struct store_item *item)
{
	struct dated *d = context;
	struct document_head h;

	d->equal = document_head_read(item->body, &h) && document_is_published(&h) &&
	    str_eq(h.published_at, d->published_at);
}

/* Whether an item stands there that was published at the same time. */
static bool is_same(struct import *im, const struct import_wanted *w, struct str slug)
{
	struct dated d = { .published_at = w->published_at };

	if (w->published_at.ptr == NULL)
		return false;
	/* An error comes again, and is told, when the item is written. */
	enum err e = store_visit(im->req->store, w->collection->slugs, slug, im->req->now_ms,
	    compare_time, &d);
	return e == OK && d.equal;
}

/*
 * Two files may have the same name under two dates: the second one then gets
 * another slug, and gets it again the next time, since it is known by its date.
 * A slug that was given is refused the second time.
 */
static bool choose(struct import *im, struct import_wanted *w)
{
	struct str list[CANDIDATES_MAX];
	size_t n = candidates(im, w, list);

	for (size_t i = 0; i < DATED && !w->named; i++) {
		if (!is_met(im, w, list[i]) && is_same(im, w, list[i])) {
			w->slug = list[i];
			return true;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (!is_met(im, w, list[i])) {
			w->slug = list[i];
			return true;
		}
	}
	return false;
}

/* A second item of the same id gets one of its own. */
bool import_choose_slug(struct import *im, const struct import_origin *from,
    struct import_wanted *w)
{
	struct str where = place_of(&im->arena, from);

	if (!choose(im, w)) {
		import_refuse(im, from, "the slug \"%.*s\" is that of %.*s, which came before",
		    STR_ARG(w->slug), STR_ARG(name_set_where(&im->slugs, met_key(im, w, w->slug))));
		return false;
	}
	(void)name_set_meet(&im->slugs, met_key(im, w, w->slug), where);
	if (w->id.ptr != NULL && name_set_meet(&im->ids, w->id, where).ptr != NULL)
		w->id = STR_NONE;
	return true;
}
