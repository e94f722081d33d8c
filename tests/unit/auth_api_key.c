/*
 * The text of an API key.  Attacks held off: keys that are made up, mistyped or
 * cut; two texts for one key; ids over 128 bits.
 */
#include "auth/api_key.h"

#include "tests/test.h"

#define UUID    "01900000-0000-7000-8000-00000000abcd"
/* Made by an independent program: base 62 and zlib's crc32. */
#define KNOWN   "qv_live_02wndAAHBC95f4Al8rNRCX_" \
                "0000000000000000000000000000000000000000000"

static struct str generate(char text[API_KEY_BYTES + 1])
{
	uint8_t digest[SHA256_BYTES];

	api_key_generate(STR(UUID), text, digest);
	return str_of(text);
}

static bool parses(struct str text)
{
	char    id[ID_UUID_SIZE];
	uint8_t digest[SHA256_BYTES];

	return api_key_parse(text, id, digest);
}

TEST(what_is_generated_parses_to_its_id_and_digest)
{
	char    text[API_KEY_BYTES + 1], id[ID_UUID_SIZE];
	uint8_t made[SHA256_BYTES], read[SHA256_BYTES], whole[SHA256_BYTES];

	(void)state;
	api_key_generate(STR(UUID), text, made);
	assert_int_equal(strlen(text), API_KEY_BYTES);
	assert_true(api_key_parse(str_of(text), id, read));
	assert_string_equal(id, UUID);
	assert_true(api_key_digest_equal(made, read));
	crypto_sha256(str_of(text), whole);
	assert_true(api_key_digest_equal(made, whole));
}

TEST(ids_of_all_sizes_come_back)
{
	static const char *const ids[] = {
		"00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000001",
		"ffffffff-ffff-ffff-ffff-ffffffffffff", "0190f0f0-1234-7abc-9def-0123456789ab",
	};
	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		char    text[API_KEY_BYTES + 1], id[ID_UUID_SIZE];
		uint8_t digest[SHA256_BYTES];

		api_key_generate(str_of(ids[i]), text, digest);
		assert_row(api_key_parse(str_of(text), id, digest), ids[i]);
		assert_string_equal(id, ids[i]);
	}
}

TEST(two_keys_of_one_id_differ_in_their_secret)
{
	char one[API_KEY_BYTES + 1], two[API_KEY_BYTES + 1], shown[API_KEY_SHOWN_BYTES + 1];

	(void)state;
	generate(one);
	generate(two);
	assert_string_not_equal(one, two);
	api_key_shown(STR(UUID), shown);
	assert_true(str_starts(str_of(one), str_of(shown)));
	assert_true(str_starts(str_of(two), str_of(shown)));
}

TEST(the_checksum_is_crc32_in_base_62)
{
	(void)state;
	assert_true(parses(STR(KNOWN "1j0uA5")));
	assert_false(parses(STR(KNOWN "000000")));
}

TEST(every_changed_byte_is_noticed)
{
	char text[API_KEY_BYTES + 1];

	(void)state;
	generate(text);
	for (size_t i = 0; i < API_KEY_BYTES; i++) {
		char kept = text[i];

		for (int c = 0; c < 256; c++) {
			text[i] = (char)c;
			if (text[i] != kept && parses((struct str){ text, API_KEY_BYTES }))
				fail_msg("byte %zu as %d", i, c);
		}
		text[i] = kept;
	}
	assert_true(parses(str_of(text)));
}

TEST(what_is_longer_or_shorter_is_no_key)
{
	char text[API_KEY_BYTES + 2];

	(void)state;
	generate(text);
	for (size_t n = 0; n < API_KEY_BYTES; n++)
		assert_false(parses((struct str){ text, n }));
	text[API_KEY_BYTES] = 'x';
	assert_false(parses((struct str){ text, API_KEY_BYTES + 1 }));
	assert_false(parses(STR_NONE));
}

TEST(an_id_over_128_bits_is_no_key)
{
	(void)state;
	/* Its checksum is right. */
	assert_false(parses(STR("qv_live_zzzzzzzzzzzzzzzzzzzzzz_"
	    "0000000000000000000000000000000000000000000" "2eYFC6")));
}

TEST(only_the_prefix_says_what_is_meant)
{
	(void)state;
	assert_true(api_key_is_meant(STR("qv_live_")));
	assert_false(api_key_is_meant(STR("qv_refresh_AAAA")));
	assert_false(api_key_is_meant(STR("QV_LIVE_x")));
	assert_false(api_key_is_meant(STR("qv_live")));
}

TEST_MAIN(
	RUN(what_is_generated_parses_to_its_id_and_digest),
	RUN(ids_of_all_sizes_come_back),
	RUN(two_keys_of_one_id_differ_in_their_secret),
	RUN(the_checksum_is_crc32_in_base_62),
	RUN(every_changed_byte_is_noticed),
	RUN(what_is_longer_or_shorter_is_no_key),
	RUN(an_id_over_128_bits_is_no_key),
	RUN(only_the_prefix_says_what_is_meant))
