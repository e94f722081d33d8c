#include "auth/jws.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/crypto.h"
#include "base/limits.h"

#define HEADER_DEPTH_MAX 4      /* ours are flat; unknown members may nest a little */

enum signature_form { FORM_PKCS1, FORM_PSS, FORM_ECDSA, FORM_EDDSA };
enum digest { DIGEST_NONE, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512, DIGEST_COUNT };

static const struct {
	enum signature_form form;
	enum digest         digest;
} algorithms[] = {
	[JWS_UNKNOWN] = { FORM_PKCS1, DIGEST_NONE },
	[JWS_RS256]   = { FORM_PKCS1, DIGEST_SHA256 },
	[JWS_RS384]   = { FORM_PKCS1, DIGEST_SHA384 },
	[JWS_RS512]   = { FORM_PKCS1, DIGEST_SHA512 },
	[JWS_PS256]   = { FORM_PSS,   DIGEST_SHA256 },
	[JWS_ES256]   = { FORM_ECDSA, DIGEST_SHA256 },
	[JWS_ES384]   = { FORM_ECDSA, DIGEST_SHA384 },
	[JWS_EDDSA]   = { FORM_EDDSA, DIGEST_NONE },
	[JWS_PS512]   = { FORM_PSS,   DIGEST_SHA512 },
};
static_assert(COUNT(algorithms) == JWS_ALGORITHM_COUNT, "every algorithm has its row");

/* Headers that carry a key or where to fetch one, or change what is signed; and
 * "crit", which names extensions that must be understood: none is. */
static const char *const refused_headers[] = { "crit", "jku", "jwk", "x5u", "x5c", "b64" };

/* Fetched once a process and kept until it ends: a lookup by name costs as much
 * as hashing a token. */
static const EVP_MD *digests[DIGEST_COUNT];

static void fetch_digests(void)
{
	digests[DIGEST_SHA256] = EVP_MD_fetch(NULL, "SHA256", NULL);
	digests[DIGEST_SHA384] = EVP_MD_fetch(NULL, "SHA384", NULL);
	digests[DIGEST_SHA512] = EVP_MD_fetch(NULL, "SHA512", NULL);
	if (digests[DIGEST_SHA256] == NULL || digests[DIGEST_SHA384] == NULL ||
	    digests[DIGEST_SHA512] == NULL)
		abort();                /* an OpenSSL without SHA-2 */
}

static enum err refuse(const char *why, const char **reason)
{
	*reason = why;
	return ERR_INVALID;
}

/* The three parts between exactly two dots, none of them empty. */
static bool split(struct str token, struct str part[3])
{
	struct str rest = token;

	for (int i = 0; i < 3; i++) {
		part[i] = str_cut(&rest, '.');
		if (part[i].len == 0)
			return false;
	}
	return rest.ptr == NULL;
}

static bool has_refused_header(const struct json *header)
{
	for (size_t i = 0; i < COUNT(refused_headers); i++)
		if (json_get(header, str_of(refused_headers[i])) != NULL)
			return true;
	return false;
}

/* A member that is a string, or absent. */
static bool optional_string(const struct json *header, struct str name, struct str *out)
{
	const struct json *v = json_get(header, name);

	*out = json_string(v);
	return v == NULL || json_type(v) == JSON_STRING;
}

static enum err read_header(struct arena *a, struct str encoded, struct jws *out,
    const char **reason)
{
	const struct json *header;
	struct json_error  error;
	struct str         text;

	if (encoded.len > JWS_HEADER_MAX_BYTES)
		return refuse("header_too_long", reason);
	if (crypto_base64url_decode(a, encoded, &text) != OK)
		return refuse("bad_base64", reason);
	if (json_parse(a, text, HEADER_DEPTH_MAX, &header, &error) != OK ||
	    json_type(header) != JSON_OBJECT)
		return refuse("bad_header", reason);
	out->algorithm = jws_algorithm_from_name(json_get_string(header, "alg"));
	if (out->algorithm == JWS_UNKNOWN || out->algorithm == JWS_PS512)
		return refuse("bad_algorithm", reason);
	if (has_refused_header(header))
		return refuse("refused_header", reason);
	if (!optional_string(header, STR("kid"), &out->kid) || out->kid.len > JWK_KID_MAX_BYTES ||
	    !optional_string(header, STR("typ"), &out->type))
		return refuse("bad_header", reason);
	return OK;
}

enum err jws_parse(struct arena *a, struct str token, struct jws *out, const char **reason)
{
	struct str part[3];
	enum err   e;

	if (token.len > TOKEN_MAX_BYTES)
		return refuse("too_long", reason);
	if (!split(token, part))
		return refuse("not_a_token", reason);
	e = read_header(a, part[0], out, reason);
	if (e != OK)
		return e;
	if (crypto_base64url_decode(a, part[1], &out->payload) != OK ||
	    crypto_base64url_decode(a, part[2], &out->signature) != OK)
		return refuse("bad_base64", reason);
	out->signed_text = str_first(token, part[0].len + 1 + part[1].len);
	return OK;
}

bool jws_fits(const struct jws *t, const struct jwk *k)
{
	return t->algorithm != JWS_UNKNOWN && (k->algorithms & JWS_BIT(t->algorithm)) != 0 &&
	    t->signature.len == k->signature_bytes;
}

/* r and s as RFC 7518 (3.4) has them, in the DER that OpenSSL takes.  Its length,
 * or -1.  Whether they are in range is OpenSSL's to say. */
static int ecdsa_der(struct str raw, uint8_t **der)
{
	const uint8_t *bytes = (const uint8_t *)raw.ptr;
	int            half = (int)(raw.len / 2), len = -1;
	ECDSA_SIG     *signature = ECDSA_SIG_new();
	BIGNUM        *r = BN_bin2bn(bytes, half, NULL);
	BIGNUM        *s = BN_bin2bn(bytes + half, half, NULL);

	if (signature != NULL && r != NULL && s != NULL &&
	    ECDSA_SIG_set0(signature, r, s) == 1) {
		r = s = NULL;           /* the signature's now */
		len = i2d_ECDSA_SIG(signature, der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(signature);
	return len;
}

/* Sets the context up for the algorithm; PSS salts are as long as the digest
 * (RFC 7518, 3.5). */
static bool start(EVP_MD_CTX *ctx, enum jws_algorithm algorithm, EVP_PKEY *key)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	EVP_PKEY_CTX         *pkey = NULL;

	if (pthread_once(&once, fetch_digests) != 0 ||
	    EVP_DigestVerifyInit(ctx, &pkey, digests[algorithms[algorithm].digest], NULL, key) != 1)
		return false;
	return algorithms[algorithm].form != FORM_PSS ||
	    (EVP_PKEY_CTX_set_rsa_padding(pkey, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(pkey, RSA_PSS_SALTLEN_DIGEST) == 1);
}

enum err jws_verify(const struct jws *t, const struct jwk *k)
{
	EVP_MD_CTX    *ctx;
	const uint8_t *signature = (const uint8_t *)t->signature.ptr;
	uint8_t       *der = NULL;
	int            len = (int)t->signature.len;
	bool           good = false;

	if (!jws_fits(t, k))
		return ERR_UNAUTHENTICATED;
	if (algorithms[t->algorithm].form == FORM_ECDSA) {
		len = ecdsa_der(t->signature, &der);
		signature = der;
	}
	ctx = EVP_MD_CTX_new();
	if (len > 0 && ctx != NULL && start(ctx, t->algorithm, k->key))
		good = EVP_DigestVerify(ctx, signature, (size_t)len,
		    (const uint8_t *)t->signed_text.ptr, t->signed_text.len) == 1;
	EVP_MD_CTX_free(ctx);
	OPENSSL_free(der);
	if (!good)
		ERR_clear_error();
	return good ? OK : ERR_UNAUTHENTICATED;
}
