/*
 * oauth_credentials: a client proves itself (RFC 6749, 2.3): by Basic, by its secret in
 * the form, or, when it is public, by its client_id alone.
 */
#ifndef HANDLERS_AUTH_OAUTH_CREDENTIALS_H
#define HANDLERS_AUTH_OAUTH_CREDENTIALS_H

#include "auth/oauth_client.h"
#include "http/request.h"
#include "http/response.h"

/* ERR_UNAUTHENTICATED: unknown client, wrong secret and wrong method alike.
 * ERR_INVALID: it proves itself in two ways at once. */
NODISCARD enum err oauth_client_authenticate(const struct request *req, struct response *res,
    struct oauth_client *out) NONNULL_ALL;

/* An answer of RFC 6749, 5.2, with status 400: always ERR_INVALID. */
enum err oauth_refuse(struct response *res, const char *error, const char *description)
    NONNULL_ALL;

#endif
