/*
 * What may be chosen as a password: nothing that a guesser tries first.
 */
#include "auth/common_password.h"
#include "auth/identity.h"
#include "auth/password.h"
#include "tests/test.h"

#define LONGEST_BYTES 64        /* what a look-up folds on its stack */

TEST(the_list_is_sorted_lower_case_and_holds_the_commonest_ten_thousand)
{
	struct str rest = str_of(common_password_at(0).ptr), last = STR("");
	size_t     n = 0;

	(void)state;
	while (rest.len > 0) {
		struct str row = str_cut(&rest, '\n');

		assert_true(str_compare(last, row) < 0);
		assert_in_range(row.len, 1, LONGEST_BYTES);
		for (size_t i = 0; i < row.len; i++)
			if (row.ptr[i] < '!' || row.ptr[i] > '~' ||
			    (row.ptr[i] >= 'A' && row.ptr[i] <= 'Z'))
				fail_msg("row %.*s", STR_ARG(row));
		last = row;
		n++;
	}
	assert_in_range(n, 10000, 11000);
	assert_true(str_eq(common_password_at(n - 1), last));
	assert_null(common_password_at(n).ptr);
}

TEST(each_row_is_found_and_its_neighbours_are_not)
{
	char text[LONGEST_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < 10000; i += 97) {
		struct str row = common_password_at(i);

		assert_true(common_password_has(row));
		memcpy(text, row.ptr, row.len);
		text[row.len] = ' ';
		assert_false(common_password_has((struct str){ text, row.len + 1 }));
	}
	assert_true(common_password_has(common_password_at(0)));
	assert_true(common_password_has(STR("123456")));
	assert_true(common_password_has(STR("PassWord")));
	assert_true(common_password_has(STR("qwertyuiop")));
	assert_false(common_password_has(STR("")));
	assert_false(common_password_has(STR("\n")));
	assert_false(common_password_has(STR("123456\n1234567")));
	assert_false(common_password_has(STR("zzzzzzzzzzzzzzzzzzzzzzzz")));
}

static const struct {
	const char *password, *email;
	bool        good;
} rows[] = {
	{ "correct horse battery", "ada@example.org", true },
	{ "twelve chars", "ada@example.org", true },
	{ "eleven char", "ada@example.org", false },
	{ "motherfucker", "ada@example.org", false },
	{ "MotherFucker", "ada@example.org", false },
	{ "1qaz2wsx3edc", "ada@example.org", false },
	/* repetitions and runs */
	{ "aaaaaaaaaaaa", "ada@example.org", false },
	{ "abcabcabcabca", "ada@example.org", false },
	{ "QwertyQwerty", "ada@example.org", false },
	{ "passwordpassword", "ada@example.org", false },
	{ "a horse, a horse, ", "ada@example.org", true },
	{ "123456789012", "ada@example.org", false },
	{ "210987654321", "ada@example.org", false },
	{ "abcdefghijklm", "ada@example.org", false },
	{ "abcdefghijkma", "ada@example.org", true },
	/* what is known of the account */
	{ "ada.lovelace", "Ada.Lovelace@example.org", false },
	{ "Ada.Lovelace1815", "ada.lovelace@example.org", false },
	{ "ada.lovelace at noon", "ada.lovelace@example.org", true },
	{ "ada@example.org", "ada@example.org", false },
	{ "ada-example-2026", "ada@example.org", false },
	{ "ada839201948372", "ada@example.org", true },
	{ "quiver-quiver-1", "ada@example.org", false },
	{ "quiverpassword", "ada@example.org", false },
	{ "quivering arrows", "ada@example.org", true },
	{ "me-and-my-dog", "me@x.org", true },
	{ "correct horse battery", NULL, true },
	{ "quiver2026quiver", NULL, false },
};

TEST(what_a_guesser_tries_first_is_refused)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *problem = password_problem_for(str_of(rows[i].password),
		    str_of(rows[i].email));

		assert_row((problem == NULL) == rows[i].good, rows[i].password);
	}
}

TEST_MAIN(
	RUN(the_list_is_sorted_lower_case_and_holds_the_commonest_ten_thousand),
	RUN(each_row_is_found_and_its_neighbours_are_not),
	RUN(what_a_guesser_tries_first_is_refused))
