/*
 * provider_attempt: a sign-in on its way through an outside provider.
 * It is in the browser that began it and nowhere else: in a cookie sealed under a key
 * derived from SECRET_KEY, for one provider.  So nobody can be signed in by a link that
 * another browser was given (login CSRF), and no provider's answer counts at another
 * one's address.  A browser has one at a time, good for PROVIDER_ATTEMPT_TTL_S and once.
 * Threads: safe from any.
 */
#ifndef HANDLERS_AUTH_PROVIDER_ATTEMPT_H
#define HANDLERS_AUTH_PROVIDER_ATTEMPT_H

#include "http/request.h"
#include "http/response.h"

#define PROVIDER_ATTEMPT_TTL_S  600
#define PROVIDER_RETURN_MAX     1024    /* bytes of return_to: a cookie has 4,096 for all */

struct provider_attempt {
	struct str state, nonce, verifier;      /* random */
	struct str return_to;           /* absent: the callback answers with tokens itself */
	struct str challenge;           /* who may fetch them; absent: this browser */
	int64_t    expires_ms;
};

/* Fills in what is random, and puts the cookie into `res`. */
NODISCARD enum err provider_attempt_begin(const struct request *req, struct response *res,
    struct str provider, struct provider_attempt *attempt) NONNULL(1, 2, 4);
/* The one that `state` is of.  ERR_NOT_FOUND: this browser has none, or another, or one
 * at another provider, or its time is over. */
NODISCARD enum err provider_attempt_read(const struct request *req, struct str provider,
    struct str state, struct provider_attempt *out) NONNULL(1, 4);
/* Uses it up, and takes the cookie away.  ERR_EXISTS: it was used before. */
NODISCARD enum err provider_attempt_end(const struct request *req, struct response *res,
    const struct provider_attempt *attempt) NONNULL_ALL;

/* A cookie for this host alone; https also keeps other hosts of the domain from setting
 * it (RFC 6265bis, 4.1.3).  `value` absent: it goes. */
void provider_cookie_set(const struct request *req, struct response *res, const char *name,
    struct str value, int ttl_s, const char *same_site) NONNULL(1, 2, 3, 6);
/* The value of such a cookie, where `take` accepts one; false: there is none. */
bool provider_cookie_each(const struct request *req, const char *name,
    bool (*take)(void *context, struct str value), void *context) NONNULL(1, 2, 3);

#endif
