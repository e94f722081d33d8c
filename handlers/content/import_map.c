#include "content/import_map.h"

#include "base/time.h"
#include "content/front_matter.h"
#include "content/import_date.h"
#include "content/import_field.h"
#include "content/import_slug.h"
#include "content/markdown.h"
#include "content/plain_text.h"
#include "content/slug.h"

/* --- fields with rules of their own ---------------------------------------- */

/* A list of people becomes one text; a text stays as it is. */
static enum err put_author(struct import_mapping *m, const struct import_field *f)
{
	struct import_list *list = ARENA_NEW(m->arena, struct import_list);
	const struct json *v = import_own(m, f);
	struct buf names;
	enum err e;

	if (v != NULL && import_is_scalar(v))
		return import_put_text(m, f);
	e = import_find_list(m, f, list);
	if (e != OK || list->count == 0)
		return e;
	buf_init(&names, m->arena, FRONT_MATTER_MAX_BYTES);
	for (size_t i = 0; i < list->count; i++) {
		if (i > 0)
			BUF_LIT(&names, ", ");
		buf_add(&names, list->items[i]);
	}
	return import_put_string(m, f->name, buf_str(&names));
}

/* The categories that a file lists, in its order. */
static enum err categories_of(struct import_mapping *m, struct import_list *list)
{
	static const struct import_field categories = {
		"categories", NULL, { "taxonomies.categories" }
	};

	return import_find_list(m, &categories, list);
}

/* The first category; put_tags takes the others. */
static enum err put_category(struct import_mapping *m, const struct import_field *f)
{
	struct import_list *list = ARENA_NEW(m->arena, struct import_list);
	enum err e;

	if (import_own(m, f) != NULL)
		return import_put_text(m, f);
	e = categories_of(m, list);
	if (e != OK || list->count == 0)
		return e;
	return import_put_string(m, f->name, list->items[0]);
}

static enum err put_tags(struct import_mapping *m, const struct import_field *f)
{
	struct import_list *list = ARENA_NEW(m->arena, struct import_list);
	struct import_list *categories = ARENA_NEW(m->arena, struct import_list);
	const struct json *category = import_find(m, "category");
	enum err e = import_find_list(m, f, list);

	if (e == OK)
		e = categories_of(m, categories);
	if (e != OK)
		return e;
	for (size_t i = category == NULL; i < categories->count; i++)
		if (category == NULL || !str_eq(json_string(category), categories->items[i]))
			import_list_add(list, categories->items[i]);
	if (list->count == 0 && import_is_blank(import_own(m, f)))
		return OK;
	return import_put_list_items(m, f, list);
}

/* Behind its marker a body goes on; in front of it is what a list shows. */
static bool teaser_of(struct str body, struct str *teaser)
{
	static const struct str markers[] = { STR_INIT("<!--more-->"), STR_INIT("<!-- more -->") };

	for (size_t i = 0; i < body.len; i++) {
		i += str_index(str_from(body, i), '<');
		for (size_t k = 0; k < COUNT(markers); k++) {
			if (str_starts(str_from(body, i), markers[k])) {
				*teaser = str_first(body, i);
				return true;
			}
		}
	}
	return false;
}

static enum err put_excerpt(struct import_mapping *m, const struct import_field *f)
{
	const struct json *v = import_own(m, f);
	const char *path;
	struct str teaser, text;

	if (v != NULL && json_type(v) == JSON_STRING)
		return import_put_string(m, f->name, json_string(v));   /* an empty one, too */
	if (import_own_or_other(m, f, import_is_scalar, &path) != NULL)
		return import_put_text(m, f);
	if (!teaser_of(m->file->body, &teaser))
		return OK;
	if (markdown_to_text(m->arena, teaser, &text) != OK || str_is_empty(text))
		return OK;      /* a body that cannot be rendered is refused as such, not here */
	text = plain_text_excerpt(m->arena, text, EXCERPT_MAX_CODE_POINTS);
	return import_put_string(m, f->name, text);
}

static const struct {
	struct str given;
	bool       draft;
} statuses[] = {
	{ STR_INIT("draft"), true },     { STR_INIT("published"), false },
	{ STR_INIT("scheduled"), false },       /* its published_at says for when */
	{ STR_INIT("publish"), false },  { STR_INIT("pending"), true },         /* WordPress */
	{ STR_INIT("private"), true },
};

static bool is_draft(const struct import_mapping *m)
{
	return import_value_is_true(import_find(m, "draft")) ||
	    import_value_is_false(import_find(m, "published")) ||
	    str_starts(m->file->name, STR("_drafts/")) ||
	    str_contains(m->file->name, STR("/_drafts/"));
}

static enum err put_status(struct import_mapping *m, const struct import_field *f)
{
	const struct json *v = import_own(m, f);
	bool draft = is_draft(m);
	size_t i = 0;

	if (!import_is_blank(v)) {
		while (i < COUNT(statuses) && !str_eq_nocase(json_string(v), statuses[i].given))
			i++;
		if (i == COUNT(statuses))
			return import_fail(m, f->name,
			    "status is none of draft, published and scheduled");
		draft = statuses[i].draft;
	}
	return import_put_string(m, f->name, draft ? STR("draft") : STR("published"));
}

/* Whatever its file is like an item has an address, and the same one each time. */
static struct str slug_of_last_resort(struct import_mapping *m)
{
	static const char *const names[] = { "title", "name" };
	struct str text, slug;

	for (size_t i = 0; i < COUNT(names); i++) {
		const struct json *v = import_find(m, names[i]);

		if (v == NULL || !import_value_text(m->arena, v, &text))
			continue;
		slug = slug_from(m->arena, text);
		if (!str_is_empty(slug))
			return slug;
	}
	return arena_printf(m->arena, "item-%08x", (unsigned)str_hash(m->file->name));
}

static enum err put_slug(struct import_mapping *m, const struct import_field *f)
{
	const struct json *v = import_own(m, f);
	struct str text, slug = STR("");

	if (v != NULL && import_value_text(m->arena, v, &text))
		slug = slug_from(m->arena, text);
	for (size_t i = 0; f->others[i] != NULL && str_is_empty(slug); i++) {
		v = import_find(m, f->others[i]);
		if (v != NULL && json_type(v) == JSON_STRING)
			slug = import_slug_of_address(m->arena, json_string(v));
	}
	if (str_is_empty(slug))
		slug = import_slug_of_file(m->arena, m->file->name);
	if (str_is_empty(slug))
		slug = slug_of_last_resort(m);
	return import_put_string(m, f->name, slug);
}

static enum err put_body(struct import_mapping *m, const struct import_field *f)
{
	return import_put_string(m, f->name, m->file->body);
}

static bool path_time(const struct import_mapping *m, int64_t *ms)
{
	static const char *const names[] = { "path", "permalink", "url" };

	for (size_t i = 0; i < COUNT(names); i++) {
		const struct json *v = import_find(m, names[i]);

		if (v != NULL && import_date_in_path(json_string(v), ms, NULL))
			return true;
	}
	return import_date_in_path(m->file->name, ms, NULL);
}

static enum err put_published_at(struct import_mapping *m, const struct import_field *f)
{
	char text[TIME_RFC3339_SIZE];
	bool found;
	int64_t ms;
	enum err e = import_find_time(m, f, &ms, &found);

	if (e != OK)
		return e;
	if (!found && (import_own(m, f) != NULL || !path_time(m, &ms)))
		return OK;
	time_to_rfc3339(ms, text);
	return import_put_string(m, f->name, str_of(text));
}

/* --- the tables ------------------------------------------------------------ */

static const struct import_field blog[] = {
	{ "title", import_put_text, { NULL } },
	{ "slug", put_slug, { "url", "path", "permalink" } },
	{ "excerpt", put_excerpt, { "description", "summary", "extra.summary" } },
	{ "body", put_body, { NULL } },
	{ "category", put_category, { NULL } },
	{ "tags", put_tags, { "taxonomies.tags", "keywords" } },
	{ "cover_url", import_put_address, { "image", "cover.image", "featured_image", "extra.image",
	    "image.feature", "image.path", "header.image", "extra.cover" } },
	{ "author", put_author, { "authors", "extra.author", "extra.authors",
	    "taxonomies.authors" } },
	{ "status", put_status, { NULL } },
	{ "published_at", put_published_at, { "publishDate", "date", "published" } },
};

static const struct import_field projects[] = {
	{ "name", import_put_text, { "title" } },
	{ "slug", put_slug, { "url", "path", "permalink" } },
	{ "summary", put_excerpt, { "description", "excerpt", "extra.summary" } },
	{ "body", put_body, { NULL } },
	{ "technologies", import_put_list, { "taxonomies.technologies", "extra.technologies",
	    "tech", "stack", "tags", "taxonomies.tags" } },
	{ "repository_url", import_put_address, { "repo", "github", "repository",
	    "extra.repository_url", "extra.repo", "extra.github" } },
	{ "demo_url", import_put_address, { "demo", "website", "extra.demo_url", "extra.demo" } },
	{ "image_url", import_put_address, { "image", "cover.image", "featured_image",
	    "extra.image" } },
	{ "featured", import_put_flag, { "extra.featured" } },
	{ "started_on", import_put_date, { "start_date", "startDate", "extra.started_on" } },
	{ "ended_on", import_put_date, { "end_date", "endDate", "extra.ended_on" } },
	{ "status", put_status, { NULL } },
	{ "published_at", put_published_at, { "publishDate", "date", "published" } },
};

static const struct import_field certifications[] = {
	{ "name", import_put_text, { "title" } },
	{ "slug", put_slug, { "url", "path", "permalink" } },
	{ "issuer", import_put_text, { "organization", "extra.issuer" } },
	{ "type", import_put_text, { "extra.type" } },
	{ "credential_id", import_put_text, { "extra.credential_id" } },
	{ "credential_url", import_put_address, { "extra.credential_url" } },
	{ "badge_url", import_put_address, { "image", "extra.badge_url", "extra.image" } },
	{ "issued_on", import_put_date, { "date", "extra.issued_on" } },
	{ "expires_on", import_put_date, { "expiryDate", "extra.expires_on" } },
	{ "status", put_status, { NULL } },
	{ "published_at", put_published_at, { "publishDate", "published", "date" } },
};

static const struct {
	const struct import_field *fields;
	size_t              count;
} kinds[IMPORT_KINDS] = {
	[IMPORT_BLOG] = { blog, COUNT(blog) },
	[IMPORT_PROJECTS] = { projects, COUNT(projects) },
	[IMPORT_CERTIFICATIONS] = { certifications, COUNT(certifications) },
};

enum err import_map(struct arena *a, enum import_kind kind, const struct import_file *file,
    struct str *fields, struct import_error *error)
{
	struct import_mapping m = { .arena = a, .file = file, .error = error };
	struct buf json;
	enum err e = OK;

	buf_init(&json, a, 8 * MARKDOWN_MAX_BYTES);
	json_begin(&m.json, &json);
	json_object_open(&m.json);
	for (size_t i = 0; i < kinds[kind].count && e == OK; i++)
		e = kinds[kind].fields[i].put(&m, &kinds[kind].fields[i]);
	if (e != OK)
		return e;
	json_object_close(&m.json);
	if (buf_failed(&json))
		return ERR_NO_MEMORY;
	*fields = buf_str(&json);
	return OK;
}

/* What is no field of an item and must not be lost on the way: where it goes, and
 * which one it is.  import_map leaves them to its caller. */
static const char *const carried[] = { "collection", "id", "created_at", "updated_at" };

static void put_carried(struct json_writer *w, const struct json *item)
{
	for (size_t i = 0; i < COUNT(carried); i++) {
		const struct json *v = json_get(item, str_of(carried[i]));

		if (v == NULL)
			continue;
		json_name(w, carried[i]);
		json_put_value(w, v);
	}
}

enum err export_map(struct arena *a, enum import_kind kind, const struct json *item,
    struct buf *out)
{
	struct json_error error;
	const struct json *document;
	struct json_writer w;
	struct buf json;
	enum err e;

	buf_init(&json, a, 8 * MARKDOWN_MAX_BYTES);
	json_begin(&w, &json);
	json_object_open(&w);
	put_carried(&w, item);
	for (size_t i = 0; i < kinds[kind].count; i++) {
		const char *name = kinds[kind].fields[i].name;
		const struct json *v = json_get(item, str_of(name));

		if (strcmp(name, "body") == 0)
			continue;
		json_name(&w, name);
		if (v == NULL)
			json_put_null(&w);
		else
			json_put_value(&w, v);
	}
	json_object_close(&w);
	if (buf_failed(&json))
		return ERR_NO_MEMORY;
	e = json_parse(a, buf_str(&json), FRONT_MATTER_DEPTH_MAX, &document, &error);
	if (e == OK)
		front_matter_write(out, document, json_get_string(item, "body"));
	return e;
}
