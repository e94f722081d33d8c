/* Which range of the store a list reads, and what it still looks for in its rows. */
#include "content/listing.h"
#include "test.h"

#define NOW_MS  1700000000000           /* 2023-11-14T22:13:20.000Z */
#define BEHIND  "2023-11-14T22:13:20.001Z"

static struct arena a;

static int begin(void **state)
{
	(void)state;
	arena_init(&a, 1 << 20);
	return 0;
}

static int end(void **state)
{
	(void)state;
	arena_clean(&a);
	return 0;
}

static struct str absent_or(const char *text)
{
	return str_of(text);
}

TEST(every_combination_of_filters_has_its_range)
{
	static const struct {
		const char *row;
		enum listing_status status;
		const char *group, *label, *words;
		const char *pk, *from, *to;
		bool index;
		const char *left_group, *left_label, *left_status;
	} rows[] = {
		{ "all that readers see", LIST_VISIBLE, NULL, NULL, NULL, "blog#published", NULL, BEHIND,
		  false, NULL, NULL, NULL },
		{ "a category", LIST_VISIBLE, "c#1", NULL, NULL, "blog#category#c#1", NULL, BEHIND,
		  false, NULL, NULL, NULL },
		{ "a tag", LIST_VISIBLE, NULL, "t", NULL, "blog#tag#t", NULL, BEHIND,
		  false, NULL, NULL, NULL },
		{ "both", LIST_VISIBLE, "c", "t", NULL, "blog#tag#t", NULL, BEHIND, false, "c", NULL, NULL },
		{ "words", LIST_VISIBLE, "c", "t", "w", "blog#published", NULL, BEHIND,
		  false, "c", "t", NULL },
		{ "scheduled", LIST_SCHEDULED, NULL, "t", NULL, "blog#tag#t", BEHIND, NULL,
		  false, NULL, NULL, NULL },
		{ "drafts", LIST_DRAFTS, NULL, NULL, NULL, "blog#draft", NULL, NULL,
		  true, NULL, NULL, NULL },
		{ "drafts of a category", LIST_DRAFTS, "c", NULL, NULL, "blog#draft", NULL, NULL,
		  true, "c", NULL, NULL },
		{ "drafts with words", LIST_DRAFTS, NULL, NULL, "w", "blog#all", NULL, NULL,
		  false, NULL, NULL, "draft" },
		{ "everything", LIST_ALL, "c", NULL, "w", "blog#all", NULL, NULL, false, "c", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct listing_filters f = { rows[i].status, absent_or(rows[i].group),
			absent_or(rows[i].label), absent_or(rows[i].words) };
		struct listing l;
		listing_plan(&a, &collection_blog, &f, NOW_MS, &l);
		const char *row = rows[i].row;
		assert_row(str_eq(l.query.pk, str_of(rows[i].pk)), row);
		assert_row(str_eq(l.query.from, str_of(rows[i].from)), row);
		assert_row(str_eq(l.query.to, str_of(rows[i].to)), row);
		assert_row(str_eq(l.query.match, str_of(rows[i].words)), row);
		assert_row(l.query.index == rows[i].index && l.query.descending, row);
		assert_row(str_eq(l.group, str_of(rows[i].left_group)), row);
		assert_row(str_eq(l.label, str_of(rows[i].left_label)), row);
		assert_row(str_eq(l.status, str_of(rows[i].left_status)), row);
	}
}

#define ROW(STATUS, REST) \
	"{\"id\":\"01890a5d-ac96-774b-bcce-b302099a8057\",\"version\":1,\"status\":\"" STATUS "\"," \
	"\"published_at\":null,\"created_at\":\"2024-01-01T00:00:00.000Z\"," \
	"\"updated_at\":\"2024-01-01T00:00:00.000Z\",\"slug\":\"s\"," REST "}"

TEST(rows_are_taken_by_what_is_left_to_check)
{
	static const struct { const char *row, *text, *group, *label, *status; bool taken; } rows[] = {
		{ "nothing to check", ROW("draft", "\"tags\":[]"), NULL, NULL, NULL, true },
		{ "status", ROW("draft", "\"tags\":[]"), NULL, NULL, "draft", true },
		{ "other status", ROW("published", "\"tags\":[]"), NULL, NULL, "draft", false },
		{ "category", ROW("draft", "\"category\":\"c\""), "c", NULL, NULL, true },
		{ "no category", ROW("draft", "\"category\":null"), "c", NULL, NULL, false },
		{ "tag", ROW("draft", "\"tags\":[\"a\",\"b\"]"), NULL, "b", NULL, true },
		{ "beginning of a tag", ROW("draft", "\"tags\":[\"ab\"]"), NULL, "a", NULL, false },
		{ "tag of the text only", ROW("draft", "\"excerpt\":\"\\\"a\\\"\",\"tags\":[]"), NULL, "a", NULL, false },
		{ "both, one missing", ROW("draft", "\"category\":\"c\",\"tags\":[]"), "c", "t", NULL, false },
		{ "no document", "{}", NULL, NULL, NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct listing l = { .group = str_of(rows[i].group), .label = str_of(rows[i].label),
			.status = str_of(rows[i].status) };
		assert_row(listing_takes(&a, &collection_blog, &l, str_of(rows[i].text)) == rows[i].taken,
		    rows[i].row);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
TEST_MAIN(CASE(every_combination_of_filters_has_its_range),
    CASE(rows_are_taken_by_what_is_left_to_check))
