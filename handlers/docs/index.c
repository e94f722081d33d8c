#include "docs/index.h"

#include "http/app.h"
#include "http/problem.h"

static const struct { const char *rel, *href; } links[] = {
	{ "service-desc", "/openapi.json" },
	{ "service-doc", "/docs" },
	{ "service-doc", "/redoc" },
	{ "status", "/health" },
};

enum err docs_index(const struct request *req, struct response *res)
{
	struct json_writer w = response_writer(res);

	json_object_open(&w);
	json_member_string(&w, "name", STR("Quiver"));
	json_member_string(&w, "version", STR(QUIVER_VERSION));
	json_name(&w, "links");
	json_array_open(&w);
	for (size_t i = 0; i < COUNT(links); i++) {
		json_object_open(&w);
		json_member_string(&w, "rel", str_of(links[i].rel));
		json_name(&w, "href");
		json_put_string(&w, arena_printf(req->arena, "%.*s%s", STR_ARG(req->origin), links[i].href));
		json_object_close(&w);
	}
	json_array_close(&w);
	json_object_close(&w);
	response_json(res);
	response_etag_of_body(res);
	res->modified_ms = req->app->started_ms;
	return OK;
}

enum err docs_problem(const struct request *req, struct response *res)
{
	const struct problem_kind *kind = problem_named(request_parameter(req, "name"));

	if (kind == NULL)
		return ERR_NOT_FOUND;
	struct json_writer w = response_writer(res);
	json_object_open(&w);
	json_name(&w, "type");
	json_put_string(&w, arena_printf(req->arena, "/problems/%s", kind->name));
	json_member_string(&w, "title", str_of(kind->title));
	json_member_int(&w, "status", kind->status);
	json_member_string(&w, "meaning", str_of(kind->meaning));
	json_object_close(&w);
	response_json(res);
	response_etag_of_body(res);
	res->modified_ms = req->app->started_ms;
	return OK;
}
