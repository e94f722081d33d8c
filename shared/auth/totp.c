#include "auth/totp.h"

#include <stdio.h>

#include "base/buf.h"
#include "base/crypto.h"

#define CODES_MODULUS   1000000         /* 10 to the TOTP_DIGITS */
#define URI_MAX_BYTES   4096

void totp_code(const uint8_t secret[TOTP_SECRET_BYTES], int64_t step, char out[TOTP_DIGITS + 1])
{
	uint8_t  message[8], mac[SHA1_BYTES];
	uint32_t truncated, at;

	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
	crypto_hmac_sha1(secret, TOTP_SECRET_BYTES,
	    (struct str){ (const char *)message, sizeof(message) }, mac);
	at = mac[SHA1_BYTES - 1] & 0xF;
	truncated = (uint32_t)(mac[at] & 0x7F) << 24 | (uint32_t)mac[at + 1] << 16 |
	    (uint32_t)mac[at + 2] << 8 | mac[at + 3];
	(void)snprintf(out, TOTP_DIGITS + 1, "%0*u", TOTP_DIGITS, truncated % CODES_MODULUS);
	crypto_wipe(mac, sizeof(mac));
}

bool totp_is_code(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] < '0' || text.ptr[i] > '9')
			return false;
	return text.len == TOTP_DIGITS;
}

bool totp_check(const uint8_t secret[TOTP_SECRET_BYTES], struct str code, int64_t now_ms,
    int64_t last_step, int64_t *step)
{
	int64_t now = now_ms / 1000 / TOTP_STEP_S;
	bool    good = false;
	char    expected[TOTP_DIGITS + 1];

	/* No code can have been good so early: the clock was set back, and nobody is to
	 * wait until it is that late again. */
	if (last_step > now + TOTP_STEPS_AROUND)
		last_step = now - TOTP_STEPS_AROUND - 1;
	for (int64_t s = now - TOTP_STEPS_AROUND; s <= now + TOTP_STEPS_AROUND; s++) {
		totp_code(secret, s, expected);
		if (crypto_equal(str_of(expected), code) && s > last_step) {
			*step = s;
			good = true;
		}
	}
	crypto_wipe(expected, sizeof(expected));
	return good;
}

struct str totp_base32(struct arena *a, const uint8_t secret[TOTP_SECRET_BYTES])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	char              text[TOTP_SECRET_BYTES * 8 / 5];
	struct str        copy;

	for (size_t i = 0; i < sizeof(text); i++) {
		size_t   bit = 5 * i;
		unsigned pair = (unsigned)secret[bit / 8] << 8 |
		    (bit / 8 + 1 < TOTP_SECRET_BYTES ? secret[bit / 8 + 1] : 0);

		text[i] = letters[pair >> (11 - bit % 8) & 31];
	}
	copy = arena_dup(a, (struct str){ text, sizeof(text) });
	crypto_wipe(text, sizeof(text));
	return copy;
}

/* All but RFC 3986's unreserved characters. */
static void put_escaped(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		    c == '-' || c == '.' || c == '_' || c == '~')
			buf_char(out, (char)c);
		else
			buf_printf(out, "%%%02X", c);
	}
}

struct str totp_uri(struct arena *a, struct str issuer, struct str account, struct str base32)
{
	struct buf uri;

	buf_init(&uri, a, URI_MAX_BYTES);
	BUF_LIT(&uri, "otpauth://totp/");
	put_escaped(&uri, issuer);
	BUF_LIT(&uri, ":");
	put_escaped(&uri, account);
	BUF_LIT(&uri, "?secret=");
	buf_add(&uri, base32);
	BUF_LIT(&uri, "&issuer=");
	put_escaped(&uri, issuer);
	buf_printf(&uri, "&algorithm=SHA1&digits=%d&period=%d", TOTP_DIGITS, TOTP_STEP_S);
	return buf_str(&uri);
}
