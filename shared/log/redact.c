#include "log/redact.h"

#include "log/log.h"

#define NAME_LENGTHS    20
#define NAMES_OF_LENGTH 4

/*
 * Names as they are written in headers, JSON and forms, in one spelling: lower
 * case, '_' for '-', and without the "http_" that CGI puts before a header.
 * By their length, since every field of every line is looked up here.
 */
static const char *const names[NAME_LENGTHS][NAMES_OF_LENGTH] = {
	[3] = { "otp" },
	[4] = { "code", "totp" },
	[5] = { "token" },
	[6] = { "cookie", "secret", "passwd", "apikey" },
	[7] = { "api_key", "session" },
	[8] = { "password" },
	[9] = { "assertion", "x_api_key" },
	[10] = { "credential", "passphrase", "secret_key", "session_id" },
	[11] = { "credentials", "private_key" },
	[13] = { "authorization", "code_verifier", "recovery_code" },
	[19] = { "authentication_info", "proxy_authorization" },
};

/* old_password, OWNER_PASSWORD, access_token, x-csrf-token, client_secret, … */
static const struct str endings[] = {
	STR_INIT("_cookie"),
	STR_INIT("_assertion"),
	STR_INIT("_password"),
	STR_INIT("_token"),
	STR_INIT("_secret"),
	STR_INIT("_api_key"),
	STR_INIT("_access_key"),
};

static char fold(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c == '-' ? '_' : c;
}

/* `ours` is in the table's spelling already. */
static bool is_spelt(struct str name, struct str ours)
{
	if (name.len != ours.len)
		return false;
	for (size_t i = 0; i < name.len; i++)
		if (fold(name.ptr[i]) != ours.ptr[i])
			return false;
	return true;
}

bool log_is_secret(struct str name)
{
	static const struct str cgi = STR_INIT("http_");

	if (is_spelt(str_first(name, cgi.len), cgi))
		name = str_from(name, cgi.len);
	for (size_t i = 0; name.len < NAME_LENGTHS && i < NAMES_OF_LENGTH; i++)
		if (names[name.len][i] != NULL && is_spelt(name, str_of(names[name.len][i])))
			return true;
	for (size_t i = 0; i < COUNT(endings); i++)
		if (name.len > endings[i].len &&
		    is_spelt(str_from(name, name.len - endings[i].len), endings[i]))
			return true;
	return false;
}

static bool is_base64url(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    c == '-' || c == '_';
}

static size_t base64url_run(struct str s)
{
	size_t n = 0;
	while (n < s.len && is_base64url(s.ptr[n]))
		n++;
	return n;
}

/* Two parts are enough to call it a token: the third may be empty (alg none) or
 * have been cut off by whoever passed the value on. */
static size_t token_length(struct str s)
{
	size_t n = base64url_run(s), parts = 1;

	while (n < s.len && s.ptr[n] == '.') {
		n += 1 + base64url_run(str_from(s, n + 1));
		parts++;
	}
	return parts >= 2 ? n : 0;
}

size_t redact_length(struct str s)
{
	static const struct str ours[] = {
		STR_INIT("qv_live_"), STR_INIT("qv_refresh_"), STR_INIT("qv_client_"),
		STR_INIT("qv_code_"),
	};

	for (size_t i = 0; i < COUNT(ours); i++)
		if (str_starts(s, ours[i]))
			return base64url_run(s);
	if (str_starts(s, STR("eyJ")))
		return token_length(s);
	return 0;
}
