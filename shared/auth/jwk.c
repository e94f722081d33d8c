#include "auth/jwk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/buf.h"
#include "base/crypto.h"

#define RSA_EXPONENT_MAX_BYTES  4       /* 65537 everywhere; a huge one makes verifying slow, */
#define RSA_EXPONENT_MIN        65537   /* and small ones have a history (FIPS 186-5, 5.4) */
#define COORDINATE_MAX_BYTES    48
#define THUMBPRINT_MAX_BYTES    4096    /* the JSON that is hashed */

static const char *const algorithm_names[] = {
	[JWS_UNKNOWN] = "",
	[JWS_RS256]   = "RS256",
	[JWS_RS384]   = "RS384",
	[JWS_RS512]   = "RS512",
	[JWS_PS256]   = "PS256",
	[JWS_ES256]   = "ES256",
	[JWS_ES384]   = "ES384",
	[JWS_EDDSA]   = "EdDSA",
	[JWS_PS512]   = "PS512",
};
static_assert(COUNT(algorithm_names) == JWS_ALGORITHM_COUNT, "every algorithm has its name");

struct kind;
typedef enum err key_builder(struct arena *, const struct json *, const struct kind *,
    struct jwk *, const char **reason);
static key_builder build_rsa, build_ec, build_ed25519;

/* A kind of key: how it is told, what it verifies, how it is built. */
static const struct kind {
	const char  *kty, *crv;         /* crv NULL: the kind has none */
	uint32_t     algorithms;
	const char  *group;             /* OpenSSL's name of the curve */
	size_t       coordinate_bytes;
	key_builder *build;
	const char  *members[5];        /* of the thumbprint, in their order (RFC 7638, 3.2) */
} kinds[] = {
	{ "RSA", NULL, JWS_BIT(JWS_RS256) | JWS_BIT(JWS_RS384) | JWS_BIT(JWS_RS512) |
	  JWS_BIT(JWS_PS256) | JWS_BIT(JWS_PS512), NULL, 0, build_rsa, { "e", "kty", "n" } },
	{ "EC", "P-256", JWS_BIT(JWS_ES256), "prime256v1", 32, build_ec,
	  { "crv", "kty", "x", "y" } },
	{ "EC", "P-384", JWS_BIT(JWS_ES384), "secp384r1", 48, build_ec,
	  { "crv", "kty", "x", "y" } },
	{ "OKP", "Ed25519", JWS_BIT(JWS_EDDSA), NULL, 32, build_ed25519,
	  { "crv", "kty", "x" } },
};

/* Members that only a private or a shared key has. */
static const char *const private_members[] = { "d", "p", "q", "dp", "dq", "qi", "oth", "k" };

const char *jws_algorithm_name(enum jws_algorithm algorithm)
{
	return (unsigned)algorithm < JWS_ALGORITHM_COUNT ? algorithm_names[algorithm] : "";
}

enum jws_algorithm jws_algorithm_from_name(struct str name)
{
	for (int i = JWS_UNKNOWN + 1; i < JWS_ALGORITHM_COUNT; i++)
		if (str_eq(name, str_of(algorithm_names[i])))
			return (enum jws_algorithm)i;
	return JWS_UNKNOWN;
}

/* Leaves nothing in this thread's queue for the next caller of OpenSSL to find. */
static enum err refuse(enum err e, const char *why, const char **reason)
{
	ERR_clear_error();
	*reason = why;
	return e;
}

/* A member that is base64url of exactly `len` bytes; 0: of any length. */
static bool read_bytes(struct arena *a, const struct json *json, const char *name, size_t len,
    struct str *out)
{
	struct str text = json_get_string(json, name);

	return text.len > 0 && crypto_base64url_decode(a, text, out) == OK && out->len > 0 &&
	    (len == 0 || out->len == len);
}

/* The key of `type` ("RSA", "EC") with these parameters, or NULL. */
static EVP_PKEY *key_of(const char *type, OSSL_PARAM_BLD *builder)
{
	OSSL_PARAM   *parameters = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY     *key = NULL;

	if (parameters != NULL && ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(parameters);
	return key;
}

/* Whether `x` is a power of 65537 modulo the prime `p`. */
static bool is_power(BN_ULONG x, BN_ULONG p)
{
	BN_ULONG power = 1;

	do {
		if (power == x)
			return true;
		power = power * 65537 % p;
	} while (power != 1);
	return false;
}

/* Whether the modulus has the mark of the generator whose primes are all 65537^a
 * modulo a product of small primes (ROCA, CVE-2017-15361): such keys are factored.
 * One modulus in 10^8 or so has it by chance. */
static bool is_roca(const BIGNUM *n)
{
	static const uint8_t primes[] = {
		3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83,
		89, 97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
	};

	for (size_t i = 0; i < COUNT(primes); i++)
		if (!is_power(BN_mod_word(n, primes[i]), primes[i]))
			return false;
	return true;
}

static EVP_PKEY *rsa_key(struct str modulus, struct str exponent)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	BIGNUM         *n = BN_bin2bn((const uint8_t *)modulus.ptr, (int)modulus.len, NULL);
	BIGNUM         *e = BN_bin2bn((const uint8_t *)exponent.ptr, (int)exponent.len, NULL);
	EVP_PKEY       *key = NULL;

	if (builder != NULL && n != NULL && e != NULL && BN_is_odd(n) && BN_is_odd(e) &&
	    BN_get_word(e) >= RSA_EXPONENT_MIN && !is_roca(n) && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
	    OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		key = key_of("RSA", builder);
	BN_free(e);
	BN_free(n);
	OSSL_PARAM_BLD_free(builder);
	return key;
}

static enum err build_rsa(struct arena *a, const struct json *json, const struct kind *kind,
    struct jwk *out, const char **reason)
{
	struct str n, e;

	(void)kind;
	if (!read_bytes(a, json, "n", 0, &n) || !read_bytes(a, json, "e", 0, &e))
		return refuse(ERR_INVALID, "n or e is no base64url", reason);
	if (n.ptr[0] == '\0' || e.ptr[0] == '\0')       /* RFC 7518, 2: Base64urlUInt */
		return refuse(ERR_INVALID, "n or e has leading zeros", reason);
	if (n.len > JWK_RSA_MAX_BITS / 8 || e.len > RSA_EXPONENT_MAX_BYTES)
		return refuse(ERR_INVALID, "n or e is too large", reason);
	if (n.len < JWK_RSA_MIN_BITS / 8)
		return refuse(ERR_INVALID, "RSA of less than 2048 bits", reason);
	out->key = rsa_key(n, e);
	if (out->key == NULL)
		return refuse(ERR_INVALID, "not an RSA key, or a weak one", reason);
	if (EVP_PKEY_get_bits(out->key) < JWK_RSA_MIN_BITS)
		return refuse(ERR_INVALID, "RSA of less than 2048 bits", reason);
	out->signature_bytes = n.len;
	return OK;
}

static EVP_PKEY *ec_key(const char *group, const uint8_t *point, size_t len)
{
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY       *key = NULL;

	if (builder != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1 &&
	    OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, len) == 1)
		key = key_of("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	return key;
}

/* Whether the point is on its curve, and not at infinity. */
static bool is_on_curve(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
	bool          valid = ctx != NULL && EVP_PKEY_public_check(ctx) == 1;

	EVP_PKEY_CTX_free(ctx);
	return valid;
}

static enum err build_ec(struct arena *a, const struct json *json, const struct kind *kind,
    struct jwk *out, const char **reason)
{
	uint8_t    point[1 + 2 * COORDINATE_MAX_BYTES] = { POINT_CONVERSION_UNCOMPRESSED };
	size_t     len = kind->coordinate_bytes;
	struct str x, y;

	if (!read_bytes(a, json, "x", len, &x) || !read_bytes(a, json, "y", len, &y))
		return refuse(ERR_INVALID, "x or y is no coordinate of this curve", reason);
	memcpy(point + 1, x.ptr, len);
	memcpy(point + 1 + len, y.ptr, len);
	out->key = ec_key(kind->group, point, 1 + 2 * len);
	if (out->key == NULL || !is_on_curve(out->key))
		return refuse(ERR_INVALID, "not a point of the curve", reason);
	out->signature_bytes = 2 * len;
	return OK;
}

static enum err build_ed25519(struct arena *a, const struct json *json, const struct kind *kind,
    struct jwk *out, const char **reason)
{
	struct str x;

	if (!read_bytes(a, json, "x", kind->coordinate_bytes, &x))
		return refuse(ERR_INVALID, "x is no Ed25519 key", reason);
	out->key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const uint8_t *)x.ptr,
	    x.len);
	if (out->key == NULL)
		return refuse(ERR_INVALID, "x is no Ed25519 key", reason);
	out->signature_bytes = 2 * kind->coordinate_bytes;
	return OK;
}

static const struct kind *kind_of(const struct json *json)
{
	struct str kty = json_get_string(json, "kty"), crv = json_get_string(json, "crv");

	for (size_t i = 0; i < COUNT(kinds); i++)
		if (str_eq(kty, str_of(kinds[i].kty)) &&
		    (kinds[i].crv == NULL || str_eq(crv, str_of(kinds[i].crv))))
			return &kinds[i];
	return NULL;
}

/* "key_ops" (RFC 7517, 4.3), when there, must name verifying. */
static bool may_verify(const struct json *json)
{
	const struct json *use = json_get(json, STR("use"));
	const struct json *operations = json_get(json, STR("key_ops"));

	if (use != NULL && !str_eq(json_string(use), STR("sig")))
		return false;
	for (size_t i = 0; i < json_length(operations); i++)
		if (str_eq(json_string(json_at(operations, i)), STR("verify")))
			return true;
	return operations == NULL;
}

/* The key's own "alg" narrows what its kind could do to that one. */
static uint32_t algorithms_of(const struct json *json, const struct kind *kind)
{
	const struct json *alg = json_get(json, STR("alg"));

	if (alg == NULL)
		return kind->algorithms;
	return kind->algorithms & JWS_BIT(jws_algorithm_from_name(json_string(alg)));
}

static bool has_private_part(const struct json *json)
{
	for (size_t i = 0; i < COUNT(private_members); i++)
		if (json_get(json, str_of(private_members[i])) != NULL)
			return true;
	return false;
}

/* What can be said before any arithmetic. */
static enum err check_members(const struct json *json, const struct kind **kind, struct jwk *out,
    const char **reason)
{
	const struct json *kid = json_get(json, STR("kid"));
	struct str         id = json_string(kid);

	if (json_type(json) != JSON_OBJECT)
		return refuse(ERR_INVALID, "not an object", reason);
	if (has_private_part(json))
		return refuse(ERR_INVALID, "holds a private or shared key", reason);
	*kind = kind_of(json);
	if (*kind == NULL)
		return refuse(ERR_UNSUPPORTED, "this kty or crv is not used here", reason);
	if (!may_verify(json))
		return refuse(ERR_UNSUPPORTED, "not for verifying signatures", reason);
	out->algorithms = algorithms_of(json, *kind);
	if (out->algorithms == 0)
		return refuse(ERR_UNSUPPORTED, "its alg is not used here", reason);
	if (kid != NULL && (id.len == 0 || id.len > JWK_KID_MAX_BYTES || str_has_control(id)))
		return refuse(ERR_INVALID, "kid is empty, too long or no text", reason);
	if (id.len > 0)
		memcpy(out->kid, id.ptr, id.len);
	return OK;
}

enum err jwk_parse(struct arena *a, const struct json *json, struct jwk *out,
    const char **reason)
{
	const struct kind *kind;
	struct jwk         fresh = { 0 };
	enum err           e = check_members(json, &kind, &fresh, reason);

	if (e == OK)
		e = kind->build(a, json, kind, &fresh, reason);
	if (e != OK) {
		jwk_clean(&fresh);
		return e;
	}
	*out = fresh;
	return OK;
}

void jwk_clean(struct jwk *k)
{
	EVP_PKEY_free(k->key);
	*k = (struct jwk){ 0 };
}

void jwk_share(const struct jwk *k, struct jwk *out)
{
	*out = *k;
	if (EVP_PKEY_up_ref(k->key) != 1)
		abort();                /* only a count: it cannot fail */
}

enum err jwk_thumbprint(struct arena *a, const struct json *json, struct str *out)
{
	const struct kind *kind = kind_of(json);
	struct json_writer w;
	struct buf         text;
	uint8_t            digest[SHA256_BYTES];

	if (kind == NULL)
		return ERR_UNSUPPORTED;
	buf_init(&text, a, THUMBPRINT_MAX_BYTES);
	json_begin(&w, &text);
	json_object_open(&w);
	for (const char *const *name = kind->members; *name != NULL; name++)
		json_member_string(&w, *name, json_get_string(json, *name));
	json_object_close(&w);
	if (buf_failed(&text))
		return ERR_INVALID;
	crypto_sha256(buf_str(&text), digest);
	*out = crypto_base64url(a, (struct str){ (const char *)digest, sizeof(digest) });
	return OK;
}
