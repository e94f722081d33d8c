/*
 * test: what every unit and contract test includes.
 * TEST(name) defines one behaviour; TEST_MAIN lists them.  The executable runs
 * all of them, or the one named as its argument (how ctest calls it).
 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/str.h"

#define TEST(name) static void name(void **state)
#define RUN(name) cmocka_unit_test(name)

#define TEST_MAIN(...)                                                         \
	int main(int argc, char **argv)                                        \
	{                                                                      \
		const struct CMUnitTest tests[] = { __VA_ARGS__ };             \
		if (argc > 1)                                                  \
			cmocka_set_test_filter(argv[1]);                       \
		return cmocka_run_group_tests(tests, NULL, NULL);              \
	}

/* Fails naming the row of a table. */
#define assert_row(condition, row)                                             \
	do {                                                                   \
		if (!(condition))                                              \
			fail_msg("row \"%s\": %s", (row), #condition);         \
	} while (0)

#define assert_str(actual, expected)                                           \
	do {                                                                   \
		struct str actual_ = (actual), expected_ = (expected);         \
		if (!str_eq(actual_, expected_))                               \
			fail_msg("got \"%.*s\", expected \"%.*s\"",            \
			    STR_ARG(actual_), STR_ARG(expected_));             \
	} while (0)

#endif
