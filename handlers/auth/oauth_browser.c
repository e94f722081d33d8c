#include "auth/oauth_browser.h"

#include "auth/session.h"
#include "base/crypto.h"
#include "base/id.h"
#include "http/app.h"

#define COOKIE          "quiver_oauth"
#define HOST_COOKIE     "__Host-" COOKIE        /* https alone: no other host can set it (RFC 6265bis) */
#define COOKIE_MAX      512
#define ID_BYTES        16
#define PARTS           6

/* "id.expires.account.session.auth" and the signature behind another dot. */
enum part { PART_ID, PART_EXPIRES, PART_ACCOUNT, PART_SESSION, PART_AUTH, PART_SIGNATURE };

static bool is_https(const struct request *req)
{
	return str_starts(req->origin, STR("https://"));
}

static struct str signature(const struct request *req, const char *purpose, struct str text)
{
	uint8_t key[SECRET_BYTES], digest[SHA256_BYTES];

	crypto_derive(req->app->config.secret_key, purpose, key);
	crypto_hmac_sha256(key, sizeof(key), text, digest);
	crypto_wipe(key, sizeof(key));
	return crypto_base64url(req->arena, (struct str){ (const char *)digest, sizeof(digest) });
}

static struct str sign_cookie(const struct request *req, struct str text)
{
	return signature(req, "oauth browser", text);
}

static bool read_cookie(const struct request *req, struct str value, struct oauth_browser *out)
{
	struct str parts[PARTS], rest = value;
	size_t     n = 0;

	while (rest.ptr != NULL && n < PARTS)
		parts[n++] = str_cut(&rest, '.');
	if (n < PARTS || rest.ptr != NULL || value.len > COOKIE_MAX)
		return false;
	if (!crypto_equal(parts[PART_SIGNATURE], sign_cookie(req,
	    str_first(value, value.len - parts[PART_SIGNATURE].len - 1))))
		return false;
	*out = (struct oauth_browser){
		.id = parts[PART_ID], .account = parts[PART_ACCOUNT],
		.session = parts[PART_SESSION],
	};
	return str_to_i64(parts[PART_EXPIRES], &out->expires_ms) &&
	    str_to_i64(parts[PART_AUTH], &out->auth_ms) && out->expires_ms > req->now_ms;
}

bool oauth_browser_read(const struct request *req, struct oauth_browser *out)
{
	struct str name = is_https(req) ? STR(HOST_COOKIE) : STR(COOKIE);
	struct str rest = request_header(req, "Cookie");

	/* Another host of the domain may have put one of that name before ours. */
	while (rest.ptr != NULL) {
		struct str value = str_trim(str_cut(&rest, ';'));

		if (str_eq(str_cut(&value, '='), name) && value.ptr != NULL &&
		    read_cookie(req, value, out))
			return true;
	}
	return false;
}

static void set_cookie(const struct request *req, struct response *res,
    const struct oauth_browser *b)
{
	struct str text = arena_printf(req->arena, "%.*s.%lld.%.*s.%.*s.%lld", STR_ARG(b->id),
	    (long long)b->expires_ms, STR_ARG(b->account), STR_ARG(b->session),
	    (long long)b->auth_ms);
	struct str sign = sign_cookie(req, text);
	bool       https = is_https(req);

	response_header(res, "Set-Cookie", arena_printf(req->arena,
	    "%s=%.*s.%.*s; Max-Age=%d; Path=%s; HttpOnly; SameSite=Lax%s",
	    https ? HOST_COOKIE : COOKIE, STR_ARG(text), STR_ARG(sign), OAUTH_BROWSER_TTL_S,
	    https ? "/" : "/oauth2", https ? "; Secure" : ""));
}

struct oauth_browser oauth_browser_new(const struct request *req, struct response *res,
    struct str account, struct str session)
{
	uint8_t              random[ID_BYTES];
	struct oauth_browser b = {
		.expires_ms = req->now_ms + (int64_t)OAUTH_BROWSER_TTL_S * 1000,
		.account = account.len > 0 ? account : STR(""),
		.session = session.len > 0 ? session : STR(""),
		.auth_ms = account.len > 0 ? req->now_ms : 0,
	};

	id_random(random, sizeof(random));
	b.id = crypto_base64url(req->arena, (struct str){ (const char *)random, sizeof(random) });
	set_cookie(req, res, &b);
	return b;
}

enum err oauth_browser_account(const struct request *req, const struct oauth_browser *b,
    struct account_record *out)
{
	struct session s;
	enum err       e;

	if (b->account.len == 0)
		return ERR_NOT_FOUND;
	e = account_read(req->store, req->arena, b->account, req->now_ms, out);
	if (e == OK)
		e = session_read(req->store, req->arena, b->account, b->session, req->now_ms, &s);
	if (e == OK && (out->disabled || s.epoch != out->epoch))
		return ERR_NOT_FOUND;
	return e;
}

struct str oauth_browser_csrf(const struct request *req, const struct oauth_browser *b,
    const char *what)
{
	return signature(req, "oauth form", arena_printf(req->arena, "%s\n%.*s\n%.*s", what,
	    STR_ARG(b->id), STR_ARG(req->raw_query)));
}

bool oauth_browser_sent(const struct request *req, const struct oauth_browser *b,
    const char *what)
{
	return crypto_equal(json_get_string(req->json, "csrf"), oauth_browser_csrf(req, b, what));
}
