/*
 * What the verifier holds off (RFC 8725, RFC 7515 10, and what libraries have
 * fallen for):
 *   - alg "none", in any case; a signature that was cut off
 *   - an HMAC token keyed with the RSA public key (algorithm confusion)
 *   - a good signature of another algorithm than the key is for
 *   - a key brought along: jwk, jku, x5u, x5c
 *   - extensions that change what is signed: crit, b64
 *   - a changed header, payload or signature; another key of the same kind
 *   - base64 with padding, the other alphabet, white space or stray bits
 *   - duplicate names, an algorithm or kid that is no text, a header that is no object
 *   - ECDSA: zero, n and above n for r and s, DER, over-long and short forms
 *   - PSS with another salt; RSA signatures with zeros cut or added
 *   - tokens and headers over their bounds
 */
#include "auth/jws.h"
#include "base/limits.h"
#include "tests/jws_signer.h"
#include "tests/test.h"

#define PAYLOAD "{\"sub\":\"alice\"}"

struct bench {
	struct arena a;
	EVP_PKEY    *pkey;
	struct jwk   key;
};

static void set_up(struct bench *b, enum jws_algorithm algorithm, const char *more)
{
	arena_init(&b->a, 1 << 22);
	b->pkey = signer_key(algorithm);
	b->key = signer_parse(&b->a, signer_jwk(&b->a, b->pkey, more));
}

static void tear_down(struct bench *b)
{
	jwk_clean(&b->key);
	EVP_PKEY_free(b->pkey);
	arena_clean(&b->a);
}

/* Parsed and verified, or why not. */
static enum err check(struct arena *a, struct str token, const struct jwk *key)
{
	const char *reason;
	struct jws  jws;
	enum err    e = jws_parse(a, token, &jws, &reason);

	return e == OK ? jws_verify(&jws, key) : e;
}

/* --- what must pass ------------------------------------------------------------- */

#define RFC7515_PAYLOAD "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNv" \
    "bS9pc19yb290Ijp0cnVlfQ"

static const struct {
	const char *row, *jwk, *token;
} vectors[] = {
	{ "RFC 7515 A.2, RS256",
	  "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0"
	  "l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b3269"
	  "0r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg6"
	  "65xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkM"
	  "Ls91kzk2PAcDTW9gb54h4FRWyuXpoQ\"}",
	  "eyJhbGciOiJSUzI1NiJ9." RFC7515_PAYLOAD ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQg"
	  "r9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRF"
	  "diuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi1"
	  "2jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWk"
	  "WywlVmtVrBp0igcN_IoypGlUPQGe77Rw" },
	{ "RFC 7515 A.3, ES256",
	  "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	  "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}",
	  "eyJhbGciOiJFUzI1NiJ9." RFC7515_PAYLOAD ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCg"
	  "fTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q" },
	{ "RFC 7520 4.1, RS256",
	  "{\"kty\":\"RSA\",\"kid\":\"bilbo.baggins@hobbiton.example\",\"use\":\"sig\",\"e\":\"AQAB\","
	  "\"n\":\"n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0"
	  "VEiZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oB"
	  "HqFEHYpPe7Tpe-OfVfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3"
	  "-tVTU4fg_3L_vniUFAKwuCLqKnS2BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw\"}",
	  "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9.SXTigJlzIGEgZG"
	  "FuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91IHN0ZXAgb250byB0aGUgcm"
	  "9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcgd2hlcmUgeW"
	  "91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4.MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlK"
	  "tainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7PNDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0"
	  "RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9eRo4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3I"
	  "S_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4uOZDnd6QZWJushZ41Axf_fcIe8u9ip"
	  "H84ogoree7vjbU5y18kDquDg" },
	{ "RFC 8037 A.4, EdDSA",
	  "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
	  "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09"
	  "PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg" },
};

TEST(the_rfcs_own_examples_verify)
{
	struct arena a;
	struct jwk   key;

	(void)state;
	for (size_t i = 0; i < COUNT(vectors); i++) {
		arena_init(&a, 1 << 20);
		key = signer_parse(&a, str_of(vectors[i].jwk));
		assert_row(check(&a, str_of(vectors[i].token), &key) == OK, vectors[i].row);
		jwk_clean(&key);
		arena_clean(&a);
	}
}

TEST(every_algorithm_verifies_what_it_signed)
{
	struct bench b;
	struct jws   jws;
	const char  *reason;

	(void)state;
	for (int i = JWS_UNKNOWN + 1; i < JWS_ALGORITHM_COUNT; i++) {
		const char *name = jws_algorithm_name((enum jws_algorithm)i);
		struct str  token;

		if (i == JWS_PS512)
			continue;       /* not for tokens: the next test */
		set_up(&b, (enum jws_algorithm)i, "");
		token = signer_token(&b.a, b.pkey, (enum jws_algorithm)i, arena_printf(&b.a,
		    "{\"alg\":\"%s\",\"kid\":\"k\",\"typ\":\"at+jwt\"}", name).ptr, PAYLOAD);
		assert_row(jws_parse(&b.a, token, &jws, &reason) == OK, name);
		assert_row(jws.algorithm == (enum jws_algorithm)i, name);
		assert_row(jws_verify(&jws, &b.key) == OK, name);
		assert_str(jws.payload, STR(PAYLOAD));
		assert_str(jws.kid, STR("k"));
		assert_str(jws.type, STR("at+jwt"));
		tear_down(&b);
	}
}

TEST(a_token_may_not_use_what_is_for_messages_alone)
{
	const char  *reason = "";
	struct bench b;
	struct jws   jws;
	struct str   token;

	(void)state;
	set_up(&b, JWS_PS512, "");
	token = signer_token(&b.a, b.pkey, JWS_PS512, "{\"alg\":\"PS512\",\"kid\":\"k\"}", PAYLOAD);
	assert_int_equal(jws_parse(&b.a, token, &jws, &reason), ERR_INVALID);
	assert_string_equal(reason, "bad_algorithm");
	tear_down(&b);
}

TEST(unknown_headers_are_let_by)
{
	struct bench b;

	(void)state;
	set_up(&b, JWS_ES256, "");
	assert_int_equal(check(&b.a, signer_token(&b.a, b.pkey, JWS_ES256,
	    "{\"alg\":\"ES256\",\"x5t\":\"abc\",\"iat\":5,\"more\":{\"a\":[1]}}", PAYLOAD),
	    &b.key), OK);
	tear_down(&b);
}

/* --- forms ---------------------------------------------------------------------- */

#define GOOD "eyJhbGciOiJFUzI1NiJ9"     /* {"alg":"ES256"} */
#define BODY "eyJzdWIiOiJhbGljZSJ9"

static const struct {
	const char *row, *token, *reason;
} forms[] = {
	{ "empty", "", "not_a_token" },
	{ "one part", GOOD, "not_a_token" },
	{ "two parts", GOOD "." BODY, "not_a_token" },
	{ "signature cut off", GOOD "." BODY ".", "not_a_token" },
	{ "no payload", GOOD "..AAAA", "not_a_token" },
	{ "no header", "." BODY ".AAAA", "not_a_token" },
	{ "four parts", GOOD "." BODY ".AAAA.AAAA", "not_a_token" },
	{ "encrypted (five parts)", GOOD ".a.b.c.d", "not_a_token" },
	{ "padded header", GOOD "=." BODY ".AAAA", "bad_base64" },
	{ "padded payload", GOOD "." BODY "=.AAAA", "bad_base64" },
	{ "padded signature", GOOD "." BODY ".AAA=", "bad_base64" },
	{ "standard alphabet", GOOD "." BODY ".AA+/", "bad_base64" },
	{ "stray bits in the signature", GOOD "." BODY ".AAB", "bad_base64" },
	{ "lone character", GOOD "." BODY ".AAAAA", "bad_base64" },
	{ "space before", " " GOOD "." BODY ".AAAA", "bad_base64" },
	{ "line feed behind", GOOD "." BODY ".AAAA\n", "bad_base64" },
};

TEST(a_token_of_another_form_is_refused)
{
	const char  *reason;
	struct arena a;
	struct jws   jws;

	(void)state;
	for (size_t i = 0; i < COUNT(forms); i++) {
		arena_init(&a, 1 << 20);
		reason = "";
		assert_row(jws_parse(&a, str_of(forms[i].token), &jws, &reason) == ERR_INVALID,
		    forms[i].row);
		if (strcmp(reason, forms[i].reason) != 0)
			fail_msg("row \"%s\": %s", forms[i].row, reason);
		arena_clean(&a);
	}
}

static const struct {
	const char *header, *reason;
} headers[] = {
	{ "[]", "bad_header" },
	{ "\"ES256\"", "bad_header" },
	{ "{\"alg\":\"ES256\"", "bad_header" },
	{ "{\"alg\":\"ES256\"} x", "bad_header" },
	{ "{'alg':'ES256'}", "bad_header" },
	{ "{\"alg\":\"none\",\"alg\":\"ES256\"}", "bad_header" },
	{ "{\"alg\":\"ES256\",\"alg\":\"none\"}", "bad_header" },
	{ "{\"alg\":\"ES256\",\"x\":{\"a\":{\"b\":{\"c\":{}}}}}", "bad_header" },
	{ "{\"alg\":\"ES256\",\"kid\":7}", "bad_header" },
	{ "{\"alg\":\"ES256\",\"kid\":null}", "bad_header" },
	{ "{\"alg\":\"ES256\",\"typ\":[\"JWT\"]}", "bad_header" },
	{ "{}", "bad_algorithm" },
	{ "{\"alg\":null}", "bad_algorithm" },
	{ "{\"alg\":256}", "bad_algorithm" },
	{ "{\"alg\":[\"ES256\"]}", "bad_algorithm" },
	{ "{\"alg\":\"none\"}", "bad_algorithm" },
	{ "{\"alg\":\"None\"}", "bad_algorithm" },
	{ "{\"alg\":\"nOnE\"}", "bad_algorithm" },
	{ "{\"alg\":\"\"}", "bad_algorithm" },
	{ "{\"alg\":\"es256\"}", "bad_algorithm" },
	{ "{\"alg\":\"ES256 \"}", "bad_algorithm" },
	{ "{\"alg\":\"ES256\\u0000\"}", "bad_algorithm" },
	{ "{\"alg\":\"HS256\"}", "bad_algorithm" },
	{ "{\"alg\":\"ES512\"}", "bad_algorithm" },
	{ "{\"alg\":\"RS1\"}", "bad_algorithm" },
	{ "{\"alg\":\"RSA-OAEP\",\"enc\":\"A256GCM\"}", "bad_algorithm" },
	{ "{\"alg\":\"ES256\",\"crit\":[\"exp\"]}", "refused_header" },
	{ "{\"alg\":\"ES256\",\"crit\":[]}", "refused_header" },
	{ "{\"alg\":\"ES256\",\"b64\":false}", "refused_header" },
	{ "{\"alg\":\"ES256\",\"b64\":false,\"crit\":[\"b64\"]}", "refused_header" },
	{ "{\"alg\":\"ES256\",\"jku\":\"https://evil.example/keys\"}", "refused_header" },
	{ "{\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\"}}", "refused_header" },
	{ "{\"alg\":\"ES256\",\"x5u\":\"https://evil.example/cert\"}", "refused_header" },
	{ "{\"alg\":\"ES256\",\"x5c\":[\"MIIB\"]}", "refused_header" },
	{ "{\"alg\":\"ES256\",\"jku\":null}", "refused_header" },
};

TEST(a_header_that_would_lead_astray_is_refused_though_the_signature_is_good)
{
	const char  *reason;
	struct bench b;
	struct jws   jws;

	(void)state;
	set_up(&b, JWS_ES256, "");
	for (size_t i = 0; i < COUNT(headers); i++) {
		struct str token = signer_token(&b.a, b.pkey, JWS_ES256, headers[i].header,
		    PAYLOAD);

		reason = "";
		assert_row(jws_parse(&b.a, token, &jws, &reason) == ERR_INVALID,
		    headers[i].header);
		if (strcmp(reason, headers[i].reason) != 0)
			fail_msg("row \"%s\": %s", headers[i].header, reason);
	}
	tear_down(&b);
}

TEST(lengths_are_looked_at_first)
{
	const char  *reason = "";
	struct arena a;
	struct jws   jws;
	struct str   text;
	char        *long_token;

	(void)state;
	arena_init(&a, 1 << 20);
	long_token = arena_alloc(&a, TOKEN_MAX_BYTES + 1);
	memset(long_token, 'A', TOKEN_MAX_BYTES + 1);
	assert_int_equal(jws_parse(&a, (struct str){ long_token, TOKEN_MAX_BYTES + 1 }, &jws,
	    &reason), ERR_INVALID);
	assert_string_equal(reason, "too_long");
	long_token[JWS_HEADER_MAX_BYTES + 1] = '.';
	long_token[JWS_HEADER_MAX_BYTES + 3] = '.';
	text = (struct str){ long_token, JWS_HEADER_MAX_BYTES + 8 };
	assert_int_equal(jws_parse(&a, text, &jws, &reason), ERR_INVALID);
	assert_string_equal(reason, "header_too_long");
	arena_clean(&a);
}

/* --- algorithms and keys -------------------------------------------------------- */

TEST(an_hmac_keyed_with_the_public_key_is_refused)
{
	struct bench b;
	BIO         *bio = BIO_new(BIO_s_mem());
	uint8_t      mac[SHA256_BYTES];
	struct str   text;
	char        *pem;
	long         len;

	(void)state;
	set_up(&b, JWS_RS256, "");
	PEM_write_bio_PUBKEY(bio, b.pkey);
	len = BIO_get_mem_data(bio, &pem);
	text = signer_text(&b.a, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}", PAYLOAD);
	crypto_hmac_sha256((const uint8_t *)pem, (size_t)len, text, mac);
	assert_int_equal(check(&b.a, signer_join(&b.a, text,
	    (struct str){ (const char *)mac, sizeof(mac) }), &b.key), ERR_INVALID);
	BIO_free(bio);
	tear_down(&b);
}

/* A token signed well, and the key it came with meant for another algorithm. */
static const struct {
	const char        *more;
	enum jws_algorithm signs;
} narrowed[] = {
	{ "\"alg\":\"RS256\",", JWS_RS384 },
	{ "\"alg\":\"RS256\",", JWS_RS512 },
	{ "\"alg\":\"RS256\",", JWS_PS256 },
	{ "\"alg\":\"PS256\",", JWS_RS256 },
};

TEST(the_algorithm_is_the_keys_and_not_the_tokens)
{
	struct bench b;

	(void)state;
	for (size_t i = 0; i < COUNT(narrowed); i++) {
		const char *name = jws_algorithm_name(narrowed[i].signs);

		set_up(&b, narrowed[i].signs, narrowed[i].more);
		assert_row(check(&b.a, signer_token(&b.a, b.pkey, narrowed[i].signs,
		    arena_printf(&b.a, "{\"alg\":\"%s\"}", name).ptr, PAYLOAD), &b.key) ==
		    ERR_UNAUTHENTICATED, name);
		tear_down(&b);
	}
}

TEST(a_signature_of_one_algorithm_does_not_pass_for_another)
{
	struct bench b;
	struct str   text;

	(void)state;
	set_up(&b, JWS_RS256, "");
	for (int says = JWS_RS256; says <= JWS_PS256; says++) {
		for (int does = JWS_RS256; does <= JWS_PS256; does++) {
			text = signer_text(&b.a, arena_printf(&b.a, "{\"alg\":\"%s\"}",
			    jws_algorithm_name((enum jws_algorithm)says)).ptr, PAYLOAD);
			assert_int_equal(check(&b.a, signer_join(&b.a, text,
			    signer_signature(&b.a, b.pkey, (enum jws_algorithm)does, text)),
			    &b.key), says == does ? OK : ERR_UNAUTHENTICATED);
		}
	}
	tear_down(&b);
}

TEST(a_key_of_another_kind_or_another_owner_does_not_verify)
{
	static const enum jws_algorithm kinds[] = { JWS_RS256, JWS_ES256, JWS_ES384, JWS_EDDSA };
	struct bench signing, other;

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		for (size_t j = 0; j < COUNT(kinds); j++) {
			if (i == j && kinds[i] == JWS_RS256)
				continue;       /* there is but one RSA key here */
			set_up(&signing, kinds[i], "");
			set_up(&other, kinds[j], "");
			assert_int_equal(check(&other.a, signer_token(&other.a, signing.pkey,
			    kinds[i], arena_printf(&other.a, "{\"alg\":\"%s\"}",
			    jws_algorithm_name(kinds[i])).ptr, PAYLOAD), &other.key),
			    ERR_UNAUTHENTICATED);
			tear_down(&signing);
			tear_down(&other);
		}
	}
}

/* --- changed bytes -------------------------------------------------------------- */

TEST(no_bit_of_a_token_can_be_changed)
{
	static const enum jws_algorithm kinds[] = { JWS_RS256, JWS_PS256, JWS_ES256, JWS_EDDSA };
	struct bench b;

	(void)state;
	for (size_t k = 0; k < COUNT(kinds); k++) {
		struct str token;

		set_up(&b, kinds[k], "");
		token = signer_token(&b.a, b.pkey, kinds[k], arena_printf(&b.a,
		    "{\"alg\":\"%s\"}", jws_algorithm_name(kinds[k])).ptr, PAYLOAD);
		assert_int_equal(check(&b.a, token, &b.key), OK);
		for (size_t i = 0; i < token.len; i += 3) {
			struct str changed = arena_dup(&b.a, token);

			((char *)(uintptr_t)changed.ptr)[i] ^= 1;
			assert_int_not_equal(check(&b.a, changed, &b.key), OK);
		}
		tear_down(&b);
	}
}

TEST(another_payload_under_the_same_signature_is_refused)
{
	struct bench b;
	struct str   token, other, forged;
	size_t       first;

	(void)state;
	set_up(&b, JWS_ES256, "");
	token = signer_token(&b.a, b.pkey, JWS_ES256, "{\"alg\":\"ES256\"}", PAYLOAD);
	other = signer_text(&b.a, "{\"alg\":\"ES256\"}", "{\"sub\":\"admin\"}");
	for (first = token.len; token.ptr[first - 1] != '.'; first--)
		;
	forged = str_from(token, first);
	forged = arena_printf(&b.a, "%.*s.%.*s", STR_ARG(other), STR_ARG(forged));
	assert_int_equal(check(&b.a, forged, &b.key), ERR_UNAUTHENTICATED);
	tear_down(&b);
}

/* --- ECDSA's edges -------------------------------------------------------------- */

static struct str p256_order(struct arena *a)
{
	static const char order[] = "\xFF\xFF\xFF\xFF\x00\x00\x00\x00\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"
	    "\xBC\xE6\xFA\xAD\xA7\x17\x9E\x84\xF3\xB9\xCA\xC2\xFC\x63\x25\x51";

	return arena_dup(a, (struct str){ order, 32 });
}

static struct str halves(struct arena *a, struct str r, struct str s)
{
	char *out = arena_alloc(a, 64);

	memcpy(out, r.ptr, 32);
	memcpy(out + 32, s.ptr, 32);
	return (struct str){ out, 64 };
}

TEST(es256_numbers_out_of_range_are_refused)
{
	struct bench b;
	struct str   text, good, zero, order, max;

	(void)state;
	set_up(&b, JWS_ES256, "");
	text = signer_text(&b.a, "{\"alg\":\"ES256\"}", PAYLOAD);
	good = signer_signature(&b.a, b.pkey, JWS_ES256, text);
	zero = (struct str){ arena_zero(&b.a, 1, 32), 32 };
	order = p256_order(&b.a);
	max = (struct str){ memset(arena_alloc(&b.a, 32), 0xFF, 32), 32 };
	struct str s = str_from(good, 32);
	const struct { const char *row; struct str r, s; } table[] = {
		{ "both zero", zero, zero }, { "r zero", zero, s }, { "s zero", good, zero },
		{ "r is n", order, s }, { "s is n", good, order }, { "r above n", max, s },
		{ "s above n", good, max }, { "both n", order, order }, { "swapped", s, good },
	};
	for (size_t i = 0; i < COUNT(table); i++)
		assert_row(check(&b.a, signer_join(&b.a, text, halves(&b.a, table[i].r,
		    table[i].s)), &b.key) == ERR_UNAUTHENTICATED, table[i].row);
	tear_down(&b);
}

TEST(es256_signatures_have_64_bytes_and_no_other_form)
{
	struct bench b;
	struct str   text, der, good, padded;
	char         bytes[128] = { 0 };

	(void)state;
	set_up(&b, JWS_ES256, "");
	text = signer_text(&b.a, "{\"alg\":\"ES256\"}", PAYLOAD);
	der = signer_openssl(&b.a, b.pkey, JWS_ES256, 0, text);
	good = signer_raw(&b.a, der, 32);
	assert_int_equal(check(&b.a, signer_join(&b.a, text, good), &b.key), OK);
	assert_int_equal(check(&b.a, signer_join(&b.a, text, der), &b.key), ERR_UNAUTHENTICATED);
	padded = signer_raw(&b.a, der, 48);     /* 16 zeros before each half */
	assert_int_equal(check(&b.a, signer_join(&b.a, text, padded), &b.key),
	    ERR_UNAUTHENTICATED);
	memcpy(bytes, good.ptr, 64);
	assert_int_equal(check(&b.a, signer_join(&b.a, text, (struct str){ bytes, 63 }), &b.key),
	    ERR_UNAUTHENTICATED);
	assert_int_equal(check(&b.a, signer_join(&b.a, text, (struct str){ bytes, 65 }), &b.key),
	    ERR_UNAUTHENTICATED);
	assert_int_equal(check(&b.a, signer_join(&b.a, text, (struct str){ bytes, 128 }), &b.key),
	    ERR_UNAUTHENTICATED);
	tear_down(&b);
}

/* --- RSA's edges ---------------------------------------------------------------- */

TEST(rsa_signatures_have_the_length_of_the_modulus)
{
	struct bench b;
	struct str   text, good;
	char         bytes[258] = { 0 };

	(void)state;
	set_up(&b, JWS_RS256, "");
	text = signer_text(&b.a, "{\"alg\":\"RS256\"}", PAYLOAD);
	good = signer_signature(&b.a, b.pkey, JWS_RS256, text);
	memcpy(bytes + 1, good.ptr, 256);
	assert_int_equal(check(&b.a, signer_join(&b.a, text, (struct str){ bytes + 1, 256 }),
	    &b.key), OK);
	assert_int_equal(check(&b.a, signer_join(&b.a, text, (struct str){ bytes, 257 }),
	    &b.key), ERR_UNAUTHENTICATED);
	assert_int_equal(check(&b.a, signer_join(&b.a, text, (struct str){ bytes + 1, 255 }),
	    &b.key), ERR_UNAUTHENTICATED);
	assert_int_equal(check(&b.a, signer_join(&b.a, text, (struct str){ bytes + 1, 257 }),
	    &b.key), ERR_UNAUTHENTICATED);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(check(&b.a, signer_join(&b.a, text, (struct str){ bytes, 256 }),
	    &b.key), ERR_UNAUTHENTICATED);
	tear_down(&b);
}

TEST(pss_salts_have_the_length_of_the_digest)
{
	static const struct { int bytes; enum err expected; } salts[] = {
		{ 32, OK }, { 0, ERR_UNAUTHENTICATED }, { 20, ERR_UNAUTHENTICATED },
		{ RSA_PSS_SALTLEN_MAX, ERR_UNAUTHENTICATED },
	};
	struct bench b;
	struct str   text;

	(void)state;
	set_up(&b, JWS_PS256, "");
	text = signer_text(&b.a, "{\"alg\":\"PS256\"}", PAYLOAD);
	for (size_t i = 0; i < COUNT(salts); i++)
		assert_int_equal(check(&b.a, signer_join(&b.a, text, signer_openssl(&b.a, b.pkey,
		    JWS_PS256, salts[i].bytes, text)), &b.key), salts[i].expected);
	tear_down(&b);
}

TEST_MAIN(
	RUN(the_rfcs_own_examples_verify),
	RUN(every_algorithm_verifies_what_it_signed),
	RUN(a_token_may_not_use_what_is_for_messages_alone),
	RUN(unknown_headers_are_let_by),
	RUN(a_token_of_another_form_is_refused),
	RUN(a_header_that_would_lead_astray_is_refused_though_the_signature_is_good),
	RUN(lengths_are_looked_at_first),
	RUN(an_hmac_keyed_with_the_public_key_is_refused),
	RUN(the_algorithm_is_the_keys_and_not_the_tokens),
	RUN(a_signature_of_one_algorithm_does_not_pass_for_another),
	RUN(a_key_of_another_kind_or_another_owner_does_not_verify),
	RUN(no_bit_of_a_token_can_be_changed),
	RUN(another_payload_under_the_same_signature_is_refused),
	RUN(es256_numbers_out_of_range_are_refused),
	RUN(es256_signatures_have_64_bytes_and_no_other_form),
	RUN(rsa_signatures_have_the_length_of_the_modulus),
	RUN(pss_salts_have_the_length_of_the_digest))
