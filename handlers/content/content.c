/*
 * content: posts, projects and certifications, as the API, as feeds and as files.
 */
#include "content/content.h"

#include "content/state.h"
#include "content/store_move.h"
#include "serve/serve.h"

static const struct field counted_fields[] = {
	{ .name = "name", .type = FIELD_STRING, .required = true },
	{ .name = "count", .type = FIELD_INT, .required = true, .min = 1,
	  .help = "Items that readers see" },
	{ 0 }
};
static const struct schema counted = { .name = "CountedName", .fields = counted_fields };

static const char *const statuses[] = { "draft", "published", NULL };
static const struct field revision_fields[] = {
	{ .name = "version", .type = FIELD_INT, .required = true, .min = 1 },
	{ .name = "status", .type = FIELD_ENUM, .required = true, .choices = statuses },
	{ .name = "published_at", .type = FIELD_TIME, .required = true, .nullable = true },
	{ .name = "slug", .type = FIELD_SLUG, .required = true, .max = SLUG_MAX_BYTES },
	{ .name = "updated_at", .type = FIELD_TIME, .required = true },
	{ 0 }
};
static const struct schema revision = { .name = "Revision", .fields = revision_fields };

static const char *const formats[] = { "markdown", "html", NULL };
static const struct field item_query_fields[] = {
	{ .name = "format", .type = FIELD_ENUM, .choices = formats,
	  .help = "html adds body_html: the body rendered and sanitised" },
	{ 0 }
};
static const struct schema item_query = { .name = "ItemQuery", .fields = item_query_fields };

static const struct field publish_fields[] = {
	{ .name = "publish_at", .type = FIELD_TIME, .nullable = true,
	  .help = "When it becomes visible; now when left out" },
	{ 0 }
};
static const struct schema publish_body = { .name = "Publication", .fields = publish_fields };

/* --- import and export ------------------------------------------------------------ */

static const char *const collections[] = { "blog", "projects", "certifications", NULL };
static const struct field import_query_fields[] = {
	{ .name = "collection", .type = FIELD_ENUM, .choices = collections, .otherwise = "\"blog\"",
	  .help = "Of what does not name its own" },
	{ .name = "name", .type = FIELD_STRING, .max = 1000,
	  .help = "The file's name, when one file is sent; or Content-Disposition has it" },
	{ 0 }
};
static const struct schema import_query = { .name = "ImportQuery", .fields = import_query_fields };

static const char *const results[] = { "created", "updated", "unchanged", NULL };
static const struct field imported_fields[] = {
	{ .name = "file", .type = FIELD_STRING, .required = true, .nullable = true, .max = 1024 },
	{ .name = "line", .type = FIELD_INT, .required = true, .nullable = true,
	  .help = "Of NDJSON" },
	{ .name = "slug", .type = FIELD_SLUG, .required = true, .max = SLUG_MAX_BYTES },
	{ .name = "id", .type = FIELD_UUID, .required = true },
	{ .name = "result", .type = FIELD_ENUM, .required = true, .choices = results },
	{ 0 }
};
static const struct schema imported = { .name = "ImportedItem", .fields = imported_fields };

static const struct field import_error_fields[] = {
	{ .name = "file", .type = FIELD_STRING, .required = true, .nullable = true, .max = 1024 },
	{ .name = "line", .type = FIELD_INT, .required = true, .nullable = true },
	{ .name = "detail", .type = FIELD_TEXT, .required = true },
	{ 0 }
};
static const struct schema import_error = { .name = "ImportError", .fields = import_error_fields };

static const struct field import_result_fields[] = {
	{ .name = "created", .type = FIELD_INT, .required = true },
	{ .name = "updated", .type = FIELD_INT, .required = true },
	{ .name = "unchanged", .type = FIELD_INT, .required = true },
	{ .name = "failed", .type = FIELD_INT, .required = true },
	{ .name = "skipped", .type = FIELD_INT, .required = true,
	  .help = "Files of an archive that are no Markdown" },
	{ .name = "items", .type = FIELD_OBJECT, .object = &imported, .list = true,
	  .required = true, .max_items = IMPORT_REPORT_MAX },
	{ .name = "errors", .type = FIELD_OBJECT, .object = &import_error, .list = true,
	  .required = true, .max_items = IMPORT_REPORT_MAX },
	{ .name = "left_out", .type = FIELD_INT, .required = true,
	  .help = "Items and errors beyond what is listed" },
	{ 0 }
};
static const struct schema import_result = {
	.name = "ImportResult", .fields = import_result_fields
};

static const char *const import_types[] = {
	"text/markdown", "text/x-markdown", "application/x-tar", "application/tar",
	"application/gzip", "application/x-gzip", "application/x-gtar", "application/x-ndjson",
	"application/ndjson", "application/jsonl", NULL
};

static const char *const export_formats[] = { "ndjson", "tar", NULL };
static const char *const export_types[] = { "application/x-tar", NULL };
static const struct field export_query_fields[] = {
	{ .name = "collection", .type = FIELD_ENUM, .choices = collections,
	  .help = "All of them when left out" },
	{ .name = "format", .type = FIELD_ENUM, .choices = export_formats,
	  .otherwise = "\"ndjson\"" },
	{ 0 }
};
static const struct schema export_query = { .name = "ExportQuery", .fields = export_query_fields };

/* --- the table --------------------------------------------------------------------- */

/* The rows that every collection has: PATH, ONE and MANY are literals, the others
 * names of collection.h. */
#define COLLECTION_ROUTES(PATH, ONE, MANY, COLLECTION, SCHEMA, FILTERS)                        \
	{ .method = GET, .path = PATH, .run = content_list, .scope = SCOPE_CONTENT_READ,       \
	  .query = &FILTERS, .reply = &SCHEMA, .page = true, .caching = CACHE_PUBLIC,          \
	  .data = &COLLECTION, .summary = "List " MANY ", newest first" },                     \
	{ .method = POST, .path = PATH, .run = content_create, .scope = SCOPE_CONTENT_WRITE,   \
	  .body = &SCHEMA, .reply = &SCHEMA, .body_max_bytes = WRITE_BODY_MAX_BYTES,           \
	  .creates = true, .cost = 5, .data = &COLLECTION,                                     \
	  .summary = "Create a " ONE " as a draft" },                                          \
	{ .method = GET, .path = PATH "/{id}", .run = content_get,                             \
	  .scope = SCOPE_CONTENT_READ, .query = &item_query, .reply = &SCHEMA,                 \
	  .caching = CACHE_PUBLIC, .data = &COLLECTION,                                        \
	  .summary = "Read a " ONE " by its id or slug" },                                     \
	{ .method = PUT, .path = PATH "/{id}", .run = content_replace,                         \
	  .scope = SCOPE_CONTENT_WRITE, .body = &SCHEMA, .reply = &SCHEMA,                     \
	  .body_max_bytes = WRITE_BODY_MAX_BYTES, .conditional = true, .cost = 5,              \
	  .data = &COLLECTION, .summary = "Replace a " ONE },                                  \
	{ .method = PATCH, .path = PATH "/{id}", .run = content_patch,                         \
	  .scope = SCOPE_CONTENT_WRITE, .body = &SCHEMA, .reply = &SCHEMA,                     \
	  .body_max_bytes = WRITE_BODY_MAX_BYTES, .conditional = true, .cost = 5,              \
	  .data = &COLLECTION, .summary = "Change a " ONE " by merge patch" },                 \
	{ .method = DELETE, .path = PATH "/{id}", .run = content_delete,                       \
	  .scope = SCOPE_CONTENT_WRITE, .conditional = true, .status = 204, .cost = 5,         \
	  .data = &COLLECTION, .summary = "Remove a " ONE " and its revisions" },              \
	{ .method = POST, .path = PATH "/{id}/publish", .run = content_publish,                \
	  .scope = SCOPE_CONTENT_WRITE, .body = &publish_body, .reply = &SCHEMA,               \
	  .conditional = true, .cost = 5,                                                      \
	  .data = &COLLECTION, .summary = "Publish a " ONE ", now or at its time" },           \
	{ .method = POST, .path = PATH "/{id}/unpublish", .run = content_unpublish,            \
	  .scope = SCOPE_CONTENT_WRITE, .body = &schema_empty, .reply = &SCHEMA,               \
	  .conditional = true, .cost = 5,                                                      \
	  .data = &COLLECTION, .summary = "Make a " ONE " a draft again" },              \
	{ .method = GET, .path = PATH "/{id}/revisions", .run = content_revisions,             \
	  .scope = SCOPE_CONTENT_WRITE, .reply = &revision, .page = true,                      \
	  .data = &COLLECTION, .summary = "List what a " ONE " was before, newest first" },    \
	{ .method = GET, .path = PATH "/{id}/revisions/{version}", .run = content_revision,    \
	  .scope = SCOPE_CONTENT_WRITE, .reply = &SCHEMA, .data = &COLLECTION,                 \
	  .summary = "Read a " ONE " as it was" },                                             \
	{ .method = POST, .path = PATH "/{id}/revisions/{version}/restore",                    \
	  .run = content_restore, .scope = SCOPE_CONTENT_WRITE, .body = &schema_empty,         \
	  .reply = &SCHEMA,                                                                    \
	  .conditional = true, .cost = 5,                                                      \
	  .data = &COLLECTION, .summary = "Give a " ONE " the fields that it had then" }

#define FACET_ROUTE(PATH, COLLECTION, SUMMARY)                                                 \
	{ .method = GET, .path = PATH, .run = content_facets, .scope = SCOPE_CONTENT_READ,     \
	  .reply = &counted, .page = true, .caching = CACHE_PUBLIC, .data = &COLLECTION,       \
	  .summary = SUMMARY }

static const struct route routes[] = {
	COLLECTION_ROUTES("/v1/blog", "blog post", "blog posts", collection_blog,
	    schema_post, schema_post_filters),
	FACET_ROUTE("/v1/blog/categories", collection_blog, "List categories with their counts"),
	COLLECTION_ROUTES("/v1/projects", "project", "projects", collection_projects,
	    schema_project, schema_project_filters),
	FACET_ROUTE("/v1/projects/technologies", collection_projects,
	    "List technologies with their counts"),
	COLLECTION_ROUTES("/v1/certifications", "certification", "certifications",
	    collection_certifications, schema_certification, schema_certification_filters),
	FACET_ROUTE("/v1/certifications/types", collection_certifications,
	    "List types of certification with their counts"),
	{ .method = POST, .path = "/v1/content/import", .run = content_import,
	  .scope = SCOPE_CONTENT_WRITE, .query = &import_query, .reply = &import_result,
	  .body_kind = BODY_RAW, .accepts = import_types, .body_max_bytes = IMPORT_BODY_MAX_BYTES,
	  .keyed = true, .bulk = true, .cost = 50,
	  .summary = "Import Markdown with front matter (one file, or a tar) or NDJSON" },
	{ .method = GET, .path = "/v1/content/export", .run = content_export,
	  .scope = SCOPE_CONTENT_WRITE, .query = &export_query,
	  .reply_type = "application/x-ndjson", .reply_types = export_types, .unversioned = true,
	  .bulk = true, .cost = 50,
	  .summary = "Export everything, drafts too, as import takes it" },
	{ .method = GET, .path = "/feed.xml", .run = content_atom, .scope = SCOPE_CONTENT_READ,
	  .caching = CACHE_PUBLIC, .reply_type = "application/atom+xml; charset=utf-8",
	  .summary = "The newest posts as Atom" },
	{ .method = GET, .path = "/feed.json", .run = content_json_feed,
	  .scope = SCOPE_CONTENT_READ, .caching = CACHE_PUBLIC, .reply_type = "application/feed+json",
	  .summary = "The newest posts as JSON Feed" },
	{ .method = GET, .path = "/sitemap.xml", .run = content_sitemap,
	  .scope = SCOPE_CONTENT_READ, .caching = CACHE_PUBLIC, .bulk = true,
	  .reply_type = "application/xml; charset=utf-8",
	  .summary = "Every published item for search engines" },
};

static const struct handler_command commands[] = {
	{ "--export-store", "the whole store into a file, for another engine or machine", "FILE",
	  content_export_store },
	{ "--import-store", "such a file into an empty store", "FILE", content_import_store },
	{ 0 },
};

const struct handler content_handler = {
	.name = "content",
	.summary = "Posts, projects and certifications; feeds, import and export",
	.routes = routes,
	.n_routes = COUNT(routes),
	.needs = NEEDS_STORE | NEEDS_LIMITS,
	.commands = commands,
	.start = content_start,
	.stop = content_stop,
};

int main(int argc, char **argv)
{
	return serve_main(argc, argv, &content_handler);
}
