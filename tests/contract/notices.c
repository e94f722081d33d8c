/*
 * notices: what one machine ends or changes, another one knows: at once through Redis,
 * and within NOTICES_BELIEVED_MS through the store, whatever became of Redis.  A machine
 * is a STATE_DIR of its own; the store is one.
 */
#include "auth/notices.h"

#include "auth/session.h"
#include "auth/state.h"
#include "identity_rig.h"
#include "log/log.h"
#include "redis_server.h"

struct pair {
	struct rig            here, there;
	struct arena          arena;
	struct redis_server  *redis_here, *redis_there;
	char                  store[80];
};

/* And without a thread, as yet: what is set here for the whole process, the log's, is
 * set before there are any. */
static void machine_attach(struct rig *r, const char *store)
{
	*r = rig_empty();
	r->store_url = store;
	rig_attach(r);
	log_open(&r->config, "test");
}

static void machine_follow(struct rig *r, const char *url, struct redis_server **redis)
{
	struct str reason;

	*redis = NULL;
	if (url != NULL)
		assert_int_equal(redis_open(r->dir, str_of(url), r->metrics, redis, &r->a, &reason),
		    OK);
	auth_follow(r->auth, r->store, *redis, r->metrics);
}

static void machine_close(struct rig *r, struct redis_server *redis)
{
	notices_close(r->auth->notices);
	r->auth->notices = NULL;
	redis_close(redis);
	rig_close(r);
}

static void pair_open(struct pair *p, const char *url)
{
	char dir[] = "/tmp/quiver-store-XXXXXX";

	assert_non_null(mkdtemp(dir));
	snprintf(p->store, sizeof(p->store), "sqlite:%s/quiver.db", dir);
	machine_attach(&p->here, p->store);
	machine_attach(&p->there, p->store);
	machine_follow(&p->here, url, &p->redis_here);
	machine_follow(&p->there, url, &p->redis_there);
}

static void pair_close(struct pair *p)
{
	static const char *const endings[] = { "", "-wal", "-shm" };
	char path[128];

	machine_close(&p->here, p->redis_here);
	machine_close(&p->there, p->redis_there);
	for (size_t i = 0; i < COUNT(endings); i++) {
		snprintf(path, sizeof(path), "%s%s", p->store + 7, endings[i]);
		unlink(path);
	}
	*strrchr(p->store, '/') = '\0';
	rmdir(p->store + 7);
}

static uint64_t counted(struct rig *r, const char *event)
{
	return metrics_read(metrics_series(r->metrics, METRIC_NOTICES, &event));
}

static enum revoked_answer has(struct rig *r, const char *id)
{
	return revoked_has(&r->auth->revoked, str_of(id), time_now_ms());
}

/* Whether it becomes so in time. */
#define within(ms, condition)                                                  \
	({                                                                     \
		uint64_t until_ = time_monotonic_ns() + (ms) * UINT64_C(1000000); \
		while (!(condition) && time_monotonic_ns() < until_)           \
			usleep(2000);                                          \
		(condition);                                                   \
	})

static void end_session(struct rig *r, const char *id)
{
	int64_t now_ms = time_now_ms();

	assert_int_equal(session_revoke(r->auth, r->c, str_of(id), now_ms + HOUR_MS, now_ms), OK);
	assert_int_equal(has(r, id), REVOKED_YES);
}

static bool both_follow(struct pair *p)
{
	return within(5000, counted(&p->here, "gap") > 0 && counted(&p->there, "gap") > 0) &&
	    within(5000, has(&p->there, "nobody") == REVOKED_NO);
}

TEST(another_machine_hears_of_a_revocation_at_once)
{
	struct redis_process redis;
	struct pair          p;

	(void)state;
	redis_process_start(&redis, NULL, NULL);
	pair_open(&p, redis.url);
	assert_true(both_follow(&p));
	for (int i = 0; i < 5; i++) {
		char id[32];
		snprintf(id, sizeof(id), "session%d", i);
		end_session(&p.here, id);
		/* Long before the store is read again. */
		assert_true(within(1000, counted(&p.there, "heard") == (uint64_t)i + 1));
		assert_int_equal(has(&p.there, id), REVOKED_YES);
	}
	assert_int_equal(counted(&p.here, "sent"), 5);
	pair_close(&p);
	redis_process_stop(&redis);
}

TEST(another_machine_hears_of_a_changed_key_at_once)
{
	struct redis_process redis;
	struct pair          p;

	(void)state;
	redis_process_start(&redis, NULL, NULL);
	pair_open(&p, redis.url);
	assert_true(both_follow(&p));
	uint32_t before = changed_count(&p.there.auth->changed, STR("key"));
	auth_changed(p.here.auth, STR("key"));
	assert_true(within(1000, changed_count(&p.there.auth->changed, STR("key")) != before));
	pair_close(&p);
	redis_process_stop(&redis);
}

TEST(without_redis_the_store_says_it_in_time)
{
	struct pair p;

	(void)state;
	pair_open(&p, "unix:/nonexistent/s");
	assert_true(within(3000, has(&p.there, "nobody") == REVOKED_NO));
	end_session(&p.here, "session");
	assert_int_equal(counted(&p.here, "unsent"), 1);
	assert_true(within(NOTICES_BELIEVED_MS, has(&p.there, "session") == REVOKED_YES));
	/* What is old is not read again and again. */
	assert_true(counted(&p.there, "read") <= 5);
	pair_close(&p);
}

TEST(after_a_break_it_goes_on_where_it_was)
{
	struct redis_process redis;
	struct pair          p;
	const struct str     kill_all[] = { STR("CLIENT"), STR("KILL"), STR("TYPE"), STR("normal") };
	const struct redisReply *reply;

	(void)state;
	redis_process_start(&redis, NULL, NULL);
	pair_open(&p, redis.url);
	assert_true(both_follow(&p));
	end_session(&p.here, "one");
	assert_true(within(1000, counted(&p.there, "heard") == 1));
	struct redis *r = redis_new(p.redis_here, REDIS_FOLLOW);
	assert_int_equal(redis_call(r, kill_all, 4, redis_deadline_ns(r), &reply), REDIS_ANSWERED);
	redis_free(r);
	end_session(&p.here, "two");
	assert_true(within(3000, counted(&p.there, "heard") == 2));
	assert_int_equal(has(&p.there, "two"), REVOKED_YES);
	assert_int_equal(counted(&p.there, "gap"), 1);
	pair_close(&p);
	redis_process_stop(&redis);
}

TEST(a_redis_that_comes_back_empty_makes_it_read_the_store)
{
	struct redis_process redis;
	struct pair          p;

	(void)state;
	redis_process_start(&redis, NULL, NULL);
	pair_open(&p, redis.url);
	assert_true(both_follow(&p));
	end_session(&p.here, "one");
	assert_true(within(1000, counted(&p.there, "heard") == 1));
	uint32_t before = changed_count(&p.there.auth->changed, STR("key"));
	redis_process_kill(&redis);
	end_session(&p.here, "two");
	redis_process_spawn(&redis, NULL, NULL);
	assert_true(within(5000, counted(&p.there, "gap") == 2));
	assert_true(within(1000, has(&p.there, "two") == REVOKED_YES));
	assert_int_not_equal(changed_count(&p.there.auth->changed, STR("key")), before);
	assert_true(within(5000, counted(&p.here, "gap") == 2));
	/* And it is heard again. */
	for (int i = 0; i < 100 && counted(&p.there, "heard") < 2; i++) {
		end_session(&p.here, "three");
		usleep(20000);
	}
	assert_true(counted(&p.there, "heard") >= 2);
	pair_close(&p);
	redis_process_stop(&redis);
}

TEST(a_stream_that_was_trimmed_makes_it_read_the_store)
{
	struct redis_process redis;
	struct pair          p;
	const struct redisReply *reply;

	(void)state;
	redis_process_start(&redis, NULL, NULL);
	pair_open(&p, redis.url);
	assert_true(both_follow(&p));
	end_session(&p.here, "one");
	assert_true(within(1000, counted(&p.there, "heard") == 1));
	struct redis *r = redis_new(p.redis_here, REDIS_FOLLOW);
	const struct str keys[] = { STR("KEYS"), STR("{quiver}:notices:*") };
	assert_int_equal(redis_call(r, keys, 2, redis_deadline_ns(r), &reply), REDIS_ANSWERED);
	assert_int_equal(reply->elements, 1);
	char key[80];
	snprintf(key, sizeof(key), "%s", reply->element[0]->str);
	const struct str trim[] = { STR("XTRIM"), str_of(key), STR("MAXLEN"), STR("0") };
	assert_int_equal(redis_call(r, trim, 4, redis_deadline_ns(r), &reply), REDIS_ANSWERED);
	const struct str kill_all[] = { STR("CLIENT"), STR("KILL"), STR("TYPE"), STR("normal") };
	assert_int_equal(redis_call(r, kill_all, 4, redis_deadline_ns(r), &reply), REDIS_ANSWERED);
	assert_true(within(4000, counted(&p.there, "gap") == 2));
	redis_free(r);
	pair_close(&p);
	redis_process_stop(&redis);
}

/* What other versions or other programs put there is passed over. */
TEST(what_is_no_notice_is_passed_over)
{
	struct redis_process redis;
	struct pair          p;
	const struct redisReply *reply;

	(void)state;
	redis_process_start(&redis, NULL, NULL);
	pair_open(&p, redis.url);
	assert_true(both_follow(&p));
	end_session(&p.here, "one");
	assert_true(within(1000, counted(&p.there, "heard") == 1));
	struct redis *r = redis_new(p.redis_here, REDIS_FOLLOW);
	const struct str keys[] = { STR("KEYS"), STR("{quiver}:notices:*") };
	assert_int_equal(redis_call(r, keys, 2, redis_deadline_ns(r), &reply), REDIS_ANSWERED);
	char key[80];
	snprintf(key, sizeof(key), "%s", reply->element[0]->str);
	const char *const odd[][6] = {
		{ "kind", "block", "id", "192.0.2.1", "until", "1" },
		{ "kind", "revoked", "id", "", "until", "99999999999999" },
		{ "kind", "revoked", "id", "x", "until", "soon" },
		{ "a", "b", "c", "d", "e", "f" },
	};
	for (size_t i = 0; i < COUNT(odd); i++) {
		struct str add[9] = { STR("XADD"), str_of(key), STR("*") };
		for (size_t j = 0; j < 6; j++)
			add[3 + j] = str_of(odd[i][j]);
		assert_int_equal(redis_call(r, add, i == 3 ? 5 : 9, redis_deadline_ns(r), &reply),
		    REDIS_ANSWERED);
	}
	redis_free(r);
	end_session(&p.here, "two");
	assert_true(within(1000, counted(&p.there, "heard") == 2));
	assert_int_equal(has(&p.there, "two"), REVOKED_YES);
	pair_close(&p);
	redis_process_stop(&redis);
}

static void put_notice(struct pair *p, const char *id, const char *until)
{
	struct redis *r = redis_new(p->redis_here, REDIS_FOLLOW);
	const struct redisReply *reply;
	const struct str keys[] = { STR("KEYS"), STR("{quiver}:notices:*") };
	char key[80];

	assert_int_equal(redis_call(r, keys, 2, redis_deadline_ns(r), &reply), REDIS_ANSWERED);
	assert_int_equal(reply->elements, 1);
	snprintf(key, sizeof(key), "%s", reply->element[0]->str);
	const struct str add[] = { STR("XADD"), str_of(key), STR("*"), STR("kind"), STR("revoked"),
		STR("id"), str_of(id), STR("until"), str_of(until) };
	assert_int_equal(redis_call(r, add, COUNT(add), redis_deadline_ns(r), &reply),
	    REDIS_ANSWERED);
	redis_free(r);
}

/* Who may write to Redis says what they like, and until when. */
TEST(a_notice_counts_no_longer_than_an_access_token_lives)
{
	struct redis_process redis;
	struct pair          p;
	int64_t              later_ms = time_now_ms() + 2 * HOUR_MS;

	(void)state;
	redis_process_start(&redis, NULL, NULL);
	pair_open(&p, redis.url);
	assert_true(both_follow(&p));
	end_session(&p.here, "one");
	assert_true(within(1000, counted(&p.there, "heard") == 1));
	put_notice(&p, "forged", "9223372036854775807");
	assert_true(within(1000, has(&p.there, "forged") == REVOKED_YES));
	assert_int_not_equal(revoked_has(&p.there.auth->revoked, STR("forged"), later_ms),
	    REVOKED_YES);
	pair_close(&p);
	redis_process_stop(&redis);
}

TEST(a_machine_by_itself_has_no_thread_for_it)
{
	struct rig           r;
	struct redis_server *none;

	(void)state;
	machine_attach(&r, NULL);
	machine_follow(&r, NULL, &none);
	assert_null(r.auth->notices);
	assert_int_equal(has(&r, "nobody"), REVOKED_NO);
	machine_close(&r, none);
}

TEST(a_close_waits_for_no_news)
{
	struct redis_process redis;
	struct rig           r;
	struct redis_server *server;

	(void)state;
	redis_process_start(&redis, NULL, NULL);
	machine_attach(&r, NULL);
	machine_follow(&r, redis.url, &server);
	assert_true(within(5000, counted(&r, "gap") > 0));
	usleep(50000);
	uint64_t begin_ns = time_monotonic_ns();
	notices_close(r.auth->notices);
	r.auth->notices = NULL;
	assert_true(time_monotonic_ns() - begin_ns < 300 * UINT64_C(1000000));
	machine_close(&r, server);
	redis_process_stop(&redis);
}

TEST_MAIN(
	RUN(another_machine_hears_of_a_revocation_at_once),
	RUN(another_machine_hears_of_a_changed_key_at_once),
	RUN(without_redis_the_store_says_it_in_time),
	RUN(after_a_break_it_goes_on_where_it_was),
	RUN(a_redis_that_comes_back_empty_makes_it_read_the_store),
	RUN(a_stream_that_was_trimmed_makes_it_read_the_store),
	RUN(what_is_no_notice_is_passed_over),
	RUN(a_notice_counts_no_longer_than_an_access_token_lives),
	RUN(a_machine_by_itself_has_no_thread_for_it),
	RUN(a_close_waits_for_no_news))
