#include "auth/session.h"

#include "auth/state.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/json.h"

#define BODY_DEPTH_MAX  2
#define REFRESH_SK      STR("refresh")

/* The whole token's SHA-256: 256 random bits need no slow hash. */
static struct str key_of(struct arena *a, struct str token)
{
	uint8_t digest[SHA256_BYTES];
	char    hex[2 * SHA256_BYTES + 1];

	crypto_sha256(token, digest);
	crypto_hex(digest, sizeof(digest), hex);
	return arena_printf(a, "refresh#%s", hex);
}

struct str refresh_new(const struct auth *auth, struct arena *a, const struct session *s,
    struct refresh *out)
{
	uint8_t    random[REFRESH_RANDOM_BYTES];
	struct str text, token;

	id_random(random, sizeof(random));
	text = crypto_base64url(a, (struct str){ (const char *)random, sizeof(random) });
	token = arena_printf(a, REFRESH_PREFIX "%.*s", STR_ARG(text));
	crypto_wipe(random, sizeof(random));
	*out = (struct refresh){
		.key = key_of(a, token),
		.account = s->account,
		.session = s->id,
		.expires_ms = s->used_ms + (int64_t)auth->config->refresh_token_ttl_s * 1000,
	};
	return token;
}

static bool is_token(struct arena *a, struct str token)
{
	struct str prefix = STR(REFRESH_PREFIX), bytes;

	return token.len == REFRESH_TOKEN_BYTES && str_starts(token, prefix) &&
	    crypto_base64url_decode(a, str_from(token, prefix.len), &bytes) == OK &&
	    bytes.len == REFRESH_RANDOM_BYTES;
}

enum err refresh_read(struct store_connection *c, struct arena *a, struct str token,
    int64_t now_ms, struct refresh *out)
{
	const struct json *json;
	struct json_error  error;
	struct store_item  item;
	struct str         key;
	enum err           e;

	if (!is_token(a, token))
		return ERR_NOT_FOUND;
	key = key_of(a, token);
	e = store_get(c, a, key, REFRESH_SK, now_ms, &item);
	if (e != OK)
		return e;
	if (json_parse(a, item.body, BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	*out = (struct refresh){
		.key        = key,
		.account    = json_get_string(json, "account"),
		.session    = json_get_string(json, "session"),
		.spent_ms   = json_get_int(json, "spent_at", 0),
		.expires_ms = item.expires_ms,
		.version    = item.version,
	};
	return out->account.len > 0 && out->session.len > 0 ? OK : ERR_CORRUPT;
}

struct store_item refresh_item(struct arena *a, const struct refresh *r)
{
	return (struct store_item){
		.pk = r->key, .sk = REFRESH_SK,
		.body = arena_printf(a,
		    "{\"account\":\"%.*s\",\"session\":\"%.*s\",\"spent_at\":%lld}",
		    STR_ARG(r->account), STR_ARG(r->session), (long long)r->spent_ms),
		.expires_ms = r->expires_ms, .version = r->version,
	};
}
