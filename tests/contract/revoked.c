/*
 * The table of revoked sessions in shared memory: what one process writes all see.
 */
#include "auth/revoked.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "tests/test.h"

#define NOW_MS  INT64_C(1700000000000)
#define HOUR_MS INT64_C(3600000)
#define ROUND_MS INT64_C(64000)         /* what a time is rounded up by, at most */

struct rig {
	char           dir[64];
	struct revoked table;
};

static void rig_open(struct rig *r)
{
	*r = (struct rig){ .dir = "/tmp/quiver-test-XXXXXX" };
	assert_non_null(mkdtemp(r->dir));
	assert_int_equal(revoked_open(r->dir, &r->table), OK);
	revoked_set_filled(&r->table);
}

static void rig_close(struct rig *r)
{
	struct dirent *e;
	DIR           *d = opendir(r->dir);

	revoked_close(&r->table);
	for (e = readdir(d); e != NULL; e = readdir(d))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(r->dir);
}

static struct str name_of(char text[40], int i)
{
	snprintf(text, 40, "01900000-0000-7000-8000-%012d", i);
	return str_of(text);
}

TEST(a_session_is_revoked_until_its_time_and_no_other_is)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_true(revoked_add(&r.table, STR("one"), NOW_MS, NOW_MS + HOUR_MS));
	assert_int_equal(revoked_has(&r.table, STR("one"), NOW_MS), REVOKED_YES);
	assert_int_equal(revoked_has(&r.table, STR("one"), NOW_MS + HOUR_MS), REVOKED_YES);
	assert_int_equal(revoked_has(&r.table, STR("one"), NOW_MS + HOUR_MS + ROUND_MS), REVOKED_NO);
	assert_int_equal(revoked_has(&r.table, STR("two"), NOW_MS), REVOKED_NO);
	rig_close(&r);
}

TEST(revoking_again_makes_it_longer_and_never_shorter)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_true(revoked_add(&r.table, STR("one"), NOW_MS, NOW_MS + HOUR_MS));
	assert_true(revoked_add(&r.table, STR("one"), NOW_MS, NOW_MS + 2 * HOUR_MS));
	assert_true(revoked_add(&r.table, STR("one"), NOW_MS, NOW_MS + 1));
	assert_int_equal(revoked_has(&r.table, STR("one"), NOW_MS + 2 * HOUR_MS), REVOKED_YES);
	rig_close(&r);
}

TEST(until_someone_filled_it_the_store_is_to_be_asked)
{
	struct rig r;

	(void)state;
	r = (struct rig){ .dir = "/tmp/quiver-test-XXXXXX" };
	assert_non_null(mkdtemp(r.dir));
	assert_int_equal(revoked_open(r.dir, &r.table), OK);
	assert_false(revoked_is_filled(&r.table));
	assert_int_equal(revoked_has(&r.table, STR("one"), NOW_MS), REVOKED_ASK_STORE);
	assert_true(revoked_add(&r.table, STR("one"), NOW_MS, NOW_MS + HOUR_MS));
	assert_int_equal(revoked_has(&r.table, STR("one"), NOW_MS), REVOKED_YES);
	revoked_set_filled(&r.table);
	assert_true(revoked_is_filled(&r.table));
	assert_int_equal(revoked_has(&r.table, STR("two"), NOW_MS), REVOKED_NO);
	rig_close(&r);
}

TEST(a_full_table_says_so_until_the_last_one_that_had_no_room_is_over)
{
	char       text[40];
	struct rig r;
	int        added = 0, count = 4 * REVOKED_CELLS;

	(void)state;
	rig_open(&r);
	for (int i = 0; i < count; i++)
		added += revoked_add(&r.table, name_of(text, i), NOW_MS, NOW_MS + HOUR_MS);
	assert_true(added > REVOKED_CELLS / 2 && added <= REVOKED_CELLS);
	for (int i = 0; i < count; i++)
		assert_int_not_equal(revoked_has(&r.table, name_of(text, i), NOW_MS), REVOKED_NO);
	assert_int_equal(revoked_has(&r.table, STR("alive"), NOW_MS), REVOKED_ASK_STORE);
	assert_int_equal(revoked_has(&r.table, STR("alive"), NOW_MS + HOUR_MS), REVOKED_NO);
	rig_close(&r);
}

TEST(cells_whose_time_is_over_are_used_again)
{
	char       text[40];
	struct rig r;
	int64_t    later = NOW_MS + HOUR_MS + ROUND_MS;
	int        added = 0;

	(void)state;
	rig_open(&r);
	for (int i = 0; i < 4 * REVOKED_CELLS; i++)
		(void)revoked_add(&r.table, name_of(text, i), NOW_MS, NOW_MS + HOUR_MS);
	for (int i = 0; i < REVOKED_CELLS / 4; i++)
		added += revoked_add(&r.table, name_of(text, -i), later, later + HOUR_MS);
	assert_int_equal(added, REVOKED_CELLS / 4);
	for (int i = 0; i < REVOKED_CELLS / 4; i++)
		assert_int_equal(revoked_has(&r.table, name_of(text, -i), later), REVOKED_YES);
	rig_close(&r);
}

#define WRITERS 4
#define EACH    4000

/* What each adds is found by it the moment it was added. */
static int add_own(struct rig *r, int writer)
{
	char text[40];

	for (int i = 0; i < EACH; i++) {
		struct str name = name_of(text, writer * EACH + i);

		if (!revoked_add(&r->table, name, NOW_MS, NOW_MS + HOUR_MS) ||
		    revoked_has(&r->table, name, NOW_MS) != REVOKED_YES)
			return 1;
	}
	return 0;
}

TEST(what_several_processes_add_at_once_is_all_there)
{
	char       text[40];
	struct rig r;
	pid_t      children[WRITERS];
	int        status;

	(void)state;
	rig_open(&r);
	/* Cells to be taken over, so that they meet on them. */
	for (int i = 0; i < REVOKED_CELLS; i++)
		(void)revoked_add(&r.table, name_of(text, -i), NOW_MS - 2 * HOUR_MS,
		    NOW_MS - HOUR_MS);
	for (int w = 0; w < WRITERS; w++) {
		children[w] = fork();
		if (children[w] == 0) {
			if (revoked_open(r.dir, &r.table) != OK)
				_exit(2);
			_exit(add_own(&r, w));
		}
	}
	for (int w = 0; w < WRITERS; w++) {
		assert_int_equal(waitpid(children[w], &status, 0), children[w]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	for (int i = 0; i < WRITERS * EACH; i++)
		assert_int_equal(revoked_has(&r.table, name_of(text, i), NOW_MS), REVOKED_YES);
	rig_close(&r);
}

TEST(a_directory_that_is_not_there_is_an_error)
{
	struct revoked table;

	(void)state;
	assert_int_equal(revoked_open("/nowhere/at/all", &table), ERR_IO);
}

/* Where other machines revoke too. */
TEST(what_was_not_read_in_time_is_not_believed)
{
	struct rig r;
	uint64_t   now_ms = time_monotonic_ns() / 1000000;

	(void)state;
	rig_open(&r);
	revoked_believe_for(&r.table, 5000);
	assert_int_equal(revoked_has(&r.table, STR("one"), NOW_MS), REVOKED_ASK_STORE);
	revoked_set_read(&r.table, now_ms);
	assert_int_equal(revoked_has(&r.table, STR("one"), NOW_MS), REVOKED_NO);
	/* An older reading of another process takes nothing away. */
	revoked_set_read(&r.table, now_ms - 4000);
	assert_int_equal(revoked_read_at(&r.table, now_ms), now_ms);
	revoked_believe_for(&r.table, 1);
	usleep(3000);
	assert_int_equal(revoked_has(&r.table, STR("one"), NOW_MS), REVOKED_ASK_STORE);
	assert_true(revoked_add(&r.table, STR("one"), NOW_MS, NOW_MS + HOUR_MS));
	assert_int_equal(revoked_has(&r.table, STR("one"), NOW_MS), REVOKED_YES);
	rig_close(&r);
}

/* The table outlives a start of the machine; its clock begins anew. */
TEST(a_reading_of_another_start_is_none)
{
	struct rig r;
	uint64_t   now_ms = time_monotonic_ns() / 1000000;

	(void)state;
	rig_open(&r);
	revoked_set_read(&r.table, now_ms + HOUR_MS);
	assert_int_equal(revoked_read_at(&r.table, now_ms), 0);
	revoked_set_read(&r.table, now_ms);
	assert_int_equal(revoked_read_at(&r.table, now_ms), now_ms);
	assert_true(revoked_take_turn(&r.table, now_ms + HOUR_MS, 2000));
	assert_true(revoked_take_turn(&r.table, now_ms, 2000));
	rig_close(&r);
}

TEST(one_process_has_the_turn)
{
	struct rig r;

	(void)state;
	rig_open(&r);
	assert_true(revoked_take_turn(&r.table, 10000, 2000));
	assert_false(revoked_take_turn(&r.table, 10000, 2000));
	assert_false(revoked_take_turn(&r.table, 11999, 2000));
	assert_true(revoked_take_turn(&r.table, 12000, 2000));
	rig_close(&r);
}

TEST_MAIN(
	RUN(what_was_not_read_in_time_is_not_believed),
	RUN(a_reading_of_another_start_is_none),
	RUN(one_process_has_the_turn),
	RUN(a_session_is_revoked_until_its_time_and_no_other_is),
	RUN(revoking_again_makes_it_longer_and_never_shorter),
	RUN(until_someone_filled_it_the_store_is_to_be_asked),
	RUN(a_full_table_says_so_until_the_last_one_that_had_no_room_is_over),
	RUN(cells_whose_time_is_over_are_used_again),
	RUN(what_several_processes_add_at_once_is_all_there),
	RUN(a_directory_that_is_not_there_is_an_error))
