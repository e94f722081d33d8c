#include "test.h"

#include <stdlib.h>

#include "http/openapi.h"
#include "http/openapi_operation.h"

static const char *const kinds[] = { "red", "blue", NULL };

static const struct field part_fields[] = {
	{ .name = "label", .type = FIELD_STRING, .required = true },
	{ 0 },
};
static const struct schema part = { "Part", part_fields, false };

static const struct field thing_fields[] = {
	{ .name = "id", .type = FIELD_UUID, .required = true, .read_only = true },
	{ .name = "name", .type = FIELD_STRING, .required = true, .min = 1, .max = 80,
	  .help = "Its name" },
	{ .name = "note", .type = FIELD_TEXT, .nullable = true },
	{ .name = "kind", .type = FIELD_ENUM, .choices = kinds, .nullable = true, .otherwise = "\"red\"" },
	{ .name = "size", .type = FIELD_INT, .min = 1, .max = 9 },
	{ .name = "tags", .type = FIELD_STRING, .list = true },
	{ .name = "main_part", .type = FIELD_OBJECT, .object = &part, .nullable = true },
	{ .name = "parts", .type = FIELD_OBJECT, .object = &part, .list = true, .max_items = 7 },
	{ .name = "secret", .type = FIELD_STRING, .secret = true },
	{ 0 },
};
static const struct schema thing = { "Thing", thing_fields, false };

static const struct field found_fields[] = {
	{ .name = "anything", .type = FIELD_ANY },
	{ .name = "text", .type = FIELD_STRING },
	{ .name = "texts", .type = FIELD_STRING, .list = true },
	{ 0 },
};
static const struct schema found = { "Found", found_fields, true };

static const struct field list_query_fields[] = {
	{ .name = "kind", .type = FIELD_ENUM, .choices = kinds, .help = "Of this kind only" },
	{ .name = "year", .type = FIELD_INT, .required = true },
	{ 0 },
};
static const struct schema list_query = { "ListQuery", list_query_fields, false };

static const char *const archives[] = { "text/markdown", "application/x-tar", NULL };

static enum err run(const struct request *req, struct response *res)
{
	(void)req;
	(void)res;
	return OK;
}

static const struct route routes[] = {
	{ GET, "/v1/things", run, SCOPE_CONTENT_READ, .query = &list_query, .reply = &thing, .page = true,
	  .caching = CACHE_PUBLIC, .summary = "List things" },
	{ GET, "/v1/things/{id}", run, SCOPE_CONTENT_READ, .reply = &thing, .summary = "One thing" },
	{ POST, "/v1/things", run, SCOPE_CONTENT_WRITE, .body = &thing, .reply = &thing, .creates = true,
	  .summary = "Create" },
	{ PUT, "/v1/things/{id}", run, SCOPE_CONTENT_WRITE, .body = &thing, .reply = &thing,
	  .conditional = true, .summary = "Replace" },
	{ PATCH, "/v1/things/{id}", run, SCOPE_CONTENT_WRITE, .body = &thing, .reply = &thing,
	  .conditional = true, .summary = "Patch" },
	{ DELETE, "/v1/things/{id}", run, SCOPE_CONTENT_WRITE, .status = 204, .conditional = true,
	  .summary = "Delete" },
	{ POST, "/v1/things/{id}/publish", run, SCOPE_CONTENT_WRITE, .summary = "Publish" },
	{ POST, "/v1/things/import", run, SCOPE_CONTENT_WRITE, .body_kind = BODY_RAW, .accepts = archives,
	  .keyed = true, .summary = "Import" },
	{ GET, "/v1/found", run, SCOPE_PROFILE, .session = true, .reply = &found, .summary = "Found" },
	{ GET, "/feed.xml", run, SCOPE_PUBLIC, .exempt = true,
	  .reply_type = "application/xml; charset=utf-8", .summary = "Feed" },
	{ GET, "/files/{rest*}", run, SCOPE_PUBLIC, .exempt = true, .caching = CACHE_ASSET,
	  .reply_type = "text/html", .summary = "Files" },
};

static const struct handler handler = {
	.name = "things", .summary = "Things of all kinds", .routes = routes, .n_routes = COUNT(routes),
	.needs = NEEDS_STORE,
};

struct document {
	struct arena       arena;
	const struct json *json;
};

static void open_document(struct document *d, const struct handler *h)
{
	struct json_error error = { 0 };
	struct buf out;

	arena_init(&d->arena, 16 << 20);
	buf_init(&out, &d->arena, 4 << 20);
	openapi_write(&d->arena, h, &out);
	assert_false(buf_failed(&out));
	if (json_parse(&d->arena, buf_str(&out), JSON_DEPTH_MAX, &d->json, &error) != OK)
		fail_msg("line %u, column %u: %s", error.line, error.column, error.reason);
}

/* The value at a path of names between spaces; numbers are indexes of arrays. */
static const struct json *at(const struct json *v, const char *path)
{
	struct str rest = str_of(path);

	while (rest.ptr != NULL && v != NULL) {
		struct str name = str_cut(&rest, ' ');
		uint64_t index;
		if (json_type(v) == JSON_ARRAY && str_to_u64(name, &index))
			v = json_at(v, index);
		else
			v = json_get(v, name);
	}
	return v;
}

static struct str text(struct document *d, const char *path)
{
	const struct json *v = at(d->json, path);
	struct buf out;

	if (v == NULL)
		return STR("-");
	buf_init(&out, &d->arena, 1 << 20);
	json_write(&out, v);
	return buf_str(&out);
}

struct row {
	const char *path, *value;               /* "-": nothing there */
};

static void check(const struct row *rows, size_t n)
{
	struct document d;

	open_document(&d, &handler);
	for (size_t i = 0; i < n; i++) {
		struct str got = text(&d, rows[i].path);
		if (!str_eq(got, str_of(rows[i].value)))
			fail_msg("row \"%s\":\ngot      %.*s\nexpected %s", rows[i].path, STR_ARG(got),
			    rows[i].value);
	}
	arena_clean(&d.arena);
}

static const struct row heads[] = {
	{ "openapi", "\"3.1.0\"" },
	{ "info title", "\"Quiver: things\"" },
	{ "info version", "\"" QUIVER_VERSION "\"" },
	{ "info license", "{\"name\":\"MIT\",\"identifier\":\"MIT\"}" },
	{ "servers", "[{\"url\":\"/\"}]" },
	{ "tags", "[{\"name\":\"things\",\"description\":\"Things of all kinds\"}]" },
	{ "paths /v1/things/{id} get tags", "[\"things\"]" },
	{ "components securitySchemes bearerAuth scheme", "\"bearer\"" },
	{ "components securitySchemes apiKeyAuth name", "\"X-API-Key\"" },
};

TEST(a_document_says_what_it_is)
{
	(void)state;
	check(heads, COUNT(heads));
}

static const struct {
	enum method method;
	bool        page, creates;
	const char *path, *id;
} names[] = {
	{ GET, true, false, "/v1/blog", "listBlog" },
	{ GET, false, false, "/v1/blog/{id}", "getBlogById" },
	{ POST, false, true, "/v1/blog", "createBlog" },
	{ PUT, false, false, "/v1/blog/{id}", "replaceBlogById" },
	{ PATCH, false, false, "/v1/blog/{id}", "updateBlogById" },
	{ DELETE, false, false, "/v1/blog/{id}", "deleteBlogById" },
	{ POST, false, false, "/v1/blog/{id}/publish", "publishBlogById" },
	{ POST, false, false, "/v1/blog/{id}/revisions/{version}/restore",
	    "restoreBlogByIdRevisionsByVersion" },
	{ POST, false, false, "/v1/auth/login", "loginAuth" },
	{ POST, false, false, "/oauth2/token", "tokenOauth2" },
	{ POST, false, false, "/v1/calls", "postCalls" },
	{ GET, false, false, "/.well-known/jwks.json", "getWellKnownJwksJson" },
	{ GET, false, false, "/", "getRoot" },
	{ GET, false, false, "/files/{rest*}", "getFilesByRest" },
};

TEST(an_operation_is_named_for_method_and_path)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16);
	for (size_t i = 0; i < COUNT(names); i++) {
		const struct route r = { .method = names[i].method, .path = names[i].path,
			.page = names[i].page, .creates = names[i].creates };
		assert_str(operation_id(&arena, &r), str_of(names[i].id));
	}
	arena_clean(&arena);
}

TEST(no_two_operations_have_one_name)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16);
	for (size_t i = 0; i < COUNT(routes); i++)
		for (size_t j = 0; j < i; j++)
			assert_row(!str_eq(operation_id(&arena, &routes[i]), operation_id(&arena, &routes[j])),
			    routes[i].path);
	arena_clean(&arena);
}

static const struct row scopes[] = {
	{ "paths /v1/things get x-scope", "\"content:read\"" },
	{ "paths /v1/things get security", "[{},{\"bearerAuth\":[]},{\"apiKeyAuth\":[]}]" },
	{ "paths /v1/things post x-scope", "\"content:write\"" },
	{ "paths /v1/things post security", "[{\"bearerAuth\":[]},{\"apiKeyAuth\":[]}]" },
	{ "paths /v1/found get security", "[{\"bearerAuth\":[]}]" },
	{ "paths /feed.xml get x-scope", "\"public\"" },
	{ "paths /feed.xml get security", "[{}]" },
};

TEST(an_operation_says_who_may_call_it)
{
	(void)state;
	check(scopes, COUNT(scopes));
}

#define REF(kind, name) "{\"$ref\":\"#/components/" kind "/" name "\"}"
#define ID_PARAMETER \
	"{\"name\":\"id\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}}"

static const struct row inputs[] = {
	{ "paths /v1/things get parameters",
	    "[{\"name\":\"kind\",\"in\":\"query\",\"description\":\"Of this kind only\","
	    "\"schema\":{\"type\":\"string\",\"enum\":[\"red\",\"blue\"]}},"
	    "{\"name\":\"year\",\"in\":\"query\",\"required\":true,"
	    "\"schema\":{\"type\":\"integer\",\"format\":\"int64\"}},"
	    REF("parameters", "Limit") "," REF("parameters", "Cursor") ","
	    REF("parameters", "IfNoneMatch") "]" },
	{ "paths /v1/things/{id} get parameters",
	    "[" ID_PARAMETER "," REF("parameters", "IfNoneMatch") "]" },
	{ "paths /v1/things/{id} put parameters", "[" ID_PARAMETER "," REF("parameters", "IfMatch") "]" },
	{ "paths /v1/things post parameters", "[" REF("parameters", "IdempotencyKey") "]" },
	{ "paths /v1/things/import post parameters", "[" REF("parameters", "IdempotencyKey") "]" },
	{ "paths /files/{rest} get parameters 0 name", "\"rest\"" },
	{ "paths /feed.xml get parameters", "[]" },
	{ "components parameters Limit schema",
	    "{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"default\":20}" },
	{ "components parameters IfMatch in", "\"header\"" },
};

TEST(parameters_are_of_the_path_the_query_and_the_headers)
{
	(void)state;
	check(inputs, COUNT(inputs));
}

static const struct row bodies[] = {
	{ "paths /v1/things post requestBody required", "true" },
	{ "paths /v1/things post requestBody content", "{\"application/json\":{\"schema\":"
	    REF("schemas", "Thing") "}}" },
	{ "paths /v1/things/{id} patch requestBody content",
	    "{\"application/merge-patch+json\":{\"schema\":" REF("schemas", "ThingPatch") "},"
	    "\"application/json\":{\"schema\":" REF("schemas", "ThingPatch") "}}" },
	{ "paths /v1/things/import post requestBody content",
	    "{\"text/markdown\":{\"schema\":{\"type\":\"string\"}},"
	    "\"application/x-tar\":{\"schema\":{\"type\":\"string\",\"format\":\"binary\"}}}" },
	{ "paths /v1/things/{id}/publish post requestBody", "-" },
	{ "paths /v1/things get requestBody", "-" },
};

TEST(a_body_is_whole_or_a_patch)
{
	(void)state;
	check(bodies, COUNT(bodies));
}

static const struct row replies[] = {
	{ "paths /v1/things get responses 200 content application/json schema",
	    REF("schemas", "ThingPage") },
	{ "paths /v1/things get responses 200 headers Link", REF("headers", "Link") },
	{ "paths /v1/things get responses 200 headers ETag", REF("headers", "ETag") },
	{ "paths /v1/things get responses 200 headers RateLimit", REF("headers", "RateLimit") },
	{ "paths /v1/things/{id} get responses 200 headers Link", "-" },
	{ "paths /v1/things post responses 201 content application/json schema", REF("schemas", "Thing") },
	{ "paths /v1/things post responses 201 headers Location", REF("headers", "Location") },
	{ "paths /v1/things/import post responses 200 headers Idempotent-Replayed",
	    REF("headers", "IdempotentReplayed") },
	{ "paths /v1/things post responses 200", "-" },
	{ "paths /v1/things/{id} delete responses 204 content", "-" },
	{ "paths /v1/things/{id}/publish post responses 200 content", "-" },
	{ "paths /feed.xml get responses 200 content",
	    "{\"application/xml\":{\"schema\":{\"type\":\"string\",\"format\":\"binary\"}}}" },
	{ "paths /feed.xml get responses 200 headers RateLimit", "-" },
	{ "components headers ETag schema", "{\"type\":\"string\"}" },
	{ "components schemas ThingPage required", "[\"items\",\"next_cursor\"]" },
	{ "components schemas ThingPage properties items",
	    "{\"type\":\"array\",\"items\":" REF("schemas", "Thing") ",\"maxItems\":100}" },
	{ "components responses Invalid content application/problem+json schema",
	    REF("schemas", "Problem") },
	{ "components responses Invalid content application/problem+json example status", "422" },
	{ "components responses Limited headers Retry-After", REF("headers", "RetryAfter") },
};

TEST(a_reply_says_its_schema_and_headers)
{
	(void)state;
	check(replies, COUNT(replies));
}

static const struct {
	const char *path, *statuses;
} statuses[] = {
	{ "paths /v1/things get responses", "200 304 400 401 403 422 429 500 503" },
	{ "paths /v1/things/{id} get responses", "200 304 400 401 403 404 422 429 500 503" },
	{ "paths /v1/things post responses", "201 400 401 403 409 413 415 422 429 500 503" },
	{ "paths /v1/things/{id} put responses", "200 400 401 403 404 409 412 413 415 422 429 500 503" },
	{ "paths /v1/things/{id} delete responses", "204 400 401 403 404 412 422 429 500 503" },
	{ "paths /v1/things/{id}/publish post responses", "200 400 401 403 404 409 422 429 500 503" },
	{ "paths /v1/things/import post responses", "200 400 401 403 409 413 415 422 429 500 503" },
	{ "paths /feed.xml get responses", "200 400 422 500 503" },
	{ "paths /files/{rest} get responses", "200 304 400 404 422 500 503" },
};

static bool add_name(void *context, struct json_member member)
{
	struct buf *out = context;

	if (out->len > 0)
		BUF_LIT(out, " ");
	buf_add(out, member.name);
	return true;
}

TEST(the_statuses_follow_from_the_row)
{
	struct document d;

	(void)state;
	open_document(&d, &handler);
	for (size_t i = 0; i < COUNT(statuses); i++) {
		struct buf out;
		buf_init(&out, &d.arena, 1024);
		json_each(at(d.json, statuses[i].path), add_name, &out);
		assert_str(buf_str(&out), str_of(statuses[i].statuses));
	}
	arena_clean(&d.arena);
}

static const struct row schemas[] = {
	{ "components schemas Thing required", "[\"id\",\"name\"]" },
	{ "components schemas Thing additionalProperties", "false" },
	{ "components schemas Thing properties id",
	    "{\"type\":\"string\",\"format\":\"uuid\",\"readOnly\":true}" },
	{ "components schemas Thing properties name",
	    "{\"type\":\"string\",\"minLength\":1,\"maxLength\":80,\"description\":\"Its name\"}" },
	{ "components schemas Thing properties note",
	    "{\"type\":[\"string\",\"null\"],\"maxLength\":1048576}" },
	{ "components schemas Thing properties kind",
	    "{\"type\":[\"string\",\"null\"],\"enum\":[\"red\",\"blue\",null],\"default\":\"red\"}" },
	{ "components schemas Thing properties size",
	    "{\"type\":\"integer\",\"format\":\"int64\",\"minimum\":1,\"maximum\":9}" },
	{ "components schemas Thing properties tags",
	    "{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":200},\"maxItems\":100}" },
	{ "components schemas Thing properties main_part",
	    "{\"anyOf\":[" REF("schemas", "Part") ",{\"type\":\"null\"}]}" },
	{ "components schemas Thing properties parts",
	    "{\"type\":\"array\",\"items\":" REF("schemas", "Part") ",\"maxItems\":7}" },
	{ "components schemas Thing properties secret format", "\"password\"" },
	{ "components schemas ThingPatch required", "-" },
	{ "components schemas ThingPatch properties id", "-" },
	{ "components schemas ThingPatch properties kind default", "-" },
	{ "components schemas ThingPatch properties main_part anyOf 0", REF("schemas", "PartPatch") },
	{ "components schemas ThingPatch properties parts items", REF("schemas", "Part") },
	{ "components schemas PartPatch required", "-" },
	{ "components schemas Part required", "[\"label\"]" },
	{ "components schemas Found properties anything", "{}" },
	{ "components schemas Found properties text", "{\"type\":\"string\"}" },
	{ "components schemas Found properties texts",
	    "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}" },
	{ "components schemas Found additionalProperties", "-" },
	{ "components schemas Problem required",
	    "[\"type\",\"title\",\"status\",\"detail\",\"instance\"]" },
	{ "components schemas ListQuery", "-" },
};

TEST(a_schema_says_what_validation_asks_for)
{
	(void)state;
	check(schemas, COUNT(schemas));
}

/* Every "$ref" must lead somewhere, and every component be led to. */
struct references {
	struct document *document;
	size_t           count;
};

static bool follow(void *context, struct json_member member);

static void follow_all(struct references *r, const struct json *v)
{
	json_each(v, follow, r);
	for (size_t i = 0; json_type(v) == JSON_ARRAY && i < json_length(v); i++)
		follow_all(r, json_at(v, i));
}

static bool follow(void *context, struct json_member member)
{
	struct references *r = context;

	if (str_eq(member.name, STR("$ref"))) {
		char *path = arena_cstr(&r->document->arena, str_from(json_string(member.value), 2));
		for (char *c = path; *c != '\0'; c++)
			if (*c == '/')
				*c = ' ';
		assert_row(at(r->document->json, path) != NULL, path);
		r->count++;
	}
	if (json_type(member.value) == JSON_OBJECT || json_type(member.value) == JSON_ARRAY)
		follow_all(r, member.value);
	return true;
}

TEST(every_reference_leads_somewhere)
{
	struct document d;
	struct references r = { .document = &d };

	(void)state;
	open_document(&d, &handler);
	follow_all(&r, d.json);
	assert_true(r.count > 100);
	arena_clean(&d.arena);
}

TEST(only_what_is_used_is_a_component)
{
	static const struct route one = { GET, "/live", run, SCOPE_PUBLIC, .exempt = true,
		.summary = "Liveness" };
	static const struct handler small = { .name = "small", .routes = &one, .n_routes = 1 };
	struct document d;

	(void)state;
	open_document(&d, &small);
	assert_str(text(&d, "components parameters"), STR("{}"));
	assert_str(text(&d, "components securitySchemes"), STR("-"));
	assert_str(text(&d, "components responses Limited"), STR("-"));
	assert_str(text(&d, "components headers ETag"), STR("-"));
	arena_clean(&d.arena);
}

static const struct schema tree;
static const struct field tree_fields[] = {
	{ .name = "left", .type = FIELD_OBJECT, .object = &tree },
	{ 0 },
};
static const struct schema tree = { "Tree", tree_fields, false };

TEST(a_schema_may_hold_itself)
{
	static const struct route one = { POST, "/trees", run, SCOPE_PUBLIC, .body = &tree, .reply = &tree,
		.summary = "Plant" };
	static const struct handler small = { .name = "small", .routes = &one, .n_routes = 1 };
	struct document d;

	(void)state;
	open_document(&d, &small);
	assert_str(text(&d, "components schemas Tree properties left"), STR(REF("schemas", "Tree")));
	arena_clean(&d.arena);
}

TEST_MAIN(RUN(a_document_says_what_it_is),
    RUN(an_operation_is_named_for_method_and_path),
    RUN(no_two_operations_have_one_name),
    RUN(an_operation_says_who_may_call_it),
    RUN(parameters_are_of_the_path_the_query_and_the_headers),
    RUN(a_body_is_whole_or_a_patch),
    RUN(a_reply_says_its_schema_and_headers),
    RUN(the_statuses_follow_from_the_row),
    RUN(a_schema_says_what_validation_asks_for),
    RUN(every_reference_leads_somewhere),
    RUN(only_what_is_used_is_a_component),
    RUN(a_schema_may_hold_itself))
