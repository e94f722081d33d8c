#include "test.h"

#include <signal.h>
#include <stdalign.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/limits.h"

struct item {
	uint64_t id;
	char     tag[3];
};

static int  order[4];
static int  ran;
static void note(void *what) { order[ran++] = *(int *)what; }

TEST(pieces_are_aligned_and_apart)
{
	struct arena a;
	char        *pieces[100];

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	for (size_t i = 0; i < COUNT(pieces); i++) {
		pieces[i] = arena_alloc(&a, i);
		assert_int_equal((uintptr_t)pieces[i] % alignof(max_align_t), 0);
		memset(pieces[i], (int)i, i);
	}
	for (size_t i = 0; i < COUNT(pieces); i++)
		for (size_t j = 0; j < i; j++)
			assert_int_equal(pieces[i][j], (char)i);
	assert_ptr_not_equal(arena_alloc(&a, 0), arena_alloc(&a, 0));
	arena_clean(&a);
}

TEST(zeroed_memory_is_zero_after_a_reset_too)
{
	struct arena a;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	memset(arena_alloc(&a, 1000), 0xFF, 1000);
	arena_reset(&a);
	struct item *items = ARENA_ARRAY(&a, 50, struct item);
	for (size_t i = 0; i < 50; i++)
		assert_int_equal(items[i].id + (uint64_t)items[i].tag[2], 0);
	assert_int_equal(ARENA_NEW(&a, struct item)->id, 0);
	arena_clean(&a);
}

TEST(a_wiped_reset_leaves_nothing_of_what_was_there)
{
	struct arena a;
	char        *secret, *again;

	(void)state;
	arena_init(&a, 1 << 20);
	secret = arena_alloc(&a, 64);
	memset(secret, 's', 64);
	arena_reset_wiped(&a);
	again = arena_alloc(&a, 64);
	assert_ptr_equal(again, secret);
	for (size_t i = 0; i < 64; i++)
		assert_int_equal(again[i], 0);
	arena_clean(&a);
}

TEST(reset_keeps_one_block_of_bounded_size_and_gives_back_the_rest)
{
	struct arena a;
	void        *kept;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	for (int i = 0; i < 100; i++)
		memset(arena_alloc(&a, 9000), i, 9000);
	memset(arena_alloc(&a, 3u << 20), 1, 3u << 20);
	arena_reset(&a);
	assert_int_equal(a.used, 0);
	kept = a.block;
	memset(arena_alloc(&a, 100000), 1, 100000);
	assert_ptr_equal(a.block, kept);
	memset(arena_alloc(&a, ARENA_KEEP_BYTES), 1, ARENA_KEEP_BYTES);
	assert_ptr_not_equal(a.block, kept);
	arena_clean(&a);
	assert_null(a.block);
}

TEST(a_large_piece_leaves_the_newest_block_in_use)
{
	struct arena a;
	char        *before, *after;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	before = arena_alloc(&a, 16);
	memset(arena_alloc(&a, 5u << 20), 7, 5u << 20);
	after = arena_alloc(&a, 16);
	assert_true(after > before && after - before <= 64);
	arena_clean(&a);
}

TEST(the_bound_refuses_and_leaves_the_arena_good)
{
	struct arena    a;
	volatile size_t all = SIZE_MAX;         /* the compiler knows better of a constant */

	(void)state;
	arena_init(&a, 4096);
	assert_non_null(arena_try(&a, 2000));
	assert_null(arena_try(&a, 4096));
	assert_null(arena_try(&a, all));
	assert_null(arena_try(&a, all / 2));
	assert_non_null(arena_try(&a, 1000));
	arena_reset(&a);
	assert_non_null(arena_try(&a, 4000));
	arena_clean(&a);
}

TEST(small_allocations_survive_a_full_arena)
{
	struct arena a;

	(void)state;
	arena_init(&a, 4096);
	while (arena_try(&a, 64) != NULL)
		;
	assert_str(arena_printf(&a, "%d", 42), STR("42"));
	arena_clean(&a);
}

static void overrun(void)
{
	struct arena a;

	arena_init(&a, 4096);
	(void)!freopen("/dev/null", "w", stderr);
	memset(arena_alloc(&a, 4096 + ARENA_RESERVE_BYTES + 1), 0, 1);
	_exit(0);
}

static void overflow(void)
{
	struct arena    a;
	volatile size_t half = SIZE_MAX / 2;

	arena_init(&a, SIZE_MAX);
	(void)!freopen("/dev/null", "w", stderr);
	memset(arena_zero(&a, half, 3), 0, 1);
	_exit(0);
}

static int signal_of(void (*fn)(void))
{
	pid_t pid = fork();
	int   status = 0;

	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		fn();
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

TEST(what_the_program_sizes_aborts_when_exhausted)
{
	(void)state;
	assert_int_equal(signal_of(overrun), SIGABRT);
	assert_int_equal(signal_of(overflow), SIGABRT);
}

TEST(growing_the_newest_piece_stays_in_place)
{
	struct arena a;
	char        *p, *q;

	(void)state;
	arena_init(&a, 1u << 20);
	p = arena_grow(&a, NULL, 0, 5);
	memcpy(p, "hello", 5);
	assert_ptr_equal(arena_grow(&a, p, 5, 500), p);
	p[499] = 'x';
	memset(arena_alloc(&a, 1), 0, 1);
	q = arena_grow(&a, p, 500, 501);
	assert_ptr_not_equal(q, p);
	assert_memory_equal(q, "hello", 5);
	assert_null(arena_grow(&a, q, 501, 2u << 20));
	assert_memory_equal(q, "hello", 5);
	arena_clean(&a);
}

TEST(growing_past_a_block_copies)
{
	struct arena a;
	char        *p;
	size_t       size = 64;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	p = arena_grow(&a, NULL, 0, size);
	memset(p, 'a', size);
	for (; size < 4u << 20; size *= 2) {
		p = arena_grow(&a, p, size, size * 2);
		memset(p + size, 'a', size);
	}
	for (size_t i = 0; i < size; i++)
		assert_int_equal(p[i], 'a');
	arena_clean(&a);
}

TEST(foreign_memory_counts_until_the_reset)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1000);
	assert_true(arena_charge(&a, 900));
	assert_false(arena_charge(&a, 101));
	assert_false(arena_charge(&a, SIZE_MAX));
	assert_null(arena_try(&a, 200));
	arena_reset(&a);
	assert_non_null(arena_try(&a, 200));
	arena_clean(&a);
}

TEST(cleanups_run_newest_first_and_once)
{
	struct arena a;
	int          numbers[] = { 1, 2, 3 };

	(void)state;
	ran = 0;
	arena_init(&a, ARENA_MAX_BYTES);
	for (size_t i = 0; i < COUNT(numbers); i++)
		arena_defer(&a, note, &numbers[i]);
	arena_reset(&a);
	assert_int_equal(ran, 3);
	assert_int_equal(order[0], 3);
	assert_int_equal(order[2], 1);
	arena_clean(&a);
	assert_int_equal(ran, 3);
}

TEST(copies_end_in_nul_and_keep_absence)
{
	struct arena a;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	assert_string_equal(arena_cstr(&a, str_first(STR("abc"), 2)), "ab");
	assert_string_equal(arena_cstr(&a, STR_NONE), "");
	assert_null(arena_dup(&a, STR_NONE).ptr);
	assert_non_null(arena_dup(&a, STR("")).ptr);
	assert_str(arena_dup(&a, STR("a\0b")), STR("a\0b"));
	assert_int_equal(arena_dup(&a, STR("ab")).ptr[2], '\0');
	assert_str(arena_printf(&a, "%s-%05d", "x", 42), STR("x-00042"));
	assert_int_equal(arena_printf(&a, "%*d", 20000, 1).len, 20000);
	arena_clean(&a);
}

TEST_MAIN(RUN(pieces_are_aligned_and_apart), RUN(zeroed_memory_is_zero_after_a_reset_too),
    RUN(a_wiped_reset_leaves_nothing_of_what_was_there),
    RUN(reset_keeps_one_block_of_bounded_size_and_gives_back_the_rest),
    RUN(a_large_piece_leaves_the_newest_block_in_use),
    RUN(the_bound_refuses_and_leaves_the_arena_good),
    RUN(small_allocations_survive_a_full_arena),
    RUN(what_the_program_sizes_aborts_when_exhausted),
    RUN(growing_the_newest_piece_stays_in_place), RUN(growing_past_a_block_copies),
    RUN(foreign_memory_counts_until_the_reset), RUN(cleanups_run_newest_first_and_once),
    RUN(copies_end_in_nul_and_keep_absence))
