/*
 * service_token: access tokens for calls of our own (OAuth 2.0 client credentials,
 * RFC 6749, 4.4).
 * A token is kept until it expires and got anew when 80 % of its life are over, at
 * the latest 30 s before it ends (one that lives for a minute or less: at half of
 * it).  One thread gets it; others go on with the one there is, or wait when there
 * is none.  While an endpoint is down or refuses us it is asked ever more rarely,
 * and the old token is good for as long as it says.
 * Bounds:   SERVICE_TOKENS_MAX clients; the one used longest ago goes.
 * Secrets:  the cache holds tokens, and of a client's secret a digest; both are
 *           wiped when they go.
 * Lifetime: one per process.
 * Threads:  safe from any.
 * Blocking: until the deadline given.
 */
#ifndef NET_SERVICE_TOKEN_H
#define NET_SERVICE_TOKEN_H

#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "net/http_client.h"

struct service_tokens;                  /* opaque */

/* How we say who we are (RFC 6749, 2.3.1): in a header, as every server can, or in
 * the body, as some insist. */
enum service_secret_in { SERVICE_SECRET_IN_HEADER, SERVICE_SECRET_IN_BODY };

struct service_client {
	struct str token_url;           /* https, or http to loopback */
	struct str client_id, client_secret;
	struct str scope, audience;     /* absent: not asked for */
	enum service_secret_in secret_in;
};

/* Aborts when there is no memory. */
NODISCARD struct service_tokens *service_tokens_new(void);
/* Nobody uses it any more. */
void service_tokens_free(struct service_tokens *t);

/* A token that is good now; it is the arena's.  `net` is the calling thread's.
 * ERR_FORBIDDEN: the endpoint refuses us.  ERR_UNAVAILABLE, ERR_TIMEOUT: it is
 * down, slow, or answers what is no token; or every place of the cache is at work.
 * ERR_INVALID: `token_url` may not be called.  *reason is for the log, and holds
 * no secret. */
NODISCARD enum err service_token_get(struct service_tokens *t, struct http_client *net,
    struct arena *a, const struct service_client *client, uint32_t deadline_ms,
    struct str *token, struct str *reason) NONNULL_ALL;

#endif
