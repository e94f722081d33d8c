/*
 * pkce: proof that whoever brings a code is who asked for it (RFC 7636, S256 alone),
 * as a server to our clients and as a client of providers.
 */
#ifndef HANDLERS_AUTH_PKCE_H
#define HANDLERS_AUTH_PKCE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

#define PKCE_VERIFIER_MIN       43      /* RFC 7636, 4.1 */
#define PKCE_VERIFIER_MAX       128
#define PKCE_CHALLENGE_BYTES    43      /* a SHA-256 in base64url */

/* What a verifier's challenge is. */
struct str pkce_challenge(struct arena *a, struct str verifier) NONNULL(1);
/* Whether it may be a challenge. */
bool pkce_challenge_fits(struct arena *a, struct str challenge) NONNULL(1);
/* In constant time, once the length is right. */
bool pkce_verifies(struct arena *a, struct str challenge, struct str verifier) NONNULL(1);

#endif
