/* Pages kept: right at one snapshot, until their time, and only what is asked twice. */
#include "content/content_limits.h"
#include "content/page_cache.h"
#include "test.h"

static const struct store_snapshot early = { { 1, 2, 3, 4, 5, 6 } }, later = { { 1, 2, 3, 4, 5, 7 } };
static const struct kept_page page = { STR_INIT("body"), STR_INIT("\"tag\""), { NULL, 0 }, 7 };
static struct page_cache *cache;
static struct arena a;

static int begin(void **state)
{
	(void)state;
	arena_init(&a, 1 << 20);
	cache = page_cache_new();
	assert_non_null(cache);
	return 0;
}

static int end(void **state)
{
	(void)state;
	page_cache_free(cache);
	arena_clean(&a);
	return 0;
}

TEST(a_page_is_found_as_it_was_kept)
{
	struct kept_page found;

	(void)state;
	page_cache_keep(cache, &early, 100, STR("key"), &page);
	assert_true(page_cache_find(cache, &a, &early, 99, STR("key"), &found));
	assert_str(found.body, page.body);
	assert_str(found.etag, page.etag);
	assert_null(found.link.ptr);
	assert_int_equal(found.changed_ms, page.changed_ms);
}

TEST(a_page_is_right_for_its_key_its_snapshot_and_its_time)
{
	static const struct {
		const char *row, *key;
		const struct store_snapshot *snapshot;
		int64_t now_ms;
	} rows[] = {
		{ "another key", "other", &early, 1 },
		{ "a write since", "key", &later, 1 },
		{ "its time is over", "key", &early, 100 },
	};
	struct kept_page found;

	(void)state;
	page_cache_keep(cache, &early, 100, STR("key"), &page);
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(!page_cache_find(cache, &a, rows[i].snapshot, rows[i].now_ms,
		    str_of(rows[i].key), &found), rows[i].row);
}

TEST(what_is_asked_for_twice_while_nothing_is_written_is_wanted)
{
	(void)state;
	assert_false(page_cache_wants(cache, &early, STR("key")));
	assert_true(page_cache_wants(cache, &early, STR("key")));
	assert_false(page_cache_wants(cache, &later, STR("key")));
	assert_true(page_cache_wants(cache, &later, STR("key")));
}

TEST(a_page_over_the_bound_is_not_kept)
{
	static char bytes[PAGE_CACHE_PAGE_MAX_BYTES];
	struct kept_page large = { .body = { bytes, sizeof(bytes) }, .etag = page.etag }, found;

	(void)state;
	page_cache_keep(cache, &early, 100, STR("key"), &large);
	assert_false(page_cache_find(cache, &a, &early, 1, STR("key"), &found));
}

TEST(pages_that_share_a_slot_drive_each_other_out_and_are_never_mixed_up)
{
	struct kept_page found;
	char key[16];

	(void)state;
	for (int i = 0; i < 10 * PAGE_CACHE_SLOTS; i++) {
		snprintf(key, sizeof(key), "%d", i);
		struct kept_page own = { .body = str_of(key), .etag = page.etag };
		page_cache_keep(cache, &early, 100, str_of(key), &own);
		assert_true(page_cache_find(cache, &a, &early, 1, str_of(key), &found));
		assert_str(found.body, str_of(key));
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)
TEST_MAIN(CASE(a_page_is_found_as_it_was_kept),
    CASE(a_page_is_right_for_its_key_its_snapshot_and_its_time),
    CASE(what_is_asked_for_twice_while_nothing_is_written_is_wanted),
    CASE(a_page_over_the_bound_is_not_kept),
    CASE(pages_that_share_a_slot_drive_each_other_out_and_are_never_mixed_up))
