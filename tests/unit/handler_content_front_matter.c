/* Front matter in its three notations: what is read, what is refused and where. */
#include "test.h"

#include "base/arena.h"
#include "content/front_matter.h"

static struct arena arena;

static int setup(void **state)
{
	(void)state;
	arena_init(&arena, 64u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_clean(&arena);
	return 0;
}

static struct str json_text(const struct json *v)
{
	struct buf b;

	buf_init(&b, &arena, 1u << 20);
	json_write(&b, v);
	return buf_str(&b);
}

static struct front_matter must_read(struct str file)
{
	struct front_matter_error error = { 0, 0, "" };
	struct front_matter read;

	if (front_matter_read(&arena, file, &read, &error) != OK)
		fail_msg("%u:%u: %s", error.line, error.column, error.reason);
	return read;
}

struct row {
	const char *file, *json;
};

static void check(const struct row *rows, size_t count, const char *open, const char *close)
{
	for (size_t i = 0; i < count; i++) {
		struct str file = arena_printf(&arena, "%s%s%s", open, rows[i].file, close);
		struct str got = json_text(must_read(file).document);

		if (!str_eq(got, str_of(rows[i].json)))
			fail_msg("row \"%s\": got %.*s", rows[i].file, STR_ARG(got));
	}
}

TEST(reads_yaml_scalars_by_the_core_schema)
{
	static const struct row rows[] = {
		{ "a: text\n", "{\"a\":\"text\"}" },
		{ "a: true\nb: False\n", "{\"a\":true,\"b\":false}" },
		{ "a: yes\nb: on\n", "{\"a\":\"yes\",\"b\":\"on\"}" },
		{ "a:\nb: ~\nc: null\n", "{\"a\":null,\"b\":null,\"c\":null}" },
		{ "a: 12\nb: -3\nc: +4\nd: 0x1F\ne: 0o17\n",
		  "{\"a\":12,\"b\":-3,\"c\":4,\"d\":31,\"e\":15}" },
		{ "a: 1.10\nb: .5\nc: 5.\nd: -1.5e3\ne: 1e5\n",
		  "{\"a\":1.10,\"b\":0.5,\"c\":5.0,\"d\":-1.5e3,\"e\":1e5}" },
		{ "a: 007\nb: 1_000\nc: 1e999\nd: .inf\ne: 1.2.3\nf: '-'\n",
		  "{\"a\":\"007\",\"b\":\"1_000\",\"c\":\"1e999\",\"d\":\".inf\",\"e\":\"1.2.3\","
		  "\"f\":\"-\"}" },
		{ "a: 9223372036854775808\nb: 0xFFFFFFFFFFFFFFFF\n",
		  "{\"a\":\"9223372036854775808\",\"b\":\"0xFFFFFFFFFFFFFFFF\"}" },
		{ "a: 2026-01-02\nb: 2026-01-02 03:04:05 +0100\n",
		  "{\"a\":\"2026-01-02\",\"b\":\"2026-01-02 03:04:05 +0100\"}" },
		{ "a: \"true\"\nb: '12'\nc: !!str 5\n", "{\"a\":\"true\",\"b\":\"12\",\"c\":\"5\"}" },
		{ "a: |\n  x\n  y\nb: >\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\\n\"}" },
		{ "1: x\ntrue: y\n", "{\"1\":\"x\",\"true\":\"y\"}" },
		{ "a: &anchor 1\n", "{\"a\":1}" },
	};

	(void)state;
	check(rows, COUNT(rows), "---\n", "---\n");
}

TEST(reads_yaml_collections)
{
	static const struct row rows[] = {
		{ "", "{}" },
		{ "# only a comment\n", "{}" },
		{ "a: [x, 2]\n", "{\"a\":[\"x\",2]}" },
		{ "a:\n- x\n- y: 1\n", "{\"a\":[\"x\",{\"y\":1}]}" },
		{ "a: {b: {c: []}}\n", "{\"a\":{\"b\":{\"c\":[]}}}" },
	};

	(void)state;
	check(rows, COUNT(rows), "---\n", "---\n");
}

TEST(reads_toml)
{
	static const struct row rows[] = {
		{ "a = \"x\"\n", "{\"a\":\"x\"}" },
		{ "a = 1\nb = true\nc = 1.5\n", "{\"a\":1,\"b\":true,\"c\":1.5}" },
		{ "a = [\"x\", 2]\n[b]\nc.d = 1\n", "{\"a\":[\"x\",2],\"b\":{\"c\":{\"d\":1}}}" },
		{ "[[t]]\nk = 1\n[[t]]\nk = 2\n", "{\"t\":[{\"k\":1},{\"k\":2}]}" },
		{ "a = '''\n.....\"'''\n", "{\"a\":\".....\\\"\"}" },
		{ "a = nan\n", "{\"a\":null}" },
	};

	(void)state;
	check(rows, COUNT(rows), "+++\n", "+++\n");
}

TEST(makes_rfc3339_of_toml_times)
{
	static const struct row rows[] = {
		{ "a = 2026-01-02T03:04:05Z\n", "{\"a\":\"2026-01-02T03:04:05Z\"}" },
		{ "a = 2026-01-02T03:04:05.25-05:30\n", "{\"a\":\"2026-01-02T03:04:05.25-05:30\"}" },
		{ "a = 2026-01-02 03:04:05\n", "{\"a\":\"2026-01-02T03:04:05Z\"}" },
		{ "a = 2026-01-02\n", "{\"a\":\"2026-01-02\"}" },
		{ "a = 03:04:05\n", "{\"a\":\"03:04:05\"}" },
	};

	(void)state;
	check(rows, COUNT(rows), "+++\n", "+++\n");
}

TEST(reads_json_to_its_closing_bracket)
{
	struct front_matter read = must_read(STR("{\n \"a\": \"}{\\\"\",\n \"b\": [{}]\n}\n\nBody {\n"));

	(void)state;
	assert_str(json_text(read.document), STR("{\"a\":\"}{\\\"\",\"b\":[{}]}"));
	assert_str(read.body, STR("Body {\n"));
}

TEST(gives_the_body_behind_one_empty_line)
{
	static const struct {
		const char *file, *body;
	} rows[] = {
		{ "---\n---\nx", "x" },         { "---\n---\n\nx\n", "x\n" },
		{ "---\n---\n\n\nx", "\nx" },   { "---\n---", "" },
		{ "---\n---\n", "" },           { "---\n...\nx", "x" },
		{ "--- \n---\t\nx", "x" },      { "\n \n---\n---\nx", "x" },
		{ "+++\n+++\n---\nx", "---\nx" },
		{ "---\n---\nx\r\ny", "x\r\ny" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(str_eq(must_read(str_of(rows[i].file)).body, str_of(rows[i].body)),
		    rows[i].file);
}

TEST(accepts_windows_line_ends_and_a_byte_order_mark)
{
	struct front_matter read = must_read(
	    STR("\xEF\xBB\xBF---\r\na: |\r\n  x\r\n---\r\n\r\nBody\r\nmore\r\n"));

	(void)state;
	assert_str(json_text(read.document), STR("{\"a\":\"x\\n\"}"));
	assert_str(read.body, STR("Body\nmore\n"));
}

struct refusal {
	const char *file;
	uint32_t    line, column;
	const char *reason;             /* part of it */
};

TEST(refuses_with_line_and_reason)
{
	static const struct refusal rows[] = {
		{ "", 1, 0, "no front matter" },
		{ "# Title\n", 1, 0, "no front matter" },
		{ "----\nx\n----\n", 1, 0, "no front matter" },
		{ "---\na: 1\n", 1, 0, "no closing ---" },
		{ "\n+++\na = 1\n---\n", 2, 0, "no closing +++" },
		{ "---\na: 1\na: 2\n---\n", 3, 1, "\"a\" is given twice" },
		{ "---\na: {b: 1, b: 2}\n---\n", 2, 11, "\"b\" is given twice" },
		{ "---\na: &x 1\nb: *x\n---\n", 3, 4, "aliases" },
		{ "---\na: !!binary eA==\n---\n", 2, 4, "tags" },
		{ "---\na: !t {}\n---\n", 2, 4, "tags" },
		{ "---\n? [a]\n: 1\n---\n", 2, 3, "a name must be" },
		{ "---\n- a\n---\n", 2, 1, "no mapping" },
		{ "---\ntext\n---\n", 2, 1, "no mapping" },
		{ "---\na: [1\nb: 2\n---\n", 3, 2, "YAML" },
		{ "---\na: b: c\n---\n", 2, 5, "YAML" },
		{ "---\n\ta: 1\n---\n", 2, 1, "YAML" },
		{ "---\na: x\x01\n---\n", 2, 0, "YAML" },
		{ "+++\na = 1\na = 2\n+++\n", 3, 5, "TOML" },
		{ "+++\n\na = x\n+++\n", 3, 5, "TOML" },
		{ "+++\na = \"x\n+++\n", 2, 7, "TOML" },
		{ "{\"a\": 1,\n \"a\": 2}\n", 2, 2, "duplicate" },
		{ "{\"a\": 1,\n}\n", 2, 1, "" },
		{ "{\"a\": 1\n", 2, 1, "" },
		{ "{\"a\": 1} text\n", 1, 0, "behind the closing" },
		{ "---\na: \xFF\n---\n", 2, 4, "UTF-8" },
		{ "---\n---\n\nbody \xC3\n", 4, 6, "UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct front_matter_error error = { 0, 0, "" };
		struct front_matter read;

		assert_row(front_matter_read(&arena, str_of(rows[i].file), &read, &error) ==
		    ERR_INVALID, rows[i].file);
		if (error.line != rows[i].line || error.column != rows[i].column ||
		    strstr(error.reason, rows[i].reason) == NULL)
			fail_msg("row \"%s\": %u:%u: %s", rows[i].file, error.line, error.column,
			    error.reason);
	}
}

static void must_fail(struct str file, uint32_t line, const char *reason)
{
	struct front_matter_error error = { 0, 0, "" };
	struct front_matter read;

	assert_int_equal(front_matter_read(&arena, file, &read, &error), ERR_INVALID);
	assert_int_equal(error.line, line);
	assert_non_null(strstr(error.reason, reason));
}

TEST(refuses_nul_bytes)
{
	(void)state;
	must_fail(STR("---\na: 1\n---\nx\0y"), 4, "NUL");
}

static struct str nested(const char *before, const char *open, const char *middle,
    const char *close, const char *after, size_t depth)
{
	struct buf b;

	buf_init(&b, &arena, 1u << 20);
	buf_add(&b, str_of(before));
	for (size_t i = 0; i < depth; i++)
		buf_add(&b, str_of(open));
	buf_add(&b, str_of(middle));
	for (size_t i = 0; i < depth; i++)
		buf_add(&b, str_of(close));
	buf_add(&b, str_of(after));
	return buf_str(&b);
}

TEST(bounds_the_depth_of_each_notation)
{
	(void)state;
	must_read(nested("---\na: ", "[", "1", "]", "\n---\n", 31));
	must_fail(nested("---\na: ", "[", "1", "]", "\n---\n", 32), 2, "deep");
	must_fail(nested("---\na: ", "{a: ", "1", "}", "\n---\n", 5000), 2, "deep");
	must_fail(nested("+++\na = ", "[", "1", "]", "\n+++\n", 32), 2, "");
	must_fail(nested("+++\na = ", "[", "1", "]", "\n+++\n", 5000), 2, "TOML");
	must_fail(nested("+++\na", ".a", " = 1", "", "\n+++\n", 100), 2, "");
	must_fail(nested("+++\n[a", ".a", "]", "", "\n+++\n", 30000), 2, "deep");
	must_fail(nested("+++\na = ", "{a.a.a = ", "1", "}", "\n+++\n", 200), 2, "deep");
	must_fail(nested("{\"a\": ", "[", "1", "]", "}\n", 5000), 1, "");
}

TEST(bounds_the_size)
{
	(void)state;
	must_fail(nested("---\na: ", "x", "", "", "\n---\n", FRONT_MATTER_MAX_BYTES), 2, "over");
	must_fail(nested("---\n", "? ", "", "", "\n---\n", 20000), 2, "");
}

TEST(bounds_the_number_of_names)
{
	struct buf b;

	(void)state;
	buf_init(&b, &arena, 1u << 20);
	BUF_LIT(&b, "---\n");
	for (unsigned i = 0; i <= FRONT_MATTER_KEYS_MAX; i++)
		buf_printf(&b, "k%u: 1\n", i);
	BUF_LIT(&b, "---\n");
	must_fail(buf_str(&b), FRONT_MATTER_KEYS_MAX + 2, "too many");
}

TEST(writes_what_it_reads_back)
{
	static const char *const documents[] = {
		"{}",
		"{\"title\":\"a: b # c\",\"tags\":[\"x, y\",\"[z]\"],\"n\":null,\"b\":true,\"i\":-5}",
		"{\"text\":\"line\\nline\\r\\n\\ttab \\\"q\\\" \\\\ '\"}",
		"{\"control\":\"\\u0001\\u007f\\u0085\\u00a0\\u2028\\u2029\\ufeff\\uffff\"}",
		"{\"emoji\":\"\xF0\x9F\x8E\x89 \xC3\xA9 \xE6\xBC\xA2\"}",
		"{\"object\":{\"a b\":[{},[],{\"c\":\"d{\"}],\"e\":1.50},\"Odd Name\":\"\"}",
		"{\"trap\":\"---\\n...\\n+++\",\"looks\":[\"true\",\"null\",\"12\",\"~\",\"*a\",\"&b\",\"!c\"]}",
	};
	const struct str body = STR("\n\n---\nbody\r\n  +++");

	(void)state;
	for (size_t i = 0; i < COUNT(documents); i++) {
		struct json_error error;
		const struct json *document;
		struct front_matter read;
		struct buf b;

		assert_int_equal(json_parse(&arena, str_of(documents[i]), FRONT_MATTER_DEPTH_MAX,
		    &document, &error), OK);
		buf_init(&b, &arena, 1u << 20);
		front_matter_write(&b, document, body);
		read = must_read(buf_str(&b));
		assert_str(json_text(read.document), json_text(document));
		assert_str(read.body, body);
	}
}

TEST(writes_a_name_a_line)
{
	struct json_error error;
	const struct json *document;
	struct buf b;

	(void)state;
	assert_int_equal(json_parse(&arena, STR("{\"title\":\"A \\\"b\\\"\",\"tags\":[\"x\",\"y\"]}"),
	    FRONT_MATTER_DEPTH_MAX, &document, &error), OK);
	buf_init(&b, &arena, 1u << 20);
	front_matter_write(&b, document, STR("Body\n"));
	assert_str(buf_str(&b),
	    STR("---\ntitle: \"A \\\"b\\\"\"\ntags: [\"x\", \"y\"]\n---\n\nBody\n"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(CASE(reads_yaml_scalars_by_the_core_schema), CASE(reads_yaml_collections),
    CASE(reads_toml), CASE(makes_rfc3339_of_toml_times), CASE(reads_json_to_its_closing_bracket),
    CASE(gives_the_body_behind_one_empty_line),
    CASE(accepts_windows_line_ends_and_a_byte_order_mark), CASE(refuses_with_line_and_reason),
    CASE(refuses_nul_bytes), CASE(bounds_the_depth_of_each_notation), CASE(bounds_the_size),
    CASE(bounds_the_number_of_names), CASE(writes_what_it_reads_back), CASE(writes_a_name_a_line))
