#include "auth/token.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jwt.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/limits.h"

#define NUMERIC_DATE_MAX INT64_C(99999999999)   /* the year 5138: in ms it fits */
#define PAYLOAD_MAX_BYTES (TOKEN_MAX_BYTES / 2) /* signed and encoded it stays a token */

static enum err refuse(const char *why, const char **reason)
{
	*reason = why;
	return ERR_UNAUTHENTICATED;
}

/* A NumericDate (RFC 7519, 2) as milliseconds; fractions of a second are allowed. */
static bool numeric_date(const struct json *v, int64_t *ms)
{
	enum json_type type = json_type(v);
	double         seconds = json_double(v);

	if ((type != JSON_INT && type != JSON_DOUBLE) || !(seconds >= 0) ||
	    seconds > (double)NUMERIC_DATE_MAX)
		return false;
	*ms = type == JSON_INT ? json_int(v) * 1000 : (int64_t)floor(seconds * 1000);
	return true;
}

static enum err check_times(const struct json *payload, const struct token_rules *rules,
    int64_t *expires_ms, const char **reason)
{
	static const char *const begins[] = { "nbf", "iat" };
	int64_t skew_ms = (int64_t)rules->skew_s * 1000, at;

	if (!numeric_date(json_get(payload, STR("exp")), expires_ms))
		return refuse("bad_exp", reason);
	if (rules->now_ms >= *expires_ms + skew_ms)
		return refuse("expired", reason);
	for (size_t i = 0; i < COUNT(begins); i++) {
		const struct json *v = json_get(payload, str_of(begins[i]));

		if (v == NULL)
			continue;
		if (!numeric_date(v, &at))
			return refuse("bad_time", reason);
		if (rules->now_ms + skew_ms < at)
			return refuse("not_yet_valid", reason);
	}
	return OK;
}

static bool is_audience(const struct token_rules *rules, struct str name)
{
	for (size_t i = 0; i < rules->n_audiences; i++)
		if (name.len > 0 && str_eq(name, rules->audiences[i]))
			return true;
	return false;
}

/* "aud" is a string or a list of them; Cognito's access tokens have client_id. */
static bool is_for(const struct json *payload, const struct token_rules *rules)
{
	const struct json *aud = json_get(payload, STR("aud"));

	if (aud == NULL)
		return is_audience(rules, json_get_string(payload, "client_id"));
	if (json_type(aud) == JSON_STRING)
		return is_audience(rules, json_string(aud));
	for (size_t i = 0; i < (json_type(aud) == JSON_ARRAY ? json_length(aud) : 0); i++)
		if (is_audience(rules, json_string(json_at(aud, i))))
			return true;
	return false;
}

bool token_looks_like_id(const struct json *payload)
{
	static const char *const members[] = { "nonce", "at_hash", "c_hash", "s_hash", "events" };

	for (size_t i = 0; i < COUNT(members); i++)
		if (json_get(payload, str_of(members[i])) != NULL)
			return true;
	return str_eq(json_get_string(payload, "typ"), STR("ID"));
}

static bool is_of_use(const struct json *payload, const struct token_rules *rules)
{
	const struct json *use = json_get(payload, STR("token_use"));

	if (rules->any_use)
		return true;
	if (use != NULL || !rules->use_unsaid)
		return str_eq(json_string(use), rules->use) && rules->use.len > 0;
	return !str_eq(rules->use, STR(TOKEN_USE_ACCESS)) || !token_looks_like_id(payload);
}

enum err token_check(const struct json *payload, const struct token_rules *rules,
    struct token_claims *out, const char **reason)
{
	struct token_claims c = { 0 };
	enum err            e;

	if (json_type(payload) != JSON_OBJECT)
		return refuse("bad_payload", reason);
	if (!rules->any_issuer && !str_eq(json_get_string(payload, "iss"), rules->issuer))
		return refuse("wrong_issuer", reason);
	if (!rules->any_audience && !is_for(payload, rules))
		return refuse("wrong_audience", reason);
	if (!is_of_use(payload, rules))
		return refuse("wrong_use", reason);
	e = check_times(payload, rules, &c.expires_ms, reason);
	if (e != OK)
		return e;
	c.subject = json_get_string(payload, "sub");
	if (c.subject.len == 0 && !rules->any_subject)
		return refuse("no_subject", reason);
	c.session = json_get_string(payload, "sid");
	if (rules->uuids && (!id_is_uuid(c.subject) || !id_is_uuid(c.session)))
		return refuse("no_session", reason);
	c.client = json_get_string(payload, "client_id");
	c.email = json_get_string(payload, "email");
	c.name = json_get_string(payload, "name");
	c.plan = json_get_string(payload, "plan");
	c.tenant = json_get_string(payload, "tenant");
	c.roles = roles_read(json_get(payload, STR("roles")));
	c.scoped = json_get(payload, STR("scope")) != NULL;
	c.scopes = scopes_of_list(json_get_string(payload, "scope"));
	*out = c;
	return OK;
}

bool token_type_fits(struct str type)
{
	struct str prefix = STR("application/");

	if (str_eq_nocase(str_first(type, prefix.len), prefix))
		type = str_from(type, prefix.len);
	return type.ptr == NULL || str_eq_nocase(type, STR("JWT")) ||
	    str_eq_nocase(type, STR("at+jwt"));
}

/* --- issuing -------------------------------------------------------------------- */

static void member_if(struct json_writer *w, const char *name, struct str value)
{
	if (value.len > 0)
		json_member_string(w, name, value);
}

static bool is_access(const struct token_draft *d)
{
	return strcmp(d->use, TOKEN_USE_ACCESS) == 0;
}

/* Whether the token may say this of the account: everything to ourselves. */
static bool may_say(const struct token_draft *d, enum scope s)
{
	return d->client.len == 0 || (d->scopes & SCOPE_BIT(s)) != 0;
}

/* The left half of the access token's SHA-256 (OpenID Connect Core 1.0, 3.1.3.6). */
static struct str half_hash(struct arena *a, struct str token)
{
	uint8_t digest[SHA256_BYTES];

	crypto_sha256(token, digest);
	return crypto_base64url(a, (struct str){ (const char *)digest, SHA256_BYTES / 2 });
}

/* What an access token authorises with. */
static void put_rights(struct json_writer *w, struct arena *a, const struct token_draft *d)
{
	member_if(w, "plan", d->plan);
	member_if(w, "tenant", d->tenant);
	json_name(w, "roles");
	roles_write(w, d->roles);
	if (is_access(d))
		json_member_string(w, "scope", scopes_list(a,
		    d->client.len > 0 ? d->scopes : roles_scopes(d->roles)));
}

/* What a client's id token says of the sign-in. */
static void put_sign_in(struct json_writer *w, struct arena *a, const struct token_draft *d)
{
	json_member_int(w, "auth_time", d->auth_ms / 1000);
	member_if(w, "nonce", d->nonce);
	if (d->access_token.len > 0)
		json_member_string(w, "at_hash", half_hash(a, d->access_token));
}

static void put_claims(struct json_writer *w, struct arena *a, const struct token_draft *d)
{
	char    jti[ID_UUID_SIZE];
	int64_t now_s = d->now_ms / 1000;
	bool    clients_own = d->client.len > 0 && !is_access(d);

	id_uuid7(d->now_ms, jti);
	json_object_open(w);
	json_member_string(w, "iss", d->issuer);
	json_member_string(w, "aud", clients_own ? d->client : STR(TOKEN_AUDIENCE));
	if (!clients_own)
		member_if(w, "client_id", d->client);
	json_member_string(w, "sub", d->subject);
	json_member_string(w, "token_use", str_of(d->use));
	json_member_int(w, "iat", now_s);
	json_member_int(w, "nbf", now_s);
	json_member_int(w, "exp", now_s + d->ttl_s);
	json_member_string(w, "jti", str_of(jti));
	member_if(w, "sid", d->session);
	if (may_say(d, SCOPE_EMAIL))
		member_if(w, "email", d->email);
	if (may_say(d, SCOPE_PROFILE))
		member_if(w, "name", d->name);
	if (clients_own)
		put_sign_in(w, a, d);
	else
		put_rights(w, a, d);
	json_object_close(w);
}

/* libjwt's text form, copied into the arena; it frees what it gave. */
static enum err sign(struct arena *a, const struct token_signer *signer, const char *claims,
    struct str *out)
{
	jwt_t *jwt = NULL;
	char  *text = NULL;

	if (jwt_new(&jwt) != 0)
		return ERR_NO_MEMORY;
	if (jwt_add_grants_json(jwt, claims) == 0 &&
	    jwt_add_header(jwt, "kid", signer->kid) == 0 &&
	    jwt_set_alg(jwt, JWT_ALG_RS256, (const unsigned char *)signer->pem,
	    (int)signer->pem_len) == 0)
		text = jwt_encode_str(jwt);
	jwt_free(jwt);
	if (text == NULL)
		return ERR_INTERNAL;
	*out = arena_dup(a, str_of(text));
	free(text);
	return OK;
}

enum err token_issue(struct arena *a, const struct token_signer *signer,
    const struct token_draft *draft, struct str *out)
{
	struct json_writer w;
	struct buf         claims;
	const char        *text;

	buf_init(&claims, a, PAYLOAD_MAX_BYTES);
	json_begin(&w, &claims);
	put_claims(&w, a, draft);
	text = buf_cstr(&claims);
	if (buf_failed(&claims))
		return ERR_TOO_LARGE;
	return sign(a, signer, text, out);
}
