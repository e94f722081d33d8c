/*
 * principal: who calls, and what they may do.
 * Scopes and roles are two tables (principal.c).
 * Lifetime: one request; strings are its arena's.
 */
#ifndef AUTH_PRINCIPAL_H
#define AUTH_PRINCIPAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/json.h"
#include "base/str.h"

/* Zero is refused everywhere: a route that forgets its scope answers nobody. */
enum scope {
	SCOPE_UNSET = 0,
	SCOPE_PUBLIC,           /* anyone, whoever they are: sign-in, health, docs */
	SCOPE_CONTENT_READ, SCOPE_CONTENT_WRITE,
	SCOPE_VISITORS_TRACK, SCOPE_VISITORS_READ,
	SCOPE_PROFILE, SCOPE_KEYS_MANAGE, SCOPE_USAGE_READ,
	SCOPE_ANALYTICS_READ, SCOPE_CALLS_WRITE,
	SCOPE_TENANTS_MANAGE, SCOPE_SECURITY_MANAGE, SCOPE_AUDIT_READ, SCOPE_USERS_MANAGE,
	SCOPE_METRICS_READ,     /* METRICS_TOKEN, or loopback when there is none */
	SCOPE_OPENID, SCOPE_EMAIL, SCOPE_OFFLINE_ACCESS,        /* OpenID Connect's own */
	SCOPE_COUNT
};
typedef uint32_t scope_set;             /* bit 1 << enum scope */
#define SCOPE_BIT(s) ((scope_set)1 << (s))
/* What other providers' tokens have, too: it says nothing of what one may do here. */
#define SCOPES_OF_OPENID                                                        \
	(SCOPE_BIT(SCOPE_OPENID) | SCOPE_BIT(SCOPE_EMAIL) | SCOPE_BIT(SCOPE_PROFILE) | \
	SCOPE_BIT(SCOPE_OFFLINE_ACCESS))
#define SCOPE_LIST_MAX_BYTES 512        /* every scope's name, with spaces between them */

enum role { ROLE_ANONYMOUS, ROLE_USER, ROLE_ANALYST, ROLE_ADMIN, ROLE_OWNER, ROLE_COUNT };

enum principal_kind {
	PRINCIPAL_ANONYMOUS, PRINCIPAL_SESSION, PRINCIPAL_KEY, PRINCIPAL_MACHINE,
	PRINCIPAL_CLIENT                /* an OAuth client for itself, without an account */
};

struct principal {
	enum principal_kind kind;
	enum role   role;               /* the highest one held */
	uint32_t    roles;              /* bit 1 << enum role */
	scope_set   scopes;
	struct str  id;                 /* account id (UUID); absent for anonymous */
	struct str  session;            /* session id; absent without one */
	struct str  client;             /* the OAuth client that acts; absent: none does */
	struct str  key;                /* API key's id; absent without one */
	bool        key_read;           /* the key was read from the store for this request */
	struct str  email, name;        /* as the token says; may be absent */
	struct str  plan, tenant;
	bool        foreign;            /* the account is another issuer's (OIDC_ISSUERS) */
	int64_t     expires_ms;         /* of the credential; 0: none */
	struct str  token;              /* the session's access token as it came, for providers that
	                                 * want it back; nothing else may be done with it */
};

/* "content:read"; "" for SCOPE_UNSET and SCOPE_PUBLIC. */
const char *scope_name(enum scope s);
/* SCOPE_UNSET when there is no such scope. */
enum scope scope_from_name(struct str name);
/* "user"; and the identity provider's group, "users". */
const char *role_name(enum role r);
const char *role_group(enum role r);
/* By name or group; ROLE_ANONYMOUS when unknown. */
enum role role_from_name(struct str name);
/* What a role may do, with all that stands below it in that table. */
scope_set role_scopes(enum role r);
/* Scopes of a set of roles (bits). */
scope_set roles_scopes(uint32_t roles);
/* A set of roles as JSON, ["user","owner"], and back; unknown names are left out. */
void roles_write(struct json_writer *w, uint32_t roles) NONNULL_ALL;
uint32_t roles_read(const struct json *list);
/* A set of scopes as JSON, ["content:read"]. */
void scopes_write(struct json_writer *w, scope_set scopes) NONNULL_ALL;
/* The same as names with spaces between them (RFC 6749, 3.3), and back; unknown
 * names are left out. */
struct str scopes_list(struct arena *a, scope_set scopes) NONNULL_ALL;
scope_set scopes_of_list(struct str list);
/* Whether `p` may use a route that names `s`. */
bool principal_may(const struct principal *p, enum scope s) NONNULL_ALL;
/* Fills roles' consequences: role and scopes from p->roles. */
void principal_set_roles(struct principal *p, uint32_t roles) NONNULL_ALL;
/* The anonymous principal. */
struct principal principal_anonymous(void);

#endif
