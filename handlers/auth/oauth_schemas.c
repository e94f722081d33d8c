#include "auth/oauth_schemas.h"

#include "auth/oauth_client.h"
#include "base/limits.h"

#define EMAIL_MAX       254
#define PASSWORD_MAX    1024
#define STATE_MAX       2000            /* a client's own, sent back as it came */
#define SCOPE_MAX       1000
#define REFUSED_MAX     500
#define SHORT_MAX       255             /* what has a name or a digest in it */

static const struct field client_fields[] = {
	{ .name = "id", .type = FIELD_UUID, .required = true, .read_only = true,
	  .help = "The client_id" },
	{ .name = "name", .type = FIELD_STRING, .required = true, .min = 1,
	  .max = OAUTH_CLIENT_NAME_MAX, .help = "As it stands on the consent page" },
	{ .name = "type", .type = FIELD_ENUM, .choices = oauth_client_types, .required = true,
	  .help = "confidential keeps a secret; public cannot" },
	{ .name = "redirect_uris", .type = FIELD_STRING, .list = true, .min = 1,
	  .max = OAUTH_REDIRECT_MAX, .max_items = OAUTH_REDIRECTS_MAX,
	  .help = "Compared byte for byte: https, http on this machine, or of a public client "
	  "com.example.app:/…" },
	{ .name = "grant_types", .type = FIELD_ENUM, .choices = oauth_grant_names, .list = true,
	  .required = true, .max_items = OAUTH_GRANT_COUNT },
	{ .name = "scopes", .type = FIELD_STRING, .list = true, .required = true,
	  .max_items = SCOPE_COUNT, .help = "What it may be given at most; nothing that you have "
	  "not got yourself" },
	{ .name = "token_endpoint_auth_method", .type = FIELD_ENUM, .choices = oauth_method_names,
	  .help = "client_secret_basic unless said otherwise; none of a public client" },
	{ .name = "created_at", .type = FIELD_TIME, .required = true, .read_only = true },
	{ .name = "updated_at", .type = FIELD_TIME, .required = true, .read_only = true },
	{ .name = "secret", .type = FIELD_STRING, .secret = true, .read_only = true,
	  .max = OAUTH_SECRET_BYTES, .help = "The client_secret, shown this once" },
	{ 0 },
};
const struct schema oauth_client_schema = { "OAuthClient", client_fields, false };

static const struct field consent_fields[] = {
	{ .name = "client_id", .type = FIELD_UUID, .required = true },
	{ .name = "client_name", .type = FIELD_STRING, .required = true, .nullable = true,
	  .max = OAUTH_CLIENT_NAME_MAX, .help = "null: the client was removed" },
	{ .name = "scopes", .type = FIELD_STRING, .list = true, .required = true,
	  .max_items = SCOPE_COUNT, .help = "What it is given without asking again" },
	{ .name = "allowed_at", .type = FIELD_TIME, .required = true, .help = "The last time" },
	{ .name = "expires_at", .type = FIELD_TIME, .required = true,
	  .help = "When it has to ask again" },
	{ 0 },
};
const struct schema oauth_consent_schema = { "OAuthConsent", consent_fields, false };

/* Nothing is required and little is bounded here: what is wrong is told to the client
 * by a redirect, once it is known where that may lead. */
static const struct field authorize_fields[] = {
	{ .name = "client_id", .type = FIELD_STRING, .max = SHORT_MAX },
	{ .name = "redirect_uri", .type = FIELD_STRING, .max = OAUTH_REDIRECT_MAX,
	  .help = "One of the client's, byte for byte" },
	{ .name = "response_type", .type = FIELD_STRING, .max = SHORT_MAX, .help = "code" },
	{ .name = "response_mode", .type = FIELD_STRING, .max = SHORT_MAX, .help = "query" },
	{ .name = "scope", .type = FIELD_STRING, .max = SCOPE_MAX,
	  .help = "Names with spaces between them; without it all of the client's" },
	{ .name = "state", .type = FIELD_STRING, .max = STATE_MAX,
	  .help = "Comes back as it is" },
	{ .name = "code_challenge", .type = FIELD_STRING, .max = SHORT_MAX,
	  .help = "RFC 7636; required of every client" },
	{ .name = "code_challenge_method", .type = FIELD_STRING, .max = SHORT_MAX,
	  .help = "S256" },
	{ .name = "nonce", .type = FIELD_STRING, .max = SHORT_MAX,
	  .help = "Stands in the id token" },
	{ .name = "prompt", .type = FIELD_STRING, .max = SHORT_MAX,
	  .help = "none, login, consent, select_account" },
	{ .name = "max_age", .type = FIELD_STRING, .max = SHORT_MAX,
	  .help = "How many seconds ago the person may have signed in" },
	{ .name = "login_hint", .type = FIELD_STRING, .max = EMAIL_MAX,
	  .help = "The e-mail address to fill in" },
	{ .name = "request", .type = FIELD_STRING, .max = REFUSED_MAX, .help = "Not taken" },
	{ .name = "request_uri", .type = FIELD_STRING, .max = REFUSED_MAX,
	  .help = "Not taken" },
	{ 0 },
};
const struct schema oauth_authorize_query = { "AuthorizationRequest", authorize_fields, true };

static const char *const decisions[] = { "allow", "deny", "switch", NULL };

static const struct field authorize_form_fields[] = {
	{ .name = "csrf", .type = FIELD_STRING, .required = true, .secret = true, .max = SHORT_MAX,
	  .help = "As it stood in the page" },
	{ .name = "email", .type = FIELD_STRING, .max = EMAIL_MAX },
	{ .name = "password", .type = FIELD_STRING, .secret = true, .max = PASSWORD_MAX },
	{ .name = "session", .type = FIELD_STRING, .secret = true, .max = TOKEN_MAX_BYTES },
	{ .name = "code", .type = FIELD_STRING, .secret = true, .max = SHORT_MAX },
	{ .name = "decision", .type = FIELD_ENUM, .choices = decisions },
	{ 0 },
};
const struct schema oauth_authorize_form = { "AuthorizationForm", authorize_form_fields, true };

static const struct field token_request_fields[] = {
	{ .name = "grant_type", .type = FIELD_STRING, .required = true, .max = SHORT_MAX,
	  .help = "authorization_code, refresh_token, client_credentials" },
	{ .name = "code", .type = FIELD_STRING, .secret = true, .max = SHORT_MAX },
	{ .name = "redirect_uri", .type = FIELD_STRING, .max = OAUTH_REDIRECT_MAX },
	{ .name = "code_verifier", .type = FIELD_STRING, .secret = true, .max = SHORT_MAX },
	{ .name = "refresh_token", .type = FIELD_STRING, .secret = true, .max = SHORT_MAX },
	{ .name = "scope", .type = FIELD_STRING, .max = STATE_MAX },
	{ .name = "client_id", .type = FIELD_STRING, .max = SHORT_MAX },
	{ .name = "client_secret", .type = FIELD_STRING, .secret = true, .max = SHORT_MAX },
	{ 0 },
};
const struct schema oauth_token_request = { "TokenRequest", token_request_fields, true };

static const char *const token_types[] = { "Bearer", NULL };

static const struct field token_reply_fields[] = {
	{ .name = "access_token", .type = FIELD_STRING, .required = true, .secret = true,
	  .max = TOKEN_MAX_BYTES, .help = "RS256 JWT with the claims of RFC 9068" },
	{ .name = "token_type", .type = FIELD_ENUM, .choices = token_types, .required = true },
	{ .name = "expires_in", .type = FIELD_INT, .required = true, .min = 1 },
	{ .name = "scope", .type = FIELD_STRING, .required = true, .max = STATE_MAX },
	{ .name = "refresh_token", .type = FIELD_STRING, .secret = true, .max = SHORT_MAX },
	{ .name = "id_token", .type = FIELD_STRING, .secret = true, .max = TOKEN_MAX_BYTES },
	{ 0 },
};
const struct schema oauth_token_reply = { "TokenReply", token_reply_fields, false };

static const struct field introspect_fields[] = {
	{ .name = "token", .type = FIELD_STRING, .required = true, .secret = true, .min = 1,
	  .max = TOKEN_MAX_BYTES },
	{ .name = "token_type_hint", .type = FIELD_STRING, .max = SHORT_MAX,
	  .help = "Not needed" },
	{ .name = "client_id", .type = FIELD_STRING, .max = SHORT_MAX },
	{ .name = "client_secret", .type = FIELD_STRING, .secret = true, .max = SHORT_MAX },
	{ 0 },
};
const struct schema oauth_introspect_request = { "IntrospectionRequest", introspect_fields, true };
const struct schema oauth_revoke_request = { "RevocationRequest", introspect_fields, true };

static const struct field introspect_reply_fields[] = {
	{ .name = "active", .type = FIELD_BOOL, .required = true },
	{ .name = "client_id", .type = FIELD_STRING },
	{ .name = "sub", .type = FIELD_STRING },
	{ .name = "scope", .type = FIELD_STRING },
	{ .name = "token_type", .type = FIELD_STRING },
	{ .name = "iss", .type = FIELD_STRING },
	{ .name = "aud", .type = FIELD_STRING },
	{ .name = "jti", .type = FIELD_STRING },
	{ .name = "exp", .type = FIELD_INT },
	{ .name = "iat", .type = FIELD_INT },
	{ .name = "nbf", .type = FIELD_INT },
	{ 0 },
};
const struct schema oauth_introspect_reply = { "Introspection", introspect_reply_fields, false };

static const struct field userinfo_fields[] = {
	{ .name = "sub", .type = FIELD_STRING, .required = true },
	{ .name = "email", .type = FIELD_EMAIL, .max = EMAIL_MAX, .help = "With the scope email" },
	{ .name = "name", .type = FIELD_STRING, .help = "With the scope profile" },
	{ 0 },
};
const struct schema oauth_userinfo_reply = { "UserInfo", userinfo_fields, false };

#define NAMES .type = FIELD_STRING, .list = true, .required = true
static const struct field discovery_fields[] = {
	{ .name = "issuer", .type = FIELD_URL, .required = true },
	{ .name = "authorization_endpoint", .type = FIELD_URL, .required = true },
	{ .name = "token_endpoint", .type = FIELD_URL, .required = true },
	{ .name = "userinfo_endpoint", .type = FIELD_URL, .required = true },
	{ .name = "jwks_uri", .type = FIELD_URL, .required = true },
	{ .name = "introspection_endpoint", .type = FIELD_URL, .required = true },
	{ .name = "revocation_endpoint", .type = FIELD_URL, .required = true },
	{ .name = "response_types_supported", NAMES },
	{ .name = "response_modes_supported", NAMES },
	{ .name = "grant_types_supported", NAMES },
	{ .name = "subject_types_supported", NAMES },
	{ .name = "id_token_signing_alg_values_supported", NAMES },
	{ .name = "token_endpoint_auth_methods_supported", NAMES },
	{ .name = "introspection_endpoint_auth_methods_supported", NAMES },
	{ .name = "revocation_endpoint_auth_methods_supported", NAMES },
	{ .name = "code_challenge_methods_supported", NAMES },
	{ .name = "prompt_values_supported", NAMES },
	{ .name = "scopes_supported", NAMES },
	{ .name = "claims_supported", NAMES },
	{ .name = "authorization_response_iss_parameter_supported", .type = FIELD_BOOL,
	  .required = true },
	{ .name = "request_parameter_supported", .type = FIELD_BOOL, .required = true },
	{ .name = "request_uri_parameter_supported", .type = FIELD_BOOL, .required = true },
	{ 0 },
};
const struct schema oauth_discovery_reply = { "Discovery", discovery_fields, false };
