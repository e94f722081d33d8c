/*
 * The path and the query that were asked for.  Gateways put a stage or the key of a
 * mapping before the path; the route that they chose says where the path begins.
 */
#include "base/limits.h"
#include "lambda/event_parts.h"

/* Every byte may become three, and bounds are the handlers' own to answer for. */
#define TARGET_MAX_BYTES (3 * EVENT_MAX_BYTES)

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '.' || c == '_' || c == '~';
}

/* pchar, '/', '?' and '%', which stands for itself: RFC 3986, 3.3 and 3.4. */
static bool may_stand(char c)
{
	return is_unreserved(c) || (c != '\0' && strchr("!$&'()*+,;=:@/?%", c) != NULL);
}

struct str event_encode(struct arena *a, struct str s, bool all)
{
	struct buf out;

	buf_init(&out, a, TARGET_MAX_BYTES);
	for (size_t i = 0; i < s.len; i++)
		if (all ? is_unreserved(s.ptr[i]) : may_stand(s.ptr[i]))
			buf_char(&out, s.ptr[i]);
		else
			buf_printf(&out, "%%%02X", (unsigned char)s.ptr[i]);
	return buf_failed(&out) ? STR_NONE : buf_str(&out);
}

/* --- the path ----------------------------------------------------------------------- */

/* `path` without `base` ("/api") at its front, where it ends at a '/' or the end. */
static struct str without(struct str path, struct str base)
{
	while (base.len > 0 && base.ptr[base.len - 1] == '/')
		base.len--;
	if (base.len == 0 || !str_starts(path, base))
		return path;
	struct str rest = str_from(path, base.len);
	if (rest.len == 0)
		return STR("/");
	return rest.ptr[0] == '/' ? rest : path;
}

static struct str without_stage(struct reading *r, struct str path)
{
	struct str stage = json_get_string(r->context, "stage");
	struct str domain = json_get_string(r->context, "domainName");
	struct str id = json_get_string(r->context, "apiId");

	if (r->out->kind != EVENT_HTTP || stage.len == 0 || str_eq(stage, STR("$default")))
		return path;
	/* A domain of one's own has no stage in its paths. */
	if (domain.len > 0 && id.len > 0 &&
	    !(str_starts(domain, id) && str_starts(str_from(domain, id.len), STR("."))))
		return path;
	return without(path, arena_printf(r->a, "/%.*s", STR_ARG(stage)));
}

/* "/v1/blog/{id}" of the route that was chosen; absent: it says nothing. */
static struct str chosen_route(struct reading *r)
{
	struct str key = json_get_string(r->event, "routeKey");

	if (r->out->kind == EVENT_REST)
		return json_get_string(r->event, "resource");
	if (r->out->kind != EVENT_HTTP)
		return STR_NONE;
	size_t space = str_index(key, ' ');
	return space < key.len ? str_from(key, space + 1) : STR_NONE;
}

/* Takes the last segment off *path: "/a/b" gives "b" and leaves "/a". */
static bool cut_last(struct str *path, struct str *segment)
{
	size_t begin = path->len;

	while (begin > 0 && path->ptr[begin - 1] != '/')
		begin--;
	if (begin == 0)
		return false;
	*segment = str_from(*path, begin);
	*path = str_first(*path, begin - 1);
	return true;
}

static bool is_parameter(struct str segment)
{
	return str_starts(segment, STR("{")) && str_ends(segment, STR("}"));
}

/* What stands before the route's own path; false: it is not at the end of `path`. */
static bool find_mapping(struct str path, struct str route, struct str *mapping)
{
	struct str want, have;

	while (str_starts(route, STR("/")) && route.len > 1) {
		if (!cut_last(&route, &want) || !cut_last(&path, &have))
			return false;
		if (is_parameter(want) ? have.len == 0 : !str_eq(want, have))
			return false;
	}
	*mapping = path;
	return true;
}

/* Whether they are alike as far as one can tell: a gateway decodes parameters. */
static bool is_alike(struct str raw, struct str decoded)
{
	return str_eq(raw, decoded) || str_contains(raw, STR("%"));
}

/* For "/a/{proxy+}" the gateway says what stands for {proxy+}. */
static bool cut_greedy(struct reading *r, struct str *path, struct str *route)
{
	struct str segment, want, have, rest = *route, front = *path;

	if (!cut_last(&rest, &segment) || !str_ends(segment, STR("+}")))
		return true;
	struct str name = str_from(str_first(segment, segment.len - 2), 1);
	const struct json *value = json_get(json_get(r->event, STR("pathParameters")), name);
	if (value == NULL || json_type(value) != JSON_STRING)
		return false;
	struct str tail = arena_printf(r->a, "/%.*s", STR_ARG(json_string(value)));
	if (str_ends(front, STR("/")) && !str_ends(tail, STR("/")))
		front.len--;
	while (cut_last(&tail, &want))
		if (!cut_last(&front, &have) || !is_alike(have, want))
			return false;
	*path = front;
	*route = rest;
	return true;
}

static struct str without_mapping(struct reading *r, struct str path)
{
	struct str route = chosen_route(r), front = path, mapping;

	if (route.len == 0 || !cut_greedy(r, &front, &route))
		return path;
	if (str_eq(route, STR("/")) && front.len == path.len)
		return str_eq(path, STR("/")) ? path : STR("/");
	if (!find_mapping(front, route, &mapping))
		return path;
	return mapping.len < path.len ? str_from(path, mapping.len) : path;
}

struct str event_path(struct reading *r, struct str base_path)
{
	bool v2 = r->out->kind == EVENT_HTTP || r->out->kind == EVENT_URL;
	struct str path = json_get_string(r->event, v2 ? "rawPath" : "path");

	if (path.ptr == NULL)
		return STR_NONE;
	if (!str_starts(path, STR("/")))
		path = arena_printf(r->a, "/%.*s", STR_ARG(path));
	path = without_mapping(r, without_stage(r, path));
	path = without(path, base_path);
	/* A '?' in a path was one that the gateway decoded. */
	struct buf out;
	buf_init(&out, r->a, TARGET_MAX_BYTES);
	for (struct str rest = event_encode(r->a, path, false); rest.ptr != NULL;) {
		buf_add(&out, str_cut(&rest, '?'));
		if (rest.ptr != NULL)
			BUF_LIT(&out, "%3F");
	}
	return buf_failed(&out) ? STR_NONE : buf_str(&out);
}

/* --- the query ------------------------------------------------------------------------ */

struct query {
	struct reading *r;
	struct buf      out;
	bool            raw;            /* as the client encoded it */
};

static void add_pair(struct query *q, struct str name, struct str value)
{
	struct arena *a = q->r->a;

	if (q->out.len > 0)
		buf_char(&q->out, '&');
	buf_add(&q->out, event_encode(a, name, !q->raw));
	buf_char(&q->out, '=');
	buf_add(&q->out, event_encode(a, value, !q->raw));
}

static bool add_single(void *context, struct json_member m)
{
	if (json_type(m.value) == JSON_STRING)
		add_pair(context, m.name, json_string(m.value));
	return true;
}

static bool add_many(void *context, struct json_member m)
{
	if (json_type(m.value) != JSON_ARRAY)
		return true;
	for (size_t i = 0; i < json_length(m.value); i++)
		if (json_type(json_at(m.value, i)) == JSON_STRING)
			add_pair(context, m.name, json_string(json_at(m.value, i)));
	return true;
}

struct str event_query(struct reading *r)
{
	struct str raw = json_get_string(r->event, "rawQueryString");
	const struct json *many = json_get(r->event, STR("multiValueQueryStringParameters"));
	const struct json *single = json_get(r->event, STR("queryStringParameters"));
	struct query q = { .r = r, .raw = r->out->kind != EVENT_REST };

	if (r->out->kind == EVENT_HTTP || r->out->kind == EVENT_URL)
		return raw.len == 0 ? STR_NONE : event_encode(r->a, raw, false);
	buf_init(&q.out, r->a, TARGET_MAX_BYTES);
	if (many != NULL && json_type(many) == JSON_OBJECT)
		json_each(many, add_many, &q);
	else if (single != NULL && json_type(single) == JSON_OBJECT)
		json_each(single, add_single, &q);
	return buf_failed(&q.out) || q.out.len == 0 ? STR_NONE : buf_str(&q.out);
}
