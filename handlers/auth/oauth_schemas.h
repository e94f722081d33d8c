/*
 * oauth_schemas: what goes in and out of the OAuth server (oauth_schemas.c).
 */
#ifndef HANDLERS_AUTH_OAUTH_SCHEMAS_H
#define HANDLERS_AUTH_OAUTH_SCHEMAS_H

#include "http/schema.h"

extern const struct schema oauth_client_schema;         /* a registered client */
extern const struct schema oauth_consent_schema;        /* what an account has allowed one */
extern const struct schema oauth_authorize_query;       /* RFC 6749, 4.1.1; OpenID Connect Core, 3.1.2.1 */
extern const struct schema oauth_authorize_form;        /* sign-in and consent */
extern const struct schema oauth_token_request;         /* RFC 6749, 4.1.3, 4.4.2, 6 */
extern const struct schema oauth_token_reply;           /* RFC 6749, 5.1 */
extern const struct schema oauth_introspect_request;    /* RFC 7662, 2.1 */
extern const struct schema oauth_introspect_reply;      /* RFC 7662, 2.2 */
extern const struct schema oauth_revoke_request;        /* RFC 7009, 2.1 */
extern const struct schema oauth_userinfo_reply;        /* OpenID Connect Core, 5.3.2 */
extern const struct schema oauth_discovery_reply;       /* OpenID Connect Discovery, 3; RFC 8414, 2 */

#endif
