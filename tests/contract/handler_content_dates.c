/*
 * Last-Modified of what is made of many items: nobody is told 304 who has seen
 * something else, whatever became of the items, and in the same second too.
 */
#include "tests/contract/content_rig.h"

#include <time.h>

static const char *const places[] = { "/v1/blog", "/v1/blog?category=c", "/v1/blog?category=c&tag=t",
	"/v1/blog?q=post", "/v1/blog/categories", "/sitemap.xml", "/feed.xml", "/feed.json" };

static struct str dates[COUNT(places)];

static uint16_t status_since(const char *place, struct str date)
{
	struct fixture_reply r = fixture_send(&rig, &(struct fixture_request){ "GET", place,
	    { arena_printf(&rig.arena, "HTTP_IF_MODIFIED_SINCE=%.*s", STR_ARG(date)).ptr } });

	return r.status;
}

static void take_dates(void)
{
	for (size_t i = 0; i < COUNT(places); i++) {
		struct fixture_reply r = rig_get(places[i]);
		rig_expect(&r, 200);
		dates[i] = fixture_header(&r, "Last-Modified");
		assert_row(dates[i].ptr != NULL, places[i]);
	}
}

/* What was seen is nowhere told to be right still. */
static void expect_all_changed(const char *by)
{
	for (size_t i = 0; i < COUNT(places); i++)
		assert_row(status_since(places[i], dates[i]) == 200,
		    arena_printf(&rig.arena, "%s after %s", places[i], by).ptr);
}

/* Two posts, so that one can go and leave the newest as it is. */
static void open_blog(void)
{
	rig_create_published("/v1/blog",
	    "{\"title\":\"Post one\",\"slug\":\"one\",\"category\":\"c\",\"tags\":[\"t\"]}");
	rig_create_published("/v1/blog",
	    "{\"title\":\"Post two\",\"slug\":\"two\",\"category\":\"c\",\"tags\":[\"t\"]}");
}

static bool all_unchanged(void)
{
	for (size_t i = 0; i < COUNT(places); i++)
		if (status_since(places[i], dates[i]) != 304)
			return false;
	return true;
}

static void wait_ms(long ms)
{
	struct timespec pause = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&pause, NULL);
}

TEST(who_has_the_date_is_told_that_nothing_changed)
{
	(void)state;
	open_blog();
	/* A second may have been shared with the change before it. */
	for (int i = 0; i < 100; i++) {
		take_dates();
		if (all_unchanged())
			return;
		wait_ms(50);
	}
	fail_msg("never 304");
}

TEST(every_change_is_told_in_the_second_of_the_date_too)
{
	static const struct { const char *by, *method, *target, *json; } rows[] = {
		{ "an edit", "PATCH", "/v1/blog/one", "{\"title\":\"Post 1\"}" },
		{ "an edit that leaves the category", "PATCH", "/v1/blog/one", "{\"category\":\"d\"}" },
		{ "unpublishing", "POST", "/v1/blog/one/unpublish", "" },
		{ "publishing", "POST", "/v1/blog/one/publish", "" },
		{ "removal of the older one", "DELETE", "/v1/blog/two", "" },
	};

	(void)state;
	open_blog();
	for (size_t i = 0; i < COUNT(rows); i++) {
		take_dates();
		struct fixture_reply r = rig_edit(rows[i].method, rows[i].target, rows[i].json);
		assert_row(r.status < 300, rows[i].by);
		expect_all_changed(rows[i].by);
	}
}

TEST(what_appears_at_its_time_is_told)
{
	char text[TIME_RFC3339_SIZE];

	(void)state;
	open_blog();
	rig_create("/v1/blog",
	    "{\"title\":\"Post three\",\"slug\":\"three\",\"category\":\"c\",\"tags\":[\"t\"]}");
	time_to_rfc3339(time_now_ms() + 1500, text);
	struct fixture_reply r = rig_edit("POST", "/v1/blog/three/publish",
	    arena_printf(&rig.arena, "{\"publish_at\":\"%s\"}", text).ptr);
	rig_expect(&r, 200);
	/* Twice, so that the feeds are kept and the pages too. */
	for (int i = 0; i < 3; i++)
		take_dates();
	wait_ms(1100);
	take_dates();
	assert_int_equal(rig_get("/v1/blog/three").status, 404);
	for (int i = 0; i < 500 && rig_get("/v1/blog/three").status != 200; i++)
		wait_ms(10);
	expect_all_changed("its time");
}

TEST(an_editors_list_is_of_its_moment)
{
	(void)state;
	open_blog();
	struct fixture_reply r = rig_edit("GET", "/v1/blog?status=all", "");
	rig_expect(&r, 200);
	struct str date = fixture_header(&r, "Last-Modified");
	r = rig_edit_as("GET", "/v1/blog?status=all", "CONTENT_TYPE=application/json", STR(""),
	    arena_printf(&rig.arena, "HTTP_IF_MODIFIED_SINCE=%.*s", STR_ARG(date)).ptr);
	rig_expect(&r, 200);
}

TEST(a_refused_list_has_no_date)
{
	(void)state;
	struct fixture_reply r = rig_get("/v1/blog?q=%2C");
	rig_expect(&r, 422);
	assert_null(fixture_header(&r, "Last-Modified").ptr);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, rig_open, rig_close)
TEST_MAIN(CASE(who_has_the_date_is_told_that_nothing_changed),
    CASE(every_change_is_told_in_the_second_of_the_date_too),
    CASE(what_appears_at_its_time_is_told), CASE(an_editors_list_is_of_its_moment), CASE(a_refused_list_has_no_date))
