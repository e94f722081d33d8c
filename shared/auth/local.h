/*
 * local: what the parts of identity_local share; auth/ alone includes it.
 */
#ifndef AUTH_LOCAL_H
#define AUTH_LOCAL_H

#include "auth/account.h"
#include "auth/session.h"
#include "net/mail.h"

#define WRITE_TRIES 8   /* others may change the same account meanwhile; each time one gets on */

/* Puts a changed record, and `n` things more (at most LOCAL_ALSO_MAX), in one
 * transaction; its version moves on.  ERR_STALE: it changed since it was read. */
#define LOCAL_ALSO_MAX 4
NODISCARD enum err local_put(const struct identity_call *k, struct account_record *r,
    const struct store_op *also, size_t n) NONNULL(1, 2);

/* A session of the account as it was read, its first refresh token, and tokens for
 * it; the account's oldest session makes room.  `also` goes into the same
 * transaction.  ERR_STALE: the account changed since it was read. */
NODISCARD enum err local_begin(const struct identity_call *k, const struct account_record *r,
    const struct store_op *also, size_t n, struct identity_tokens *out) NONNULL(1, 2, 5);

/* Begins the wait for a second factor, with `also` as local_begin.  ERR_STALE as there. */
NODISCARD enum err local_challenge(const struct identity_call *k,
    const struct account_record *r, const struct store_op *also, size_t n, struct str *session)
    NONNULL(1, 2, 5);

/* The account is as it was read. */
struct store_op local_unchanged(struct arena *a, const struct account *account) NONNULL_ALL;

/* Whether the account's owner is there now.  ERR_UNAUTHENTICATED: `password` is given
 * and not the account's; ERR_FORBIDDEN: it is not, and the sign-in too long ago. */
NODISCARD enum err local_is_present(const struct identity_call *k, const struct principal *who,
    const struct account_record *r, struct str password) NONNULL_ALL;

/* Queues a mail; one that cannot be is a line in the log, and the reply is the same. */
void local_mail(const struct identity_call *k, enum mail_kind kind, struct str email,
    struct str code) NONNULL(1);

/* identity_provider's, by their names there. */
enum err local_sessions(const struct identity_call *k, const struct principal *who,
    bool (*each)(void *context, const struct identity_session *s), void *context);
enum err local_session_end(const struct identity_call *k, const struct principal *who,
    struct str session);
enum err local_login_totp(const struct identity_call *k, struct str session, struct str code,
    struct identity_login *out);
enum err local_totp_enrol(const struct identity_call *k, const struct principal *who,
    struct str password, struct totp_enrolment *out);
enum err local_totp_verify(const struct identity_call *k, const struct principal *who,
    struct str code, struct str recovery[RECOVERY_CODES]);
enum err local_totp_remove(const struct identity_call *k, const struct principal *who,
    struct str code);
enum err local_sign_up(const struct identity_call *k, struct str email, struct str password,
    struct str name, struct str *why);
enum err local_resend(const struct identity_call *k, struct str email);
enum err local_confirm(const struct identity_call *k, struct str email, struct str code);
enum err local_forgot(const struct identity_call *k, struct str email);
enum err local_reset(const struct identity_call *k, struct str email, struct str code,
    struct str password, struct str *why);

#endif
