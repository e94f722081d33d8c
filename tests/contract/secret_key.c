/*
 * secret_key: processes that start at once agree on one key.
 */
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/secret_key.h"
#include "test.h"

#define PROCESSES 8

struct shared {
	int     go;
	uint8_t keys[PROCESSES][SECRET_BYTES];
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

/* What a process does at its start: 0 when it has a key. */
static int start(const char *directory, struct shared *shared, size_t number)
{
	struct arena a;
	struct buf problems;

	arena_init(&a, 1 << 20);
	buf_init(&problems, &a, 1 << 16);
	for (int i = 0; __atomic_load_n(&shared->go, __ATOMIC_ACQUIRE) == 0; i++) {
		if (i == 100000)
			return 1;
		usleep(100);
	}
	secret_key_kept(&a, str_of(directory), shared->keys[number], &problems);
	bool ok = problems.len == 0;
	arena_clean(&a);
	return ok ? 0 : 1;
}

static void run_processes(const char *directory, struct shared *shared)
{
	pid_t pids[PROCESSES];

	for (size_t i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			_exit(start(directory, shared, i));
	}
	__atomic_store_n(&shared->go, 1, __ATOMIC_RELEASE);
	for (size_t i = 0; i < PROCESSES; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
}

TEST(processes_that_start_at_once_have_one_key)
{
	(void)state;
	static const uint8_t zeros[SECRET_BYTES];
	for (int round = 0; round < 20; round++) {
		char directory[] = "/tmp/quiver-key-XXXXXX";
		struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		assert_true(shared != MAP_FAILED);
		assert_non_null(mkdtemp(directory));
		run_processes(directory, shared);
		assert_memory_not_equal(shared->keys[0], zeros, SECRET_BYTES);
		for (size_t i = 1; i < PROCESSES; i++)
			assert_memory_equal(shared->keys[i], shared->keys[0], SECRET_BYTES);
		munmap(shared, sizeof(*shared));
		assert_int_equal(nftw(directory, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
	}
}

TEST(a_folder_that_cannot_be_written_is_a_problem)
{
	(void)state;
	struct arena a;
	struct buf problems;
	uint8_t key[SECRET_BYTES];
	arena_init(&a, 1 << 20);
	buf_init(&problems, &a, 1 << 16);
	secret_key_kept(&a, STR("/nonexistent/state"), key, &problems);
	assert_true(str_contains(buf_str(&problems),
	    STR("/nonexistent/state/secret.key: No such file or directory; make STATE_DIR")));
	arena_clean(&a);
}

TEST_MAIN(
	RUN(processes_that_start_at_once_have_one_key),
	RUN(a_folder_that_cannot_be_written_is_a_problem))
