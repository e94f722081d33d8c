/* The text forms of bytes that crypto.h declares. */
#include "base/crypto.h"

/* RFC 4648, tables 1 and 2, and what differs beside them. */
struct alphabet {
	char digits[64];
	bool padded;
};

static const struct alphabet base64 = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true
};
static const struct alphabet base64url = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", false
};

void crypto_hex(const void *bytes, size_t len, char *out)
{
	static const char    digits[] = "0123456789abcdef";
	const unsigned char *in = bytes;

	for (size_t i = 0; i < len; i++) {
		*out++ = digits[in[i] >> 4];
		*out++ = digits[in[i] & 15];
	}
	*out = '\0';
}

/* Up to three bytes at `in` as four digits (or fewer, and the padding). */
static char *encode_group(const struct alphabet *alphabet, const unsigned char *in, size_t count,
    char *out)
{
	uint32_t group = (uint32_t)in[0] << 16;

	if (count > 1)
		group |= (uint32_t)in[1] << 8;
	if (count > 2)
		group |= in[2];
	for (size_t i = 0; i < 4; i++) {
		if (i <= count)
			*out++ = alphabet->digits[group >> (18 - 6 * i) & 63];
		else if (alphabet->padded)
			*out++ = '=';
	}
	return out;
}

static struct str encode(const struct alphabet *alphabet, struct arena *a, struct str bytes)
{
	const unsigned char *in = (const unsigned char *)bytes.ptr;
	char                *text, *out;

	text = bytes.len > SIZE_MAX / 2 ? NULL : arena_try(a, bytes.len / 3 * 4 + 5);
	if (text == NULL)
		return STR_NONE;
	out = text;
	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		out = encode_group(alphabet, in + i, left < 3 ? left : 3, out);
	}
	*out = '\0';
	return (struct str){ text, (size_t)(out - text) };
}

struct str crypto_base64url(struct arena *a, struct str bytes)
{
	return encode(&base64url, a, bytes);
}

struct str crypto_base64(struct arena *a, struct str bytes)
{
	return encode(&base64, a, bytes);
}

void crypto_base64_add(struct buf *out, struct str bytes)
{
	char group[4];

	for (size_t i = 0; i < bytes.len; i += 3) {
		size_t left = bytes.len - i;
		char  *end = encode_group(&base64, (const unsigned char *)bytes.ptr + i,
		    left < 3 ? left : 3, group);
		buf_bytes(out, group, (size_t)(end - group));
	}
}

/* The value of a digit, or over 63. */
static uint32_t digit_value(const struct alphabet *alphabet, char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0' + 52);
	if (c == alphabet->digits[62])
		return 62;
	return c == alphabet->digits[63] ? 63 : 64;
}

/* Two to four digits at `in` as one to three bytes; false when one is no digit,
 * or when bits that no byte takes are set. */
static bool decode_group(const struct alphabet *alphabet, const char *in, size_t count, char *out)
{
	uint32_t group = 0;

	for (size_t i = 0; i < 4; i++) {
		uint32_t value = i < count ? digit_value(alphabet, in[i]) : 0;
		if (value > 63)
			return false;
		group = group << 6 | value;
	}
	for (size_t i = 0; i + 1 < count; i++)
		out[i] = (char)(group >> (16 - 8 * i) & 0xFF);
	return count == 4 || (group & (0xFFFFFFu >> (8 * (count - 1)))) == 0;
}

/* Without the padding that belongs there; false when that is not what is there. */
static bool strip_padding(const struct alphabet *alphabet, struct str *text)
{
	if (alphabet->padded) {
		if (text->len % 4 != 0)
			return false;
		for (int i = 0; i < 2 && str_ends(*text, STR("=")); i++)
			text->len--;
	}
	return text->len % 4 != 1;
}

static enum err decode(const struct alphabet *alphabet, struct arena *a, struct str text,
    struct str *bytes)
{
	char  *out;
	size_t len;

	if (!strip_padding(alphabet, &text))
		return ERR_INVALID;
	len = text.len / 4 * 3 + text.len % 4 * 3 / 4;
	out = arena_try(a, len + 1);
	if (out == NULL)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < text.len; i += 4) {
		size_t left = text.len - i;
		if (!decode_group(alphabet, text.ptr + i, left < 4 ? left : 4, out + i / 4 * 3))
			return ERR_INVALID;
	}
	out[len] = '\0';
	*bytes = (struct str){ out, len };
	return OK;
}

enum err crypto_base64url_decode(struct arena *a, struct str text, struct str *bytes)
{
	return decode(&base64url, a, text, bytes);
}

enum err crypto_base64_decode(struct arena *a, struct str text, struct str *bytes)
{
	return decode(&base64, a, text, bytes);
}
