/*
 * What is SQLite's own in the store: the file, its versions, its errors, its
 * lock.  The contract that every engine keeps is tested in store.c.
 */
#include "store_rig.h"

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

static const char *path_of(const struct rig *rig)
{
	return rig->url + strlen("sqlite:");
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* A rig without a store: a folder, and the URL of a file that is not there. */
static void begin(struct rig *rig)
{
	*rig = (struct rig){ .engine = "sqlite" };
	rig_directory(rig);
	arena_init(&rig->arena, ARENA_MAX_BYTES);
	rig_sqlite(rig);
}

static void end(struct rig *rig)
{
	rig_remove(rig);
	arena_clean(&rig->arena);
}

/* Opening must fail, with a reason that has `word` in it. */
static void refused(struct rig *rig, enum err expected, const char *word)
{
	struct store *s = NULL;
	struct str reason = STR_NONE;

	assert_int_equal(store_open(&rig->arena, str_of(rig->url), NULL, NULL, &s, &reason), expected);
	if (!str_contains(reason, str_of(word)))
		fail_msg("\"%.*s\" does not say \"%s\"", STR_ARG(reason), word);
}

/* --- opening --- */

TEST(the_file_is_for_its_owner_alone)
{
	struct rig rig;
	struct stat st;
	mode_t mask = umask(0);

	(void)state;
	begin(&rig);
	rig_connect(&rig);
	rig_put(&rig, rig_item("p", "s", "{}"));
	for (int i = 0; i < 3; i++) {
		char path[300];
		snprintf(path, sizeof(path), "%s%s", path_of(&rig),
		    (const char *[]){ "", "-wal", "-shm" }[i]);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
	rig_disconnect(&rig);
	umask(mask);
	end(&rig);
}

TEST(a_missing_directory_is_named)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	snprintf(rig.url, sizeof(rig.url), "sqlite:%s/nowhere/quiver.db", rig.dir);
	refused(&rig, ERR_IO, "/nowhere: No such file or directory; make");
	end(&rig);
}

TEST(a_file_in_the_place_of_the_directory_is_named)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	run_sql(path_of(&rig), "CREATE TABLE t (a)");
	snprintf(rig.url, sizeof(rig.url), "sqlite:%s/quiver.db/quiver.db", rig.dir);
	refused(&rig, ERR_IO, "not a directory");
	end(&rig);
}

TEST(a_directory_in_the_place_of_the_file_is_refused)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	snprintf(rig.url, sizeof(rig.url), "sqlite:%s", rig.dir);
	refused(&rig, ERR_IO, "is a directory; name a file");
	end(&rig);
}

TEST(no_name_at_all_is_refused)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	snprintf(rig.url, sizeof(rig.url), "sqlite:");
	refused(&rig, ERR_INVALID, "names no file");
	end(&rig);
}

TEST(a_file_that_is_no_database_is_refused_and_left_as_it_is)
{
	static const char text[] = "This is a letter, and it is longer than a hundred bytes,"
	    " which is how long the header of a database of SQLite's is.";
	char got[sizeof(text)] = "";
	struct rig rig;

	(void)state;
	begin(&rig);
	FILE *f = fopen(path_of(&rig), "w");
	assert_true(fputs(text, f) >= 0);
	fclose(f);
	refused(&rig, ERR_CORRUPT, "is not an SQLite database; move it away");
	f = fopen(path_of(&rig), "r");
	assert_non_null(fgets(got, sizeof(got), f));
	fclose(f);
	assert_string_equal(got, text);
	end(&rig);
}

TEST(another_programs_database_is_refused)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	run_sql(path_of(&rig), "CREATE TABLE bookmarks (url)");
	refused(&rig, ERR_CORRUPT, "another program's");
	end(&rig);
}

TEST(a_newer_versions_database_is_refused)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	rig_connect(&rig);
	rig_disconnect(&rig);
	run_sql(path_of(&rig), "PRAGMA user_version = 999");
	refused(&rig, ERR_UNSUPPORTED, "newer version");
	run_sql(path_of(&rig), "PRAGMA user_version = 1");
	rig_connect(&rig);
	rig_disconnect(&rig);
	end(&rig);
}

/* In a child that is not root, to whom permissions mean nothing. */
static void refused_as_nobody(struct rig *rig, const char *word)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (getuid() == 0 && setresuid(65534, 65534, 65534) != 0)
			_exit(2);
		refused(rig, ERR_IO, word);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

TEST(a_file_that_may_not_be_read_is_refused)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	rig_connect(&rig);
	rig_disconnect(&rig);
	assert_int_equal(chmod(rig.dir, 0777) + chmod(path_of(&rig), 0), 0);
	refused_as_nobody(&rig, "let this user read and write the file");
	assert_int_equal(chmod(path_of(&rig), 0444), 0);
	refused_as_nobody(&rig, "let this user read and write the file");
	end(&rig);
}

TEST(a_directory_that_may_not_be_written_is_refused)
{
	struct rig rig;

	(void)state;
	begin(&rig);
	assert_int_equal(chmod(rig.dir, 0555), 0);
	refused_as_nobody(&rig, "let this user write to the directory");
	assert_int_equal(chmod(rig.dir, 0755), 0);
	end(&rig);
}

TEST(an_odd_name_is_a_name_and_not_an_address)
{
	static const char *const names[] = {
		"a b.db", "100%41.db", "q?mode=memory", "é.db", ":x:"
	};
	struct rig rig;
	struct stat st;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		begin(&rig);
		snprintf(rig.url, sizeof(rig.url), "sqlite:%s/%s", rig.dir, names[i]);
		rig_connect(&rig);
		assert_row(stat(path_of(&rig), &st) == 0, names[i]);
		rig_disconnect(&rig);
		end(&rig);
	}
}

TEST(a_relative_name_that_looks_like_a_uri_is_a_file)
{
	struct rig rig;
	struct stat st;
	char before[1000];

	(void)state;
	begin(&rig);
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(rig.dir), 0);
	snprintf(rig.url, sizeof(rig.url), "sqlite:file:x?mode=memory");
	rig_connect(&rig);
	assert_int_equal(stat("file:x?mode=memory", &st), 0);
	rig_disconnect(&rig);
	assert_int_equal(chdir(before), 0);
	end(&rig);
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
	RUN(the_file_is_for_its_owner_alone), RUN(a_missing_directory_is_named),
	RUN(a_file_in_the_place_of_the_directory_is_named),
	RUN(a_directory_in_the_place_of_the_file_is_refused), RUN(no_name_at_all_is_refused),
	RUN(a_file_that_is_no_database_is_refused_and_left_as_it_is),
	RUN(another_programs_database_is_refused), RUN(a_newer_versions_database_is_refused),
	RUN(a_file_that_may_not_be_read_is_refused),
	RUN(a_directory_that_may_not_be_written_is_refused),
	RUN(an_odd_name_is_a_name_and_not_an_address),
	RUN(a_relative_name_that_looks_like_a_uri_is_a_file),
	RUN(a_full_disk_refuses_the_write_and_nothing_else),
	RUN(a_commit_that_fails_fails_for_all_of_its_lists),
	RUN(a_database_with_holes_in_it_is_reported_as_corrupt),
	RUN(a_durable_write_is_synced_before_it_is_acknowledged),
	RUN(a_relaxed_write_waits_for_no_disk),
	RUN(a_write_that_could_not_be_synced_is_not_there),
	RUN(a_write_waits_for_another_processs_lock_until_its_deadline),
	RUN(writes_that_waited_for_a_lock_go_on_when_it_is_free),
	RUN(reads_do_not_wait_for_a_writers_lock), RUN(the_wal_stays_small_while_much_is_written),
	RUN(a_closed_store_is_one_file),
	RUN(a_database_that_cannot_be_opened_for_a_while_is_an_error_for_as_long)
)
