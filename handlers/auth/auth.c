/*
 * auth: sign-in, the caller's own account, and what others verify our tokens with.
 */
#include "auth/endpoints.h"
#include "auth/identity.h"
#include "auth/oauth_schemas.h"
#include "auth/provider_schemas.h"
#include "auth/providers.h"
#include "serve/serve.h"

#define NAME_MAX_LENGTH 200             /* code points */
#define TOKEN_TEXT_MAX  8192
#define SESSION_TEXT_MAX 8192           /* a challenge's session: another provider's is long */
#define CODE_TEXT_MAX   64
#define EMAIL_MAX       254
#define BODY_MAX        8192            /* a sign-in is small; what is not, is none */

static const struct field credentials_fields[] = {
	{ .name = "email", .type = FIELD_EMAIL, .required = true, .max = EMAIL_MAX,
	  .help = "The account's address; case does not matter" },
	{ .name = "password", .type = FIELD_STRING, .required = true, .secret = true, .min = 1,
	  .max = PASSWORD_MAX_BYTES, .help = "The account's password" },
	{ 0 },
};
static const struct schema credentials_schema = { "Credentials", credentials_fields, false };

static const struct field refresh_fields[] = {
	{ .name = "refresh_token", .type = FIELD_STRING, .required = true, .secret = true,
	  .min = 1, .max = TOKEN_TEXT_MAX,
	  .help = "The newest one of the session; it is spent by this" },
	{ 0 },
};
static const struct schema refresh_request_schema = { "RefreshRequest", refresh_fields, false };

static const char *const token_types[] = { "Bearer", NULL };

static const struct field tokens_fields[] = {
	{ .name = "access_token", .type = FIELD_STRING, .required = true, .secret = true,
	  .max = TOKEN_TEXT_MAX, .help = "RS256 JWT for the Authorization header" },
	{ .name = "id_token", .type = FIELD_STRING, .required = true, .secret = true,
	  .max = TOKEN_TEXT_MAX, .help = "Who signed in, for the client itself; it opens nothing" },
	{ .name = "refresh_token", .type = FIELD_STRING, .required = true, .secret = true,
	  .max = TOKEN_TEXT_MAX, .help = "Good once, for the next set of tokens" },
	{ .name = "token_type", .type = FIELD_ENUM, .choices = token_types, .required = true },
	{ .name = "expires_in", .type = FIELD_INT, .required = true, .min = 1,
	  .help = "Seconds, of the access token" },
	{ 0 },
};
static const struct schema tokens_schema = { "Tokens", tokens_fields, false };

static const char *const challenges[] = { "totp", "new_password", NULL };

/* Tokens, or a challenge and its session. */
static const struct field sign_in_fields[] = {
	{ .name = "access_token", .type = FIELD_STRING, .secret = true, .max = TOKEN_TEXT_MAX,
	  .help = "RS256 JWT for the Authorization header" },
	{ .name = "id_token", .type = FIELD_STRING, .secret = true, .max = TOKEN_TEXT_MAX,
	  .help = "Who signed in, for the client itself; it opens nothing" },
	{ .name = "refresh_token", .type = FIELD_STRING, .secret = true, .max = TOKEN_TEXT_MAX,
	  .help = "Good once, for the next set of tokens" },
	{ .name = "token_type", .type = FIELD_ENUM, .choices = token_types },
	{ .name = "expires_in", .type = FIELD_INT, .min = 1,
	  .help = "Seconds, of the access token" },
	{ .name = "challenge", .type = FIELD_ENUM, .choices = challenges,
	  .help = "Instead of tokens: what is wanted first" },
	{ .name = "session", .type = FIELD_STRING, .secret = true, .max = SESSION_TEXT_MAX,
	  .help = "With a challenge: to be sent back with its answer" },
	{ 0 },
};
static const struct schema sign_in_schema = { "SignIn", sign_in_fields, false };

static const struct field registration_fields[] = {
	{ .name = "email", .type = FIELD_EMAIL, .required = true, .max = EMAIL_MAX,
	  .help = "A code is mailed there" },
	{ .name = "password", .type = FIELD_STRING, .required = true, .secret = true,
	  .min = PASSWORD_MIN_LENGTH, .max = PASSWORD_MAX_BYTES,
	  .help = "Neither common nor made of the address" },
	{ .name = "name", .type = FIELD_STRING, .nullable = true, .min = 1,
	  .max = NAME_MAX_LENGTH, .help = "As others see it" },
	{ 0 },
};
static const struct schema registration_schema = { "Registration", registration_fields, false };

static const struct field confirmation_fields[] = {
	{ .name = "email", .type = FIELD_EMAIL, .required = true, .max = EMAIL_MAX },
	{ .name = "code", .type = FIELD_STRING, .required = true, .secret = true, .min = 1,
	  .max = CODE_TEXT_MAX, .help = "From the mail; case and hyphens do not matter" },
	{ 0 },
};
static const struct schema confirmation_schema = { "Confirmation", confirmation_fields, false };

static const struct field address_fields[] = {
	{ .name = "email", .type = FIELD_EMAIL, .required = true, .max = EMAIL_MAX },
	{ 0 },
};
static const struct schema address_schema = { "Address", address_fields, false };

static const struct field reset_fields[] = {
	{ .name = "email", .type = FIELD_EMAIL, .required = true, .max = EMAIL_MAX },
	{ .name = "code", .type = FIELD_STRING, .required = true, .secret = true, .min = 1,
	  .max = CODE_TEXT_MAX, .help = "From the mail; case and hyphens do not matter" },
	{ .name = "new_password", .type = FIELD_STRING, .required = true, .secret = true,
	  .min = PASSWORD_MIN_LENGTH, .max = PASSWORD_MAX_BYTES },
	{ 0 },
};
static const struct schema reset_schema = { "PasswordReset", reset_fields, false };

static const struct field accepted_fields[] = {
	{ .name = "message", .type = FIELD_STRING, .required = true,
	  .help = "The same for every address" },
	{ 0 },
};
static const struct schema accepted_schema = { "Accepted", accepted_fields, false };

static const struct field totp_answer_fields[] = {
	{ .name = "session", .type = FIELD_STRING, .required = true, .secret = true, .min = 1,
	  .max = SESSION_TEXT_MAX, .help = "The challenge's" },
	{ .name = "code", .type = FIELD_STRING, .required = true, .secret = true, .min = 6,
	  .max = CODE_TEXT_MAX, .help = "The app's six digits, or a recovery code" },
	{ 0 },
};
static const struct schema totp_answer_schema = { "TotpAnswer", totp_answer_fields, false };

static const struct field password_answer_fields[] = {
	{ .name = "session", .type = FIELD_STRING, .required = true, .secret = true, .min = 1,
	  .max = SESSION_TEXT_MAX, .help = "The challenge's" },
	{ .name = "new_password", .type = FIELD_STRING, .required = true, .secret = true,
	  .min = PASSWORD_MIN_LENGTH, .max = PASSWORD_MAX_BYTES },
	{ 0 },
};
static const struct schema password_answer_schema = {
	"PasswordAnswer", password_answer_fields, false
};

static const struct field presence_fields[] = {
	{ .name = "password", .type = FIELD_STRING, .secret = true, .min = 1,
	  .max = PASSWORD_MAX_BYTES,
	  .help = "The account's, where the sign-in is more than ten minutes old" },
	{ 0 },
};
static const struct schema presence_schema = { "Presence", presence_fields, false };

static const struct field code_fields[] = {
	{ .name = "code", .type = FIELD_STRING, .required = true, .secret = true, .min = 6,
	  .max = CODE_TEXT_MAX, .help = "The app's six digits; to remove it, or a recovery code" },
	{ 0 },
};
static const struct schema code_schema = { "TotpCode", code_fields, false };

static const struct field enrolment_fields[] = {
	{ .name = "secret", .type = FIELD_STRING, .required = true, .secret = true,
	  .help = "Base32, to be typed into an authenticator app" },
	{ .name = "otpauth_uri", .type = FIELD_STRING, .required = true, .secret = true,
	  .max = TOKEN_TEXT_MAX, .help = "The same for a QR code" },
	{ 0 },
};
static const struct schema enrolment_schema = { "TotpEnrolment", enrolment_fields, false };

static const struct field recovery_fields[] = {
	{ .name = "recovery_codes", .type = FIELD_STRING, .list = true, .required = true,
	  .secret = true, .max_items = RECOVERY_CODES,
	  .help = "Each signs in once when the app is lost; they are not shown again" },
	{ 0 },
};
static const struct schema recovery_schema = { "RecoveryCodes", recovery_fields, false };

static const struct field logout_fields[] = {
	{ .name = "everywhere", .type = FIELD_BOOL, .otherwise = "false",
	  .help = "Ends every session of the account" },
	{ .name = "refresh_token", .type = FIELD_STRING, .secret = true, .min = 1,
	  .max = TOKEN_TEXT_MAX, .help = "The session's newest one, for user pools, which end it; "
	  "other providers know it" },
	{ 0 },
};
static const struct schema logout_request_schema = { "LogoutRequest", logout_fields, false };

static const struct field profile_fields[] = {
	{ .name = "id", .type = FIELD_UUID, .required = true, .read_only = true },
	{ .name = "email", .type = FIELD_EMAIL, .required = true, .nullable = true, .read_only = true,
	  .max = EMAIL_MAX, .help = "null when the account's provider has not verified one" },
	{ .name = "name", .type = FIELD_STRING, .required = true, .nullable = true, .min = 1,
	  .max = NAME_MAX_LENGTH, .help = "As others see it" },
	{ .name = "roles", .type = FIELD_STRING, .list = true, .required = true,
	  .read_only = true, .max_items = ROLE_COUNT, .help = "user, analyst, admin, owner" },
	{ .name = "scopes", .type = FIELD_STRING, .list = true, .required = true,
	  .read_only = true, .max_items = SCOPE_COUNT, .help = "What the caller may do" },
	{ .name = "plan", .type = FIELD_STRING, .required = true, .nullable = true,
	  .read_only = true },
	{ .name = "tenant", .type = FIELD_STRING, .required = true, .nullable = true,
	  .read_only = true },
	{ 0 },
};
static const struct schema profile_schema = { "Profile", profile_fields, false };

static const struct field password_change_fields[] = {
	{ .name = "old_password", .type = FIELD_STRING, .required = true, .secret = true,
	  .min = 1, .max = PASSWORD_MAX_BYTES },
	{ .name = "new_password", .type = FIELD_STRING, .required = true, .secret = true,
	  .min = PASSWORD_MIN_LENGTH, .max = PASSWORD_MAX_BYTES },
	{ 0 },
};
static const struct schema password_change_schema = {
	"PasswordChange", password_change_fields, false
};

static const struct field session_fields[] = {
	{ .name = "id", .type = FIELD_UUID, .required = true },
	{ .name = "created_at", .type = FIELD_TIME, .required = true },
	{ .name = "used_at", .type = FIELD_TIME, .required = true,
	  .help = "When it last got new tokens" },
	{ .name = "address", .type = FIELD_STRING, .required = true, .nullable = true,
	  .help = "Where it last got new tokens from" },
	{ .name = "agent", .type = FIELD_STRING, .required = true, .nullable = true,
	  .help = "The User-Agent of then" },
	{ .name = "client_id", .type = FIELD_UUID, .required = true, .nullable = true,
	  .help = "The application that was given it; null: our own sign-in" },
	{ .name = "client_name", .type = FIELD_STRING, .required = true, .nullable = true },
	{ .name = "current", .type = FIELD_BOOL, .required = true,
	  .help = "It is the caller's own" },
	{ 0 },
};
static const struct schema session_schema = { "Session", session_fields, false };

static const struct field key_fields[] = {
	{ .name = "kty", .type = FIELD_STRING, .required = true },
	{ .name = "kid", .type = FIELD_STRING, .required = true },
	{ .name = "use", .type = FIELD_STRING, .required = true },
	{ .name = "alg", .type = FIELD_STRING, .required = true },
	{ .name = "n", .type = FIELD_STRING, .max = 2048, .help = "Modulus, base64url" },
	{ .name = "e", .type = FIELD_STRING, .help = "Exponent, base64url" },
	{ 0 },
};
static const struct schema key_schema = { "Jwk", key_fields, true };

static const struct field keys_fields[] = {
	{ .name = "keys", .type = FIELD_OBJECT, .object = &key_schema, .list = true, .required = true },
	{ 0 },
};
static const struct schema keys_schema = { "JwkSet", keys_fields, false };

/* What clients themselves send: forms, their own errors, their own limit. */
#define CLIENTS_OWN                                                        \
	.scope = SCOPE_PUBLIC, .body_kind = BODY_FORM, .body_max_bytes = 2 * BODY_MAX, \
	.errors = ERRORS_OAUTH, .limit_class = "oauth", .own_limit = true

static const struct route routes[] = {
	{ .method = POST, .path = "/v1/auth/register", .run = auth_register, .provided = true,
	  .scope = SCOPE_PUBLIC, .body = &registration_schema, .reply = &accepted_schema,
	  .body_max_bytes = BODY_MAX, .limit_class = "mail", .status = 202,
	  .summary = "Register; a mailed code confirms it" },
	{ .method = POST, .path = "/v1/auth/confirm", .run = auth_confirm, .provided = true,
	  .scope = SCOPE_PUBLIC, .body = &confirmation_schema, .body_max_bytes = BODY_MAX,
	  .limit_class = "sign-in", .status = 204, .summary = "Confirm a registration" },
	{ .method = POST, .path = "/v1/auth/confirm/resend", .run = auth_resend, .provided = true,
	  .scope = SCOPE_PUBLIC, .body = &address_schema, .reply = &accepted_schema,
	  .body_max_bytes = BODY_MAX, .limit_class = "mail", .status = 202,
	  .summary = "Mail another code for a registration" },
	{ .method = POST, .path = "/v1/auth/login", .run = auth_login, .provided = true,
	  .scope = SCOPE_PUBLIC,
	  .body = &credentials_schema, .reply = &sign_in_schema, .body_max_bytes = BODY_MAX,
	  .limit_class = "sign-in", .password = true, .summary = "Sign in" },
	{ .method = POST, .path = "/v1/auth/login/totp", .run = auth_login_totp, .provided = true,
	  .scope = SCOPE_PUBLIC, .body = &totp_answer_schema, .reply = &sign_in_schema,
	  .body_max_bytes = 2 * BODY_MAX, .limit_class = "sign-in",
	  .summary = "The second factor of a sign-in" },
	{ .method = POST, .path = "/v1/auth/login/password", .run = auth_login_password, .provided = true,
	  .scope = SCOPE_PUBLIC, .body = &password_answer_schema, .reply = &sign_in_schema,
	  .body_max_bytes = 2 * BODY_MAX, .limit_class = "sign-in",
	  .summary = "A password of one's own, where a user pool's sign-in wants one" },
	{ .method = POST, .path = "/v1/auth/refresh", .run = auth_refresh, .provided = true,
	  .scope = SCOPE_PUBLIC,
	  .body = &refresh_request_schema, .reply = &tokens_schema, .body_max_bytes = BODY_MAX,
	  .summary = "New tokens for a refresh token, which is spent" },
	{ .method = POST, .path = "/v1/auth/logout", .run = auth_logout, .provided = true,
	  .scope = SCOPE_PROFILE,
	  .session = true, .body = &logout_request_schema, .body_max_bytes = BODY_MAX, .status = 204,
	  .summary = "End this session, or every one" },
	{ .method = GET, .path = "/v1/auth/me", .run = auth_me, .provided = true,
	  .scope = SCOPE_PROFILE,
	  .reply = &profile_schema, .summary = "Who the caller is" },
	{ .method = PATCH, .path = "/v1/auth/me", .run = auth_rename, .provided = true,
	  .scope = SCOPE_PROFILE,
	  .body = &profile_schema, .reply = &profile_schema, .body_max_bytes = BODY_MAX,
	  .conditional = true, .summary = "Change the caller's name" },
	{ .method = POST, .path = "/v1/auth/password/change", .run = auth_change_password, .provided = true,
	  .scope = SCOPE_PROFILE, .session = true, .body = &password_change_schema, .body_max_bytes = BODY_MAX,
	  .limit_class = "sign-in", .status = 204,
	  .summary = "Change the password; ends the other sessions" },
	{ .method = POST, .path = "/v1/auth/password/forgot", .run = auth_forgot, .provided = true,
	  .scope = SCOPE_PUBLIC, .body = &address_schema, .reply = &accepted_schema,
	  .body_max_bytes = BODY_MAX, .limit_class = "mail", .status = 202,
	  .summary = "Mail a code for a new password" },
	{ .method = POST, .path = "/v1/auth/password/reset", .run = auth_reset, .provided = true,
	  .scope = SCOPE_PUBLIC, .body = &reset_schema, .body_max_bytes = BODY_MAX,
	  .limit_class = "sign-in", .status = 204,
	  .summary = "Choose a new password with a mailed code; ends every session" },
	{ .method = GET, .path = "/v1/auth/sessions", .run = auth_sessions, .provided = true,
	  .scope = SCOPE_PROFILE, .session = true, .reply = &session_schema, .page = true,
	  .summary = "Where the caller is signed in, the newest first" },
	{ .method = DELETE, .path = "/v1/auth/sessions/{id}", .run = auth_session_end, .provided = true,
	  .scope = SCOPE_PROFILE, .session = true, .status = 204,
	  .summary = "End one of the caller's sessions" },
	{ .method = GET, .path = "/v1/auth/providers", .run = provider_list,
	  .scope = SCOPE_PUBLIC, .reply = &provider_list_reply,
	  .summary = "The outside providers that one may sign in through" },
	{ .method = GET, .path = "/v1/auth/oauth/{provider}", .run = provider_begin,
	  .scope = SCOPE_PUBLIC, .query = &provider_begin_query, .redirects = true,
	  .unversioned = true, .limit_class = "sign-in",
	  .summary = "Go to a provider to sign in" },
	{ .method = GET, .path = "/v1/auth/oauth/{provider}/callback", .run = provider_callback,
	  .scope = SCOPE_PUBLIC, .query = &provider_callback_query, .reply = &sign_in_schema,
	  .redirects = true, .unversioned = true, .limit_class = "sign-in",
	  .summary = "Where providers send browsers back to" },
	{ .method = POST, .path = "/v1/auth/oauth/exchange", .run = provider_exchange,
	  .scope = SCOPE_PUBLIC, .body = &provider_exchange_request, .reply = &sign_in_schema,
	  .body_max_bytes = BODY_MAX, .limit_class = "sign-in",
	  .summary = "Tokens for the code of a sign-in through a provider" },
	{ .method = GET, .path = "/v1/auth/links", .run = provider_links_list,
	  .scope = SCOPE_PROFILE, .session = true, .reply = &provider_link_schema, .page = true,
	  .summary = "The outside providers that the caller's account is linked to" },
	{ .method = DELETE, .path = "/v1/auth/links/{provider}", .run = provider_links_remove,
	  .scope = SCOPE_PROFILE, .session = true, .status = 204,
	  .summary = "Take such a link away" },
	{ .method = POST, .path = "/v1/auth/totp", .run = auth_totp_enrol, .provided = true,
	  .scope = SCOPE_PROFILE, .session = true, .body = &presence_schema, .reply = &enrolment_schema,
	  .body_max_bytes = BODY_MAX, .limit_class = "sign-in",
	  .summary = "Enrol an authenticator app; a code confirms it" },
	{ .method = POST, .path = "/v1/auth/totp/verify", .run = auth_totp_verify, .provided = true,
	  .scope = SCOPE_PROFILE, .session = true, .body = &code_schema, .reply = &recovery_schema,
	  .body_max_bytes = BODY_MAX, .limit_class = "sign-in",
	  .summary = "Switch the second factor on" },
	{ .method = DELETE, .path = "/v1/auth/totp", .run = auth_totp_remove, .provided = true,
	  .scope = SCOPE_PROFILE, .session = true, .body = &code_schema, .body_max_bytes = BODY_MAX,
	  .limit_class = "sign-in", .status = 204, .summary = "Switch the second factor off" },
	{ .method = GET, .path = "/.well-known/openid-configuration", .run = auth_discovery,
	  .scope = SCOPE_PUBLIC, .reply = &oauth_discovery_reply, .caching = CACHE_PUBLIC,
	  .summary = "What an OpenID client needs to know" },
	{ .method = GET, .path = "/.well-known/oauth-authorization-server", .run = auth_discovery,
	  .scope = SCOPE_PUBLIC, .reply = &oauth_discovery_reply, .caching = CACHE_PUBLIC,
	  .summary = "The same for an OAuth client" },
	{ .method = GET, .path = "/.well-known/jwks.json", .run = auth_keys,
	  .scope = SCOPE_PUBLIC, .reply = &keys_schema, .caching = CACHE_PUBLIC,
	  .summary = "The public keys that tokens are verified with" },
	{ .method = GET, .path = "/v1/auth/clients", .run = oauth_clients_list,
	  .scope = SCOPE_USERS_MANAGE, .reply = &oauth_client_schema, .page = true,
	  .summary = "The clients of the OAuth server" },
	{ .method = POST, .path = "/v1/auth/clients", .run = oauth_clients_create,
	  .scope = SCOPE_USERS_MANAGE, .body = &oauth_client_schema,
	  .reply = &oauth_client_schema, .creates = true,
	  .summary = "Register a client; its secret is shown this once" },
	{ .method = GET, .path = "/v1/auth/clients/{id}", .run = oauth_clients_get,
	  .scope = SCOPE_USERS_MANAGE, .reply = &oauth_client_schema,
	  .summary = "A client of the OAuth server" },
	{ .method = PATCH, .path = "/v1/auth/clients/{id}", .run = oauth_clients_change,
	  .scope = SCOPE_USERS_MANAGE, .body = &oauth_client_schema,
	  .reply = &oauth_client_schema, .conditional = true, .summary = "Change a client" },
	{ .method = DELETE, .path = "/v1/auth/clients/{id}", .run = oauth_clients_remove,
	  .scope = SCOPE_USERS_MANAGE, .conditional = true, .status = 204,
	  .summary = "Remove a client, and with it every token that it has" },
	{ .method = POST, .path = "/v1/auth/clients/{id}/secret", .run = oauth_clients_renew,
	  .scope = SCOPE_USERS_MANAGE, .reply = &oauth_client_schema,
	  .summary = "A new secret for a client; the old one is no good any more" },
	{ .method = GET, .path = "/v1/auth/consents", .run = oauth_consents_list,
	  .scope = SCOPE_PROFILE, .session = true, .reply = &oauth_consent_schema, .page = true,
	  .summary = "The applications that the caller has allowed something" },
	{ .method = DELETE, .path = "/v1/auth/consents/{client_id}", .run = oauth_consents_remove,
	  .scope = SCOPE_PROFILE, .session = true, .status = 204,
	  .summary = "Take back what an application was allowed; ends its sessions" },
	{ .method = GET, .path = "/oauth2/authorize", .run = oauth_authorize, .scope = SCOPE_PUBLIC,
	  .query = &oauth_authorize_query, .reply_type = "text/html; charset=utf-8",
	  .errors = ERRORS_PAGE, .redirects = true, .unversioned = true,
	  .summary = "Where a person signs in and allows a client access" },
	{ .method = POST, .path = "/oauth2/authorize", .run = oauth_decide, .scope = SCOPE_PUBLIC,
	  .query = &oauth_authorize_query, .body = &oauth_authorize_form, .body_kind = BODY_FORM,
	  .body_max_bytes = BODY_MAX, .reply_type = "text/html; charset=utf-8",
	  .errors = ERRORS_PAGE, .redirects = true, .limit_class = "sign-in", .password = true,
	  .summary = "The forms of that page" },
	{ .method = POST, .path = "/oauth2/token", .run = oauth_token, CLIENTS_OWN,
	  .body = &oauth_token_request, .reply = &oauth_token_reply,
	  .summary = "Tokens for a code, a refresh token, or a client itself" },
	{ .method = POST, .path = "/oauth2/introspect", .run = oauth_introspect, CLIENTS_OWN,
	  .body = &oauth_introspect_request, .reply = &oauth_introspect_reply,
	  .summary = "Whether a token is good, and what it is good for" },
	{ .method = POST, .path = "/oauth2/revoke", .run = oauth_revoke, CLIENTS_OWN,
	  .body = &oauth_revoke_request, .reply_type = "text/plain; charset=utf-8", .summary = "Make a token useless, and its session" },
	{ .method = GET, .path = "/oauth2/userinfo", .run = oauth_userinfo, .scope = SCOPE_OPENID,
	  .reply = &oauth_userinfo_reply, .unversioned = true,
	  .summary = "Whose token this is, as far as its scopes tell" },
	{ .method = POST, .path = "/oauth2/userinfo", .run = oauth_userinfo,
	  .scope = SCOPE_OPENID, .reply = &oauth_userinfo_reply, .summary = "The same" },
};

static const struct handler_command commands[] = {
	{ "--setup", "make the database, the signing key and the owner's account",
	  .run = auth_setup },
	{ "--rotate-keys", "sign with a new key; the old one verifies until its last token is dead",
	  .run = auth_rotate },
	{ 0 },
};

static const struct handler auth_handler = {
	.name = "auth",
	.summary = "Sign-in, sessions and the caller's own account",
	.routes = routes,
	.n_routes = COUNT(routes),
	.needs = NEEDS_STORE | NEEDS_LIMITS | NEEDS_MAIL,
	.commands = commands,
	.start = providers_open,
	.stop = providers_close,
};

int main(int argc, char **argv)
{
	return serve_main(argc, argv, &auth_handler);
}
