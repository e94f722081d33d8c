#include "http/response.h"

#include <stdio.h>
#include <stdlib.h>

#include "http/app.h"
#include "http/cursor.h"
#include "http/etag.h"
#include "http/exchange.h"

void response_header(struct response *r, const char *name, struct str value)
{
	/* An endpoint's own headers are few and known; over the room is a bug. */
	if (r->n_headers == RESPONSE_HEADERS_MAX || str_has_control(value))
		abort();
	r->headers[r->n_headers++] = (struct header){ str_of(name), value };
}

struct json_writer response_writer(struct response *r)
{
	struct json_writer w;

	buf_reset(&r->buffer);
	json_begin(&w, &r->buffer);
	return w;
}

void response_json(struct response *r)
{
	r->body = buf_str(&r->buffer);
}

void response_body(struct response *r, struct str json)
{
	r->body = json;
}

void response_etag(struct response *r, struct str id, uint64_t version, const char *variant)
{
	r->etag = etag_of_version(r->arena, id, version, variant);
}

void response_etag_of_body(struct response *r)
{
	r->etag = etag_of_bytes(r->arena, r->body);
}

enum err response_problem(struct response *r, enum err e, const char *fmt, ...)
{
	struct buf text;
	char line[1024];
	va_list args;

	va_start(args, fmt);
	int n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	buf_init(&text, r->arena, sizeof(line));
	if (n > 0)
		buf_bytes(&text, line, (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1);
	r->detail = buf_str(&text);
	return e;
}

void response_field_error(struct response *r, struct str pointer, const char *fmt, ...)
{
	char line[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	field_errors_add(&r->errors, arena_dup(r->arena, pointer), "%s", line);
}

struct json_writer response_page_open(struct response *r)
{
	struct json_writer w = response_writer(r);

	json_object_open(&w);
	json_name(&w, "items");
	json_array_open(&w);
	return w;
}

/* The page's own address with another cursor: what Link says. */
static void link_next(const struct request *req, struct response *r, struct str cursor)
{
	struct buf link;

	buf_init(&link, r->arena, PATH_MAX_BYTES + 4 * QUERY_MAX_BYTES);
	buf_printf(&link, "<%.*s%.*s?", STR_ARG(req->origin), STR_ARG(req->path));
	for (struct str rest = req->raw_query; rest.ptr != NULL;) {
		struct str pair = str_cut(&rest, '&');
		if (pair.len > 0 && !str_starts(pair, STR("cursor=")))
			buf_printf(&link, "%.*s&", STR_ARG(pair));
	}
	buf_printf(&link, "cursor=%.*s>; rel=\"next\"", STR_ARG(cursor));
	/* A query that would break out of <> was percent-encoded by the client or
	 * makes the header be left out: next_cursor stands in the body anyway. */
	struct str text = buf_str(&link);
	if (!buf_failed(&link) && !str_has_control(text) && str_index(text, '>') + 13 == text.len)
		response_header(r, "Link", text);
}

void response_page_close(const struct request *req, struct response *r, struct json_writer *w,
    struct str last_position, bool more)
{
	json_array_close(w);
	json_name(w, "next_cursor");
	if (more) {
		struct str cursor = cursor_make(r->arena, req->app->http->cursor_key,
		    request_list_context(req), last_position);
		json_put_string(w, cursor);
		link_next(req, r, cursor);
	} else {
		json_put_null(w);
	}
	json_object_close(w);
	response_json(r);
}
