#include "http/route.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const method_names[METHOD_COUNT] = {
	[METHOD_NONE] = "",
	[GET] = "GET",
	[HEAD] = "HEAD",
	[POST] = "POST",
	[PUT] = "PUT",
	[PATCH] = "PATCH",
	[DELETE] = "DELETE",
	[OPTIONS] = "OPTIONS",
};

enum method method_from_name(struct str name)
{
	for (int m = GET; m < METHOD_COUNT; m++)
		if (str_eq(name, str_of(method_names[m])))
			return (enum method)m;
	return METHOD_NONE;
}

const char *method_name(enum method m)
{
	return method_names[m];
}

/* Bytes up to and including the `n`th segment of `path`. */
static size_t segments_length(struct str path, unsigned n)
{
	size_t at = 1;

	for (unsigned i = 0; i < n && at <= path.len; i++)
		at += str_index(str_from(path, at), '/') + 1;
	return at - 1 < path.len ? at - 1 : path.len;
}

struct str route_prefix(const char *path)
{
	struct str whole = str_of(path);
	bool two = str_starts(whole, STR("/v1/")) || str_starts(whole, STR("/.well-known/"));

	return str_first(whole, segments_length(whole, two ? 2 : 1));
}

static bool is_write(enum method m)
{
	return m == POST || m == PUT || m == PATCH || m == DELETE;
}

/* Each rule looks at one row; the first that fails names what is missing. */
bool route_takes_key(const struct route *r)
{
	return r->creates || r->keyed;
}

uint16_t route_status(const struct route *r)
{
	return r->status != 0 ? r->status : r->creates ? 201 : 200;
}

static const char *row_problem(const struct route *r)
{
	if (r->method != GET && !is_write(r->method))
		return "method must be GET, POST, PUT, PATCH or DELETE";
	if (r->path == NULL || r->path[0] != '/')
		return "path must begin with '/'";
	if (r->run == NULL)
		return "no function";
	if (r->scope == SCOPE_UNSET || r->scope >= SCOPE_COUNT)
		return "no scope";
	if (r->session && r->scope == SCOPE_PUBLIC)
		return "what anyone may call needs no session";
	if (r->signature_required && (r->scope == SCOPE_PUBLIC || r->session))
		return "only what an API key may call needs its signature";
	if (r->summary == NULL || r->summary[0] == '\0')
		return "no summary";
	if (r->method == GET && r->body != NULL)
		return "a GET has no body";
	if (r->body_kind == BODY_RAW && r->accepts == NULL)
		return "a raw body needs its content types";
	if (r->body_kind == BODY_FORM && (r->body == NULL || r->method != POST))
		return "a form is a POST with a body schema";
	if (r->own_limit && r->limit_class == NULL)
		return "a limit of its own needs its class";
	if (r->password && (r->limit_class == NULL || r->body == NULL))
		return "a password is in a body, and its limits need their class";
	if (route_takes_key(r) && r->method != POST)
		return "only a POST creates";
	if (r->page && (r->method != GET || r->reply == NULL))
		return "a page is a GET with a reply schema";
	if (r->conditional && (r->method == GET || r->creates))
		return "If-Match goes with what changes a thing that is there";
	return NULL;
}

const char *route_table_problem(const struct route *routes, size_t n_routes)
{
	static _Thread_local char text[256];

	for (size_t i = 0; i < n_routes; i++) {
		const char *problem = row_problem(&routes[i]);
		for (size_t j = 0; problem == NULL && j < i; j++)
			if (routes[j].method == routes[i].method &&
			    str_eq(str_of(routes[j].path), str_of(routes[i].path)))
				problem = "declared twice";
		if (problem == NULL)
			continue;
		snprintf(text, sizeof(text), "%s %s: %s",
		    routes[i].method < METHOD_COUNT ? method_name(routes[i].method) : "?",
		    routes[i].path == NULL ? "?" : routes[i].path, problem);
		return text;
	}
	return NULL;
}
