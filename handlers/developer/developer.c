/*
 * developer: the keys that programs call the API with.
 */
#include "developer/endpoints.h"
#include "developer/key.h"
#include "developer/leak_keys.h"
#include "serve/serve.h"

#define BODY_MAX        16384           /* a name, every scope and 50 ranges */
#define RANGE_MAX       49              /* an IPv6 address, '/', three digits */

/* What an owner may do, as principal.c names it; a test compares. */
static const char *const scope_choices[] = {
	"content:read", "content:write", "visitors:track", "visitors:read", "profile",
	"keys:manage", "usage:read", "analytics:read", "calls:write", "tenants:manage",
	"security:manage", "audit:read", "users:manage", "metrics:read", NULL
};

static const char *const key_types[] = { "OKP", NULL };
static const char *const curves[] = { "Ed25519", NULL };
static const struct field public_key_fields[] = {
	{ .name = "kty", .type = FIELD_ENUM, .required = true, .choices = key_types },
	{ .name = "crv", .type = FIELD_ENUM, .required = true, .choices = curves },
	{ .name = "x", .type = FIELD_STRING, .required = true, .min = 43, .max = 43,
	  .help = "The 32 bytes in base64url" },
	{ 0 },
};
static const struct schema public_key_schema = { "Ed25519PublicKey", public_key_fields, false };

static const struct field draft_fields[] = {
	{ .name = "name", .type = FIELD_STRING, .required = true, .min = 1,
	  .max = API_KEY_NAME_MAX, .help = "What it is for" },
	{ .name = "scopes", .type = FIELD_ENUM, .choices = scope_choices, .list = true,
	  .required = true, .max_items = SCOPE_COUNT, .help = "What it may do: never more than who makes it" },
	{ .name = "expires_at", .type = FIELD_TIME, .nullable = true,
	  .help = "null: it does not expire" },
	{ .name = "allowed_ips", .type = FIELD_STRING, .list = true, .nullable = true,
	  .min = 1, .max = RANGE_MAX, .max_items = API_KEY_RANGES_MAX,
	  .help = "Addresses and ranges it may be used from; none: from anywhere" },
	{ .name = "public_key", .type = FIELD_OBJECT, .nullable = true,
	  .object = &public_key_schema,
	  .help = "Verifies what it signs (RFC 9421); null: it signs with itself, HMAC-SHA256" },
	{ 0 },
};
static const struct schema draft_schema = { "ApiKeyDraft", draft_fields, false };

#define KEY_FIELDS                                                                             \
	{ .name = "id", .type = FIELD_UUID, .required = true },                                \
	{ .name = "name", .type = FIELD_STRING, .required = true, .max = API_KEY_NAME_MAX },   \
	{ .name = "prefix", .type = FIELD_STRING, .required = true,                            \
	  .help = "How the key begins: it tells keys apart and opens nothing" },               \
	{ .name = "scopes", .type = FIELD_ENUM, .choices = scope_choices, .list = true,        \
	  .required = true,                                                                    \
	  .help = "As given; what its owner may do now is the ceiling" },                      \
	{ .name = "created_at", .type = FIELD_TIME, .required = true },                        \
	{ .name = "expires_at", .type = FIELD_TIME, .required = true, .nullable = true },      \
	{ .name = "allowed_ips", .type = FIELD_STRING, .list = true, .required = true },       \
	{ .name = "public_key", .type = FIELD_OBJECT, .required = true, .nullable = true,      \
	  .object = &public_key_schema, .help = "Verifies what it signs" },                    \
	{ .name = "last_used_at", .type = FIELD_TIME, .required = true, .nullable = true,      \
	  .help = "To the minute; no part of the version" },                                   \
	{ .name = "last_used_address", .type = FIELD_STRING, .required = true,                 \
	  .nullable = true },                                                                  \
	{ .name = "rotated_at", .type = FIELD_TIME, .required = true, .nullable = true },      \
	{ .name = "previous_expires_at", .type = FIELD_TIME, .required = true,                 \
	  .nullable = true, .help = "Until when the secret before this one works" },           \
	{ .name = "version", .type = FIELD_INT, .required = true, .min = 1 }

static const struct field key_fields[] = { KEY_FIELDS, { 0 } };
static const struct schema key_schema = { "ApiKey", key_fields, false };

static const struct field secret_fields[] = {
	KEY_FIELDS,
	{ .name = "key", .type = FIELD_STRING, .required = true, .secret = true,
	  .help = "qv_live_…, for X-API-Key: shown this once" },
	{ 0 },
};
static const struct schema secret_schema = { "ApiKeyWithSecret", secret_fields, false };

static const struct field rotation_fields[] = {
	{ .name = "grace_s", .type = FIELD_INT, .min = 0, .max = API_KEY_GRACE_MAX_S,
	  .otherwise = "0", .help = "How long the secret of before works on" },
	{ 0 },
};
static const struct schema rotation_schema = { "ApiKeyRotation", rotation_fields, false };

static const char *const report_types[] = { "application/json", NULL };

static const struct route routes[] = {
	{ .method = GET, .path = "/v1/developer/keys", .run = developer_list_keys,
	  .scope = SCOPE_KEYS_MANAGE, .reply = &key_schema, .page = true,
	  .summary = "The caller's API keys, newest first" },
	{ .method = POST, .path = "/v1/developer/keys", .run = developer_create_key, .provided = true,
	  .scope = SCOPE_KEYS_MANAGE, .body = &draft_schema, .reply = &secret_schema,
	  .body_max_bytes = BODY_MAX, .creates = true, .cost = 5,
	  .summary = "Make an API key; it is shown this once" },
	{ .method = GET, .path = "/v1/developer/keys/{id}", .run = developer_read_key,
	  .scope = SCOPE_KEYS_MANAGE, .reply = &key_schema, .summary = "One of the caller's API keys" },
	{ .method = PATCH, .path = "/v1/developer/keys/{id}", .run = developer_change_key,
	  .scope = SCOPE_KEYS_MANAGE, .body = &draft_schema, .reply = &key_schema,
	  .body_max_bytes = BODY_MAX, .conditional = true, .summary = "Change an API key" },
	{ .method = DELETE, .path = "/v1/developer/keys/{id}", .run = developer_revoke_key,
	  .scope = SCOPE_KEYS_MANAGE, .conditional = true, .status = 204,
	  .signature_required = true,
	  .summary = "Revoke an API key, at once" },
	{ .method = POST, .path = "/v1/developer/keys/{id}/rotate", .run = developer_rotate_key,
	  .scope = SCOPE_KEYS_MANAGE, .body = &rotation_schema, .reply = &secret_schema,
	  .body_max_bytes = BODY_MAX, .creates = true, .status = 200,
	  .signature_required = true,
	  .cost = 5, .summary = "Give an API key a new secret; it is shown this once" },
	{ .method = POST, .path = "/v1/developer/keys/leaks", .run = developer_report_leaks,
	  .scope = SCOPE_PUBLIC, .signed_body = true, .body_kind = BODY_RAW,
	  .accepts = report_types,
	  .reply_type = "application/json",
	  .summary = "Keys that were found in public, in GitHub's secret-scanning form: they are revoked" },
};

static const struct handler developer = {
	.name = "developer",
	.summary = "API keys",
	.routes = routes,
	.n_routes = COUNT(routes),
	.needs = NEEDS_STORE | NEEDS_LIMITS | NEEDS_MAIL,
	.start = leak_keys_start,
	.stop = leak_keys_stop,
};

int main(int argc, char **argv)
{
	return serve_main(argc, argv, &developer);
}
