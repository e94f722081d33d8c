/*
 * config_config: every row of the settings' table, good and bad.
 */
#include "config_rig.h"

TEST(every_row_has_a_name_once)
{
	(void)state;
	size_t n = 0;
	for (; config_name(n) != NULL; n++)
		for (size_t i = 0; i < n; i++)
			assert_row(strcmp(config_name(i), config_name(n)) != 0, config_name(n));
	assert_true(n > 0);
}

TEST(nothing_set_is_a_full_configuration)
{
	(void)state;
	struct fixture f;
	begin(&f);
	load(&f);
	const struct config *c = &f.config;
	assert_str(buf_str(&f.problems), STR(""));
	assert_int_equal(f.result, OK);
	assert_str(c->state_dir, str_of(f.state_dir));
	assert_true(str_starts(c->store, STR("sqlite:/tmp/quiver-config-")));
	assert_true(str_ends(c->store, STR("/state/quiver.db")));
	assert_str(c->redis_url, STR(""));
	assert_int_equal(c->environment, ENVIRONMENT_DEVELOPMENT);
	assert_str(c->public_url, STR(""));
	assert_int_equal(c->identity, IDENTITY_LOCAL);
	assert_int_equal(c->access_token_ttl_s, 3600);
	assert_int_equal(c->refresh_token_ttl_s, 2592000);
	assert_int_equal(c->refresh_grace_s, 10);
	assert_int_equal(c->clock_skew_s, 60);
	assert_str(c->limits_path, STR(""));
	assert_int_equal(c->threads, 8);
	assert_int_equal(c->drain_s, 10);
	assert_int_equal(c->io_timeout_s, 10);
	assert_int_equal(c->body_max_bytes, 1048576);
	assert_int_equal(c->log_level, LOG_INFO);
	assert_true(c->log_sample >= 1 && c->log_sample <= 1);
	assert_int_equal(c->log_delay_ms, 100);
	assert_false(c->log_bodies);
	assert_str(c->owner_email, STR("owner@localhost"));
	assert_str(c->owner_password, STR(""));
	assert_str(c->site_title, STR("Quiver"));
	assert_str(c->docs_dir, STR(""));
	config_clean(&f.config);
	end(&f);
}

TEST(what_is_set_is_read)
{
	(void)state;
	struct fixture f;
	begin(&f);
	f.set[0] = (struct variable){ "ENVIRONMENT", "production" };
	f.set[1] = (struct variable){ "SECRET_KEY", KEY };
	f.set[2] = (struct variable){ "THREADS", "1024" };
	f.set[3] = (struct variable){ "PUBLIC_URL", "https://api.example.org/" };
	f.set[4] = (struct variable){ "LOG_SAMPLE", "0.25" };
	f.set[5] = (struct variable){ "LOG_LEVEL", "error" };
	f.set[6] = (struct variable){ "LOG_BODIES", "ON" };
	f.set[7] = (struct variable){ "SITE_TITLE", "Caf\xC3\xA9" };
	load(&f);
	assert_str(buf_str(&f.problems), STR(""));
	assert_int_equal(f.result, OK);
	assert_int_equal(f.config.environment, ENVIRONMENT_PRODUCTION);
	for (size_t i = 0; i < SECRET_BYTES; i++)
		assert_int_equal(f.config.secret_key[i], i);
	assert_int_equal(f.config.threads, 1024);
	assert_str(f.config.public_url, STR("https://api.example.org"));
	assert_true(f.config.log_sample > 0.249 && f.config.log_sample < 0.251);
	assert_int_equal(f.config.log_level, LOG_ERROR);
	assert_true(f.config.log_bodies);
	assert_str(f.config.site_title, STR("Caf\xC3\xA9"));
	config_clean(&f.config);
	end(&f);
}

TEST(an_empty_variable_is_an_unset_one)
{
	(void)state;
	struct fixture f;
	begin(&f);
	f.set[0] = (struct variable){ "THREADS", "" };
	f.set[1] = (struct variable){ "SITE_TITLE", "  " };
	f.set[2] = (struct variable){ "SECRET_KEY", "" };
	load(&f);
	assert_int_equal(f.result, OK);
	assert_int_equal(f.config.threads, 8);
	assert_str(f.config.site_title, STR("Quiver"));
	config_clean(&f.config);
	end(&f);
}

static const struct { const char *name, *value; } good[] = {
	{ "STORE", "sqlite:/tmp/x.db" }, { "STORE", "sqlite:$STATE_DIR/y.db" },
	{ "ENVIRONMENT", "development" }, { "PUBLIC_URL", "http://localhost:8080" },
	{ "IDENTITY", "local" }, { "IDENTITY", "oidc" }, { "OIDC_ISSUERS", "[{}]" },
	{ "ACCESS_TOKEN_TTL_S", "1" }, { "ACCESS_TOKEN_TTL_S", "86400" },
	{ "REFRESH_TOKEN_TTL_S", "31622400" }, { "REFRESH_GRACE_S", "0" },
	{ "REFRESH_GRACE_S", "300" }, { "CLOCK_SKEW_S", "0" }, { "CLOCK_SKEW_S", "600" },
	{ "SIGNING_KEY_MAX_AGE_S", "0" },
	{ "LIMITS", "/dev/null" }, { "TRUSTED_PROXIES", "10.0.0.0/8, ::1" },
	{ "CORS_ORIGINS", "https://a.example https://b.example" },
	{ "MAIL_FROM", "Quiver <q@example.org>" }, { "METRICS_TOKEN", "abc.DEF~1" },
	{ "THREADS", "1" }, { "THREADS", " 16 " }, { "DRAIN_S", "0" }, { "DRAIN_S", "300" },
	{ "IO_TIMEOUT_S", "1" }, { "IO_TIMEOUT_S", "300" }, { "BODY_MAX_BYTES", "1024" },
	{ "BODY_MAX_BYTES", "67108864" }, { "LOG_LEVEL", "debug" }, { "LOG_LEVEL", "warn" },
	{ "LOG_SAMPLE", "0" }, { "LOG_SAMPLE", "1" }, { "LOG_SAMPLE", ".5" },
	{ "LOG_BODIES", "true" }, { "LOG_BODIES", "0" }, { "OWNER_EMAIL", "me@example.org" },
	{ "OWNER_PASSWORD", "correct horse battery staple" }, { "DOCS_DIR", "/usr/share/x" },
	{ "SECRET_KEY", KEY },
};

TEST(good_values_are_taken)
{
	(void)state;
	struct fixture f;
	begin(&f);
	for (size_t i = 0; i < COUNT(good); i++) {
		load_with(&f, good[i].name, good[i].value);
		if (f.result != OK)
			fail_msg("%s=%s: %.*s", good[i].name, good[i].value,
			    STR_ARG(buf_str(&f.problems)));
	}
	end(&f);
}

static const struct { const char *name, *value, *says; } bad[] = {
	{ "STATE_DIR", "/nonexistent/deep/state", "No such file or directory; name a directory" },
	{ "STATE_DIR", "/dev/null", "it is not a directory" },
	{ "STORE", "dynamodb:", "expected sqlite:PATH or dynamodb:TABLE" },
	{ "STORE", "postgres://", "expected sqlite:PATH" },
	{ "STORE", "sqlite:", "expected sqlite:PATH" },
	{ "DYNAMODB_ENDPOINT", "localhost:8000", "expected http://HOST or https://HOST" },
	{ "REDIS_URL", "localhost:6379", "expected redis://" },
	{ "REDIS_URL", "rediss://localhost", "expected redis://" },
	{ "REDIS_URL", "unix:redis.sock", "or unix:/PATH" },
	{ "REDIS_TIMEOUT_MS", "0", "from 1 to 1000" },
	{ "LIMIT_MACHINES", "0", "from 1 to 1000" }, { "LIMIT_MACHINES", "1001", "from 1 to 1000" },
	{ "SMTP_URL", "mail.example.org", "expected smtp://" },
	{ "SMTP_URL", "smtp:///x", "expected a host" },
	{ "SMTP_URL", "smtp://a:b?c@host", "expected a host" },
	{ "MAIL_FROM", "Quiver", "expected an address" },
	{ "MAIL_FROM", "Quiver <quiver>", "expected an address" },
	{ "ENVIRONMENT", "Production", "expected one of development, staging, production" },
	{ "PUBLIC_URL", "api.example.org", "expected http://HOST or https://HOST" },
	{ "PUBLIC_URL", "https://", "expected http://HOST" },
	{ "PUBLIC_URL", "https:///v1", "expected http://HOST" },
	{ "PUBLIC_URL", "https://a/?b=c", "with no query" },
	{ "COGNITO_USER_POOL_ID", "eu-west-1", "expected a user pool's id" },
	{ "COGNITO_USER_POOL_ID", "eu-west-1_a/b", "expected a user pool's id" },
	{ "COGNITO_CLIENT_ID", "a b", "expected letters, digits" },
	{ "COGNITO_REGION", "eu.west", "expected a region" },
	{ "COGNITO_ENDPOINT", "127.0.0.1:9229", "expected http://HOST or https://HOST" },
	{ "OIDC_ISSUERS", "https://idp.example", "a JSON list" },
	{ "OIDC_ISSUERS", "{}", "a JSON list" },
	{ "REGISTRATION", "maybe", "expected one of" },
	{ "IDENTITY", "ldap", "expected one of local, cognito, oidc" },
	{ "REGISTRATION", "invited", "expected one of open, closed" },
	{ "ACCESS_TOKEN_TTL_S", "0", "expected a whole number from 1 to 86400" },
	{ "ACCESS_TOKEN_TTL_S", "86401", "from 1 to 86400" },
	{ "SESSION_MAX_S", "59", "from 60 to 315360000" },
	{ "REFRESH_TOKEN_TTL_S", "31622401", "from 1 to 31622400" },
	{ "REFRESH_GRACE_S", "301", "from 0 to 300" },
	{ "CLOCK_SKEW_S", "601", "from 0 to 600" },
	{ "SIGNING_KEY_MAX_AGE_S", "315360001", "from 0 to 315360000" },
	{ "LIMITS", "/nonexistent/limits.json", "name a readable JSON file" },
	{ "METRICS_TOKEN", "two words", "printable ASCII without spaces" },
	{ "METRICS_TOKEN", "caf\xC3\xA9", "printable ASCII without spaces" },
	{ "AWS_REGION", "eu west", "expected a region" },
	{ "AWS_ACCESS_KEY_ID", "two words", "printable ASCII without spaces" },
	{ "AWS_SECRET_ACCESS_KEY", "two words", "printable ASCII without spaces" },
	{ "AWS_SESSION_TOKEN", "two words", "printable ASCII without spaces" },
	{ "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "keys", "begins with /" },
	{ "AWS_CONTAINER_CREDENTIALS_FULL_URI", "file:///etc/passwd", "expected http://HOST" },
	{ "AWS_CONTAINER_AUTHORIZATION_TOKEN", "two words", "printable ASCII without spaces" },
	{ "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nonexistent/token", "name a file" },
	{ "AWS_EC2_METADATA_SERVICE_ENDPOINT", "169.254.169.254", "expected http://HOST" },
	{ "AWS_EC2_METADATA_DISABLED", "maybe", "expected on or off" },
	{ "THREADS", "0", "from 1 to 1024" }, { "THREADS", "1025", "from 1 to 1024" },
	{ "THREADS", "-1", "from 1 to 1024" }, { "THREADS", "+1", "from 1 to 1024" },
	{ "THREADS", "8x", "from 1 to 1024" }, { "THREADS", "0x8", "from 1 to 1024" },
	{ "THREADS", "1e2", "from 1 to 1024" }, { "THREADS", "4294967297", "from 1 to 1024" },
	{ "THREADS", "18446744073709551617", "from 1 to 1024" },
	{ "DRAIN_S", "301", "from 0 to 300" }, { "IO_TIMEOUT_S", "0", "from 1 to 300" },
	{ "IO_TIMEOUT_S", "301", "from 1 to 300" },
	{ "BODY_MAX_BYTES", "1023", "from 1024 to 67108864" },
	{ "BODY_MAX_BYTES", "67108865", "from 1024 to 67108864" },
	{ "LOG_LEVEL", "trace", "expected one of debug, info, warn, error" },
	{ "LOG_SAMPLE", "1.1", "from 0 to 1" }, { "LOG_SAMPLE", "-0.1", "from 0 to 1" },
	{ "LOG_SAMPLE", "nan", "from 0 to 1" }, { "LOG_SAMPLE", "0x1p-1", "from 0 to 1" },
	{ "LOG_SAMPLE", "1e-3", "from 0 to 1" }, { "LOG_SAMPLE", ".", "from 0 to 1" },
	{ "LOG_SAMPLE", "0.1.2", "from 0 to 1" },
	{ "LOG_DELAY_MS", "1001", "from 0 to 1000" },
	{ "LOG_BODIES", "maybe", "expected on or off" },
	{ "OWNER_EMAIL", "owner", "expected an address" },
	{ "OWNER_EMAIL", "@localhost", "expected an address" },
	{ "OWNER_EMAIL", "a@b@c", "expected an address" },
	{ "SITE_TITLE", "a\nb", "without control characters" },
	{ "SITE_TITLE", "\xFF", "expected UTF-8 text" },
	{ "NET_CA_FILE", "/nonexistent/ca.pem", "name a file that this user may read" },
	{ "SECRET_KEY", "short", "SECRET_KEY: not base64" },
	{ "SECRET_KEY", "AAECAwQFBgcICQoLDA0ODw==", "SECRET_KEY: not 32 bytes when decoded" },
	{ "SECRET_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "SECRET_KEY: weak" },
	{ "SECRET_KEY", "AAECAwQFBgcICQoLDA0OAAECAwQFBgcICQoLDA0OAAE=", "SECRET_KEY: weak" },
};

TEST(bad_values_are_refused_by_name_and_with_what_would_do)
{
	(void)state;
	struct fixture f;
	begin(&f);
	for (size_t i = 0; i < COUNT(bad); i++) {
		load_with(&f, bad[i].name, bad[i].value);
		struct str said = buf_str(&f.problems);
		if (f.result != ERR_INVALID || !str_starts(said, str_of(bad[i].name)) ||
		    !str_contains(said, str_of(bad[i].says)) ||
		    str_index(said, '\n') != said.len - 1)
			fail_msg("%s=%s: %d %.*s", bad[i].name, bad[i].value, (int)f.result,
			    STR_ARG(said));
	}
	end(&f);
}

TEST(every_row_but_the_free_texts_refuses_something)
{
	(void)state;
	static const char *const free_texts[] = {
		"TRUSTED_PROXIES", "CORS_ORIGINS", "OWNER_PASSWORD", "DOCS_DIR", "MAIL_TEMPLATES",
		"COGNITO_CLIENT_SECRET", "AUTH_PROVIDERS", "LEAK_REPORT_KEYS",
	};
	for (size_t i = 0; config_name(i) != NULL; i++) {
		bool known = false;
		for (size_t j = 0; j < COUNT(bad); j++)
			known = known || strcmp(bad[j].name, config_name(i)) == 0;
		for (size_t j = 0; j < COUNT(free_texts); j++)
			known = known || strcmp(free_texts[j], config_name(i)) == 0;
		assert_row(known, config_name(i));
	}
}

TEST(dynamodb_needs_a_region)
{
	(void)state;
	struct fixture f;
	begin(&f);
	load_with(&f, "STORE", "dynamodb:quiver");
	assert_int_equal(f.result, ERR_INVALID);
	assert_true(str_contains(buf_str(&f.problems),
	    STR("AWS_REGION: not set, and STORE=dynamodb:quiver needs it")));
	f.set[0] = (struct variable){ "STORE", "dynamodb:quiver" };
	f.set[1] = (struct variable){ "AWS_REGION", "eu-west-1" };
	load(&f);
	assert_int_equal(f.result, OK);
	config_clean(&f.config);
	end(&f);
}

TEST(cognito_needs_a_pool_and_a_client_and_knows_the_pools_region)
{
	(void)state;
	struct fixture f;
	begin(&f);
	load_with(&f, "IDENTITY", "cognito");
	assert_int_equal(f.result, ERR_INVALID);
	assert_true(str_contains(buf_str(&f.problems), STR("COGNITO_USER_POOL_ID: not set")));
	assert_true(str_contains(buf_str(&f.problems), STR("COGNITO_CLIENT_ID: not set")));
	f.set[1] = (struct variable){ "COGNITO_USER_POOL_ID", "eu-west-1_AbCd" };
	f.set[2] = (struct variable){ "COGNITO_CLIENT_ID", "client" };
	f.set[0] = (struct variable){ "IDENTITY", "cognito" };
	load(&f);
	assert_int_equal(f.result, OK);
	assert_str(f.config.cognito_region, STR("eu-west-1"));
	config_clean(&f.config);
	end(&f);
}

TEST(a_mail_server_needs_a_sender)
{
	(void)state;
	struct fixture f;
	begin(&f);
	load_with(&f, "SMTP_URL", "smtps://me:secret@mail.example.org");
	assert_int_equal(f.result, ERR_INVALID);
	assert_true(str_starts(buf_str(&f.problems), STR("MAIL_FROM: not set")));
	f.set[1] = (struct variable){ "MAIL_FROM", "quiver@example.org" };
	load_with(&f, "SMTP_URL", "smtps://me:secret@mail.example.org");
	assert_int_equal(f.result, OK);
	end(&f);
}

TEST(all_problems_come_at_once_a_line_each)
{
	(void)state;
	struct fixture f;
	size_t lines = 0;
	begin(&f);
	f.set[0] = (struct variable){ "THREADS", "0" };
	f.set[1] = (struct variable){ "LOG_LEVEL", "loud" };
	f.set[2] = (struct variable){ "ENVIRONMENT", "staging" };
	load(&f);
	struct str rest = buf_str(&f.problems);
	for (size_t i = 0; i < rest.len; i++)
		lines += rest.ptr[i] == '\n';
	assert_int_equal(lines, 3);
	assert_true(str_contains(rest, STR("THREADS: \"0\": expected")));
	assert_true(str_contains(rest, STR("LOG_LEVEL: \"loud\": expected")));
	assert_true(str_contains(rest, STR("SECRET_KEY: not set")));
	config_clean(&f.config);
	end(&f);
}

TEST(a_secret_is_not_in_its_problem)
{
	(void)state;
	static const struct variable secrets[] = {
		{ "SECRET_KEY", "hunter2" }, { "METRICS_TOKEN", "hunter2 hunter2" },
		{ "OWNER_PASSWORD", "hunter2\x01" }, { "SMTP_URL", "smtp://me:hunter2@mail" },
	};
	struct fixture f;
	begin(&f);
	for (size_t i = 0; i < COUNT(secrets); i++) {
		load_with(&f, secrets[i].name, secrets[i].value);
		assert_row(f.result == ERR_INVALID, secrets[i].name);
		assert_row(!str_contains(buf_str(&f.problems), STR("hunter2")), secrets[i].name);
	}
	end(&f);
}

TEST(what_came_is_shown_on_one_line_whatever_it_is)
{
	(void)state;
	struct fixture f;
	begin(&f);
	load_with(&f, "THREADS", "8\nDRAIN_S: fine\x1B[31m\xFF");
	struct str said = buf_str(&f.problems);
	assert_int_equal(str_index(said, '\n'), said.len - 1);
	assert_false(str_has_control(str_first(said, said.len - 1)));
	assert_true(str_is_utf8(said));
	end(&f);
}

TEST(a_value_of_megabytes_is_refused)
{
	(void)state;
	struct fixture f;
	char *value = malloc(2000001);
	assert_non_null(value);
	memset(value, 'x', 2000000);
	value[2000000] = '\0';
	begin(&f);
	for (size_t i = 0; config_name(i) != NULL; i++) {
		load_with(&f, config_name(i), value);
		assert_row(f.result == ERR_INVALID, config_name(i));
		assert_row(str_contains(buf_str(&f.problems), STR("too long")), config_name(i));
		assert_row(f.problems.len < 1000, config_name(i));
	}
	free(value);
	end(&f);
}

TEST(help_and_the_table_name_every_setting)
{
	(void)state;
	struct buf help, table;
	size_t rows = 0;
	buf_init(&help, NULL, 1 << 16);
	buf_init(&table, NULL, 1 << 16);
	config_help(&help);
	config_markdown(&table);
	for (; config_name(rows) != NULL; rows++) {
		char cell[64];
		(void)snprintf(cell, sizeof(cell), "\n| `%s` | ", config_name(rows));
		assert_row(str_contains(buf_str(&table), str_of(cell)), config_name(rows));
		(void)snprintf(cell, sizeof(cell), "  %s ", config_name(rows));
		assert_row(str_contains(buf_str(&help), str_of(cell)), config_name(rows));
	}
	assert_false(str_contains(buf_str(&help), STR("(null)")));
	assert_false(str_contains(buf_str(&table), STR("(null)")));
	size_t lines = 0;
	for (size_t i = 0; i < table.len; i++)
		lines += table.ptr[i] == '\n';
	assert_int_equal(lines, rows + 2);
	assert_true(str_contains(buf_str(&help), STR("(1 to 1024)")));
	assert_true(str_contains(buf_str(&table), STR("(debug, info, warn, error)")));
	buf_clean(&help);
	buf_clean(&table);
}

TEST(without_a_source_it_is_the_environment_of_the_process)
{
	(void)state;
	struct fixture f;
	begin(&f);
	assert_int_equal(setenv("STATE_DIR", f.state_dir, 1), 0);
	assert_int_equal(setenv("SITE_TITLE", "From outside", 1), 0);
	assert_int_equal(config_load(&f.config, NULL, NULL, &f.problems), OK);
	assert_str(f.config.site_title, STR("From outside"));
	assert_str(f.config.state_dir, str_of(f.state_dir));
	config_clean(&f.config);
	unsetenv("STATE_DIR");
	unsetenv("SITE_TITLE");
	end(&f);
}

TEST_MAIN(
	RUN(every_row_has_a_name_once), RUN(nothing_set_is_a_full_configuration),
	RUN(what_is_set_is_read), RUN(an_empty_variable_is_an_unset_one),
	RUN(good_values_are_taken),
	RUN(bad_values_are_refused_by_name_and_with_what_would_do),
	RUN(every_row_but_the_free_texts_refuses_something), RUN(dynamodb_needs_a_region),
	RUN(cognito_needs_a_pool_and_a_client_and_knows_the_pools_region),
	RUN(a_mail_server_needs_a_sender), RUN(all_problems_come_at_once_a_line_each),
	RUN(a_secret_is_not_in_its_problem),
	RUN(what_came_is_shown_on_one_line_whatever_it_is),
	RUN(a_value_of_megabytes_is_refused), RUN(help_and_the_table_name_every_setting),
	RUN(without_a_source_it_is_the_environment_of_the_process)
)
