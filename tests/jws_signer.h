/*
 * jws_signer: makes tokens, good and bad, for tests: keys, their JWKs, and
 * signatures over whatever header and payload a test wants.
 */
#ifndef TESTS_JWS_SIGNER_H
#define TESTS_JWS_SIGNER_H

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "auth/jws.h"
#include "base/crypto.h"
#include "tests/test.h"

/* A key that opens nothing: making one takes 200 ms, a test a few. */
#define SIGNER_RSA_PEM \
    "-----BEGIN PRIVATE KEY-----\n" \
    "MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCp+aBpmsz/aBJj\n" \
    "cGKbO9Gn8lPeAnymNoRR7U3vbyYtmLo5V4h2yo+rLOwkXhQZ4mcBVyN56mTqCIuy\n" \
    "ngN7oV20DXIRR8vY9Ke1aajKZImZQiYp1GGrLUv5dtoklcs0vZBxOybqR/Irw+iP\n" \
    "2A6/Fcu390Pv+DVgKD6suMJ3Zb3Z/bx0KYDm5JQ0U0YW5fL6z7U7il0RqL8M1jMZ\n" \
    "RzOlxfPU2RNPhzoXk5ga/TYVk17YL469ptIGXax6s8ddzGQfdfC4umzh2Zlz4olf\n" \
    "oTVIAbnnzOQV7NWwUo3+/SdkRprdaYw6dr5T0PVpN+G44hmB/4ZcMyF+Y8fNcowT\n" \
    "gVU53qJdAgMBAAECggEAAu/DX/ey8XmukaW8KmLo7x4eaVBBL4zzEchIB6ozrmd8\n" \
    "VifHPYgn3cT3qnQupDjXXzxOalmMl0eBBFu7AyyJRiZSUW6cXLnzWMzDxAVjJDDy\n" \
    "oFfhPRgZ/ywYvjeRTG62+2HSfQszqaJnlu6caJw7igjdVVzELU5csNa7U11AX679\n" \
    "hjcqolVwhKxiEFj0dqw7pp7MY3KPtdiJTL+h9ESZTal9NBrV9/zz0liq2lSD/roi\n" \
    "IiXg5/j5niiHthcur+RxtVz4u5F6DvjETrTYWWxyaDFRwb527mTQF/N3KCbhn0mx\n" \
    "158RzhbLO3x9ajy/q8HT22iq0zK+F6vrCSj5+1Il6QKBgQDwKB2wNIXULNY380HG\n" \
    "dGSnf63H5yGp8flPClOmJRTa9Jwyke8NhT5uysxcr8OWWr7vwuDVDOyCrrD6UVka\n" \
    "HDbzCAEKeKX+fLFWPl+S80f40e2rPsD11QpByhuhLQksvpsqzu1tylQM8sf38QwK\n" \
    "ntFOBDb44qK2Wy35C8gM3Y85tQKBgQC1MD/aFGx2aJ6/LcFFMow3iefFxzmqH/Np\n" \
    "R29LuwNhgfH05g6iEdBCLEzXIyRwpwNVfZGT30xJ7eRrkqnxMhNGT75kuCz2mogD\n" \
    "0ylQ3+9vNMvYc6NT7wLGd1cvJC66cmQVt/pEdiJW56mIu6V3vUC7/hr326sSJOIe\n" \
    "O43W9iQPCQKBgDBvxt0dGsjaajJKq799BjgKNmCVK2L9XM0mRgzCedxXbZF9gXt2\n" \
    "nkr2OBWRlZ8jmlL9OR9/Rcxts2ApPBFaE3Mc8CjOgJw9Rf8hAWHAE4oJvSfGtmBe\n" \
    "oXz3aG8viCQwJVeS+KwmHKGn7dECGu2hbpGPpA66lxq0dSc/yw9dOF/pAoGASMqG\n" \
    "jH1yCawEQrgGEl+5V0Ku+5ULRJ6rcptBSkJqnEzRQNr/+/p+GWekwzWaGSvvufPF\n" \
    "fYvTIUxSXSlB3uWIOtIkomAfqD7y795wlc4xahLi5iWm8zxteABP5V966mq0bMlJ\n" \
    "4SE4sINHZ+hDFLTSgfQXL4Zv1s08jnrMhBTE7ckCgYBwPt5TuJzlcFOa4190D6ok\n" \
    "tx7FCwW1+QePISaLpDu4kE2G4phAPKiKcb03fjxZ8QvEEYTcjK3abtCFjRsZVfd0\n" \
    "lZTbJjYjK89IaygoYTkEpUHhNf6IygFNlVPFe4OiWj6BH4OZYzlZOqZ5nduWeMRJ\n" \
    "6ztbAjz3VQIvVyir4fGyUg==\n" \
    "-----END PRIVATE KEY-----\n"

static inline EVP_PKEY *signer_rsa(void)
{
	BIO      *bio = BIO_new_mem_buf(SIGNER_RSA_PEM, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);

	BIO_free(bio);
	assert_non_null(key);
	return key;
}

/* A fresh key for an algorithm; RSA's is always the same. */
static inline EVP_PKEY *signer_key(enum jws_algorithm algorithm)
{
	EVP_PKEY *key;

	if (algorithm == JWS_ES256)
		key = EVP_EC_gen("P-256");
	else if (algorithm == JWS_ES384)
		key = EVP_EC_gen("P-384");
	else if (algorithm == JWS_EDDSA)
		key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	else
		key = signer_rsa();
	assert_non_null(key);
	return key;
}

static inline struct str signer_number(struct arena *a, EVP_PKEY *key, const char *parameter,
    int len)
{
	uint8_t bytes[1024];
	BIGNUM *n = NULL;

	assert_int_equal(EVP_PKEY_get_bn_param(key, parameter, &n), 1);
	if (len == 0)
		len = BN_num_bytes(n);
	assert_int_equal(BN_bn2binpad(n, bytes, len), len);
	BN_free(n);
	return crypto_base64url(a, (struct str){ (const char *)bytes, (size_t)len });
}

/* The public JWK; `more` is what else stands in it, like "\"kid\":\"k\",". */
static inline struct str signer_jwk(struct arena *a, EVP_PKEY *key, const char *more)
{
	uint8_t raw[32];
	size_t  len = sizeof(raw);
	int     bytes = (EVP_PKEY_get_bits(key) + 7) / 8;

	if (EVP_PKEY_is_a(key, "RSA"))
		return arena_printf(a, "{%s\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", more,
		    arena_cstr(a, signer_number(a, key, OSSL_PKEY_PARAM_RSA_N, 0)),
		    arena_cstr(a, signer_number(a, key, OSSL_PKEY_PARAM_RSA_E, 0)));
	if (EVP_PKEY_is_a(key, "EC"))
		return arena_printf(a, "{%s\"kty\":\"EC\",\"crv\":\"P-%d\",\"x\":\"%s\",\"y\":\"%s\"}",
		    more, bytes * 8,
		    arena_cstr(a, signer_number(a, key, OSSL_PKEY_PARAM_EC_PUB_X, bytes)),
		    arena_cstr(a, signer_number(a, key, OSSL_PKEY_PARAM_EC_PUB_Y, bytes)));
	assert_int_equal(EVP_PKEY_get_raw_public_key(key, raw, &len), 1);
	return arena_printf(a, "{%s\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%s\"}", more,
	    arena_cstr(a, crypto_base64url(a, (struct str){ (const char *)raw, len })));
}

static inline struct str signer_digest_name(enum jws_algorithm algorithm)
{
	switch (algorithm) {
	case JWS_RS384:
	case JWS_ES384:
		return STR("SHA384");
	case JWS_RS512:
	case JWS_PS512:
		return STR("SHA512");
	case JWS_EDDSA:
		return STR_NONE;
	default:
		return STR("SHA256");
	}
}

/* What OpenSSL gives: for EC the DER form. */
static inline struct str signer_openssl(struct arena *a, EVP_PKEY *key,
    enum jws_algorithm algorithm, int salt_bytes, struct str text)
{
	EVP_MD_CTX   *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pkey = NULL;
	size_t        len = 1024;
	uint8_t      *out = arena_alloc(a, len);

	assert_int_equal(EVP_DigestSignInit_ex(ctx, &pkey, signer_digest_name(algorithm).ptr, NULL,
	    NULL, key, NULL), 1);
	if (algorithm == JWS_PS256 || algorithm == JWS_PS512) {
		assert_int_equal(EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PSS_PADDING), 1);
		assert_int_equal(EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey, salt_bytes), 1);
	}
	assert_int_equal(EVP_DigestSign(ctx, out, &len, (const uint8_t *)text.ptr, text.len), 1);
	EVP_MD_CTX_free(ctx);
	return (struct str){ (const char *)out, len };
}

/* r and s side by side, `half` bytes each. */
static inline struct str signer_raw(struct arena *a, struct str der, int half)
{
	const uint8_t *in = (const uint8_t *)der.ptr;
	ECDSA_SIG     *signature = d2i_ECDSA_SIG(NULL, &in, (long)der.len);
	uint8_t       *out = arena_alloc(a, (size_t)half * 2);

	assert_non_null(signature);
	BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, half);
	BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + half, half);
	ECDSA_SIG_free(signature);
	return (struct str){ (const char *)out, (size_t)half * 2 };
}

static inline struct str signer_signature(struct arena *a, EVP_PKEY *key,
    enum jws_algorithm algorithm, struct str text)
{
	struct str signature = signer_openssl(a, key, algorithm, RSA_PSS_SALTLEN_DIGEST, text);

	return EVP_PKEY_is_a(key, "EC") ?
	    signer_raw(a, signature, (EVP_PKEY_get_bits(key) + 7) / 8) : signature;
}

/* header "." payload, both encoded. */
static inline struct str signer_text(struct arena *a, const char *header, const char *payload)
{
	return arena_printf(a, "%s.%s", arena_cstr(a, crypto_base64url(a, str_of(header))),
	    arena_cstr(a, crypto_base64url(a, str_of(payload))));
}

static inline struct str signer_join(struct arena *a, struct str text, struct str signature)
{
	struct str encoded = crypto_base64url(a, signature);

	return arena_printf(a, "%.*s.%.*s", STR_ARG(text), STR_ARG(encoded));
}

static inline struct str signer_token(struct arena *a, EVP_PKEY *key,
    enum jws_algorithm algorithm, const char *header, const char *payload)
{
	struct str text = signer_text(a, header, payload);

	return signer_join(a, text, signer_signature(a, key, algorithm, text));
}

/* The JWK parsed; the test fails when it will not do. */
static inline struct jwk signer_parse(struct arena *a, struct str text)
{
	const struct json *json;
	struct json_error  error;
	const char        *reason = "";
	struct jwk         key;

	assert_int_equal(json_parse(a, text, 4, &json, &error), OK);
	if (jwk_parse(a, json, &key, &reason) != OK)
		fail_msg("%.*s: %s", STR_ARG(text), reason);
	return key;
}

#endif
