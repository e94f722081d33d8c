/*
 * provider_settings: the outside providers that people may sign in through, as
 * AUTH_PROVIDERS lists them.
 * Lifetime: parsed before there are threads, constant afterwards.
 * Threads:  read by all.
 */
#ifndef HANDLERS_AUTH_PROVIDER_SETTINGS_H
#define HANDLERS_AUTH_PROVIDER_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#define PROVIDERS_MAX           16
#define PROVIDER_NAME_MAX       32      /* it stands in paths and keys */
#define PROVIDER_TEXT_MAX_BYTES 512     /* an id, a secret, a label, a list of scopes */

struct provider {
	struct str name;                /* [a-z0-9-], in our paths and in the keys of links */
	struct str label;               /* for people */
	struct str client_id, client_secret;    /* secret absent: a public client */
	struct str scopes;
	bool       openid;              /* else it is GitHub, or speaks as GitHub does */
	struct str issuer;              /* of OpenID's; of others what stands in links for it */
	struct str authorize_url, token_url, user_url, emails_url;      /* without OpenID */
	bool       links;               /* an address that it has verified opens the account of it */
};

struct provider_list {
	struct provider list[PROVIDERS_MAX];
	size_t          count;
};

/* A JSON list; texts are the arena's.  ERR_INVALID: *reason says what is wrong with it
 * and what would do, and nothing of what is secret. */
NODISCARD enum err provider_settings_parse(struct arena *a, struct str text,
    struct provider_list *out, struct str *reason) NONNULL(1, 3, 4);

/* NULL: there is none of that name. */
const struct provider *provider_find(const struct provider_list *list, struct str name)
    NONNULL(1);

#endif
