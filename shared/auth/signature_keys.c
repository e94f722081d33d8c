#include "auth/signature_keys.h"

#include "base/crypto.h"

enum err signature_nonce_use(struct store_connection *c, struct arena *a, struct str keyid,
    struct str nonce, int64_t now_ms, int64_t expires_ms)
{
	uint8_t             digest[SHA256_BYTES];
	char                hex[2 * SHA256_BYTES + 1];
	struct store_result result;

	crypto_sha256(nonce, digest);
	crypto_hex(digest, sizeof(digest), hex);
	/* Durable: a loss of power must not make an old request new. */
	const struct store_op op = {
		.verb = STORE_PUT, .condition = STORE_ABSENT,
		.item = {
			.pk = arena_printf(a, "nonce#%.*s", STR_ARG(keyid)),
			.sk = arena_dup(a, str_of(hex)),
			.body = STR("{}"), .expires_ms = expires_ms,
		},
	};
	return store_write(c, &op, 1, STORE_DURABLE, now_ms, &result);
}
