#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/json.h"
#include "config/secret_key.h"
#include "config/settings.h"

#define CONFIG_ARENA_BYTES  (1u << 20)
#define CONFIG_TEXT_MAX     4096        /* one setting; longer ones are a file pasted by mistake */
#define STATE_DIR_VARIABLE  "$STATE_DIR"

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
	settings_list_choices(problems, row);
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

/* A user pool's id begins with its region. */
static void finish_cognito(struct config *c, struct buf *problems)
{
	struct str pool = c->cognito_user_pool_id;

	c->cognito_endpoint = without_trailing(c->cognito_endpoint, '/');
	if (c->cognito_region.len == 0)
		c->cognito_region = str_first(pool, str_index(pool, '_'));
	if (c->identity == IDENTITY_COGNITO && pool.len == 0)
		BUF_LIT(problems, "COGNITO_USER_POOL_ID: not set, and IDENTITY=cognito needs it; "
		    "give a user pool's id like eu-west-1_AbCdEfGhI\n");
	if (c->identity == IDENTITY_COGNITO && c->cognito_client_id.len == 0)
		BUF_LIT(problems, "COGNITO_CLIENT_ID: not set, and IDENTITY=cognito needs it; "
		    "give the id of the pool's client\n");
}

static void finish_store(struct config *c, struct buf *problems)
{
	c->store = expand(&c->arena, c->store, c->state_dir);
	c->dynamodb_endpoint = without_trailing(c->dynamodb_endpoint, '/');
	if (str_starts(c->store, STR("dynamodb:")) && c->store.len > strlen("dynamodb:") &&
	    c->aws_region.len == 0)
		buf_printf(problems, "AWS_REGION: not set, and STORE=%.*s needs it; give a region"
		    " like eu-west-1\n", STR_ARG(c->store));
}

/* What needs more than one setting, or the machine. */
static void finish(struct config *c, struct str secret_key, struct buf *problems)
{
	size_t before = problems->len;

	c->state_dir = without_trailing(c->state_dir, '/');
	finish_store(c, problems);
	c->public_url = without_trailing(c->public_url, '/');
	finish_cognito(c, problems);
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
	for (size_t i = 0; settings_row(i) != NULL; i++) {
		const struct setting *row = settings_row(i);
		struct str value = given(source, context, row->name);
		if (value.len > CONFIG_TEXT_MAX) {
			problem(problems, row, value, "too long; at most 4096 bytes");
			value = STR_NONE;
		}
		if (row->type == SETTING_KEY)
			secret_key = value;
		read_setting(c, row, value, problems);
	}
	finish(c, secret_key, problems);
	/* Of a bad SMTP_URL there is a line already. */
	if (problems->len == before && !str_is_empty(c->smtp_url) && str_is_empty(c->mail_from))
		BUF_LIT(problems, "MAIL_FROM: not set, and with SMTP_URL it must be; "
		    "give an address like quiver@example.org\n");
	return problems->len == before && !buf_failed(problems) ? OK : ERR_INVALID;
}

void config_clean(struct config *c)
{
	crypto_wipe(c->secret_key, sizeof(c->secret_key));
	arena_clean(&c->arena);
}

const char *config_name(size_t i)
{
	const struct setting *row = settings_row(i);
	return row == NULL ? NULL : row->name;
}
