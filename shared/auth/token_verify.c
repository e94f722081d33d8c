#include "auth/token_verify.h"

static enum err refuse(const char *why, const char **reason)
{
	*reason = why;
	return ERR_UNAUTHENTICATED;
}

/* The payload, when it is a JSON object; NULL else. */
static const struct json *read_payload(struct arena *a, struct str bytes)
{
	const struct json *payload;
	struct json_error  error;

	if (json_parse(a, bytes, TOKEN_PAYLOAD_DEPTH_MAX, &payload, &error) != OK)
		return NULL;
	return json_type(payload) == JSON_OBJECT ? payload : NULL;
}

static enum err check_rules(struct token *t, const struct token_rules *rules,
    const char **reason)
{
	if ((rules->algorithms & JWS_BIT(t->jws.algorithm)) == 0)
		return refuse("wrong_algorithm", reason);
	if (t->payload != NULL)
		return token_check(t->payload, rules, &t->claims, reason);
	/* What begins as an object and is none (a name twice) is no payload of any kind. */
	if (!rules->bare || str_starts(str_trim(t->jws.payload), STR("{")))
		return refuse("bad_payload", reason);
	return OK;
}

/* What can be said without arithmetic and without keys. */
static enum err check_cheaply(struct arena *a, struct str text, const struct token_verifier *v,
    struct token *out, const char **reason)
{
	struct token_rules rules = { 0 };

	*out = (struct token){ 0 };
	if (jws_parse(a, text, &out->jws, reason) != OK)
		return ERR_UNAUTHENTICATED;
	if (!token_type_fits(out->jws.type))
		return refuse("wrong_type", reason);
	out->payload = read_payload(a, out->jws.payload);
	if (!v->rules(v->context, out->payload == NULL ? STR_NONE :
	    json_get_string(out->payload, "iss"), &rules))
		return refuse(out->payload == NULL ? "bad_payload" : "wrong_issuer", reason);
	return check_rules(out, &rules, reason);
}

static enum err check_signature(const struct jws *jws, const struct key_choice *keys,
    const char **reason)
{
	if (keys->count == 0)
		return refuse("wrong_algorithm", reason);
	for (size_t i = 0; i < keys->count; i++)
		if (jws_verify(jws, &keys->keys[i]) == OK)
			return OK;
	return refuse("bad_signature", reason);
}

enum err token_verify(struct arena *a, struct str text, const struct token_verifier *v,
    struct token *out, const char **reason)
{
	struct key_choice keys = { 0 };
	enum err          e = check_cheaply(a, text, v, out, reason);

	if (e != OK)
		return e;
	e = v->keys(v->context, out, &keys);
	if (e == ERR_NOT_FOUND)
		return refuse("unknown_key", reason);
	if (e != OK)
		return e == ERR_LIMITED ? e : ERR_UNAVAILABLE;
	e = check_signature(&out->jws, &keys, reason);
	out->forged = e != OK;
	key_choice_clean(&keys);
	return e;
}
