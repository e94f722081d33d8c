/*
 * log_redact: what must not reach a log, by its name and by its look.
 */
#include "log/log.h"
#include "log/redact.h"
#include "test.h"

TEST(secrets_are_known_by_name)
{
	(void)state;
	static const char *const names[] = {
		"authorization", "Authorization", "PROXY-AUTHORIZATION", "HTTP_AUTHORIZATION",
		"cookie", "Cookie", "HTTP_COOKIE", "Set-Cookie", "set_cookie", "x-api-key",
		"X_API_KEY", "api_key", "apikey", "password", "Password", "old_password",
		"new_password", "OWNER_PASSWORD", "token", "access_token", "refresh_token",
		"id_token", "METRICS_TOKEN", "X-Csrf-Token", "x-amz-security-token", "secret",
		"client_secret", "SECRET_KEY", "private_key", "code", "code_verifier", "totp",
		"session", "session_id", "credential", "passphrase",
	};
	for (size_t i = 0; i < COUNT(names); i++)
		assert_row(log_is_secret(str_of(names[i])), names[i]);
}

TEST(other_names_are_no_secrets)
{
	(void)state;
	static const char *const names[] = {
		"", "_", "http_", "time", "level", "handler", "pid", "event", "request_id",
		"trace_id", "method", "route", "path", "status", "duration_ms", "principal",
		"tenant", "client", "user-agent", "referer", "token_use", "keyword", "codec",
		"password_changed", "_token", "secretary", "sessions",
	};
	for (size_t i = 0; i < COUNT(names); i++)
		assert_row(!log_is_secret(str_of(names[i])), names[i]);
	assert_false(log_is_secret(STR_NONE));
}

TEST(keys_and_tokens_are_known_by_look)
{
	(void)state;
	static const struct { const char *text; size_t secret; } cases[] = {
		{ "qv_live_abc123", 14 },
		{ "qv_live_abc123_SECRET-x next", 23 },
		{ "qv_live_", 8 },
		{ "qv_refresh_WJgd2uDa-_5 next", 22 },
		{ "qv_client_WJgd2uDa-_5 next", 21 },
		{ "qv_code_WJgd2uDa-_5&state", 19 },
		{ "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", 49 },
		{ "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", 36 },
		{ "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0", 35 },
		{ "eyJh.eyJz.sig&more", 13 },
		{ "eyJh.e.n.c.t", 12 },
		{ "eyJhbGciOiJSUzI1NiJ9", 0 },
		{ "eyJ", 0 }, { "eyJ x.y.z", 0 }, { "eyebrow", 0 }, { "qv_test_abc", 0 },
		{ "qv_live", 0 }, { "", 0 }, { "a.b.c", 0 },
	};
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_row(redact_length(str_of(cases[i].text)) == cases[i].secret, cases[i].text);
}

TEST_MAIN(
	RUN(secrets_are_known_by_name),
	RUN(other_names_are_no_secrets),
	RUN(keys_and_tokens_are_known_by_look))
