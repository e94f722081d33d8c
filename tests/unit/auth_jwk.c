#include "auth/jwk.h"
#include "tests/jws_signer.h"
#include "tests/test.h"

/* RFC 7638, 3.1 */
#define RFC7638_N "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhD" \
    "R1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGj" \
    "QR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4" \
    "vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
#define RFC7638_THUMBPRINT "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"

#define ED_X "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"      /* RFC 8037, A.2 */
#define EC_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"      /* RFC 7515, A.3 */
#define EC_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define ZERO32 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

#define RSA(more) "{" more "\"kty\":\"RSA\",\"n\":\"" RFC7638_N "\",\"e\":\"AQAB\"}"
#define RSA_E(e) "{\"kty\":\"RSA\",\"n\":\"" RFC7638_N "\",\"e\":\"" e "\"}"
#define EC(crv, x, y) "{\"kty\":\"EC\",\"crv\":\"" crv "\",\"x\":\"" x "\",\"y\":\"" y "\"}"
#define OKP(crv, x) "{\"kty\":\"OKP\",\"crv\":\"" crv "\",\"x\":\"" x "\"}"

#define RSA_ALL (JWS_BIT(JWS_RS256) | JWS_BIT(JWS_RS384) | JWS_BIT(JWS_RS512) | JWS_BIT(JWS_PS256) | \
    JWS_BIT(JWS_PS512))

static enum err parse(struct arena *a, const char *text, struct jwk *out, const char **reason)
{
	const struct json *json;
	struct json_error  error;

	arena_init(a, 1 << 20);
	assert_int_equal(json_parse(a, str_of(text), 8, &json, &error), OK);
	return jwk_parse(a, json, out, reason);
}

static const struct {
	const char *row, *text;
	uint32_t    algorithms;
	size_t      signature_bytes;
} usable[] = {
	{ "RSA without alg", RSA(""), RSA_ALL, 256 },
	{ "RSA for RS256", RSA("\"alg\":\"RS256\","), JWS_BIT(JWS_RS256), 256 },
	{ "RSA for PS256", RSA("\"alg\":\"PS256\","), JWS_BIT(JWS_PS256), 256 },
	{ "use sig", RSA("\"use\":\"sig\","), RSA_ALL, 256 },
	{ "key_ops verify", RSA("\"key_ops\":[\"verify\"],"), RSA_ALL, 256 },
	{ "unknown members", RSA("\"x5t\":\"abc\",\"nbf\":1,"), RSA_ALL, 256 },
	{ "P-256", EC("P-256", EC_X, EC_Y), JWS_BIT(JWS_ES256), 64 },
	{ "Ed25519", OKP("Ed25519", ED_X), JWS_BIT(JWS_EDDSA), 64 },
};

TEST(a_key_verifies_what_its_kind_and_its_alg_allow)
{
	const char  *reason = "";
	struct arena a;
	struct jwk   key;

	(void)state;
	for (size_t i = 0; i < COUNT(usable); i++) {
		assert_row(parse(&a, usable[i].text, &key, &reason) == OK, usable[i].row);
		assert_row(key.algorithms == usable[i].algorithms, usable[i].row);
		assert_row(key.signature_bytes == usable[i].signature_bytes, usable[i].row);
		jwk_clean(&key);
		arena_clean(&a);
	}
}

static const struct {
	const char *row, *text, *reason;
} refused[] = {
	{ "an array", "[]", "not an object" },
	{ "no kty", "{}", "kty or crv" },
	{ "a shared secret", "{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}", "private or shared" },
	{ "oct without k", "{\"kty\":\"oct\"}", "kty or crv" },
	{ "a private key", RSA("\"d\":\"AQAB\","), "private or shared" },
	{ "for encryption", RSA("\"use\":\"enc\","), "not for verifying" },
	{ "use is no text", RSA("\"use\":1,"), "not for verifying" },
	{ "key_ops sign", RSA("\"key_ops\":[\"sign\"],"), "not for verifying" },
	{ "key_ops empty", RSA("\"key_ops\":[],"), "not for verifying" },
	{ "HMAC on RSA", RSA("\"alg\":\"HS256\","), "alg is not used" },
	{ "none", RSA("\"alg\":\"none\","), "alg is not used" },
	{ "EC's alg on RSA", RSA("\"alg\":\"ES256\","), "alg is not used" },
	{ "alg is no text", RSA("\"alg\":256,"), "alg is not used" },
	{ "empty kid", RSA("\"kid\":\"\","), "kid" },
	{ "kid is no text", RSA("\"kid\":7,"), "kid" },
	{ "control byte in kid", RSA("\"kid\":\"a\\u0000b\","), "kid" },
	{ "n missing", "{\"kty\":\"RSA\",\"e\":\"AQAB\"}", "base64url" },
	{ "n padded", "{\"kty\":\"RSA\",\"n\":\"AQAB=\",\"e\":\"AQAB\"}", "base64url" },
	{ "RSA of 24 bits", "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", "2048" },
	{ "n begins with zeros", "{\"kty\":\"RSA\",\"n\":\"AAEAAQ\",\"e\":\"AQAB\"}", "leading zeros" },
	{ "e begins with zeros", RSA_E("AAEAAQ"), "leading zeros" },
	{ "e is one", RSA_E("AQ"), "not an RSA key" },
	{ "e is three", RSA_E("Aw"), "not an RSA key" },
	{ "e is even", RSA_E("AQAA"), "not an RSA key" },
	{ "e is huge", RSA_E("AQAAAAE"), "too large" },
	{ "another curve", EC("secp256k1", EC_X, EC_Y), "kty or crv" },
	{ "P-521", EC("P-521", EC_X, EC_Y), "kty or crv" },
	{ "P-256 coordinates as P-384", EC("P-384", EC_X, EC_Y), "no coordinate" },
	{ "not on the curve", EC("P-256", EC_X, EC_X), "not a point" },
	{ "the origin", EC("P-256", ZERO32, ZERO32), "not a point" },
	{ "short coordinate", EC("P-256", "AQAB", EC_Y), "no coordinate" },
	{ "x missing", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"y\":\"" EC_Y "\"}", "no coordinate" },
	{ "X25519", OKP("X25519", ED_X), "kty or crv" },
	{ "Ed25519 too short", OKP("Ed25519", "AQAB"), "no Ed25519" },
	{ "Ed25519 padded", OKP("Ed25519", ED_X "="), "no Ed25519" },
};

TEST(a_key_that_will_not_do_is_refused_and_says_why)
{
	const char  *reason;
	struct arena a;
	struct jwk   key;

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		reason = "";
		assert_row(parse(&a, refused[i].text, &key, &reason) != OK, refused[i].row);
		if (strstr(reason, refused[i].reason) == NULL)
			fail_msg("row \"%s\": %s", refused[i].row, reason);
		arena_clean(&a);
	}
}

/* An RSA key of some size, as JSON. */
static struct str rsa_of(struct arena *a, size_t bytes)
{
	char *n = arena_alloc(a, bytes);

	memset(n, 0xFF, bytes);
	return arena_printf(a, "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"}",
	    arena_cstr(a, crypto_base64url(a, (struct str){ n, bytes })));
}

TEST(rsa_has_2048_to_8192_bits)
{
	static const struct { size_t bytes; bool good; } sizes[] = {
		{ 128, false }, { 255, false }, { 256, true }, { 1024, true }, { 1025, false },
	};
	const char  *reason;
	struct arena a, outer;
	struct jwk   key;

	(void)state;
	arena_init(&outer, 1 << 20);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		enum err e = parse(&a, rsa_of(&outer, sizes[i].bytes).ptr, &key, &reason);

		assert_int_equal(e == OK, sizes[i].good);
		if (e == OK)
			jwk_clean(&key);
		arena_clean(&a);
	}
	arena_clean(&outer);
}

TEST(rsa_of_the_generator_that_is_broken_is_refused)
{
	BIGNUM      *n = BN_new(), *base = BN_new(), *power = BN_new();
	BN_CTX      *ctx = BN_CTX_new();
	char         bytes[257];
	const char  *reason = "";
	struct arena a, outer;
	struct jwk   key;

	(void)state;
	arena_init(&outer, 1 << 20);
	BN_set_word(base, 65537);
	BN_set_word(power, 128);
	assert_int_equal(BN_exp(n, base, power, ctx), 1);      /* its mark modulo every prime */
	assert_int_equal(BN_bn2binpad(n, (unsigned char *)bytes, sizeof(bytes)), sizeof(bytes));
	assert_int_equal(parse(&a, arena_printf(&outer, "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"}",
	    crypto_base64url(&outer, (struct str){ bytes, sizeof(bytes) }).ptr).ptr, &key, &reason),
	    ERR_INVALID);
	assert_non_null(strstr(reason, "weak"));
	arena_clean(&a);
	arena_clean(&outer);
	BN_CTX_free(ctx);
	BN_free(power);
	BN_free(base);
	BN_free(n);
}

TEST(p384_keys_of_openssl_are_read)
{
	EVP_PKEY    *key = signer_key(JWS_ES384);
	struct arena a;
	struct jwk   parsed;

	(void)state;
	arena_init(&a, 1 << 20);
	parsed = signer_parse(&a, signer_jwk(&a, key, "\"kid\":\"k1\","));
	assert_int_equal(parsed.algorithms, JWS_BIT(JWS_ES384));
	assert_int_equal(parsed.signature_bytes, 96);
	assert_string_equal(parsed.kid, "k1");
	jwk_clean(&parsed);
	EVP_PKEY_free(key);
	arena_clean(&a);
}

TEST(thumbprint_is_that_of_rfc_7638)
{
	const struct json *json;
	struct json_error  error;
	struct str         thumbprint;
	struct arena       a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(json_parse(&a,
	    STR(RSA("\"alg\":\"RS256\",\"kid\":\"2011-04-29\",")), 4, &json, &error), OK);
	assert_int_equal(jwk_thumbprint(&a, json, &thumbprint), OK);
	assert_str(thumbprint, STR(RFC7638_THUMBPRINT));
	/* RFC 8037, A.3 */
	assert_int_equal(json_parse(&a, STR(OKP("Ed25519", ED_X)), 4, &json, &error), OK);
	assert_int_equal(jwk_thumbprint(&a, json, &thumbprint), OK);
	assert_str(thumbprint, STR("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
	assert_int_equal(json_parse(&a, STR("{\"kty\":\"oct\"}"), 4, &json, &error), OK);
	assert_int_equal(jwk_thumbprint(&a, json, &thumbprint), ERR_UNSUPPORTED);
	arena_clean(&a);
}

TEST(algorithm_names_are_exact)
{
	static const char *const foreign[] = { "none", "None", "HS256", "rs256", "ES512", "RS1", "" };

	(void)state;
	for (int i = JWS_UNKNOWN + 1; i < JWS_ALGORITHM_COUNT; i++)
		assert_int_equal(jws_algorithm_from_name(
		    str_of(jws_algorithm_name((enum jws_algorithm)i))), i);
	for (size_t i = 0; i < COUNT(foreign); i++)
		assert_row(jws_algorithm_from_name(str_of(foreign[i])) == JWS_UNKNOWN, foreign[i]);
	assert_string_equal(jws_algorithm_name(JWS_ALGORITHM_COUNT), "");
}

TEST_MAIN(
	RUN(a_key_verifies_what_its_kind_and_its_alg_allow),
	RUN(a_key_that_will_not_do_is_refused_and_says_why),
	RUN(rsa_has_2048_to_8192_bits),
	RUN(rsa_of_the_generator_that_is_broken_is_refused),
	RUN(p384_keys_of_openssl_are_read),
	RUN(thumbprint_is_that_of_rfc_7638),
	RUN(algorithm_names_are_exact))
