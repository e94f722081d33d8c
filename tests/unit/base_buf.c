#include "test.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/limits.h"

TEST(appends_build_up)
{
	struct buf b;

	(void)state;
	buf_init(&b, NULL, 1000);
	assert_str(buf_str(&b), STR(""));
	BUF_LIT(&b, "a=");
	buf_u64(&b, UINT64_MAX);
	buf_char(&b, ' ');
	buf_i64(&b, INT64_MIN);
	buf_add(&b, STR(" x\0y "));
	buf_printf(&b, "%03d", 7);
	buf_u64(&b, 0);
	buf_bytes(&b, NULL, 0);
	assert_str(buf_str(&b), STR("a=18446744073709551615 -9223372036854775808 x\0y 0070"));
	assert_false(buf_failed(&b));
	buf_clean(&b);
	buf_clean(&b);
}

TEST(the_maximum_holds_and_the_failure_sticks)
{
	struct buf b;

	(void)state;
	buf_init(&b, NULL, 5);
	BUF_LIT(&b, "12345");
	assert_false(buf_failed(&b));
	assert_string_equal(buf_cstr(&b), "12345");
	buf_char(&b, '6');
	assert_true(buf_failed(&b));
	assert_int_equal(b.len, 5);
	buf_truncate(&b, 1);
	buf_char(&b, '2');
	assert_int_equal(b.len, 1);
	assert_string_equal(buf_cstr(&b), "");
	buf_reset(&b);
	BUF_LIT(&b, "ok");
	assert_string_equal(buf_cstr(&b), "ok");
	buf_clean(&b);
}

TEST(an_append_that_does_not_fit_appends_nothing)
{
	struct buf b;

	(void)state;
	buf_init(&b, NULL, 4);
	buf_printf(&b, "%d", 12345);
	assert_int_equal(b.len, 0);
	buf_reset(&b);
	BUF_LIT(&b, "abc");
	buf_i64(&b, -5);
	assert_str(buf_str(&b), STR("abc"));
	assert_true(buf_failed(&b));
	buf_clean(&b);
}

TEST(a_number_is_there_whole_or_not_at_all)
{
	struct buf b;

	(void)state;
	buf_init(&b, NULL, 4);
	buf_i64(&b, -12345);
	assert_int_equal(b.len, 0);
	buf_clean(&b);
}

TEST(sizes_that_overflow_are_refused)
{
	struct buf b;

	(void)state;
	buf_init(&b, NULL, 1000);
	BUF_LIT(&b, "x");
	assert_false(buf_reserve(&b, SIZE_MAX));
	assert_true(buf_failed(&b));
	buf_clean(&b);
}

TEST(reserve_gives_room_to_write_into)
{
	struct buf b;

	(void)state;
	buf_init(&b, NULL, 100000);
	assert_true(buf_reserve(&b, 50000));
	memset(b.ptr, 'z', 50000);
	b.len = 50000;
	assert_int_equal(buf_str(&b).len, 50000);
	buf_truncate(&b, 60000);
	assert_int_equal(b.len, 50000);
	buf_clean(&b);
}

TEST(an_empty_buf_is_an_empty_string)
{
	struct buf b;

	(void)state;
	buf_init(&b, NULL, 0);
	assert_string_equal(buf_cstr(&b), "");
	assert_false(buf_failed(&b));
	buf_char(&b, 'a');
	assert_true(buf_failed(&b));
	buf_clean(&b);
}

TEST(in_an_arena_it_grows_in_place)
{
	struct arena a;
	struct buf   b;
	const char  *where;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	buf_init(&b, &a, 1u << 20);
	buf_char(&b, 'a');
	where = b.ptr;
	for (int i = 0; i < 5000; i++)
		buf_char(&b, 'b');
	assert_ptr_equal(b.ptr, where);
	for (int i = 0; i < 500000; i++)
		buf_char(&b, 'c');
	assert_int_equal(b.len, 505001);
	assert_int_equal(b.ptr[0], 'a');
	assert_int_equal(b.ptr[505000], 'c');
	buf_clean(&b);
	arena_clean(&a);
}

TEST(an_exhausted_arena_fails_the_buf)
{
	struct arena a;
	struct buf   b;

	(void)state;
	arena_init(&a, 1000);
	buf_init(&b, &a, 1u << 20);
	while (!buf_failed(&b))
		BUF_LIT(&b, "0123456789");
	assert_in_range(b.len, 800, 1000);
	assert_int_equal(b.len % 10, 0);
	arena_clean(&a);
}

TEST_MAIN(RUN(appends_build_up), RUN(the_maximum_holds_and_the_failure_sticks),
    RUN(an_append_that_does_not_fit_appends_nothing),
    RUN(a_number_is_there_whole_or_not_at_all), RUN(sizes_that_overflow_are_refused),
    RUN(reserve_gives_room_to_write_into), RUN(an_empty_buf_is_an_empty_string),
    RUN(in_an_arena_it_grows_in_place), RUN(an_exhausted_arena_fails_the_buf))
