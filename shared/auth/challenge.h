/*
 * challenge: a sign-in of which the password was right and the second factor is
 * still wanted.
 *   challenge#HASH / challenge   {account, epoch, tries}: by its token's SHA-256
 * Good for CHALLENGE_MS and CHALLENGE_TRIES codes; over when the account's sessions
 * are ended; spent by the sign-in.
 */
#ifndef AUTH_CHALLENGE_H
#define AUTH_CHALLENGE_H

#include "auth/account.h"

#define CHALLENGE_MS    (INT64_C(5) * 60 * 1000)
#define CHALLENGE_TRIES 5

struct challenge_record {
	struct str key;                 /* pk of its item */
	struct str account;
	int64_t    epoch, tries;
	int64_t    expires_ms;
	uint64_t   version;
};

/* A new one of the account as it is, and its token. */
struct str challenge_new(struct arena *a, const struct account_record *r, int64_t now_ms,
    struct challenge_record *out) NONNULL_ALL;
/* ERR_NOT_FOUND: none of ours, expired, or out of tries; junk costs no I/O. */
NODISCARD enum err challenge_read(struct store_connection *c, struct arena *a,
    struct str token, int64_t now_ms, struct challenge_record *out) NONNULL(1, 2, 5);
struct store_item challenge_item(struct arena *a, const struct challenge_record *r) NONNULL_ALL;

#endif
