/*
 * mailed_code: a code that was mailed to an address, and what it is for.
 *   confirm#LOWER / code   {…, email, name, password}: a registration
 *   reset#LOWER / code     {…}: a new password
 * Both are written for addresses with and without an account alike, so that neither
 * reply nor time tells one from the other; only the mail does.
 * A record lives MAILED_RECORD_MS from when it was first made.  Meanwhile the pause
 * between two mails doubles from MAILED_PAUSE_MS to MAILED_PAUSE_MAX_MS, and what was mailed
 * last stays good when nothing new may be: who floods an address fills it slowly, and
 * its owner has a code at any time.
 * A code has 40 bits, a keyed hash at rest, MAILED_TRIES and MAILED_CODE_MS.
 */
#ifndef AUTH_MAILED_CODE_H
#define AUTH_MAILED_CODE_H

#include "auth/local.h"
#include "net/mail.h"

#define MAILED_LETTERS          8       /* of 32 */
#define MAILED_GROUP            4
#define MAILED_TRIES            5
#define MAILED_CODE_MINUTES     10      /* OWASP ASVS 5.0, 6.5.5 */
#define MAILED_CODE_MS          (INT64_C(60000) * MAILED_CODE_MINUTES)
#define MAILED_PAUSE_MS         (INT64_C(60) * 1000)
#define MAILED_PAUSE_MAX_MS     (6 * MAILED_PAUSE_MS)   /* over a third of a code's life is left */
#define MAILED_RECORD_MS        (INT64_C(24) * 3600 * 1000)

enum mailed_purpose { MAILED_CONFIRM, MAILED_RESET };

struct mailed_code {
	enum mailed_purpose purpose;
	struct str address;             /* as it is compared: lower case */
	struct str code;                /* keyed hash; absent: none was mailed */
	int64_t    until_ms, mailed_ms, mails, tries;
	int64_t    expires_ms;
	uint64_t   version;             /* 0: not in the store */
	/* of a registration */
	struct str email, name, password;       /* password: PHC; absent: to be chosen by mail */
	bool       barren;              /* the code opens nothing: nobody was mailed it */
};

/* The record of an address; a fresh one when there is none. */
NODISCARD enum err mailed_code_read(const struct identity_call *k, enum mailed_purpose purpose,
    struct str email, struct mailed_code *out) NONNULL(1, 4);
/* A new code into `m` when one may be mailed; STR_NONE when not. */
struct str mailed_code_new(const struct identity_call *k, struct mailed_code *m) NONNULL_ALL;
/* Stores `m`.  ERR_STALE: somebody else did. */
NODISCARD enum err mailed_code_put(const struct identity_call *k, struct mailed_code *m)
    NONNULL_ALL;
/* What to put, or to delete with the use of the code. */
NODISCARD enum err mailed_code_item(const struct identity_call *k, const struct mailed_code *m,
    struct store_item *out) NONNULL_ALL;

/* Whether `typed` is the code.  ERR_UNAUTHENTICATED: it is not, is too old, or there is
 * none; the try is stored before that is said.  ERR_STALE: read again. */
NODISCARD enum err mailed_code_try(const struct identity_call *k, struct mailed_code *m,
    struct str typed) NONNULL(1, 2);

#endif
