/* One item as stored text: its head without parsing, its summary, its views. */
#include "content/document.h"
#include "base/limits.h"
#include "base/time.h"
#include "test.h"

#define ID "01890a5d-ac96-774b-bcce-b302099a8057"
#define HEAD(STATUS, PUBLISHED)                                                       \
	"{\"id\":\"" ID "\",\"version\":7,\"status\":\"" STATUS "\",\"published_at\":" PUBLISHED \
	",\"created_at\":\"2024-01-01T00:00:00.000Z\",\"updated_at\":\"2024-02-01T00:00:00.000Z\"," \
	"\"slug\":\"a-slug\""
#define AT_NOON "\"2024-03-01T12:00:00.000Z\""

static struct arena a;

static int begin(void **state)
{
	(void)state;
	arena_init(&a, 16 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_clean(&a);
	return 0;
}

static const struct json *parsed(const char *text)
{
	struct json_error error;
	const struct json *v;

	if (json_parse(&a, str_of(text), JSON_DEPTH_MAX, &v, &error) != OK)
		fail_msg("%u:%u %s in %s", error.line, error.column, error.reason, text);
	return v;
}

static struct document new_post(const char *fields)
{
	return (struct document){
		.collection = &collection_blog,
		.head = { .id = STR(ID), .version = 7, .status = STATUS_DRAFT, .slug = STR("a-slug"),
			.created_at = STR("2024-01-01T00:00:00.000Z"),
			.updated_at = STR("2024-02-01T00:00:00.000Z") },
		.over = parsed(fields),
	};
}

TEST(a_head_is_read_without_parsing)
{
	struct document_head h;

	(void)state;
	assert_true(document_head_read(STR(HEAD("published", AT_NOON) ",\"title\":\"x\"}"), &h));
	assert_str(h.id, STR(ID));
	assert_int_equal(h.version, 7);
	assert_str(h.status, STATUS_PUBLISHED);
	assert_str(h.published_at, STR("2024-03-01T12:00:00.000Z"));
	assert_str(h.updated_at, STR("2024-02-01T00:00:00.000Z"));
	assert_str(h.slug, STR("a-slug"));
	assert_true(document_head_read(STR(HEAD("draft", "null") "}"), &h));
	assert_null(h.published_at.ptr);
}

TEST(what_is_no_head_is_refused)
{
	static const char *const texts[] = {
		"", "{", "{}", "[]", "{\"id\":\"short\",\"version\":1}",
		"{\"id\":\"" ID "\",\"version\":x,\"status\":\"draft\"",
		"{\"id\":\"" ID "\",\"version\":1,\"status\":\"draft\",\"published_at\":\"2024\"",
		"{\"version\":1,\"id\":\"" ID "\"",
		"{\"id\":\"" ID "\",\"version\":1,\"status\":\"draft",
	};
	struct document_head h;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		assert_row(!document_head_read(str_of(texts[i]), &h), texts[i]);
}

TEST(every_prefix_of_a_head_is_refused)
{
	const struct str text = STR(HEAD("published", AT_NOON));
	struct document_head h;

	(void)state;
	for (size_t n = 0; n < text.len; n++)
		assert_false(document_head_read(str_first(text, n), &h));
}

TEST(visible_is_what_was_published_up_to_now)
{
	static const struct { const char *row, *text, *now; bool visible; } rows[] = {
		{ "draft", HEAD("draft", "null"), "2024-04-01T00:00:00.000Z", false },
		{ "before", HEAD("published", AT_NOON), "2024-03-01T11:59:59.999Z", false },
		{ "at", HEAD("published", AT_NOON), "2024-03-01T12:00:00.000Z", true },
		{ "after", HEAD("published", AT_NOON), "2024-03-01T12:00:00.001Z", true },
	};
	struct document_head h;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_row(document_head_read(str_of(rows[i].text), &h), rows[i].row);
		assert_row(document_is_visible(&h, str_of(rows[i].now)) == rows[i].visible, rows[i].row);
	}
}

TEST(views_patch_text_of_the_same_length)
{
	static const struct { const char *row, *rest, *now, *expect; } rows[] = {
		{ "scheduled", ",\"expired\":false}", "2024-02-01T00:00:00.000Z",
		  HEAD("scheduled", AT_NOON) ",\"expired\":false}" },
		{ "as stored", ",\"expired\":false}", "2024-04-01T00:00:00.000Z",
		  HEAD("published", AT_NOON) ",\"expired\":false}" },
		{ "expired", ",\"expires_on\":\"2024-03-31\",\"expired\":false}", "2024-04-01T00:00:00.000Z",
		  HEAD("published", AT_NOON) ",\"expires_on\":\"2024-03-31\",\"expired\":true }" },
		{ "last day", ",\"expires_on\":\"2024-03-31\",\"expired\":false}", "2024-03-31T23:59:59.999Z",
		  HEAD("published", AT_NOON) ",\"expires_on\":\"2024-03-31\",\"expired\":false}" },
		{ "a name that says so", ",\"name\":\"\\\"expires_on\\\":\\\"2020-01-01\",\"expired\":false}",
		  "2024-04-01T00:00:00.000Z", HEAD("published", AT_NOON)
		  ",\"name\":\"\\\"expires_on\\\":\\\"2020-01-01\",\"expired\":false}" },
	};
	struct document_head h;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct str text = arena_printf(&a, "%s%s", HEAD("published", AT_NOON), rows[i].rest);
		assert_row(document_head_read(text, &h), rows[i].row);
		unsigned view = document_view(&collection_certifications, &h, text, str_of(rows[i].now));
		assert_row(str_eq(document_patch(&a, text, view), str_of(rows[i].expect)), rows[i].row);
	}
}

TEST(each_view_has_a_variant_of_its_own)
{
	(void)state;
	for (unsigned i = 0; i <= VIEW_ALL; i++)
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(document_variant(i), document_variant(k));
}

TEST(modified_is_the_latest_of_edit_appearance_and_expiry)
{
	static const struct { const char *row, *text, *now, *expect; } rows[] = {
		{ "draft", HEAD("draft", "null"), "2024-04-01T00:00:00.000Z", "2024-02-01T00:00:00.000Z" },
		{ "visible", HEAD("published", AT_NOON), "2024-04-01T00:00:00.000Z", "2024-03-01T12:00:00.000Z" },
		{ "scheduled", HEAD("published", AT_NOON), "2024-02-02T00:00:00.000Z", "2024-02-01T00:00:00.000Z" },
		{ "expired", HEAD("published", AT_NOON) ",\"expires_on\":\"2024-03-15\"",
		  "2024-04-01T00:00:00.000Z", "2024-03-16T00:00:00.000Z" },
	};
	char text[TIME_RFC3339_SIZE];
	struct document_head h;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(document_head_read(str_of(rows[i].text), &h));
		time_to_rfc3339(document_modified_ms(&collection_certifications, &h,
		    str_of(rows[i].text), str_of(rows[i].now)), text);
		assert_row(strcmp(text, rows[i].expect) == 0, rows[i].row);
	}
}

TEST(the_summary_is_the_document_without_its_body)
{
	struct document d = new_post("{\"title\":\"T\",\"body\":\"some words\",\"tags\":[\"a\",\"b\",\"a\"]}");
	struct document_text text;

	(void)state;
	assert_int_equal(document_compose(&a, &d, &text), OK);
	assert_str(text.summary, STR(HEAD("draft", "null") ",\"title\":\"T\",\"excerpt\":null,"
	    "\"category\":null,\"tags\":[\"a\",\"b\"],\"cover_url\":null,\"author\":null,"
	    "\"reading_minutes\":1}"));
	assert_str(text.full, arena_printf(&a, "%.*s,\"body\":\"some words\"}",
	    STR_ARG(str_first(text.summary, text.summary.len - 1))));
	assert_str(text.words, STR("T\na\nb\nsome words"));
}

TEST(what_is_composed_is_read_back_and_composed_the_same)
{
	struct document d = new_post("{\"title\":\"\\\"q\\\" \\u00fc\",\"body\":\"a\\n\\tb\",\"author\":\"x\"}");
	struct document_text first, second;
	struct document_head h;

	(void)state;
	assert_int_equal(document_compose(&a, &d, &first), OK);
	assert_true(document_head_read(first.full, &h));
	struct document again = { .collection = d.collection, .head = h,
		.base = parsed(arena_cstr(&a, first.full)) };
	assert_int_equal(document_compose(&a, &again, &second), OK);
	assert_str(second.full, first.full);
	assert_str(second.summary, first.summary);
}

TEST(what_is_over_wins_and_null_clears)
{
	struct document d = new_post("{\"excerpt\":null,\"title\":\"new\"}");

	(void)state;
	d.base = parsed("{\"title\":\"old\",\"excerpt\":\"e\",\"author\":\"kept\"}");
	assert_str(document_string(&d, "title"), STR("new"));
	assert_null(document_string(&d, "excerpt").ptr);
	assert_str(document_string(&d, "author"), STR("kept"));
	assert_null(document_string(&d, NULL).ptr);
}

TEST(fields_that_contradict_each_other_are_named)
{
	static const struct { const char *row, *fields, *pointer; } rows[] = {
		{ "dates", "{\"issued_on\":\"2024-02-02\",\"expires_on\":\"2024-02-01\"}", "/expires_on" },
		{ "counts", "{\"slug\":\"types\"}", "/slug" },
		{ "an id", "{\"slug\":\"" ID "\"}", "/slug" },
		{ "the same day", "{\"issued_on\":\"2024-02-02\",\"expires_on\":\"2024-02-02\"}", NULL },
		{ "one date", "{\"expires_on\":\"2024-02-02\"}", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct document d = { .collection = &collection_certifications,
			.over = parsed(rows[i].fields) };
		struct field_errors errors;
		field_errors_init(&errors, &a);
		document_check_slug(&d, &errors);
		document_check_dates(&d, &errors);
		assert_row(errors.count == (rows[i].pointer != NULL), rows[i].row);
		if (errors.count > 0)
			assert_row(str_eq(errors.list[0].pointer, str_of(rows[i].pointer)), rows[i].row);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
TEST_MAIN(CASE(a_head_is_read_without_parsing), CASE(what_is_no_head_is_refused),
    CASE(every_prefix_of_a_head_is_refused), CASE(visible_is_what_was_published_up_to_now),
    CASE(views_patch_text_of_the_same_length), CASE(each_view_has_a_variant_of_its_own),
    CASE(modified_is_the_latest_of_edit_appearance_and_expiry),
    CASE(the_summary_is_the_document_without_its_body),
    CASE(what_is_composed_is_read_back_and_composed_the_same),
    CASE(what_is_over_wins_and_null_clears), CASE(fields_that_contradict_each_other_are_named))
