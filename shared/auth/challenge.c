#include "auth/challenge.h"

#include "base/crypto.h"
#include "base/id.h"
#include "base/json.h"

#define PREFIX          "qv_challenge_"
#define RANDOM_BYTES    32
#define BODY_DEPTH_MAX  2
#define CHALLENGE_SK    STR("challenge")

static struct str key_of(struct arena *a, struct str token)
{
	uint8_t digest[SHA256_BYTES];
	char    hex[2 * SHA256_BYTES + 1];

	crypto_sha256(token, digest);
	crypto_hex(digest, sizeof(digest), hex);
	return arena_printf(a, "challenge#%s", hex);
}

struct str challenge_new(struct arena *a, const struct account_record *r, int64_t now_ms,
    struct challenge_record *out)
{
	uint8_t    random[RANDOM_BYTES];
	struct str text, token;

	id_random(random, sizeof(random));
	text = crypto_base64url(a, (struct str){ (const char *)random, sizeof(random) });
	token = arena_printf(a, PREFIX "%.*s", STR_ARG(text));
	crypto_wipe(random, sizeof(random));
	*out = (struct challenge_record){
		.key = key_of(a, token), .account = r->account.id, .epoch = r->epoch,
		.expires_ms = now_ms + CHALLENGE_MS,
	};
	return token;
}

static bool is_token(struct arena *a, struct str token)
{
	struct str prefix = STR(PREFIX), bytes;

	return str_starts(token, prefix) && token.len < 2 * (sizeof(PREFIX) + RANDOM_BYTES) &&
	    crypto_base64url_decode(a, str_from(token, prefix.len), &bytes) == OK &&
	    bytes.len == RANDOM_BYTES;
}

enum err challenge_read(struct store_connection *c, struct arena *a, struct str token,
    int64_t now_ms, struct challenge_record *out)
{
	const struct json *json;
	struct json_error  error;
	struct store_item  item;
	struct str         key;
	enum err           e;

	if (!is_token(a, token))
		return ERR_NOT_FOUND;
	key = key_of(a, token);
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
