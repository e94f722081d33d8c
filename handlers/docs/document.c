#include "docs/document.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "docs/raw_json.h"
#include "http/etag.h"

/* Component sections that are merged by name. */
static const char *const sections[] = {
	"schemas", "parameters", "headers", "responses", "securitySchemes",
};

struct parts {
	struct str list[DOCS_PARTS_MAX];
	size_t     count;
};

static enum err read_part(struct arena *a, struct str path, struct str *out)
{
	char chunk[8192];
	struct buf text;
	size_t n;

	FILE *f = fopen(path.ptr, "re");
	if (f == NULL)
		return ERR_IO;
	buf_init(&text, a, DOCS_PART_MAX_BYTES);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_bytes(&text, chunk, n);
	bool failed = ferror(f) != 0 || buf_failed(&text);
	fclose(f);
	if (failed)
		return ERR_IO;
	*out = buf_str(&text);
	return raw_is_object(*out) && raw_is_object(raw_get(*out, "paths")) ? OK : ERR_INVALID;
}

static int is_part(const struct dirent *entry)
{
	return str_ends(str_of(entry->d_name), STR(".json")) && entry->d_name[0] != '.';
}

static enum err read_parts(struct docs_state *s, struct arena *a, struct parts *parts,
    struct str *reason)
{
	struct dirent **names = NULL;
	struct str folder = arena_printf(a, "%.*s/openapi", STR_ARG(s->directory));
	enum err e = OK;

	/* In the order of their names, so that the document does not depend on the disk. */
	int n = scandir(folder.ptr, &names, is_part, alphasort);
	for (int i = 0; i < n; i++) {
		struct str path = arena_printf(a, "%.*s/%s", STR_ARG(folder), names[i]->d_name);
		if (e == OK && parts->count < DOCS_PARTS_MAX) {
			e = read_part(a, path, &parts->list[parts->count++]);
			if (e != OK)
				*reason = arena_printf(a, "%.*s is no OpenAPI document: %s",
				    STR_ARG(path), err_text(e));
		}
		free(names[i]);
	}
	free(names);
	return e;
}

static struct str section_of(struct str part, const char *section)
{
	if (section == NULL)
		return raw_get(part, "paths");
	return raw_get(raw_get(part, "components"), section);
}

/* The names that are written already, by the parts before. */
struct names {
	struct str list[DOCS_NAMES_MAX];
	size_t     count;
};

static bool is_among(const struct names *names, struct str name)
{
	for (size_t i = 0; i < names->count; i++)
		if (str_eq(names->list[i], name))
			return true;
	return false;
}

/* Where members of several objects with one name meet, the first is kept. */
static void write_merged(struct json_writer *w, struct names *names, const struct parts *parts,
    const char *name, const char *section)
{
	struct str member, value;

	names->count = 0;
	json_name(w, name);
	json_object_open(w);
	for (size_t i = 0; i < parts->count; i++) {
		struct raw_members m = raw_members(section_of(parts->list[i], section));

		while (raw_next(&m, &member, &value)) {
			if (is_among(names, member) || names->count == DOCS_NAMES_MAX)
				continue;
			names->list[names->count++] = member;
			json_name_str(w, member);
			json_put_raw(w, value);
		}
	}
	json_object_close(w);
}

static void write_tags(struct json_writer *w, const struct parts *parts)
{
	struct str tag;

	json_name(w, "tags");
	json_array_open(w);
	for (size_t i = 0; i < parts->count; i++) {
		struct raw_members m = raw_elements(raw_get(parts->list[i], "tags"));

		while (raw_next_element(&m, &tag))
			json_put_raw(w, tag);
	}
	json_array_close(w);
}

static void write_info(struct json_writer *w, struct str public_url)
{
	json_member_string(w, "openapi", STR("3.1.0"));
	json_name(w, "info");
	json_put_raw(w, STR("{\"title\":\"Quiver\",\"version\":\"" QUIVER_VERSION "\","
	    "\"summary\":\"The API of this installation\","
	    "\"license\":{\"name\":\"MIT\",\"identifier\":\"MIT\"}}"));
	json_name(w, "servers");
	json_array_open(w);
	json_object_open(w);
	json_member_string(w, "url", public_url.len > 0 ? public_url : STR("/"));
	json_object_close(w);
	json_array_close(w);
}

static void write_document(struct arena *a, struct buf *out, const struct parts *parts,
    struct str public_url)
{
	struct names *names = ARENA_NEW(a, struct names);
	struct json_writer w;

	json_begin(&w, out);
	json_object_open(&w);
	write_info(&w, public_url);
	write_tags(&w, parts);
	write_merged(&w, names, parts, "paths", NULL);
	json_name(&w, "components");
	json_object_open(&w);
	for (size_t i = 0; i < COUNT(sections); i++)
		write_merged(&w, names, parts, sections[i], sections[i]);
	json_object_close(&w);
	json_object_close(&w);
}

static enum err load(struct docs_state *s, struct str public_url, struct str *reason,
    struct arena *scratch)
{
	struct parts parts = { .count = 0 };
	struct buf text;

	enum err e = read_parts(s, scratch, &parts, reason);
	if (e != OK)
		return e;
	buf_init(&text, scratch, DOCS_DOCUMENT_MAX_BYTES);
	write_document(scratch, &text, &parts, public_url);
	if (buf_failed(&text))
		return ERR_TOO_LARGE;
	s->document = arena_dup(&s->arena, buf_str(&text));
	s->document_etag = etag_of_bytes(&s->arena, s->document);
	return OK;
}

enum err document_load(struct docs_state *s, struct str public_url, struct str *reason,
    struct arena *a)
{
	struct arena parsed;

	arena_init(&parsed, ARENA_MAX_BYTES);
	enum err e = load(s, public_url, reason, &parsed);
	if (e != OK)
		*reason = arena_dup(a, *reason);
	arena_clean(&parsed);
	return e;
}

enum err docs_document(const struct request *req, struct response *res)
{
	res->etag = docs_state(req)->document_etag;
	res->modified_ms = req->app->started_ms;
	response_body(res, docs_state(req)->document);
	return OK;
}
