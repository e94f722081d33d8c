/*
 * provider_return: where a browser may be sent when a sign-in is over.
 */
#ifndef HANDLERS_AUTH_PROVIDER_RETURN_H
#define HANDLERS_AUTH_PROVIDER_RETURN_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/str.h"
#include "http/cors.h"

enum provider_return {
	PROVIDER_RETURN_NOWHERE,        /* not to be followed */
	PROVIDER_RETURN_HERE,           /* this installation's own origin */
	PROVIDER_RETURN_ELSEWHERE       /* an origin of CORS_ORIGINS */
};

/* `to`: a path ("/account") or a URL, without a fragment; `own`: this installation's
 * scheme and host.  What two parsers could read in two ways goes nowhere. */
enum provider_return provider_return_check(struct str to, struct str own,
    const struct cors *others) NONNULL(3);

#endif
