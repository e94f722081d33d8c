#include "content/document.h"

#include "content/markdown_words.h"
#include "content/plain_text.h"
#include "content/item_slug.h"

const struct json *document_field(const struct document *d, const char *name)
{
	if (name == NULL)
		return NULL;
	const struct json *v = json_get(d->over, str_of(name));
	if (v == NULL)
		v = json_get(d->base, str_of(name));
	return v == NULL || json_type(v) == JSON_NULL ? NULL : v;
}

struct str document_string(const struct document *d, const char *name)
{
	const struct json *v = document_field(d, name);

	return v == NULL ? STR_NONE : json_string(v);
}

static bool has_name(const struct names *names, struct str name)
{
	for (size_t i = 0; i < names->count; i++)
		if (str_eq(names->list[i], name))
			return true;
	return false;
}

static void collect_names(const struct json *array, struct names *out)
{
	out->count = 0;
	for (size_t i = 0; i < json_length(array) && out->count < LABELS_MAX; i++) {
		struct str name = json_string(json_at(array, i));
		if (!has_name(out, name))
			out->list[out->count++] = name;
	}
}

void document_labels(const struct document *d, struct names *out)
{
	const struct json *v = document_field(d, d->collection->labels);

	out->count = 0;
	if (v != NULL)
		collect_names(v, out);
}

/* --- composing ---------------------------------------------------------------- */

static void write_head(struct json_writer *w, const struct document_head *h)
{
	json_member_string(w, "id", h->id);
	json_name(w, "version");
	json_put_u64(w, h->version);
	json_member_string(w, "status", h->status);
	json_member_string(w, "published_at", h->published_at);
	json_member_string(w, "created_at", h->created_at);
	json_member_string(w, "updated_at", h->updated_at);
	json_member_string(w, "slug", h->slug);
}

static void write_list(struct json_writer *w, const struct json *value)
{
	struct names names = { .count = 0 };

	if (value != NULL)
		collect_names(value, &names);
	json_array_open(w);
	for (size_t i = 0; i < names.count; i++)
		json_put_string(w, names.list[i]);
	json_array_close(w);
}

static void write_field(struct json_writer *w, const struct field *f, const struct json *value)
{
	json_name(w, f->name);
	if (f->list)
		write_list(w, value);
	else if (f->type == FIELD_BOOL)
		json_put_bool(w, value != NULL && json_bool(value));
	else if (value == NULL)
		json_put_null(w);
	else if (json_type(value) == JSON_STRING)
		json_put_string(w, json_string(value));
	else
		json_put_value(w, value);
}

static bool is_own_field(const struct collection *c, const struct field *f)
{
	return !f->read_only && !str_eq(str_of(f->name), STR("slug")) &&
	    (c->body == NULL || !str_eq(str_of(f->name), str_of(c->body)));
}

/* All but the body, without the closing brace: both texts begin with it. */
static void write_summary(struct json_writer *w, const struct document *d, uint32_t minutes)
{
	const struct collection *c = d->collection;

	json_object_open(w);
	write_head(w, &d->head);
	for (const struct field *f = c->schema->fields; f->name != NULL; f++)
		if (is_own_field(c, f))
			write_field(w, f, document_field(d, f->name));
	if (c->expires)
		json_member_bool(w, "expired", false);
	if (c->timed)
		json_member_int(w, "reading_minutes", minutes);
}

static void add_words(struct buf *out, struct str words)
{
	if (words.len == 0)
		return;
	if (out->len > 0)
		buf_char(out, '\n');
	buf_add(out, words);
}

static struct str collect_words(struct arena *a, const struct document *d, struct str plain)
{
	const struct collection *c = d->collection;
	struct names labels;
	struct buf words;

	buf_init(&words, a, DOCUMENT_TEXT_MAX_BYTES);
	add_words(&words, document_string(d, c->title));
	add_words(&words, document_string(d, c->excerpt));
	add_words(&words, document_string(d, c->group));
	document_labels(d, &labels);
	for (size_t i = 0; i < labels.count; i++)
		add_words(&words, labels.list[i]);
	add_words(&words, plain);
	return buf_str(&words);
}

/* The object as it stands so far, closed; the text goes on. */
static struct str closed(struct arena *a, const struct buf *text)
{
	char *copy = arena_alloc(a, text->len + 1);

	memcpy(copy, text->ptr, text->len);
	copy[text->len] = '}';
	return (struct str){ copy, text->len + 1 };
}

enum err document_compose(struct arena *a, const struct document *d, struct document_text *out)
{
	const struct collection *c = d->collection;
	struct str body = document_string(d, c->body), plain = markdown_words(a, body);
	struct json_writer w;
	struct buf text;

	buf_init(&text, a, DOCUMENT_TEXT_MAX_BYTES);
	json_begin(&w, &text);
	write_summary(&w, d, c->timed ? plain_text_reading_minutes(plain) : 0);
	if (buf_failed(&text))
		return ERR_TOO_LARGE;
	out->summary = closed(a, &text);
	if (c->body != NULL)
		json_member_string(&w, c->body, body.ptr == NULL ? STR("") : body);
	json_object_close(&w);
	out->full = buf_str(&text);
	out->words = collect_words(a, d, plain);
	return buf_failed(&text) ? ERR_TOO_LARGE : OK;
}

/* --- rules between fields ------------------------------------------------------ */

void document_check_slug(const struct document *d, struct field_errors *errors)
{
	const struct json *given = json_get(d->over, STR("slug"));

	if (given == NULL)
		return;
	if (item_slug_is_reserved(d->collection, json_string(given)))
		field_errors_add(errors, STR("/slug"),
		    "would stand for something else in a path: choose another");
}

void document_check_dates(const struct document *d, struct field_errors *errors)
{
	const struct collection *c = d->collection;
	struct str starts = document_string(d, c->starts_on), ends = document_string(d, c->ends_on);

	if (starts.ptr != NULL && ends.ptr != NULL && str_compare(ends, starts) < 0)
		field_errors_add(errors, arena_printf(errors->arena, "/%s", c->ends_on),
		    "must not be before %s", c->starts_on);
}
