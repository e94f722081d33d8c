#include "auth/session.h"

#include "auth/opaque_token.h"
#include "auth/state.h"
#include "base/buf.h"
#include "base/json.h"

#define BODY_DEPTH_MAX  2
#define REFRESH_SK      STR("refresh")

struct str refresh_new(const struct auth *auth, struct arena *a, const struct session *s,
    struct refresh *out)
{
	struct str token = opaque_token_new(a, REFRESH_PREFIX);
	int64_t    last_ms = session_last_ms(auth, s);
	int64_t    unused_ms = s->used_ms + (int64_t)auth->config->refresh_token_ttl_s * 1000;

	*out = (struct refresh){
		.key = opaque_token_key(a, "refresh", token),
		.account = s->account,
		.session = s->id,
		.expires_ms = unused_ms < last_ms ? unused_ms : last_ms,
	};
	return token;
}

enum err refresh_read(struct store_connection *c, struct arena *a, struct str token,
    int64_t now_ms, struct refresh *out)
{
	const struct json *json;
	struct json_error  error;
	struct store_item  item;
	struct str         key;
	enum err           e;

	if (!opaque_token_is(a, token, REFRESH_PREFIX))
		return ERR_NOT_FOUND;
	key = opaque_token_key(a, "refresh", token);
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
