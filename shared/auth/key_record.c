#include "auth/key_record.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "auth/jwk.h"
#include "base/buf.h"
#include "base/json.h"

#define BODY_MAX_BYTES  16384   /* a 2048-bit key's comes to some 3 KB */
#define BODY_DEPTH_MAX  4

/* The seal names its place: a sealed key cannot be passed off as another. */
static struct str seal_context(struct arena *a, struct str kid)
{
	return arena_printf(a, "signing-key:%.*s", STR_ARG(kid));
}

static enum err put_bignum(struct json_writer *w, struct arena *a, EVP_PKEY *key,
    const char *parameter, const char *name)
{
	uint8_t bytes[JWK_RSA_MAX_BITS / 8];
	BIGNUM *n = NULL;
	int     len;

	if (EVP_PKEY_get_bn_param(key, parameter, &n) != 1)
		return ERR_INTERNAL;
	len = BN_num_bytes(n) <= (int)sizeof(bytes) ? BN_bn2bin(n, bytes) : 0;
	BN_free(n);
	json_member_string(w, name, crypto_base64url(a,
	    (struct str){ (const char *)bytes, (size_t)len }));
	return len > 0 ? OK : ERR_INTERNAL;
}

/* The public part; without a kid when that is absent. */
static enum err public_jwk(struct arena *a, EVP_PKEY *key, struct str kid, struct str *out)
{
	struct json_writer w;
	struct buf         text;
	enum err           e;

	buf_init(&text, a, BODY_MAX_BYTES);
	json_begin(&w, &text);
	json_object_open(&w);
	json_member_string(&w, "kty", STR("RSA"));
	json_member_string(&w, "use", STR("sig"));
	json_member_string(&w, "alg", STR("RS256"));
	if (kid.ptr != NULL)
		json_member_string(&w, "kid", kid);
	e = put_bignum(&w, a, key, OSSL_PKEY_PARAM_RSA_N, "n");
	if (e == OK)
		e = put_bignum(&w, a, key, OSSL_PKEY_PARAM_RSA_E, "e");
	json_object_close(&w);
	if (e == OK && buf_failed(&text))
		e = ERR_INTERNAL;
	*out = buf_str(&text);
	return e;
}

static enum err thumbprint_of(struct arena *a, EVP_PKEY *key, struct str *kid)
{
	const struct json *json;
	struct json_error  error;
	struct str         text;
	enum err           e = public_jwk(a, key, STR_NONE, &text);

	if (e == OK)
		e = json_parse(a, text, BODY_DEPTH_MAX, &json, &error);
	return e == OK ? jwk_thumbprint(a, json, kid) : e;
}

/* The private key as PEM, sealed, in base64.  The BIO wipes what it held. */
static enum err sealed_pem(struct arena *a, EVP_PKEY *key, const uint8_t *seal, struct str kid,
    struct str *out)
{
	BIO  *bio = BIO_new(BIO_s_mem());
	char *pem;
	long  len;
	enum err e = ERR_INTERNAL;

	if (bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
		len = BIO_get_mem_data(bio, &pem);
		*out = crypto_base64(a, crypto_seal(a, seal,
		    (struct str){ pem, len > 0 ? (size_t)len : 0 }, seal_context(a, kid)));
		e = len > 0 ? OK : ERR_INTERNAL;
	}
	BIO_free(bio);
	return e;
}

static enum err record_of(struct arena *a, EVP_PKEY *key, const uint8_t *seal, int64_t now_ms,
    struct key_record *out)
{
	struct json_writer w;
	struct buf         body;
	struct str         jwk, sealed;
	enum err           e = thumbprint_of(a, key, &out->kid);

	if (e == OK)
		e = public_jwk(a, key, out->kid, &jwk);
	if (e == OK)
		e = sealed_pem(a, key, seal, out->kid, &sealed);
	if (e != OK)
		return e;
	buf_init(&body, a, BODY_MAX_BYTES);
	json_begin(&w, &body);
	json_object_open(&w);
	json_name(&w, "jwk");
	json_put_raw(&w, jwk);
	json_member_string(&w, "private", sealed);
	json_member_int(&w, "created_at", now_ms);
	json_object_close(&w);
	out->body = buf_str(&body);
	return buf_failed(&body) ? ERR_INTERNAL : OK;
}

enum err key_record_new(struct arena *a, const uint8_t seal[SECRET_BYTES], int64_t now_ms,
    struct key_record *out)
{
	EVP_PKEY         *key = EVP_RSA_gen(KEY_RSA_BITS);
	struct key_record fresh = { 0 };
	enum err          e = ERR_INTERNAL;

	if (key != NULL)
		e = record_of(a, key, seal, now_ms, &fresh);
	EVP_PKEY_free(key);
	if (e == OK)
		*out = fresh;
	else
		ERR_clear_error();
	return e;
}

enum err key_record_private(struct arena *a, const uint8_t seal[SECRET_BYTES], struct str kid,
    struct str body, char **pem, size_t *len)
{
	const struct json *json;
	struct json_error  error;
	struct str         sealed, plain;
	char              *copy;

	if (json_parse(a, body, BODY_DEPTH_MAX, &json, &error) != OK ||
	    crypto_base64_decode(a, json_get_string(json, "private"), &sealed) != OK ||
	    crypto_open(a, seal, sealed, seal_context(a, kid), &plain) != OK)
		return ERR_CORRUPT;
	copy = malloc(plain.len + 1);
	if (copy == NULL)
		abort();
	memcpy(copy, plain.ptr, plain.len);
	copy[plain.len] = '\0';
	crypto_wipe((void *)(uintptr_t)plain.ptr, plain.len);
	*pem = copy;
	*len = plain.len;
	return OK;
}
