/*
 * What SQLite opens and what it refuses: the file, its owner, its name, its version.
 */
#include "store_sqlite_rig.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <sqlite3.h>

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
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

TEST_MAIN(
	RUN(the_file_is_for_its_owner_alone), RUN(a_missing_directory_is_named),
	RUN(a_file_in_the_place_of_the_directory_is_named),
	RUN(a_directory_in_the_place_of_the_file_is_refused),
	RUN(no_name_at_all_is_refused),
	RUN(a_file_that_is_no_database_is_refused_and_left_as_it_is),
	RUN(another_programs_database_is_refused),
	RUN(a_newer_versions_database_is_refused),
	RUN(a_file_that_may_not_be_read_is_refused),
	RUN(a_directory_that_may_not_be_written_is_refused),
	RUN(an_odd_name_is_a_name_and_not_an_address),
	RUN(a_relative_name_that_looks_like_a_uri_is_a_file)
)
