#include "limit/limit.h"

#include <assert.h>
#include <string.h>

#include "base/json.h"

#define NAME_MAX_BYTES  64
#define NAME_EXPECTED   "expected 1 to 64 of lower-case letters, digits, '-', '_' and '.'"
#define RATE_MAX_PER_MS 1000            /* a unit of 1 µs: finer ones would lose to rounding */
#define WINDOW_MIN_MS   1000
#define LIMIT_MAX       UINT64_C(1000000000)

#define MINUTE_MS       60000
#define HOUR_MS         3600000

static const struct limit_policy defaults[] = {
	{ "anonymous",  LIMIT_BY_ROLE, "anonymous",  LIMIT_GCRA, 30, MINUTE_MS, 0, false },
	{ "user",       LIMIT_BY_ROLE, "user",       LIMIT_GCRA, 60, MINUTE_MS, 0, false },
	{ "analyst",    LIMIT_BY_ROLE, "analyst",    LIMIT_GCRA, 120, MINUTE_MS, 0, false },
	{ "admin",      LIMIT_BY_ROLE, "admin",      LIMIT_GCRA, 300, MINUTE_MS, 0, false },
	{ "owner",      LIMIT_BY_ROLE, "owner",      LIMIT_GCRA, 600, MINUTE_MS, 0, false },
	{ "free",       LIMIT_BY_PLAN, "free",       LIMIT_GCRA, 10, 1000, 100, false },
	{ "premium",    LIMIT_BY_PLAN, "premium",    LIMIT_GCRA, 100, 1000, 1000, false },
	{ "enterprise", LIMIT_BY_PLAN, "enterprise", LIMIT_GCRA, 1000, 1000, 10000, false },
	{ "tenant-standard", LIMIT_BY_TENANT, "standard", LIMIT_WINDOW, 1000, HOUR_MS, 0, false },
	{ "tenant-premium", LIMIT_BY_TENANT, "premium", LIMIT_WINDOW, 5000, HOUR_MS, 0, false },
	{ "tenant-enterprise", LIMIT_BY_TENANT, "enterprise", LIMIT_WINDOW, 10000, HOUR_MS, 0,
	  false },
	{ "sign-in-address", LIMIT_BY_ROUTE, "sign-in", LIMIT_GCRA, 20, MINUTE_MS, 0, false },
	{ "oauth-address", LIMIT_BY_ROUTE, "oauth", LIMIT_GCRA, 300, MINUTE_MS, 0, false },
	{ "sign-in-account", LIMIT_BY_ROUTE_ACCOUNT, "sign-in", LIMIT_GCRA, 10, MINUTE_MS, 0,
	  false },
	/* NIST SP 800-63B, 5.2.2: no more than a hundred tries at one account. */
	{ "sign-in-strangers", LIMIT_BY_ROUTE_ACCOUNT, "strangers", LIMIT_WINDOW, 100, HOUR_MS, 0,
	  false },
	{ "mail-address", LIMIT_BY_ROUTE, "mail", LIMIT_GCRA, 30, HOUR_MS, 0, false },
	{ "mail-account", LIMIT_BY_ROUTE_ACCOUNT, "mail", LIMIT_GCRA, 10, HOUR_MS, 0, false },
	{ .name = NULL },
};

static const char *const scopes[] = {
	[LIMIT_BY_ROLE] = "role", [LIMIT_BY_PLAN] = "plan", [LIMIT_BY_TENANT] = "tenant",
	[LIMIT_BY_ROUTE] = "route", [LIMIT_BY_ROUTE_ACCOUNT] = "route_account",
};
static_assert(COUNT(scopes) == LIMIT_SCOPES, "a name for each scope");
static const char *const algorithms[] = { [LIMIT_GCRA] = "gcra", [LIMIT_WINDOW] = "window" };

static const char *const failures[] = {
	[LIMIT_LOCAL] = "local", [LIMIT_ALLOW] = "allow", [LIMIT_DENY] = "deny",
};

const struct limit_policy *limit_defaults(void)
{
	return defaults;
}

enum field_type { FIELD_NAME, FIELD_SCOPE, FIELD_ALGORITHM, FIELD_FAILURE, FIELD_NUMBER, FIELD_SWITCH };

struct field {
	const char     *name;
	size_t          offset;
	uint64_t        min, max;
	enum field_type type;
	bool            required;       /* of a policy that is not built in */
};

#define AT(member) .offset = offsetof(struct limit_policy, member)

static const struct field fields[] = {
	{ .name = "name", .type = FIELD_NAME, AT(name), .required = true },
	{ .name = "scope", .type = FIELD_SCOPE, AT(scope), .required = true },
	{ .name = "selector", .type = FIELD_NAME, AT(selector), .required = true },
	{ .name = "algorithm", .type = FIELD_ALGORITHM, AT(algorithm) },
	{ .name = "limit", .type = FIELD_NUMBER, AT(limit), .min = 1, .max = LIMIT_MAX,
	  .required = true },
	{ .name = "period_ms", .type = FIELD_NUMBER, AT(period_ms), .min = 1,
	  .max = LIMIT_PERIOD_MAX_MS, .required = true },
	{ .name = "burst", .type = FIELD_NUMBER, AT(burst), .min = 0, .max = LIMIT_MAX },
	{ .name = "dry_run", .type = FIELD_SWITCH, AT(dry_run) },
	{ .name = "on_failure", .type = FIELD_FAILURE, AT(on_failure) },
};

/* One reading of a policy file. */
struct reading {
	struct arena        *arena;
	struct limit_policy *policies;          /* ended by a NULL name */
	bool                 given[LIMIT_POLICIES_MAX]; /* by the file */
	size_t               count;
	struct limit_policy *into;              /* the one being read */
	size_t               index;             /* of it in the file */
	struct str          *reason;
	enum err             result;
};

static bool refuse(struct reading *r, const char *field, struct str why)
{
	const char *name = r->into == NULL ? NULL : r->into->name;

	*r->reason = arena_printf(r->arena, "policies[%zu]%s%s%s: %s: %.*s", r->index,
	    name == NULL ? "" : " \"", name == NULL ? "" : name, name == NULL ? "" : "\"",
	    field, STR_ARG(why));
	r->result = ERR_INVALID;
	return false;
}

static bool is_name(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		    c == '.'))
			return false;
	}
	return s.len > 0 && s.len <= NAME_MAX_BYTES;
}

static bool read_name(struct reading *r, const struct field *f, const struct json *v)
{
	if (json_type(v) != JSON_STRING || !is_name(json_string(v)))
		return refuse(r, f->name, STR(NAME_EXPECTED));
	const char *text = arena_cstr(r->arena, json_string(v));
	memcpy((char *)r->into + f->offset, &text, sizeof(text));
	return true;
}

static bool read_choice(struct reading *r, const struct field *f, const struct json *v,
    const char *const *choices, size_t count)
{
	struct buf expected;

	for (uint32_t i = 0; i < count; i++) {
		if (json_type(v) == JSON_STRING && str_eq(json_string(v), str_of(choices[i]))) {
			memcpy((char *)r->into + f->offset, &i, sizeof(i));
			return true;
		}
	}
	buf_init(&expected, r->arena, 256);
	BUF_LIT(&expected, "expected one of");
	for (size_t i = 0; i < count; i++)
		buf_printf(&expected, " %s", choices[i]);
	return refuse(r, f->name, buf_str(&expected));
}

static bool read_number(struct reading *r, const struct field *f, const struct json *v)
{
	int64_t n = json_int(v);

	if (json_type(v) != JSON_INT || n < (int64_t)f->min || n > (int64_t)f->max)
		return refuse(r, f->name, arena_printf(r->arena,
		    "expected a whole number from %llu to %llu",
		    (unsigned long long)f->min, (unsigned long long)f->max));
	uint64_t kept = (uint64_t)n;
	memcpy((char *)r->into + f->offset, &kept, sizeof(kept));
	return true;
}

static bool read_switch(struct reading *r, const struct field *f, const struct json *v)
{
	if (json_type(v) != JSON_BOOL)
		return refuse(r, f->name, STR("expected true or false"));
	bool on = json_bool(v);
	memcpy((char *)r->into + f->offset, &on, sizeof(on));
	return true;
}

static bool read_field(struct reading *r, const struct field *f, const struct json *v)
{
	switch (f->type) {
	case FIELD_NAME:
		return read_name(r, f, v);
	case FIELD_SCOPE:
		return read_choice(r, f, v, scopes, COUNT(scopes));
	case FIELD_ALGORITHM:
		return read_choice(r, f, v, algorithms, COUNT(algorithms));
	case FIELD_FAILURE:
		return read_choice(r, f, v, failures, COUNT(failures));
	case FIELD_NUMBER:
		return read_number(r, f, v);
	case FIELD_SWITCH:
		return read_switch(r, f, v);
	}
	return false;
}

static bool read_member(void *context, struct json_member member)
{
	struct reading *r = context;

	for (size_t i = 0; i < COUNT(fields); i++)
		if (str_eq(member.name, str_of(fields[i].name)))
			return read_field(r, &fields[i], member.value);
	struct buf name;
	buf_init(&name, r->arena, 1024);
	json_escape(&name, str_first(member.name, NAME_MAX_BYTES));
	return refuse(r, buf_cstr(&name), STR("no such field"));
}

/* Points r->into at the policy of that name, built in or new. */
static bool choose_policy(struct reading *r, const struct json *object)
{
	struct str name = json_string(json_get(object, STR("name")));
	size_t i = 0;

	if (!is_name(name))
		return refuse(r, "name", STR(NAME_EXPECTED));
	while (i < r->count && !str_eq(str_of(r->policies[i].name), name))
		i++;
	if (i == LIMIT_POLICIES_MAX)
		return refuse(r, "name", STR("more than 256 policies"));
	r->into = &r->policies[i];
	r->into->name = arena_cstr(r->arena, name);
	if (r->given[i])
		return refuse(r, "name", STR("given twice"));
	r->given[i] = true;
	return true;
}

static bool has_required(struct reading *r, const struct json *object)
{
	for (size_t i = 0; i < COUNT(fields); i++)
		if (fields[i].required && json_get(object, str_of(fields[i].name)) == NULL)
			return refuse(r, fields[i].name, STR("missing, and no built-in policy has "
			    "that name"));
	return true;
}

/* What one field alone does not show. */
static bool check_policy(struct reading *r)
{
	const struct limit_policy *p = r->into;
	uint64_t burst = p->burst != 0 ? p->burst : p->limit;

	if (p->algorithm == LIMIT_WINDOW) {
		if (p->limit > LIMIT_WINDOW_MAX)
			return refuse(r, "limit", STR("a window counts to 1048575"));
		if (p->period_ms < WINDOW_MIN_MS)
			return refuse(r, "period_ms", STR("a window has at least 1000"));
		if (p->burst != 0)
			return refuse(r, "burst", STR("a window has none; leave it out"));
		return true;
	}
	if (p->limit > p->period_ms * RATE_MAX_PER_MS)
		return refuse(r, "limit", STR("more than 1000 a millisecond"));
	if ((unsigned __int128)burst * p->period_ms / p->limit > LIMIT_PERIOD_MAX_MS)
		return refuse(r, "burst", STR("would take more than 400 days to be earned again"));
	return true;
}

static bool check_selector(struct reading *r)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct limit_policy *p = &r->policies[i];
		if (p != r->into && p->scope == r->into->scope &&
		    strcmp(p->selector, r->into->selector) == 0)
			return refuse(r, "selector", arena_printf(r->arena,
			    "policy \"%s\" has it already", p->name));
	}
	return true;
}

static void read_policy(struct reading *r, const struct json *object)
{
	r->into = NULL;
	if (json_type(object) != JSON_OBJECT) {
		(void)refuse(r, "policy", STR("expected an object"));
		return;
	}
	if (!choose_policy(r, object))
		return;
	bool is_new = r->into == &r->policies[r->count];
	if (is_new && !has_required(r, object))
		return;
	r->count += is_new;
	json_each(object, read_member, r);
	if (r->result == OK && check_policy(r))
		(void)check_selector(r);
}

/* The "policies" array; NULL and *reason when that is not what it is. */
static const struct json *policies_of(struct arena *a, struct str text, struct str *reason)
{
	const struct json *document, *list;
	struct json_error error;

	if (json_parse(a, text, 4, &document, &error) != OK) {
		*reason = arena_printf(a, "line %u, column %u: %s", error.line, error.column,
		    error.reason);
		return NULL;
	}
	list = json_get(document, STR("policies"));
	if (list == NULL || json_type(list) != JSON_ARRAY || json_length(document) != 1) {
		*reason = STR("expected {\"policies\": [...]} and nothing else");
		return NULL;
	}
	return list;
}

enum err limit_policies_read(struct arena *a, struct str json, const struct limit_policy **out,
    struct str *reason)
{
	struct reading r = { .arena = a, .reason = reason };
	const struct json *list = policies_of(a, json, reason);

	if (list == NULL)
		return ERR_INVALID;
	r.count = COUNT(defaults) - 1;
	r.policies = ARENA_ARRAY(a, LIMIT_POLICIES_MAX + 1, struct limit_policy);
	memcpy(r.policies, defaults, sizeof(defaults));
	for (r.index = 0; r.index < json_length(list) && r.result == OK; r.index++)
		read_policy(&r, json_at(list, r.index));
	if (r.result == OK)
		*out = r.policies;
	return r.result;
}
