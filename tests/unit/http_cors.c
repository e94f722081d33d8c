/*
 * Attacks held off: "*" with credentials, an origin that only begins or ends like
 * an allowed one, "null", another scheme or port.
 */
#include "http/cors.h"
#include "tests/test.h"

TEST(origins_are_exact)
{
	static const struct { const char *origin; bool allowed; } rows[] = {
		{ "https://example.com", true }, { "http://localhost:3000", true },
		{ "http://example.com", false }, { "https://example.com:8443", false },
		{ "https://example.com.evil.test", false }, { "https://evil-example.com", false },
		{ "https://EXAMPLE.com", false }, { "null", false }, { "", false }, { "*", false },
	};
	struct str bad;
	struct cors c;
	(void)state;
	assert_int_equal(cors_parse(STR("https://example.com, http://localhost:3000"), &c, &bad), OK);
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(cors_allows(&c, str_of(rows[i].origin)) == rows[i].allowed, rows[i].origin);
}

TEST(entries_that_are_no_origin_are_refused)
{
	static const char *const lists[] = { "*", "https://*", "example.com", "https://a/", "https://a/b",
		"ftp://a", "null", "https://" };
	struct str bad;
	struct cors c;
	(void)state;
	for (size_t i = 0; i < COUNT(lists); i++) {
		assert_row(cors_parse(str_of(lists[i]), &c, &bad) == ERR_INVALID, lists[i]);
		assert_row(str_eq(bad, str_of(lists[i])), lists[i]);
	}
}

TEST(an_empty_list_allows_nobody)
{
	struct str bad;
	struct cors c;
	(void)state;
	assert_int_equal(cors_parse(STR_NONE, &c, &bad), OK);
	assert_false(cors_allows(&c, STR("https://example.com")));
}

TEST_MAIN(RUN(origins_are_exact), RUN(entries_that_are_no_origin_are_refused),
    RUN(an_empty_list_allows_nobody))
