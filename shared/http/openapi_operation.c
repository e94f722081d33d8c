#include "http/openapi_operation.h"

#include "base/buf.h"
#include "http/problem.h"

#define OPERATION_ID_MAX 256

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* The words of "publish_at.xml" with capitals, the first if `begins`: "PublishAtXml". */
static void add_words(struct buf *out, struct str s, bool begins)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (is_word_char(c))
			buf_char(out, begins && c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
		begins = !is_word_char(c);
	}
}

/* The segments of `path` without "v1": it is the API's and not the operation's. */
static struct str path_words(const char *path)
{
	struct str s = str_from(str_of(path), 1);

	return str_starts(s, STR("v1/")) ? str_from(s, 3) : s;
}

/* The last segment where it says what a POST does: "publish"; else absent. */
static struct str action_of(const struct route *r, struct str words)
{
	size_t at = words.len;

	if (r->method != POST || r->creates)
		return STR_NONE;
	while (at > 0 && words.ptr[at - 1] != '/')
		at--;
	if (at == 0 || at == words.len || words.ptr[at] == '{')
		return STR_NONE;
	return str_from(words, at);
}

static const char *verb_of(const struct route *r)
{
	static const char *const verbs[METHOD_COUNT] = {
		[GET] = "get", [POST] = "post", [PUT] = "replace", [PATCH] = "update",
		[DELETE] = "delete",
	};

	if (r->page)
		return "list";
	return r->creates ? "create" : verbs[r->method];
}

struct str operation_id(struct arena *a, const struct route *r)
{
	struct str words = path_words(r->path), action = action_of(r, words);
	struct buf out;

	buf_init(&out, a, OPERATION_ID_MAX);
	add_words(&out, action.ptr == NULL ? str_of(verb_of(r)) : action, false);
	words = str_first(words, words.len - action.len);
	if (words.len == 0 && action.ptr == NULL)
		BUF_LIT(&out, "Root");
	while (words.ptr != NULL) {
		struct str segment = str_cut(&words, '/');
		if (str_starts(segment, STR("{")))
			BUF_LIT(&out, "By");
		add_words(&out, segment, true);
	}
	return buf_str(&out);
}

void operation_collect(struct openapi *o, const struct route *r)
{
	if (r->errors == ERRORS_OAUTH)
		schema_uses_add(&o->schemas, o->arena, &oauth_error, VARIANT_WHOLE, false);
	if (r->body != NULL && r->body_kind != BODY_RAW)
		schema_uses_add(&o->schemas, o->arena, r->body,
		    r->method == PATCH ? VARIANT_PATCH : VARIANT_WHOLE, true);
	if (r->reply != NULL)
		schema_uses_add(&o->schemas, o->arena, r->reply,
		    r->page ? VARIANT_PAGE : VARIANT_WHOLE, false);
}

static void write_requirement(struct openapi *o, const char *scheme)
{
	json_object_open(&o->w);
	json_name(&o->w, scheme);
	json_array_open(&o->w);
	json_array_close(&o->w);
	json_object_close(&o->w);
}

static void write_security(struct openapi *o, const struct route *r)
{
	json_name(&o->w, "security");
	json_array_open(&o->w);
	if (route_is_open(r)) {
		json_object_open(&o->w);
		json_object_close(&o->w);
	}
	if (r->scope != SCOPE_PUBLIC)
		write_requirement(o, "bearerAuth");
	if (r->scope != SCOPE_PUBLIC && !r->session)
		write_requirement(o, "apiKeyAuth");
	json_array_close(&o->w);
}

static void write_path_parameter(struct openapi *o, struct str name)
{
	json_object_open(&o->w);
	json_member_string(&o->w, "name", name);
	json_member_string(&o->w, "in", STR("path"));
	json_member_bool(&o->w, "required", true);
	json_name(&o->w, "schema");
	json_object_open(&o->w);
	json_member_string(&o->w, "type", STR("string"));
	json_object_close(&o->w);
	json_object_close(&o->w);
}

static void write_path_parameters(struct openapi *o, const struct route *r)
{
	struct str rest = str_of(r->path);

	for (rest = str_from(rest, str_index(rest, '{')); rest.len > 0;
	    rest = str_from(rest, str_index(rest, '{'))) {
		struct str name = str_from(str_first(rest, str_index(rest, '}')), 1);
		rest = str_from(rest, name.len + 1);
		write_path_parameter(o, str_first(name, str_index(name, '*')));
	}
}

static void write_query_parameter(struct openapi *o, const struct field *f)
{
	json_object_open(&o->w);
	json_member_string(&o->w, "name", str_of(f->name));
	json_member_string(&o->w, "in", STR("query"));
	if (f->help != NULL)
		json_member_string(&o->w, "description", str_of(f->help));
	if (f->required)
		json_member_bool(&o->w, "required", true);
	json_name(&o->w, "schema");
	schema_write_parameter(o->arena, &o->w, f);
	json_object_close(&o->w);
}

static bool declares(const struct schema *s, const char *name)
{
	if (s == NULL)
		return false;
	for (const struct field *f = s->fields; f->name != NULL; f++)
		if (str_eq(str_of(f->name), str_of(name)))
			return true;
	return false;
}

static void write_parameters(struct openapi *o, const struct route *r)
{
	json_name(&o->w, "parameters");
	json_array_open(&o->w);
	write_path_parameters(o, r);
	for (const struct field *f = r->query == NULL ? NULL : r->query->fields;
	    f != NULL && f->name != NULL; f++)
		write_query_parameter(o, f);
	if (r->page && !declares(r->query, "limit"))
		part_write_parameter(o, PARAMETER_LIMIT);
	if (r->page && !declares(r->query, "cursor"))
		part_write_parameter(o, PARAMETER_CURSOR);
	if (r->conditional)
		part_write_parameter(o, PARAMETER_IF_MATCH);
	if (route_has_etag(r))
		part_write_parameter(o, PARAMETER_IF_NONE_MATCH);
	if (route_takes_key(r))
		part_write_parameter(o, PARAMETER_IDEMPOTENCY_KEY);
	json_array_close(&o->w);
}

/* A media type whose content is no document of ours.  Its parameters are no part
 * of its name here. */
static void write_raw_content(struct openapi *o, struct str type)
{
	type = str_trim(str_first(type, str_index(type, ';')));
	bool object = str_ends(type, STR("+json")), any = str_eq(type, STR("application/json"));

	json_name_str(&o->w, type);
	json_object_open(&o->w);
	json_name(&o->w, "schema");
	json_object_open(&o->w);
	if (!any)
		json_member_string(&o->w, "type", object ? STR("object") : STR("string"));
	if (!any && !object && !str_starts(type, STR("text/")))
		json_member_string(&o->w, "format", STR("binary"));
	json_object_close(&o->w);
	json_object_close(&o->w);
}

static void write_json_content(struct openapi *o, struct str type, const struct schema *s,
    enum schema_variant variant)
{
	json_name_str(&o->w, type);
	json_object_open(&o->w);
	json_name(&o->w, "schema");
	schema_write_ref(o->arena, &o->w, s, variant);
	json_object_close(&o->w);
}

static bool has_required(const struct schema *s)
{
	for (const struct field *f = s->fields; f->name != NULL; f++)
		if (f->required)
			return true;
	return false;
}

static void write_body_contents(struct openapi *o, const struct route *r)
{
	if (r->body_kind == BODY_RAW) {
		for (size_t i = 0; r->accepts[i] != NULL; i++)
			write_raw_content(o, str_of(r->accepts[i]));
		return;
	}
	if (r->body_kind == BODY_FORM) {
		write_json_content(o, STR("application/x-www-form-urlencoded"), r->body,
		    VARIANT_WHOLE);
		return;
	}
	if (r->method == PATCH)
		write_json_content(o, STR("application/merge-patch+json"), r->body, VARIANT_PATCH);
	write_json_content(o, STR("application/json"), r->body,
	    r->method == PATCH ? VARIANT_PATCH : VARIANT_WHOLE);
}

static void write_body(struct openapi *o, const struct route *r)
{
	if (!route_takes_body(r))
		return;
	json_name(&o->w, "requestBody");
	json_object_open(&o->w);
	json_member_bool(&o->w, "required", r->body_kind == BODY_RAW || has_required(r->body));
	json_name(&o->w, "content");
	json_object_open(&o->w);
	write_body_contents(o, r);
	json_object_close(&o->w);
	json_object_close(&o->w);
}

/* What the reply holds. */
static void write_reply_content(struct openapi *o, const struct route *r)
{
	if (r->reply == NULL && r->reply_type == NULL)
		return;
	json_name(&o->w, "content");
	json_object_open(&o->w);
	if (r->reply != NULL)
		write_json_content(o, r->reply_type == NULL ? STR("application/json") :
		    str_of(r->reply_type), r->reply, r->page ? VARIANT_PAGE : VARIANT_WHOLE);
	else
		write_raw_content(o, str_of(r->reply_type));
	for (size_t i = 0; r->reply_types != NULL && r->reply_types[i] != NULL; i++)
		write_raw_content(o, str_of(r->reply_types[i]));
	json_object_close(&o->w);
}

static void write_success(struct openapi *o, const struct route *r)
{
	uint16_t status = route_status(r);

	json_name_str(&o->w, arena_printf(o->arena, "%u", status));
	json_object_open(&o->w);
	json_member_string(&o->w, "description", str_of(status_text(status)));
	part_write_headers(o, r);
	if (status != 204)
		write_reply_content(o, r);
	json_object_close(&o->w);
}

static void write_responses(struct openapi *o, const struct route *r)
{
	json_name(&o->w, "responses");
	json_object_open(&o->w);
	if (!r->redirects || r->status != 303)
		write_success(o, r);
	if (r->redirects)
		part_write_redirect(o, r);
	part_write_problems(o, r);
	json_object_close(&o->w);
}

void operation_write(struct openapi *o, const struct route *r)
{
	json_object_open(&o->w);
	json_member_string(&o->w, "operationId", operation_id(o->arena, r));
	json_member_string(&o->w, "summary", str_of(r->summary));
	json_name(&o->w, "tags");
	json_array_open(&o->w);
	json_put_string(&o->w, str_of(o->handler->name));
	json_array_close(&o->w);
	json_member_string(&o->w, "x-scope",
	    r->scope == SCOPE_PUBLIC ? STR("public") : str_of(scope_name(r->scope)));
	if (r->signature_required)
		json_member_bool(&o->w, "x-signature-required", true);
	write_security(o, r);
	write_parameters(o, r);
	write_body(o, r);
	write_responses(o, r);
	json_object_close(&o->w);
}
