#include "test.h"

#include <stdlib.h>

#include "access/address.h"

static const struct {
	const char *text, *canonical;           /* NULL: is no address */
} texts[] = {
	{ "192.0.2.1", "192.0.2.1" },
	{ "0.0.0.0", "0.0.0.0" },
	{ "255.255.255.255", "255.255.255.255" },
	{ "::", "::" },
	{ "::1", "::1" },
	{ "1::", "1::" },
	{ "2001:DB8::1", "2001:db8::1" },
	{ "2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1" },
	{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
	{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" },
	{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" },
	{ "1:2:3:4:5:6:0:0", "1:2:3:4:5:6::" },
	{ "::ffff:192.0.2.1", "192.0.2.1" },
	{ "::ffff:c000:201", "192.0.2.1" },
	{ "::192.0.2.1", "::c000:201" },
	{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
	{ "", NULL },
	{ " 192.0.2.1", NULL },
	{ "192.0.2.1 ", NULL },
	{ "192.0.2.01", NULL },
	{ "010.0.0.1", NULL },
	{ "192.0.2", NULL },
	{ "192.0.2.256", NULL },
	{ "192.0.2.1.5", NULL },
	{ "0x7f.0.0.1", NULL },
	{ "2130706433", NULL },
	{ "192.0.2.1:80", NULL },
	{ "[::1]", NULL },
	{ "fe80::1%eth0", NULL },
	{ "1:2:3:4:5:6:7", NULL },
	{ "1:2:3:4:5:6:7:8:9", NULL },
	{ "1::2::3", NULL },
	{ "12345::", NULL },
	{ "::g", NULL },
	{ "1:2:3:4:5:6:7:8::", NULL },
	{ "unknown", NULL },
	{ "1111:2222:3333:4444:5555:6666:123.123.123.1234", NULL },
};

TEST(addresses_are_read_strictly_and_written_canonically)
{
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct address a;
		char text[ADDRESS_TEXT_SIZE];
		bool ok = address_parse(str_of(texts[i].text), &a);
		assert_row(ok == (texts[i].canonical != NULL), texts[i].text);
		if (!ok)
			continue;
		address_format(&a, text);
		assert_str(str_of(text), str_of(texts[i].canonical));
	}
}

TEST(a_nul_inside_is_no_end_of_an_address)
{
	struct address a;

	(void)state;
	assert_false(address_parse(STR("10.0.0.1\0.evil"), &a));
	assert_false(address_parse(STR("::1\0"), &a));
}

TEST(a_canonical_text_reads_back_as_the_same_address)
{
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	srandom(1);
	for (int round = 0; round < 20000; round++) {
		struct address a, b;
		for (size_t i = 0; i < sizeof(a.bytes); i++)
			a.bytes[i] = random() % 3 == 0 ? (uint8_t)random() : 0;
		address_format(&a, text);
		assert_true(address_parse(str_of(text), &b));
		assert_memory_equal(a.bytes, b.bytes, sizeof(a.bytes));
	}
}

static const struct {
	const char *text;
	bool        loopback;
} loopbacks[] = {
	{ "127.0.0.1", true }, { "127.255.255.254", true }, { "::1", true },
	{ "::ffff:127.0.0.1", true }, { "128.0.0.1", false }, { "10.0.0.1", false },
	{ "::", false }, { "::2", false }, { "fe80::1", false }, { "0.0.0.0", false },
};

TEST(loopback_is_127_and_one)
{
	(void)state;
	for (size_t i = 0; i < COUNT(loopbacks); i++) {
		struct address a;
		assert_true(address_parse(str_of(loopbacks[i].text), &a));
		assert_row(address_is_loopback(&a) == loopbacks[i].loopback, loopbacks[i].text);
	}
}

static const struct {
	const char *address, *key;
} keys[] = {
	{ "192.0.2.1", "192.0.2.1" },
	{ "::ffff:192.0.2.1", "192.0.2.1" },
	{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64" },
	{ "2001:db8:1:2:ffff::", "2001:db8:1:2::/64" },
	{ "::1", "::/64" },
	{ "", "" },
};

TEST(limits_are_kept_by_a_whole_ipv6_network)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 16);
	for (size_t i = 0; i < COUNT(keys); i++)
		assert_str(address_limit_key(&arena, str_of(keys[i].address)), str_of(keys[i].key));
	arena_clean(&arena);
}

static const struct {
	const char *range;
	bool        good;
	const char *inside, *outside;
} ranges[] = {
	{ "10.0.0.0/8", true, "10.255.0.1", "11.0.0.0" },
	{ "0.0.0.0/0", true, "203.0.113.9", "2001:db8::1" },
	{ "192.0.2.4/30", true, "192.0.2.7", "192.0.2.8" },
	{ "192.0.2.1/32", true, "192.0.2.1", "192.0.2.2" },
	{ "192.0.2.1", true, "::ffff:192.0.2.1", "192.0.2.0" },
	{ "2001:db8::/32", true, "2001:db8:ffff::1", "2001:db9::" },
	{ "2001:db8::1", true, "2001:db8::1", "2001:db8::2" },
	{ "fe80::/10", true, "febf::1", "fec0::1" },
	{ "::/0", true, "2001:db8::1", "192.0.2.1" },
	{ "::ffff:10.0.0.0/104", true, "10.1.2.3", "11.1.2.3" },
	{ "::ffff:a00:0/104", true, "10.1.2.3", "11.1.2.3" },
	{ "10.0.0.1/8", false, NULL, NULL },
	{ "2001:db8::1/32", false, NULL, NULL },
	{ "10.0.0.0/33", false, NULL, NULL },
	{ "2001:db8::/129", false, NULL, NULL },
	{ "10.0.0.0/", false, NULL, NULL },
	{ "10.0.0.0/08", false, NULL, NULL },
	{ "10.0.0.0/-1", false, NULL, NULL },
	{ "10.0.0.0/+8", false, NULL, NULL },
	{ "10.0.0.0/8/8", false, NULL, NULL },
	{ "10.0.0.0/255.0.0.0", false, NULL, NULL },
	{ "10/8", false, NULL, NULL },
	{ "/8", false, NULL, NULL },
	{ "", false, NULL, NULL },
	{ "example.com", false, NULL, NULL },
};

TEST(a_range_holds_what_shares_its_bits_and_family)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ranges); i++) {
		struct address_range r;
		struct address inside, outside;
		bool good = address_range_parse(str_of(ranges[i].range), &r);
		assert_row(good == ranges[i].good, ranges[i].range);
		if (!good)
			continue;
		assert_true(address_parse(str_of(ranges[i].inside), &inside));
		assert_true(address_parse(str_of(ranges[i].outside), &outside));
		assert_row(address_in_range(&inside, &r), ranges[i].range);
		assert_row(!address_in_range(&outside, &r), ranges[i].range);
	}
}

TEST(a_list_takes_commas_and_spaces)
{
	struct address_ranges list;
	struct str bad;

	(void)state;
	assert_int_equal(address_ranges_parse(STR(" 10.0.0.0/8, ::1 unix,,127.0.0.1 "), &list, &bad), OK);
	assert_int_equal(list.count, 3);
	assert_true(list.unix_peer);
}

TEST(an_empty_list_trusts_nobody)
{
	struct address_ranges list;
	struct str bad;

	(void)state;
	assert_int_equal(address_ranges_parse(STR_NONE, &list, &bad), OK);
	assert_int_equal(list.count, 0);
	assert_false(list.unix_peer);
	assert_false(address_peer_is_trusted(STR("127.0.0.1"), &list));
	assert_false(address_peer_is_trusted(STR(""), &list));
}

TEST(a_bad_entry_of_a_list_is_named)
{
	struct address_ranges list;
	struct str bad;

	(void)state;
	assert_int_equal(address_ranges_parse(STR("10.0.0.0/8, 10.0.0.1/8 ::1"), &list, &bad),
	    ERR_INVALID);
	assert_str(bad, STR("10.0.0.1/8"));
}

TEST(a_list_is_bounded)
{
	struct address_ranges list;
	struct str bad;
	char text[16 * (TRUSTED_PROXIES_MAX + 1)];
	size_t at = 0;

	(void)state;
	for (int i = 0; i < TRUSTED_PROXIES_MAX; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "10.0.0.%d ", i);
	assert_int_equal(address_ranges_parse((struct str){ text, at }, &list, &bad), OK);
	at += (size_t)snprintf(text + at, sizeof(text) - at, "10.0.1.1");
	assert_int_equal(address_ranges_parse((struct str){ text, at }, &list, &bad), ERR_TOO_LARGE);
	assert_str(bad, STR("10.0.1.1"));
}

TEST_MAIN(RUN(addresses_are_read_strictly_and_written_canonically),
    RUN(a_nul_inside_is_no_end_of_an_address),
    RUN(a_canonical_text_reads_back_as_the_same_address),
    RUN(loopback_is_127_and_one),
    RUN(limits_are_kept_by_a_whole_ipv6_network),
    RUN(a_range_holds_what_shares_its_bits_and_family),
    RUN(a_list_takes_commas_and_spaces),
    RUN(an_empty_list_trusts_nobody),
    RUN(a_bad_entry_of_a_list_is_named),
    RUN(a_list_is_bounded))
