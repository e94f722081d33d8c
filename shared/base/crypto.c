#include "base/crypto.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/id.h"

#define NONCE_BYTES     12      /* GCM's own size; drawn at random for each value */
#define TAG_BYTES       16

#define HMAC_BLOCK_BYTES 64     /* of SHA-256 */

/* Fetching an algorithm takes longer than a short digest: once a process.  They
 * live until it ends. */
static struct {
	EVP_MD     *sha256;
	EVP_CIPHER *aes256gcm;
} algorithms;

/* Only running out of memory, or an OpenSSL without SHA-2 and AES, comes here. */
static void must(bool worked)
{
	if (worked)
		return;
	fputs("crypto: OpenSSL failed\n", stderr);
	abort();
}

static void fetch_algorithms(void)
{
	algorithms.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	algorithms.aes256gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	must(algorithms.sha256 != NULL && algorithms.aes256gcm != NULL);
}

static void need_algorithms(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	must(pthread_once(&once, fetch_algorithms) == 0);
}

void crypto_sha256(struct str data, uint8_t out[SHA256_BYTES])
{
	need_algorithms();
	must(EVP_Digest(data.ptr, data.len, out, NULL, algorithms.sha256, NULL) == 1);
}

/* One of the two digests of RFC 2104: of the key under `pad`, then `data`. */
static void padded_digest(const uint8_t key[HMAC_BLOCK_BYTES], uint8_t pad, struct str data,
    uint8_t out[SHA256_BYTES])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t     block[HMAC_BLOCK_BYTES];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = key[i] ^ pad;
	must(ctx != NULL && EVP_DigestInit_ex2(ctx, algorithms.sha256, NULL) == 1 &&
	    EVP_DigestUpdate(ctx, block, sizeof(block)) == 1 &&
	    EVP_DigestUpdate(ctx, data.ptr, data.len) == 1 &&
	    EVP_DigestFinal_ex(ctx, out, NULL) == 1);
	EVP_MD_CTX_free(ctx);
	crypto_wipe(block, sizeof(block));
}

/* RFC 2104.  HMAC() of OpenSSL 3.0 looks its algorithms up for every message,
 * which takes five times as long as the digests. */
void crypto_hmac_sha256(const uint8_t *key, size_t key_len, struct str data,
    uint8_t out[SHA256_BYTES])
{
	uint8_t block[HMAC_BLOCK_BYTES] = { 0 };
	uint8_t inner[SHA256_BYTES];

	need_algorithms();
	if (key_len > sizeof(block))
		crypto_sha256((struct str){ (const char *)key, key_len }, block);
	else if (key_len > 0)
		memcpy(block, key, key_len);
	padded_digest(block, 0x36, data, inner);
	padded_digest(block, 0x5C, (struct str){ (const char *)inner, sizeof(inner) }, out);
	crypto_wipe(block, sizeof(block));
}

void crypto_sha1_hex(struct str data, char out[2 * SHA1_BYTES + 1])
{
	uint8_t digest[SHA1_BYTES];

	must(EVP_Digest(data.ptr, data.len, digest, NULL, EVP_sha1(), NULL) == 1);
	crypto_hex(digest, sizeof(digest), out);
}

void crypto_hmac_sha1(const uint8_t *key, size_t key_len, struct str data,
    uint8_t out[SHA1_BYTES])
{
	must(HMAC(EVP_sha1(), key, (int)key_len, (const unsigned char *)data.ptr, data.len, out,
	    NULL) != NULL);
}

bool crypto_equal(struct str a, struct str b)
{
	return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

void crypto_wipe(void *p, size_t len)
{
	OPENSSL_cleanse(p, len);
}

/* RFC 5869 for one block of output: extract without salt, then T(1). */
void crypto_derive(const uint8_t secret[SECRET_BYTES], const char *purpose,
    uint8_t out[SECRET_BYTES])
{
	static const uint8_t no_salt[SHA256_BYTES];
	uint8_t              prk[SHA256_BYTES];
	char                 info[256];
	size_t               len = strlen(purpose);

	must(len < sizeof(info));
	memcpy(info, purpose, len);
	info[len] = 1;
	crypto_hmac_sha256(no_salt, sizeof(no_salt),
	    (struct str){ (const char *)secret, SECRET_BYTES }, prk);
	crypto_hmac_sha256(prk, sizeof(prk), (struct str){ info, len + 1 }, out);
	crypto_wipe(prk, sizeof(prk));
}

/* One direction of AES-256-GCM, ready for text: keyed, and `context` read. */
static EVP_CIPHER_CTX *gcm_start(const uint8_t *key, const uint8_t *nonce, struct str context,
    int encrypt)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int             len;

	need_algorithms();
	must(ctx != NULL && context.len <= INT_MAX);
	must(EVP_CipherInit_ex2(ctx, algorithms.aes256gcm, key, nonce, encrypt, NULL) == 1);
	if (context.len > 0)
		must(EVP_CipherUpdate(ctx, NULL, &len, (const uint8_t *)context.ptr,
		    (int)context.len) == 1);
	return ctx;
}

struct str crypto_seal(struct arena *a, const uint8_t key[SECRET_BYTES], struct str plain,
    struct str context)
{
	EVP_CIPHER_CTX *ctx;
	uint8_t        *out;
	size_t          size = NONCE_BYTES + plain.len + TAG_BYTES;
	int             len = 0;

	out = plain.len > INT_MAX ? NULL : arena_try(a, size);
	if (out == NULL)
		return STR_NONE;
	id_random(out, NONCE_BYTES);
	ctx = gcm_start(key, out, context, 1);
	if (plain.len > 0)
		must(EVP_CipherUpdate(ctx, out + NONCE_BYTES, &len, (const uint8_t *)plain.ptr,
		    (int)plain.len) == 1);
	must(EVP_CipherFinal_ex(ctx, out + NONCE_BYTES + len, &len) == 1);
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES,
	    out + size - TAG_BYTES) == 1);
	EVP_CIPHER_CTX_free(ctx);
	return (struct str){ (const char *)out, size };
}

enum err crypto_open(struct arena *a, const uint8_t key[SECRET_BYTES], struct str sealed,
    struct str context, struct str *plain)
{
	EVP_CIPHER_CTX *ctx;
	const uint8_t  *in = (const uint8_t *)sealed.ptr;
	uint8_t         tag[TAG_BYTES];
	uint8_t        *out;
	size_t          size;
	int             len = 0;
	bool            intact;

	if (sealed.len < NONCE_BYTES + TAG_BYTES || sealed.len > INT_MAX)
		return ERR_CORRUPT;
	size = sealed.len - NONCE_BYTES - TAG_BYTES;
	out = arena_try(a, size + 1);
	if (out == NULL)
		return ERR_NO_MEMORY;
	memcpy(tag, in + sealed.len - TAG_BYTES, TAG_BYTES);
	ctx = gcm_start(key, in, context, 0);
	if (size > 0)
		must(EVP_CipherUpdate(ctx, out, &len, in + NONCE_BYTES, (int)size) == 1);
	must(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, tag) == 1);
	intact = EVP_CipherFinal_ex(ctx, out + len, &len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!intact) {
		crypto_wipe(out, size);         /* nobody sees what was not authentic */
		return ERR_CORRUPT;
	}
	out[size] = '\0';
	*plain = (struct str){ (const char *)out, size };
	return OK;
}
