/*
 * oauth_browser: the browser in front of the consent page.
 * A cookie, signed under SECRET_KEY, names the browser at random and, once somebody has
 * signed in on the page, the session of that sign-in; it is good for
 * OAUTH_BROWSER_TTL_S and no longer than that session.  Forms carry a token that is
 * bound to the cookie, to the request that the page is about and to what the page
 * asks, so that no other page and no other request can send them.
 * Threads: safe from any.
 */
#ifndef HANDLERS_AUTH_OAUTH_BROWSER_H
#define HANDLERS_AUTH_OAUTH_BROWSER_H

#include "auth/account.h"
#include "http/request.h"
#include "http/response.h"

#define OAUTH_BROWSER_TTL_S 1800

struct oauth_browser {
	struct str id;                  /* random */
	int64_t    expires_ms;
	struct str account, session;    /* absent: nobody has signed in */
	int64_t    auth_ms;             /* when they did */
};

/* The browser that sent the request; false when it has no good cookie. */
bool oauth_browser_read(const struct request *req, struct oauth_browser *out) NONNULL_ALL;
/* A new one, with its cookie in `res`.  Absent `account`: nobody has signed in. */
struct oauth_browser oauth_browser_new(const struct request *req, struct response *res,
    struct str account, struct str session) NONNULL(1, 2);
/* Who has signed in there and may still.  ERR_NOT_FOUND: nobody. */
NODISCARD enum err oauth_browser_account(const struct request *req,
    const struct oauth_browser *b, struct account_record *out) NONNULL_ALL;

/* The token of a form that asks for `what`. */
struct str oauth_browser_csrf(const struct request *req, const struct oauth_browser *b,
    const char *what) NONNULL_ALL;
/* Whether the form that came asked for `what`; in constant time. */
bool oauth_browser_sent(const struct request *req, const struct oauth_browser *b,
    const char *what) NONNULL_ALL;

#endif
