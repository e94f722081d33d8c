#include "base/limits.h"
#include "lambda/event_parts.h"
#include "lambda/field.h"

/* What is the connection's own, what the body's length replaces, and what CGI
 * programs take for their proxy (CVE-2016-5385). */
static const struct str left_out[] = {
	STR_INIT("connection"), STR_INIT("content-length"), STR_INIT("expect"), STR_INIT("keep-alive"),
	STR_INIT("proxy"), STR_INIT("proxy-connection"), STR_INIT("te"), STR_INIT("trailer"),
	STR_INIT("transfer-encoding"), STR_INIT("upgrade"),
};

/* Not '_': it and '-' would be one variable, and a client could send what a proxy
 * removes under the other name. */
static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '-'))
			return false;
	}
	return s.len > 0 && s.len <= 256;
}

static struct str variable_name(struct arena *a, struct str header)
{
	if (str_eq_nocase(header, STR("content-type")))
		return STR("CONTENT_TYPE");
	struct str name = arena_printf(a, "HTTP_%.*s", STR_ARG(header));
	char *p = (char *)name.ptr;
	for (size_t i = 0; i < name.len; i++)
		if (p[i] == '-')
			p[i] = '_';
		else if (p[i] >= 'a' && p[i] <= 'z')
			p[i] = (char)(p[i] - 'a' + 'A');
	return name;
}

/* One line; a further one of the same name joins it (RFC 9110, 5.3; RFC 6265, 5.4). */
static void add_line(struct reading *r, struct str header, struct str value)
{
	struct event *e = r->out;

	if (!is_name(header) || field_is_one_of(header, left_out, COUNT(left_out)))
		return;
	if (!field_is_value(value)) {
		event_settle(e, 400, "a header has a control byte in it");
		return;
	}
	struct str name = variable_name(r->a, header);
	for (size_t i = 0; i < e->count; i++) {
		struct variable *v = &e->list[i];
		if (!str_eq(v->name, name))
			continue;
		if (v->value.len + value.len + 2 > VARIABLE_MAX_BYTES)
			event_settle(e, 431, "a header is too long");
		else
			v->value = arena_printf(r->a, "%.*s%s%.*s", STR_ARG(v->value),
			    str_eq(name, STR("HTTP_COOKIE")) ? "; " : ", ", STR_ARG(value));
		return;
	}
	event_add(r, name, value);
}

static bool add_single(void *context, struct json_member m)
{
	struct reading *r = context;

	if (json_type(m.value) == JSON_STRING)
		add_line(r, m.name, json_string(m.value));
	return r->out->status == 0;
}

static bool add_many(void *context, struct json_member m)
{
	struct reading *r = context;

	if (json_type(m.value) != JSON_ARRAY)
		return true;
	for (size_t i = 0; i < json_length(m.value) && r->out->status == 0; i++) {
		const struct json *value = json_at(m.value, i);
		if (json_type(value) == JSON_STRING)
			add_line(r, m.name, json_string(value));
	}
	return r->out->status == 0;
}

void event_add_headers(struct reading *r)
{
	const struct json *many = json_get(r->event, STR("multiValueHeaders"));
	const struct json *single = json_get(r->event, STR("headers"));
	const struct json *cookies = json_get(r->event, STR("cookies"));
	bool is_v2 = r->out->kind == EVENT_HTTP || r->out->kind == EVENT_URL;

	if (!is_v2 && many != NULL && json_type(many) == JSON_OBJECT)
		json_each(many, add_many, r);
	else if (single != NULL && json_type(single) == JSON_OBJECT)
		json_each(single, add_single, r);
	if (!is_v2 || cookies == NULL || json_type(cookies) != JSON_ARRAY)
		return;
	for (size_t i = 0; i < json_length(cookies) && r->out->status == 0; i++)
		if (json_type(json_at(cookies, i)) == JSON_STRING)
			add_line(r, STR("cookie"), json_string(json_at(cookies, i)));
}

/* "q=0", "q=0.000": never. */
static bool is_refused(struct str parameters)
{
	while (parameters.ptr != NULL) {
		struct str p = str_trim(str_cut(&parameters, ';'));
		if (p.len < 3 || (p.ptr[0] != 'q' && p.ptr[0] != 'Q') || p.ptr[1] != '=')
			continue;
		for (size_t i = 2; i < p.len; i++)
			if (p.ptr[i] != '0' && p.ptr[i] != '.')
				return false;
		return true;
	}
	return false;
}

bool event_takes_gzip(struct str accept_encoding)
{
	bool any = false, named = false, takes = false;

	while (accept_encoding.ptr != NULL) {
		struct str rest = str_cut(&accept_encoding, ',');
		struct str coding = str_trim(str_cut(&rest, ';'));
		if (str_eq(coding, STR("*")))
			any = !is_refused(rest);
		if (!str_eq_nocase(coding, STR("gzip")) && !str_eq_nocase(coding, STR("x-gzip")))
			continue;
		named = true;
		takes = !is_refused(rest);
	}
	return named ? takes : any;
}
