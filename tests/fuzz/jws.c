/*
 * A key and a token of any bytes: a line of JSON (RFC 7517), and what follows it
 * as a token.  Whatever verifies is of an algorithm that the key allows, and a
 * key that is usable has a length that its signatures must have.
 */
#include <stdlib.h>

#include "auth/jws.h"
#include "auth/token.h"
#include "base/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool parse_key(struct arena *a, struct str text, struct jwk *key)
{
	const struct json *json;
	struct json_error  error;
	const char        *reason = NULL;
	struct str         thumbprint;

	if (json_parse(a, text, JSON_DEPTH_MAX, &json, &error) != OK)
		return false;
	if (jwk_parse(a, json, key, &reason) != OK) {
		require(reason != NULL);
		return false;
	}
	require(key->algorithms != 0 && key->signature_bytes >= 64);
	require(jwk_thumbprint(a, json, &thumbprint) == OK && thumbprint.len == 43);
	return true;
}

static void check_claims(struct arena *a, struct str payload)
{
	static const struct str  audience = STR_INIT("quiver");
	const struct token_rules rules = {
		.issuer = STR("https://quiver.example"), .audiences = &audience, .n_audiences = 1,
		.use = STR("access"), .now_ms = INT64_C(1700000000000), .skew_s = 60,
	};
	struct token_claims claims;
	const struct json  *json;
	struct json_error   error;
	const char         *reason = NULL;

	if (json_parse(a, payload, TOKEN_PAYLOAD_DEPTH_MAX, &json, &error) != OK)
		return;
	if (token_check(json, &rules, &claims, &reason) == OK)
		require(claims.subject.len > 0 && claims.expires_ms > rules.now_ms - 60000);
	else
		require(reason != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str   token = { (const char *)data, size };
	struct str   line = str_cut(&token, '\n');
	const char  *reason = NULL;
	struct arena a;
	struct jwk   key = { 0 };
	struct jws   jws;

	arena_init(&a, ARENA_MAX_BYTES);
	bool usable = parse_key(&a, line, &key);
	if (jws_parse(&a, token, &jws, &reason) == OK) {
		require(jws.algorithm != JWS_UNKNOWN && jws.kid.len <= JWK_KID_MAX_BYTES);
		check_claims(&a, jws.payload);
		if (usable && jws_verify(&jws, &key) == OK)
			require(jws_fits(&jws, &key));
	} else {
		require(reason != NULL);
	}
	jwk_clean(&key);
	arena_clean(&a);
	return 0;
}
