#include "test.h"

#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/time.h"

static struct arena arena;

static int enter(void **state)
{
	(void)state;
	arena_init(&arena, ARENA_MAX_BYTES);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	arena_clean(&arena);
	return 0;
}

/* From a copy that ends where the text ends, so that reading on is caught. */
static enum err parse(struct str text, unsigned max_depth, const struct json **v,
    struct json_error *error)
{
	char    *copy = malloc(text.len == 0 ? 1 : text.len);
	enum err e;

	if (text.len > 0)
		memcpy(copy, text.ptr, text.len);
	e = json_parse(&arena, (struct str){ copy, text.len }, max_depth, v, error);
	free(copy);
	return e;
}

static const struct json *good(struct str text)
{
	const struct json *v = NULL;
	struct json_error  error = { 0 };

	if (parse(text, JSON_DEPTH_MAX, &v, &error) != OK)
		fail_msg("%.*s: %s", STR_ARG(text), error.reason);
	return v;
}

static struct str written(const struct json *v)
{
	struct buf out;

	buf_init(&out, &arena, 1u << 20);
	json_write(&out, v);
	assert_false(buf_failed(&out));
	return buf_str(&out);
}

/* --- reading ------------------------------------------------------------------ */

TEST(each_type_is_told_and_read)
{
	const struct json *v = good(STR("[null, true, -7, 2.5, \"x\", [1], {\"a\": 1}]"));

	(void)state;
	assert_int_equal(json_type(v), JSON_ARRAY);
	assert_int_equal(json_length(v), 7);
	assert_int_equal(json_type(json_at(v, 0)), JSON_NULL);
	assert_int_equal(json_type(json_at(v, 1)), JSON_BOOL);
	assert_true(json_bool(json_at(v, 1)));
	assert_int_equal(json_type(json_at(v, 2)), JSON_INT);
	assert_int_equal(json_int(json_at(v, 2)), -7);
	assert_true(json_double(json_at(v, 2)) == -7.0);
	assert_int_equal(json_type(json_at(v, 3)), JSON_DOUBLE);
	assert_true(json_double(json_at(v, 3)) == 2.5);
	assert_int_equal(json_type(json_at(v, 4)), JSON_STRING);
	assert_str(json_string(json_at(v, 4)), STR("x"));
	assert_int_equal(json_length(json_at(v, 5)), 1);
	assert_int_equal(json_type(json_at(v, 6)), JSON_OBJECT);
	assert_int_equal(json_length(json_at(v, 6)), 1);
	assert_null(json_at(v, 7));
}

static bool count_members(void *context, struct json_member member)
{
	(void)member;
	++*(int *)context;
	return true;
}

/* json-c would abort on some of these. */
TEST(the_wrong_type_gives_nothing)
{
	static const struct str texts[] = {
		STR_INIT("null"), STR_INIT("true"), STR_INIT("1"), STR_INIT("1.5"),
		STR_INIT("\"1\""), STR_INIT("[1]"), STR_INIT("{\"a\":1}"),
	};
	int members = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		const struct json *v = good(texts[i]);
		enum json_type     type = json_type(v);

		assert_int_equal(type, (enum json_type)i);
		assert_true(json_bool(v) == (type == JSON_BOOL));
		assert_true(json_int(v) == (type == JSON_INT));
		assert_true((json_double(v) != 0) == (type == JSON_INT || type == JSON_DOUBLE));
		assert_true((json_string(v).ptr != NULL) == (type == JSON_STRING));
		assert_true((json_length(v) == 1) == (type == JSON_ARRAY || type == JSON_OBJECT));
		assert_true((json_at(v, 0) != NULL) == (type == JSON_ARRAY));
		assert_true((json_get(v, STR("a")) != NULL) == (type == JSON_OBJECT));
		json_each(v, count_members, &members);
	}
	assert_int_equal(members, 1);
}

TEST(null_and_absent_differ)
{
	const struct json *v = good(STR("{\"a\": null}"));

	(void)state;
	assert_non_null(json_get(v, STR("a")));
	assert_int_equal(json_type(json_get(v, STR("a"))), JSON_NULL);
	assert_null(json_get(v, STR("b")));
	assert_int_equal(json_type(NULL), JSON_NULL);
	assert_int_equal(json_length(NULL), 0);
	assert_null(json_get(NULL, STR("a")));
	assert_null(json_string(NULL).ptr);
	assert_null(json_get_string(json_get(v, STR("b")), "c").ptr);
}

TEST(members_are_got_with_a_default)
{
	const struct json *v = good(STR("{\"s\":\"x\",\"i\":3,\"b\":true,\"n\":null,\"e\":\"\"}"));

	(void)state;
	assert_str(json_get_string(v, "s"), STR("x"));
	assert_null(json_get_string(v, "i").ptr);
	assert_null(json_get_string(v, "missing").ptr);
	assert_non_null(json_get_string(v, "e").ptr);
	assert_int_equal(json_get_int(v, "i", 9), 3);
	assert_int_equal(json_get_int(v, "s", 9), 9);
	assert_int_equal(json_get_int(v, "missing", 9), 9);
	assert_true(json_get_bool(v, "b", false));
	assert_true(json_get_bool(v, "n", true));
	assert_false(json_get_bool(v, "missing", false));
}

static bool collect_names(void *context, struct json_member member)
{
	struct buf *names = context;

	buf_add(names, member.name);
	buf_char(names, ' ');
	return !str_eq(member.name, STR("stop"));
}

TEST(members_come_in_order_until_told_to_stop)
{
	struct buf names;

	(void)state;
	buf_init(&names, &arena, 1000);
	json_each(good(STR("{\"z\":1,\"a\":2,\"\":3,\"m\\u0000m\":4,\"stop\":5,\"b\":6}")),
	    collect_names, &names);
	assert_str(buf_str(&names), STR("z a  m\0m stop "));
}

TEST(escapes_become_their_bytes)
{
	static const struct {
		struct str text, value;
	} rows[] = {
		{ STR_INIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), STR_INIT("\"\\/\b\f\n\r\t") },
		{ STR_INIT("\"a\\u0000b\""), STR_INIT("a\0b") },
		{ STR_INIT("\"\\u007f\\u0080\\u07FF\\u0800\""),
		  STR_INIT("\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80") },
		{ STR_INIT("\"\\ud7ff\\ue000\\uffff\""),
		  STR_INIT("\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF") },
		{ STR_INIT("\"\\ud800\\udc00x\\uDBFF\\uDFFF\""),
		  STR_INIT("\xF0\x90\x80\x80x\xF4\x8F\xBF\xBF") },
		{ STR_INIT("\"\xC3\xA4\\n\xE2\x82\xAC\""), STR_INIT("\xC3\xA4\n\xE2\x82\xAC") },
		{ STR_INIT("\"\""), STR_INIT("") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_str(json_string(good(rows[i].text)), rows[i].value);
}

TEST(names_with_nul_are_names_of_their_own)
{
	const struct json *v = good(STR("{\"a\":1,\"a\\u0000\":2,\"a\\u0000b\":3}"));

	(void)state;
	assert_int_equal(json_length(v), 3);
	assert_int_equal(json_int(json_get(v, STR("a\0b"))), 3);
	assert_int_equal(json_int(json_get(v, STR("a\0"))), 2);
	assert_str(written(v), STR("{\"a\":1,\"a\\u0000\":2,\"a\\u0000b\":3}"));
}

TEST(integers_are_exact_to_their_ends)
{
	static const struct {
		struct str text;
		int64_t    n;
	} rows[] = {
		{ STR_INIT("9223372036854775807"), INT64_MAX },
		{ STR_INIT("-9223372036854775808"), INT64_MIN },
		{ STR_INIT("9007199254740993"), 9007199254740993 },
		{ STR_INIT("-0"), 0 },
		{ STR_INIT("0"), 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct json *v = good(rows[i].text);
		assert_int_equal(json_type(v), JSON_INT);
		assert_int_equal(json_int(v), rows[i].n);
		assert_str(written(v), rows[i].text);
	}
}

TEST(errors_say_where_and_why)
{
	static const struct {
		struct str  text;
		uint32_t    line, column;
		const char *reason;
	} rows[] = {
		{ STR_INIT(""), 1, 1, "the text ends too early" },
		{ STR_INIT("[1,\n 2,\n x]"), 3, 2, "expected a value" },
		{ STR_INIT("[1,]"), 1, 4, "expected a value" },
		{ STR_INIT("[1 2]"), 1, 4, "expected ',' or ']'" },
		{ STR_INIT("{\"a\":1 \"b\"}"), 1, 8, "expected ',' or '}'" },
		{ STR_INIT("{\"a\" 1}"), 1, 6, "expected ':'" },
		{ STR_INIT("{a:1}"), 1, 2, "expected a name in quotes" },
		{ STR_INIT("{\"a\":1,}"), 1, 8, "expected a name in quotes" },
		{ STR_INIT("1 2"), 1, 3, "more text after the value" },
		{ STR_INIT("{\"a\":1,\r\n\"\\u0061\":2}"), 2, 1, "duplicate name" },
		{ STR_INIT("[{\"\":1},{\"\":1,\"\":1}]"), 1, 15, "duplicate name" },
		{ STR_INIT("{\"\\ud83d\\ude00\":1,\"\xF0\x9F\x98\x80\":2}"), 1, 19,
		  "duplicate name" },
		{ STR_INIT("\"ab\ncd\""), 1, 4, "control character in a string" },
		{ STR_INIT("\"ab"), 1, 4, "unterminated string" },
		{ STR_INIT("\"a\\qb\""), 1, 4, "unknown escape" },
		{ STR_INIT("\"\\u12g4\""), 1, 6, "\\u without four hexadecimal digits" },
		{ STR_INIT("\"\\ud800x\""), 1, 4, "lone surrogate" },
		{ STR_INIT("\"a\xFF\""), 1, 3, "invalid UTF-8" },
		{ STR_INIT("\xEF\xBB\xBF[]"), 1, 1, "expected a value" },
		{ STR_INIT("[007]"), 1, 3, "leading zero" },
		{ STR_INIT("[-]"), 1, 3, "expected a digit" },
		{ STR_INIT("[nulL]"), 1, 2, "unknown word" },
		{ STR_INIT("[9223372036854775808]"), 1, 2, "integer out of range" },
		{ STR_INIT("[-9223372036854775809]"), 1, 2, "integer out of range" },
		{ STR_INIT("[1e309]"), 1, 2, "number out of range" },
		{ STR_INIT("[[[[1]]]]"), 1, 4, "nested too deeply" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct json *v = NULL;
		struct json_error  error = { 0 };

		assert_row(parse(rows[i].text, 3, &v, &error) == ERR_INVALID, rows[i].text.ptr);
		assert_null(v);
		assert_string_equal(error.reason, rows[i].reason);
		assert_int_equal(error.line, rows[i].line);
		assert_int_equal(error.column, rows[i].column);
	}
}

TEST(depth_is_bounded_by_the_caller_and_the_library)
{
	const struct json *v;
	struct json_error  error;
	char               text[2 * (JSON_DEPTH_MAX + 1)];

	(void)state;
	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	struct str deepest = { text + 1, 2 * JSON_DEPTH_MAX };
	assert_int_equal(parse(deepest, 1000, &v, &error), OK);
	assert_int_equal(parse((struct str){ text, sizeof(text) }, 1000, &v, &error), ERR_INVALID);
	assert_int_equal(parse(STR("[]"), 0, &v, &error), ERR_INVALID);
	assert_int_equal(parse(STR("1"), 0, &v, &error), OK);
	assert_int_equal(parse(STR("{\"a\":{}}"), 2, &v, &error), OK);
	assert_int_equal(parse(STR("{\"a\":{}}"), 1, &v, &error), ERR_INVALID);
}

static const struct str whole = STR_INIT(
    "{\"a\\u00e4\\ud83d\\ude00\": [1, -2.50e+1, true, false, null], "
    "\"b\": {\"\": \"\xE2\x82\xAC\"}}");

TEST(no_beginning_of_a_document_is_one)
{
	const struct json *v;
	struct json_error  error;

	(void)state;
	for (size_t n = 0; n < whole.len; n++)
		assert_int_equal(parse(str_first(whole, n), 8, &v, &error), ERR_INVALID);
	assert_str(written(good(whole)), STR("{\"a\xC3\xA4\xF0\x9F\x98\x80\":"
	    "[1,-2.50e+1,true,false,null],\"b\":{\"\":\"\xE2\x82\xAC\"}}"));
}

/* Whatever one byte is changed to: taken or refused, and what is taken can be
 * written and read again.  The sanitizers watch. */
TEST(changed_bytes_never_harm)
{
	char *text = arena_cstr(&arena, whole);

	(void)state;
	for (size_t i = 0; i < whole.len; i++) {
		for (int byte = 0; byte < 256; byte++) {
			const struct json *v;
			struct json_error  error;

			text[i] = (char)byte;
			if (parse((struct str){ text, whole.len }, 8, &v, &error) == OK)
				good(written(v));
		}
		text[i] = whole.ptr[i];
	}
}

TEST(every_bound_of_the_arena_is_an_answer)
{
	const struct json *v;
	struct json_error  error;
	enum err           e = ERR_NO_MEMORY;

	(void)state;
	for (size_t bound = 0; e != OK; bound += 16) {
		arena_clean(&arena);
		arena_init(&arena, bound);
		e = parse(whole, JSON_DEPTH_MAX, &v, &error);
		assert_true(e == OK || e == ERR_NO_MEMORY);
		assert_true(bound < 100000);
	}
}

TEST(what_is_parsed_lives_until_the_reset)
{
	const struct json *first = good(STR("{\"k\":[\"v\"]}"));

	(void)state;
	for (int i = 0; i < 1000; i++)
		good(STR("{\"other\":[1,2,3]}"));
	assert_str(json_string(json_at(json_get(first, STR("k")), 0)), STR("v"));
}

/* --- attacks by size ------------------------------------------------------------ */

static struct str repeated(struct str unit, size_t bytes)
{
	struct buf b;

	buf_init(&b, &arena, bytes + unit.len);
	while (b.len < bytes)
		buf_add(&b, unit);
	return buf_str(&b);
}

TEST(a_megabyte_of_anything_is_answered_at_once)
{
	static const struct str units[] = {
		STR_INIT("["), STR_INIT("{\"a\":"), STR_INIT("[{\"\":"), STR_INIT("\""),
		STR_INIT(" "), STR_INIT("\\u0041"), STR_INIT("9"), STR_INIT("-"), STR_INIT("[],"),
		STR_INIT("\n"), STR_INIT("\xF0\x9F\x98\x80"), STR_INIT("\0"),
	};
	static const struct str starts[] = {
		STR_INIT(""), STR_INIT("["), STR_INIT("\""), STR_INIT("0."), STR_INIT("1e"),
		STR_INIT("{\"a\":\""),
	};
	uint64_t start = time_monotonic_ns();

	(void)state;
	for (size_t i = 0; i < COUNT(units) * COUNT(starts); i++) {
		const struct json *v;
		struct json_error  error;
		struct buf         b;

		arena_reset(&arena);
		buf_init(&b, NULL, 2u << 20);
		buf_add(&b, starts[i / COUNT(units)]);
		buf_add(&b, repeated(units[i % COUNT(units)], 1u << 20));
		(void)!parse(buf_str(&b), JSON_DEPTH_MAX, &v, &error);
		buf_clean(&b);
	}
	assert_true(time_monotonic_ns() - start < 20000000000u);        /* 0.1 to 1 s */
}

TEST(many_names_are_found_and_a_late_duplicate_too)
{
	enum { NAMES = 100000 };
	const struct json *v;
	struct json_error  error;
	struct buf         b;
	uint64_t           start = time_monotonic_ns();

	(void)state;
	buf_init(&b, NULL, 8u << 20);
	buf_char(&b, '{');
	for (int i = 0; i < NAMES; i++)
		buf_printf(&b, "\"n%d\":%d,", i, i);
	buf_truncate(&b, b.len - 1);
	buf_char(&b, '}');
	v = good(buf_str(&b));
	assert_int_equal(json_length(v), NAMES);
	assert_int_equal(json_get_int(v, "n0", -1), 0);
	assert_int_equal(json_get_int(v, "n99999", -1), 99999);
	buf_truncate(&b, b.len - 1);
	BUF_LIT(&b, ",\"n\\u0030\":1}");
	assert_int_equal(parse(buf_str(&b), 1, &v, &error), ERR_INVALID);
	assert_string_equal(error.reason, "duplicate name");
	buf_clean(&b);
	assert_true(time_monotonic_ns() - start < 10000000000u);        /* 0.1 s */
}

TEST(a_document_larger_than_its_text_meets_the_bound)
{
	const struct json *v;
	struct json_error  error;
	struct buf         b;

	(void)state;
	arena_clean(&arena);
	arena_init(&arena, 4u << 20);
	buf_init(&b, NULL, 200000);
	buf_char(&b, '[');
	while (b.len < 100000)
		BUF_LIT(&b, "{},");
	BUF_LIT(&b, "{}]");
	assert_int_equal(json_parse(&arena, buf_str(&b), 2, &v, &error), ERR_NO_MEMORY);
	buf_clean(&b);
}

/* --- writing ------------------------------------------------------------------ */

TEST(numbers_are_written_as_they_were_read)
{
	static const struct str rows[] = {
		STR_INIT("1.0"), STR_INIT("1.10"), STR_INIT("-0"), STR_INIT("-0.0"),
		STR_INIT("1E5"), STR_INIT("1e-400"), STR_INIT("0e0"),
		STR_INIT("123456789012345678"), STR_INIT("0.1000000000000000055511151231257827"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_str(written(good(rows[i])), rows[i]);
}

TEST(written_text_is_compact_and_escapes_what_it_must)
{
	(void)state;
	assert_str(written(good(STR(" { \"a\" : [ 1 , { } , [ ] ] , \"b\\/c\" : null } "))),
	    STR("{\"a\":[1,{},[]],\"b/c\":null}"));
	assert_str(written(good(STR("\"\\u0001\\u001f\\u007f\\u0008\\u00e9<>&'\""))),
	    STR("\"\\u0001\\u001f\\u007f\\b\xC3\xA9<>&'\""));
}

TEST(the_writer_puts_the_commas)
{
	struct buf         out;
	struct json_writer w;

	(void)state;
	buf_init(&out, &arena, 10000);
	json_begin(&w, &out);
	json_object_open(&w);
	json_member_string(&w, "s", STR("x\"y"));
	json_member_string(&w, "none", STR_NONE);
	json_member_int(&w, "i", INT64_MIN);
	json_member_bool(&w, "b", false);
	json_name(&w, "list");
	json_array_open(&w);
	json_put_u64(&w, UINT64_MAX);
	json_array_open(&w);
	json_array_close(&w);
	json_object_open(&w);
	json_object_close(&w);
	json_put_null(&w);
	json_put_bool(&w, true);
	json_put_string(&w, STR(""));
	json_put_raw(&w, STR("{\"raw\":1}"));
	json_put_value(&w, good(STR("[1.50, {\"q\": 1}]")));
	json_put_double(&w, 0.1);
	json_array_close(&w);
	json_name_str(&w, STR("n\0n"));
	json_object_open(&w);
	json_name(&w, "deep");
	json_put_int(&w, 0);
	json_object_close(&w);
	json_object_close(&w);
	json_end(&w);
	assert_str(buf_str(&out), STR("{\"s\":\"x\\\"y\",\"none\":null,\"i\":-9223372036854775808,"
	    "\"b\":false,\"list\":[18446744073709551615,[],{},null,true,\"\",{\"raw\":1},"
	    "[1.50,{\"q\":1}],0.1],\"n\\u0000n\":{\"deep\":0}}"));
}

TEST(doubles_are_short_and_read_back)
{
	static const struct {
		double      n;
		const char *text;
	} rows[] = {
		{ 0.0, "0" }, { -0.0, "-0" }, { 1.0, "1" }, { 0.1, "0.1" }, { 1e300, "1e+300" },
		{ 5e-324, "4.94065645841247e-324" }, { 0.1 + 0.2, "0.30000000000000004" },
		{ 1.7976931348623157e308, "1.7976931348623157e+308" }, { 1e15, "1e+15" },
		{ NAN, "null" }, { INFINITY, "null" }, { -INFINITY, "null" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf         out;
		struct json_writer w;

		buf_init(&out, &arena, 100);
		json_begin(&w, &out);
		json_put_double(&w, rows[i].n);
		json_end(&w);
		assert_str(buf_str(&out), str_of(rows[i].text));
		if (isfinite(rows[i].n))
			assert_true(json_double(good(buf_str(&out))) == rows[i].n);
	}
}

TEST(bytes_that_are_not_text_are_replaced)
{
	static const struct {
		struct str bytes, text;
	} rows[] = {
		{ STR_INIT("a\xFFz"), STR_INIT("\"a\xEF\xBF\xBDz\"") },
		{ STR_INIT("\xF0\x9F\x98"), STR_INIT("\"\xEF\xBF\xBD\"") },
		{ STR_INIT("\xC0\x80"), STR_INIT("\"\xEF\xBF\xBD\xEF\xBF\xBD\"") },
		{ STR_INIT("\xED\xA0\x80"), STR_INIT("\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"") },
		{ STR_INIT("\0\x1F\n\x7F\"\\/"),
		  STR_INIT("\"\\u0000\\u001f\\n\\u007f\\\"\\\\/\"") },
		{ STR_INIT("\xC3\xA4\xF0\x9F\x98\x80"), STR_INIT("\"\xC3\xA4\xF0\x9F\x98\x80\"") },
		{ STR_INIT(""), STR_INIT("\"\"") },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct buf out;

		buf_init(&out, &arena, 100);
		json_escape(&out, rows[i].bytes);
		assert_str(buf_str(&out), rows[i].text);
		good(buf_str(&out));
	}
}

TEST(a_full_buf_ends_the_writing)
{
	struct buf out;

	(void)state;
	buf_init(&out, NULL, 10);
	json_write(&out, good(whole));
	assert_true(buf_failed(&out));
	buf_clean(&out);
}

#undef RUN
#define RUN(name) cmocka_unit_test_setup_teardown(name, enter, leave)

TEST_MAIN(RUN(each_type_is_told_and_read), RUN(the_wrong_type_gives_nothing),
    RUN(null_and_absent_differ), RUN(members_are_got_with_a_default),
    RUN(members_come_in_order_until_told_to_stop), RUN(escapes_become_their_bytes),
    RUN(names_with_nul_are_names_of_their_own), RUN(integers_are_exact_to_their_ends),
    RUN(errors_say_where_and_why), RUN(depth_is_bounded_by_the_caller_and_the_library),
    RUN(no_beginning_of_a_document_is_one), RUN(changed_bytes_never_harm),
    RUN(every_bound_of_the_arena_is_an_answer), RUN(what_is_parsed_lives_until_the_reset),
    RUN(a_megabyte_of_anything_is_answered_at_once),
    RUN(many_names_are_found_and_a_late_duplicate_too),
    RUN(a_document_larger_than_its_text_meets_the_bound),
    RUN(numbers_are_written_as_they_were_read),
    RUN(written_text_is_compact_and_escapes_what_it_must), RUN(the_writer_puts_the_commas),
    RUN(doubles_are_short_and_read_back), RUN(bytes_that_are_not_text_are_replaced),
    RUN(a_full_buf_ends_the_writing))
