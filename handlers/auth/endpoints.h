/*
 * endpoints: what auth.c's tables name.
 */
#ifndef HANDLERS_AUTH_ENDPOINTS_H
#define HANDLERS_AUTH_ENDPOINTS_H

#include "auth/identity.h"
#include "http/app.h"
#include "http/request.h"
#include "http/response.h"

endpoint auth_login, auth_login_password, auth_refresh, auth_logout;         /* sign_in.c */
endpoint auth_me, auth_rename, auth_change_password;    /* me.c */
endpoint auth_register, auth_confirm, auth_resend, auth_forgot, auth_reset;     /* registration.c */
endpoint auth_sessions, auth_session_end;               /* sessions.c */
endpoint auth_login_totp, auth_totp_enrol, auth_totp_verify, auth_totp_remove;  /* totp.c */
endpoint auth_discovery, auth_keys;                     /* discovery.c */
endpoint oauth_clients_list, oauth_clients_create, oauth_clients_get, oauth_clients_change,
    oauth_clients_renew, oauth_clients_remove;          /* oauth_clients.c */
endpoint oauth_authorize, oauth_decide;                 /* oauth_authorize.c */
endpoint oauth_consents_list, oauth_consents_remove;    /* oauth_consent.c */
endpoint provider_links_list, provider_links_remove;    /* provider_links.c */
endpoint oauth_token;                                   /* oauth_token.c */
endpoint provider_list, provider_begin, provider_callback,
    provider_exchange;                                  /* provider_sign_in.c */
endpoint oauth_introspect, oauth_revoke, oauth_userinfo;        /* oauth_inspect.c */

/* What the identity provider works with, for a request. */
struct identity_call auth_call(const struct request *req) NONNULL_ALL;

/* The request has shown that the account of its address is theirs: its network is one
 * that strangers' guesses do not shut out (sign_in.c).  True: it is new to an account that
 * has others. */
bool auth_know_network(const struct request *req) NONNULL_ALL;
/* The same by the password; the account's owner is told of a network that is new. */
void auth_password_was_right(const struct request *req) NONNULL_ALL;
/* Tokens, or the challenge before them (sign_in.c). */
enum err auth_put_login(struct response *res, const struct identity_login *in) NONNULL_ALL;
/* ERR_LIMITED with what helps; other errors as they are (totp.c). */
enum err auth_too_many_codes(struct response *res, enum err e) NONNULL_ALL;

/* A principal whose account has gone since it signed in is nobody (me.c). */
enum err auth_gone(struct response *res, enum err e) NONNULL_ALL;

/* --setup: the database, the signing key, the owner (setup.c). */
int auth_setup(struct app *app, struct worker *worker);
/* --rotate-keys. */
int auth_rotate(struct app *app, struct worker *worker);

#endif
