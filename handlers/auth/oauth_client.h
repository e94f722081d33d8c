/*
 * oauth_client: a third party that was registered with the OAuth server.
 *   oauth_client#ID / client   {name, type, redirect_uris, grant_types, scopes,
 *                              token_endpoint_auth_method, secret, created_at, updated_at};
 *                              listed in the index "oauth_clients"
 * Of the secret only the SHA-256 is kept: 256 random bits need no slow hash.
 * Lifetime: a client is the arena's it was read into.
 */
#ifndef HANDLERS_AUTH_OAUTH_CLIENT_H
#define HANDLERS_AUTH_OAUTH_CLIENT_H

#include "auth/principal.h"
#include "base/err.h"
#include "http/schema.h"
#include "store/store.h"

#define OAUTH_REDIRECTS_MAX     20      /* redirect URIs of one client */
#define OAUTH_REDIRECT_MAX      1000    /* bytes of one */
#define OAUTH_CLIENT_NAME_MAX   100     /* code points: it stands on the consent page */
#define OAUTH_SECRET_PREFIX     "qv_client_"
#define OAUTH_SECRET_BYTES      53      /* the prefix, and 256 random bits in base64url */
#define OAUTH_CLIENTS_INDEX     STR("oauth_clients")

enum oauth_grant {
	OAUTH_GRANT_CODE, OAUTH_GRANT_REFRESH, OAUTH_GRANT_CLIENT, OAUTH_GRANT_COUNT
};
#define OAUTH_GRANT_BIT(g) (UINT32_C(1) << (g))

/* How a client proves itself at the token endpoint. */
enum oauth_method { OAUTH_BASIC, OAUTH_POST, OAUTH_NONE, OAUTH_METHOD_COUNT };

/* The names in their order, ended by NULL: for schemas and discovery. */
extern const char *const oauth_grant_names[OAUTH_GRANT_COUNT + 1];
extern const char *const oauth_method_names[OAUTH_METHOD_COUNT + 1];
extern const char *const oauth_client_types[3];

struct oauth_client {
	struct str        id, name;
	bool              is_public;    /* keeps no secret: an app, a page */
	struct str        redirect_uris[OAUTH_REDIRECTS_MAX];
	size_t            n_redirect_uris;
	uint32_t          grants;       /* OAUTH_GRANT_BIT */
	scope_set         scopes;       /* what it may be given at most */
	enum oauth_method method;
	struct str        secret_hash;  /* hexadecimal; absent of a public one */
	int64_t           created_ms, updated_ms;
	uint64_t          version;
};

/* ERR_NOT_FOUND also for what is no id at all. */
NODISCARD enum err oauth_client_read(struct store_connection *c, struct arena *a, struct str id,
    int64_t now_ms, struct oauth_client *out) NONNULL(1, 2, 5);
NODISCARD enum err oauth_client_parse(struct arena *a, const struct store_item *item,
    struct oauth_client *out) NONNULL_ALL;
NODISCARD enum err oauth_client_item(struct arena *a, const struct oauth_client *client,
    struct store_item *out) NONNULL_ALL;
struct str oauth_client_pk(struct arena *a, struct str id) NONNULL(1);

/* Takes over what is given; the rest stays. */
void oauth_client_take(struct oauth_client *client, const struct json *given) NONNULL_ALL;
/* Adds an error for all in it that cannot be, and for scopes beyond `had` that
 * `admin` has not: who may not do a thing cannot let others do it. */
void oauth_client_check(const struct oauth_client *client, const struct json *given,
    scope_set had, const struct principal *admin, struct field_errors *errors) NONNULL_ALL;
/* As the API shows it; `secret` absent: it is not shown. */
void oauth_client_write(struct json_writer *w, struct arena *a,
    const struct oauth_client *client, struct str secret) NONNULL(1, 2, 3);

/* A new secret for it, which is in nobody's hands but the caller's. */
struct str oauth_client_renew(struct arena *a, struct oauth_client *client) NONNULL_ALL;
/* In constant time. */
bool oauth_client_knows(const struct oauth_client *client, struct str secret) NONNULL(1);
/* Byte for byte (RFC 9700, 2.1). */
bool oauth_client_has_redirect(const struct oauth_client *client, struct str uri) NONNULL(1);

#endif
