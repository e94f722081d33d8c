/*
 * identity_cognito: accounts in an Amazon Cognito user pool.
 * Cognito has no list of sessions and no recovery codes, and ends other sessions
 * only together with one's own: those are 501, none, and left alone.
 * A challenge and a refresh token need the user's name again, which clients need
 * not know: "NAME.REST" with the name in base64url is what they get.
 */
#include "auth/cognito.h"
#include "auth/session.h"
#include "auth/state.h"
#include "auth/token.h"
#include "log/log.h"

#define NAME_MAX_BYTES  256

static struct str with_name(struct arena *a, struct str name, struct str rest)
{
	struct str encoded = crypto_base64url(a, name);

	return arena_printf(a, "%.*s.%.*s", STR_ARG(encoded), STR_ARG(rest));
}

/* ERR_UNAUTHENTICATED: it is none of ours. */
static enum err without_name(struct arena *a, struct str text, struct str *name, struct str *rest)
{
	struct str tail = text, head = str_cut(&tail, '.');

	if (head.len == 0 || head.len > NAME_MAX_BYTES || tail.len == 0 ||
	    crypto_base64url_decode(a, head, name) != OK)
		return ERR_UNAUTHENTICATED;
	*rest = tail;
	return OK;
}

/* --- signing in ----------------------------------------------------------------- */

/* What the token says, without verifying: it came from Cognito, over TLS. */
static const struct json *payload_of(const struct identity_call *k, struct str access_token)
{
	const struct json *payload;
	struct json_error  error;
	struct str         rest = access_token, text;

	(void)str_cut(&rest, '.');
	if (crypto_base64url_decode(k->arena, str_cut(&rest, '.'), &text) != OK ||
	    json_parse(k->arena, text, TOKEN_PAYLOAD_DEPTH_MAX, &payload, &error) != OK)
		return NULL;
	return payload;
}

/* `spent` is the refresh token these came for: Cognito keeps it unless the pool
 * rotates them. */
static enum err read_tokens(const struct identity_call *k, const struct json *result,
    struct str spent, struct identity_tokens *out)
{
	struct str         refresh = json_get_string(result, "RefreshToken");
	struct str         access = json_get_string(result, "AccessToken");
	const struct json *payload = payload_of(k, access);
	int64_t            left = json_get_int(payload, "exp", 0) - k->now_ms / 1000;

	*out = (struct identity_tokens){
		.access_token = access, .id_token = json_get_string(result, "IdToken"),
		.refresh_token = spent,
	};
	/* An emulator says no ExpiresIn. */
	left = json_get_int(result, "ExpiresIn", left);
	if (payload == NULL || left <= 0 || left > UINT32_MAX)
		return ERR_UNAVAILABLE;
	out->expires_in = (uint32_t)left;
	if (refresh.len > 0)
		out->refresh_token = with_name(k->arena, json_get_string(payload, "username"),
		    refresh);
	return OK;
}

static enum err challenge_of(const struct identity_call *k, const struct json *reply,
    struct str user, struct identity_login *out)
{
	static const struct {
		const char    *name;
		enum challenge challenge;
	} known[] = {
		{ "SOFTWARE_TOKEN_MFA", CHALLENGE_TOTP },
		{ "NEW_PASSWORD_REQUIRED", CHALLENGE_NEW_PASSWORD },
	};
	struct str name = json_get_string(reply, "ChallengeName"), id;

	id = json_get_string(json_get(reply, STR("ChallengeParameters")), "USER_ID_FOR_SRP");
	for (size_t i = 0; i < COUNT(known); i++) {
		if (!str_eq(name, str_of(known[i].name)))
			continue;
		out->challenge = known[i].challenge;
		out->session = with_name(k->arena, id.len > 0 ? id : user,
		    json_get_string(reply, "Session"));
		return OK;
	}
	log_message(LOG_WARN, "auth.cognito", "a challenge that is not understood: %.*s",
	    STR_ARG(str_first(name, 60)));
	return ERR_UNSUPPORTED;
}

static enum err read_login(const struct identity_call *k, const struct json *reply,
    struct str user, struct identity_login *out)
{
	const struct json *result = json_get(reply, STR("AuthenticationResult"));

	*out = (struct identity_login){ .challenge = CHALLENGE_NONE };
	if (result == NULL)
		return challenge_of(k, reply, user, out);
	return read_tokens(k, result, STR_NONE, &out->tokens);
}

static enum err login(const struct identity_call *k, struct str email, struct str password,
    struct identity_login *out)
{
	struct cognito_request r;
	const struct json     *reply;
	struct str             message;
	enum err               e;

	cognito_begin(&r, k, "InitiateAuth");
	cognito_put_client(&r);
	json_member_string(&r.w, "AuthFlow", STR("USER_PASSWORD_AUTH"));
	json_name(&r.w, "AuthParameters");
	json_object_open(&r.w);
	json_member_string(&r.w, "USERNAME", email);
	json_member_string(&r.w, "PASSWORD", password);
	cognito_put_secret_hash(&r, "SECRET_HASH", email);
	json_object_close(&r.w);
	e = cognito_send(&r, &reply, &message);
	return e == OK ? read_login(k, reply, email, out) : cognito_as_wrong(e);
}

/* RespondToAuthChallenge with one answer. */
static enum err respond(const struct identity_call *k, const char *challenge, struct str session,
    const char *answer, struct str value, struct str *message, struct identity_login *out)
{
	struct cognito_request r;
	const struct json     *reply;
	struct str             name, rest;
	enum err               e = without_name(k->arena, session, &name, &rest);

	*message = STR_NONE;
	if (e != OK)
		return e;
	cognito_begin(&r, k, "RespondToAuthChallenge");
	cognito_put_client(&r);
	json_member_string(&r.w, "ChallengeName", str_of(challenge));
	json_member_string(&r.w, "Session", rest);
	json_name(&r.w, "ChallengeResponses");
	json_object_open(&r.w);
	json_member_string(&r.w, "USERNAME", name);
	json_member_string(&r.w, answer, value);
	cognito_put_secret_hash(&r, "SECRET_HASH", name);
	json_object_close(&r.w);
	e = cognito_send(&r, &reply, message);
	return e == OK ? read_login(k, reply, name, out) : e;
}

static enum err login_totp(const struct identity_call *k, struct str session, struct str code,
    struct identity_login *out)
{
	struct str message;

	return cognito_as_wrong(respond(k, "SOFTWARE_TOKEN_MFA", session, "SOFTWARE_TOKEN_MFA_CODE", code,
	    &message, out));
}

static enum err login_new_password(const struct identity_call *k, struct str session,
    struct str password, struct str *why, struct identity_login *out)
{
	return respond(k, "NEW_PASSWORD_REQUIRED", session, "NEW_PASSWORD", password, why, out);
}

static enum err refresh_tokens(const struct identity_call *k, struct str refresh_token,
    struct identity_tokens *out)
{
	struct cognito_request r;
	const struct json     *reply;
	struct str             name, rest, message;
	enum err               e = without_name(k->arena, refresh_token, &name, &rest);

	if (e != OK)
		return e;
	cognito_begin(&r, k, "InitiateAuth");
	cognito_put_client(&r);
	json_member_string(&r.w, "AuthFlow", STR("REFRESH_TOKEN_AUTH"));
	json_name(&r.w, "AuthParameters");
	json_object_open(&r.w);
	json_member_string(&r.w, "REFRESH_TOKEN", rest);
	cognito_put_secret_hash(&r, "SECRET_HASH", name);
	json_object_close(&r.w);
	e = cognito_send(&r, &reply, &message);
	if (e != OK)
		return cognito_as_wrong(e);
	return read_tokens(k, json_get(reply, STR("AuthenticationResult")), refresh_token, out);
}

/* --- ending --------------------------------------------------------------------- */

/* Cognito ends refresh tokens, and we what is still good here of access tokens: it
 * would go on being verified until it expires. */
static enum err logout(const struct identity_call *k, const struct principal *who,
    bool everywhere)
{
	int64_t                ttl_ms = (int64_t)k->auth->config->refresh_token_ttl_s * 1000;
	struct cognito_request r;
	const struct json     *reply;
	struct str             message;
	enum err               e = OK;

	if (everywhere) {
		cognito_begin(&r, k, "GlobalSignOut");
		json_member_string(&r.w, "AccessToken", who->token);
		e = cognito_send(&r, &reply, &message);
	}
	/* A session that is over there already is what was asked for. */
	if (e != OK && e != ERR_UNAUTHENTICATED)
		return e;
	/* What is refreshed from one sign-in is one session here, however long that goes on. */
	return session_revoke(k->auth, k->store, who->session, k->now_ms + ttl_ms, k->now_ms);
}

static enum err forget(const struct identity_call *k, struct str refresh_token)
{
	const struct config   *c = k->auth->config;
	struct cognito_request r;
	const struct json     *reply;
	struct str             name, rest, message;
	enum err               e = without_name(k->arena, refresh_token, &name, &rest);

	if (e != OK)
		return OK;              /* no token of ours: nothing to end */
	cognito_begin(&r, k, "RevokeToken");
	cognito_put_client(&r);
	json_member_string(&r.w, "Token", rest);
	if (c->cognito_client_secret.len > 0)
		json_member_string(&r.w, "ClientSecret", c->cognito_client_secret);
	e = cognito_as_wrong(cognito_send(&r, &reply, &message));
	return e == ERR_UNAUTHENTICATED ? OK : e;
}

const struct identity_provider identity_cognito = {
	.login = login,
	.login_totp = login_totp,
	.login_new_password = login_new_password,
	.refresh = refresh_tokens,
	.logout = logout,
	.forget = forget,
	.sign_up = cognito_sign_up,
	.confirm = cognito_confirm,
	.resend = cognito_resend,
	.forgot = cognito_forgot,
	.reset = cognito_reset,
	.account = cognito_account,
	.rename = cognito_rename,
	.change_password = cognito_change_password,
	.totp_enrol = cognito_totp_enrol,
	.totp_verify = cognito_totp_verify,
	.totp_remove = cognito_totp_remove,
};
