#include "auth/oauth_code.h"

#include "auth/opaque_token.h"
#include "base/buf.h"
#include "base/json.h"

#define CODE_SK         STR("code")
#define BODY_DEPTH_MAX  2
#define BODY_MAX_BYTES  16384

struct str oauth_code_new(struct arena *a, struct oauth_code *code)
{
	struct str token = opaque_token_new(a, OAUTH_CODE_PREFIX);

	code->key = opaque_token_key(a, "code", token);
	return token;
}

static struct oauth_code code_from(const struct json *json, struct str key, uint64_t version)
{
	return (struct oauth_code){
		.key          = key,
		.client       = json_get_string(json, "client"),
		.redirect_uri = json_get_string(json, "redirect_uri"),
		.account      = json_get_string(json, "account"),
		.nonce        = json_get_string(json, "nonce"),
		.challenge    = json_get_string(json, "challenge"),
		.scopes       = scopes_of_list(json_get_string(json, "scope")),
		.epoch        = json_get_int(json, "epoch", 0),
		.auth_ms      = json_get_int(json, "auth_at", 0),
		.created_ms   = json_get_int(json, "created_at", 0),
		.session      = json_get_string(json, "session"),
		.version      = version,
	};
}

enum err oauth_code_read(struct store_connection *c, struct arena *a, struct str code,
    int64_t now_ms, struct oauth_code *out)
{
	const struct json *json;
	struct json_error  error;
	struct store_item  item;
	struct str         key;
	enum err           e;

	if (!opaque_token_is(a, code, OAUTH_CODE_PREFIX))
		return ERR_NOT_FOUND;
	key = opaque_token_key(a, "code", code);
	e = store_get(c, a, key, CODE_SK, now_ms, &item);
	if (e != OK)
		return e;
	if (json_parse(a, item.body, BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	*out = code_from(json, key, item.version);
	return out->client.len > 0 && out->account.len > 0 ? OK : ERR_CORRUPT;
}

enum err oauth_code_item(struct arena *a, const struct oauth_code *code, struct store_item *out)
{
	int64_t ttl_s = code->session.len > 0 ? OAUTH_CODE_REMEMBER_S : OAUTH_CODE_TTL_S;
	struct json_writer w;
	struct buf         body;

	buf_init(&body, a, BODY_MAX_BYTES);
	json_begin(&w, &body);
	json_object_open(&w);
	json_member_string(&w, "client", code->client);
	json_member_string(&w, "redirect_uri", code->redirect_uri);
	json_member_string(&w, "account", code->account);
	json_member_string(&w, "nonce", code->nonce);
	json_member_string(&w, "challenge", code->challenge);
	json_member_string(&w, "scope", scopes_list(a, code->scopes));
	json_member_int(&w, "epoch", code->epoch);
	json_member_int(&w, "auth_at", code->auth_ms);
	json_member_int(&w, "created_at", code->created_ms);
	json_member_string(&w, "session", code->session);
	json_object_close(&w);
	*out = (struct store_item){
		.pk = code->key, .sk = CODE_SK, .body = buf_str(&body), .version = code->version,
		.expires_ms = code->created_ms + ttl_s * 1000,
	};
	return buf_failed(&body) ? ERR_TOO_LARGE : OK;
}
