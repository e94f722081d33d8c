/*
 * What a configuration keeps in STATE_DIR: the folder, and the key that is made there.
 * Processes that start at once: tests/contract/secret_key.c.
 */
#include <unistd.h>

#include "config_rig.h"

TEST(the_state_directory_is_made_for_its_owner_alone)
{
	(void)state;
	struct fixture f;
	struct stat st;
	begin(&f);
	strncat(f.state_dir, "/", 2);
	load(&f);
	assert_int_equal(f.result, OK);
	assert_false(str_ends(f.config.state_dir, STR("/")));
	assert_int_equal(stat(f.state_dir, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	config_clean(&f.config);
	end(&f);
}

TEST(in_development_a_key_is_made_once_and_kept)
{
	(void)state;
	struct fixture f;
	struct stat st;
	char path[64];
	uint8_t first[SECRET_BYTES];
	begin(&f);
	load(&f);
	assert_int_equal(f.result, OK);
	memcpy(first, f.config.secret_key, sizeof(first));
	config_clean(&f.config);
	load(&f);
	assert_int_equal(f.result, OK);
	assert_memory_equal(first, f.config.secret_key, sizeof(first));
	config_clean(&f.config);
	(void)snprintf(path, sizeof(path), "%s/secret.key", f.state_dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_nlink, 1);
	end(&f);
}

static void write_key_file(struct fixture *f, const char *text, mode_t mode)
{
	char path[64];
	(void)snprintf(path, sizeof(path), "%s/secret.key", f->state_dir);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

TEST(a_key_file_that_is_not_what_it_was_is_refused_and_left_alone)
{
	(void)state;
	static const struct { const char *text; mode_t mode; const char *says; } cases[] = {
		{ KEY "\n", 0644, "chmod 600" },
		{ "", 0600, "not 32 bytes" },
		{ "garbage", 0600, "not base64" },
	};
	struct fixture f;
	begin(&f);
	load(&f);
	config_clean(&f.config);
	for (size_t i = 0; i < COUNT(cases); i++) {
		write_key_file(&f, cases[i].text, cases[i].mode);
		load(&f);
		struct str said = buf_str(&f.problems);
		assert_row(f.result == ERR_INVALID, cases[i].says);
		assert_row(str_contains(said, str_of(cases[i].says)), cases[i].says);
		config_clean(&f.config);
	}
	end(&f);
}

TEST(a_key_file_may_be_written_by_hand)
{
	(void)state;
	struct fixture f;
	begin(&f);
	load(&f);
	config_clean(&f.config);
	write_key_file(&f, KEY "\n", 0600);
	load(&f);
	assert_int_equal(f.result, OK);
	assert_int_equal(f.config.secret_key[31], 31);
	config_clean(&f.config);
	end(&f);
}

TEST(a_secret_key_that_is_set_makes_no_file)
{
	(void)state;
	struct fixture f;
	char path[64];
	begin(&f);
	load_with(&f, "SECRET_KEY", KEY);
	assert_int_equal(f.result, OK);
	(void)snprintf(path, sizeof(path), "%s/secret.key", f.state_dir);
	assert_int_not_equal(access(path, F_OK), 0);
	end(&f);
}

TEST(cleaning_wipes_the_key)
{
	(void)state;
	struct fixture f;
	static const uint8_t zeros[SECRET_BYTES];
	begin(&f);
	load_with(&f, "SECRET_KEY", KEY);
	assert_memory_equal(f.config.secret_key, zeros, sizeof(zeros));
	end(&f);
}

TEST_MAIN(
	RUN(the_state_directory_is_made_for_its_owner_alone),
	RUN(in_development_a_key_is_made_once_and_kept),
	RUN(a_key_file_that_is_not_what_it_was_is_refused_and_left_alone),
	RUN(a_key_file_may_be_written_by_hand), RUN(a_secret_key_that_is_set_makes_no_file),
	RUN(cleaning_wipes_the_key)
)
