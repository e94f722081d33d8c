#include "net/redis_url.h"

#include "test.h"

static const struct {
	const char *url;
	bool        local;
	const char *host;
	uint16_t    port, db;
	const char *user, *password;
} good[] = {
	{ "redis://localhost", false, "localhost", 6379, 0, "", "" },
	{ "redis://10.0.0.7:6380/3", false, "10.0.0.7", 6380, 3, "", "" },
	{ "redis://10.0.0.7/", false, "10.0.0.7", 6379, 0, "", "" },
	{ "redis://[2001:db8::1]:7000", false, "2001:db8::1", 7000, 0, "", "" },
	{ "redis://[::1]", false, "::1", 6379, 0, "", "" },
	{ "redis://quiver:s%40cret%3A@redis.example:6379/1023", false, "redis.example", 6379, 1023,
	  "quiver", "s@cret:" },
	{ "redis://:only@h", false, "h", 6379, 0, "", "only" },
	{ "unix:/run/redis.sock", true, "/run/redis.sock", 0, 0, "", "" },
	{ "unix:/run/a%20b", true, "/run/a b", 0, 0, "", "" },
};

TEST(a_url_is_taken_apart)
{
	struct redis_target t;
	const char         *why;

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		assert_row(redis_url_parse(str_of(good[i].url), &t, &why) == OK, good[i].url);
		assert_row(t.local == good[i].local, good[i].url);
		assert_row(strcmp(t.host, good[i].host) == 0, good[i].url);
		assert_row(t.port == good[i].port && t.db == good[i].db, good[i].url);
		assert_row(strcmp(t.user, good[i].user) == 0, good[i].url);
		assert_row(strcmp(t.password, good[i].password) == 0, good[i].url);
	}
}

static const char *const bad[] = {
	"", "redis:", "redis://", "redis:///0", "rediss://h", "http://h", "redis://h:0",
	"redis://h:65536", "redis://h:x", "redis://h:1:2", "redis://h/1024", "redis://h/a", "redis://h/1/2",
	"redis://[::1", "redis://[::1]x", "redis://a b", "redis://h?x=1", "redis://h#x",
	"redis://user@h", "redis://user:@h", "redis://u:p%4@h", "redis://u:p%zz@h", "redis://u:p%00@h",
	"redis://a@b:c@h", "unix:", "unix:run/x", "unix:/a%0", "redis://h%00x",
};

TEST(what_is_no_url_is_refused_and_its_password_not_shown)
{
	struct redis_target t;
	const char         *why;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		why = NULL;
		assert_row(redis_url_parse(str_of(bad[i]), &t, &why) == ERR_INVALID, bad[i]);
		assert_row(why != NULL && strlen(why) > 20, bad[i]);
	}
}

TEST(what_is_too_long_is_refused)
{
	static char         text[3000];
	struct redis_target t;
	const char         *why;

	(void)state;
	snprintf(text, sizeof(text), "redis://%0*d", REDIS_HOST_MAX + 1, 0);
	assert_int_equal(redis_url_parse(str_of(text), &t, &why), ERR_INVALID);
	snprintf(text, sizeof(text), "redis://:%0*d@h", REDIS_WORD_MAX + 1, 0);
	assert_int_equal(redis_url_parse(str_of(text), &t, &why), ERR_INVALID);
	snprintf(text, sizeof(text), "unix:/%0*d", REDIS_PATH_MAX, 0);
	assert_int_equal(redis_url_parse(str_of(text), &t, &why), ERR_INVALID);
}

TEST_MAIN(
	RUN(a_url_is_taken_apart),
	RUN(what_is_no_url_is_refused_and_its_password_not_shown),
	RUN(what_is_too_long_is_refused))
