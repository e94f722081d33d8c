#include "test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/segment.h"

#define SIZE    100000
#define PAGE    4096

static char dir[] = "/tmp/segment-XXXXXX";

static const char *path_of(const char *file)
{
	static char path[sizeof(dir) + 64];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return path;
}

static int enter(void **state)
{
	(void)state;
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int leave(void **state)
{
	static const char *const files[] = { "a.shm", "a.shm.lock", "a.shm.new", "elsewhere" };

	(void)state;
	for (size_t i = 0; i < COUNT(files); i++)
		unlink(path_of(files[i]));
	return rmdir(dir);
}

static struct segment open_good(uint32_t version, size_t size, bool created)
{
	struct segment s = { 0 };

	assert_int_equal(segment_open(dir, "a", version, size, &s), OK);
	assert_int_equal(s.created, created);
	assert_int_equal(s.size, size);
	return s;
}

static void write_file(const char *file, const void *bytes, size_t len)
{
	int fd = open(path_of(file), O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

TEST(a_fresh_one_is_zero_aligned_private_and_has_its_blocks)
{
	struct segment s = open_good(1, SIZE, true);
	struct stat    st;

	(void)state;
	assert_int_equal((uintptr_t)s.data % 64, 0);
	for (size_t i = 0; i < SIZE; i++)
		assert_int_equal(((char *)s.data)[i], 0);
	assert_int_equal(stat(path_of("a.shm"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, SIZE + PAGE);
	/* On a full disk the first touch of a page without a block would be a SIGBUS. */
	assert_true(st.st_blocks * 512 >= SIZE + PAGE);
	segment_close(&s);
	assert_null(s.data);
	segment_close(&s);
}

TEST(what_one_writes_another_reads)
{
	struct segment a = open_good(1, SIZE, true), b = open_good(1, SIZE, false);

	(void)state;
	memcpy(a.data, "hello", 5);
	assert_memory_equal(b.data, "hello", 5);
	segment_close(&a);
	segment_close(&b);
	a = open_good(1, SIZE, false);
	assert_memory_equal(a.data, "hello", 5);
	segment_close(&a);
}

TEST(another_version_or_size_gets_a_fresh_file)
{
	struct segment old = open_good(1, SIZE, true), new;

	(void)state;
	memcpy(old.data, "hello", 5);
	new = open_good(2, SIZE, true);
	assert_int_equal(((char *)new.data)[0], 0);
	assert_memory_equal(old.data, "hello", 5);      /* the old one lives on */
	segment_close(&new);
	new = open_good(2, SIZE / 2, true);
	segment_close(&new);
	segment_close(&old);
}

TEST(garbage_is_replaced)
{
	static const char garbage[SIZE + PAGE] = "not a segment";
	static const struct {
		const char *name;
		size_t      len;
	} rows[] = {
		{ "empty", 0 },
		{ "half a header", 10 },
		{ "one page", PAGE },
		{ "the right size", SIZE + PAGE },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		write_file("a.shm", garbage, rows[i].len);
		struct segment s = open_good(1, SIZE, true);
		((char *)s.data)[SIZE - 1] = 'x';
		segment_close(&s);
	}
}

TEST(a_truncated_file_is_replaced)
{
	struct segment s = open_good(1, SIZE, true);

	(void)state;
	segment_close(&s);
	assert_int_equal(truncate(path_of("a.shm"), PAGE + 1), 0);
	s = open_good(1, SIZE, true);
	memset(s.data, 1, SIZE);
	segment_close(&s);
}

TEST(links_and_fifos_are_not_followed)
{
	struct segment s;
	struct stat    st;

	(void)state;
	write_file("elsewhere", "precious", 8);
	assert_int_equal(symlink("elsewhere", path_of("a.shm")), 0);
	s = open_good(1, SIZE, true);
	segment_close(&s);
	assert_int_equal(stat(path_of("elsewhere"), &st), 0);
	assert_int_equal(st.st_size, 8);
	unlink(path_of("a.shm"));
	assert_int_equal(mkfifo(path_of("a.shm"), 0600), 0);
	s = open_good(1, SIZE, true);
	segment_close(&s);
	unlink(path_of("a.shm.lock"));
	assert_int_equal(symlink("elsewhere", path_of("a.shm.lock")), 0);
	assert_int_equal(segment_open(dir, "a", 1, SIZE, &s), ERR_IO);
}

TEST(a_creator_that_died_leaves_nothing_in_the_way)
{
	struct segment s;

	(void)state;
	write_file("a.shm.new", "half", 4);
	s = open_good(1, SIZE, true);
	segment_close(&s);
	assert_int_equal(access(path_of("a.shm.new"), F_OK), -1);
}

TEST(what_cannot_be_opened_says_why)
{
	static char    name[300];
	struct segment s;

	(void)state;
	assert_int_equal(segment_open("/nonexistent", "a", 1, SIZE, &s), ERR_IO);
	assert_int_equal(errno, ENOENT);
	memset(name, 'n', sizeof(name) - 1);
	assert_int_equal(segment_open(dir, name, 1, SIZE, &s), ERR_INVALID);
	assert_int_equal(segment_open(dir, "../a", 1, SIZE, &s), ERR_INVALID);
	assert_int_equal(segment_open(dir, "", 1, SIZE, &s), ERR_INVALID);
	assert_int_equal(segment_open(dir, "a", 1, 0, &s), ERR_INVALID);
	assert_int_equal(segment_open(dir, "a", 1, SIZE_MAX, &s), ERR_INVALID);
	assert_int_equal(mkdir(path_of("a.shm"), 0700), 0);
	assert_int_equal(segment_open(dir, "a", 1, SIZE, &s), ERR_IO);
	assert_int_equal(errno, EISDIR);
	assert_int_equal(rmdir(path_of("a.shm")), 0);
}

/* In a child: waits for the gun, opens, counts itself.  Exit status: created. */
static void race(int gun)
{
	struct segment s;
	char           byte;

	(void)!read(gun, &byte, 1);
	if (segment_open(dir, "a", 1, SIZE, &s) != OK)
		_exit(2);
	__atomic_fetch_add((uint32_t *)s.data, 1, __ATOMIC_SEQ_CST);
	_exit(s.created);
}

TEST(of_many_that_race_one_creates_and_all_share)
{
	enum { RACERS = 16 };
	pid_t          pids[RACERS];
	int            gun[2], status, creators = 0;
	struct segment s;

	(void)state;
	assert_int_equal(pipe(gun), 0);
	for (int i = 0; i < RACERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			close(gun[1]);
			race(gun[0]);
		}
	}
	close(gun[0]);
	close(gun[1]);          /* end of file starts them all */
	for (int i = 0; i < RACERS; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
		creators += WEXITSTATUS(status);
	}
	assert_int_equal(creators, 1);
	s = open_good(1, SIZE, false);
	assert_int_equal(*(uint32_t *)s.data, RACERS);
	segment_close(&s);
}

#undef RUN
#define RUN(name) cmocka_unit_test_setup_teardown(name, enter, leave)

TEST_MAIN(RUN(a_fresh_one_is_zero_aligned_private_and_has_its_blocks),
    RUN(what_one_writes_another_reads), RUN(another_version_or_size_gets_a_fresh_file),
    RUN(garbage_is_replaced), RUN(a_truncated_file_is_replaced),
    RUN(links_and_fifos_are_not_followed), RUN(a_creator_that_died_leaves_nothing_in_the_way),
    RUN(what_cannot_be_opened_says_why), RUN(of_many_that_race_one_creates_and_all_share))
