#include "config/settings.h"

#include <assert.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"

static const char *const environments[] = { "development", "staging", "production", NULL };
static const char *const identities[] = { "local", "cognito", "oidc", NULL };
static const char *const registrations[] = { "open", "closed", NULL };
static const char *const log_levels[] = { "debug", "info", "warn", "error", NULL };

static_assert(COUNT(environments) == ENVIRONMENT_PRODUCTION + 2, "a name for each environment");
static_assert(COUNT(identities) == IDENTITY_OIDC + 2, "a name for each kind of identity");
static_assert(COUNT(registrations) == REGISTRATION_CLOSED + 2, "a name for each");
static_assert(COUNT(log_levels) == LOG_ERROR + 2, "a name for each level");
static_assert(sizeof(enum environment) == sizeof(uint32_t) &&
    sizeof(enum identity_kind) == sizeof(uint32_t) && sizeof(enum log_level) == sizeof(uint32_t),
    "choices are stored as uint32_t");

static const char *check_store(struct str value)
{
	struct str rest = value, engine = str_cut(&rest, ':');

	if (rest.len > 0 && (str_eq(engine, STR("sqlite")) || str_eq(engine, STR("dynamodb"))))
		return NULL;
	return "expected sqlite:PATH or dynamodb:TABLE";
}

/* What is in it is read where it is used: net/redis_url.c. */
static const char *check_redis(struct str value)
{
	return str_starts(value, STR("redis://")) || str_starts(value, STR("unix:/")) ? NULL :
	    "expected redis://[USER:PASSWORD@]HOST[:PORT][/DB] or unix:/PATH";
}

static const char *check_smtp(struct str value)
{
	struct str rest;

	if (str_starts(value, STR("smtps://")))
		rest = str_from(value, strlen("smtps://"));
	else if (str_starts(value, STR("smtp://")))
		rest = str_from(value, strlen("smtp://"));
	else
		return "expected smtp://[USER:PASSWORD@]HOST[:PORT], or smtps://";
	if (rest.len == 0 || rest.ptr[0] == '/' || str_contains(value, STR(" ")) ||
	    str_contains(value, STR("?")) || str_contains(value, STR("#")))
		return "expected a host, and no space, ? or #; in a password write %3F, %23 and the like";
	return NULL;
}

static const char *check_public_url(struct str value)
{
	struct str host = STR_NONE;
	if (str_starts(value, STR("https://")))
		host = str_from(value, strlen("https://"));
	else if (str_starts(value, STR("http://")))
		host = str_from(value, strlen("http://"));
	if (str_is_empty(host) || host.ptr[0] == '/' || str_contains(value, STR(" ")) ||
	    str_contains(value, STR("?")) || str_contains(value, STR("#")))
		return "expected http://HOST or https://HOST, with no query";
	return NULL;
}

/* Also: no longer than a path may be. */
static const char *check_readable(struct str value)
{
	char path[PATH_MAX];

	if (value.len >= sizeof(path))
		return "the path is too long";
	memcpy(path, value.ptr, value.len);
	path[value.len] = '\0';
	return access(path, R_OK) == 0 ? NULL : "name a file that this user may read";
}

static const char *check_email(struct str value)
{
	size_t at = str_index(value, '@');
	struct str domain = str_from(value, at + 1);
	if (at == 0 || str_is_empty(domain) || str_contains(domain, STR("@")) ||
	    str_contains(value, STR(" ")))
		return "expected an address like owner@example.org";
	return NULL;
}

static const char *check_mailbox(struct str value)
{
	struct str address = value;
	size_t open = str_index(value, '<');

	if (open < value.len && str_ends(value, STR(">")))
		address = str_from(str_first(value, value.len - 1), open + 1);
	return check_email(address) == NULL ? NULL :
	    "expected an address, or a name and an address like Quiver <quiver@example.org>";
}

static const char *check_header_value(struct str value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] <= ' ' || value.ptr[i] > '~')
			return "it travels in a header: expected printable ASCII without spaces";
	return NULL;
}

/* Letters, digits, '-' and '_': what stands in host names and paths as it is. */
static const char *check_word(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		char c = value.ptr[i];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '_'))
			return "expected letters, digits, - and _ alone";
	}
	return NULL;
}

static const char *check_pool(struct str value)
{
	size_t mark = str_index(value, '_');

	if (mark == 0 || mark + 1 >= value.len || check_word(value) != NULL)
		return "expected a user pool's id like eu-west-1_AbCdEfGhI";
	return NULL;
}

static const char *check_region(struct str value)
{
	return check_word(value) != NULL ? "expected a region like eu-west-1" : NULL;
}

static const char *check_relative_uri(struct str value)
{
	return str_starts(value, STR("/")) && check_header_value(value) == NULL ? NULL :
	    "expected a path that begins with /";
}

/* Whether it may be asked is decided by the parser that connects: net/aws_credentials.c. */
static const char *check_uri(struct str value)
{
	return (str_starts(value, STR("http://")) || str_starts(value, STR("https://"))) &&
	    check_header_value(value) == NULL ? NULL : "expected http://HOST or https://HOST";
}

/* What is in it is read where it is used: auth/issuers.c. */
static const char *check_json_list(struct str value)
{
	return str_starts(value, STR("[")) && str_ends(value, STR("]")) ? NULL :
	    "expected a JSON list like [{\"issuer\":\"https://tenant.auth0.com/\",\"audience\":\"my-api\"}]";
}

static const struct setting settings[] = {
	{ .name = "STATE_DIR", .type = SETTING_TEXT, .offset = offsetof(struct config, state_dir),
	  .otherwise = "/var/lib/quiver",
	  .help = "database, shared segments, generated keys, undelivered mail" },
	{ .name = "STORE", .type = SETTING_TEXT, .offset = offsetof(struct config, store),
	  .otherwise = "sqlite:$STATE_DIR/quiver.db", .check = check_store,
	  .help = "where items are kept: sqlite:PATH or dynamodb:TABLE" },
	{ .name = "AWS_REGION", .type = SETTING_TEXT, .offset = offsetof(struct config, aws_region),
	  .otherwise = "", .otherwise_says = "none; required with DynamoDB", .check = check_region,
	  .help = "AWS region of the table" },
	{ .name = "DYNAMODB_ENDPOINT", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, dynamodb_endpoint), .otherwise = "",
	  .otherwise_says = "AWS's", .check = check_public_url,
	  .help = "base URL of another implementation of DynamoDB; http:// in development alone" },
	{ .name = "AWS_ACCESS_KEY_ID", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, aws_access_key_id), .otherwise = "",
	  .otherwise_says = "none: from the container's or the instance's role",
	  .check = check_header_value, .help = "key that calls to AWS are signed with" },
	{ .name = "AWS_SECRET_ACCESS_KEY", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, aws_secret_access_key), .otherwise = "",
	  .otherwise_says = "none", .check = check_header_value, .secret = true,
	  .help = "that key's secret" },
	{ .name = "AWS_SESSION_TOKEN", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, aws_session_token), .otherwise = "",
	  .otherwise_says = "none", .check = check_header_value, .secret = true,
	  .help = "of a key that expires" },
	{ .name = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, aws_container_relative_uri), .otherwise = "",
	  .otherwise_says = "none", .check = check_relative_uri,
	  .help = "path at which ECS gives keys; ECS sets it" },
	{ .name = "AWS_CONTAINER_CREDENTIALS_FULL_URI", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, aws_container_full_uri), .otherwise = "",
	  .otherwise_says = "none", .check = check_uri,
	  .help = "URL, on this machine alone, that gives keys; EKS sets it" },
	{ .name = "AWS_CONTAINER_AUTHORIZATION_TOKEN", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, aws_container_token), .otherwise = "",
	  .otherwise_says = "none", .check = check_header_value, .secret = true,
	  .help = "what that URL wants to see" },
	{ .name = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, aws_container_token_file), .otherwise = "",
	  .otherwise_says = "none", .check = check_readable,
	  .help = "file that has it, read each time" },
	{ .name = "AWS_EC2_METADATA_SERVICE_ENDPOINT", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, aws_metadata_endpoint),
	  .otherwise = "http://169.254.169.254", .check = check_uri,
	  .help = "where an instance's role gives keys, when nothing above does" },
	{ .name = "AWS_EC2_METADATA_DISABLED", .type = SETTING_SWITCH,
	  .offset = offsetof(struct config, aws_metadata_disabled), .otherwise = "off",
	  .help = "do not ask there" },
	{ .name = "REDIS_URL", .type = SETTING_TEXT, .offset = offsetof(struct config, redis_url),
	  .otherwise = "", .otherwise_says = "none: this machine only", .check = check_redis,
	  .secret = true,
	  .help = "Redis that machines share limits through and hear of revocations by: "
	  "redis://[USER:PASSWORD@]HOST[:PORT][/DB], or unix:/PATH" },
	{ .name = "REDIS_TIMEOUT_MS", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, redis_timeout_ms), .otherwise = "5",
	  .min = 1, .max = 1000,
	  .help = "how long a request waits for Redis to decide about its limits" },
	{ .name = "SECRET_KEY", .type = SETTING_KEY, .offset = offsetof(struct config, secret_key),
	  .otherwise = "", .otherwise_says = "generated into `STATE_DIR` in development, "
	  "required otherwise", .secret = true,
	  .help = "32 bytes, base64: encrypts keys at rest, signs cursors" },
	{ .name = "ENVIRONMENT", .type = SETTING_CHOICE,
	  .offset = offsetof(struct config, environment), .otherwise = "development",
	  .choices = environments, .help = "how strict to be" },
	{ .name = "PUBLIC_URL", .type = SETTING_TEXT, .offset = offsetof(struct config, public_url),
	  .otherwise = "", .otherwise_says = "from the request", .check = check_public_url,
	  .help = "issuer of tokens, links in mail and feeds" },
	{ .name = "IDENTITY", .type = SETTING_CHOICE, .offset = offsetof(struct config, identity),
	  .otherwise = "local", .choices = identities,
	  .help = "who keeps the accounts: local, cognito for a user pool, or oidc for an OpenID provider" },
	{ .name = "OIDC_ISSUERS", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, oidc_issuers), .otherwise = "",
	  .otherwise_says = "none", .check = check_json_list,
	  .help = "JSON list of other issuers whose tokens are trusted" },
	{ .name = "COGNITO_USER_POOL_ID", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, cognito_user_pool_id), .otherwise = "",
	  .otherwise_says = "none", .check = check_pool,
	  .help = "user pool, with `IDENTITY=cognito`: REGION_ID" },
	{ .name = "COGNITO_CLIENT_ID", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, cognito_client_id), .otherwise = "",
	  .otherwise_says = "none", .check = check_word, .help = "the pool's client" },
	{ .name = "COGNITO_CLIENT_SECRET", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, cognito_client_secret), .otherwise = "",
	  .otherwise_says = "none: a client without one", .secret = true,
	  .help = "the client's secret" },
	{ .name = "COGNITO_REGION", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, cognito_region), .otherwise = "",
	  .otherwise_says = "the user pool's", .check = check_region, .help = "AWS region" },
	{ .name = "COGNITO_ENDPOINT", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, cognito_endpoint), .otherwise = "",
	  .otherwise_says = "AWS's", .check = check_public_url,
	  .help = "another server that speaks Cognito's protocol, for tests" },
	{ .name = "AUTH_PROVIDERS", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, auth_providers), .otherwise = "",
	  .otherwise_says = "none", .secret = true,
	  .help = "JSON list of outside providers to sign in through: Google, GitHub, any OpenID "
	  "provider" },
	{ .name = "REGISTRATION", .type = SETTING_CHOICE,
	  .offset = offsetof(struct config, registration), .otherwise = "open",
	  .choices = registrations,
	  .help = "whether strangers may make accounts, by themselves or through a provider" },
	{ .name = "ACCESS_TOKEN_TTL_S", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, access_token_ttl_s), .otherwise = "3600",
	  .min = 1, .max = 86400, .help = "life of an access token" },
	{ .name = "REFRESH_TOKEN_TTL_S", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, refresh_token_ttl_s), .otherwise = "2592000",
	  .min = 1, .max = 31622400, .help = "life of a refresh token" },
	{ .name = "SESSION_MAX_S", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, session_max_s), .otherwise = "7776000",
	  .min = 60, .max = 315360000,
	  .help = "life of a session, however it is used: then one signs in again" },
	{ .name = "REFRESH_GRACE_S", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, refresh_grace_s), .otherwise = "10",
	  .min = 0, .max = 300,
	  .help = "how long a rotated refresh token may be sent again by a client that lost "
	  "the reply" },
	{ .name = "CLOCK_SKEW_S", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, clock_skew_s), .otherwise = "60",
	  .min = 0, .max = 600, .help = "how far the clock of a token's issuer may be off" },
	{ .name = "SIGNING_KEY_MAX_AGE_S", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, signing_key_max_age_s), .otherwise = "7776000",
	  .min = 0, .max = 315360000,
	  .help = "age at which a new key signs tokens; 0: only `auth --rotate-keys`" },
	{ .name = "LIMITS", .type = SETTING_TEXT, .offset = offsetof(struct config, limits_path),
	  .otherwise = "", .otherwise_says = "the built-in policies",
	  .help = "path of a JSON policy file" },
	{ .name = "LIMIT_MACHINES", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, limit_machines), .otherwise = "1",
	  .min = 1, .max = 1000,
	  .help = "machines that share limits through Redis: while it is away, each gives that "
	  "part of them" },
	{ .name = "TRUSTED_PROXIES", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, trusted_proxies), .otherwise = "",
	  .otherwise_says = "none", .help = "address ranges whose forwarding headers count" },
	{ .name = "CORS_ORIGINS", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, cors_origins), .otherwise = "",
	  .otherwise_says = "none", .help = "list of exact origins that browsers may call from" },
	{ .name = "SMTP_URL", .type = SETTING_TEXT, .offset = offsetof(struct config, smtp_url),
	  .otherwise = "", .otherwise_says = "none: mail goes to `STATE_DIR/mail`",
	  .check = check_smtp, .secret = true,
	  .help = "mail server: smtp://[USER:PASSWORD@]HOST[:PORT], or smtps://" },
	{ .name = "MAIL_FROM", .type = SETTING_TEXT, .offset = offsetof(struct config, mail_from),
	  .otherwise = "", .otherwise_says = "none; required with `SMTP_URL`",
	  .check = check_mailbox, .help = "sender of mail" },
	{ .name = "MAIL_TEMPLATES", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, mail_templates_dir), .otherwise = "",
	  .otherwise_says = "`share/quiver/email` of its installation",
	  .help = "folder of the mails' texts" },
	{ .name = "NET_CA_FILE", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, net_ca_file), .otherwise = "",
	  .otherwise_says = "the system's", .check = check_readable,
	  .help = "PEM file with the certificate authorities to trust in calls to other services" },
	{ .name = "METRICS_TOKEN", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, metrics_token), .otherwise = "",
	  .otherwise_says = "none: loopback only", .check = check_header_value, .secret = true,
	  .help = "bearer token that opens `/metrics` to others" },
	{ .name = "THREADS", .type = SETTING_NUMBER, .offset = offsetof(struct config, threads),
	  .otherwise = "8", .min = 1, .max = 1024, .help = "workers of one process" },
	{ .name = "DRAIN_S", .type = SETTING_NUMBER, .offset = offsetof(struct config, drain_s),
	  .otherwise = "10", .min = 0, .max = 300,
	  .help = "how long a stop waits for requests in flight" },
	{ .name = "IO_TIMEOUT_S", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, io_timeout_s), .otherwise = "10",
	  .min = 1, .max = 300, .help = "silence of the web server in mid-request that ends it" },
	{ .name = "BODY_MAX_BYTES", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, body_max_bytes), .otherwise = "1048576",
	  .min = 1024, .max = 67108864,
	  .help = "largest request body, unless its route says less" },
	{ .name = "LOG_LEVEL", .type = SETTING_CHOICE, .offset = offsetof(struct config, log_level),
	  .otherwise = "info", .choices = log_levels, .help = "lowest level that is written" },
	{ .name = "LOG_SAMPLE", .type = SETTING_SHARE,
	  .offset = offsetof(struct config, log_sample), .otherwise = "1.0",
	  .help = "share of successful requests that are logged, 0 to 1" },
	{ .name = "LOG_DELAY_MS", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, log_delay_ms), .otherwise = "100", .min = 0, .max = 1000,
	  .help = "how long a successful request's line may wait to be written with others" },
	{ .name = "LOG_BODIES", .type = SETTING_SWITCH,
	  .offset = offsetof(struct config, log_bodies), .otherwise = "off",
	  .help = "log request bodies, redacted" },
	{ .name = "OWNER_EMAIL", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, owner_email), .otherwise = "owner@localhost",
	  .check = check_email, .help = "sign-in of the first account" },
	{ .name = "OWNER_PASSWORD", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, owner_password), .otherwise = "",
	  .otherwise_says = "generated and shown once", .secret = true,
	  .help = "password of the first account" },
	{ .name = "DOCS_DIR", .type = SETTING_TEXT, .offset = offsetof(struct config, docs_dir),
	  .otherwise = "", .otherwise_says = "`share/quiver/docs` of its installation",
	  .help = "OpenAPI parts and assets of the documentation" },
	{ .name = "SITE_TITLE", .type = SETTING_TEXT, .offset = offsetof(struct config, site_title),
	  .otherwise = "Quiver", .help = "title of feeds, and the name in mail" },
	{ .name = "LEAK_REPORT_KEYS", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, leak_report_keys), .otherwise = "",
	  .otherwise_says = "none: reports are not taken",
	  .help = "path of a JSON file with the public keys that reports of leaked API keys are "
	  "signed with" },
};

const struct setting *settings_row(size_t i)
{
	return i < COUNT(settings) ? &settings[i] : NULL;
}

void settings_list_choices(struct buf *out, const struct setting *row)
{
	for (size_t i = 0; row->choices[i] != NULL; i++)
		buf_printf(out, "%s%s", i == 0 ? "" : ", ", row->choices[i]);
}
