#include "test.h"

#include "http/path.h"

static const struct {
	const char *raw;
	size_t      count;
	const char *name, *value;               /* of the last pair */
} queries[] = {
	{ "", 0, NULL, NULL },
	{ "&&", 0, NULL, NULL },
	{ "a=1", 1, "a", "1" },
	{ "a=1&b=2", 2, "b", "2" },
	{ "&a=1&", 1, "a", "1" },
	{ "a", 1, "a", "" },
	{ "a=", 1, "a", "" },
	{ "=1", 1, "", "1" },
	{ "a=b=c", 1, "a", "b=c" },
	{ "a=1;b=2", 1, "a", "1;b=2" },
	{ "q=hello+world", 1, "q", "hello world" },
	{ "q=a%2Bb%20c", 1, "q", "a+b c" },
	{ "q=caf%C3%A9", 1, "q", "caf\xC3\xA9" },
	{ "q=caf\xC3\xA9", 1, "q", "caf\xC3\xA9" },
	{ "%71=1", 1, "q", "1" },
	{ "q=%2541", 1, "q", "%41" },
	{ "q=%26%3D", 1, "q", "&=" },
	{ "q=%0A", 1, "q", "\n" },
	{ "a+b=1", 1, "a b", "1" },
};

TEST(pairs_are_decoded)
{
	struct path_parameter list[QUERY_PARAMS_MAX];
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT(queries); i++) {
		const char *reason = NULL;
		size_t count = 99;
		assert_row(query_parse(&arena, str_of(queries[i].raw), list, COUNT(list), &count,
		    &reason) == OK, queries[i].raw);
		assert_row(count == queries[i].count, queries[i].raw);
		if (count == 0)
			continue;
		assert_str(list[count - 1].name, str_of(queries[i].name));
		assert_str(list[count - 1].value, str_of(queries[i].value));
		assert_row(list[count - 1].value.ptr != NULL, queries[i].raw);
	}
	arena_clean(&arena);
}

TEST(no_query_has_no_pairs)
{
	struct path_parameter list[1];
	struct arena arena;
	const char *reason = NULL;
	size_t count = 99;

	(void)state;
	arena_init(&arena, 1 << 16);
	assert_int_equal(query_parse(&arena, STR_NONE, list, COUNT(list), &count, &reason), OK);
	assert_int_equal(count, 0);
	arena_clean(&arena);
}

static const struct {
	const char *raw, *reason;
} refused[] = {
	{ "a=%", "bad percent escape" },
	{ "a=%4", "bad percent escape" },
	{ "a=%zz", "bad percent escape" },
	{ "%x=1", "bad percent escape" },
	{ "a=%00", "NUL byte" },
	{ "a%00b=1", "NUL byte" },
	{ "a=%FF", "invalid UTF-8" },
	{ "a=\xC0\xAF", "invalid UTF-8" },
	{ "%C3=1", "invalid UTF-8" },
	{ "a=1&a=2", "a name given twice" },
	{ "a=1&%61=2", "a name given twice" },
	{ "a&b&a", "a name given twice" },
};

TEST(a_bad_query_is_refused_with_the_reason)
{
	struct path_parameter list[QUERY_PARAMS_MAX];
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT(refused); i++) {
		const char *reason = NULL;
		size_t count = 0;
		assert_row(query_parse(&arena, str_of(refused[i].raw), list, COUNT(list), &count,
		    &reason) == ERR_INVALID, refused[i].raw);
		assert_string_equal(reason, refused[i].reason);
	}
	arena_clean(&arena);
}

TEST(more_pairs_than_there_is_room_are_too_large)
{
	struct path_parameter list[2];
	struct arena arena;
	const char *reason = NULL;
	size_t count = 0;

	(void)state;
	arena_init(&arena, 1 << 16);
	assert_int_equal(query_parse(&arena, STR("a=1&b=2"), list, 2, &count, &reason), OK);
	assert_int_equal(query_parse(&arena, STR("a=1&b=2&c=3"), list, 2, &count, &reason),
	    ERR_TOO_LARGE);
	arena_clean(&arena);
}

TEST(a_long_query_is_too_large)
{
	static char long_query[QUERY_MAX_BYTES + 1];
	struct path_parameter list[2];
	struct arena arena;
	const char *reason = NULL;
	size_t count = 0;

	(void)state;
	arena_init(&arena, 1 << 20);
	memset(long_query, 'a', sizeof(long_query));
	assert_int_equal(query_parse(&arena, (struct str){ long_query, QUERY_MAX_BYTES }, list, 2,
	    &count, &reason), OK);
	assert_int_equal(query_parse(&arena, (struct str){ long_query, QUERY_MAX_BYTES + 1 }, list, 2,
	    &count, &reason), ERR_TOO_LARGE);
	arena_clean(&arena);
}

TEST_MAIN(RUN(pairs_are_decoded),
    RUN(no_query_has_no_pairs),
    RUN(a_bad_query_is_refused_with_the_reason),
    RUN(more_pairs_than_there_is_room_are_too_large),
    RUN(a_long_query_is_too_large))
