#include "auth/oauth_consent.h"

#include "auth/account.h"
#include "base/json.h"

#define BODY_DEPTH_MAX 2

static struct str consent_sk(struct arena *a, struct str client)
{
	return arena_printf(a, "consent#%.*s", STR_ARG(client));
}

enum err oauth_consent_read(struct store_connection *c, struct arena *a, struct str account,
    struct str client, int64_t now_ms, scope_set *out)
{
	const struct json *json;
	struct json_error  error;
	struct store_item  item;
	enum err           e;

	*out = 0;
	e = store_get(c, a, account_pk(a, account), consent_sk(a, client), now_ms, &item);
	if (e != OK)
		return e == ERR_NOT_FOUND ? OK : e;
	if (json_parse(a, item.body, BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	*out = scopes_of_list(json_get_string(json, "scope"));
	return OK;
}

struct store_item oauth_consent_item(struct arena *a, struct str account, struct str client,
    scope_set scopes, int64_t now_ms)
{
	struct str list = scopes_list(a, scopes);

	return (struct store_item){
		.pk = account_pk(a, account), .sk = consent_sk(a, client),
		.body = arena_printf(a, "{\"scope\":\"%.*s\"}", STR_ARG(list)),
		.expires_ms = now_ms + (int64_t)OAUTH_CONSENT_TTL_S * 1000,
	};
}
