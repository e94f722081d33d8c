/*
 * What is SQLite's own in the store: what is on the disk and when, errors, the lock.
 * What it opens is tested in store_sqlite_open.c, the contract that every engine keeps
 * in store.c and its neighbours.
 */
#include "store_sqlite_rig.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <sqlite3.h>

#include "base/time.h"

/* SQLite calls this one: it counts, and fails when it is told to. */
static atomic_uint syncs;
static atomic_bool syncs_fail;

int fdatasync(int fd)
{
	atomic_fetch_add(&syncs, 1);
	if (atomic_load(&syncs_fail)) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

/* --- the disk says no --- */

static enum err write_much(struct rig *rig, const char *key)
{
	static char body[1 << 20];
	struct store_op op = { STORE_PUT, STORE_ALWAYS, { .pk = STR("p"), .sk = str_of(key),
	    .body = { body, sizeof(body) } } };
	struct store_result result;

	return store_write(rig->c, &op, 1, STORE_DURABLE, NOW, &result);
}

/* What a full disk is to a process without asking for a disk: files end here. */
static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes == 0 ? limit.rlim_max : bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

TEST(a_full_disk_refuses_the_write_and_nothing_else)
{
	struct rig rig;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	begin(&rig);
	rig_connect(&rig);
	rig_put(&rig, rig_item("p", "before", "{}"));
	limit_files(512 << 10);
	for (int i = 0; i < 3; i++)
		assert_int_equal(write_much(&rig, "big"), ERR_IO);
	assert_true(rig_has(&rig, "p", "before"));
	assert_false(rig_has(&rig, "p", "big"));
	rig_put(&rig, rig_item("p", "small", "{}"));
	limit_files(0);
	assert_int_equal(write_much(&rig, "big"), OK);
	assert_int_equal(rig_get(&rig, "p", "big").version, 1);
	assert_true(rig_has(&rig, "p", "small"));
	rig_disconnect(&rig);
	rig_connect(&rig);
	assert_true(rig_has(&rig, "p", "before") && rig_has(&rig, "p", "big"));
	rig_disconnect(&rig);
	end(&rig);
}

struct beside {
	struct rig   *rig;
	atomic_bool   stop;
	unsigned long oks, failed;
};

/* Small writes that share commits with what the disk has no room for. */
static void *write_beside(void *context)
{
	struct beside *b = context;
	struct store_connection *c;
	const struct store_op op = { STORE_ADD, STORE_ALWAYS,
	    { .pk = STR("c"), .sk = STR("n"), .n = 1 } };
	struct store_result result;

	if (store_connect(b->rig->store, &c) != OK)
		abort();
	while (!atomic_load(&b->stop)) {
		enum err err = store_write(c, &op, 1, STORE_DURABLE, NOW, &result);
		b->oks += err == OK;
		b->failed += err == ERR_IO;
		if (err != OK && err != ERR_IO)
			abort();
	}
	store_disconnect(c);
	return NULL;
}

TEST(a_commit_that_fails_fails_for_all_of_its_lists)
{
	struct beside beside[4];
	pthread_t threads[4];
	unsigned long oks = 0;
	struct rig rig;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	begin(&rig);
	rig_connect(&rig);
	limit_files(1 << 20);
	for (size_t i = 0; i < COUNT(threads); i++) {
		beside[i] = (struct beside){ .rig = &rig };
		pthread_create(&threads[i], NULL, write_beside, &beside[i]);
	}
	for (int i = 0; i < 60; i++)
		assert_int_equal(write_much(&rig, "big"), ERR_IO);
	for (size_t i = 0; i < COUNT(threads); i++) {
		atomic_store(&beside[i].stop, true);
		pthread_join(threads[i], NULL);
		oks += beside[i].oks;
	}
	limit_files(0);
	assert_int_equal(rig_one(&rig, STORE_ADD, STORE_ALWAYS, (struct store_item){
	    .pk = STR("c"), .sk = STR("n"), .n = 0 }), OK);
	assert_int_equal(rig_get(&rig, "c", "n").n, oks);
	rig_disconnect(&rig);
	end(&rig);
}

TEST(a_database_with_holes_in_it_is_reported_as_corrupt)
{
	struct store_item item;
	struct rig rig;
	char key[16];

	(void)state;
	begin(&rig);
	rig_connect(&rig);
	for (int i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), "%d", i);
		rig_put(&rig, rig_item("p", key, "{}"));
	}
	rig_disconnect(&rig);
	FILE *f = fopen(path_of(&rig), "r+");
	fseek(f, 0, SEEK_END);
	long size = ftell(f);
	for (long at = 4096; at < size; at++) {
		fseek(f, at, SEEK_SET);
		fputc(0xa5, f);
	}
	fclose(f);
	struct str reason;
	if (store_open(&rig.arena, str_of(rig.url), NULL, NULL, &rig.store, &reason) == OK) {
		assert_int_equal(store_connect(rig.store, &rig.c), OK);
		assert_int_equal(store_get(rig.c, &rig.arena, STR("p"), STR("7"), NOW, &item),
		    ERR_CORRUPT);
		rig_disconnect(&rig);
	}
	end(&rig);
}

/* --- what is on the disk --- */

static enum err write_one(struct rig *rig, const char *key, enum store_durability durability)
{
	const struct store_op op = { STORE_PUT, STORE_ALWAYS, rig_item("p", key, "{}") };
	struct store_result result;

	return store_write(rig->c, &op, 1, durability, NOW, &result);
}

TEST(a_durable_write_is_synced_before_it_is_acknowledged)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	rig_connect(&rig);
	for (int i = 0; i < 6; i++) {
		unsigned before = atomic_load(&syncs);
		assert_int_equal(write_one(&rig, "s", STORE_DURABLE), OK);
		assert_true(atomic_load(&syncs) > before);
		before = atomic_load(&syncs);
		assert_int_equal(write_one(&rig, "t", STORE_RELAXED), OK);
		assert_int_equal(atomic_load(&syncs), before);
	}
	rig_disconnect(&rig);
	end(&rig);
}

TEST(a_relaxed_write_waits_for_no_disk)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	rig_connect(&rig);
	assert_int_equal(write_one(&rig, "s", STORE_DURABLE), OK);
	unsigned before = atomic_load(&syncs);
	for (int i = 0; i < 20; i++)
		assert_int_equal(write_one(&rig, "s", STORE_RELAXED), OK);
	assert_int_equal(atomic_load(&syncs), before);
	rig_disconnect(&rig);
	end(&rig);
}

TEST(a_write_that_could_not_be_synced_is_not_there)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	rig_connect(&rig);
	assert_int_equal(write_one(&rig, "before", STORE_DURABLE), OK);
	atomic_store(&syncs_fail, true);
	assert_int_equal(write_one(&rig, "s", STORE_DURABLE), ERR_IO);
	assert_false(rig_has(&rig, "p", "s"));
	atomic_store(&syncs_fail, false);
	assert_int_equal(write_one(&rig, "after", STORE_DURABLE), OK);
	rig_disconnect(&rig);
	rig_connect(&rig);
	assert_true(rig_has(&rig, "p", "before") && rig_has(&rig, "p", "after"));
	assert_false(rig_has(&rig, "p", "s"));
	rig_disconnect(&rig);
	end(&rig);
}

/* --- the lock --- */

/* A child that holds the write lock until its pipe is closed. */
static pid_t hold_lock(const char *path, int *release)
{
	int ready[2], hold[2];
	char c;

	assert_int_equal(pipe(ready) + pipe(hold), 0);
	pid_t child = fork();
	if (child == 0) {
		sqlite3 *db;
		close(hold[1]);
		if (sqlite3_open(path, &db) != SQLITE_OK ||
		    sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK ||
		    write(ready[1], "r", 1) != 1 || read(hold[0], &c, 1) != 0)
			_exit(1);
		_exit(0);
	}
	close(hold[0]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	close(ready[1]);
	*release = hold[1];
	return child;
}

static void let_go(pid_t child, int release)
{
	int status;

	close(release);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

struct timed {
	struct rig *rig;
	enum err    err;
	uint64_t    ms;
};

static void *write_timed(void *context)
{
	struct timed *t = context;
	struct store_connection *c;
	const struct store_op op = { STORE_ADD, STORE_ALWAYS,
	    { .pk = STR("c"), .sk = STR("n"), .n = 1 } };
	struct store_result result;

	if (store_connect(t->rig->store, &c) != OK)
		abort();
	uint64_t began = time_monotonic_ns();
	t->err = store_write(c, &op, 1, STORE_RELAXED, NOW, &result);
	t->ms = (time_monotonic_ns() - began) / 1000000;
	store_disconnect(c);
	return NULL;
}

/* The store must be opened after the fork: a database is not carried over one. */
static void open_beside_a_lock(struct rig *rig, pid_t *child, int *release)
{
	begin(rig);
	rig_connect(rig);
	rig_disconnect(rig);
	*child = hold_lock(path_of(rig), release);
	rig_connect(rig);
}

TEST(a_write_waits_for_another_processs_lock_until_its_deadline)
{
	struct timed timed[5];
	pthread_t threads[5];
	struct rig rig;
	pid_t child;
	int release;

	(void)state;
	open_beside_a_lock(&rig, &child, &release);
	for (size_t i = 0; i < COUNT(threads); i++) {
		timed[i] = (struct timed){ .rig = &rig };
		pthread_create(&threads[i], NULL, write_timed, &timed[i]);
	}
	for (size_t i = 0; i < COUNT(threads); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(timed[i].err, ERR_TIMEOUT);
		assert_in_range(timed[i].ms, STORE_DEADLINE_MS - 1, STORE_DEADLINE_MS + 2000);
	}
	assert_false(rig_has(&rig, "c", "n"));
	let_go(child, release);
	rig_put(&rig, rig_item("c", "n", "{}"));
	rig_disconnect(&rig);
	end(&rig);
}

TEST(writes_that_waited_for_a_lock_go_on_when_it_is_free)
{
	struct timed timed[5];
	pthread_t threads[5];
	struct rig rig;
	pid_t child;
	int release;

	(void)state;
	open_beside_a_lock(&rig, &child, &release);
	for (size_t i = 0; i < COUNT(threads); i++) {
		timed[i] = (struct timed){ .rig = &rig };
		pthread_create(&threads[i], NULL, write_timed, &timed[i]);
	}
	let_go(child, release);
	for (size_t i = 0; i < COUNT(threads); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(timed[i].err, OK);
	}
	assert_int_equal(rig_get(&rig, "c", "n").n, COUNT(threads));
	rig_disconnect(&rig);
	end(&rig);
}

TEST(reads_do_not_wait_for_a_writers_lock)
{
	struct rig rig;
	pid_t child;
	int release;

	(void)state;
	begin(&rig);
	rig_connect(&rig);
	rig_put(&rig, rig_item("p", "s", "{}"));
	rig_disconnect(&rig);
	child = hold_lock(path_of(&rig), &release);
	rig_connect(&rig);
	uint64_t began = time_monotonic_ns();
	assert_true(rig_has(&rig, "p", "s"));
	assert_int_equal(store_ping(rig.c), OK);
	assert_true(time_monotonic_ns() - began < 1000000000);
	let_go(child, release);
	rig_disconnect(&rig);
	end(&rig);
}

/* --- the WAL --- */

static void *write_many(void *context)
{
	struct rig *rig = context;
	struct store_connection *c;
	static char body[8000];
	char key[40];

	if (store_connect(rig->store, &c) != OK)
		abort();
	for (int i = 0; i < 3000; i++) {
		struct store_result result;
		snprintf(key, sizeof(key), "%p-%d", (void *)c, i);
		const struct store_op op = { STORE_PUT, STORE_ALWAYS, { .pk = STR("p"),
		    .sk = str_of(key), .body = { body, sizeof(body) } } };
		if (store_write(c, &op, 1, STORE_RELAXED, NOW, &result) != OK)
			abort();
	}
	store_disconnect(c);
	return NULL;
}

TEST(the_wal_stays_small_while_much_is_written)
{
	pthread_t threads[4];
	char wal[300];
	struct stat st;
	struct rig rig;

	(void)state;
	begin(&rig);
	rig_connect(&rig);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_create(&threads[i], NULL, write_many, &rig);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	snprintf(wal, sizeof(wal), "%s-wal", path_of(&rig));
	assert_int_equal(stat(wal, &st), 0);
	assert_in_range(st.st_size, 1, 80 << 20);
	rig_disconnect(&rig);
	end(&rig);
}

TEST(a_closed_store_is_one_file)
{
	char wal[300];
	struct rig rig;

	(void)state;
	begin(&rig);
	rig_connect(&rig);
	rig_put(&rig, rig_item("p", "s", "{}"));
	rig_disconnect(&rig);
	snprintf(wal, sizeof(wal), "%s-wal", path_of(&rig));
	assert_int_not_equal(access(wal, F_OK), 0);
	end(&rig);
}

/* A connection opens its database with the first read that no cache answers. */
TEST(a_database_that_cannot_be_opened_for_a_while_is_an_error_for_as_long)
{
	struct rig rig;
	struct store_item item;
	char aside[300];

	(void)state;
	begin(&rig);
	rig_connect(&rig);
	snprintf(aside, sizeof(aside), "%s.aside", path_of(&rig));
	assert_int_equal(rename(path_of(&rig), aside), 0);
	assert_int_not_equal(store_ping(rig.c), OK);
	assert_int_equal(store_get(rig.c, &rig.arena, STR("p"), STR("s"), NOW, &item), ERR_IO);
	assert_int_equal(rename(aside, path_of(&rig)), 0);
	assert_int_equal(store_ping(rig.c), OK);
	assert_int_equal(store_get(rig.c, &rig.arena, STR("p"), STR("s"), NOW, &item),
	    ERR_NOT_FOUND);
	rig_disconnect(&rig);
	end(&rig);
}

TEST_MAIN(
	RUN(a_full_disk_refuses_the_write_and_nothing_else),
	RUN(a_commit_that_fails_fails_for_all_of_its_lists),
	RUN(a_database_with_holes_in_it_is_reported_as_corrupt),
	RUN(a_durable_write_is_synced_before_it_is_acknowledged),
	RUN(a_relaxed_write_waits_for_no_disk),
	RUN(a_write_that_could_not_be_synced_is_not_there),
	RUN(a_write_waits_for_another_processs_lock_until_its_deadline),
	RUN(writes_that_waited_for_a_lock_go_on_when_it_is_free),
	RUN(reads_do_not_wait_for_a_writers_lock),
	RUN(the_wal_stays_small_while_much_is_written), RUN(a_closed_store_is_one_file),
	RUN(a_database_that_cannot_be_opened_for_a_while_is_an_error_for_as_long)
)
