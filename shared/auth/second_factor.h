/*
 * second_factor: an account's authenticator app as the store has it.
 *   account#ID / totp           {secret, step, recovery, failed, failed_since}
 *   account#ID / totp-enrolled  {secret}: until a code proves that an app has it
 * The secret is sealed under a key derived from SECRET_KEY, for this account alone;
 * of recovery codes there are hashes.  `step` is the newest whose code was used: no
 * code is good twice.
 * Wrong codes are counted an account, whatever challenge they came with: who has the
 * password has a few of a million guesses an hour.  Recovery codes have 120 bits and
 * are not counted, so that the owner gets in whatever somebody else tries.
 */
#ifndef AUTH_SECOND_FACTOR_H
#define AUTH_SECOND_FACTOR_H

#include "auth/account.h"
#include "auth/state.h"
#include "auth/totp.h"

#define RECOVERY_LETTERS        24      /* of 32: 120 bits, enough for a fast hash (ASVS 5.0, 6.5.2) */
#define RECOVERY_GROUP          4
#define TOTP_ENROL_MS           (INT64_C(15) * 60 * 1000)       /* to scan and to type */
#define TOTP_FAILURES_MAX       10
#define TOTP_FAILURES_MS        (INT64_C(1000) * TOTP_LOCKED_S)

struct second_factor {
	struct str account;
	struct str secret;              /* sealed, base64 */
	int64_t    step;
	struct str recovery[RECOVERY_CODES];    /* hashes of those that are left */
	size_t     n_recovery;
	int64_t    failed, failed_since_ms;
	uint64_t   version;
	int64_t    expires_ms;          /* of one that is only enrolled */
};

/* A new secret, not stored yet; `base32` for its owner. */
NODISCARD enum err second_factor_new(const struct auth *auth, struct arena *a,
    struct str account, int64_t now_ms, struct second_factor *out, struct str *base32)
    NONNULL_ALL;
/* ERR_NOT_FOUND: none. */
NODISCARD enum err second_factor_read(struct store_connection *c, struct arena *a,
    struct str account, bool enrolled, int64_t now_ms, struct second_factor *out)
    NONNULL(1, 2, 6);
/* What to put, or to delete. */
NODISCARD enum err second_factor_item(struct arena *a, const struct second_factor *f,
    bool enrolled, struct store_item *out) NONNULL_ALL;
/* Gives it new recovery codes, and shows them. */
void second_factor_recovery(struct arena *a, struct second_factor *f,
    struct str codes[RECOVERY_CODES]) NONNULL_ALL;

/* Uses a code up, or counts it as wrong: store `f` before saying which.
 * ERR_UNAUTHENTICATED: it is wrong; ERR_LIMITED: too many were, and `f` is as it was;
 * ERR_CORRUPT: it was sealed under another SECRET_KEY. */
NODISCARD enum err second_factor_use(const struct auth *auth, struct arena *a,
    struct second_factor *f, struct str code, int64_t now_ms) NONNULL(1, 2, 3);

#endif
