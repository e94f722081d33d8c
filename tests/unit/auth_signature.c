/*
 * Signatures of requests (RFC 9421): the RFC's own verify; what was changed on the way,
 * left out, made up or asked of another algorithm does not.  Attacks held off:
 * a changed, removed or added covered part; a label, a component or a query parameter
 * that comes twice; half a signature; an algorithm of the message's choice; a public
 * key used as a secret; a line break in a value that would forge a line of the base;
 * components of replies, of other requests, of trailers; sizes without bound.
 */
#include "tests/jws_signer.h"
#include "tests/signature_rig.h"
#include "tests/signature_vectors.h"

/* The request of B.2, with its body. */
static void begin_vector(struct request *r)
{
	begin(r, "POST", VECTOR_TARGET);
	add(r, "Host", "example.com");
	add(r, "Date", "Tue, 20 Apr 2021 02:07:55 GMT");
	add(r, "Content-Type", "application/json");
	add(r, "Content-Digest", VECTOR_DIGEST);
	add(r, "Content-Length", "18");
	r->m.has_body = true;
	r->m.body = STR(VECTOR_BODY);
}

static struct signature_key key_of(struct arena *a, const char *text)
{
	const struct json   *json;
	struct json_error    error;
	struct signature_key key;
	const char          *reason = "";

	assert_int_equal(json_parse(a, str_of(text), 4, &json, &error), OK);
	if (signature_key_read(a, json, &key, &reason) != OK)
		fail_msg("%s: %s", text, reason);
	return key;
}

/* "" when the first signature verifies with the key, else why not. */
static const char *verdict(struct request *r, const char *key_text)
{
	struct signature_key key = key_of(&r->a, key_text);
	struct signatures    all;
	const char          *reason = "";

	if (signatures_read(&r->a, &r->m, &all, &reason) == OK &&
	    signature_verify(&r->a, &r->m, &all.list[0], &key, &reason) == OK)
		reason = "";
	signature_key_clean(&key);
	return reason;
}

static void must_be(struct request *r, const char *key, const char *reason, const char *row)
{
	const char *got = verdict(r, key);

	if (strcmp(got, reason) != 0)
		fail_msg("row \"%s\": \"%s\", not \"%s\"", row, got, reason);
	arena_clean(&r->a);
}

/* --- the RFC's ------------------------------------------------------------------------ */

TEST(the_signed_requests_of_the_rfc_verify)
{
	struct request r;

	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		begin_vector(&r);
		sign(&r, vectors[i].input, vectors[i].signature);
		must_be(&r, vectors[i].key, "", vectors[i].name);
	}
}

TEST(one_key_does_not_verify_what_another_signed)
{
	struct request r;

	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++)
		for (size_t j = 0; j < COUNT(vectors); j++) {
			if (strcmp(vectors[i].key, vectors[j].key) == 0)
				continue;
			begin_vector(&r);
			sign(&r, vectors[i].input, vectors[i].signature);
			must_be(&r, vectors[j].key, "bad_signature", vectors[i].name);
		}
}

TEST(a_proxys_signature_stands_beside_the_clients)
{
	struct signature_key     key;
	const struct signature  *s;
	struct signatures        all;
	struct request           r;
	const char              *reason = "";

	(void)state;
	begin(&r, "POST", "https://origin.host.internal.example/foo?param=Value&Pet=dog");
	add(&r, "Forwarded", "for=192.0.2.123;host=example.com;proto=https");
	add(&r, "Content-Type", "application/json");
	add(&r, "Content-Length", "18");
	add(&r, "Content-Digest", VECTOR_DIGEST);
	sign(&r, VECTOR_PROXIED_INPUT, VECTOR_PROXIED_SIGNATURE);
	assert_int_equal(signatures_read(&r.a, &r.m, &all, &reason), OK);
	assert_int_equal(all.count, 2);
	assert_null(signatures_of_key(&all, STR("nobody")));
	s = signatures_of_key(&all, STR("test-key-rsa"));
	assert_str(s->label, STR("proxy_sig"));
	assert_str(s->alg, STR("rsa-v1_5-sha256"));
	assert_int_equal(s->created_s, 1618884480);
	assert_int_equal(s->expires_s, 1618884540);
	key = key_of(&r.a, VECTOR_KEY_RSA);
	assert_int_equal(signature_verify(&r.a, &r.m, s, &key, &reason), OK);
	signature_key_clean(&key);

	s = signatures_of_key(&all, STR("test-key-ecc-p256"));
	key = key_of(&r.a, VECTOR_KEY_ECC);
	assert_int_equal(signature_verify(&r.a, &r.m, s, &key, &reason), ERR_UNAUTHENTICATED);
	r.m.target_uri = STR("https://example.com/foo?param=Value&Pet=dog");
	assert_true(signature_target(&r.a, &r.m));
	assert_int_equal(signature_verify(&r.a, &r.m, s, &key, &reason), OK);
	signature_key_clean(&key);
	arena_clean(&r.a);
}

/* --- what was changed --------------------------------------------------------------------- */

TEST(any_change_of_a_covered_part_is_seen)
{
	struct request r;

	(void)state;
	for (int change = 0; change < 9; change++) {
		begin_vector(&r);
		sign(&r, vectors[2].input, vectors[2].signature);
		const char *expected = "bad_signature";
		switch (change) {
		case 0: r.m.method = STR("PUT"); break;
		case 1: r.m.path = STR("/Foo"); break;
		case 2: r.m.query = STR("?param=value&Pet=dog"); break;
		case 3: r.m.authority = STR("example.org"); break;
		case 4: r.headers[1].value = STR("Tue, 20 Apr 2021 02:07:56 GMT"); break;
		case 5: r.headers[4].value = STR("19"); break;
		case 6: add(&r, "Content-Type", "text/html"); break;
		case 7: r.headers[2].name = STR("Content-Typ"); expected = "missing_component"; break;
		default: r.m.body = STR("{\"hello\": \"World\"}"); expected = "other_body"; break;
		}
		must_be(&r, VECTOR_KEY_PSS, expected, arena_printf(&r.a, "%d", change).ptr);
	}
}

TEST(any_change_of_the_parameters_is_seen)
{
	static const char *const inputs[] = {
		"sig-b25=(\"date\" \"@authority\" \"content-type\");created=1618884474;keyid=\"test-shared-secret\"",
		"sig-b25=(\"date\" \"@authority\" \"content-type\");keyid=\"test-shared-secret\";created=1618884473",
		"sig-b25=(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test\"",
		"sig-b25=(\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\";nonce=\"a\"",
		"sig-b25=(\"date\" \"@authority\");created=1618884473;keyid=\"test-shared-secret\"",
		"sig-b25=(\"@authority\" \"date\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"",
	};
	struct request r;

	(void)state;
	for (size_t i = 0; i < COUNT(inputs); i++) {
		begin_vector(&r);
		sign(&r, inputs[i], vectors[3].signature);
		must_be(&r, VECTOR_KEY_OCT, "bad_signature", inputs[i]);
	}
}

TEST(space_that_says_nothing_changes_nothing)
{
	struct request r;

	(void)state;
	begin_vector(&r);
	sign(&r, "sig-b25=( \"date\"  \"@authority\" \"content-type\" ); created=1618884473;"
	    "  keyid=\"test-shared-secret\"", vectors[3].signature);
	must_be(&r, VECTOR_KEY_OCT, "", "spaces");
}

/* --- several, half, twice ------------------------------------------------------------------ */

static const struct {
	const char *input, *signature, *reason;
} halves[] = {
	{ NULL, NULL, "none" },
	{ NULL, "a=:AA==:", "half_a_signature" },
	{ "a=()", NULL, "half_a_signature" },
	{ "a=()", "b=:AA==:", "half_a_signature" },
	{ "a=(), b=()", "a=:AA==:", "half_a_signature" },
	{ "a=()", "a=:AA==:, b=:AA==:", "half_a_signature" },
	{ "a=(), a=()", "a=:AA==:", "repeated_label" },
	{ "a=()", "a=:AA==:, a=:AQ==:", "repeated_label" },
	{ "a=\"x\"", "a=:AA==:", "malformed" },
	{ "a", "a=:AA==:", "malformed" },
	{ "a=()", "a=\"AA==\"", "malformed" },
	{ "a=()", "a=(:AA==:)", "malformed" },
	{ "a=()", "a=AA==", "malformed" },
	{ "a=(", "a=:AA==:", "malformed" },
	{ "a=();created=\"1\"", "a=:AA==:", "bad_parameter" },
	{ "a=();created=1.5", "a=:AA==:", "bad_parameter" },
	{ "a=();expires=?1", "a=:AA==:", "bad_parameter" },
	{ "a=();keyid=key", "a=:AA==:", "bad_parameter" },
	{ "a=();nonce=1", "a=:AA==:", "bad_parameter" },
	{ "a=();alg", "a=:AA==:", "bad_parameter" },
	{ "a=();tag=:AA==:", "a=:AA==:", "bad_parameter" },
	{ "a=(),b=(),c=(),d=(),e=(),f=(),g=(),h=(),i=()",
	  "a=::,b=::,c=::,d=::,e=::,f=::,g=::,h=::,i=::", "too_large" },
};

TEST(what_is_no_signature_is_refused_before_any_key)
{
	struct signatures all;
	struct request    r;

	(void)state;
	for (size_t i = 0; i < COUNT(halves); i++) {
		const char *row = halves[i].input != NULL ? halves[i].input : "";
		const char *reason = "";
		begin(&r, "GET", "https://a/");
		if (halves[i].input != NULL)
			add(&r, "Signature-Input", halves[i].input);
		if (halves[i].signature != NULL)
			add(&r, "Signature", halves[i].signature);
		assert_row(signatures_read(&r.a, &r.m, &all, &reason) ==
		    (i == 0 ? ERR_NOT_FOUND : ERR_INVALID), row);
		if (strcmp(reason, halves[i].reason) != 0)
			fail_msg("row \"%s\": %s", row, reason);
		arena_clean(&r.a);
	}
}

TEST(labels_on_lines_of_their_own_are_one_field)
{
	struct signatures all;
	struct request    r;
	const char       *reason = "";

	(void)state;
	begin(&r, "GET", "https://a/");
	add(&r, "signature-input", "a=();keyid=\"1\"");
	add(&r, "SIGNATURE", "a=:AA==:");
	add(&r, "Signature", "b=:AQ==:");
	add(&r, "Signature-Input", "b=();keyid=\"2\"");
	assert_int_equal(signatures_read(&r.a, &r.m, &all, &reason), OK);
	assert_int_equal(all.count, 2);
	assert_str(signatures_of_key(&all, STR("2"))->bytes, STR("\1"));
	arena_clean(&r.a);
}

TEST(sizes_have_bounds)
{
	struct signatures all;
	struct request    r;
	struct buf        text;
	const char       *reason = "";

	(void)state;
	begin(&r, "GET", "https://a/");
	buf_init(&text, &r.a, 1 << 20);
	BUF_LIT(&text, "a=(");
	for (int i = 0; i <= SIGNATURE_COMPONENTS_MAX; i++)
		buf_printf(&text, " \"x%d\"", i);
	BUF_LIT(&text, ")");
	sign(&r, buf_cstr(&text), "a=:AA==:");
	assert_int_equal(signatures_read(&r.a, &r.m, &all, &reason), ERR_INVALID);
	assert_string_equal(reason, "too_large");
	arena_clean(&r.a);

	begin(&r, "GET", "https://a/");
	char *longest = arena_zero(&r.a, 1, SIGNATURE_BASE_MAX_BYTES + 1);
	memset(longest, 'x', SIGNATURE_BASE_MAX_BYTES);
	add(&r, "X-Long", longest);
	assert_str(base_of(&r, "\"x-long\""), STR("!too_large"));
	r.headers[1].value = str_of(longest);
	assert_int_equal(signatures_read(&r.a, &r.m, &all, &reason), ERR_INVALID);
	arena_clean(&r.a);
}

/* --- algorithms ------------------------------------------------------------------------------ */

/* A request signed by `key` with `as`, said to be `alg` (or nothing). */
static const char *signed_verdict(EVP_PKEY *key, enum jws_algorithm as, const char *more,
    const char *alg)
{
	struct signature_key k;
	struct signatures    all;
	struct request       r;
	struct str           base, raw, encoded;
	const char          *reason = "";

	begin(&r, "GET", "https://a.example/b?c");
	sign(&r, arena_printf(&r.a, "s=(\"@method\" \"@path\")%s%s%s", alg == NULL ? "" : ";alg=\"",
	    alg == NULL ? "" : alg, alg == NULL ? "" : "\"").ptr, "s=:AA==:");
	assert_int_equal(signatures_read(&r.a, &r.m, &all, &reason), OK);
	assert_int_equal(signature_base(&r.a, &r.m, &all.list[0], &base, &reason), OK);
	raw = signer_signature(&r.a, key, as, base);
	encoded = crypto_base64(&r.a, raw);
	r.headers[1].value = arena_printf(&r.a, "s=:%.*s:", STR_ARG(encoded));
	assert_int_equal(signatures_read(&r.a, &r.m, &all, &reason), OK);
	k = key_of(&r.a, arena_cstr(&r.a, signer_jwk(&r.a, key, more)));
	if (signature_verify(&r.a, &r.m, &all.list[0], &k, &reason) == OK)
		reason = "";
	signature_key_clean(&k);
	arena_clean(&r.a);
	return reason;
}

static const struct {
	enum jws_algorithm as;
	const char        *more, *alg, *reason;
} agreements[] = {
	{ JWS_ES256, "", NULL, "" },
	{ JWS_ES256, "", "ecdsa-p256-sha256", "" },
	{ JWS_ES256, "", "ecdsa-p384-sha384", "wrong_algorithm" },
	{ JWS_ES256, "", "ES256", "wrong_algorithm" },
	{ JWS_ES256, "", "", "wrong_algorithm" },
	{ JWS_ES384, "", NULL, "" },
	{ JWS_ES384, "", "ecdsa-p384-sha384", "" },
	{ JWS_EDDSA, "", "ed25519", "" },
	{ JWS_EDDSA, "", "Ed25519", "wrong_algorithm" },
	{ JWS_EDDSA, "", "hmac-sha256", "wrong_algorithm" },
	{ JWS_RS256, "", "rsa-v1_5-sha256", "" },
	{ JWS_RS256, "\"alg\":\"RS256\",", NULL, "" },
	{ JWS_RS256, "\"alg\":\"RS256\",", "rsa-v1_5-sha256", "" },
	{ JWS_RS256, "\"alg\":\"PS512\",", "rsa-v1_5-sha256", "wrong_algorithm" },
	{ JWS_RS256, "\"alg\":\"PS256\",", NULL, "wrong_algorithm" },
	{ JWS_RS256, "", NULL, "bad_signature" },       /* meant as rsa-pss-sha512 */
	{ JWS_RS256, "", "hmac-sha256", "wrong_algorithm" },
	{ JWS_PS512, "", NULL, "" },
	{ JWS_PS512, "\"alg\":\"PS512\",", "rsa-pss-sha512", "" },
	{ JWS_PS512, "\"alg\":\"RS256\",", "rsa-pss-sha512", "wrong_algorithm" },
};

TEST(the_algorithm_is_the_keys_and_alg_must_agree)
{
	(void)state;
	for (size_t i = 0; i < COUNT(agreements); i++) {
		EVP_PKEY   *key = signer_key(agreements[i].as);
		const char *got = signed_verdict(key, agreements[i].as, agreements[i].more,
		    agreements[i].alg);
		if (strcmp(got, agreements[i].reason) != 0)
			fail_msg("row %zu (%s %s): \"%s\"", i, jws_algorithm_name(agreements[i].as),
			    agreements[i].alg == NULL ? "-" : agreements[i].alg, got);
		EVP_PKEY_free(key);
	}
}

TEST(a_secret_signs_hmac_and_nothing_else)
{
	struct request r;

	(void)state;
	begin_vector(&r);
	sign(&r, "s=();alg=\"ed25519\"", "s=:AA==:");
	must_be(&r, VECTOR_KEY_OCT, "wrong_algorithm", "ed25519");
	begin_vector(&r);
	sign(&r, vectors[3].input, "sig-b25=:pxcQw6G3AjtMBQjwo8XzkQ==:");
	must_be(&r, VECTOR_KEY_OCT, "bad_signature", "cut");
	begin_vector(&r);
	sign(&r, vectors[3].input, "sig-b25=::");
	must_be(&r, VECTOR_KEY_OCT, "bad_signature", "empty");
}

TEST(keys_that_do_not_do_are_refused)
{
	static const char *const keys[] = {
		"{}", "[]", "{\"kty\":\"oct\"}", "{\"kty\":\"oct\",\"k\":\"\"}",
		"{\"kty\":\"oct\",\"k\":\"c2hvcnQ\"}", "{\"kty\":\"oct\",\"k\":\"A+A/AAAAAAAAAAAAAAAAAAAAAAA\"}",
		"{\"kty\":\"oct\",\"alg\":\"A256GCM\",\"k\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs\",\"d\":\"\"}",
	};
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT(keys); i++) {
		const struct json   *json;
		struct json_error    error;
		struct signature_key key;
		const char          *reason = NULL;
		assert_int_equal(json_parse(&a, str_of(keys[i]), 4, &json, &error), OK);
		assert_row(signature_key_read(&a, json, &key, &reason) != OK && reason != NULL, keys[i]);
	}
	arena_clean(&a);
}

/* --- what a route demands ------------------------------------------------------------------- */

#define NOW 1618884500
static const struct {
	const char *input, *reason;
	bool        has_query, has_body;
} demands[] = {
	{ "s=(\"@method\" \"@path\");created=1618884473;nonce=\"n\"", "", false, false },
	{ "s=(\"@method\" \"@path\");created=1618884473;nonce=\"n\"", "not_all_covered", true, false },
	{ "s=(\"@method\" \"@path\");created=1618884473;nonce=\"n\"", "not_all_covered", false, true },
	{ "s=(\"@method\" \"@path\" \"@query\");created=1618884473;nonce=\"n\"", "", true, false },
	{ "s=(\"@method\" \"@path\" \"@query\" \"content-digest\");created=1618884473;nonce=\"n\"", "",
	  true, true },
	{ "s=(\"@method\" \"@path\" \"@query\" \"content-digest\";key=\"a\");created=1618884473;nonce=\"n\"",
	  "not_all_covered", true, true },
	{ "s=(\"@path\");created=1618884473;nonce=\"n\"", "not_all_covered", false, false },
	{ "s=(\"@method\");created=1618884473;nonce=\"n\"", "not_all_covered", false, false },
	{ "s=(\"@method\" \"@path\");nonce=\"n\"", "no_created", false, false },
	{ "s=(\"@method\" \"@path\");created=1618884473", "no_nonce", false, false },
	{ "s=(\"@method\" \"@path\");created=1618884473;nonce=\"\"", "no_nonce", false, false },
	{ "s=(\"@method\" \"@path\");created=1618884140;nonce=\"n\"", "", false, false },
	{ "s=(\"@method\" \"@path\");created=1618884139;nonce=\"n\"", "too_old", false, false },
	{ "s=(\"@method\" \"@path\");created=-999999999999999;nonce=\"n\"", "too_old", false, false },
	{ "s=(\"@method\" \"@path\");created=1618884560;nonce=\"n\"", "", false, false },
	{ "s=(\"@method\" \"@path\");created=1618884561;nonce=\"n\"", "created_later", false, false },
	{ "s=(\"@method\" \"@path\");created=1618884473;expires=1618884440;nonce=\"n\"", "", false, false },
	{ "s=(\"@method\" \"@path\");created=1618884473;expires=1618884439;nonce=\"n\"", "expired",
	  false, false },
};

TEST(a_route_demands_coverage_freshness_and_a_nonce)
{
	struct signatures all;
	struct request    r;

	(void)state;
	for (size_t i = 0; i < COUNT(demands); i++) {
		struct signature_policy p = { .now_s = NOW, .max_age_s = 300, .skew_s = 60,
			.has_query = demands[i].has_query, .has_body = demands[i].has_body };
		const char *reason = "";
		begin(&r, "GET", "https://a/");
		sign(&r, demands[i].input, "s=:AA==:");
		assert_int_equal(signatures_read(&r.a, &r.m, &all, &reason), OK);
		reason = "";
		enum err e = signature_policy_check(&all.list[0], &p, &reason);
		assert_row(e == (demands[i].reason[0] == '\0' ? OK : ERR_UNAUTHENTICATED),
		    demands[i].input);
		assert_row(strcmp(reason, demands[i].reason) == 0, demands[i].input);
		arena_clean(&r.a);
	}
}

TEST_MAIN(
	RUN(the_signed_requests_of_the_rfc_verify),
	RUN(one_key_does_not_verify_what_another_signed),
	RUN(a_proxys_signature_stands_beside_the_clients),
	RUN(any_change_of_a_covered_part_is_seen),
	RUN(any_change_of_the_parameters_is_seen),
	RUN(space_that_says_nothing_changes_nothing),
	RUN(what_is_no_signature_is_refused_before_any_key),
	RUN(labels_on_lines_of_their_own_are_one_field),
	RUN(sizes_have_bounds),
	RUN(the_algorithm_is_the_keys_and_alg_must_agree),
	RUN(a_secret_signs_hmac_and_nothing_else),
	RUN(keys_that_do_not_do_are_refused),
	RUN(a_route_demands_coverage_freshness_and_a_nonce)
)
