/*
 * Markdown to HTML and to words, and what hostile Markdown must not do: take
 * seconds, gigabytes or the process (nested brackets, quotes and lists, tables
 * wider than their text, references that grow, unfinished CDATA).
 */
#include "test.h"

#include <pthread.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "content/content_limits.h"
#include "content/markdown.h"
#include "content/parse_heap.h"
#include "content/plain_text.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 256u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_clean(&arena);
	return 0;
}

static struct str html_of(struct str text)
{
	struct str safe = STR_NONE;

	assert_int_equal(markdown_to_html(&arena, text, NULL, &safe), OK);
	return safe;
}

static struct str text_of(struct str text)
{
	struct str plain = STR_NONE;

	assert_int_equal(markdown_to_text(&arena, text, &plain), OK);
	return plain;
}

struct row {
	const char *text, *html;
};

TEST(renders_commonmark_and_github_extensions)
{
	static const struct row rows[] = {
		{ "# A *b*", "<h1 id=\"user-content-a-b\">A <em>b</em></h1>\n" },
		{ "~~x~~", "<p><del>x</del></p>\n" },
		{ "a | b\n--|-:\n1 | 2",
		  "<table>\n<thead>\n<tr>\n<th>a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n"
		  "<tbody>\n<tr>\n<td>1</td>\n<td align=\"right\">2</td>\n</tr>\n</tbody>\n</table>\n" },
		{ "see www.x.org.", "<p>see <a href=\"http://www.x.org\" "
		  "rel=\"nofollow noopener noreferrer\">www.x.org</a>.</p>\n" },
		{ "```rust,ignore\na < b\n```",
		  "<pre><code class=\"language-rust\">a &lt; b\n</code></pre>\n" },
		{ "![a](/b.png \"c\")", "<p><img src=\"/b.png\" alt=\"a\" title=\"c\"></p>\n" },
		{ "- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n" },
		{ "<div>\n\n*x*\n\n</div>", "<div>\n<p><em>x</em></p>\n</div>\n" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(str_eq(html_of(str_of(rows[i].text)), str_of(rows[i].html)), rows[i].text);
}

TEST(links_footnotes_within_the_page)
{
	struct str html = html_of(STR("a[^n]\n\n[^n]: note"));

	(void)state;
	assert_true(str_contains(html, STR("href=\"#user-content-fn")));
	assert_true(str_contains(html, STR("id=\"user-content-fn")));
}

TEST(lets_raw_html_through_before_sanitising)
{
	struct str raw, safe;

	(void)state;
	assert_int_equal(markdown_to_html(&arena, STR("a <script>x</script> [l](javascript:x)"),
	    &raw, &safe), OK);
	assert_str(raw, STR("<p>a <script>x</script> <a href=\"javascript:x\">l</a></p>\n"));
	assert_str(safe, STR("<p>a  <a>l</a></p>\n"));
}

TEST(replaces_what_is_not_utf8)
{
	(void)state;
	assert_str(html_of(STR("a\xFF\0b")), STR("<p>a\xEF\xBF\xBD\xEF\xBF\xBD" "b</p>\n"));
}

TEST(refuses_a_text_over_the_bound)
{
	char *bytes = arena_zero(&arena, 1, MARKDOWN_MAX_BYTES + 1);
	struct str safe;

	(void)state;
	assert_int_equal(markdown_to_html(&arena, (struct str){ bytes, MARKDOWN_MAX_BYTES + 1 },
	    NULL, &safe), ERR_TOO_LARGE);
}

/* `count` times `part`, then `then` as often. */
static struct str repeated(const char *part, const char *then, size_t count)
{
	struct buf b;

	buf_init(&b, &arena, 8u << 20);
	for (size_t i = 0; i < count; i++)
		buf_add(&b, str_of(part));
	for (size_t i = 0; i < count; i++)
		buf_add(&b, str_of(then));
	return buf_str(&b);
}

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Rendered or refused; two parsers' time each, and twice that for sanitizers. */
TEST(ends_soon_whatever_the_text)
{
	static const struct {
		const char *part, *then;
	} rows[] = {
		{ "[", "" },            { "[", "](a)" },        { ">", "" },
		{ "- ", "" },           { "- ", "\n" },         { "*a_ ", "" },
		{ "![[]()", "" },       { "[a](", "" },         { "a<![CDATA[", "" },
		{ "a<!A ", "" },        { "|x", "" },           { "`a``", "" },
		{ "x@x.x_", "" },       { "www.a", ")" },       { "<div>", "" },
		{ "[a]: x\n", "[a]" },  { "[^a]", "" },         { "<b><p>", "x" },
		{ "&", "" },            { "\\", "" },           { "# ", "" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str text = repeated(rows[i].part, rows[i].then, 8000), safe;
		double start = cpu_s();
		enum err e = markdown_to_html(&arena, text, NULL, &safe);

		assert_row(e == OK || e == ERR_TOO_LARGE, rows[i].part);
		assert_row(cpu_s() - start < 4.0 * PARSE_CPU_MAX_MS / 1000, rows[i].part);
		arena_reset(&arena);
	}
}

TEST(refuses_references_that_grow_without_bound)
{
	struct buf b;
	struct str safe;

	(void)state;
	buf_init(&b, &arena, 8u << 20);
	BUF_LIT(&b, "[a]: /");
	buf_add(&b, repeated("u", "", 100000));
	BUF_LIT(&b, "\n\n");
	buf_add(&b, repeated("[a]", "", 100000));
	assert_int_equal(markdown_to_html(&arena, buf_str(&b), NULL, &safe), ERR_TOO_LARGE);
}

TEST(renders_again_after_a_refusal)
{
	struct str safe;

	(void)state;
	assert_int_equal(markdown_to_html(&arena, repeated("![[]()", "", 50000), NULL, &safe),
	    ERR_TOO_LARGE);
	assert_str(html_of(STR("~~x~~")), STR("<p><del>x</del></p>\n"));
}

static void *render_often(void *failures)
{
	struct arena own;

	arena_init(&own, 64u << 20);
	for (int i = 0; i < 200; i++) {
		struct str safe = STR_NONE;

		if (markdown_to_html(&own, STR("~~x~~"), NULL, &safe) != OK ||
		    !str_eq(safe, STR("<p><del>x</del></p>\n")))
			++*(int *)failures;
		arena_reset(&own);
	}
	arena_clean(&own);
	return NULL;
}

TEST(renders_the_same_from_many_threads)
{
	pthread_t threads[4];
	int failures[4] = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, render_often, &failures[i]), 0);
	for (size_t i = 0; i < COUNT(threads); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(failures[i], 0);
	}
}

static enum err hold_and_fail(struct parse_heap *heap, void *context)
{
	char *p = parse_heap_calloc(heap, 10, 10);

	(void)context;
	p = parse_heap_realloc(heap, p, 1000);
	parse_heap_free(heap, parse_heap_calloc(heap, 1, 1));
	return p[0] == 0 ? ERR_STALE : OK;
}

static enum err take_too_much(struct parse_heap *heap, void *taken)
{
	for (unsigned i = 0; i < 1000; i++) {
		parse_heap_calloc(heap, 1, 1u << 20);
		++*(unsigned *)taken;
	}
	return OK;
}

TEST(parse_heap_frees_what_the_work_left)
{
	(void)state;        /* the leak checker is who fails this */
	assert_int_equal(parse_heap_run(hold_and_fail, NULL), ERR_STALE);
}

TEST(parse_heap_leaves_work_that_takes_too_much)
{
	unsigned megabytes = 0;

	(void)state;
	assert_int_equal(parse_heap_run(take_too_much, &megabytes), ERR_TOO_LARGE);
	assert_int_equal(megabytes, PARSE_HEAP_MAX_BYTES >> 20);
}

TEST(gives_the_words_without_the_markup)
{
	static const struct row rows[] = {
		{ "# A\n\nb *c*  d\ne", "A\nb c d e" },
		{ "a<br>b <b>c</b>", "a\nb c" },
		{ "`<x> & \"y\"`", "<x> & \"y\"" },
		{ "<script>no</script><!-- no -->yes", "yes" },
		{ "a | b\n--|--\n1 | 2", "a b\n1 2" },
		{ "- a\n- b", "a\nb" },
		{ "[l](/u) ![alt](/i)", "l" },
		{ "&amp;lt;", "&lt;" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!str_eq(text_of(str_of(rows[i].text)), str_of(rows[i].html)))
			fail_msg("row \"%s\": got \"%.*s\"", rows[i].text,
			    STR_ARG(text_of(str_of(rows[i].text))));
}

TEST(counts_words_and_characters_that_are_words)
{
	static const struct {
		const char *text;
		size_t      words;
	} rows[] = {
		{ "", 0 }, { " \n ", 0 }, { "a", 1 }, { "a b\nc", 3 }, { "\xC3\xA9t\xC3\xA9", 1 },
		{ "\xE6\xBC\xA2\xE5\xAD\x97", 2 },      /* two ideographs */
		{ "a\xE6\xBC\xA2 b", 3 }, { "\xE6", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(plain_text_words(str_of(rows[i].text)) == rows[i].words, rows[i].text);
}

TEST(rounds_reading_minutes_up)
{
	(void)state;
	assert_int_equal(plain_text_reading_minutes(STR("")), 1);
	assert_int_equal(plain_text_reading_minutes(repeated("a ", "", 200)), 1);
	assert_int_equal(plain_text_reading_minutes(repeated("a ", "", 201)), 2);
}

TEST(cuts_excerpts_between_words)
{
	(void)state;
	assert_str(plain_text_excerpt(&arena, STR("one two\nthree"), 20), STR("one two three"));
	assert_str(plain_text_excerpt(&arena, STR("one two three"), 9), STR("one two…"));
	assert_str(plain_text_excerpt(&arena, STR("one two three"), 7), STR("one two…"));
	assert_str(plain_text_excerpt(&arena, STR("abcdef"), 3), STR("abc…"));
	assert_str(plain_text_excerpt(&arena, STR("\xC3\xA9\xC3\xA9\xC3\xA9"), 2),
	    STR("\xC3\xA9\xC3\xA9…"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(CASE(renders_commonmark_and_github_extensions), CASE(links_footnotes_within_the_page),
    CASE(lets_raw_html_through_before_sanitising), CASE(replaces_what_is_not_utf8),
    CASE(refuses_a_text_over_the_bound), CASE(ends_soon_whatever_the_text),
    CASE(refuses_references_that_grow_without_bound), CASE(renders_again_after_a_refusal),
    CASE(renders_the_same_from_many_threads), CASE(parse_heap_frees_what_the_work_left),
    CASE(parse_heap_leaves_work_that_takes_too_much), CASE(gives_the_words_without_the_markup),
    CASE(counts_words_and_characters_that_are_words), CASE(rounds_reading_minutes_up),
    CASE(cuts_excerpts_between_words))
