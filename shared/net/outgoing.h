/*
 * outgoing: why something calls out, how that ended, and the counting of both.
 * Threads: safe from any.
 */
#ifndef NET_OUTGOING_H
#define NET_OUTGOING_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "metrics/metrics.h"

/* The metric's label: what calls are for, never whom they go to. */
enum outgoing_purpose {
	OUTGOING_OTHER,
	OUTGOING_JWKS,                  /* signing keys of an issuer */
	OUTGOING_DISCOVERY,             /* an issuer's configuration */
	OUTGOING_IDENTITY,              /* Cognito, an OpenID provider: accounts and sign-in */
	OUTGOING_PROVIDER,              /* sign-in through an outside provider */
	OUTGOING_SERVICE_TOKEN,         /* client credentials for calls of our own */
	OUTGOING_STORE,                 /* DynamoDB */
	OUTGOING_GATEWAY,               /* services behind /gw */
	OUTGOING_AWS_CREDENTIALS,       /* keys from a container or an instance */
	OUTGOING_MAIL,
	OUTGOING_PURPOSES
};

/* "jwks"; static storage. */
const char *outgoing_name(enum outgoing_purpose purpose);

/* Counts a call that took `ns` and ended with `e`; of those that were answered
 * (OK) by the reply's status, which is 0 where there is none. */
void outgoing_count(struct metrics *m, enum outgoing_purpose purpose, enum err e,
    unsigned status, uint64_t ns) NONNULL_ALL;

#endif
