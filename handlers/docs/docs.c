/*
 * docs: what the API is, for people and for machines.
 * /openapi.json is put together from the parts that the handlers print of
 * themselves; the two viewers come from files of this machine.
 */
#include "docs/assets.h"
#include "docs/document.h"
#include "docs/index.h"
#include "docs/state.h"
#include "serve/serve.h"

#define HTML "text/html; charset=utf-8"

static const struct field link_fields[] = {
	{ .name = "rel", .type = FIELD_STRING, .required = true, .help = "What it is" },
	{ .name = "href", .type = FIELD_STRING, .max = 2048, .required = true },
	{ 0 },
};
static const struct schema link_schema = { "IndexLink", link_fields, false };

static const struct field index_fields[] = {
	{ .name = "name", .type = FIELD_STRING, .required = true },
	{ .name = "version", .type = FIELD_STRING, .required = true },
	{ .name = "links", .type = FIELD_OBJECT, .object = &link_schema, .list = true, .required = true },
	{ 0 },
};
static const struct schema index_schema = { "Index", index_fields, false };

static const struct field problem_fields[] = {
	{ .name = "type", .type = FIELD_STRING, .required = true, .help = "The URI reference that problems carry" },
	{ .name = "title", .type = FIELD_STRING, .required = true },
	{ .name = "status", .type = FIELD_INT, .required = true },
	{ .name = "meaning", .type = FIELD_STRING, .max = 500, .required = true, .help = "What it means and what to do" },
	{ 0 },
};
static const struct schema problem_schema = { "ProblemType", problem_fields, false };

static const struct field document_fields[] = { { 0 } };
static const struct schema document_schema = { "OpenAPIDocument", document_fields, true };

static const char *const file_types[] = { "text/css", NULL };

static const struct route routes[] = {
	{ .method = GET, .path = "/", .run = docs_index, .scope = SCOPE_PUBLIC, .reply = &index_schema,
	  .exempt = true, .quiet = true, .caching = CACHE_PUBLIC, .summary = "Where to find what" },
	{ .method = GET, .path = "/openapi.json", .run = docs_document, .scope = SCOPE_PUBLIC,
	  .reply = &document_schema, .exempt = true, .quiet = true, .caching = CACHE_PUBLIC,
	  .summary = "The OpenAPI 3.1 document of every installed handler" },
	{ .method = GET, .path = "/docs", .run = docs_asset, .scope = SCOPE_PUBLIC, .reply_type = HTML,
	  .exempt = true, .quiet = true, .caching = CACHE_ASSET, .summary = "Swagger UI" },
	{ .method = GET, .path = "/docs/{file}", .run = docs_asset, .scope = SCOPE_PUBLIC,
	  .reply_type = "text/javascript", .reply_types = file_types, .exempt = true, .quiet = true, .caching = CACHE_ASSET,
	  .summary = "The files of Swagger UI" },
	{ .method = GET, .path = "/redoc", .run = docs_asset, .scope = SCOPE_PUBLIC, .reply_type = HTML,
	  .exempt = true, .quiet = true, .caching = CACHE_ASSET, .summary = "Redoc" },
	{ .method = GET, .path = "/redoc/{file}", .run = docs_asset, .scope = SCOPE_PUBLIC,
	  .reply_type = "text/javascript", .reply_types = file_types, .exempt = true, .quiet = true, .caching = CACHE_ASSET,
	  .summary = "The files of Redoc" },
	{ .method = GET, .path = "/problems/{name}", .run = docs_problem, .scope = SCOPE_PUBLIC,
	  .reply = &problem_schema, .exempt = true, .quiet = true, .caching = CACHE_PUBLIC,
	  .summary = "What a problem's type means" },
};

static const struct handler docs = {
	.name = "docs",
	.summary = "The OpenAPI document, Swagger UI and Redoc",
	.routes = routes,
	.n_routes = COUNT(routes),
	.needs = 0,
	.start = docs_start,
	.stop = docs_stop,
};

int main(int argc, char **argv)
{
	return serve_main(argc, argv, &docs);
}
