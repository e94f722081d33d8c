#include "http/cursor.h"

#include "base/buf.h"
#include "base/limits.h"

#define MAC_BYTES 16    /* 128 bits: nobody guesses one in 2^64 tries */

static void mac_of(struct arena *a, const uint8_t *key, struct str context, struct str position,
    uint8_t mac[SHA256_BYTES])
{
	/* The length in front keeps (ab, c) apart from (a, bc). */
	struct str signed_text = arena_printf(a, "%zu:%.*s%.*s", context.len, STR_ARG(context),
	    STR_ARG(position));

	crypto_hmac_sha256(key, SECRET_BYTES, signed_text, mac);
}

struct str cursor_make(struct arena *a, const uint8_t key[SECRET_BYTES], struct str context,
    struct str position)
{
	uint8_t mac[SHA256_BYTES];
	struct buf plain;

	mac_of(a, key, context, position, mac);
	buf_init(&plain, a, CURSOR_MAX_BYTES);
	buf_add(&plain, position);
	buf_bytes(&plain, mac, MAC_BYTES);
	return crypto_base64url(a, buf_str(&plain));
}

enum err cursor_open(struct arena *a, const uint8_t key[SECRET_BYTES], struct str context,
    struct str cursor, struct str *position)
{
	uint8_t mac[SHA256_BYTES];
	struct str plain;

	if (cursor.len > CURSOR_MAX_BYTES || crypto_base64url_decode(a, cursor, &plain) != OK ||
	    plain.len <= MAC_BYTES)
		return ERR_INVALID;
	struct str inside = str_first(plain, plain.len - MAC_BYTES);
	/* A NUL would end the text that is signed below, not the position. */
	if (memchr(inside.ptr, '\0', inside.len) != NULL)
		return ERR_INVALID;
	mac_of(a, key, context, inside, mac);
	if (!crypto_equal(str_from(plain, inside.len), (struct str){ (const char *)mac, MAC_BYTES }))
		return ERR_INVALID;
	*position = inside;
	return OK;
}
