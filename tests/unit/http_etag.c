#include "http/etag.h"
#include "tests/test.h"

#define ID "01890a5d-ac96-774b-bcce-b302099a8057"

TEST(a_tag_names_the_thing_and_its_version)
{
	struct arena a;
	(void)state;
	arena_init(&a, 1 << 20);
	assert_str(etag_of_version(&a, STR(ID), 3, ""), STR("\"b302099a8057-3\""));
	assert_str(etag_of_version(&a, STR(ID), 3, "html"), STR("\"b302099a8057-3-html\""));
	arena_clean(&a);
}

TEST(if_match_compares_strongly)
{
	static const struct { const char *list; bool strong, weak; } rows[] = {
		{ "\"a\"", true, true }, { "*", true, true }, { "\"b\", \"a\"", true, true },
		{ "W/\"a\"", false, true }, { "\"b\"", false, false }, { "a", false, false },
		{ "\"a", false, false }, { "", false, false }, { ",,\"a\",", true, true },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_row(etag_list_has(str_of(rows[i].list), STR("\"a\"")) == rows[i].strong, rows[i].list);
		assert_row(etag_list_has_weak(str_of(rows[i].list), STR("\"a\"")) == rows[i].weak,
		    rows[i].list);
	}
}

TEST(different_bytes_have_different_tags)
{
	struct arena a;
	(void)state;
	arena_init(&a, 1 << 20);
	struct str one = etag_of_bytes(&a, STR("one")), two = etag_of_bytes(&a, STR("two"));
	assert_false(str_eq(one, two));
	assert_str(etag_of_bytes(&a, STR("one")), one);
	arena_clean(&a);
}

TEST_MAIN(RUN(a_tag_names_the_thing_and_its_version), RUN(if_match_compares_strongly),
    RUN(different_bytes_have_different_tags))
