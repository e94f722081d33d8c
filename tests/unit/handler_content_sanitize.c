/*
 * What the sanitiser holds off:
 *   script in elements (script, style, iframe, object, embed, svg, math, template),
 *   in event attributes, in URLs (javascript:, vbscript:, data:, with entities,
 *   control bytes, case and spaces in them), in styles and meta;
 *   mutation XSS: what is text or an attribute to one parser and markup to the
 *   next (noscript, svg and math, comments, CDATA, unclosed quotes, <plaintext>);
 *   DOM clobbering by id and name; forms that ask for passwords; base, link;
 *   opener and referrer leaks of links to other hosts;
 *   nesting that overflows a parser's stack or takes minutes.
 */
#include "test.h"

#include "base/arena.h"
#include "base/buf.h"
#include "content/content_limits.h"
#include "content/html_elements.h"
#include "content/sanitize.h"

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

static struct str clean(struct str html)
{
	struct str out = STR_NONE;

	assert_int_equal(sanitize_html(&arena, html, &out), OK);
	return out;
}

struct row {
	const char *html, *safe;
};

static void check(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct str safe = clean(str_of(rows[i].html));

		if (!str_eq(safe, str_of(rows[i].safe)))
			fail_msg("row \"%s\": got \"%.*s\", expected \"%s\"", rows[i].html,
			    STR_ARG(safe), rows[i].safe);
		assert_row(str_eq(clean(safe), safe), rows[i].html);
	}
}

TEST(keeps_what_bodies_are_made_of)
{
	static const struct row rows[] = {
		{ "<p>a <em>b</em> <strong>c</strong><br>d</p>",
		  "<p>a <em>b</em> <strong>c</strong><br>d</p>" },
		{ "<h2>x</h2><hr /><ul><li>1</li></ul>",
		  "<h2 id=\"user-content-x\">x</h2><hr><ul><li>1</li></ul>" },
		{ "<table><thead><tr><th align=\"right\">h</th></tr></thead></table>",
		  "<table><thead><tr><th align=\"right\">h</th></tr></thead></table>" },
		{ "<ol start=\"3\"><li>x</ol>", "<ol start=\"3\"><li>x</li></ol>" },
		{ "<details open><summary>s</summary>t</details>",
		  "<details open=\"\"><summary>s</summary>t</details>" },
		{ "<pre><code class=\"language-c\">a &lt; b</code></pre>",
		  "<pre><code class=\"language-c\">a &lt; b</code></pre>" },
		{ "<pre>\n\nx</pre>", "<pre>\n\nx</pre>" },
		{ "<img src=\"/a.png\" alt=\"A\" width=\"10\">",
		  "<img src=\"/a.png\" alt=\"A\" width=\"10\">" },
		{ "<progress value=\"7\" max=\"34\"></progress>",
		  "<progress value=\"7\" max=\"34\"></progress>" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

TEST(escapes_text_and_attributes)
{
	static const struct row rows[] = {
		{ "a < b && c > \"d\"", "a &lt; b &amp;&amp; c &gt; &quot;d&quot;" },
		{ "&lt;script&gt;", "&lt;script&gt;" },
		{ "&amp;lt;", "&amp;lt;" },
		{ "<abbr title='\"><script>'>x</abbr>",
		  "<abbr title=\"&quot;&gt;&lt;script&gt;\">x</abbr>" },
		{ "<abbr title=`x`>y</abbr>", "<abbr title=\"`x`\">y</abbr>" },
		{ "a \xC3\xA9 \xF0\x9F\x8E\x89", "a \xC3\xA9 \xF0\x9F\x8E\x89" },
		{ "<", "&lt;" },
		{ "<<b>x", "&lt;<b>x</b>" },
		{ "<<!-- -->b>x", "&lt;b&gt;x" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

TEST(drops_elements_that_run_with_their_contents)
{
	static const struct row rows[] = {
		{ "a<script>alert(1)</script>b", "ab" },
		{ "a<SCRIPT SRC=//x></SCRIPT>b", "ab" },
		{ "a<script/x>alert(1)</script >b", "ab" },
		{ "<scr<script>ipt>alert(1)</script>", "ipt&gt;alert(1)" },
		{ "<script>a</script-x>b</script>c", "c" },
		{ "<script>never closed <p>x</p>", "" },
		{ "a<style>*{background:url(javascript:alert(1))}</style>b", "ab" },
		{ "<iframe src=javascript:alert(1)>x</iframe>y", "y" },
		{ "<svg onload=alert(1)><a href=x>t</a></svg>y", "y" },
		{ "<svg><svg>a</svg>b</svg>y", "y" },
		{ "<svg/>y", "y" },
		{ "<math><mi>x</mi></math>y", "y" },
		{ "<template><img src=x onerror=alert(1)></template>y", "y" },
		{ "<noscript><img src=x onerror=alert(1)></noscript>y", "y" },
		{ "<textarea><script>alert(1)</script></textarea>y", "y" },
		{ "<title><img src=x onerror=alert(1)></title>y", "y" },
		{ "<xmp><img src=x onerror=alert(1)></xmp>y", "y" },
		{ "<plaintext><img src=x onerror=alert(1)>", "" },
		{ "<object data=x><embed src=y></object>z", "z" },
		{ "<form action=//x><input name=password><button>b</button></form>", "b" },
		{ "<base href=//x><link rel=stylesheet href=y><meta http-equiv=refresh>z", "z" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

TEST(drops_attributes_that_run)
{
	static const struct row rows[] = {
		{ "<p onclick=alert(1) style='x:y' class=z name=n>t</p>", "<p>t</p>" },
		{ "<IMG SRC=x ONERROR=alert(1)>", "<img src=\"x\">" },
		{ "<img src=x onerror\n=\n'alert(1)'>", "<img src=\"x\">" },
		{ "<img/src=x/onerror=alert(1)>", "<img src=\"x/onerror=alert(1)\">" },
		{ "<img src=\"x\"onerror=\"alert(1)\">", "<img src=\"x\">" },
		{ "<IMG \"\"\"><SCRIPT>alert(1)</SCRIPT>\">", "<img>&quot;&gt;" },
		{ "<b onmouseover=alert(1)//>x</b>", "<b>x</b>" },
		{ "<a href=x srcdoc=y ping=z target=_top formaction=q>t</a>",
		  "<a href=\"x\">t</a>" },
		{ "<img srcset='javascript:x 1x' src=a>", "<img src=\"a\">" },
		{ "<ol start='1\"onx=y'><li>a</ol>", "<ol><li>a</li></ol>" },
		{ "<td background=javascript:x>a</td>", "a" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

TEST(refuses_urls_that_run)
{
	static const char *const urls[] = {
		"javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)",
		"\x01javascript:alert(1)", "java\tscript:alert(1)", "java\nscript:alert(1)",
		"java&#09;script:alert(1)", "java&#x0A;script:alert(1)", "javascript&#58;alert(1)",
		"javascript&#x3A;alert(1)", "javascript&colon;alert(1)", "&#106;avascript:alert(1)",
		"&#0000106avascript:alert(1)", "&#14;javascript:alert(1)", "jav&Tab;ascript:alert(1)",
		"vbscript:msgbox(1)", "data:text/html,<script>alert(1)</script>",
		"data:text/html;base64,PHN2Zz4=", "data:image/svg+xml,x", "feed:javascript:x",
		"file:///etc/passwd", "blob:x", "about:blank", "view-source:x", "x:y",
		"\xC2\xA0javascript:alert(1)", "javascript\xEF\xBC\x9A:alert(1)", ":x",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(urls); i++) {
		struct str link = arena_printf(&arena, "<a href=\"%s\">t</a>", urls[i]);
		struct str image = arena_printf(&arena, "<img src=\"%s\">", urls[i]);

		assert_row(str_eq(clean(link), STR("<a>t</a>")), urls[i]);
		assert_row(str_eq(clean(image), STR("<img>")), urls[i]);
	}
}

TEST(sorts_urls_by_where_they_lead)
{
	static const struct {
		const char   *url;
		enum url_kind kind;
	} rows[] = {
		{ "", URL_RELATIVE },           { "#x", URL_RELATIVE },
		{ "/a/b?c=d:e", URL_RELATIVE }, { "a.html", URL_RELATIVE },
		{ "./a:b", URL_RELATIVE },      { "?q=http://x", URL_RELATIVE },
		{ "http://x", URL_EXTERNAL },   { "HTTPS:x", URL_EXTERNAL },
		{ "//x", URL_EXTERNAL },        { "\\\\x", URL_EXTERNAL },
		{ "/\\x", URL_EXTERNAL },       { "mailto:a@b", URL_MAIL },
		{ "ftp://x", URL_REFUSED },     { "tel:1", URL_REFUSED },
		{ "a\\b:c", URL_RELATIVE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(sanitize_url_kind(str_of(rows[i].url)) == rows[i].kind, rows[i].url);
}

TEST(gives_links_to_other_hosts_a_rel)
{
	static const struct row rows[] = {
		{ "<a href=https://x.y/>t</a>",
		  "<a href=\"https://x.y/\" rel=\"nofollow noopener noreferrer\">t</a>" },
		{ "<a href=//x rel=opener>t</a>",
		  "<a href=\"//x\" rel=\"nofollow noopener noreferrer\">t</a>" },
		{ "<a href=/x rel=opener>t</a>", "<a href=\"/x\">t</a>" },
		{ "<a href=mailto:a@b.c>t</a>", "<a href=\"mailto:a@b.c\">t</a>" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

TEST(never_lets_an_image_be_mail)
{
	(void)state;
	assert_str(clean(STR("<img src='mailto:a@b'>")), STR("<img>"));
}

TEST(prefixes_ids_and_links_to_them)
{
	static const struct row rows[] = {
		{ "<h2 id=intro>x</h2><a href=#intro>y</a>",
		  "<h2 id=\"user-content-intro\">x</h2><a href=\"#user-content-intro\">y</a>" },
		{ "<p id=user-content-a>x</p>", "<p id=\"user-content-a\">x</p>" },
		{ "<p id=''>x</p>", "<p>x</p>" },
		{ "<p id='a b'>x</p>", "<p>x</p>" },
		{ "<a href=#>x</a>", "<a href=\"#\">x</a>" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

#define H(id, text) "<h2 id=\"user-content-" id "\">" text "</h2>"

TEST(names_headings_by_their_text_as_github_does)
{
	static const struct row rows[] = {
		{ "<h2>Getting started</h2><a href=#getting-started>go</a>",
		  H("getting-started", "Getting started")
		  "<a href=\"#user-content-getting-started\">go</a>" },
		{ "<h2> What's <em>new</em> in <code>v1.2_b</code>?\n</h2>",
		  H("whats-new-in-v12_b", " What's <em>new</em> in <code>v1.2_b</code>?\n") },
		{ "<h2>\u00DCber \u65E5\u672C\u8A9E \u2014 \u03A9\u0301 \u0663</h2>",
		  H("\u00FCber-\u65E5\u672C\u8A9E--\u03C9\u0301-\u0663",
		  "\u00DCber \u65E5\u672C\u8A9E \u2014 \u03A9\u0301 \u0663") },
		{ "<h2>A - b</h2>", H("a---b", "A - b") },
		{ "<h2>a<script>b</script></h2>", H("a", "a") },
		{ "<h2>?!</h2><h2>--</h2><h2></h2>", "<h2>?!</h2><h2>--</h2><h2></h2>" },
		{ "<h2>\"&gt;&lt;b&gt;</h2>", H("b", "&quot;&gt;&lt;b&gt;") },
	};

	(void)state;
	check(rows, COUNT(rows));
}

TEST(gives_no_two_headings_one_name)
{
	static const struct row rows[] = {
		{ "<h2>a</h2><h2>A</h2><h2>a!</h2>", H("a", "a") H("a-1", "A") H("a-2", "a!") },
		{ "<h2>a</h2><h2>a-1</h2><h2>a</h2>", H("a", "a") H("a-1", "a-1") H("a-2", "a") },
		{ "<h2>a-1</h2><h2>a</h2><h2>a</h2>", H("a-1", "a-1") H("a", "a") H("a-2", "a") },
		{ "<h2>a</h2><h2 id=a>b</h2><p id=user-content-a-1>c</p>",
		  H("a-2", "a") H("a", "b") "<p id=\"user-content-a-1\">c</p>" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static size_t occurrences(struct str text, struct str what)
{
	size_t n = 0;

	for (size_t i = 0; i + what.len <= text.len; i++)
		n += str_starts(str_from(text, i), what);
	return n;
}

TEST(names_no_more_headings_than_its_bound_and_none_of_endless_text)
{
	struct buf html;

	(void)state;
	buf_init(&html, &arena, 1 << 20);
	for (int i = 0; i < HEADING_IDS_MAX + 10; i++)
		BUF_LIT(&html, "<h6>x</h6>");
	assert_int_equal(occurrences(clean(buf_str(&html)), STR("<h6 id=\"user-content-x")),
	    HEADING_IDS_MAX);
	buf_reset(&html);
	BUF_LIT(&html, "<h2>");
	for (int i = 0; i < HTML_ID_MAX_BYTES + 1; i++)
		buf_char(&html, 'x');
	assert_false(str_contains(clean(buf_str(&html)), STR("id=")));
	buf_reset(&html);
	BUF_LIT(&html, "<h2>");
	for (int i = 0; i < 100000; i++)
		BUF_LIT(&html, "x <b>y</b> ");
	assert_false(str_contains(clean(buf_str(&html)), STR("id=")));
}

TEST(keeps_only_language_classes_on_code)
{
	static const struct row rows[] = {
		{ "<code class=language-c++>x</code>", "<code class=\"language-c++\">x</code>" },
		{ "<code class='hl language-rust,ignore'>x</code>",
		  "<code class=\"language-rust\">x</code>" },
		{ "<code class=admin>x</code>", "<code>x</code>" },
		{ "<code class=language->x</code>", "<code>x</code>" },
		{ "<p class=language-c>x</p>", "<p>x</p>" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

TEST(survives_mutation_by_a_second_parser)
{
	static const struct row rows[] = {
		{ "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
		  "<img src=\"x\">&quot;&gt;" },
		{ "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">", "" },
		{ "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 "
		  "onerror=alert(1)&gt;\">", "" },
		{ "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>", "" },
		{ "<svg><![CDATA[</svg><img src=x onerror=alert(1)>]]>y</svg>z", "z" },
		{ "<!--><img src=x onerror=alert(1)>-->", "<img src=\"x\">--&gt;" },
		{ "<!--x--!><img src=x onerror=alert(1)>", "<img src=\"x\">" },
		{ "<!-- > <img src=x> -->y", "y" },
		{ "<!--->x", "x" },
		{ "<![CDATA[<script>alert(1)</script>]]>", "alert(1)]]&gt;" },
		{ "<?xml <script>alert(1)</script> ?>", "alert(1) ?&gt;" },
		{ "<q cite='<!--'>x</q>-->", "<q cite=\"&lt;!--\">x</q>--&gt;" },
		{ "<a href='x\"onclick=\"alert(1)'>t</a>",
		  "<a href=\"x&quot;onclick=&quot;alert(1)\">t</a>" },
		{ "<img =\"><p>x</p>", "<img><p>x</p>" },
		{ "<b <script>alert(1)</script>x", "<b>alert(1)x</b>" },
		{ "<p>a<", "<p>a&lt;</p>" },
		{ "<p>a<b", "<p>a</p>" },
		{ "</ x>a</>b", "ab" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

TEST(unwraps_elements_that_it_does_not_know)
{
	static const struct row rows[] = {
		{ "Vec<T> and <blink>x</blink>", "Vec and x" },
		{ "<html><body><font color=red>x</font></body></html>", "x" },
		{ "<custom-element-with-a-long-name>x</custom-element-with-a-long-name>", "x" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

TEST(closes_and_orders_what_is_misnested)
{
	static const struct row rows[] = {
		{ "<b>x<i>y</b>z</i>", "<b>x<i>y</i></b>z" },
		{ "<p>a<p>b", "<p>a</p><p>b</p>" },
		{ "<p>a<div>b</div>c</p>", "<p>a</p><div>b</div>c" },
		{ "<ul><li>a<li>b<ul><li>c</ul></ul>",
		  "<ul><li>a</li><li>b<ul><li>c</li></ul></li></ul>" },
		{ "<table><tr><td>a<td>b<tr><td>c</table>",
		  "<table><tbody><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></tbody></table>" },
		{ "<a href=x>1<a href=y>2</a>", "<a href=\"x\">1</a><a href=\"y\">2</a>" },
		{ "</div></p>x", "x" },
	};

	(void)state;
	check(rows, COUNT(rows));
}

static struct str repeated(const char *part, size_t times)
{
	size_t length = strlen(part);
	char *bytes = arena_alloc(&arena, length * times);

	for (size_t i = 0; i < times; i++)
		memcpy(bytes + i * length, part, length);
	return (struct str){ bytes, length * times };
}

TEST(bounds_the_depth_of_what_it_writes)
{
	static const char *const parts[] = {
		"<div>", "<b>", "<blockquote><p>", "<table><tr><td>", "<ul><li>", "<a href=x><b>",
		"<div><table><td></div>", "<p><b title=x>", "<svg>", "<span></div>",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(parts); i++) {
		struct str safe = clean(repeated(parts[i], 50000));
		int depth = 0, deepest = 0;

		for (size_t k = 0; k + 1 < safe.len; k++) {
			if (safe.ptr[k] == '<')
				depth += safe.ptr[k + 1] == '/' ? -1 : 1;
			deepest = depth > deepest ? depth : deepest;
		}
		assert_row(depth == 0 && deepest <= 4 * HTML_DEPTH_MAX, parts[i]);
	}
}

TEST(keeps_the_text_of_what_is_too_deep)
{
	struct buf html;

	(void)state;
	buf_init(&html, &arena, 1u << 20);
	buf_add(&html, repeated("<div>", 1000));
	BUF_LIT(&html, "deep");
	buf_add(&html, repeated("</div>", 1000));
	BUF_LIT(&html, "<p>after</p>");
	assert_true(str_contains(clean(buf_str(&html)), STR("deep")));
	assert_true(str_ends(clean(buf_str(&html)), STR("</div><p>after</p>")));
}

TEST(gives_up_on_what_costs_a_parser_too_much)
{
	struct buf html;
	struct str out;

	(void)state;
	buf_init(&html, &arena, 4u << 20);
	BUF_LIT(&html, "<div ");
	for (unsigned i = 0; i < 100000; i++)
		buf_printf(&html, " a%u", i);
	BUF_LIT(&html, ">");
	assert_int_equal(sanitize_html(&arena, buf_str(&html), &out), ERR_TOO_LARGE);
}

TEST(turns_stray_bytes_into_replacement_characters)
{
	(void)state;
	assert_str(clean(STR("a\xFF" "b\xC3")), STR("a\xEF\xBF\xBD" "b\xEF\xBF\xBD"));
}

TEST(has_its_elements_in_order)
{
	size_t count;
	const struct html_element *elements = html_elements(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		assert_row(i == 0 || strcmp(elements[i - 1].name, elements[i].name) < 0,
		    elements[i].name);
		assert_row(strlen(elements[i].name) < HTML_NAME_MAX_BYTES, elements[i].name);
		assert_row(html_element_find(str_of(elements[i].name)) == &elements[i],
		    elements[i].name);
	}
}

TEST(gives_every_attribute_a_rule)
{
	size_t count;
	const struct html_element *elements = html_elements(&count);

	(void)state;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < HTML_ATTRIBUTES_MAX; k++)
			assert_row((elements[i].attributes[k].name == NULL) ==
			    (elements[i].attributes[k].value == HTML_VALUE_NONE), elements[i].name);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(CASE(keeps_what_bodies_are_made_of), CASE(escapes_text_and_attributes),
    CASE(drops_elements_that_run_with_their_contents), CASE(drops_attributes_that_run),
    CASE(refuses_urls_that_run), CASE(sorts_urls_by_where_they_lead),
    CASE(gives_links_to_other_hosts_a_rel), CASE(never_lets_an_image_be_mail),
    CASE(names_headings_by_their_text_as_github_does), CASE(gives_no_two_headings_one_name),
    CASE(names_no_more_headings_than_its_bound_and_none_of_endless_text),
    CASE(prefixes_ids_and_links_to_them), CASE(keeps_only_language_classes_on_code),
    CASE(survives_mutation_by_a_second_parser), CASE(unwraps_elements_that_it_does_not_know),
    CASE(closes_and_orders_what_is_misnested), CASE(bounds_the_depth_of_what_it_writes),
    CASE(keeps_the_text_of_what_is_too_deep), CASE(gives_up_on_what_costs_a_parser_too_much),
    CASE(turns_stray_bytes_into_replacement_characters), CASE(has_its_elements_in_order),
    CASE(gives_every_attribute_a_rule))
