#include "test.h"

#include "base/err.h"

static int sign(int n)
{
	return (n > 0) - (n < 0);
}

TEST(every_error_has_a_text)
{
	(void)state;
	for (int e = OK; e < ERR_COUNT; e++)
		assert_true(strlen(err_text((enum err)e)) > 0);
	assert_string_equal(err_text(ERR_COUNT), "unknown error");
	assert_string_equal(err_text((enum err)-1), "unknown error");
}

TEST(absent_and_empty_differ_but_compare_equal)
{
	(void)state;
	assert_null(str_of(NULL).ptr);
	assert_non_null(str_of("").ptr);
	assert_true(str_eq(STR_NONE, STR("")));
	assert_true(str_starts(STR_NONE, STR_NONE));
	assert_true(str_ends(STR("a"), STR_NONE));
	assert_null(str_from(STR_NONE, 3).ptr);
}

TEST(case_is_folded_in_ascii_alone)
{
	(void)state;
	assert_true(str_eq_nocase(STR("Content-TYPE"), STR("content-type")));
	assert_false(str_eq_nocase(STR("a"), STR("ab")));
	assert_false(str_eq_nocase(STR("@"), STR("`")));
	assert_false(str_eq_nocase(STR("\xC3\x84"), STR("\xC3\xA4")));
	assert_true(str_eq_nocase(STR_NONE, STR("")));
}

TEST(compare_orders_bytes_and_then_lengths)
{
	static const struct {
		struct str a, b;
		int        order;
	} rows[] = {
		{ STR_INIT(""), STR_INIT(""), 0 },
		{ { NULL, 0 }, STR_INIT("a"), -1 },
		{ STR_INIT("a"), STR_INIT("b"), -1 },
		{ STR_INIT("ab"), STR_INIT("a"), 1 },
		{ STR_INIT("\xFF"), STR_INIT("a"), 1 },
		{ STR_INIT("a\0b"), STR_INIT("a\0c"), -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(sign(str_compare(rows[i].a, rows[i].b)), rows[i].order);
}

TEST(index_and_contains_find_the_first)
{
	(void)state;
	assert_int_equal(str_index(STR("a,b,c"), ','), 1);
	assert_int_equal(str_index(STR("abc"), ','), 3);
	assert_int_equal(str_index(STR_NONE, ','), 0);
	assert_int_equal(str_index(STR("a\0b"), '\0'), 1);
	assert_true(str_contains(STR("haystack"), STR("sta")));
	assert_false(str_contains(STR("hay"), STR("haystack")));
	assert_true(str_contains(STR_NONE, STR_NONE));
	assert_false(str_contains(STR_NONE, STR("a")));
}

TEST(trim_takes_white_space_from_both_ends)
{
	(void)state;
	assert_str(str_trim(STR(" \t\r\n a b \n")), STR("a b"));
	assert_str(str_trim(STR("   ")), STR(""));
	assert_str(str_trim(STR_NONE), STR(""));
	assert_str(str_trim(STR("\va\v")), STR("\va\v"));
}

TEST(cut_gives_every_part_once)
{
	struct str rest = STR("a,,b,"), none = STR_NONE;

	(void)state;
	assert_str(str_cut(&rest, ','), STR("a"));
	assert_str(str_cut(&rest, ','), STR(""));
	assert_str(str_cut(&rest, ','), STR("b"));
	assert_non_null(rest.ptr);
	assert_str(str_cut(&rest, ','), STR(""));
	assert_null(rest.ptr);
	assert_str(str_cut(&none, ','), STR(""));
	assert_null(none.ptr);
}

TEST(u64_is_digits_within_bounds)
{
	static const struct {
		const char *text;
		bool        good;
		uint64_t    n;
	} rows[] = {
		{ "0", true, 0 },
		{ "007", true, 7 },
		{ "18446744073709551615", true, UINT64_MAX },
		{ "18446744073709551616", false, 0 },
		{ "99999999999999999999999", false, 0 },
		{ "", false, 0 },
		{ "+1", false, 0 },
		{ "-1", false, 0 },
		{ " 1", false, 0 },
		{ "1 ", false, 0 },
		{ "0x1", false, 0 },
		{ "1e3", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t n = 42;
		bool     good = str_to_u64(str_of(rows[i].text), &n);
		assert_row(good == rows[i].good, rows[i].text);
		assert_row(n == (good ? rows[i].n : 42), rows[i].text);
	}
}

TEST(i64_is_a_sign_and_digits_within_bounds)
{
	static const struct {
		const char *text;
		bool        good;
		int64_t     n;
	} rows[] = {
		{ "0", true, 0 },
		{ "-0", true, 0 },
		{ "-17", true, -17 },
		{ "9223372036854775807", true, INT64_MAX },
		{ "9223372036854775808", false, 0 },
		{ "-9223372036854775808", true, INT64_MIN },
		{ "-9223372036854775809", false, 0 },
		{ "", false, 0 },
		{ "-", false, 0 },
		{ "--1", false, 0 },
		{ "+1", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		int64_t n = 42;
		bool    good = str_to_i64(str_of(rows[i].text), &n);
		assert_row(good == rows[i].good, rows[i].text);
		assert_row(n == (good ? rows[i].n : 42), rows[i].text);
	}
}

TEST(utf8_is_what_rfc_3629_says)
{
	static const struct {
		const char *name;
		struct str  text;
		bool        good;
	} rows[] = {
		{ "empty", STR_INIT(""), true },
		{ "long ASCII", STR_INIT("the quick brown fox jumps over"), true },
		{ "NUL", STR_INIT("a\0b"), true },
		{ "two bytes", STR_INIT("\xC2\x80\xDF\xBF"), true },
		{ "three bytes", STR_INIT("\xE0\xA0\x80\xEF\xBF\xBF"), true },
		{ "four bytes", STR_INIT("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"), true },
		{ "around the surrogates", STR_INIT("\xED\x9F\xBF\xEE\x80\x80"), true },
		{ "behind eight ASCII bytes", STR_INIT("12345678\xC3\xA4" "12345678"), true },
		{ "lone continuation", STR_INIT("\x80"), false },
		{ "overlong two", STR_INIT("\xC0\x80"), false },
		{ "overlong two, highest", STR_INIT("\xC1\xBF"), false },
		{ "overlong three", STR_INIT("\xE0\x9F\xBF"), false },
		{ "overlong four", STR_INIT("\xF0\x8F\xBF\xBF"), false },
		{ "high surrogate", STR_INIT("\xED\xA0\x80"), false },
		{ "low surrogate", STR_INIT("\xED\xBF\xBF"), false },
		{ "over U+10FFFF", STR_INIT("\xF4\x90\x80\x80"), false },
		{ "five bytes", STR_INIT("\xF8\x88\x80\x80\x80"), false },
		{ "FE and FF", STR_INIT("\xFE\xFF"), false },
		{ "cut after one", STR_INIT("a\xC3"), false },
		{ "cut after three", STR_INIT("a\xF0\x90\x80"), false },
		{ "bad third", STR_INIT("\xE1\x80" "a"), false },
		{ "bad at the ninth", STR_INIT("12345678\xFF"), false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(str_is_utf8(rows[i].text) == rows[i].good, rows[i].name);
	assert_true(str_is_utf8(STR_NONE));
}

/* Every code point, in its one form. */
TEST(utf8_step_knows_every_code_point)
{
	(void)state;
	for (uint32_t c = 0x80; c < 0x110000; c++) {
		unsigned char bytes[4];
		size_t        n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4, length;
		bool          surrogate = c >= 0xD800 && c < 0xE000;

		for (size_t i = n - 1; i > 0; i--)
			bytes[i] = (unsigned char)(0x80 | (c >> (6 * (n - 1 - i)) & 0x3F));
		bytes[0] = (unsigned char)((0xF00 >> n & 0xFF) | c >> (6 * (n - 1)));
		struct str s = { (const char *)bytes, n };
		assert_true(str_utf8_step(s, &length) == !surrogate);
		assert_true(surrogate || length == n);
	}
}

TEST(utf8_step_measures_the_bad_part)
{
	static const struct {
		struct str text;
		size_t     length;
	} rows[] = {
		{ STR_INIT("\xF0\x90\x80" "a"), 3 },
		{ STR_INIT("\xE1\x80"), 2 },
		{ STR_INIT("\xED\xA0\x80"), 1 },
		{ STR_INIT("\xC0\x80"), 1 },
		{ STR_INIT("\xFF\xFF"), 1 },
	};
	size_t length;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_false(str_utf8_step(rows[i].text, &length));
		assert_int_equal(length, rows[i].length);
	}
}

TEST(code_points_are_counted)
{
	(void)state;
	assert_int_equal(str_code_points(STR("a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80")), 4);
	assert_int_equal(str_code_points(STR_NONE), 0);
}

TEST(control_bytes_are_seen)
{
	(void)state;
	assert_true(str_has_control(STR("a\n")));
	assert_true(str_has_control(STR("\0")));
	assert_true(str_has_control(STR("\x1F")));
	assert_true(str_has_control(STR("\x7F")));
	assert_false(str_has_control(STR(" ~\xC2\x80")));
}

TEST(hash_depends_on_every_byte)
{
	(void)state;
	assert_true(str_hash(STR("ab")) != str_hash(STR("ba")));
	assert_true(str_hash(STR("a")) != str_hash(STR("a\0")));
	assert_true(str_hash(STR_NONE) == str_hash(STR("")));
	/* Neighbours differ in the bits that a small table uses. */
	assert_true((str_hash(STR("k1")) & 0xFFFF) != (str_hash(STR("k2")) & 0xFFFF));
}

TEST_MAIN(RUN(every_error_has_a_text), RUN(absent_and_empty_differ_but_compare_equal),
    RUN(case_is_folded_in_ascii_alone), RUN(compare_orders_bytes_and_then_lengths),
    RUN(index_and_contains_find_the_first), RUN(trim_takes_white_space_from_both_ends),
    RUN(cut_gives_every_part_once), RUN(u64_is_digits_within_bounds),
    RUN(i64_is_a_sign_and_digits_within_bounds), RUN(utf8_is_what_rfc_3629_says),
    RUN(utf8_step_knows_every_code_point), RUN(utf8_step_measures_the_bad_part),
    RUN(code_points_are_counted), RUN(control_bytes_are_seen), RUN(hash_depends_on_every_byte))
