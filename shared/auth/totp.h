/*
 * totp: one-time passwords by the clock (RFC 6238): SHA-1, six digits, 30 s, what
 * every authenticator app does.
 * Threads:  pure functions.
 */
#ifndef AUTH_TOTP_H
#define AUTH_TOTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

#define TOTP_SECRET_BYTES       20      /* RFC 4226, 4 R6: as long as the digest */
#define TOTP_DIGITS             6
#define TOTP_STEP_S             30
#define TOTP_STEPS_AROUND       1       /* before and after now: clocks differ, people type */

/* The code of a step (RFC 4226, 5.3), NUL-terminated. */
void totp_code(const uint8_t secret[TOTP_SECRET_BYTES], int64_t step,
    char out[TOTP_DIGITS + 1]) NONNULL_ALL;

/* Whether `text` has the form of a code. */
bool totp_is_code(struct str text) PURE;

/* Whether it is the code of a step about `now_ms` later than `last_step`; *step is
 * that one, to be remembered: each is good once.  A `last_step` that is later than
 * any step can be now does not count.  Takes the same time for every text of that form. */
bool totp_check(const uint8_t secret[TOTP_SECRET_BYTES], struct str code, int64_t now_ms,
    int64_t last_step, int64_t *step) NONNULL(1, 5);

/* RFC 4648, 6, without padding. */
struct str totp_base32(struct arena *a, const uint8_t secret[TOTP_SECRET_BYTES]) NONNULL_ALL;

/* otpauth://totp/ISSUER:ACCOUNT?secret=…, as apps read it from a QR code. */
struct str totp_uri(struct arena *a, struct str issuer, struct str account, struct str base32)
    NONNULL(1);

#endif
