#include "http/request.h"

#include "base/buf.h"
#include "http/app.h"
#include "http/etag.h"

struct str cgi_get(const struct cgi *c, const char *name)
{
	struct str wanted = str_of(name);

	for (size_t i = 0; i < c->count; i++)
		if (str_eq(c->list[i].name, wanted))
			return c->list[i].value.len == 0 ? STR_NONE : c->list[i].value;
	return STR_NONE;
}

/* Whether a variable "HTTP_IF_MATCH" is the header "If-Match". */
static bool is_header(struct str variable, struct str header)
{
	if (variable.len != header.len + 5 || memcmp(variable.ptr, "HTTP_", 5) != 0)
		return false;
	for (size_t i = 0; i < header.len; i++) {
		char c = header.ptr[i];
		if (c == '-')
			c = '_';
		else if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		if (variable.ptr[i + 5] != c)
			return false;
	}
	return true;
}

struct str request_header(const struct request *r, const char *name)
{
	struct str header = str_of(name);

	for (size_t i = 0; i < r->cgi->count; i++)
		if (is_header(r->cgi->list[i].name, header))
			return r->cgi->list[i].value.len == 0 ? STR_NONE : r->cgi->list[i].value;
	return STR_NONE;
}

struct str request_headers(const struct request *r, const char *name)
{
	struct str header = str_of(name), joined = STR_NONE;

	for (size_t i = 0; i < r->cgi->count; i++) {
		struct str value = r->cgi->list[i].value;
		if (value.len == 0 || !is_header(r->cgi->list[i].name, header))
			continue;
		joined = joined.ptr == NULL ? value :
		    arena_printf(r->arena, "%.*s, %.*s", STR_ARG(joined), STR_ARG(value));
	}
	return joined;
}

static struct str find(const struct path_parameter *list, size_t count, const char *name)
{
	struct str wanted = str_of(name);

	for (size_t i = 0; i < count; i++)
		if (str_eq(list[i].name, wanted))
			return list[i].value;
	return STR_NONE;
}

struct str request_parameter(const struct request *r, const char *name)
{
	return find(r->parameters, r->n_parameters, name);
}

struct str request_query(const struct request *r, const char *name)
{
	return find(r->query, r->n_query, name);
}

int64_t request_query_int(const struct request *r, const char *name, int64_t otherwise)
{
	int64_t n;

	return str_to_i64(request_query(r, name), &n) ? n : otherwise;
}

enum err request_if_match(const struct request *r, struct str id, uint64_t stored,
    uint64_t *version)
{
	struct str header = request_headers(r, "If-Match");

	*version = 0;
	if (header.ptr == NULL)
		return OK;
	*version = stored;
	struct str tag = etag_of_version(r->arena, id, stored, "");
	return etag_list_has(header, tag) ? OK : ERR_STALE;
}

struct str request_list_context(const struct request *r)
{
	struct buf text;

	buf_init(&text, r->arena, PATH_MAX_BYTES + 2 * QUERY_MAX_BYTES);
	buf_add(&text, r->path);
	for (size_t i = 0; i < r->n_query; i++) {
		if (str_eq(r->query[i].name, STR("cursor")) || str_eq(r->query[i].name, STR("limit")))
			continue;
		buf_printf(&text, "\n%.*s=%.*s", STR_ARG(r->query[i].name), STR_ARG(r->query[i].value));
	}
	return buf_str(&text);
}
