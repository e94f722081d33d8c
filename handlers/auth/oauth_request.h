/*
 * oauth_request: an authorization request (RFC 6749, 4.1.1; RFC 7636; OpenID Connect
 * Core 1.0, 3.1.2.1), read from the query and checked.
 * Lifetime: the request's arena.
 */
#ifndef HANDLERS_AUTH_OAUTH_REQUEST_H
#define HANDLERS_AUTH_OAUTH_REQUEST_H

#include "auth/oauth_client.h"
#include "http/request.h"
#include "http/response.h"

struct oauth_request {
	struct oauth_client client;
	struct str          redirect_uri, state, nonce, challenge, login_hint;
	scope_set           scopes;
	bool                silent, sign_in, ask;       /* prompt=none, login, consent */
	int64_t             max_age_s;                  /* -1: any */
};

/* OK with *answered: the browser is on its way back to the client with an error.
 * ERR_INVALID: who asks, or where to send the answer, is not to be trusted: the
 * browser stays here. */
NODISCARD enum err oauth_request_read(const struct request *req, struct response *res,
    struct oauth_request *out, bool *answered) NONNULL_ALL;

/* Back to the client with an error (RFC 6749, 4.1.2.1), or with a code; both say who
 * answers (RFC 9207). */
void oauth_request_refuse(const struct request *req, struct response *res,
    const struct oauth_request *r, const char *error, const char *description) NONNULL_ALL;
void oauth_request_grant(const struct request *req, struct response *res,
    const struct oauth_request *r, struct str code) NONNULL(1, 2, 3);

#endif
