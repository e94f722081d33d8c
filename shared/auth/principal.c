#include "auth/principal.h"

#include <assert.h>

#include "base/buf.h"

static const char *const scope_names[] = {
	[SCOPE_UNSET]           = "",
	[SCOPE_PUBLIC]          = "",
	[SCOPE_CONTENT_READ]    = "content:read",
	[SCOPE_CONTENT_WRITE]   = "content:write",
	[SCOPE_VISITORS_TRACK]  = "visitors:track",
	[SCOPE_VISITORS_READ]   = "visitors:read",
	[SCOPE_PROFILE]         = "profile",
	[SCOPE_KEYS_MANAGE]     = "keys:manage",
	[SCOPE_USAGE_READ]      = "usage:read",
	[SCOPE_ANALYTICS_READ]  = "analytics:read",
	[SCOPE_CALLS_WRITE]     = "calls:write",
	[SCOPE_TENANTS_MANAGE]  = "tenants:manage",
	[SCOPE_SECURITY_MANAGE] = "security:manage",
	[SCOPE_AUDIT_READ]      = "audit:read",
	[SCOPE_USERS_MANAGE]    = "users:manage",
	[SCOPE_METRICS_READ]    = "metrics:read",
	[SCOPE_OPENID]          = "openid",
	[SCOPE_EMAIL]           = "email",
	[SCOPE_OFFLINE_ACCESS]  = "offline_access",
};
static_assert(COUNT(scope_names) == SCOPE_COUNT, "every scope has its name");
static_assert(SCOPE_COUNT <= 32, "a scope_set has a bit for each");

/* Every bit of a real scope: neither "unset" nor "public" is ever held. */
#define SCOPES_ALL \
	((SCOPE_BIT(SCOPE_COUNT) - 1) & ~(SCOPE_BIT(SCOPE_UNSET) | SCOPE_BIT(SCOPE_PUBLIC)))

/* `adds` comes on top of what the row above may do. */
static const struct {
	const char *name, *group;
	scope_set   adds;
} roles[] = {
	[ROLE_ANONYMOUS] = { "anonymous", "",
		SCOPE_BIT(SCOPE_CONTENT_READ) | SCOPE_BIT(SCOPE_VISITORS_TRACK) |
		SCOPE_BIT(SCOPE_VISITORS_READ) },
	[ROLE_USER] = { "user", "users",
		SCOPE_BIT(SCOPE_PROFILE) | SCOPE_BIT(SCOPE_KEYS_MANAGE) |
		SCOPE_BIT(SCOPE_USAGE_READ) | SCOPE_BIT(SCOPE_OPENID) |
		SCOPE_BIT(SCOPE_EMAIL) | SCOPE_BIT(SCOPE_OFFLINE_ACCESS) },
	[ROLE_ANALYST] = { "analyst", "analysts",
		SCOPE_BIT(SCOPE_ANALYTICS_READ) | SCOPE_BIT(SCOPE_CALLS_WRITE) },
	[ROLE_ADMIN] = { "admin", "admins",
		SCOPE_BIT(SCOPE_CONTENT_WRITE) | SCOPE_BIT(SCOPE_TENANTS_MANAGE) |
		SCOPE_BIT(SCOPE_SECURITY_MANAGE) | SCOPE_BIT(SCOPE_AUDIT_READ) |
		SCOPE_BIT(SCOPE_USERS_MANAGE) },
	[ROLE_OWNER] = { "owner", "owners", SCOPES_ALL },
};
static_assert(COUNT(roles) == ROLE_COUNT, "every role has its row");

const char *scope_name(enum scope s)
{
	return (unsigned)s < SCOPE_COUNT ? scope_names[s] : "";
}

enum scope scope_from_name(struct str name)
{
	for (int s = SCOPE_PUBLIC + 1; s < SCOPE_COUNT; s++)
		if (str_eq(name, str_of(scope_names[s])))
			return (enum scope)s;
	return SCOPE_UNSET;
}

const char *role_name(enum role r)
{
	return (unsigned)r < ROLE_COUNT ? roles[r].name : "";
}

const char *role_group(enum role r)
{
	return (unsigned)r < ROLE_COUNT ? roles[r].group : "";
}

enum role role_from_name(struct str name)
{
	for (int r = ROLE_ANONYMOUS + 1; r < ROLE_COUNT; r++)
		if (str_eq(name, str_of(roles[r].name)) || str_eq(name, str_of(roles[r].group)))
			return (enum role)r;
	return ROLE_ANONYMOUS;
}

scope_set role_scopes(enum role r)
{
	scope_set set = 0;

	for (int below = ROLE_ANONYMOUS; below <= (int)r && below < ROLE_COUNT; below++)
		set |= roles[below].adds;
	return set;
}

/* The highest role of a set; ROLE_ANONYMOUS for none. */
static enum role highest(uint32_t set)
{
	int r = ROLE_COUNT - 1;

	while (r > ROLE_ANONYMOUS && (set & (UINT32_C(1) << r)) == 0)
		r--;
	return (enum role)r;
}

/* A higher role has all that the lower ones have, so the highest decides. */
scope_set roles_scopes(uint32_t set)
{
	return role_scopes(highest(set));
}

void roles_write(struct json_writer *w, uint32_t set)
{
	json_array_open(w);
	for (int r = ROLE_ANONYMOUS + 1; r < ROLE_COUNT; r++)
		if ((set & (UINT32_C(1) << r)) != 0)
			json_put_string(w, str_of(roles[r].name));
	json_array_close(w);
}

uint32_t roles_read(const struct json *list)
{
	uint32_t set = 0;

	for (size_t i = 0; json_at(list, i) != NULL; i++)
		set |= UINT32_C(1) << role_from_name(json_string(json_at(list, i)));
	return set & ~(UINT32_C(1) << ROLE_ANONYMOUS);
}

void scopes_write(struct json_writer *w, scope_set set)
{
	json_array_open(w);
	for (int s = SCOPE_PUBLIC + 1; s < SCOPE_COUNT; s++)
		if ((set & SCOPE_BIT(s)) != 0)
			json_put_string(w, str_of(scope_names[s]));
	json_array_close(w);
}

struct str scopes_list(struct arena *a, scope_set set)
{
	struct buf list;

	buf_init(&list, a, SCOPE_LIST_MAX_BYTES);
	for (int s = SCOPE_PUBLIC + 1; s < SCOPE_COUNT; s++) {
		if ((set & SCOPE_BIT(s)) == 0)
			continue;
		if (list.len > 0)
			buf_char(&list, ' ');
		buf_add(&list, str_of(scope_names[s]));
	}
	return buf_str(&list);
}

scope_set scopes_of_list(struct str list)
{
	scope_set set = 0;

	while (list.ptr != NULL)
		set |= SCOPE_BIT(scope_from_name(str_cut(&list, ' ')));
	return set & ~SCOPE_BIT(SCOPE_UNSET);
}

bool principal_may(const struct principal *p, enum scope s)
{
	if (s == SCOPE_PUBLIC)
		return true;
	return s > SCOPE_PUBLIC && s < SCOPE_COUNT && (p->scopes & SCOPE_BIT(s)) != 0;
}

void principal_set_roles(struct principal *p, uint32_t set)
{
	p->roles = set;
	p->role = highest(set);
	p->scopes = roles_scopes(set);
}

struct principal principal_anonymous(void)
{
	struct principal p = { .kind = PRINCIPAL_ANONYMOUS };

	principal_set_roles(&p, UINT32_C(1) << ROLE_ANONYMOUS);
	return p;
}
