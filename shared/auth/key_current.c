#include "auth/key_current.h"

#include "auth/jwk.h"
#include "auth/key_record.h"
#include "base/json.h"
#include "log/log.h"

#define BODY_DEPTH_MAX  2
#define CURRENT_PK      STR("signing-key")
#define CURRENT_SK      STR("current")

enum err key_current_read(struct store_connection *c, struct arena *a, int64_t now_ms,
    struct key_current *out)
{
	const struct json *json;
	struct json_error  error;
	struct store_item  item;
	enum err           e = store_get(c, a, CURRENT_PK, CURRENT_SK, now_ms, &item);

	if (e != OK)
		return e;
	if (json_parse(a, item.body, BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	*out = (struct key_current){
		.kid      = json_get_string(json, "kid"),
		.since_ms = json_get_int(json, "since", 0),
		.version  = item.version,
	};
	return out->kid.len == 0 || out->kid.len > JWK_KID_MAX_BYTES ? ERR_CORRUPT : OK;
}

static bool count_one(void *context, const struct store_item *item)
{
	size_t *count = context;

	(void)item;
	return ++*count < KEYS_LIVING_MAX;
}

static enum err check_room(struct store_connection *c, int64_t now_ms)
{
	struct store_query query = { .pk = KEYS_PK };
	size_t             count = 0;
	enum err           e = store_query(c, &query, now_ms, count_one, &count);

	return e == OK && count >= KEYS_LIVING_MAX ? ERR_LIMITED : e;
}

/* The old key's item with its end. */
static enum err retire(struct store_connection *c, struct arena *a, struct str kid,
    int64_t until_ms, int64_t now_ms, struct store_op *out)
{
	*out = (struct store_op){ .verb = STORE_PUT, .condition = STORE_VERSION };
	enum err e = store_get(c, a, KEYS_PK, kid, now_ms, &out->item);

	out->item.expires_ms = until_ms;
	return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

enum err key_current_replace(struct store_connection *c, struct arena *a,
    const uint8_t seal[SECRET_BYTES], const struct key_current *old, int64_t old_until_ms,
    int64_t now_ms, struct str *kid)
{
	bool                first = old->version == 0;
	struct key_record   record;
	struct store_result result;
	struct store_op     ops[3] = {
		{ STORE_PUT, first ? STORE_ABSENT : STORE_VERSION,
		  { .pk = CURRENT_PK, .sk = CURRENT_SK, .version = old->version } },
		{ STORE_PUT, STORE_ABSENT, { .pk = KEYS_PK } },
	};
	enum err e = check_room(c, now_ms);

	if (e == OK && !first)
		e = retire(c, a, old->kid, old_until_ms, now_ms, &ops[2]);
	if (e == OK)
		e = key_record_new(a, seal, now_ms, &record);
	if (e != OK)
		return e;
	ops[0].item.body = arena_printf(a, "{\"kid\":\"%.*s\",\"since\":%lld}",
	    STR_ARG(record.kid), (long long)now_ms);
	ops[1].item.sk = record.kid;
	ops[1].item.body = record.body;
	e = store_write(c, ops, first ? 2 : 3, STORE_DURABLE, now_ms, &result);
	if (e != OK)
		return e;
	*kid = record.kid;
	log_message(LOG_INFO, "auth.key_made", "signing key %.*s", STR_ARG(record.kid));
	return OK;
}
