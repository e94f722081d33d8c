/*
 * oauth_redirect: addresses that a browser may be sent to with a code.
 */
#ifndef HANDLERS_AUTH_OAUTH_REDIRECT_H
#define HANDLERS_AUTH_OAUTH_REDIRECT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"
#include "http/request.h"
#include "http/response.h"

/* What speaks against it, for people (static storage), or NULL: https, http on this
 * machine alone (RFC 8252, 7.3), or of a public client a scheme of its own with a dot
 * in it (RFC 8252, 7.1). */
const char *redirect_problem(struct str uri, bool is_public);
/* Whether it proves who the client is: nobody else answers under that name. */
bool redirect_is_claimed(struct str uri);
/* "https://app.example:8443", or "com.example.app:": what a security policy names. */
struct str redirect_origin(struct str uri);

/* Sends the browser there with these parameters more (absent ones left out): name and
 * value by turns. */
void redirect_to(struct response *res, struct str uri, const struct path_parameter *list,
    size_t count) NONNULL(1, 3);

#endif
