/*
 * One-time passwords: the RFCs' own numbers; and codes that people type.
 */
#include "auth/code.h"
#include "auth/totp.h"
#include "tests/test.h"

#include "base/limits.h"

static const uint8_t *const secret = (const uint8_t *)"12345678901234567890";

/* RFC 4226, appendix D. */
static const char *const counters[] = {
	"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583",
	"399871", "520489",
};

/* RFC 6238, appendix B, SHA-1: the last six of eight digits. */
static const struct {
	int64_t     at_s;
	const char *code;
} times[] = {
	{ 59, "287082" }, { 1111111109, "081804" }, { 1111111111, "050471" },
	{ 1234567890, "005924" }, { 2000000000, "279037" }, { INT64_C(20000000000), "353130" },
};

TEST(codes_are_those_of_rfc_4226_and_rfc_6238)
{
	char    code[TOTP_DIGITS + 1];
	int64_t step;

	(void)state;
	for (size_t i = 0; i < COUNT(counters); i++) {
		totp_code(secret, (int64_t)i, code);
		assert_row(strcmp(code, counters[i]) == 0, counters[i]);
	}
	for (size_t i = 0; i < COUNT(times); i++) {
		assert_row(totp_check(secret, str_of(times[i].code), times[i].at_s * 1000, 0, &step),
		    times[i].code);
		assert_true(step == times[i].at_s / TOTP_STEP_S);
	}
}

static const struct {
	const char *row, *code;
	int64_t     step, last_step;
	bool        good;
} checks[] = {
	{ "now", "287082", 1, 0, true },
	{ "one step late", "287082", 2, 0, true },
	{ "two steps late", "287082", 3, 0, false },
	{ "one step early", "969429", 2, 0, true },
	{ "two steps early", "338314", 2, 0, false },
	{ "used", "287082", 1, 1, false },
	{ "older than a used one", "287082", 2, 2, false },
	{ "newer than a used one", "359152", 1, 1, true },
	{ "the next one used", "287082", 1, 2, false },
	{ "one used an hour later, before the clock was set back", "287082", 1, 121, true },
	{ "another", "287083", 1, 0, false },
	{ "short", "28708", 1, 0, false },
	{ "long", "2870820", 1, 0, false },
	{ "none", "", 1, 0, false },
};

TEST(a_code_is_good_for_a_step_around_its_own_and_not_behind_a_used_one)
{
	int64_t step;

	(void)state;
	for (size_t i = 0; i < COUNT(checks); i++)
		assert_row(totp_check(secret, str_of(checks[i].code),
		    checks[i].step * TOTP_STEP_S * 1000, checks[i].last_step, &step) ==
		    checks[i].good, checks[i].row);
}

TEST(a_code_has_six_digits)
{
	(void)state;
	assert_true(totp_is_code(STR("000000")));
	assert_false(totp_is_code(STR("00000")));
	assert_false(totp_is_code(STR("0000000")));
	assert_false(totp_is_code(STR("00000a")));
	assert_false(totp_is_code(STR_NONE));
}

TEST(the_secret_is_shown_as_apps_read_it)
{
	struct arena a;
	struct str   base32;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	base32 = totp_base32(&a, secret);
	assert_str(base32, STR("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
	assert_str(totp_uri(&a, STR("Acme & Co"), STR("ada+1@example.org"), base32),
	    STR("otpauth://totp/Acme%20%26%20Co:ada%2B1%40example.org"
	    "?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Acme%20%26%20Co"
	    "&algorithm=SHA1&digits=6&period=30"));
	arena_clean(&a);
}

TEST(a_typed_code_is_the_same_in_any_case_and_grouping)
{
	struct arena a;
	struct str   hash;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	hash = code_hash(&a, STR("x"), STR("abcd-efgh-2345"), 12);
	assert_int_equal(hash.len, 64);
	assert_str(code_hash(&a, STR("x"), STR("ABCDEFGH2345"), 12), hash);
	assert_str(code_hash(&a, STR("x"), STR(" abcd efgh 2345 "), 12), hash);
	assert_false(str_eq(code_hash(&a, STR("y"), STR("abcd-efgh-2345"), 12), hash));
	assert_false(str_eq(code_hash(&a, STR("x"), STR("abcd-efgh-2346"), 12), hash));
	assert_null(code_hash(&a, STR("x"), STR("abcd-efgh-234"), 12).ptr);
	assert_null(code_hash(&a, STR("x"), STR("abcd-efgh-23456"), 12).ptr);
	assert_null(code_hash(&a, STR("x"), STR("abcd-efgh-234l"), 12).ptr);
	assert_null(code_hash(&a, STR("x"), STR_NONE, 12).ptr);
	arena_clean(&a);
}

TEST(new_codes_are_in_groups_and_no_two_are_alike)
{
	struct arena a;
	struct str   one, two;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	one = code_new(&a, 12, 4);
	two = code_new(&a, 12, 4);
	assert_int_equal(one.len, 14);
	assert_true(one.ptr[4] == '-' && one.ptr[9] == '-');
	assert_false(str_eq(one, two));
	assert_non_null(code_hash(&a, STR("x"), one, 12).ptr);
	arena_clean(&a);
}

TEST_MAIN(
	RUN(codes_are_those_of_rfc_4226_and_rfc_6238),
	RUN(a_code_is_good_for_a_step_around_its_own_and_not_behind_a_used_one),
	RUN(a_code_has_six_digits),
	RUN(the_secret_is_shown_as_apps_read_it),
	RUN(a_typed_code_is_the_same_in_any_case_and_grouping),
	RUN(new_codes_are_in_groups_and_no_two_are_alike))
