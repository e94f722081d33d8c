/*
 * What the claims hold off: a token of another issuer, for another audience, of
 * another use (an id token as access token), too old, too new, or about nobody;
 * claims of the wrong type or given twice.
 */
#include "auth/token.h"
#include "tests/jws_signer.h"
#include "tests/test.h"

#define NOW_S   1700000000
#define NOW_MS  (INT64_C(1000) * NOW_S)
#define ISS     "\"iss\":\"https://quiver.example\","
#define AUD     "\"aud\":\"quiver\","
#define USE     "\"token_use\":\"access\","
#define SUB     "\"sub\":\"alice\","
#define EXP     "\"exp\":1700000100"

static const struct str         audience = STR_INIT("quiver");
static const struct token_rules rules = {
	.issuer = STR_INIT("https://quiver.example"), .audiences = &audience, .n_audiences = 1,
	.use = STR_INIT("access"), .now_ms = NOW_MS, .skew_s = 60,
};

static enum err check(struct arena *a, struct str text, struct token_claims *out,
    const char **reason)
{
	const struct json *payload;
	struct json_error  error;

	if (json_parse(a, text, TOKEN_PAYLOAD_DEPTH_MAX, &payload, &error) != OK) {
		*reason = "bad_json";
		return ERR_UNAUTHENTICATED;
	}
	return token_check(payload, &rules, out, reason);
}

static const struct {
	const char *payload, *reason;   /* reason "": accepted */
} table[] = {
	{ "{" ISS AUD USE SUB EXP "}", "" },
	{ "{" ISS "\"aud\":[\"other\",\"quiver\"]," USE SUB EXP "}", "" },
	{ "{" ISS "\"client_id\":\"quiver\"," USE SUB EXP "}", "" },
	{ "{" ISS AUD USE SUB EXP ",\"nbf\":1700000060,\"iat\":1700000060}", "" },
	{ "{" ISS AUD USE SUB "\"exp\":1700000000.5}", "" },
	{ "{" ISS AUD USE SUB "\"exp\":1.7000001e9}", "" },
	{ "{" ISS AUD USE SUB "\"exp\":1699999941}", "" },

	{ "[]", "bad_payload" },
	{ "\"quiver\"", "bad_payload" },
	{ "{" ISS AUD USE SUB EXP "," EXP "}", "bad_json" },
	{ "{" AUD USE SUB EXP "}", "wrong_issuer" },
	{ "{\"iss\":\"https://quiver.example/\"," AUD USE SUB EXP "}", "wrong_issuer" },
	{ "{\"iss\":[\"https://quiver.example\"]," AUD USE SUB EXP "}", "wrong_issuer" },
	{ "{\"iss\":null," AUD USE SUB EXP "}", "wrong_issuer" },
	{ "{" ISS USE SUB EXP "}", "wrong_audience" },
	{ "{" ISS "\"aud\":\"other\"," USE SUB EXP "}", "wrong_audience" },
	{ "{" ISS "\"aud\":[]," USE SUB EXP "}", "wrong_audience" },
	{ "{" ISS "\"aud\":[[\"quiver\"]]," USE SUB EXP "}", "wrong_audience" },
	{ "{" ISS "\"aud\":{\"quiver\":1}," USE SUB EXP "}", "wrong_audience" },
	{ "{" ISS "\"aud\":null,\"client_id\":\"quiver\"," USE SUB EXP "}", "wrong_audience" },
	{ "{" ISS "\"aud\":\"other\",\"client_id\":\"quiver\"," USE SUB EXP "}", "wrong_audience" },
	{ "{" ISS "\"aud\":\"quiver\\u0000\"," USE SUB EXP "}", "wrong_audience" },
	{ "{" ISS AUD SUB EXP "}", "wrong_use" },
	{ "{" ISS AUD "\"token_use\":\"id\"," SUB EXP "}", "wrong_use" },
	{ "{" ISS AUD "\"token_use\":[\"access\"]," SUB EXP "}", "wrong_use" },
	{ "{" ISS AUD USE SUB "\"iat\":1}", "bad_exp" },
	{ "{" ISS AUD USE SUB "\"exp\":\"1700000100\"}", "bad_exp" },
	{ "{" ISS AUD USE SUB "\"exp\":-1}", "bad_exp" },
	{ "{" ISS AUD USE SUB "\"exp\":null}", "bad_exp" },
	{ "{" ISS AUD USE SUB "\"exp\":9223372036854775807}", "bad_exp" },
	{ "{" ISS AUD USE SUB "\"exp\":1e300}", "bad_exp" },
	{ "{" ISS AUD USE SUB "\"exp\":1699999940}", "expired" },
	{ "{" ISS AUD USE SUB "\"exp\":0}", "expired" },
	{ "{" ISS AUD USE SUB EXP ",\"nbf\":1700000061}", "not_yet_valid" },
	{ "{" ISS AUD USE SUB EXP ",\"iat\":1700000061}", "not_yet_valid" },
	{ "{" ISS AUD USE SUB EXP ",\"nbf\":\"0\"}", "bad_time" },
	{ "{" ISS AUD USE SUB EXP ",\"iat\":true}", "bad_time" },
	{ "{" ISS AUD USE EXP "}", "no_subject" },
	{ "{" ISS AUD USE "\"sub\":\"\"," EXP "}", "no_subject" },
	{ "{" ISS AUD USE "\"sub\":7," EXP "}", "no_subject" },
};

TEST(claims_are_held_to_the_rules)
{
	struct token_claims claims;
	const char         *reason;
	struct arena        a;
	enum err            e;

	(void)state;
	for (size_t i = 0; i < COUNT(table); i++) {
		arena_init(&a, 1 << 20);
		reason = "";
		e = check(&a, str_of(table[i].payload), &claims, &reason);
		if (strcmp(reason, table[i].reason) != 0 ||
		    e != (reason[0] == '\0' ? OK : ERR_UNAUTHENTICATED))
			fail_msg("row %s: %s", table[i].payload, reason);
		arena_clean(&a);
	}
}

TEST(roles_and_scopes_that_nobody_knows_give_nothing)
{
	struct token_claims claims;
	const char         *reason;
	struct arena        a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(check(&a, STR("{" ISS AUD USE SUB
	    "\"roles\":[\"god\",\"admins\",3],\"scope\":\"profile  root content:read\"," EXP "}"),
	    &claims, &reason), OK);
	assert_int_equal(claims.roles, 1u << ROLE_ADMIN);
	assert_true(claims.scoped);
	assert_int_equal(claims.scopes, SCOPE_BIT(SCOPE_PROFILE) | SCOPE_BIT(SCOPE_CONTENT_READ));
	assert_int_equal(check(&a, STR("{" ISS AUD USE SUB
	    "\"roles\":\"owner\",\"scope\":[\"profile\"]," EXP "}"), &claims, &reason), OK);
	assert_int_equal(claims.roles, 0);
	assert_true(claims.scoped);     /* a scope that cannot be read allows nothing */
	assert_int_equal(claims.scopes, 0);
	arena_clean(&a);
}

TEST(only_access_token_types_fit)
{
	static const struct { struct str type; bool fits; } types[] = {
		{ { NULL, 0 }, true }, { STR_INIT("JWT"), true }, { STR_INIT("jwt"), true },
		{ STR_INIT("at+jwt"), true }, { STR_INIT("application/at+jwt"), true },
		{ STR_INIT("APPLICATION/AT+JWT"), true }, { STR_INIT("dpop+jwt"), false },
		{ STR_INIT("logout+jwt"), false }, { STR_INIT("JOSE"), false },
		{ STR_INIT(""), false }, { STR_INIT("application/"), false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++)
		assert_row(token_type_fits(types[i].type) == types[i].fits,
		    types[i].type.ptr == NULL ? "none" : types[i].type.ptr);
}

/* --- issuing -------------------------------------------------------------------- */

static struct str issue(struct arena *a, struct str name, const char *use)
{
	struct token_signer signer = { "key-1", SIGNER_RSA_PEM, sizeof(SIGNER_RSA_PEM) - 1 };
	struct token_draft  draft = {
		.use = use, .issuer = rules.issuer, .subject = STR("alice"),
		.session = STR("s1"), .email = STR("alice@example.com"), .name = name,
		.plan = STR("free"), .roles = 1u << ROLE_USER | 1u << ROLE_ADMIN,
		.now_ms = NOW_MS + 999, .ttl_s = 3600,
	};
	struct str token = STR_NONE;

	assert_int_equal(token_issue(a, &signer, &draft, &token), OK);
	return token;
}

TEST(an_issued_token_verifies_and_says_what_it_was_told)
{
	struct token_claims claims;
	const char         *reason = "";
	struct arena        a;
	struct jws          jws;
	struct jwk          key;
	EVP_PKEY           *pkey = signer_rsa();
	struct str          name = STR("Zo\xC3\xAB \"\\ \xF0\x9F\x98\x80");

	(void)state;
	arena_init(&a, 1 << 20);
	key = signer_parse(&a, signer_jwk(&a, pkey, "\"alg\":\"RS256\","));
	assert_int_equal(jws_parse(&a, issue(&a, name, TOKEN_USE_ACCESS), &jws, &reason), OK);
	assert_int_equal(jws.algorithm, JWS_RS256);
	assert_str(jws.kid, STR("key-1"));
	assert_str(jws.type, STR("JWT"));
	assert_int_equal(jws_verify(&jws, &key), OK);
	assert_int_equal(check(&a, jws.payload, &claims, &reason), OK);
	assert_str(claims.subject, STR("alice"));
	assert_str(claims.session, STR("s1"));
	assert_str(claims.email, STR("alice@example.com"));
	assert_str(claims.name, name);
	assert_str(claims.plan, STR("free"));
	assert_null(claims.tenant.ptr);
	assert_int_equal(claims.roles, 1u << ROLE_USER | 1u << ROLE_ADMIN);
	assert_int_equal(claims.scopes, role_scopes(ROLE_ADMIN));
	assert_true(claims.expires_ms == NOW_MS + 3600 * 1000);
	jwk_clean(&key);
	EVP_PKEY_free(pkey);
	arena_clean(&a);
}

TEST(an_id_token_does_not_pass_for_an_access_token)
{
	struct token_claims claims;
	const char         *reason = "";
	struct arena        a;
	struct jws          jws;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(jws_parse(&a, issue(&a, STR("A"), TOKEN_USE_ID), &jws, &reason), OK);
	assert_int_equal(check(&a, jws.payload, &claims, &reason), ERR_UNAUTHENTICATED);
	assert_string_equal(reason, "wrong_use");
	arena_clean(&a);
}

TEST(two_tokens_of_one_moment_differ)
{
	struct arena a;
	struct str   one, two;

	(void)state;
	arena_init(&a, 1 << 20);
	one = issue(&a, STR("A"), TOKEN_USE_ACCESS);
	two = issue(&a, STR("A"), TOKEN_USE_ACCESS);
	assert_false(str_eq(one, two));
	arena_clean(&a);
}

TEST(a_key_that_is_none_signs_nothing)
{
	struct token_signer signer = { "key-1", "no key", 6 };
	struct token_draft  draft = { .use = TOKEN_USE_ACCESS, .issuer = rules.issuer,
		.subject = STR("alice"), .now_ms = NOW_MS, .ttl_s = 1 };
	struct arena a;
	struct str   token = STR_NONE;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(token_issue(&a, &signer, &draft, &token), ERR_INTERNAL);
	assert_null(token.ptr);
	arena_clean(&a);
}

TEST_MAIN(
	RUN(claims_are_held_to_the_rules),
	RUN(roles_and_scopes_that_nobody_knows_give_nothing),
	RUN(only_access_token_types_fit),
	RUN(an_issued_token_verifies_and_says_what_it_was_told),
	RUN(an_id_token_does_not_pass_for_an_access_token),
	RUN(two_tokens_of_one_moment_differ),
	RUN(a_key_that_is_none_signs_nothing))
