#include "test.h"

#include "base/limits.h"
#include "http/schema.h"
#include "http/schema_types.h"

static const char *const choices[] = { "draft", "published", NULL };

static const struct field person_fields[] = {
	{ .name = "name", .type = FIELD_STRING, .required = true, .max = 10 },
	{ .name = "a/b~c", .type = FIELD_INT },
	{ 0 },
};
static const struct schema person = { "Person", person_fields, false };

static const struct field all_fields[] = {
	{ .name = "id", .type = FIELD_UUID, .read_only = true, .required = true },
	{ .name = "title", .type = FIELD_STRING, .required = true, .min = 1, .max = 5 },
	{ .name = "line", .type = FIELD_STRING },
	{ .name = "body", .type = FIELD_TEXT },
	{ .name = "short_text", .type = FIELD_TEXT, .min = 2, .max = 4 },
	{ .name = "count", .type = FIELD_INT, .min = -1, .max = 10 },
	{ .name = "any_count", .type = FIELD_INT },
	{ .name = "positive", .type = FIELD_INT, .min = 1 },
	{ .name = "score", .type = FIELD_NUMBER, .min = 0, .max = 1 },
	{ .name = "any_score", .type = FIELD_NUMBER },
	{ .name = "featured", .type = FIELD_BOOL },
	{ .name = "status", .type = FIELD_ENUM, .choices = choices },
	{ .name = "slug", .type = FIELD_SLUG },
	{ .name = "uuid", .type = FIELD_UUID },
	{ .name = "url", .type = FIELD_URL },
	{ .name = "email", .type = FIELD_EMAIL },
	{ .name = "date", .type = FIELD_DATE, .nullable = true },
	{ .name = "time", .type = FIELD_TIME },
	{ .name = "tags", .type = FIELD_STRING, .list = true, .max = 4, .max_items = 3 },
	{ .name = "many", .type = FIELD_INT, .list = true },
	{ .name = "author", .type = FIELD_OBJECT, .object = &person, .nullable = true },
	{ .name = "people", .type = FIELD_OBJECT, .object = &person, .list = true },
	{ .name = "extra", .type = FIELD_ANY },
	{ .name = "hole" },
	{ 0 },
};
static const struct schema all = { "All", all_fields, false };
static const struct schema all_open = { "AllOpen", all_fields, true };

/* The errors as lines "pointer detail", for comparison. */
static struct str check(struct arena *a, const struct schema *s, enum schema_mode mode,
    struct str text)
{
	const struct json *document;
	struct json_error error;
	struct field_errors errors;
	struct buf out;

	if (json_parse(a, text, JSON_DEPTH_MAX, &document, &error) != OK)
		fail_msg("not JSON: %.*s: %s", STR_ARG(text), error.reason);
	field_errors_init(&errors, a);
	schema_check(s, mode, document, &errors);
	buf_init(&out, a, 1 << 20);
	for (size_t i = 0; i < errors.count && i < FIELD_ERRORS_MAX; i++) {
		buf_add(&out, i == 0 ? STR("") : STR("\n"));
		buf_add(&out, errors.list[i].pointer);
		BUF_LIT(&out, " ");
		buf_add(&out, errors.list[i].detail);
	}
	return buf_str(&out);
}

struct row {
	const char *text, *errors;              /* "": it does */
};

static void check_rows(const struct schema *s, enum schema_mode mode, const struct row *rows,
    size_t n)
{
	struct arena arena;

	arena_init(&arena, 16 << 20);
	for (size_t i = 0; i < n; i++) {
		struct str got = check(&arena, s, mode, str_of(rows[i].text));
		if (!str_eq(got, str_of(rows[i].errors)))
			fail_msg("row %s:\ngot      \"%.*s\"\nexpected \"%s\"", rows[i].text,
			    STR_ARG(got), rows[i].errors);
		arena_reset(&arena);
	}
	arena_clean(&arena);
}

#define ONE_LINE "must be one line without control characters"
#define LINES    "must not contain control characters other than tabs and line ends"
#define NO_NUL   "must not contain a NUL character"

static const struct row values[] = {
	{ "{\"title\":\"a\"}", "" },
	{ "{\"title\":\"\"}", "/title must not be empty" },
	{ "{\"title\":\"\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\"}", "" },
	{ "{\"title\":\"123456\"}", "/title must be at most 5 characters" },
	{ "{\"title\":1}", "/title must be a string" },
	{ "{\"title\":null}", "/title must not be null" },
	{ "{\"title\":[\"a\"]}", "/title must be a string" },
	{ "{\"title\":\"a\\u0000\"}", "/title " NO_NUL },
	{ "{\"title\":\"a\\nb\"}", "/title " ONE_LINE },
	{ "{\"title\":\"a\\u007f\"}", "/title " ONE_LINE },
	{ "{\"body\":\"a\\n\\r\\tb\"}", "" },
	{ "{\"body\":\"a\\u0000b\"}", "/body " NO_NUL },
	{ "{\"body\":\"a\\u001bb\"}", "/body " LINES },
	{ "{\"body\":\"a\\u007fb\"}", "/body " LINES },
	{ "{\"short_text\":\"a\"}", "/short_text must be at least 2 bytes" },
	{ "{\"short_text\":\"\xC3\xA9\xC3\xA9\"}", "" },
	{ "{\"short_text\":\"\xC3\xA9\xC3\xA9x\"}", "/short_text must be at most 4 bytes" },
	{ "{\"count\":-1}", "" },
	{ "{\"count\":10}", "" },
	{ "{\"count\":-2}", "/count must be at least -1" },
	{ "{\"count\":11}", "/count must be at most 10" },
	{ "{\"count\":1.0}", "/count must be an integer" },
	{ "{\"count\":\"1\"}", "/count must be an integer" },
	{ "{\"count\":true}", "/count must be an integer" },
	{ "{\"any_count\":-9223372036854775808}", "" },
	{ "{\"any_count\":9223372036854775807}", "" },
	{ "{\"positive\":0}", "/positive must be at least 1" },
	{ "{\"positive\":9223372036854775807}", "" },
	{ "{\"score\":0}", "" },
	{ "{\"score\":0.5}", "" },
	{ "{\"score\":1.01}", "/score must be at most 1" },
	{ "{\"score\":-0.01}", "/score must be at least 0" },
	{ "{\"score\":\"x\"}", "/score must be a number" },
	{ "{\"any_score\":-1e300}", "" },
	{ "{\"featured\":false}", "" },
	{ "{\"featured\":0}", "/featured must be true or false" },
	{ "{\"status\":\"draft\"}", "" },
	{ "{\"status\":\"Draft\"}", "/status must be one of draft, published" },
	{ "{\"status\":\"draft\\u0000\"}", "/status must be one of draft, published" },
	{ "{\"date\":\"2024-02-29\"}", "" },
	{ "{\"date\":\"2023-02-29\"}", "/date must be a date: YYYY-MM-DD" },
	{ "{\"date\":null}", "" },
	{ "{\"time\":\"2024-02-29T01:02:03+02:00\"}", "" },
	{ "{\"time\":\"2024-02-29\"}", "/time must be a time as RFC 3339 has it: 2026-01-02T03:04:05Z" },
	{ "{\"uuid\":\"01890a5d-ac96-774b-bcce-b302099a8057\"}", "" },
	{ "{\"url\":\"https://user@example.com/\"}",
	    "/url must not contain a user name or password" },
	{ "{\"uuid\":\"01890a5d\"}", "/uuid must be a UUID" },
	{ "{\"tags\":[]}", "" },
	{ "{\"tags\":[\"a\",\"b\",\"c\"]}", "" },
	{ "{\"tags\":[\"a\",\"b\",\"c\",\"d\"]}", "/tags must have at most 3 items" },
	{ "{\"tags\":\"a\"}", "/tags must be a list" },
	{ "{\"tags\":{}}", "/tags must be a list" },
	{ "{\"tags\":[\"a\",1,null]}", "/tags/1 must be a string\n/tags/2 must be a string" },
	{ "{\"tags\":[[\"a\"]]}", "/tags/0 must be a string" },
	{ "{\"author\":{\"name\":\"a\"}}", "" },
	{ "{\"author\":{\"name\":\"a\",\"a/b~c\":\"x\"}}", "/author/a~1b~0c must be an integer" },
	{ "{\"author\":{}}", "" },
	{ "{\"author\":null}", "" },
	{ "{\"author\":[]}", "/author must be an object" },
	{ "{\"author\":{\"x~/\":1}}", "/author/x~0~1 is not a field of this" },
	{ "{\"people\":[{\"name\":\"a\"},{}]}", "/people/1/name is required" },
	{ "{\"people\":[{\"name\":2},3]}",
	    "/people/0/name must be a string\n/people/1 must be an object" },
	{ "{\"extra\":{\"a\":[1,null]}}", "" },
	{ "{\"extra\":null}", "" },
	{ "{\"hole\":1}", "/hole cannot be set" },
	{ "{\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\"}", "/id is set by the server" },
	{ "{\"id\":null}", "/id is set by the server" },
	{ "{\"nope\":1}", "/nope is not a field of this" },
	{ "{\"\":1}", "/ is not a field of this" },
	{ "{\"Title\":\"a\"}", "/Title is not a field of this" },
	{ "[]", " must be an object" },
	{ "null", " must be an object" },
	{ "\"title\"", " must be an object" },
};

/* PATCH, so that each row holds one field alone. */
TEST(every_type_takes_what_it_is_and_nothing_else)
{
	(void)state;
	check_rows(&all, SCHEMA_PATCH, values, COUNT(values));
}

TEST(a_nul_in_a_name_is_another_name)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	struct str got = check(&arena, &all, SCHEMA_PATCH, STR("{\"title\\u0000\":\"a\"}"));
	assert_str(got, STR("/title\0 is not a field of this"));
	arena_clean(&arena);
}

static const struct row whole[] = {
	{ "{\"title\":\"a\"}", "" },
	{ "{}", "/title is required" },
	{ "{\"title\":\"a\",\"author\":{}}", "/author/name is required" },
	{ "{\"title\":\"a\",\"date\":null,\"author\":null}", "" },
	{ "{\"line\":5,\"status\":\"x\",\"zzz\":1}",
	    "/line must be a string\n/status must be one of draft, published\n"
	    "/zzz is not a field of this\n/title is required" },
};

TEST(a_whole_document_names_every_error_at_once)
{
	(void)state;
	check_rows(&all, SCHEMA_WHOLE, whole, COUNT(whole));
}

static const struct row lenient[] = {
	{ "{\"title\":\"a\",\"zzz\":1}", "" },
	{ "{\"title\":\"a\",\"id\":\"x\"}", "/id is set by the server" },
	{ "{\"title\":\"a\",\"author\":{\"name\":\"a\",\"zzz\":1}}",
	    "/author/zzz is not a field of this" },
};

TEST(an_open_schema_lets_unknown_members_through)
{
	(void)state;
	check_rows(&all_open, SCHEMA_WHOLE, lenient, COUNT(lenient));
}

static const struct {
	const char *text;
	bool        good;
} slugs[] = {
	{ "a", true }, { "hello-world-2", true }, { "2024", true }, { "", false }, { "-a", false },
	{ "a-", false }, { "a--b", false }, { "A", false }, { "a_b", false }, { "a b", false },
	{ "caf\xC3\xA9", false }, { "a/b", false }, { "-", false },
}, urls[] = {
	{ "https://example.com", true },
	{ "http://example.com/", true },
	{ "HTTPS://Example.com/a/b?c=d&e=%20#f", true },
	{ "http://localhost:8080/x", true },
	{ "http://192.0.2.1", true },
	{ "http://[2001:db8::1]:80/", true },
	{ "http://xn--caf-dma.example/", true },
	{ "https://example.com:/", false },
	{ "https://example.com?x", true },
	{ "", false }, { "example.com", false }, { "//example.com", false },
	{ "ftp://example.com", false }, { "javascript:alert(1)", false },
	{ "data:text/html,x", false }, { "https:example.com", false }, { "https:/example.com", false },
	{ "https://", false }, { "https:///path", false }, { "https://:80/", false },
	{ "https://user@example.com/", false }, { "https://user:pass@example.com/", false },
	{ "https://example.com:99999/", false }, { "https://example.com:8x/", false },
	{ "https://exa mple.com/", false }, { "https://example.com/a b", false },
	{ "https://example.com/\"onclick", false }, { "https://example.com/<script>", false },
	{ "https://example.com/a\\b", false }, { "https://example.com\\@evil.example/", false },
	{ "https://example.com/%zz", false }, { "https://example.com/%2", false },
	{ "https://example.com/\xC3\xA9", false }, { "https://ex\xC3\xA9mple.com/", false },
	{ "https://-example.com/", false }, { "https://example..com/", false },
	{ "https://example.com/\n", false }, { " https://example.com/", false },
	{ "http://[::1/", false }, { "http://[::1]x/", false }, { "http://[192.0.2.1]/", false },
	{ "http://[]/", false }, { "http://[example]/", false },
}, emails[] = {
	{ "a@example.com", true }, { "first.last+tag@sub.example.co", true },
	{ "owner@localhost", true }, { "!#$%&'*+-/=?^_`{|}~@x.yz", true }, { "A.B@EXAMPLE.com", true },
	{ "", false }, { "a", false }, { "@example.com", false }, { "a@", false }, { "a@b@c", false },
	{ ".a@example.com", false }, { "a.@example.com", false }, { "a..b@example.com", false },
	{ "a b@example.com", false }, { "\"a b\"@example.com", false }, { "a@[192.0.2.1]", false },
	{ "a@-example.com", false }, { "a@example.com.", false }, { "a@exa_mple.com", false },
	{ "a@example.com\n", false }, { "a@example.com, b@example.com", false },
	{ "<a@example.com>", false }, { "a(c)@example.com", false }, { "caf\xC3\xA9@example.com", false },
}, numbers[] = {
	{ "0", true }, { "-1", true }, { "1.5", true }, { "1e3", true }, { "-2.5E-3", true },
	{ "", false }, { "x", false }, { "1x", false }, { " 1", false }, { "1 ", false },
	{ "inf", false }, { "nan", false }, { "0x10", false }, { "1e999", false }, { "+1", false },
	{ "--1", false },
}, integers[] = {
	{ "0", true }, { "-9223372036854775808", true }, { "9223372036854775807", true },
	{ "9223372036854775808", false }, { "", false }, { "1.0", false }, { " 1", false },
	{ "1e3", false }, { "0x1", false }, { "--1", false }, { "+1", false },
}, booleans[] = {
	{ "true", true }, { "false", true }, { "1", true }, { "0", true }, { "True", false },
	{ "yes", false }, { "", false }, { "2", false },
};

#define CHECK_TEXTS(table, field)                                                        \
	for (size_t i = 0; i < COUNT(table); i++)                                        \
		assert_row(text_fits((field), table[i].text) == table[i].good, table[i].text)

static bool text_fits(enum field_type type, const char *text)
{
	const struct field f = { .name = "f", .type = type, .choices = choices };
	struct field_errors errors;
	struct arena arena;

	arena_init(&arena, 1 << 20);
	field_errors_init(&errors, &arena);
	schema_check_text(&f, str_of(text), STR("/f"), &errors);
	if (errors.count > 0)
		assert_str(errors.list[0].pointer, STR("/f"));
	arena_clean(&arena);
	return errors.count == 0;
}

TEST(a_slug_is_lower_case_words_with_single_hyphens)
{
	(void)state;
	CHECK_TEXTS(slugs, FIELD_SLUG);
}

TEST(a_url_is_absolute_and_harmless)
{
	(void)state;
	CHECK_TEXTS(urls, FIELD_URL);
}

TEST(an_email_is_a_dot_atom_at_a_host)
{
	(void)state;
	CHECK_TEXTS(emails, FIELD_EMAIL);
}

TEST(query_text_is_read_as_its_type)
{
	(void)state;
	CHECK_TEXTS(numbers, FIELD_NUMBER);
	CHECK_TEXTS(integers, FIELD_INT);
	CHECK_TEXTS(booleans, FIELD_BOOL);
	assert_true(text_fits(FIELD_ENUM, "draft"));
	assert_false(text_fits(FIELD_ENUM, "all"));
	assert_true(text_fits(FIELD_ANY, "x"));
	assert_false(text_fits(FIELD_UNSET, "x"));
	assert_false(text_fits(FIELD_OBJECT, "{}"));
}

static const struct {
	enum field_type type;
	const char     *begin, *unit, *end;     /* begin, then unit repeated, then end */
	size_t          most;                   /* units that fit */
} bounds[] = {
	{ FIELD_STRING, "", "\xC3\xA9", "", 200 },
	{ FIELD_TEXT, "", "a", "", 1 << 20 },
	{ FIELD_URL, "http://example.com/", "a", "", 2048 - 19 },
	{ FIELD_SLUG, "", "a", "", 96 },
	{ FIELD_EMAIL, "a@", "b.", "com", (254 - 5) / 2 },
};

TEST(a_type_has_a_bound_of_its_own)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 16 << 20);
	for (size_t i = 0; i < COUNT(bounds); i++)
		for (size_t over = 0; over < 2; over++) {
			struct buf text;
			buf_init(&text, &arena, 2 << 20);
			buf_add(&text, str_of(bounds[i].begin));
			for (size_t n = 0; n < bounds[i].most + over; n++)
				buf_add(&text, str_of(bounds[i].unit));
			buf_add(&text, str_of(bounds[i].end));
			bool fits = text_fits(bounds[i].type, buf_cstr(&text));
			assert_row(fits == (over == 0), bounds[i].unit);
		}
	arena_clean(&arena);
}

TEST(an_email_has_at_most_64_characters_before_the_at)
{
	char text[80] = "";

	(void)state;
	memset(text, 'a', 64);
	memcpy(text + 64, "@b.c", 5);
	assert_true(text_fits(FIELD_EMAIL, text));
	memset(text, 'a', 65);
	memcpy(text + 65, "@b.c", 5);
	assert_false(text_fits(FIELD_EMAIL, text));
}

TEST(errors_beyond_the_room_are_counted)
{
	struct field_errors errors;
	const struct json *document;
	struct json_error error;
	struct arena arena;
	struct buf text;

	(void)state;
	arena_init(&arena, 64 << 20);
	buf_init(&text, &arena, 1 << 20);
	BUF_LIT(&text, "{\"title\":\"a\"");
	for (int i = 0; i < 10000; i++)
		buf_printf(&text, ",\"f%d\":1", i);
	BUF_LIT(&text, "}");
	assert_int_equal(json_parse(&arena, buf_str(&text), 32, &document, &error), OK);
	field_errors_init(&errors, &arena);
	schema_check(&all, SCHEMA_WHOLE, document, &errors);
	assert_int_equal(errors.count, 10000);
	assert_str(errors.list[FIELD_ERRORS_MAX - 1].pointer, STR("/f63"));
	arena_clean(&arena);
}

TEST(a_name_too_long_for_a_pointer_is_reported_where_it_stands)
{
	struct arena arena;
	struct buf text;

	(void)state;
	arena_init(&arena, 16 << 20);
	buf_init(&text, &arena, 1 << 20);
	BUF_LIT(&text, "{\"author\":{\"");
	for (int i = 0; i < 100000; i++)
		BUF_LIT(&text, "/");
	BUF_LIT(&text, "\":1}}");
	assert_str(check(&arena, &all, SCHEMA_PATCH, buf_str(&text)),
	    STR("/author is not a field of this"));
	arena_clean(&arena);
}

TEST(a_list_without_a_bound_takes_100_items)
{
	struct arena arena;

	(void)state;
	arena_init(&arena, 1 << 20);
	for (int n = 100; n <= 101; n++) {
		struct buf text;
		buf_init(&text, &arena, 1 << 16);
		BUF_LIT(&text, "{\"many\":[0");
		for (int i = 1; i < n; i++)
			BUF_LIT(&text, ",0");
		BUF_LIT(&text, "]}");
		assert_str(check(&arena, &all, SCHEMA_PATCH, buf_str(&text)),
		    n == 100 ? STR("") : STR("/many must have at most 100 items"));
	}
	arena_clean(&arena);
}

TEST(every_type_has_a_row)
{
	(void)state;
	assert_null(schema_type_of(FIELD_UNSET));
	assert_null(schema_type_of((enum field_type)(FIELD_ANY + 1)));
	for (int t = FIELD_STRING; t <= FIELD_ANY; t++) {
		const struct schema_type *type = schema_type_of((enum field_type)t);
		assert_non_null(type);
		assert_true(type->json != JSON_STRING || type->check != NULL);
		assert_true(t == FIELD_ANY || (type->type != NULL && type->must_be[0] != '\0'));
	}
}

TEST_MAIN(RUN(every_type_takes_what_it_is_and_nothing_else),
    RUN(a_nul_in_a_name_is_another_name),
    RUN(a_whole_document_names_every_error_at_once),
    RUN(an_open_schema_lets_unknown_members_through),
    RUN(a_slug_is_lower_case_words_with_single_hyphens),
    RUN(a_url_is_absolute_and_harmless),
    RUN(an_email_is_a_dot_atom_at_a_host),
    RUN(query_text_is_read_as_its_type),
    RUN(a_type_has_a_bound_of_its_own),
    RUN(an_email_has_at_most_64_characters_before_the_at),
    RUN(errors_beyond_the_room_are_counted),
    RUN(a_name_too_long_for_a_pointer_is_reported_where_it_stands),
    RUN(a_list_without_a_bound_takes_100_items),
    RUN(every_type_has_a_row))
