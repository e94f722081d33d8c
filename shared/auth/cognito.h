/*
 * cognito: Amazon Cognito's user pool API, as far as a client without AWS
 * credentials may call it: JSON 1.1 over HTTPS, an operation a call.
 * Threads:  safe from any, an HTTP client each.
 * Blocking: for the network, at most IDENTITY_NET_MS.
 */
#ifndef AUTH_COGNITO_H
#define AUTH_COGNITO_H

#include "auth/identity.h"
#include "auth/issuers.h"
#include "base/json.h"

/* A call being put together; `w` is inside the request's object. */
struct cognito_request {
	const struct identity_call *call;
	const char                 *operation;  /* "InitiateAuth" */
	struct json_writer          w;
	struct buf                  body;
};

void cognito_begin(struct cognito_request *r, const struct identity_call *k,
    const char *operation) NONNULL_ALL;
/* SecretHash or SECRET_HASH, `name`, of a user (its base64 HMAC-SHA256 under the
 * client's secret); nothing for a client without one. */
void cognito_put_secret_hash(struct cognito_request *r, const char *name, struct str user)
    NONNULL_ALL;

/* Sends it.  OK: *out is the reply.  Else what Cognito's exception means:
 * ERR_UNAUTHENTICATED (a wrong password or code, an unknown or unconfirmed user),
 * ERR_INVALID (a password or parameter it does not take; *message says why, for
 * people), ERR_EXISTS, ERR_NOT_FOUND, ERR_LIMITED, ERR_UNSUPPORTED;
 * ERR_UNAVAILABLE: it is down, slow, or says what nobody expects.  The log has it. */
NODISCARD enum err cognito_send(struct cognito_request *r, const struct json **out,
    struct str *message) NONNULL_ALL;

/* "ClientId" of the request. */
void cognito_put_client(struct cognito_request *r) NONNULL_ALL;
/* What stands for "wrong", whatever Cognito's word for it was: ERR_INVALID and
 * ERR_NOT_FOUND become ERR_UNAUTHENTICATED. */
enum err cognito_as_wrong(enum err e);

/* The user pool among the trusted issuers, as the one whose accounts are ours.
 * ERR_EXISTS, ERR_TOO_LARGE: *reason says which setting is in its way. */
NODISCARD enum err cognito_add_issuer(struct arena *a, const struct config *c,
    struct issuers *list, struct str *reason) NONNULL_ALL;

/* Parts of identity_cognito's table: registration (cognito_sign_up.c) and the
 * account (cognito_account.c); identity.h says what each does. */
enum err cognito_sign_up(const struct identity_call *k, struct str email, struct str password,
    struct str name, struct str *why) NONNULL_ALL;
enum err cognito_confirm(const struct identity_call *k, struct str email, struct str code)
    NONNULL(1);
enum err cognito_resend(const struct identity_call *k, struct str email) NONNULL(1);
enum err cognito_forgot(const struct identity_call *k, struct str email) NONNULL(1);
enum err cognito_reset(const struct identity_call *k, struct str email, struct str code,
    struct str password, struct str *why) NONNULL(1, 5);
enum err cognito_account(const struct identity_call *k, const struct principal *who,
    struct account *out) NONNULL_ALL;
enum err cognito_rename(const struct identity_call *k, const struct principal *who,
    struct str name, uint64_t version, struct account *out) NONNULL(1, 2, 5);
enum err cognito_change_password(const struct identity_call *k, const struct principal *who,
    struct str old_password, struct str new_password, struct str *why) NONNULL(1, 2, 5);
enum err cognito_totp_enrol(const struct identity_call *k, const struct principal *who,
    struct str password, struct totp_enrolment *out) NONNULL_ALL;
enum err cognito_totp_verify(const struct identity_call *k, const struct principal *who,
    struct str code, struct str recovery[RECOVERY_CODES]) NONNULL(1, 2, 4);
enum err cognito_totp_remove(const struct identity_call *k, const struct principal *who,
    struct str code) NONNULL(1, 2);

#endif
