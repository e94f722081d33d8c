/*
 * Who it is, by an id token (OpenID Connect Core 1.0, 3.1.3.7) and, for what that
 * leaves out, by the userinfo endpoint (5.3).
 */
#include "auth/provider_person.h"

#include "auth/token_verify.h"
#include "base/crypto.h"

#define ALGORITHMS_ALL (JWS_BIT(JWS_ALGORITHM_COUNT) - JWS_BIT(JWS_RS256))

struct verification {
	struct provider_call *call;
	const struct request *request;
};

static bool rules(void *context, struct str issuer, struct token_rules *out)
{
	const struct verification *v = context;
	const struct provider     *p = v->call->provider;

	*out = (struct token_rules){
		.issuer = p->issuer, .audiences = &p->client_id, .n_audiences = 1,
		.use = STR(TOKEN_USE_ID), .use_unsaid = true, .algorithms = ALGORITHMS_ALL,
		.now_ms = v->request->now_ms, .skew_s = v->request->app->config.clock_skew_s,
	};
	return str_eq(issuer, p->issuer);
}

static enum err keys(void *context, const struct token *t, struct key_choice *out)
{
	const struct verification *v = context;

	return jwks_choose(provider_keys(v->call), &t->jws, out);
}

static enum err refuse(struct provider_call *c, const char *why)
{
	c->reason = arena_printf(c->arena, "the id token: %s", why);
	return ERR_UNAUTHENTICATED;
}

/* Ours is one audience; of several, azp says for whom it was made. */
static bool is_ours(const struct provider *p, const struct json *payload)
{
	const struct json *aud = json_get(payload, STR("aud"));
	const struct json *azp = json_get(payload, STR("azp"));

	if (aud == NULL)
		return false;
	if (azp != NULL)
		return str_eq(json_string(azp), p->client_id);
	return json_type(aud) != JSON_ARRAY || json_length(aud) == 1;
}

static enum err check(struct provider_call *c, const struct provider_attempt *attempt,
    const struct token *t)
{
	if (str_eq_nocase(t->jws.type, STR("at+jwt")) ||
	    str_eq_nocase(t->jws.type, STR("application/at+jwt")))
		return refuse(c, "it is an access token");
	if (!is_ours(c->provider, t->payload))
		return refuse(c, "it was made for another client");
	if (json_get(t->payload, STR("iat")) == NULL)
		return refuse(c, "it does not say when it was made");
	if (!crypto_equal(json_get_string(t->payload, "nonce"), attempt->nonce))
		return refuse(c, "the nonce is not that of this sign-in");
	return OK;
}

/* Some providers send it as text. */
static bool is_verified(const struct json *claims)
{
	const struct json *v = json_get(claims, STR("email_verified"));

	return json_bool(v) || str_eq(json_string(v), STR("true"));
}

static void describe(struct provider_call *c, const struct json *claims,
    struct provider_person *out)
{
	provider_person_describe(c, json_get_string(claims, "email"),
	    json_get_string(claims, "name"), out);
	out->email_verified = out->email.len > 0 && is_verified(claims);
}

/* Its sub must be the id token's: else it may be about another person (5.3.2). */
static enum err ask_more(struct provider_call *c, const struct provider_places *places,
    const struct provider_tokens *tokens, struct provider_person *out)
{
	const struct json *claims;
	enum err e = provider_fetch(c, places->user_url, tokens, STR("application/json"), &claims);

	if (e != OK)
		return e;
	if (!str_eq(json_get_string(claims, "sub"), out->subject)) {
		c->reason = STR("userinfo is about somebody else");
		return ERR_UNAUTHENTICATED;
	}
	describe(c, claims, out);
	return OK;
}

enum err provider_openid_person(struct provider_call *c, const struct request *req,
    const struct provider_places *places, const struct provider_attempt *attempt,
    const struct provider_tokens *tokens, struct provider_person *out)
{
	struct verification         v = { c, req };
	const struct token_verifier verifier = { &v, rules, keys };
	const char                 *reason = "it is missing";
	struct token                t;
	enum err                    e = ERR_UNAUTHENTICATED;

	if (tokens->id_token.len > 0 && tokens->id_token.len <= TOKEN_MAX_BYTES)
		e = token_verify(c->arena, tokens->id_token, &verifier, &t, &reason);
	if (e == ERR_UNAUTHENTICATED)
		return refuse(c, reason);
	if (e != OK) {
		c->reason = STR("its keys could not be had");
		return e;
	}
	e = check(c, attempt, &t);
	if (e != OK)
		return e;
	out->subject = arena_dup(c->arena, t.claims.subject);
	describe(c, t.payload, out);
	if (out->email.len == 0 && places->user_url.len > 0)
		e = ask_more(c, places, tokens, out);
	return e;
}
