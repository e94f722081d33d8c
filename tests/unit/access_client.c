/*
 * security: whose request is it?
 * Attacks held off here:
 *  - a client that is no proxy sends forwarding headers itself
 *  - a client puts another's address in front of what a proxy appends
 *  - a client sends the header that its proxy does not write (Forwarded beside
 *    the proxy's X-Forwarded-For, or the other way round)
 *  - an open quote, a backslash or a comma in quotes in front of a proxy's
 *    element, to swallow it or to be read as one
 *  - a comma, a semicolon or a bracket smuggled into a value
 *  - empty, unknown, obfuscated or unparsable hops, so that the walk goes past
 *    them to an invention
 *  - an IPv4 client that is taken for a proxy because of an IPv6 range
 *  - leading zeros, hexadecimal, zone names: other spellings of a trusted address
 *  - a header of thousands of hops
 *  - headers that end the walk at a local proxy, to be taken for this machine
 */
#include "test.h"

#include "access/address.h"

#define PROXIES "10.0.0.0/8 127.0.0.1 2001:db8:ffff::/48 unix"

struct walk {
	const char *row, *trusted, *peer, *forwarded, *x_forwarded_for, *x_real_ip, *client;
};

static void check(const struct walk *walks, size_t n)
{
	struct arena arena;

	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < n; i++) {
		const struct walk *w = &walks[i];
		struct address_ranges trusted;
		struct str bad, client;
		struct address_headers headers = { str_of(w->x_forwarded_for),
			str_of(w->forwarded), str_of(w->x_real_ip) };
		assert_int_equal(address_ranges_parse(str_of(w->trusted), &trusted, &bad), OK);
		client = address_of_client(&arena, str_of(w->peer), &trusted, &headers);
		if (!str_eq(client, str_of(w->client)))
			fail_msg("row \"%s\": got \"%.*s\", expected \"%s\"", w->row,
			    STR_ARG(client), w->client);
		arena_reset(&arena);
	}
	arena_clean(&arena);
}

static const struct walk untrusted[] = {
	{ "no headers", PROXIES, "203.0.113.9", NULL, NULL, NULL, "203.0.113.9" },
	{ "own header", PROXIES, "203.0.113.9", "for=1.2.3.4", NULL, NULL, "203.0.113.9" },
	{ "own X-Forwarded-For", PROXIES, "203.0.113.9", NULL, "1.2.3.4", NULL, "203.0.113.9" },
	{ "own X-Real-IP", PROXIES, "203.0.113.9", NULL, NULL, "1.2.3.4", "203.0.113.9" },
	{ "nobody is trusted", NULL, "127.0.0.1", NULL, "1.2.3.4", NULL, "127.0.0.1" },
	{ "unix without trust", "10.0.0.0/8", "", NULL, "1.2.3.4", NULL, "" },
	{ "mapped peer", PROXIES, "::ffff:203.0.113.9", NULL, NULL, NULL, "203.0.113.9" },
	{ "peer spelt otherwise", PROXIES, "2001:DB8::0:1", NULL, NULL, NULL, "2001:db8::1" },
	{ "IPv4 peer, IPv6 range", "::/0", "203.0.113.9", NULL, "1.2.3.4", NULL, "203.0.113.9" },
};

TEST(headers_of_who_is_no_proxy_do_not_count)
{
	(void)state;
	check(untrusted, COUNT(untrusted));
}

static const struct walk plain[] = {
	{ "one hop", PROXIES, "10.0.0.1", NULL, "203.0.113.9", NULL, "203.0.113.9" },
	{ "mapped proxy", PROXIES, "::ffff:10.0.0.1", NULL, "203.0.113.9", NULL, "203.0.113.9" },
	{ "over a unix socket", PROXIES, "", NULL, "203.0.113.9", NULL, "203.0.113.9" },
	{ "two proxies", PROXIES, "10.0.0.1", NULL, "203.0.113.9, 10.0.0.2", NULL, "203.0.113.9" },
	{ "invention in front", PROXIES, "10.0.0.1", NULL, "1.2.3.4, 203.0.113.9", NULL, "203.0.113.9" },
	{ "all are proxies", PROXIES, "10.0.0.1", NULL, "10.0.0.3, 10.0.0.2", NULL, "10.0.0.3" },
	{ "no blanks", PROXIES, "10.0.0.1", NULL, "1.2.3.4,203.0.113.9", NULL, "203.0.113.9" },
	{ "tabs", PROXIES, "10.0.0.1", NULL, "1.2.3.4\t,\t203.0.113.9\t", NULL, "203.0.113.9" },
	{ "port", PROXIES, "10.0.0.1", NULL, "203.0.113.9:4711", NULL, "203.0.113.9" },
	{ "IPv6", PROXIES, "10.0.0.1", NULL, "2001:db8::9", NULL, "2001:db8::9" },
	{ "IPv6 in brackets", PROXIES, "10.0.0.1", NULL, "[2001:db8::9]", NULL, "2001:db8::9" },
	{ "IPv6 and port", PROXIES, "10.0.0.1", NULL, "[2001:db8::9]:4711", NULL, "2001:db8::9" },
	{ "IPv6 proxy", PROXIES, "2001:db8:ffff::1", NULL, "2001:db8::9", NULL, "2001:db8::9" },
	{ "X-Real-IP", PROXIES, "10.0.0.1", NULL, NULL, "203.0.113.9", "203.0.113.9" },
	{ "X-Real-IP comes last", PROXIES, "10.0.0.1", NULL, "203.0.113.9", "1.2.3.4", "203.0.113.9" },
	{ "empty header", PROXIES, "10.0.0.1", "", "", "", "10.0.0.1" },
};

TEST(the_first_from_the_right_that_is_no_proxy_is_the_client)
{
	(void)state;
	check(plain, COUNT(plain));
}

static const struct walk ends[] = {
	{ "unknown", PROXIES, "10.0.0.1", NULL, "1.2.3.4, unknown", NULL, "10.0.0.1" },
	{ "name", PROXIES, "10.0.0.1", NULL, "1.2.3.4, localhost", NULL, "10.0.0.1" },
	{ "empty hop", PROXIES, "10.0.0.1", NULL, "1.2.3.4, , 10.0.0.2", NULL, "10.0.0.2" },
	{ "trailing comma", PROXIES, "10.0.0.1", NULL, "1.2.3.4,", NULL, "10.0.0.1" },
	{ "behind a proxy", PROXIES, "10.0.0.1", NULL, "1.2.3.4, junk, 10.0.0.2", NULL, "10.0.0.2" },
	{ "two addresses", PROXIES, "10.0.0.1", NULL, "1.2.3.4 5.6.7.8", NULL, "10.0.0.1" },
	{ "bad port", PROXIES, "10.0.0.1", NULL, "1.2.3.4:99999", NULL, "10.0.0.1" },
	{ "no port", PROXIES, "10.0.0.1", NULL, "1.2.3.4:", NULL, "10.0.0.1" },
	{ "IPv4 in brackets", PROXIES, "10.0.0.1", NULL, "[1.2.3.4]", NULL, "10.0.0.1" },
	{ "open bracket", PROXIES, "10.0.0.1", NULL, "[2001:db8::9", NULL, "10.0.0.1" },
	{ "behind a bracket", PROXIES, "10.0.0.1", NULL, "[2001:db8::9]x", NULL, "10.0.0.1" },
	{ "zone", PROXIES, "10.0.0.1", NULL, "fe80::1%eth0", NULL, "10.0.0.1" },
	{ "leading zero", PROXIES, "10.0.0.1", NULL, "1.2.3.4, 010.0.0.2", NULL, "10.0.0.1" },
	{ "hexadecimal", PROXIES, "10.0.0.1", NULL, "1.2.3.4, 0xA.0.0.2", NULL, "10.0.0.1" },
	{ "quoted", PROXIES, "10.0.0.1", NULL, "\"1.2.3.4\"", NULL, "10.0.0.1" },
	{ "obfuscated port", PROXIES, "10.0.0.1", NULL, "1.2.3.4:_x", NULL, "10.0.0.1" },
	{ "control byte", PROXIES, "10.0.0.1", NULL, "1.2.3.4\x01", NULL, "10.0.0.1" },
	{ "junk in X-Real-IP", PROXIES, "10.0.0.1", NULL, NULL, "1.2.3.4, 5.6.7.x", "10.0.0.1" },
	{ "junk over unix", PROXIES, "", NULL, "junk", NULL, "" },
};

TEST(what_is_no_address_ends_the_walk_at_the_last_proxy)
{
	(void)state;
	check(ends, COUNT(ends));
}

static const struct walk forwarded[] = {
	{ "one", PROXIES, "10.0.0.1", "for=203.0.113.9", NULL, NULL, "203.0.113.9" },
	{ "name in capitals", PROXIES, "10.0.0.1", "For=203.0.113.9", NULL, NULL, "203.0.113.9" },
	{ "all parameters", PROXIES, "10.0.0.1", "by=10.0.0.9;for=203.0.113.9;host=a.example;proto=http",
	    NULL, NULL, "203.0.113.9" },
	{ "quoted", PROXIES, "10.0.0.1", "for=\"203.0.113.9:80\"", NULL, NULL, "203.0.113.9" },
	{ "IPv6", PROXIES, "10.0.0.1", "for=\"[2001:db8:cafe::17]:4711\"", NULL, NULL,
	    "2001:db8:cafe::17" },
	{ "obfuscated port", PROXIES, "10.0.0.1", "for=\"[2001:db8::9]:_p.1-x\"", NULL, NULL,
	    "2001:db8::9" },
	{ "two", PROXIES, "10.0.0.1", "for=1.2.3.4, for=203.0.113.9", NULL, NULL, "203.0.113.9" },
	{ "through a proxy", PROXIES, "10.0.0.1", "for=203.0.113.9, for=10.0.0.2;proto=https",
	    NULL, NULL, "203.0.113.9" },
	{ "comma in quotes", PROXIES, "10.0.0.1", "for=203.0.113.9;by=\"a,b\"", NULL, NULL,
	    "203.0.113.9" },
	{ "comma and escaped quote", PROXIES, "10.0.0.1", "for=203.0.113.9;by=\"a,\\\"b\"", NULL, NULL,
	    "203.0.113.9" },
	{ "escaped quote", PROXIES, "10.0.0.1", "for=203.0.113.9;by=\"a\\\",b\"", NULL, NULL,
	    "203.0.113.9" },
	{ "blanks round semicolons", PROXIES, "10.0.0.1", "for=203.0.113.9 ; proto=http", NULL, NULL,
	    "203.0.113.9" },
	{ "empty pairs", PROXIES, "10.0.0.1", ";;for=203.0.113.9;", NULL, NULL, "203.0.113.9" },
	{ "empty elements", PROXIES, "10.0.0.1", "for=203.0.113.9, , for=10.0.0.2,", NULL, NULL,
	    "203.0.113.9" },
	{ "agrees with the other", PROXIES, "10.0.0.1", "for=203.0.113.9", "203.0.113.9", "1.2.3.4",
	    "203.0.113.9" },
};

TEST(forwarded_is_read_as_rfc_7239_has_it)
{
	(void)state;
	check(forwarded, COUNT(forwarded));
}

static const struct walk forged[] = {
	{ "unknown", PROXIES, "10.0.0.1", "for=1.2.3.4, for=unknown", NULL, NULL, "10.0.0.1" },
	{ "obfuscated", PROXIES, "10.0.0.1", "for=1.2.3.4, for=_hidden", NULL, NULL, "10.0.0.1" },
	{ "no for", PROXIES, "10.0.0.1", "for=1.2.3.4, by=10.0.0.2", NULL, NULL, "10.0.0.1" },
	{ "for twice", PROXIES, "10.0.0.1", "for=1.2.3.4;for=5.6.7.8", NULL, NULL, "10.0.0.1" },
	{ "blank round =", PROXIES, "10.0.0.1", "for =1.2.3.4", NULL, NULL, "10.0.0.1" },
	{ "no value", PROXIES, "10.0.0.1", "for=", NULL, NULL, "10.0.0.1" },
	{ "colon unquoted", PROXIES, "10.0.0.1", "for=1.2.3.4:80", NULL, NULL, "10.0.0.1" },
	{ "IPv6 unquoted", PROXIES, "10.0.0.1", "for=[2001:db8::9]", NULL, NULL, "10.0.0.1" },
	{ "IPv6 without brackets", PROXIES, "10.0.0.1", "for=\"2001:db8::9\"", NULL, NULL, "10.0.0.1" },
	{ "behind the quotes", PROXIES, "10.0.0.1", "for=\"1.2.3.4\"x", NULL, NULL, "10.0.0.1" },
	{ "open quote alone", PROXIES, "10.0.0.1", "for=\"1.2.3.4", NULL, NULL, "10.0.0.1" },
	{ "escape in an address", PROXIES, "10.0.0.1", "for=\"1.2.3\\.4\"", NULL, NULL, "10.0.0.1" },
	{ "open quote in front", PROXIES, "10.0.0.1", "for=1.2.3.4;x=\", for=203.0.113.9", NULL, NULL,
	    "203.0.113.9" },
	{ "open quote, quoted element", PROXIES, "10.0.0.1",
	    "for=1.2.3.4;x=\", for=\"203.0.113.9:80\"", NULL, NULL, "203.0.113.9" },
	{ "backslash in front", PROXIES, "10.0.0.1", "for=1.2.3.4;x=\"\\, for=\"203.0.113.9:80\"", NULL,
	    NULL, "203.0.113.9" },
	{ "junk in front", PROXIES, "10.0.0.1", "=;;\"\"@, for=203.0.113.9", NULL, NULL, "203.0.113.9" },
	{ "beside X-Forwarded-For", PROXIES, "10.0.0.1", "for=1.2.3.4", "203.0.113.9", NULL, "10.0.0.1" },
	{ "junk beside it", PROXIES, "10.0.0.1", "junk", "203.0.113.9", NULL, "10.0.0.1" },
	{ "X-Forwarded-For beside", PROXIES, "10.0.0.1", "for=203.0.113.9", "1.2.3.4", NULL, "10.0.0.1" },
};

TEST(a_forged_element_is_never_the_client)
{
	(void)state;
	check(forged, COUNT(forged));
}

TEST(at_most_so_many_hops_are_walked)
{
	struct arena arena;
	struct address_ranges trusted;
	struct str bad;
	char list[40 * 16];
	size_t at = 0;

	(void)state;
	arena_init(&arena, 1 << 16);
	assert_int_equal(address_ranges_parse(STR(PROXIES), &trusted, &bad), OK);
	for (int i = FORWARDED_HOPS_MAX + 7; i > 0; i--)
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s10.1.0.%d",
		    at == 0 ? "" : ", ", i);
	struct address_headers headers = { .x_forwarded_for = { list, at } };
	assert_str(address_of_client(&arena, STR("10.0.0.1"), &trusted, &headers), STR("10.1.0.32"));
	arena_clean(&arena);
}

static const struct {
	const char *peer, *forwarded, *x_forwarded_for, *x_real_ip;
	bool        local;
} machines[] = {
	{ "127.0.0.1", NULL, NULL, NULL, true },
	{ "::1", NULL, NULL, NULL, true },
	{ "203.0.113.9", NULL, NULL, NULL, false },
	{ "", NULL, NULL, NULL, false },
	{ "127.0.0.1", "junk", NULL, NULL, false },
	{ "127.0.0.1", NULL, "127.0.0.1", NULL, false },
	{ "127.0.0.1", NULL, NULL, "junk", false },
};

TEST(this_machine_is_loopback_without_any_proxy)
{
	(void)state;
	for (size_t i = 0; i < COUNT(machines); i++) {
		struct address_headers headers = { str_of(machines[i].x_forwarded_for),
			str_of(machines[i].forwarded), str_of(machines[i].x_real_ip) };
		assert_row(address_is_this_machine(str_of(machines[i].peer), &headers) ==
		    machines[i].local, machines[i].peer);
	}
}

TEST_MAIN(RUN(headers_of_who_is_no_proxy_do_not_count),
    RUN(the_first_from_the_right_that_is_no_proxy_is_the_client),
    RUN(what_is_no_address_ends_the_walk_at_the_last_proxy),
    RUN(forwarded_is_read_as_rfc_7239_has_it),
    RUN(a_forged_element_is_never_the_client),
    RUN(at_most_so_many_hops_are_walked),
    RUN(this_machine_is_loopback_without_any_proxy))
