/*
 * providers: the outside providers of this process, and what it knows of them: where
 * their endpoints are (OpenID Connect Discovery 1.0, 4) and which keys they sign with.
 * What discovery says is kept as long as it may be; while a provider is down the old
 * answer serves, and one that has none is asked again after PROVIDER_RETRY_MS.
 * Bounds:   half of the process's workers call out at a time (providers_enter): a
 *           provider that hangs leaves the others to other requests.
 * Lifetime: providers_open by the handler's start, providers_close by its stop.
 * Threads:  safe from any.
 * Blocking: provider_places for discovery, until the deadline given.
 */
#ifndef HANDLERS_AUTH_PROVIDERS_H
#define HANDLERS_AUTH_PROVIDERS_H

#include <pthread.h>
#include <stdatomic.h>

#include "auth/jwks_client.h"
#include "auth/provider_settings.h"
#include "http/app.h"
#include "http/cors.h"

#define PROVIDER_DEADLINE_MS    5000    /* all calls of one request together */
#define PROVIDER_RETRY_MS       5000    /* after discovery failed */

/* Where a provider's endpoints are; strings are the arena's they were asked into. */
struct provider_places {
	struct str authorize_url, token_url;
	struct str user_url;            /* absent: it has none */
	bool       says_issuer;         /* its answers name it (RFC 9207) */
	bool       secret_in_body;      /* it takes the secret there alone (RFC 6749, 2.3.1) */
};

/* Discovery's answer: five texts and two flags, kept as JSON. */
struct provider_known {
	char    *places;                /* NULL: nothing yet */
	size_t   len;
	uint64_t until_ns, retry_ns;    /* time_monotonic_ns: good until; not to be asked before */
};

struct providers {
	struct arena          arena;
	struct provider_list  settings;
	struct cors           origins;  /* of applications that sign-ins may go back to */
	struct jwks_client   *jwks;
	struct jwks_issuer   *keys[PROVIDERS_MAX];      /* of OpenID's */
	struct provider_known known[PROVIDERS_MAX];     /* under the lock */
	pthread_mutex_t       lock;
	atomic_uint           calling;
	unsigned              calling_max;
};

/* Reads AUTH_PROVIDERS into app->state.  ERR_INVALID: *reason. */
NODISCARD enum err providers_open(struct app *app, struct arena *a, struct str *reason)
    NONNULL_ALL;
void providers_close(struct app *app) NONNULL_ALL;

/* The calls of one request, and what is left of their time. */
struct provider_call {
	struct providers      *providers;
	const struct provider *provider;
	struct http_client    *net;
	struct arena          *arena;
	uint64_t               deadline_ns;
	struct str             reason;  /* of a failure, for the log: nothing secret */
};

/* Before any call.  ERR_NOT_FOUND: there is no such provider; ERR_UNAVAILABLE: too many
 * are calling.  OK: to be left. */
NODISCARD enum err providers_enter(const struct request *req, struct str name,
    struct provider_call *out) NONNULL(1, 3);
void providers_leave(struct provider_call *c) NONNULL_ALL;

/* What is left of the time, at least 1. */
uint32_t provider_left_ms(const struct provider_call *c) NONNULL_ALL;
/* Sends `call`, with the deadline, and reads a JSON document with status 200, or, when
 * `status` is given, with any.  ERR_UNAVAILABLE: the provider is down or slow, or says
 * what is none. */
NODISCARD enum err provider_ask(struct provider_call *c, struct http_call *call,
    uint16_t *status, const struct json **out, struct http_reply *reply) NONNULL(1, 2, 4, 5);

NODISCARD enum err provider_places(struct provider_call *c, struct provider_places *out)
    NONNULL_ALL;
/* The keys of an OpenID provider. */
struct jwks_issuer *provider_keys(const struct provider_call *c) NONNULL_ALL;

#endif
