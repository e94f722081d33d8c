/*
 * body: from the client's bytes to a checked document.
 * Nothing is read before the caller may call; nothing is kept over the bound.
 */
#include "base/buf.h"
#include "http/exchange.h"
#include "http/form.h"

static const char *const json_types[] = { "application/json", NULL };
static const char *const form_types[] = { "application/x-www-form-urlencoded", NULL };
static const char *const patch_types[] = { "application/merge-patch+json", "application/json", NULL };

static const char *const *accepted_types(const struct route *route)
{
	if (route->body_kind == BODY_RAW)
		return route->accepts;
	if (route->body_kind == BODY_FORM)
		return form_types;
	return route->method == PATCH ? patch_types : json_types;
}

static struct str media_type(struct arena *a, struct str header)
{
	struct str type = arena_dup(a, str_trim(str_first(header, str_index(header, ';'))));

	for (size_t i = 0; i < type.len; i++) {
		char *c = (char *)type.ptr + i;
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	}
	return type;
}

static bool is_listed(const char *const *types, struct str type)
{
	for (; *types != NULL; types++)
		if (str_eq(str_of(*types), type))
			return true;
	return false;
}

static enum err refuse_type(struct exchange *x, const char *const *types)
{
	struct buf list;

	buf_init(&list, x->request.arena, 512);
	for (size_t i = 0; types[i] != NULL; i++)
		buf_printf(&list, "%s%s", i == 0 ? "" : ", ", types[i]);
	x->response.problem_status = 415;
	response_header(&x->response, "Accept", buf_str(&list));
	return response_problem(&x->response, ERR_INVALID, "Content-Type is \"%.*s\"; send %s",
	    STR_ARG(str_first(x->request.body_type, 100)), buf_cstr(&list));
}

static enum err too_large(struct exchange *x, uint32_t max)
{
	return response_problem(&x->response, ERR_TOO_LARGE,
	    "the body is over this endpoint's limit of %u bytes", max);
}

/* Absent, "" and "-1" all mean unknown. */
static bool declared_length(const struct cgi *cgi, uint64_t *length)
{
	return str_to_u64(cgi_get(cgi, "CONTENT_LENGTH"), length);
}

static enum err broke_off(struct exchange *x, size_t after)
{
	x->response.problem_status = 400;
	return response_problem(&x->response, ERR_INVALID, "the body broke off after %zu bytes", after);
}

static enum err read_all(struct exchange *x, const struct body_source *source, uint32_t max)
{
	struct buf body;
	uint64_t declared = 0;
	bool known = declared_length(x->request.cgi, &declared);

	if (known && declared > max)
		return too_large(x, max);
	buf_init(&body, x->request.arena, (size_t)max + 1);
	for (;;) {
		size_t room = known && declared > body.len ? (size_t)declared - body.len : 4096;
		if (room > (size_t)max + 1 - body.len)
			room = (size_t)max + 1 - body.len;
		if (!buf_reserve(&body, room))
			return ERR_NO_MEMORY;
		long n = source->read(source->context, body.ptr + body.len, room);
		if (n == 0)
			break;
		if (n < 0)
			return broke_off(x, body.len);
		body.len += (size_t)n;
		if (body.len > max)
			return too_large(x, max);
	}
	if (known && body.len < declared)
		return broke_off(x, body.len);
	x->request.body = buf_str(&body);
	return OK;
}

static bool has_required(const struct schema *s)
{
	for (const struct field *f = s->fields; f->name != NULL; f++)
		if (f->required)
			return true;
	return false;
}

static enum err check_form(struct exchange *x, const struct schema *schema)
{
	struct request *req = &x->request;
	const char *reason = "";

	enum err e = form_to_json(req->arena, schema, req->body, &req->json, &reason);
	if (e == ERR_INVALID) {
		x->response.problem_status = 400;
		return response_problem(&x->response, e, "the body: %s", reason);
	}
	if (e != OK)
		return e;
	schema_check(schema, SCHEMA_WHOLE, req->json, &x->response.errors);
	return x->response.errors.count == 0 ? OK : ERR_INVALID;
}

static enum err check_json(struct exchange *x, const struct schema *schema)
{
	struct request *req = &x->request;
	struct json_error error = { 0 };
	struct str text = req->body;

	if (text.len == 0 && !has_required(schema))
		text = STR("{}");
	enum err e = json_parse(req->arena, text, JSON_DEPTH_MAX, &req->json, &error);
	if (e == ERR_INVALID) {
		x->response.problem_status = 400;
		return response_problem(&x->response, e, "the body is not JSON: line %u, column %u: %s",
		    error.line, error.column, error.reason);
	}
	if (e != OK)
		return e;
	schema_check(schema, req->method == PATCH ? SCHEMA_PATCH : SCHEMA_WHOLE, req->json,
	    &x->response.errors);
	return x->response.errors.count == 0 ? OK : ERR_INVALID;
}

/* A DELETE has a body where its route says so (RFC 9110, 9.3.5: by agreement). */
static bool takes_body(const struct route *route)
{
	return route->method == POST || route->method == PUT || route->method == PATCH ||
	    (route->method == DELETE && route->body != NULL);
}

enum err exchange_read_body(struct exchange *x, const struct body_source *source)
{
	const struct route *route = x->request.route;
	struct request *req = &x->request;

	if (!takes_body(route) || (route->body == NULL && route->body_kind == BODY_JSON))
		return OK;
	uint32_t max = route->body_max_bytes != 0 ? route->body_max_bytes :
	    req->app->config.body_max_bytes;
	req->body_type = media_type(req->arena, cgi_get(req->cgi, "CONTENT_TYPE"));
	enum err e = read_all(x, source, max);
	if (e != OK)
		return e;
	const char *const *types = accepted_types(route);
	if (req->body.len > 0 && !is_listed(types, req->body_type))
		return refuse_type(x, types);
	if (route->body_kind == BODY_RAW)
		return OK;
	if (route->body_kind == BODY_FORM)
		return check_form(x, route->body);
	return check_json(x, route->body != NULL ? route->body : &schema_empty);
}
