/*
 * raw_json: members of an object without a tree.
 */
#include "docs/raw_json.h"

#include "test.h"

TEST(members_come_in_their_order_with_their_text_as_it_stands)
{
	struct raw_members m = raw_members(STR(" { \"a\" : {\"x\":\"}\\\"{\",\"y\":[1,{}]} ,\"b\":[],\"c\":-1.5e3,"
	    "\"d\":\"\\\\\",\"e\":null}\n"));
	static const char *const names[] = { "a", "b", "c", "d", "e" };
	static const char *const values[] = {
		"{\"x\":\"}\\\"{\",\"y\":[1,{}]}", "[]", "-1.5e3", "\"\\\\\"", "null",
	};
	struct str name, value;
	size_t     n = 0;

	(void)state;
	for (; raw_next(&m, &name, &value); n++) {
		assert_true(n < COUNT(names));
		assert_str(name, str_of(names[n]));
		assert_str(value, str_of(values[n]));
	}
	assert_int_equal(n, COUNT(names));
	assert_false(m.broken);
}

TEST(elements_come_in_their_order)
{
	struct raw_members m = raw_elements(STR("[{\"name\":\"a\"}, \"]\",3]"));
	struct str         value;

	(void)state;
	assert_true(raw_next_element(&m, &value));
	assert_str(value, STR("{\"name\":\"a\"}"));
	assert_true(raw_next_element(&m, &value));
	assert_str(value, STR("\"]\""));
	assert_true(raw_next_element(&m, &value));
	assert_str(value, STR("3"));
	assert_false(raw_next_element(&m, &value));
	assert_false(m.broken);
}

TEST(what_is_cut_off_or_goes_on_is_no_object)
{
	static const char *const broken[] = {
		"", " ", "[]", "null", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":{}", "{\"a\":\"",
		"{\"a\":\"\\", "{\"a\":[}", "{a:1}", "{\"a\" 1}", "{} {}", "{\"a\\u0062\":1}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(broken); i++)
		assert_row(!raw_is_object(str_of(broken[i])), broken[i]);
	assert_false(raw_is_object(STR_NONE));
	assert_true(raw_is_object(STR("{}")));
}

TEST(a_member_that_is_not_there_is_absent)
{
	(void)state;
	assert_str(raw_get(STR("{\"a\":1,\"b\":{\"c\":2}}"), "b"), STR("{\"c\":2}"));
	assert_null(raw_get(STR("{\"a\":1,\"b\":{\"c\":2}}"), "c").ptr);
	assert_null(raw_get(STR_NONE, "a").ptr);
}

TEST_MAIN(RUN(members_come_in_their_order_with_their_text_as_it_stands),
    RUN(elements_come_in_their_order), RUN(what_is_cut_off_or_goes_on_is_no_object),
    RUN(a_member_that_is_not_there_is_absent))
