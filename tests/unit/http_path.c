/*
 * security: one path means one resource, whoever stands in front.
 * Attacks held off here:
 *  - "..", plain, encoded or half encoded, to leave a prefix or the root
 *  - "//", "/./" and trailing dots, to slip past a rule on a prefix
 *  - encoded slashes and backslashes, which servers decode differently
 *  - NUL, CR, LF and other control bytes, to cut the path or a log line
 *  - overlong and broken UTF-8, as another spelling of '.' or '/'
 *  - double encoding: one round is decoded, never two
 *  - an absolute target or a fragment, to hide what is asked for
 *  - a path of megabytes
 */
#include "test.h"

#include <stdlib.h>

#include "http/path.h"

static const struct {
	const char *target, *path, *query;      /* path NULL: refused; query NULL: absent */
} targets[] = {
	{ "/", "/", NULL },
	{ "/v1/blog", "/v1/blog", NULL },
	{ "/v1/blog/", "/v1/blog/", NULL },
	{ "/v1/blog?limit=5&q=a%20b", "/v1/blog", "limit=5&q=a%20b" },
	{ "/v1/blog?", "/v1/blog", "" },
	{ "/a?b?c", "/a", "b?c" },
	{ "/a#b?c", "/a", NULL },
	{ "/a?b#c", "/a", "b" },
	{ "/%62log", "/blog", NULL },
	{ "/%7Euser/%7euser", "/~user/~user", NULL },
	{ "/caf%C3%A9", "/caf\xC3\xA9", NULL },
	{ "/caf\xC3\xA9", "/caf\xC3\xA9", NULL },
	{ "/a+b", "/a+b", NULL },
	{ "/a%2Bb%20c", "/a+b c", NULL },
	{ "/a%3Fb%23c", "/a?b#c", NULL },
	{ "/%2541", "/%41", NULL },
	{ "//v1//blog", "/v1/blog", NULL },
	{ "/v1/./blog/.", "/v1/blog/", NULL },
	{ "/v1/x/../blog", "/v1/blog", NULL },
	{ "/v1/x/%2e%2E/blog", "/v1/blog", NULL },
	{ "/v1/x/.%2e/blog", "/v1/blog", NULL },
	{ "/v1/%2e/blog", "/v1/blog", NULL },
	{ "/v1/x/..", "/v1/", NULL },
	{ "/x/..", "/", NULL },
	{ "/x//../y", "/y", NULL },
	{ "/...", "/...", NULL },
	{ "/..a/.b/c..", "/..a/.b/c..", NULL },
	{ "/v1/.well-known", "/v1/.well-known", NULL },
	{ "http://example.com/v1/blog?x=1", "/v1/blog", "x=1" },
	{ "HTTPS://example.com:8443/", "/", NULL },
	{ "http://example.com", "/", NULL },
	{ "http://example.com?x=1", "/", "x=1" },
	{ "http://example.com/../x", NULL, NULL },
	{ "", NULL, NULL },
	{ "*", NULL, NULL },
	{ "v1/blog", NULL, NULL },
	{ "?x", NULL, NULL },
	{ "example.com:443", NULL, NULL },
	{ "ftp://example.com/", NULL, NULL },
	{ "/..", NULL, NULL },
	{ "/../etc/passwd", NULL, NULL },
	{ "/a/../../b", NULL, NULL },
	{ "/%2e%2e/b", NULL, NULL },
	{ "/a//../../b", NULL, NULL },
	{ "/a%2Fb", NULL, NULL },
	{ "/a%2fb", NULL, NULL },
	{ "/a\\b", NULL, NULL },
	{ "/a%5Cb", NULL, NULL },
	{ "/..%5c..%5cb", NULL, NULL },
	{ "/a%", NULL, NULL },
	{ "/a%4", NULL, NULL },
	{ "/a%zz", NULL, NULL },
	{ "/a%u0041", NULL, NULL },
	{ "/a%+1", NULL, NULL },
	{ "/a%00b", NULL, NULL },
	{ "/a%0d%0ab", NULL, NULL },
	{ "/a\tb", NULL, NULL },
	{ "/a%7F", NULL, NULL },
	{ "/%C0%AE%C0%AE/", NULL, NULL },
	{ "/%C0%AF", NULL, NULL },
	{ "/%FF", NULL, NULL },
	{ "/%ED%A0%80", NULL, NULL },
	{ "/%C3", NULL, NULL },
};

TEST(a_target_has_one_path_or_none)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT(targets); i++) {
		struct str path, query;
		const char *reason = NULL;
		enum err e = path_normalize(&arena, str_of(targets[i].target), &path, &query, &reason);
		assert_row((e == OK) == (targets[i].path != NULL), targets[i].target);
		if (e != OK) {
			assert_row(e == ERR_INVALID && reason != NULL, targets[i].target);
			continue;
		}
		assert_str(path, str_of(targets[i].path));
		assert_str(query, str_of(targets[i].query));
		assert_row((query.ptr == NULL) == (targets[i].query == NULL), targets[i].target);
	}
	arena_clean(&arena);
}

static const struct {
	const char *target, *reason;
} reasons[] = {
	{ "v1", "the path does not start with a slash" },
	{ "/%x", "bad percent escape in the path" },
	{ "/%2F", "encoded slash in the path" },
	{ "/%5C", "backslash in the path" },
	{ "/%00", "control byte in the path" },
	{ "/%FF", "invalid UTF-8 in the path" },
	{ "/..", "the path leaves the root" },
};

TEST(a_refusal_says_why)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t i = 0; i < COUNT(reasons); i++) {
		struct str path, query;
		const char *reason = NULL;
		assert_int_equal(path_normalize(&arena, str_of(reasons[i].target), &path, &query,
		    &reason), ERR_INVALID);
		assert_string_equal(reason, reasons[i].reason);
	}
	arena_clean(&arena);
}

TEST(a_raw_nul_is_refused)
{
	struct arena arena;
	struct str path, query;
	const char *reason = NULL;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(path_normalize(&arena, STR("/a\0b"), &path, &query, &reason), ERR_INVALID);
	arena_clean(&arena);
}

TEST(nothing_behind_the_end_belongs_to_an_escape)
{
	struct path_parameter pair;
	struct arena arena;
	struct str path, query, text = STR("/a%41");
	const char *reason = NULL;
	size_t count = 0;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (size_t cut = 1; cut <= 2; cut++) {
		struct str shorter = str_first(text, text.len - cut);
		assert_int_equal(path_normalize(&arena, shorter, &path, &query, &reason), ERR_INVALID);
		assert_int_equal(query_parse(&arena, shorter, &pair, 1, &count, &reason), ERR_INVALID);
	}
	arena_clean(&arena);
}

/* "/" and `n` times `unit`. */
static struct str repeated(struct arena *a, const char *unit, size_t n)
{
	size_t len = strlen(unit);
	char *text = arena_alloc(a, 1 + n * len);

	text[0] = '/';
	for (size_t i = 0; i < n; i++)
		memcpy(text + 1 + i * len, unit, len);
	return (struct str){ text, 1 + n * len };
}

TEST(a_path_is_bounded_by_what_it_decodes_to)
{
	struct arena arena;
	struct str path, query;
	const char *reason = NULL;

	(void)state;
	arena_init(&arena, 32 << 20);
	struct str fits = repeated(&arena, "a", PATH_MAX_BYTES - 1);
	struct str over = repeated(&arena, "a", PATH_MAX_BYTES);
	struct str escaped = repeated(&arena, "%61", PATH_MAX_BYTES - 1);
	struct str escaped_over = repeated(&arena, "%61", PATH_MAX_BYTES);
	struct str huge = repeated(&arena, "x", 8 << 20);
	assert_int_equal(path_normalize(&arena, fits, &path, &query, &reason), OK);
	assert_int_equal(path.len, PATH_MAX_BYTES);
	assert_int_equal(path_normalize(&arena, escaped, &path, &query, &reason), OK);
	assert_int_equal(path_normalize(&arena, over, &path, &query, &reason), ERR_TOO_LARGE);
	assert_int_equal(path_normalize(&arena, escaped_over, &path, &query, &reason), ERR_TOO_LARGE);
	assert_int_equal(path_normalize(&arena, huge, &path, &query, &reason), ERR_TOO_LARGE);
	arena_clean(&arena);
}

/* What the router may rely on, whatever the bytes. */
static void assert_normal(struct str path)
{
	assert_true(str_starts(path, STR("/")));
	assert_false(str_contains(path, STR("//")));
	assert_false(str_contains(path, STR("/../")));
	assert_false(str_contains(path, STR("/./")));
	assert_false(str_ends(path, STR("/..")));
	assert_false(str_ends(path, STR("/.")));
	assert_false(str_has_control(path));
	assert_true(str_is_utf8(path));
}

TEST(any_mix_of_dots_and_slashes_comes_out_normal)
{
	static const char *const parts[] = { "/", "/", ".", ".", "a", "%2e", "%2E", "//", "/..", "b%20" };
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	srandom(7);
	for (int round = 0; round < 20000; round++) {
		struct str path, again, query;
		const char *reason = NULL;
		char target[128] = "/";
		for (long n = random() % 12; n > 0; n--) {
			size_t len = strlen(target);
			snprintf(target + len, sizeof(target) - len, "%s",
			    parts[(size_t)random() % COUNT(parts)]);
		}
		if (path_normalize(&arena, str_of(target), &path, &query, &reason) != OK)
			continue;
		assert_normal(path);
		assert_int_equal(path_normalize(&arena, path, &again, &query, &reason), OK);
		assert_str(again, path);
		arena_reset(&arena);
	}
	arena_clean(&arena);
}

TEST_MAIN(RUN(a_target_has_one_path_or_none),
    RUN(a_refusal_says_why),
    RUN(a_raw_nul_is_refused),
    RUN(nothing_behind_the_end_belongs_to_an_escape),
    RUN(a_path_is_bounded_by_what_it_decodes_to),
    RUN(any_mix_of_dots_and_slashes_comes_out_normal))
