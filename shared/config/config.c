#include "config/config.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "config/secret_key.h"

#define CONFIG_ARENA_BYTES  (1u << 20)
#define CONFIG_TEXT_MAX     4096        /* one setting; longer ones are a file pasted by mistake */
#define STATE_DIR_VARIABLE  "$STATE_DIR"

enum setting_type {
	SETTING_NONE,           /* the zero of a forgotten column: a test refuses it */
	SETTING_TEXT,           /* struct str */
	SETTING_NUMBER,         /* uint32_t, min to max */
	SETTING_SHARE,          /* double, 0 to 1 */
	SETTING_SWITCH,         /* bool */
	SETTING_CHOICE,         /* an enum: the index in choices */
	SETTING_KEY             /* SECRET_KEY alone */
};

/* What is wrong with a well-formed text and what would do; NULL: nothing. */
typedef const char *setting_check(struct str value);

struct setting {
	const char        *name;
	enum setting_type  type;
	size_t             offset;
	const char        *otherwise;   /* the default, as one would write it; "" is none */
	const char        *otherwise_says;      /* what none means, for people */
	uint32_t           min, max;
	const char *const *choices;     /* ended by NULL */
	setting_check     *check;
	bool               secret;
	const char        *help;
};

static const char *const environments[] = { "development", "staging", "production", NULL };
static const char *const identities[] = { "local", "cognito", "oidc", NULL };
static const char *const log_levels[] = { "debug", "info", "warn", "error", NULL };

static_assert(COUNT(environments) == ENVIRONMENT_PRODUCTION + 2, "a name for each environment");
static_assert(COUNT(identities) == IDENTITY_OIDC + 2, "a name for each kind of identity");
static_assert(COUNT(log_levels) == LOG_ERROR + 2, "a name for each level");
static_assert(sizeof(enum environment) == sizeof(uint32_t) &&
    sizeof(enum identity_kind) == sizeof(uint32_t) && sizeof(enum log_level) == sizeof(uint32_t),
    "choices are stored as uint32_t");

static const char *check_store(struct str value)
{
	if (str_starts(value, STR("dynamodb:")))
		return "DynamoDB is not in this version; use sqlite:PATH";
	if (!str_starts(value, STR("sqlite:")) || value.len == strlen("sqlite:"))
		return "expected sqlite:PATH";
	return NULL;
}

static const char *check_redis(struct str value)
{
	(void)value;
	return "Redis is not in this version; leave it empty, and limits hold for this machine";
}

static const char *check_smtp(struct str value)
{
	(void)value;
	return "sending mail is not in this version; leave it empty, "
	    "and mail is written to STATE_DIR/mail";
}

static const char *check_identity(struct str value)
{
	if (!str_eq(value, STR("local")))
		return "not in this version; use local";
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

static const char *check_email(struct str value)
{
	size_t at = str_index(value, '@');
	struct str domain = str_from(value, at + 1);
	if (at == 0 || str_is_empty(domain) || str_contains(domain, STR("@")) ||
	    str_contains(value, STR(" ")))
		return "expected an address like owner@example.org";
	return NULL;
}

static const char *check_header_value(struct str value)
{
	for (size_t i = 0; i < value.len; i++)
		if (value.ptr[i] <= ' ' || value.ptr[i] > '~')
			return "it travels in a header: expected printable ASCII without spaces";
	return NULL;
}

static const struct setting settings[] = {
	{ .name = "STATE_DIR", .type = SETTING_TEXT, .offset = offsetof(struct config, state_dir),
	  .otherwise = "/var/lib/quiver",
	  .help = "database, shared segments, generated keys, undelivered mail" },
	{ .name = "STORE", .type = SETTING_TEXT, .offset = offsetof(struct config, store),
	  .otherwise = "sqlite:$STATE_DIR/quiver.db", .check = check_store,
	  .help = "where items are kept: sqlite:PATH" },
	{ .name = "REDIS_URL", .type = SETTING_TEXT, .offset = offsetof(struct config, redis_url),
	  .otherwise = "", .otherwise_says = "none: this machine only", .check = check_redis,
	  .help = "limits over many machines; not in this version" },
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
	  .otherwise = "local", .choices = identities, .check = check_identity,
	  .help = "who keeps the accounts; only local in this version" },
	{ .name = "ACCESS_TOKEN_TTL_S", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, access_token_ttl_s), .otherwise = "3600",
	  .min = 1, .max = 86400, .help = "life of an access token" },
	{ .name = "REFRESH_TOKEN_TTL_S", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, refresh_token_ttl_s), .otherwise = "2592000",
	  .min = 1, .max = 31622400, .help = "life of a refresh token" },
	{ .name = "REFRESH_GRACE_S", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, refresh_grace_s), .otherwise = "10",
	  .min = 0, .max = 300,
	  .help = "how long a rotated refresh token may be sent again by a client that lost the reply" },
	{ .name = "CLOCK_SKEW_S", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, clock_skew_s), .otherwise = "60",
	  .min = 0, .max = 600, .help = "how far the clock of a token's issuer may be off" },
	{ .name = "LIMITS", .type = SETTING_TEXT, .offset = offsetof(struct config, limits_path),
	  .otherwise = "", .otherwise_says = "the built-in policies",
	  .help = "path of a JSON policy file" },
	{ .name = "TRUSTED_PROXIES", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, trusted_proxies), .otherwise = "",
	  .otherwise_says = "none", .help = "address ranges whose forwarding headers count" },
	{ .name = "CORS_ORIGINS", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, cors_origins), .otherwise = "",
	  .otherwise_says = "none", .help = "list of exact origins that browsers may call from" },
	{ .name = "SMTP_URL", .type = SETTING_TEXT, .offset = offsetof(struct config, smtp_url),
	  .otherwise = "", .otherwise_says = "none: mail goes to `STATE_DIR/mail`",
	  .check = check_smtp, .secret = true,
	  .help = "mail server; not in this version" },
	{ .name = "MAIL_FROM", .type = SETTING_TEXT, .offset = offsetof(struct config, mail_from),
	  .otherwise = "", .otherwise_says = "none", .help = "sender of mail" },
	{ .name = "METRICS_TOKEN", .type = SETTING_TEXT,
	  .offset = offsetof(struct config, metrics_token), .otherwise = "",
	  .otherwise_says = "none: loopback only", .check = check_header_value, .secret = true,
	  .help = "bearer token that opens `/metrics` to others" },
	{ .name = "THREADS", .type = SETTING_NUMBER, .offset = offsetof(struct config, threads),
	  .otherwise = "8", .min = 1, .max = 256, .help = "workers of one process" },
	{ .name = "DRAIN_S", .type = SETTING_NUMBER, .offset = offsetof(struct config, drain_s),
	  .otherwise = "10", .min = 0, .max = 300,
	  .help = "how long a stop waits for requests in flight" },
	{ .name = "IO_TIMEOUT_S", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, io_timeout_s), .otherwise = "10",
	  .min = 1, .max = 300, .help = "silence of the web server in mid-request that ends it" },
	{ .name = "BODY_MAX_BYTES", .type = SETTING_NUMBER,
	  .offset = offsetof(struct config, body_max_bytes), .otherwise = "1048576",
	  .min = 1024, .max = 67108864, .help = "largest request body, unless its route says less" },
	{ .name = "LOG_LEVEL", .type = SETTING_CHOICE, .offset = offsetof(struct config, log_level),
	  .otherwise = "info", .choices = log_levels, .help = "lowest level that is written" },
	{ .name = "LOG_SAMPLE", .type = SETTING_SHARE, .offset = offsetof(struct config, log_sample),
	  .otherwise = "1.0", .help = "share of successful requests that are logged, 0 to 1" },
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
	  .otherwise = "", .otherwise_says = "`../share/quiver/docs` from the executable",
	  .help = "OpenAPI parts and assets of the documentation" },
	{ .name = "SITE_TITLE", .type = SETTING_TEXT, .offset = offsetof(struct config, site_title),
	  .otherwise = "Quiver", .help = "title of feeds" },
};

static const char *from_process(void *context, const char *name)
{
	(void)context;
	return getenv(name);
}

/* Begins a problem's line: the name and, unless secret, what came. */
static void problem_begin(struct buf *problems, const struct setting *row, struct str value)
{
	buf_printf(problems, "%s: ", row->name);
	if (row->secret)
		BUF_LIT(problems, "its value");
	else
		json_escape(problems, str_first(value, 128));
	BUF_LIT(problems, ": ");
}

static void problem(struct buf *problems, const struct setting *row, struct str value,
    const char *reason)
{
	problem_begin(problems, row, value);
	buf_printf(problems, "%s\n", reason);
}

static void *field(struct config *c, const struct setting *row)
{
	return (char *)c + row->offset;
}

static void read_text(struct config *c, const struct setting *row, struct str value,
    struct buf *problems)
{
	struct str kept = arena_dup(&c->arena, value);
	if (str_has_control(value) || !str_is_utf8(value))
		problem(problems, row, value, "expected UTF-8 text without control characters");
	memcpy(field(c, row), &kept, sizeof(kept));
}

static void read_number(struct config *c, const struct setting *row, struct str value,
    struct buf *problems)
{
	uint64_t n = 0;
	if (!str_to_u64(value, &n) || n < row->min || n > row->max) {
		problem_begin(problems, row, value);
		buf_printf(problems, "expected a whole number from %u to %u\n",
		    row->min, row->max);
		return;
	}
	uint32_t kept = (uint32_t)n;
	memcpy(field(c, row), &kept, sizeof(kept));
}

/* Digits with at most one point; strtod alone would take "nan" and "0x1p-3". */
static bool is_decimal(struct str value)
{
	bool point = false, digit = false;
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] == '.' && !point)
			point = true;
		else if (value.ptr[i] >= '0' && value.ptr[i] <= '9')
			digit = true;
		else
			return false;
	}
	return digit;
}

static void read_share(struct config *c, const struct setting *row, struct str value,
    struct buf *problems)
{
	double share = -1;
	if (is_decimal(value) && value.len < 64)
		share = strtod(arena_cstr(&c->arena, value), NULL);
	if (!(share >= 0 && share <= 1)) {
		problem(problems, row, value, "expected a number from 0 to 1, such as 0.25");
		return;
	}
	memcpy(field(c, row), &share, sizeof(share));
}

static void read_switch(struct config *c, const struct setting *row, struct str value,
    struct buf *problems)
{
	static const struct { const char *text; bool on; } words[] = {
		{ "on", true }, { "off", false }, { "true", true }, { "false", false },
		{ "yes", true }, { "no", false }, { "1", true }, { "0", false },
	};
	for (size_t i = 0; i < COUNT(words); i++) {
		if (str_eq_nocase(value, str_of(words[i].text))) {
			memcpy(field(c, row), &words[i].on, sizeof(bool));
			return;
		}
	}
	problem(problems, row, value, "expected on or off");
}

static void list_choices(struct buf *out, const struct setting *row)
{
	for (size_t i = 0; row->choices[i] != NULL; i++)
		buf_printf(out, "%s%s", i == 0 ? "" : ", ", row->choices[i]);
}

static void read_choice(struct config *c, const struct setting *row, struct str value,
    struct buf *problems)
{
	for (uint32_t i = 0; row->choices[i] != NULL; i++) {
		if (str_eq(value, str_of(row->choices[i]))) {
			memcpy(field(c, row), &i, sizeof(i));
			return;
		}
	}
	problem_begin(problems, row, value);
	BUF_LIT(problems, "expected one of ");
	list_choices(problems, row);
	buf_char(problems, '\n');
}

/* An empty variable is an unset one: that is what `NAME=` in a unit file means. */
static struct str given(config_source *source, void *context, const char *name)
{
	struct str value = str_trim(str_of(source(context, name)));
	return str_is_empty(value) ? STR_NONE : value;
}

static void read_setting(struct config *c, const struct setting *row, struct str value,
    struct buf *problems)
{
	size_t before = problems->len;
	struct str text = value.ptr != NULL ? value : str_of(row->otherwise);

	switch (row->type) {
	case SETTING_TEXT:
		read_text(c, row, text, problems);
		break;
	case SETTING_NUMBER:
		read_number(c, row, text, problems);
		break;
	case SETTING_SHARE:
		read_share(c, row, text, problems);
		break;
	case SETTING_SWITCH:
		read_switch(c, row, text, problems);
		break;
	case SETTING_CHOICE:
		read_choice(c, row, text, problems);
		break;
	case SETTING_NONE:
	case SETTING_KEY:
		break;
	}
	if (problems->len != before || value.ptr == NULL || row->check == NULL)
		return;
	const char *reason = row->check(value);
	if (reason != NULL)
		problem(problems, row, value, reason);
}

/* `text` with each $STATE_DIR in it replaced. */
static struct str expand(struct arena *a, struct str text, struct str state_dir)
{
	static const struct str variable = STR_INIT(STATE_DIR_VARIABLE);
	struct buf out;
	buf_init(&out, a, (size_t)CONFIG_TEXT_MAX * 16);
	while (!str_is_empty(text)) {
		if (str_starts(text, variable)) {
			buf_add(&out, state_dir);
			text = str_from(text, variable.len);
		} else {
			buf_char(&out, text.ptr[0]);
			text = str_from(text, 1);
		}
	}
	return arena_dup(a, buf_str(&out));
}

static struct str without_trailing(struct str path, char c)
{
	while (path.len > 1 && path.ptr[path.len - 1] == c)
		path.len--;
	return path;
}

static void make_state_dir(struct config *c, struct buf *problems)
{
	const char *path = arena_cstr(&c->arena, c->state_dir);
	struct stat st;
	const char *reason = NULL;

	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		reason = strerror(errno);
	else if (stat(path, &st) != 0)
		reason = strerror(errno);
	else if (!S_ISDIR(st.st_mode))
		reason = "it is not a directory";
	else if (access(path, R_OK | W_OK | X_OK) != 0)
		reason = strerror(errno);
	if (reason == NULL)
		return;
	BUF_LIT(problems, "STATE_DIR: ");
	json_escape(problems, c->state_dir);
	buf_printf(problems, ": %s; name a directory that this user may write, "
	    "or one to be made whose parent exists\n", reason);
}

static void check_limits_file(struct config *c, struct buf *problems)
{
	if (str_is_empty(c->limits_path) ||
	    access(arena_cstr(&c->arena, c->limits_path), R_OK) == 0)
		return;
	const char *reason = strerror(errno);
	BUF_LIT(problems, "LIMITS: ");
	json_escape(problems, c->limits_path);
	buf_printf(problems, ": %s; name a readable JSON file, or leave it empty\n", reason);
}

/* What needs more than one setting, or the machine. */
static void finish(struct config *c, struct str secret_key, struct buf *problems)
{
	size_t before = problems->len;

	c->state_dir = without_trailing(c->state_dir, '/');
	c->store = expand(&c->arena, c->store, c->state_dir);
	c->public_url = without_trailing(c->public_url, '/');
	make_state_dir(c, problems);
	check_limits_file(c, problems);
	bool usable = problems->len == before;

	if (secret_key.ptr != NULL)
		secret_key_given(&c->arena, secret_key, c->secret_key, problems);
	else if (c->environment != ENVIRONMENT_DEVELOPMENT)
		BUF_LIT(problems, "SECRET_KEY: not set, and outside development it must be; "
		    SECRET_KEY_RECIPE "\n");
	else if (usable)
		secret_key_kept(&c->arena, c->state_dir, c->secret_key, problems);
}

enum err config_load(struct config *c, config_source *source, void *context, struct buf *problems)
{
	struct str secret_key = STR_NONE;
	size_t before = problems->len;

	if (source == NULL)
		source = from_process;
	*c = (struct config){ .threads = 1 };
	arena_init(&c->arena, CONFIG_ARENA_BYTES);
	for (size_t i = 0; i < COUNT(settings); i++) {
		struct str value = given(source, context, settings[i].name);
		if (value.len > CONFIG_TEXT_MAX) {
			problem(problems, &settings[i], value, "too long; at most 4096 bytes");
			value = STR_NONE;
		}
		if (settings[i].type == SETTING_KEY)
			secret_key = value;
		read_setting(c, &settings[i], value, problems);
	}
	finish(c, secret_key, problems);
	return problems->len == before && !buf_failed(problems) ? OK : ERR_INVALID;
}

void config_clean(struct config *c)
{
	crypto_wipe(c->secret_key, sizeof(c->secret_key));
	arena_clean(&c->arena);
}

/* The bounds or the choices, in words. */
static void describe_values(struct buf *out, const struct setting *row)
{
	if (row->type == SETTING_NUMBER) {
		buf_printf(out, " (%u to %u)", row->min, row->max);
	} else if (row->type == SETTING_CHOICE) {
		BUF_LIT(out, " (");
		list_choices(out, row);
		buf_char(out, ')');
	}
}

/* Text of a table row with Markdown's backquotes taken out, for a terminal. */
static void add_plain(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++)
		if (*text != '`')
			buf_char(out, *text);
}

void config_help(struct buf *out)
{
	for (size_t i = 0; i < COUNT(settings); i++) {
		const struct setting *row = &settings[i];
		buf_printf(out, "  %-20s ", row->name);
		add_plain(out, row->help);
		describe_values(out, row);
		BUF_LIT(out, "\n                       default: ");
		add_plain(out, *row->otherwise != '\0' ? row->otherwise : row->otherwise_says);
		buf_char(out, '\n');
	}
}

void config_markdown(struct buf *out)
{
	BUF_LIT(out, "| setting | default | meaning |\n| --- | --- | --- |\n");
	for (size_t i = 0; i < COUNT(settings); i++) {
		const struct setting *row = &settings[i];
		buf_printf(out, "| `%s` | ", row->name);
		if (*row->otherwise != '\0')
			buf_printf(out, "`%s`", row->otherwise);
		else
			buf_printf(out, "%s", row->otherwise_says);
		buf_printf(out, " | %s", row->help);
		describe_values(out, row);
		BUF_LIT(out, " |\n");
	}
}

const char *config_name(size_t i)
{
	return i < COUNT(settings) ? settings[i].name : NULL;
}
