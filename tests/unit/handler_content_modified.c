/* Dates of states that follow each other, within a second too, in several processes. */
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "content/modified.h"
#include "test.h"

static const struct store_snapshot early = { { 1, 2, 3, 4, 5, 6 } }, later = { { 1, 2, 3, 4, 5, 7 } };
static char dir[64];
static struct modified_watch watch;

static int begin(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/quiver-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(modified_watch_open(dir, &watch), OK);
	return 0;
}

static int end(void **state)
{
	(void)state;
	modified_watch_close(&watch);
	DIR *d = opendir(dir);
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(dir);
	return 0;
}

TEST(a_state_has_a_later_date_than_the_one_before)
{
	static const struct { const char *row; int64_t before_s, now_s, date_s; } rows[] = {
		{ "the first", 0, 100, 100 },
		{ "in a later second", 99, 100, 100 },
		{ "in the same second", 100, 100, 101 },
		{ "the third in a second, nobody having seen the next", 101, 100, 101 },
		{ "after the clock was put back", 500, 100, 501 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(modified_after(rows[i].before_s, rows[i].now_s) == rows[i].date_s,
		    rows[i].row);
}

TEST(while_nothing_is_written_the_date_stays)
{
	(void)state;
	assert_int_equal(modified_watch_ms(&watch, &early, 100999), 100000);
	assert_int_equal(modified_watch_ms(&watch, &early, 200000), 100000);
}

TEST(after_a_write_the_date_is_when_it_was_met)
{
	(void)state;
	assert_int_equal(modified_watch_ms(&watch, &early, 100000), 100000);
	assert_int_equal(modified_watch_ms(&watch, &later, 200000), 200000);
	assert_int_equal(modified_watch_ms(&watch, &early, 300000), 300000);
}

TEST(what_cannot_be_told_is_another_state_each_time)
{
	(void)state;
	assert_int_equal(modified_watch_ms(&watch, NULL, 100000), 100000);
	assert_int_equal(modified_watch_ms(&watch, NULL, 200000), 200000);
}

TEST(all_processes_give_a_state_the_same_date)
{
	struct modified_watch other;

	(void)state;
	assert_int_equal(modified_watch_open(dir, &other), OK);
	assert_int_equal(modified_watch_ms(&watch, &early, 100000), 100000);
	assert_int_equal(modified_watch_ms(&other, &early, 150000), 100000);
	assert_int_equal(modified_watch_ms(&other, &later, 150000), 150000);
	assert_int_equal(modified_watch_ms(&watch, &later, 150500), 150000);
	modified_watch_close(&other);
}

TEST(a_start_is_another_state)
{
	struct modified_watch other;

	(void)state;
	assert_int_equal(modified_watch_ms(&watch, &early, 100000), 100000);
	assert_int_equal(modified_watch_open(dir, &other), OK);
	assert_int_equal(modified_watch_ms(&other, &early, 100000), 101000);
	modified_watch_close(&other);
}

TEST(what_was_scheduled_appears_by_itself_and_what_was_edited_since_does_not)
{
	static const struct { const char *published, *updated; int64_t ms; } rows[] = {
		{ "1970-01-01T00:01:40.000Z", "1970-01-01T00:00:40.000Z", 100000 },
		{ "1970-01-01T00:01:39.001Z", "1970-01-01T00:00:40.000Z", 100000 },
		{ "1970-01-01T00:01:40.000Z", "1970-01-01T00:01:40.000Z", 0 },
		{ "1970-01-01T00:01:40.000Z", "1970-01-01T00:02:40.000Z", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct document_head head = { .published_at = str_of(rows[i].published),
			.updated_at = str_of(rows[i].updated) };
		assert_row(modified_by_itself(&head) == rows[i].ms, rows[i].published);
	}
}

TEST(a_page_of_what_expires_is_no_older_than_the_day)
{
	struct document_head head = { .published_at = STR("1970-01-01T00:01:40.000Z"),
		.updated_at = STR("1970-01-01T00:00:40.000Z") };
	int64_t now_ms = 3 * 86400000 + 5000;

	(void)state;
	assert_int_equal(modified_page_by_itself(&collection_blog, &head, now_ms), 100000);
	assert_int_equal(modified_page_by_itself(&collection_certifications, &head, now_ms),
	    3 * 86400000);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
TEST_MAIN(CASE(a_state_has_a_later_date_than_the_one_before),
    CASE(while_nothing_is_written_the_date_stays),
    CASE(after_a_write_the_date_is_when_it_was_met),
    CASE(what_cannot_be_told_is_another_state_each_time),
    CASE(all_processes_give_a_state_the_same_date), CASE(a_start_is_another_state),
    CASE(what_was_scheduled_appears_by_itself_and_what_was_edited_since_does_not),
    CASE(a_page_of_what_expires_is_no_older_than_the_day))
