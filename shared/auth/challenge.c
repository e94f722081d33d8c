#include "auth/challenge.h"

#include "auth/opaque_token.h"
#include "base/json.h"

#define PREFIX          "qv_challenge_"
#define BODY_DEPTH_MAX  2
#define CHALLENGE_SK    STR("challenge")

struct str challenge_new(struct arena *a, const struct account_record *r, int64_t now_ms,
    struct challenge_record *out)
{
	struct str token = opaque_token_new(a, PREFIX);

	*out = (struct challenge_record){
		.key = opaque_token_key(a, "challenge", token), .account = r->account.id, .epoch = r->epoch,
		.expires_ms = now_ms + CHALLENGE_MS,
	};
	return token;
}

enum err challenge_read(struct store_connection *c, struct arena *a, struct str token,
    int64_t now_ms, struct challenge_record *out)
{
	const struct json *json;
	struct json_error  error;
	struct store_item  item;
	struct str         key;
	enum err           e;

	if (!opaque_token_is(a, token, PREFIX))
		return ERR_NOT_FOUND;
	key = opaque_token_key(a, "challenge", token);
	e = store_get(c, a, key, CHALLENGE_SK, now_ms, &item);
	if (e != OK)
		return e;
	if (json_parse(a, item.body, BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	*out = (struct challenge_record){
		.key = key, .account = json_get_string(json, "account"),
		.epoch = json_get_int(json, "epoch", 0), .tries = json_get_int(json, "tries", 0),
		.expires_ms = item.expires_ms, .version = item.version,
	};
	return out->tries < CHALLENGE_TRIES ? OK : ERR_NOT_FOUND;
}

struct store_item challenge_item(struct arena *a, const struct challenge_record *r)
{
	return (struct store_item){
		.pk = r->key, .sk = CHALLENGE_SK,
		.body = arena_printf(a, "{\"account\":\"%.*s\",\"epoch\":%lld,\"tries\":%lld}",
		    STR_ARG(r->account), (long long)r->epoch, (long long)r->tries),
		.expires_ms = r->expires_ms, .version = r->version,
	};
}
