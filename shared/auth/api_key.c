#include "auth/api_key.h"

#include <assert.h>

#define BASE            62
#define SECRET_RANDOM   32
#define SECRET_AT       (API_KEY_SHOWN_BYTES + 1)
#define CHECKSUM_AT     (SECRET_AT + API_KEY_SECRET_DIGITS)

static_assert(API_KEY_BYTES == 80, "as the README and scanners' patterns say");

typedef unsigned __int128 u128;

static const char digits[BASE + 1] =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* The digit's value, or BASE. */
static unsigned value_of(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A') + 10;
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 36;
	return BASE;
}

static void put_number(u128 n, char *out, size_t count)
{
	while (count-- > 0) {
		out[count] = digits[n % BASE];
		n /= BASE;
	}
}

/* False when it is more than `most`, or not all digits. */
static bool take_number(const char *text, size_t count, u128 most, u128 *out)
{
	u128 n = 0;

	for (size_t i = 0; i < count; i++) {
		unsigned digit = value_of(text[i]);

		if (digit == BASE || n > (most - digit) / BASE)
			return false;
		n = n * BASE + digit;
	}
	*out = n;
	return true;
}

/* Big-endian bytes of any length; they are zero afterwards. */
static void put_bytes(uint8_t *bytes, size_t len, char *out, size_t count)
{
	while (count-- > 0) {
		unsigned rest = 0;

		for (size_t i = 0; i < len; i++) {
			rest = rest << 8 | bytes[i];
			bytes[i] = (uint8_t)(rest / BASE);
			rest %= BASE;
		}
		out[count] = digits[rest];
	}
}

static bool is_all_digits(const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (value_of(text[i]) == BASE)
			return false;
	return true;
}

/* ISO 3309, reflected, four bits at a time. */
static uint32_t checksum(const char *text, size_t len)
{
	static const uint32_t table[16] = {
		0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
		0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C,
		0x9B64C2B0, 0x86D3D2D4, 0xA00AE278, 0xBDBDF21C,
	};
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= (uint8_t)text[i];
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return ~crc;
}

/* --- a UUID as a number --------------------------------------------------------- */

static void uuid_from(u128 n, char out[ID_UUID_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	size_t            at = 0;

	for (int shift = 124; shift >= 0; shift -= 4) {
		if (at == 8 || at == 13 || at == 18 || at == 23)
			out[at++] = '-';
		out[at++] = hex[(unsigned)(n >> shift) & 15];
	}
	out[at] = '\0';
}

static u128 uuid_number(struct str id)
{
	u128 n = 0;

	for (size_t i = 0; i < id.len; i++) {
		char c = id.ptr[i];

		if (c != '-')
			n = n << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return n;
}

/* --- keys ----------------------------------------------------------------------- */

bool api_key_is_meant(struct str text)
{
	return str_starts(text, STR(API_KEY_PREFIX));
}

bool api_key_parse(struct str text, char id[ID_UUID_SIZE], uint8_t digest[SHA256_BYTES])
{
	u128 number, sum;

	if (text.len != API_KEY_BYTES || !api_key_is_meant(text) ||
	    text.ptr[API_KEY_SHOWN_BYTES] != '_' ||
	    !is_all_digits(text.ptr + SECRET_AT, API_KEY_SECRET_DIGITS) ||
	    !take_number(text.ptr + CHECKSUM_AT, API_KEY_CHECKSUM_DIGITS, UINT32_MAX, &sum) ||
	    sum != checksum(text.ptr, CHECKSUM_AT) ||
	    !take_number(text.ptr + sizeof(API_KEY_PREFIX) - 1, API_KEY_ID_DIGITS, ~(u128)0,
	    &number))
		return false;
	uuid_from(number, id);
	crypto_sha256(text, digest);
	return true;
}

void api_key_shown(struct str id, char text[API_KEY_SHOWN_BYTES + 1])
{
	const size_t at = sizeof(API_KEY_PREFIX) - 1;

	memcpy(text, API_KEY_PREFIX, at);
	put_number(uuid_number(id), text + at, API_KEY_ID_DIGITS);
	text[API_KEY_SHOWN_BYTES] = '\0';
}

void api_key_generate(struct str id, char text[API_KEY_BYTES + 1], uint8_t digest[SHA256_BYTES])
{
	uint8_t random[SECRET_RANDOM];

	api_key_shown(id, text);
	text[API_KEY_SHOWN_BYTES] = '_';
	id_random(random, sizeof(random));
	put_bytes(random, sizeof(random), text + SECRET_AT, API_KEY_SECRET_DIGITS);
	crypto_wipe(random, sizeof(random));
	put_number(checksum(text, CHECKSUM_AT), text + CHECKSUM_AT, API_KEY_CHECKSUM_DIGITS);
	text[API_KEY_BYTES] = '\0';
	crypto_sha256((struct str){ text, API_KEY_BYTES }, digest);
}

bool api_key_digest_equal(const uint8_t a[SHA256_BYTES], const uint8_t b[SHA256_BYTES])
{
	return crypto_equal((struct str){ (const char *)a, SHA256_BYTES },
	    (struct str){ (const char *)b, SHA256_BYTES });
}
