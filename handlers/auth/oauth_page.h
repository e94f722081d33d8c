/*
 * oauth_page: what a person sees of the OAuth server.
 */
#ifndef HANDLERS_AUTH_OAUTH_PAGE_H
#define HANDLERS_AUTH_OAUTH_PAGE_H

#include "auth/identity.h"
#include "auth/oauth_browser.h"
#include "auth/oauth_request.h"

/* What the forms ask for (oauth_browser_csrf). */
#define OAUTH_ASKS_SIGN_IN "sign-in"
#define OAUTH_ASKS_CODE    "code"
#define OAUTH_ASKS_CONSENT "consent"

/* `wrong` NULL: nothing was. */
void oauth_page_sign_in(const struct request *req, struct response *res,
    const struct oauth_request *r, const struct oauth_browser *b, const char *wrong)
    NONNULL(1, 2, 3, 4);
/* The second factor; `session` is the challenge's. */
void oauth_page_code(const struct request *req, struct response *res,
    const struct oauth_request *r, const struct oauth_browser *b, struct str session)
    NONNULL(1, 2, 3, 4);
/* `scopes`: what would be granted. */
void oauth_page_consent(const struct request *req, struct response *res,
    const struct oauth_request *r, const struct oauth_browser *b,
    const struct account *account, scope_set scopes) NONNULL_ALL;

/* A scope in plain words; "" for one that is granted to nobody. */
const char *oauth_scope_words(enum scope s);

#endif
