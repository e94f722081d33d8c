/*
 * greeting: an example of a handler.  Two routes, one schema, one write; README.md
 * shows its table, and tests/contract/example_greeting.c sends it requests.
 */
#include "base/time.h"
#include "http/request.h"
#include "serve/serve.h"

#define PARTITION STR("greeting")       /* where the store keeps them, by name */
#define NAME_MAX_BYTES 60

static const struct field greeting_fields[] = {
	{ .name = "name", .type = FIELD_SLUG, .required = true, .max = NAME_MAX_BYTES,
	  .help = "Who is greeted" },
	{ .name = "text", .type = FIELD_STRING, .required = true, .min = 1, .max = 200 },
	{ .name = "created_at", .type = FIELD_TIME, .required = true, .read_only = true },
	{ 0 }
};
static const struct schema greeting_schema = { .name = "Greeting", .fields = greeting_fields };

static enum err greeting_create(const struct request *req, struct response *res)
{
	struct str name = json_get_string(req->json, "name");
	struct json_writer w = response_writer(res);
	char now[TIME_RFC3339_SIZE];

	time_to_rfc3339(req->now_ms, now);
	json_object_open(&w);
	json_member_string(&w, "name", name);
	json_member_string(&w, "text", json_get_string(req->json, "text"));
	json_member_string(&w, "created_at", str_of(now));
	json_object_close(&w);
	response_json(res);
	response_etag(res, name, 1, "");
	response_header(res, "Location",
	    arena_printf(req->arena, "/v1/greetings/%.*s", STR_ARG(name)));

	/* The reply is complete: it is kept with the write, for an Idempotency-Key. */
	struct store_op op = { .verb = STORE_PUT, .condition = STORE_ABSENT,
		.item = { .pk = PARTITION, .sk = name, .body = res->body } };
	struct store_result result;
	enum err e = request_commit(req, res, &op, 1, &result);
	return e == ERR_EXISTS ?
	    response_problem(res, e, "\"%.*s\" has been greeted", STR_ARG(name)) : e;
}

/* The item is the store's until this returns. */
static void show(void *context, const struct store_item *item)
{
	struct response *res = context;

	response_body(res, arena_dup(res->arena, item->body));
	response_etag(res, arena_dup(res->arena, item->sk), item->version, "");
}

static enum err greeting_read(const struct request *req, struct response *res)
{
	struct str name = request_parameter(req, "name");

	return store_visit(req->store, PARTITION, name, req->now_ms, show, res);
}

static const struct route routes[] = {
	{ .method = POST, .path = "/v1/greetings", .run = greeting_create,
	  .scope = SCOPE_CONTENT_WRITE, .body = &greeting_schema, .reply = &greeting_schema,
	  .creates = true, .cost = 5, .summary = "Greet somebody" },
	{ .method = GET, .path = "/v1/greetings/{name}", .run = greeting_read,
	  .scope = SCOPE_CONTENT_READ, .reply = &greeting_schema, .caching = CACHE_PUBLIC,
	  .summary = "Read a greeting" },
};

static const struct handler greeting = {
	.name = "greeting",
	.summary = "An example: greetings by name",
	.routes = routes,
	.n_routes = COUNT(routes),
	.needs = NEEDS_STORE | NEEDS_LIMITS,
};

int main(int argc, char **argv)
{
	return serve_main(argc, argv, &greeting);
}
