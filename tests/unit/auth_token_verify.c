/*
 * The whole check of a token against a set of keys and rules.  What it holds off:
 *   - a good signature of an algorithm that these rules do not allow
 *   - a key of another name, and two keys of one name
 *   - a token without a name that would be tried with every key there is
 *   - id tokens and logout tokens where an access token is wanted
 *   - a payload that is no JSON object, and one that gives a name twice
 */
#include "auth/token_verify.h"
#include "tests/jws_signer.h"
#include "tests/test.h"

#define NOW_MS   INT64_C(1700000000000)
#define CLAIMS   "\"iss\":\"https://idp.example\",\"aud\":\"api\",\"sub\":\"alice\",\"exp\":1700000100"
#define PAYLOAD  "{" CLAIMS "}"

struct bench {
	struct arena       a;
	EVP_PKEY          *one, *two;
	struct key_set     keys;
	struct token_rules rules;
	unsigned           asked;       /* how often keys were wanted */
};

static bool rules_of(void *context, struct str issuer, struct token_rules *out)
{
	const struct bench *b = context;

	*out = b->rules;
	return str_eq(issuer, b->rules.issuer) || b->rules.any_issuer;
}

static enum err keys_of(void *context, const struct token *t, struct key_choice *out)
{
	struct bench *b = context;

	b->asked++;
	return key_set_choose(&b->keys, &t->jws, out);
}

static void parse_set(struct arena *a, struct str text, struct key_set *out)
{
	const struct json *document;
	struct json_error  error;
	const char        *reason = "";

	assert_int_equal(json_parse(a, text, 8, &document, &error), OK);
	if (key_set_parse(a, document, out, NULL, NULL, &reason) != OK)
		fail_msg("%s", reason);
}

/* Two keys of ES256 with these members. */
static void set_up(struct bench *b, const char *first, const char *second)
{
	static const struct str audience = STR_INIT("api");

	*b = (struct bench){ .rules = {
		.issuer = STR("https://idp.example"), .audiences = &audience, .n_audiences = 1,
		.use = STR(TOKEN_USE_ACCESS), .use_unsaid = true, .algorithms = JWS_BIT(JWS_ES256),
		.now_ms = NOW_MS, .skew_s = 60,
	} };
	arena_init(&b->a, 1 << 22);
	b->one = signer_key(JWS_ES256);
	b->two = signer_key(JWS_ES256);
	parse_set(&b->a, arena_printf(&b->a, "{\"keys\":[%s,%s]}",
	    signer_jwk(&b->a, b->one, first).ptr, signer_jwk(&b->a, b->two, second).ptr),
	    &b->keys);
}

static void tear_down(struct bench *b)
{
	key_set_clean(&b->keys);
	EVP_PKEY_free(b->one);
	EVP_PKEY_free(b->two);
	arena_clean(&b->a);
}

/* "" or why not. */
static const char *verify(struct bench *b, EVP_PKEY *key, const char *header, const char *payload)
{
	const struct token_verifier verifier = { b, rules_of, keys_of };
	struct str   text = signer_token(&b->a, key, JWS_ES256, header, payload);
	const char  *reason = "";
	struct token token;
	enum err     e = token_verify(&b->a, text, &verifier, &token, &reason);

	assert_int_equal(e, reason[0] == '\0' ? OK : ERR_UNAUTHENTICATED);
	return reason;
}

TEST(the_named_key_alone_is_asked)
{
	struct bench b;

	(void)state;
	set_up(&b, "\"kid\":\"1\",", "\"kid\":\"2\",");
	assert_string_equal(verify(&b, b.one, "{\"alg\":\"ES256\",\"kid\":\"1\"}", PAYLOAD), "");
	assert_string_equal(verify(&b, b.one, "{\"alg\":\"ES256\",\"kid\":\"2\"}", PAYLOAD),
	    "bad_signature");
	assert_string_equal(verify(&b, b.one, "{\"alg\":\"ES256\",\"kid\":\"3\"}", PAYLOAD),
	    "unknown_key");
	tear_down(&b);
}

TEST(a_token_without_a_name_may_be_of_any_key)
{
	struct bench b;

	(void)state;
	set_up(&b, "\"kid\":\"1\",", "");
	assert_string_equal(verify(&b, b.one, "{\"alg\":\"ES256\"}", PAYLOAD), "");
	assert_string_equal(verify(&b, b.two, "{\"alg\":\"ES256\"}", PAYLOAD), "");
	tear_down(&b);
}

TEST(a_key_without_a_name_may_have_signed_any_token)
{
	struct bench b;

	(void)state;
	set_up(&b, "\"kid\":\"1\",", "");
	assert_string_equal(verify(&b, b.two, "{\"alg\":\"ES256\",\"kid\":\"9\"}", PAYLOAD), "");
	assert_string_equal(verify(&b, b.two, "{\"alg\":\"ES256\",\"kid\":\"1\"}", PAYLOAD),
	    "bad_signature");
	tear_down(&b);
}

TEST(two_keys_of_one_name_are_none)
{
	struct bench b;

	(void)state;
	set_up(&b, "\"kid\":\"1\",", "\"kid\":\"1\",");
	assert_int_equal(b.keys.count, 0);
	assert_string_equal(verify(&b, b.one, "{\"alg\":\"ES256\",\"kid\":\"1\"}", PAYLOAD),
	    "unknown_key");
	tear_down(&b);
}

TEST(one_token_is_tried_with_few_keys)
{
	struct key_choice choice = { 0 };
	struct key_set    keys = { 0 };
	const char       *reason;
	struct bench      b;
	struct jws        jws;

	(void)state;
	set_up(&b, "", "");
	while (keys.count < KEY_SET_MAX)
		jwk_share(&b.keys.keys[0], &keys.keys[keys.count++]);
	assert_int_equal(jws_parse(&b.a, signer_token(&b.a, b.two, JWS_ES256,
	    "{\"alg\":\"ES256\"}", PAYLOAD), &jws, &reason), OK);
	assert_int_equal(key_set_choose(&keys, &jws, &choice), OK);
	assert_int_equal(choice.count, KEY_CHOICE_MAX);
	key_choice_clean(&choice);
	key_set_clean(&keys);
	tear_down(&b);
}

TEST(an_algorithm_that_the_rules_do_not_name_is_refused_before_the_keys)
{
	struct bench b;

	(void)state;
	set_up(&b, "", "\"kid\":\"2\",");
	b.rules.algorithms = JWS_BIT(JWS_RS256);
	assert_string_equal(verify(&b, b.one, "{\"alg\":\"ES256\"}", PAYLOAD), "wrong_algorithm");
	b.rules.algorithms = 0;
	assert_string_equal(verify(&b, b.one, "{\"alg\":\"ES256\"}", PAYLOAD), "wrong_algorithm");
	assert_int_equal(b.asked, 0);
	tear_down(&b);
}

TEST(claims_are_looked_at_before_the_keys)
{
	struct bench b;

	(void)state;
	set_up(&b, "", "\"kid\":\"2\",");
	assert_string_equal(verify(&b, b.one, "{\"alg\":\"ES256\"}",
	    "{\"iss\":\"https://evil.example\"}"), "wrong_issuer");
	assert_string_equal(verify(&b, b.one, "{\"alg\":\"ES256\"}",
	    "{\"iss\":\"https://idp.example\",\"aud\":\"other\"}"), "wrong_audience");
	assert_string_equal(verify(&b, b.one, "{\"alg\":\"ES256\",\"typ\":\"dpop+jwt\"}", PAYLOAD),
	    "wrong_type");
	assert_int_equal(b.asked, 0);
	tear_down(&b);
}

static const struct {
	const char *payload, *reason;
} uses[] = {
	{ PAYLOAD, "" },
	{ "{" CLAIMS ",\"token_use\":\"access\"}", "" },
	{ "{" CLAIMS ",\"typ\":\"Bearer\"}", "" },
	{ "{" CLAIMS ",\"token_use\":\"id\"}", "wrong_use" },
	{ "{" CLAIMS ",\"token_use\":null}", "wrong_use" },
	{ "{" CLAIMS ",\"nonce\":\"n\"}", "wrong_use" },
	{ "{" CLAIMS ",\"at_hash\":\"n\"}", "wrong_use" },
	{ "{" CLAIMS ",\"c_hash\":\"n\"}", "wrong_use" },
	{ "{" CLAIMS ",\"typ\":\"ID\"}", "wrong_use" },
	{ "{" CLAIMS ",\"events\":{}}", "wrong_use" },
};

TEST(a_token_that_does_not_say_its_use_must_not_look_like_an_id_token)
{
	struct bench b;

	(void)state;
	set_up(&b, "", "\"kid\":\"2\",");
	for (size_t i = 0; i < COUNT(uses); i++)
		assert_row(strcmp(verify(&b, b.one, "{\"alg\":\"ES256\"}", uses[i].payload),
		    uses[i].reason) == 0, uses[i].payload);
	b.rules.use_unsaid = false;
	assert_string_equal(verify(&b, b.one, "{\"alg\":\"ES256\"}", PAYLOAD), "wrong_use");
	tear_down(&b);
}

TEST(a_payload_that_is_no_object_is_for_bare_rules_alone)
{
	struct bench b;

	(void)state;
	set_up(&b, "", "\"kid\":\"2\",");
	assert_string_equal(verify(&b, b.one, "{\"alg\":\"ES256\"}", "text"), "bad_payload");
	b.rules.any_issuer = true;
	assert_string_equal(verify(&b, b.one, "{\"alg\":\"ES256\"}", "text"), "bad_payload");
	b.rules.bare = true;
	assert_string_equal(verify(&b, b.one, "{\"alg\":\"ES256\"}", "text"), "");
	assert_string_equal(verify(&b, b.two, "{\"alg\":\"ES256\",\"kid\":\"7\"}", "text"),
	    "bad_signature");
	assert_string_equal(verify(&b, b.one, "{\"alg\":\"ES256\"}",
	    " {" CLAIMS ",\"exp\":9999999999}"), "bad_payload");
	tear_down(&b);
}

TEST_MAIN(
	RUN(the_named_key_alone_is_asked),
	RUN(a_token_without_a_name_may_be_of_any_key),
	RUN(a_key_without_a_name_may_have_signed_any_token),
	RUN(two_keys_of_one_name_are_none),
	RUN(one_token_is_tried_with_few_keys),
	RUN(an_algorithm_that_the_rules_do_not_name_is_refused_before_the_keys),
	RUN(claims_are_looked_at_before_the_keys),
	RUN(a_token_that_does_not_say_its_use_must_not_look_like_an_id_token),
	RUN(a_payload_that_is_no_object_is_for_bare_rules_alone))
