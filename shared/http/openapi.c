#include "http/openapi.h"

#include "http/openapi_operation.h"
#include "http/openapi_parts.h"

static void write_info(struct openapi *o)
{
	struct json_writer *w = &o->w;

	json_member_string(w, "openapi", STR("3.1.0"));
	json_name(w, "info");
	json_object_open(w);
	json_member_string(w, "title", arena_printf(o->arena, "Quiver: %s", o->handler->name));
	json_member_string(w, "version", STR(QUIVER_VERSION));
	if (o->handler->summary != NULL)
		json_member_string(w, "description", str_of(o->handler->summary));
	json_name(w, "license");
	json_object_open(w);
	json_member_string(w, "name", STR("MIT"));
	json_member_string(w, "identifier", STR("MIT"));
	json_object_close(w);
	json_object_close(w);
	json_name(w, "servers");
	json_array_open(w);
	json_object_open(w);
	json_member_string(w, "url", STR("/"));
	json_object_close(w);
	json_array_close(w);
}

static void write_tags(struct openapi *o)
{
	struct json_writer *w = &o->w;

	json_name(w, "tags");
	json_array_open(w);
	json_object_open(w);
	json_member_string(w, "name", str_of(o->handler->name));
	json_member_string(w, "description",
	    str_of(o->handler->summary == NULL ? o->handler->name : o->handler->summary));
	json_object_close(w);
	json_array_close(w);
}

static bool same_path(const struct route *a, const struct route *b)
{
	return str_eq(str_of(a->path), str_of(b->path));
}

static bool is_first_of_path(const struct handler *h, size_t row)
{
	for (size_t i = 0; i < row; i++)
		if (same_path(&h->routes[i], &h->routes[row]))
			return false;
	return true;
}

static const char *method_key(enum method m)
{
	static const char *const keys[METHOD_COUNT] = {
		[METHOD_NONE] = "", [GET] = "get", [HEAD] = "head", [POST] = "post", [PUT] = "put",
		[PATCH] = "patch", [DELETE] = "delete", [OPTIONS] = "options",
	};

	return keys[m];
}

/* "{rest*}" is "{rest}" in a template. */
static struct str path_template(struct arena *a, const char *path)
{
	struct str s = str_of(path);

	if (!str_ends(s, STR("*}")))
		return s;
	return arena_printf(a, "%.*s}", STR_ARG(str_first(s, s.len - 2)));
}

static void write_paths(struct openapi *o)
{
	const struct handler *h = o->handler;

	json_name(&o->w, "paths");
	json_object_open(&o->w);
	for (size_t i = 0; i < h->n_routes; i++) {
		if (!is_first_of_path(h, i))
			continue;
		json_name_str(&o->w, path_template(o->arena, h->routes[i].path));
		json_object_open(&o->w);
		for (size_t j = i; j < h->n_routes; j++) {
			if (!same_path(&h->routes[i], &h->routes[j]))
				continue;
			json_name(&o->w, method_key(h->routes[j].method));
			operation_write(o, &h->routes[j]);
		}
		json_object_close(&o->w);
	}
	json_object_close(&o->w);
}

static bool needs_credentials(const struct handler *h)
{
	for (size_t i = 0; i < h->n_routes; i++)
		if (h->routes[i].scope != SCOPE_PUBLIC)
			return true;
	return false;
}

static void write_bearer_scheme(struct json_writer *w)
{
	json_name(w, "bearerAuth");
	json_object_open(w);
	json_member_string(w, "type", STR("http"));
	json_member_string(w, "scheme", STR("bearer"));
	json_member_string(w, "bearerFormat", STR("JWT"));
	json_member_string(w, "description",
	    STR("An access token; x-scope of an operation names what it must allow."));
	json_object_close(w);
}

static void write_key_scheme(struct json_writer *w)
{
	json_name(w, "apiKeyAuth");
	json_object_open(w);
	json_member_string(w, "type", STR("apiKey"));
	json_member_string(w, "in", STR("header"));
	json_member_string(w, "name", STR("X-API-Key"));
	json_member_string(w, "description",
	    STR("An API key; it may also stand in the place of an access token."));
	json_object_close(w);
}

static void write_components(struct openapi *o)
{
	struct json_writer *w = &o->w;

	json_name(w, "components");
	json_object_open(w);
	part_write_components(o);
	if (needs_credentials(o->handler)) {
		json_name(w, "securitySchemes");
		json_object_open(w);
		write_bearer_scheme(w);
		write_key_scheme(w);
		json_object_close(w);
	}
	json_object_close(w);
}

void openapi_write(struct arena *a, const struct handler *h, struct buf *out)
{
	struct openapi o = { .arena = a, .handler = h };

	for (size_t i = 0; i < h->n_routes; i++)
		operation_collect(&o, &h->routes[i]);
	json_begin(&o.w, out);
	json_object_open(&o.w);
	write_info(&o);
	write_tags(&o);
	write_paths(&o);
	write_components(&o);
	json_object_close(&o.w);
	json_end(&o.w);
}
