/* The words of Markdown without parsing it, and text into XML. */
#include "content/markdown_words.h"
#include "content/xml.h"
#include "test.h"

TEST(words_are_what_a_reader_reads)
{
	static const struct { const char *text, *words; } rows[] = {
		{ "", "" },
		{ "plain words", "plain words" },
		{ "  spaces\n\n\tand lines\r\n", "spaces and lines" },
		{ "# A heading\n\n* item\n- other", "A heading item other" },
		{ "see [the book](https://example.org/a_(b) \"title\") now", "see [the book now" },
		{ "see [the book][ref] now\n\n[ref]: https://example.org", "see [the book now" },
		{ "![alt text](image.png)", "![alt text" },
		{ "a <b class=\"x\">bold</b> one<br>two", "a bold one two" },
		{ "before <!-- hidden\nwords --> after", "before after" },
		{ "1 < 2 and a<", "1 2 and a<" },
		{ "one &amp; two&nbsp;three", "one two three" },
		{ "R&D stays", "R&D stays" },
		{ "```rust\nlet x = 1;\n```\nend", "let x 1; end" },
		{ "| a | b |\n| --- | --- |\n| c | d |", "a b c d" },
		{ "[^note]: kept", "[^note]: kept" },
		{ "unclosed [link](no end", "unclosed [link](no end" },
		{ "unclosed <tag", "unclosed <tag" },
		{ "--- *** ___", "" },
		{ "\xE6\x97\xA5\xE6\x9C\xAC \xC3\xBC", "\xE6\x97\xA5\xE6\x9C\xAC \xC3\xBC" },
	};
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str words = markdown_words(&a, str_of(rows[i].text));
		if (!str_eq(words, str_of(rows[i].words)))
			fail_msg("\"%s\": \"%.*s\", not \"%s\"", rows[i].text, STR_ARG(words), rows[i].words);
	}
	arena_clean(&a);
}

TEST(hostile_text_takes_time_in_proportion)
{
	static const char *const pieces[] = { "](", "<a", "<!--", "&", "[x][", "`" };
	struct arena a;

	(void)state;
	for (size_t i = 0; i < COUNT(pieces); i++) {
		struct buf text;
		arena_init(&a, 64 << 20);
		buf_init(&text, &a, 1 << 20);
		while (text.len < 500000)
			buf_add(&text, str_of(pieces[i]));
		assert_row(markdown_words(&a, buf_str(&text)).len <= text.len, pieces[i]);
		arena_clean(&a);
	}
}

TEST(xml_text_is_escaped_and_has_only_characters_of_xml)
{
	static const struct { const char *text, *xml; } rows[] = {
		{ "a < b & \"c\" > d", "a &lt; b &amp; &quot;c&quot; &gt; d" },
		{ "tab\tand\nline", "tab\tand\nline" },
		{ "bell\x07 and esc\x1B[", "bell and esc[" },
		{ "\xC3\xBC \xF0\x9F\x98\x80", "\xC3\xBC \xF0\x9F\x98\x80" },
		{ "\xEF\xBF\xBE\xEF\xBF\xBF|", "|" },
		{ "broken \xFF\xC3 end", "broken  end" },
		{ "]]>", "]]&gt;" },
	};
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf out;
		buf_init(&out, &a, 4096);
		xml_text(&out, str_of(rows[i].text));
		assert_str(buf_str(&out), str_of(rows[i].xml));
	}
	arena_clean(&a);
}

TEST_MAIN(RUN(words_are_what_a_reader_reads), RUN(hostile_text_takes_time_in_proportion),
    RUN(xml_text_is_escaped_and_has_only_characters_of_xml))
