/*
 * What a signature of a request is over (RFC 9421, section 2): the lines that the RFC
 * shows, and the components that are refused.
 */
#include "tests/signature_rig.h"

static void begin_fields(struct request *r)
{
	begin(r, "POST", "https://WWW.Example.com:443/path?param=value&foo=bar&baz=batman&qux=&qux2"
	    "&var=this%20is%20a%20big%0Amultiline%20value&bar=with+plus+whitespace"
	    "&fa%C3%A7ade%22%3A%20=something&twice=1&twice=2&%zz=%4");
	add(r, "X-OWS-Header", "   Leading and trailing whitespace.   ");
	add(r, "X-Obs-Fold-Header", "Obsolete\r\n    line folding.");
	add(r, "Cache-Control", "max-age=60");
	add(r, "CACHE-control", "   must-revalidate");
	add(r, "Example-Dict", "  a=1,    b=2;x=1;y=2,   c=(a   b   c), d");
	add(r, "Example-Header", "value, with, lots");
	add(r, "Example-Header", "of, commas");
	add(r, "X-Empty-Header", "");
	add(r, "X-Forged", "a\n\"@method\": DELETE");
	add(r, "X-Bare-CR", "a\rb");
	add(r, "X-Zero", "a\1");
	add(r, "X-Latin", "caf\xe9");
	add(r, "X-Folds", "a \t\r\n\t b\n c");
}

static const struct {
	const char *components, *base;
} lines[] = {
	/* section 2.1 */
	{ "", "" },
	{ "\"x-ows-header\"", "\"x-ows-header\": Leading and trailing whitespace.\n" },
	{ "\"x-obs-fold-header\"", "\"x-obs-fold-header\": Obsolete line folding.\n" },
	{ "\"x-folds\"", "\"x-folds\": a b c\n" },
	{ "\"cache-control\"", "\"cache-control\": max-age=60, must-revalidate\n" },
	{ "\"x-empty-header\"", "\"x-empty-header\": \n" },
	{ "\"example-dict\"", "\"example-dict\": a=1,    b=2;x=1;y=2,   c=(a   b   c), d\n" },
	{ "\"example-dict\";sf", "\"example-dict\";sf: a=1, b=2;x=1;y=2, c=(a b c), d\n" },
	{ "\"cache-control\";sf", "\"cache-control\";sf: max-age=60, must-revalidate\n" },
	{ "\"example-dict\";key=\"a\"", "\"example-dict\";key=\"a\": 1\n" },
	{ "\"example-dict\";key=\"d\"", "\"example-dict\";key=\"d\": ?1\n" },
	{ "\"example-dict\";key=\"b\" \"example-dict\";key=\"c\"",
	  "\"example-dict\";key=\"b\": 2;x=1;y=2\n\"example-dict\";key=\"c\": (a b c)\n" },
	{ "\"example-header\"", "\"example-header\": value, with, lots, of, commas\n" },
	{ "\"example-header\";bs",
	  "\"example-header\";bs: :dmFsdWUsIHdpdGgsIGxvdHM=:, :b2YsIGNvbW1hcw==:\n" },
	{ "\"x-latin\";bs", "\"x-latin\";bs: :Y2Fm6Q==:\n" },
	/* section 2.2 */
	{ "\"@method\"", "\"@method\": POST\n" },
	{ "\"@authority\"", "\"@authority\": www.example.com\n" },
	{ "\"@scheme\"", "\"@scheme\": https\n" },
	{ "\"@path\"", "\"@path\": /path\n" },
	{ "\"@query-param\";name=\"baz\"", "\"@query-param\";name=\"baz\": batman\n" },
	{ "\"@query-param\";name=\"qux\"", "\"@query-param\";name=\"qux\": \n" },
	{ "\"@query-param\";name=\"qux2\"", "\"@query-param\";name=\"qux2\": \n" },
	{ "\"@query-param\";name=\"var\"",
	  "\"@query-param\";name=\"var\": this%20is%20a%20big%0Amultiline%20value\n" },
	{ "\"@query-param\";name=\"bar\"", "\"@query-param\";name=\"bar\": with%20plus%20whitespace\n" },
	{ "\"@query-param\";name=\"fa%C3%A7ade%22%3A%20\"",
	  "\"@query-param\";name=\"fa%C3%A7ade%22%3A%20\": something\n" },
	{ "\"@query-param\";name=\"%25zz\"", "\"@query-param\";name=\"%25zz\": %254\n" },
	/* refused */
	{ "\"x-absent\"", "!missing_component" },
	{ "\"X-OWS-Header\"", "!unknown_component" },
	{ "\"\"", "!unknown_component" },
	{ "\"a b\"", "!unknown_component" },
	{ "x-ows-header", "!malformed" },
	{ "1", "!malformed" },
	{ "\"@method\";req", "!unknown_parameter" },
	{ "\"cache-control\";req", "!unknown_parameter" },
	{ "\"cache-control\";tr", "!unknown_parameter" },
	{ "\"cache-control\";sf;bs", "!unknown_parameter" },
	{ "\"cache-control\";sf=?0", "!unknown_parameter" },
	{ "\"cache-control\";key=a", "!unknown_parameter" },
	{ "\"cache-control\";x", "!unknown_parameter" },
	{ "\"example-dict\";key=\"e\"", "!missing_component" },
	{ "\"x-ows-header\";sf", "!not_structured" },
	{ "\"x-ows-header\";key=\"a\"", "!not_structured" },
	{ "\"x-latin\"", "!bad_header_value" },
	{ "\"x-forged\"", "!bad_header_value" },
	{ "\"x-forged\";bs", "!bad_header_value" },
	{ "\"x-bare-cr\"", "!bad_header_value" },
	{ "\"x-zero\"", "!bad_header_value" },
	{ "\"@status\"", "!unknown_component" },
	{ "\"@signature-params\"", "!unknown_component" },
	{ "\"@Method\"", "!unknown_component" },
	{ "\"@query-param\"", "!unknown_parameter" },
	{ "\"@query-param\";name=baz", "!unknown_parameter" },
	{ "\"@query-param\";name=\"baz\";x", "!unknown_parameter" },
	{ "\"@query-param\";name=\"none\"", "!missing_component" },
	{ "\"@query-param\";name=\"twice\"", "!repeated_query_parameter" },
	{ "\"@method\" \"@method\"", "!repeated_component" },
	{ "\"example-dict\";key=\"a\" \"example-dict\";key=\"a\"", "!repeated_component" },
};

TEST(components_are_written_as_the_rfc_shows_or_refused)
{
	struct request r;

	(void)state;
	for (size_t i = 0; i < COUNT(lines); i++) {
		begin_fields(&r);
		struct str got = base_of(&r, lines[i].components);
		if (!str_eq(got, str_of(lines[i].base)))
			fail_msg("row \"%s\": %.*s", lines[i].components, STR_ARG(got));
		arena_clean(&r.a);
	}
}

static const struct {
	const char *uri, *base;
} targets[] = {
	{ "https://www.example.com/path?param=value",
	  "\"@request-target\": /path?param=value\n\"@path\": /path\n\"@query\": ?param=value\n" },
	{ "http://a", "\"@request-target\": /\n\"@path\": /\n\"@query\": ?\n" },
	{ "http://a?", "\"@request-target\": /?\n\"@path\": /\n\"@query\": ?\n" },
	{ "http://a?b", "\"@request-target\": /?b\n\"@path\": /\n\"@query\": ?b\n" },
	{ "http://a/%2e/b%2F?c?d", "\"@request-target\": /%2e/b%2F?c?d\n\"@path\": /%2e/b%2F\n"
	  "\"@query\": ?c?d\n" },
};

TEST(a_target_is_taken_apart_as_it_came)
{
	struct request r;

	(void)state;
	for (size_t i = 0; i < COUNT(targets); i++) {
		begin(&r, "GET", targets[i].uri);
		struct str got = base_of(&r, "\"@request-target\" \"@path\" \"@query\"");
		if (!str_eq(got, str_of(targets[i].base)))
			fail_msg("row \"%s\": %.*s", targets[i].uri, STR_ARG(got));
		arena_clean(&r.a);
	}
}

TEST(a_scheme_s_own_port_is_left_out_and_no_other)
{
	static const struct { const char *uri, *authority; } rows[] = {
		{ "https://A.example:443/", "a.example" },
		{ "HTTPS://a.example:8443/", "a.example:8443" },
		{ "http://a.example:80", "a.example" },
		{ "http://a.example:443/", "a.example:443" },
		{ "http://[2001:DB8::1]:80/", "[2001:db8::1]" },
	};
	struct request r;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		begin(&r, "GET", rows[i].uri);
		assert_row(str_eq(r.m.authority, str_of(rows[i].authority)), rows[i].uri);
		arena_clean(&r.a);
	}
}

TEST(what_is_no_absolute_http_uri_is_no_target)
{
	static const char *const uris[] = { "", "/foo", "ftp://a/", "https:/a", "https://", "https:///a",
		"https://a/b c", "https://a/\n", "https://a/#b", "https://a/\xc3\xa9", "http" };
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT(uris); i++) {
		struct signature_message m = { .target_uri = str_of(uris[i]) };
		assert_row(!signature_target(&a, &m), uris[i]);
	}
	arena_clean(&a);
}

TEST_MAIN(
	RUN(components_are_written_as_the_rfc_shows_or_refused),
	RUN(a_target_is_taken_apart_as_it_came),
	RUN(a_scheme_s_own_port_is_left_out_and_no_other),
	RUN(what_is_no_absolute_http_uri_is_no_target)
)
