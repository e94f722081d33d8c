#include "auth/provider_handover.h"

#include "auth/opaque_token.h"
#include "auth/pkce.h"
#include "auth/provider_attempt.h"

#define PREFIX          "qv_sign_in_"
#define HANDOVER_SK     STR("handover")
#define COOKIE          "quiver_handover"
#define BODY_DEPTH_MAX  2
#define BODY_MAX_BYTES  1024

/* --- giving ----------------------------------------------------------------------- */

/* What the browser alone knows takes the place of what the application would. */
static struct str give_cookie(const struct request *req, struct response *res)
{
	struct str verifier = opaque_random(req->arena);

	provider_cookie_set(req, res, COOKIE, verifier, PROVIDER_HANDOVER_TTL_S, "Strict");
	return pkce_challenge(req->arena, verifier);
}

enum err provider_handover_give(const struct request *req, struct response *res,
    const struct account_record *r, struct str challenge, struct str *code)
{
	struct store_result result;
	struct store_op     op = { .verb = STORE_PUT, .condition = STORE_ABSENT };
	struct json_writer  w;
	struct buf          body;

	*code = opaque_token_new(req->arena, PREFIX);
	buf_init(&body, req->arena, BODY_MAX_BYTES);
	json_begin(&w, &body);
	json_object_open(&w);
	json_member_string(&w, "account", r->account.id);
	json_member_int(&w, "epoch", r->epoch);
	json_member_string(&w, "challenge",
	    challenge.len > 0 ? challenge : give_cookie(req, res));
	json_object_close(&w);
	op.item = (struct store_item){
		.pk = opaque_token_key(req->arena, "handover", *code), .sk = HANDOVER_SK, .body = buf_str(&body),
		.expires_ms = req->now_ms + PROVIDER_HANDOVER_TTL_S * INT64_C(1000),
	};
	return store_write(req->store, &op, 1, STORE_RELAXED, req->now_ms, &result);
}

/* --- taking ----------------------------------------------------------------------- */

struct proof {
	const struct request *req;
	struct str            challenge;
};

static bool cookie_proves(void *context, struct str value)
{
	const struct proof *p = context;

	return pkce_verifies(p->req->arena, p->challenge, value);
}

static bool is_proved(const struct request *req, struct response *res, struct str challenge)
{
	struct proof p = { req, challenge };
	struct str   verifier = json_get_string(req->json, "code_verifier");

	if (verifier.ptr != NULL)
		return pkce_verifies(req->arena, challenge, verifier);
	if (!provider_cookie_each(req, COOKIE, cookie_proves, &p))
		return false;
	provider_cookie_set(req, res, COOKIE, STR_NONE, 0, "Strict");
	return true;
}

enum err provider_handover_take(const struct request *req, struct response *res,
    struct account_record *out, struct store_op *spend)
{
	struct str         code = json_get_string(req->json, "code"), key;
	const struct json *json;
	struct json_error  error;
	struct store_item  item;
	enum err           e;

	if (!opaque_token_is(req->arena, code, PREFIX))
		return ERR_NOT_FOUND;
	key = opaque_token_key(req->arena, "handover", code);
	e = store_get(req->store, req->arena, key, HANDOVER_SK, req->now_ms, &item);
	if (e != OK)
		return e;
	if (json_parse(req->arena, item.body, BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	if (!is_proved(req, res, json_get_string(json, "challenge")))
		return ERR_NOT_FOUND;
	e = account_read(req->store, req->arena, json_get_string(json, "account"), req->now_ms,
	    out);
	if (e == OK && (out->disabled || out->epoch != json_get_int(json, "epoch", -1)))
		e = ERR_NOT_FOUND;
	*spend = (struct store_op){ STORE_DELETE, STORE_VERSION, {
		.pk = key, .sk = HANDOVER_SK, .version = item.version,
	} };
	return e;
}
