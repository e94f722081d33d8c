#include "test.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/siphash.h"

static void assert_hex(const void *bytes, size_t len, const char *expected)
{
	char text[2 * 64 + 1];

	assert_true(len <= 64);
	crypto_hex(bytes, len, text);
	assert_string_equal(text, expected);
}

TEST(sha256_is_fips_180)
{
	uint8_t digest[SHA256_BYTES];

	(void)state;
	crypto_sha256(STR("abc"), digest);
	assert_hex(digest, sizeof(digest),
	    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	crypto_sha256(STR_NONE, digest);
	assert_hex(digest, sizeof(digest),
	    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 2202, 3: test cases 1, 2 and 6. */
TEST(hmac_sha1_is_rfc_2202)
{
	uint8_t mac[SHA1_BYTES], key[80];

	(void)state;
	memset(key, 0x0b, 20);
	crypto_hmac_sha1(key, 20, STR("Hi There"), mac);
	assert_hex(mac, sizeof(mac), "b617318655057264e28bc0b6fb378c8ef146be00");
	crypto_hmac_sha1((const uint8_t *)"Jefe", 4, STR("what do ya want for nothing?"), mac);
	assert_hex(mac, sizeof(mac), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
	memset(key, 0xaa, sizeof(key));
	crypto_hmac_sha1(key, sizeof(key),
	    STR("Test Using Larger Than Block-Size Key - Hash Key First"), mac);
	assert_hex(mac, sizeof(mac), "aa4ae5e15272d00e95705637ce8a3b55ed402112");
}

/* RFC 4231, test cases 1, 2 and 6; keys around a block; neither key nor message. */
TEST(hmac_is_rfc_4231)
{
	uint8_t mac[SHA256_BYTES], key[131];

	(void)state;
	memset(key, 0x0b, 20);
	crypto_hmac_sha256(key, 20, STR("Hi There"), mac);
	assert_hex(mac, sizeof(mac),
	    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	crypto_hmac_sha256((const uint8_t *)"Jefe", 4, STR("what do ya want for nothing?"), mac);
	assert_hex(mac, sizeof(mac),
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	crypto_hmac_sha256(key, sizeof(key),
	    STR("Test Using Larger Than Block-Size Key - Hash Key First"), mac);
	assert_hex(mac, sizeof(mac),
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	crypto_hmac_sha256(key, 64, STR("of one block"), mac);
	assert_hex(mac, sizeof(mac),
	    "ad7309b64f0ed4ef31f92d48f9321a637e0c3237e72a4aa1c309bb06fab56435");
	crypto_hmac_sha256(key, 65, STR("of one block and a byte"), mac);
	assert_hex(mac, sizeof(mac),
	    "635f97b2a05f9028c2e69a241de319a9a80485d6a789b4482a51e84af1041734");
	crypto_hmac_sha256(key, 0, STR_NONE, mac);
	assert_hex(mac, sizeof(mac),
	    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(equal_needs_the_same_length_and_bytes)
{
	(void)state;
	assert_true(crypto_equal(STR("secret"), STR("secret")));
	assert_false(crypto_equal(STR("secret"), STR("secreT")));
	assert_false(crypto_equal(STR("secret"), STR("secret ")));
	assert_true(crypto_equal(STR_NONE, STR("")));
}

TEST(wiping_leaves_zeros)
{
	char secret[16] = "hunter2";

	(void)state;
	crypto_wipe(secret, sizeof(secret));
	for (size_t i = 0; i < sizeof(secret); i++)
		assert_int_equal(secret[i], 0);
}

/* As `openssl kdf ... HKDF` and Python's cryptography give them. */
TEST(derived_keys_are_hkdf_and_differ_by_purpose)
{
	uint8_t secret[SECRET_BYTES], a[SECRET_BYTES], b[SECRET_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(secret); i++)
		secret[i] = (uint8_t)i;
	crypto_derive(secret, "cursor", a);
	crypto_derive(secret, "cookie", b);
	assert_hex(a, sizeof(a),
	    "9202600af550cd6812435a9dae11b2e67ad0a64b5bcbefd35c54af37071f5cd1");
	assert_memory_not_equal(a, b, sizeof(a));
	crypto_derive(secret, "", b);
	assert_hex(b, sizeof(b),
	    "37ad29109f43265287804b674e2653d0a513718907f97fca97c95bded8104bbf");
}

static const uint8_t key[SECRET_BYTES] = { 1, 2, 3 };

TEST(what_is_sealed_opens)
{
	static const struct str plains[] = {
		STR_INIT(""), STR_INIT("x"), STR_INIT("0123456789abcdef"), STR_INIT("a\0b"),
	};
	struct arena a;
	struct str   sealed, again, plain;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	for (size_t i = 0; i < COUNT(plains); i++) {
		sealed = crypto_seal(&a, key, plains[i], STR("place"));
		assert_int_equal(sealed.len, plains[i].len + 28);
		assert_int_equal(crypto_open(&a, key, sealed, STR("place"), &plain), OK);
		assert_str(plain, plains[i]);
		/* Each sealing has its own nonce. */
		again = crypto_seal(&a, key, plains[i], STR("place"));
		assert_false(str_eq(sealed, again));
	}
	sealed = crypto_seal(&a, key, STR_NONE, STR_NONE);
	assert_int_equal(crypto_open(&a, key, sealed, STR(""), &plain), OK);
	arena_clean(&a);
}

TEST(changed_bytes_do_not_open)
{
	struct arena a;
	struct str   sealed, plain = STR("untouched");
	char        *copy;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	sealed = crypto_seal(&a, key, STR("the secret"), STR("place"));
	for (size_t i = 0; i < sealed.len; i++) {
		copy = arena_cstr(&a, sealed);
		copy[i] ^= 0x20;
		assert_int_equal(crypto_open(&a, key, (struct str){ copy, sealed.len },
		    STR("place"), &plain), ERR_CORRUPT);
		assert_int_equal(crypto_open(&a, key, str_first(sealed, i), STR("place"), &plain),
		    ERR_CORRUPT);
	}
	assert_str(plain, STR("untouched"));
	arena_clean(&a);
}

TEST(another_key_or_place_does_not_open)
{
	static const uint8_t other[SECRET_BYTES] = { 1, 2, 4 };
	struct arena         a;
	struct str           sealed, plain;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	sealed = crypto_seal(&a, key, STR("the secret"), STR("user/1"));
	assert_int_equal(crypto_open(&a, other, sealed, STR("user/1"), &plain), ERR_CORRUPT);
	assert_int_equal(crypto_open(&a, key, sealed, STR("user/2"), &plain), ERR_CORRUPT);
	assert_int_equal(crypto_open(&a, key, sealed, STR_NONE, &plain), ERR_CORRUPT);
	assert_int_equal(crypto_open(&a, key, STR_NONE, STR_NONE, &plain), ERR_CORRUPT);
	arena_clean(&a);
}

/* The key and text of NIST's GCM example (McGrew and Viega, test case 14). */
TEST(sealing_is_aes_256_gcm)
{
	static const uint8_t zero_key[SECRET_BYTES];
	static const char    sealed[] = "\0\0\0\0\0\0\0\0\0\0\0\0"
	    "\xce\xa7\x40\x3d\x4d\x60\x6b\x6e\x07\x4e\xc5\xd3\xba\xf3\x9d\x18"
	    "\xd0\xd1\xc8\xa7\x99\x99\x6b\xf0\x26\x5b\x98\xb5\xd4\x8a\xb9\x19";
	struct arena         a;
	struct str           plain;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	assert_int_equal(crypto_open(&a, zero_key, (struct str){ sealed, sizeof(sealed) - 1 },
	    STR_NONE, &plain), OK);
	assert_str(plain, STR("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"));
	arena_clean(&a);
}

/* RFC 4648, section 10, and the two digits in which the alphabets differ. */
static const struct {
	struct str  bytes;
	const char *base64, *base64url;
} encodings[] = {
	{ STR_INIT(""), "", "" },
	{ STR_INIT("f"), "Zg==", "Zg" },
	{ STR_INIT("fo"), "Zm8=", "Zm8" },
	{ STR_INIT("foo"), "Zm9v", "Zm9v" },
	{ STR_INIT("foob"), "Zm9vYg==", "Zm9vYg" },
	{ STR_INIT("fooba"), "Zm9vYmE=", "Zm9vYmE" },
	{ STR_INIT("foobar"), "Zm9vYmFy", "Zm9vYmFy" },
	{ STR_INIT("\xfb\xff\xbf"), "+/+/", "-_-_" },
	{ STR_INIT("\0\0"), "AAA=", "AAA" },
};

TEST(base64_goes_both_ways)
{
	struct arena a;
	struct str   back;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	for (size_t i = 0; i < COUNT(encodings); i++) {
		struct str text = crypto_base64(&a, encodings[i].bytes);
		assert_str(text, str_of(encodings[i].base64));
		assert_int_equal(crypto_base64_decode(&a, text, &back), OK);
		assert_str(back, encodings[i].bytes);
		text = crypto_base64url(&a, encodings[i].bytes);
		assert_str(text, str_of(encodings[i].base64url));
		assert_int_equal(crypto_base64url_decode(&a, text, &back), OK);
		assert_str(back, encodings[i].bytes);
	}
	arena_clean(&a);
}

TEST(random_bytes_of_every_length_come_back)
{
	struct arena a;
	struct str   back;
	char         bytes[300];

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	id_random(bytes, sizeof(bytes));
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct str in = { bytes, len };
		assert_int_equal(crypto_base64url_decode(&a, crypto_base64url(&a, in), &back), OK);
		assert_str(back, in);
		assert_int_equal(crypto_base64_decode(&a, crypto_base64(&a, in), &back), OK);
		assert_str(back, in);
	}
	arena_clean(&a);
}

TEST(only_the_canonical_form_is_decoded)
{
	static const char *const bad_url[] = {
		"Z", "Zg=", "Zg==", "Zm9vY", "Zm9v\n", " Zm9v", "Zm 9", "+/+/", "Zh", "Zm9", "Zm*v",
		"Zg==Zg", "AAAAA", "\x80\x80\x80\x80", "AB", "AAB",
	};
	static const char *const bad[] = {
		"Zg", "Zg=", "Z===", "====", "=", "Zg===", "Zm8", "Zm9v\n", "-_-_", "Zh==", "Zm9=",
		"Zg==Zg==", "Zg==\n", "Z=g=", "==Zg", "AAA==", "Zm9v====",
	};
	struct arena a;
	struct str   out = STR("untouched");

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	for (size_t i = 0; i < COUNT(bad_url); i++)
		assert_row(crypto_base64url_decode(&a, str_of(bad_url[i]), &out) == ERR_INVALID,
		    bad_url[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_row(crypto_base64_decode(&a, str_of(bad[i]), &out) == ERR_INVALID, bad[i]);
	assert_int_equal(crypto_base64url_decode(&a, STR("Zm\0v"), &out), ERR_INVALID);
	assert_str(out, STR("untouched"));
	arena_clean(&a);
}

TEST(an_exhausted_arena_is_an_answer)
{
	static const char zeros[4000];
	struct arena      a;
	struct str        big = { zeros, sizeof(zeros) }, out;

	(void)state;
	arena_init(&a, 1000);
	assert_null(crypto_base64(&a, big).ptr);
	assert_null(crypto_base64url(&a, big).ptr);
	assert_null(crypto_seal(&a, key, big, STR_NONE).ptr);
	assert_int_equal(crypto_base64url_decode(&a, big, &out), ERR_NO_MEMORY);
	assert_int_equal(crypto_open(&a, key, big, STR_NONE, &out), ERR_NO_MEMORY);
	arena_clean(&a);
}

/* SipHash-1-3 under the reference's key 00 01 … 0f, for 00 01 … of each length;
 * from an implementation of our own in Python that gives the paper's 2-4 vector. */
TEST(siphash_is_the_published_one)
{
	static const struct siphash_key reference = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	static const struct {
		size_t   len;
		uint64_t hash;
	} rows[] = {
		{ 0, 0xabac0158050fc4dc },
		{ 1, 0xc9f49bf37d57ca93 },
		{ 7, 0xd3927d989bb11140 },
		{ 8, 0x369095118d299a8e },
		{ 9, 0x25a48eb36c063de4 },
		{ 15, 0xd320d86d2a519956 },
		{ 16, 0xcc4fdd1a7d908b66 },
		{ 63, 0x9d199062b7bbb3a8 },
	};
	char input[64];

	(void)state;
	for (size_t i = 0; i < sizeof(input); i++)
		input[i] = (char)i;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str s = { input, rows[i].len };
		assert_true(siphash(&reference, s) == rows[i].hash);
	}
}

TEST_MAIN(RUN(sha256_is_fips_180), RUN(hmac_sha1_is_rfc_2202),
    RUN(hmac_is_rfc_4231),
    RUN(equal_needs_the_same_length_and_bytes), RUN(wiping_leaves_zeros),
    RUN(derived_keys_are_hkdf_and_differ_by_purpose), RUN(what_is_sealed_opens),
    RUN(changed_bytes_do_not_open), RUN(another_key_or_place_does_not_open),
    RUN(sealing_is_aes_256_gcm), RUN(base64_goes_both_ways),
    RUN(random_bytes_of_every_length_come_back), RUN(only_the_canonical_form_is_decoded),
    RUN(an_exhausted_arena_is_an_answer), RUN(siphash_is_the_published_one))
