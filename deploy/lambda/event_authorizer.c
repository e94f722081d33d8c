/*
 * What an authorizer in front of the function has found out, each under a prefix that
 * says who found it.  Names stay as the authorizer wrote them, so that no two become
 * one ("custom:role" and "custom_role").
 */
#include "base/buf.h"
#include "lambda/event_parts.h"

struct group {
	struct reading *r;
	const char     *prefix;
};

static struct str text_of(struct arena *a, const struct json *v)
{
	struct buf out;

	if (json_type(v) == JSON_STRING)
		return json_string(v);
	if (json_type(v) == JSON_NULL)
		return STR_NONE;
	buf_init(&out, a, VARIABLE_MAX_BYTES + 1);
	json_write(&out, v);
	return buf_failed(&out) ? STR_NONE : buf_str(&out);
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] > '~' || s.ptr[i] == '=')
			return false;
	return s.len > 0 && s.len <= CLAIM_NAME_MAX_BYTES;
}

static bool add_one(void *context, struct json_member m)
{
	struct group *g = context;
	struct reading *r = g->r;

	if (is_name(m.name))
		event_add(r, arena_printf(r->a, "%s%.*s", g->prefix, STR_ARG(m.name)),
		    text_of(r->a, m.value));
	return r->out->status == 0;
}

static void add_group(struct reading *r, const struct json *object, const char *prefix)
{
	struct group g = { r, prefix };

	if (object != NULL && json_type(object) == JSON_OBJECT)
		json_each(object, add_one, &g);
}

static void add_scopes(struct reading *r, const struct json *list)
{
	struct buf out;

	if (list == NULL || json_type(list) != JSON_ARRAY || json_length(list) == 0)
		return;
	buf_init(&out, r->a, VARIABLE_MAX_BYTES + 1);
	for (size_t i = 0; i < json_length(list); i++) {
		if (i > 0)
			buf_char(&out, ' ');
		buf_add(&out, json_string(json_at(list, i)));
	}
	if (buf_failed(&out))
		event_settle(r->out, 431, "there are too many scopes");
	else
		event_add(r, STR("AUTHORIZER_SCOPES"), buf_str(&out));
}

/* What a function of one's own says stands beside its principal, by no name. */
static bool add_plain(void *context, struct json_member m)
{
	return str_eq(m.name, STR("claims")) || str_eq(m.name, STR("jwt")) ||
	    str_eq(m.name, STR("lambda")) || str_eq(m.name, STR("iam")) ? true :
	    add_one(context, m);
}

/* The identity that IAM vouches for, where a REST API asks for signed requests. */
static void add_identity(struct reading *r)
{
	static const struct {
		const char *member;
		struct str  name;
	} rows[] = {
		{ "userArn", STR_INIT("AUTHORIZER_IAM_userArn") },
		{ "user", STR_INIT("AUTHORIZER_IAM_userId") },
		{ "accountId", STR_INIT("AUTHORIZER_IAM_accountId") },
	};
	const struct json *identity = json_get(r->context, STR("identity"));

	for (size_t i = 0; i < COUNT(rows); i++)
		event_add(r, rows[i].name, json_get_string(identity, rows[i].member));
}

void event_add_authorizer(struct reading *r)
{
	const struct json *found = json_get(r->context, STR("authorizer"));
	const struct json *jwt = json_get(found, STR("jwt"));
	struct group plain = { r, "AUTHORIZER_CONTEXT_" };

	add_group(r, json_get(found, STR("claims")), "AUTHORIZER_CLAIM_");
	add_group(r, json_get(jwt, STR("claims")), "AUTHORIZER_CLAIM_");
	add_scopes(r, json_get(jwt, STR("scopes")));
	add_group(r, json_get(found, STR("lambda")), "AUTHORIZER_CONTEXT_");
	add_group(r, json_get(found, STR("iam")), "AUTHORIZER_IAM_");
	if (r->out->kind != EVENT_REST)
		return;
	add_identity(r);
	if (found != NULL && json_type(found) == JSON_OBJECT)
		json_each(found, add_plain, &plain);
}
