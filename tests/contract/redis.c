/*
 * redis: connections to a real server, and to scripted ones that do what it must not.
 * Whatever happens, a call is over by its deadline, says what was wrong, and the next
 * one works when the server does.
 */
#include "net/redis.h"

#include <netdb.h>

#include "base/limits.h"
#include "base/time.h"
#include "net/redis_names.h"
#include "redis_server.h"
#include "test.h"

#define NS_PER_MS UINT64_C(1000000)
#define SCHEDULING_MS 100       /* what a machine that does other things may add */

static const struct str ping[] = { STR_INIT("PING") };

struct rig {
	struct arena         arena;
	struct metrics      *metrics;
	struct redis_server *server;
	struct redis        *redis;
};

static void rig_open(struct rig *r, const char *url, enum redis_purpose purpose)
{
	struct str reason;

	arena_init(&r->arena, ARENA_MAX_BYTES);
	assert_int_equal(metrics_open_private(&r->metrics), OK);
	assert_int_equal(redis_open(NULL, str_of(url), r->metrics, &r->server, &r->arena, &reason),
	    OK);
	r->redis = redis_new(r->server, purpose);
}

static void rig_close(struct rig *r)
{
	redis_free(r->redis);
	redis_close(r->server);
	metrics_close(r->metrics);
	arena_clean(&r->arena);
}

static enum redis_outcome call(struct rig *r, const struct str *words, size_t n,
    const struct redisReply **reply)
{
	return redis_call(r->redis, words, n, redis_deadline_ns(r->redis), reply);
}

static enum redis_outcome call_ping(struct rig *r)
{
	const struct redisReply *reply;

	return call(r, ping, 1, &reply);
}

static uint64_t counted(struct rig *r, const char *purpose, const char *outcome)
{
	return metrics_read(metrics_series(r->metrics, METRIC_REDIS,
	    (const char *const[]){ purpose, outcome }));
}

/* Calls until it is `wanted`, for two seconds. */
static bool comes_to(struct rig *r, enum redis_outcome wanted)
{
	for (int i = 0; i < 400; i++) {
		if (call_ping(r) == wanted)
			return true;
		usleep(5000);
	}
	return false;
}

TEST(a_command_is_answered_and_the_connection_kept)
{
	struct redis_process     p;
	struct rig               r;
	const struct redisReply *reply;
	const struct str info[] = { STR("INFO"), STR("stats") };

	(void)state;
	redis_process_start(&p, NULL, NULL);
	rig_open(&r, p.url, REDIS_FOLLOW);
	for (int i = 0; i < 10; i++)
		assert_int_equal(call_ping(&r), REDIS_ANSWERED);
	assert_int_equal(call(&r, info, 2, &reply), REDIS_ANSWERED);
	/* One to see that it is up, and ours. */
	assert_non_null(strstr(reply->str, "total_connections_received:2\r\n"));
	assert_int_equal(counted(&r, "follow", "ok"), 11);
	rig_close(&r);
	redis_process_stop(&p);
}

/* How often the server was told this. */
static long calls_of(struct rig *r, const char *command)
{
	static const struct str info[] = { STR_INIT("INFO"), STR_INIT("commandstats") };
	const struct redisReply *reply;
	char name[40];

	assert_int_equal(call(r, info, COUNT(info), &reply), REDIS_ANSWERED);
	snprintf(name, sizeof(name), "cmdstat_%s:calls=", command);
	const char *at = strstr(reply->str, name);
	return at == NULL ? 0 : strtol(at + strlen(name), NULL, 10);
}

/* A server with a password on a port that was free a moment ago; false: it went away, since
 * somebody else has the port now. */
static bool spawn_on_a_port(struct redis_process *p, char port[8])
{
	struct redis_script_server place = { .drip_ms = 0 };
	int status;

	redis_script_start(&place, (const char *const[]){ "" }, 1);
	redis_script_stop(&place);
	snprintf(port, 8, "%u", place.port);
	snprintf(p->dir, sizeof(p->dir), "/tmp/quiver-redis-XXXXXX");
	assert_non_null(mkdtemp(p->dir));
	p->pid = fork();
	if (p->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--save",
		    "", "--dir", p->dir, "--logfile", "/dev/null", "--requirepass", "s3cret word",
		    (char *)NULL);
		_exit(127);
	}
	usleep(200000);
	if (waitpid(p->pid, &status, WNOHANG) == 0)
		return true;
	rmdir(p->dir);
	return false;
}

TEST(a_database_and_a_password_are_chosen_once_a_connection)
{
	struct redis_process     p;
	struct rig               r;
	char                     url[128];
	const struct redisReply *reply;
	const struct str client[] = { STR("CLIENT"), STR("INFO") };

	(void)state;
	redis_process_start(&p, "--requirepass", "s3cret word");
	rig_open(&r, p.url, REDIS_FOLLOW);
	assert_int_equal(call_ping(&r), REDIS_NO_AUTH);
	rig_close(&r);
	redis_process_kill(&p);
	snprintf(url, sizeof(url), "%s/s", p.dir);
	unlink(url);
	rmdir(p.dir);

	/* A unix: URL has neither; so over TCP, on a port that was free a moment ago. */
	char port[8];
	bool up = false;
	for (int i = 0; i < 5 && !up; i++)
		up = spawn_on_a_port(&p, port);
	assert_true(up);
	snprintf(url, sizeof(url), "redis://default:s3cret%%20word@127.0.0.1:%s/5", port);
	rig_open(&r, url, REDIS_FOLLOW);
	assert_true(comes_to(&r, REDIS_ANSWERED));
	/* One that ran out of time before was another connection. */
	long auths = calls_of(&r, "auth"), selects = calls_of(&r, "select");
	assert_true(auths >= 1 && selects >= 1);
	assert_int_equal(call_ping(&r), REDIS_ANSWERED);
	assert_int_equal(call(&r, client, 2, &reply), REDIS_ANSWERED);
	assert_non_null(strstr(reply->str, " db=5 "));
	assert_int_equal(calls_of(&r, "auth"), auths);
	assert_int_equal(calls_of(&r, "select"), selects);
	rig_close(&r);
	snprintf(url, sizeof(url), "redis://:wrong@127.0.0.1:%s", port);
	rig_open(&r, url, REDIS_LIMITS);
	assert_int_equal(call_ping(&r), REDIS_NO_AUTH);
	rig_close(&r);
	redis_process_kill(&p);
	rmdir(p.dir);
}

TEST(a_restarted_server_costs_no_call)
{
	struct redis_process p;
	struct rig           r;

	(void)state;
	redis_process_start(&p, NULL, NULL);
	rig_open(&r, p.url, REDIS_FOLLOW);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(call_ping(&r), REDIS_ANSWERED);
		redis_process_kill(&p);
		redis_process_spawn(&p, NULL, NULL);
	}
	assert_int_equal(call_ping(&r), REDIS_ANSWERED);
	rig_close(&r);
	redis_process_stop(&p);
}

TEST(a_dead_server_is_refused_then_not_asked_then_found_again)
{
	struct redis_process p;
	struct rig           r;
	uint64_t             begin_ns;

	(void)state;
	redis_process_start(&p, NULL, NULL);
	rig_open(&r, p.url, REDIS_LIMITS);
	assert_true(comes_to(&r, REDIS_ANSWERED));
	redis_process_kill(&p);
	for (int i = 0; i < 5; i++)
		assert_int_equal(call_ping(&r), REDIS_REFUSED);
	assert_int_equal(call_ping(&r), REDIS_OPEN);
	assert_false(redis_is_up(r.redis));
	/* Nothing is waited for, though there are probes. */
	begin_ns = time_monotonic_ns();
	for (uint64_t calls = 0; time_monotonic_ns() - begin_ns < 400 * NS_PER_MS; calls++)
		if (call_ping(&r) != REDIS_OPEN)
			fail_msg("call %llu: asked in spite of an open breaker",
			    (unsigned long long)calls);
	assert_in_range(counted(&r, "limits", "refused"), 6, 9);
	redis_process_spawn(&p, NULL, NULL);
	assert_true(comes_to(&r, REDIS_ANSWERED));
	rig_close(&r);
	redis_process_stop(&p);
}

TEST(a_hung_server_is_waited_for_until_the_deadline_and_found_again)
{
	struct redis_process p;
	struct rig           r;

	(void)state;
	redis_process_start(&p, NULL, NULL);
	rig_open(&r, p.url, REDIS_LIMITS);
	assert_true(comes_to(&r, REDIS_ANSWERED));
	kill(p.pid, SIGSTOP);
	for (int i = 0; i < 5; i++) {
		uint64_t begin_ns = time_monotonic_ns();
		assert_int_equal(call_ping(&r), REDIS_TIMEOUT);
		uint64_t ms = (time_monotonic_ns() - begin_ns) / NS_PER_MS;
		assert_in_range(ms, REDIS_LIMITS_MS, REDIS_LIMITS_MS + SCHEDULING_MS);
	}
	assert_int_equal(call_ping(&r), REDIS_OPEN);
	kill(p.pid, SIGCONT);
	assert_true(comes_to(&r, REDIS_ANSWERED));
	rig_close(&r);
	redis_process_stop(&p);
}

/* What one scripted reply is called. */
static const struct {
	const char        *reply;       /* NULL: none */
	enum redis_outcome outcome;
} replies[] = {
	{ "+PONG\r\n", REDIS_ANSWERED },
	{ NULL, REDIS_TIMEOUT },
	{ "", REDIS_CLOSED },
	{ "HTTP/1.1 400 Bad Request\r\n\r\n", REDIS_GARBAGE },
	{ "%1\r\n+a\r\n+b\r\n", REDIS_GARBAGE },
	{ "*1000000000\r\n", REDIS_GARBAGE },
	{ "*5000\r\n", REDIS_GARBAGE },
	{ "$-7\r\n", REDIS_GARBAGE },
	{ "$999999999\r\nabc", REDIS_TIMEOUT },
	{ "+PON", REDIS_TIMEOUT },
	{ "-LOADING Redis is loading the dataset in memory\r\n", REDIS_LOADING },
	{ "-MOVED 1234 localhost:1\r\n", REDIS_MOVED },
	{ "-MOVED 1234 :6379\r\n", REDIS_MOVED },
	{ "-MOVED\r\n", REDIS_ERROR },
	{ "-MOVED 1234 127.0.0.1:1\r\n", REDIS_REFUSED },
	{ "-ASK 1234 127.0.0.1:1\r\n", REDIS_ASK },
	{ "-READONLY You can't write against a read only replica.\r\n", REDIS_READ_ONLY },
	{ "-NOAUTH Authentication required.\r\n", REDIS_NO_AUTH },
	{ "-NOPERM this user has no permissions\r\n", REDIS_NO_AUTH },
	{ "-BUSY Redis is busy running a script.\r\n", REDIS_BUSY },
	{ "-OOM command not allowed when used memory > 'maxmemory'.\r\n", REDIS_NO_MEMORY },
	{ "-CLUSTERDOWN The cluster is down\r\n", REDIS_DOWN },
	{ "-MISCONF Redis is configured to save RDB snapshots\r\n", REDIS_DOWN },
	{ "-ERR max number of clients reached\r\n", REDIS_DOWN },
	{ "-NOSCRIPT No matching script.\r\n", REDIS_NO_SCRIPT },
	{ "-ERR something else\r\n", REDIS_ERROR },
	{ "-\r\n", REDIS_ERROR },
};

TEST(each_failure_has_its_name_and_ends_by_the_deadline)
{
	(void)state;
	for (size_t i = 0; i < COUNT(replies); i++) {
		const char *row = replies[i].reply == NULL ? "silence" : replies[i].reply;
		struct redis_script_server s = { .drip_ms = 0 };
		struct rig r;
		redis_script_start(&s, &replies[i].reply, 1);
		rig_open(&r, s.url, REDIS_PUBLISH);
		uint64_t begin_ns = time_monotonic_ns();
		enum redis_outcome outcome = call_ping(&r);
		uint64_t ms = (time_monotonic_ns() - begin_ns) / NS_PER_MS;
		if (outcome != replies[i].outcome)
			fail_msg("row \"%s\": %s, expected %s", row, redis_outcome_name(outcome),
			    redis_outcome_name(replies[i].outcome));
		assert_row(ms <= REDIS_PUBLISH_MS + SCHEDULING_MS, row);
		assert_row(counted(&r, "publish", redis_outcome_name(outcome)) == 1, row);
		rig_close(&r);
		redis_script_stop(&s);
	}
}

/* Each byte comes in time; together they do not. */
TEST(a_reply_that_drips_is_given_up_at_the_deadline)
{
	static const char *const drip[] = { "+0123456789012345678901234567890123456789\r\n" };
	struct redis_script_server s = { .drip_ms = 3 };
	struct rig r;

	(void)state;
	redis_script_start(&s, drip, 1);
	rig_open(&r, s.url, REDIS_LIMITS);
	uint64_t begin_ns = time_monotonic_ns();
	assert_int_equal(call_ping(&r), REDIS_TIMEOUT);
	assert_true(time_monotonic_ns() - begin_ns < (REDIS_LIMITS_MS + SCHEDULING_MS) * NS_PER_MS);
	rig_close(&r);
	redis_script_stop(&s);
}

TEST(a_reply_over_its_bound_is_given_up)
{
	static char reply[3u << 20];
	const char *const big[] = { reply };
	struct redis_script_server s = { .drip_ms = 0 };
	struct rig r;

	(void)state;
	memset(reply, 'x', sizeof(reply) - 1);
	memcpy(reply, "$3000000\r\n", 10);
	redis_script_start(&s, big, 1);
	rig_open(&r, s.url, REDIS_FOLLOW);
	assert_int_equal(call_ping(&r), REDIS_GARBAGE);
	rig_close(&r);
	redis_script_stop(&s);
}

TEST(a_call_follows_to_the_node_that_is_named_and_stays_there)
{
	static const char *const there[] = { "+PONG\r\n" };
	struct redis_script_server first = { .drip_ms = 0 }, second = { .drip_ms = 0 };
	char        moved[64] = "+x\r\n";
	const char *const here[] = { moved };
	struct rig  r;

	(void)state;
	redis_script_start(&second, there, 1);
	snprintf(moved, sizeof(moved), "-MOVED 7000 127.0.0.1:%u\r\n", second.port);
	redis_script_start(&first, here, 1);
	rig_open(&r, first.url, REDIS_PUBLISH);
	for (int i = 0; i < 5; i++)
		assert_int_equal(call_ping(&r), REDIS_ANSWERED);
	assert_int_equal(atomic_load(&first.commands), 1);
	assert_int_equal(atomic_load(&second.commands), 5);
	redis_script_stop(&second);
	/* That node is gone: back to where it began. */
	assert_int_not_equal(call_ping(&r), REDIS_ANSWERED);
	(void)call_ping(&r);
	assert_int_equal(atomic_load(&first.commands), 2);
	rig_close(&r);
	redis_script_stop(&first);
}

TEST(nodes_that_name_each_other_are_not_followed_for_ever)
{
	struct redis_script_server s = { .drip_ms = 0 };
	char        moved[64];
	const char *const here[] = { moved };
	struct rig  r;

	(void)state;
	redis_script_start(&s, here, 1);
	snprintf(moved, sizeof(moved), "-MOVED 7000 127.0.0.1:%u\r\n", s.port);
	rig_open(&r, s.url, REDIS_PUBLISH);
	assert_int_equal(call_ping(&r), REDIS_MOVED);
	assert_int_equal(atomic_load(&s.commands), 2);
	rig_close(&r);
	redis_script_stop(&s);
}

TEST(a_name_is_looked_up_beside_the_calls)
{
	static const char *const pong[] = { "+PONG\r\n" };
	struct redis_script_server s = { .drip_ms = 0 };
	char       url[64];
	struct rig r;

	(void)state;
	redis_script_start(&s, pong, 1);
	snprintf(url, sizeof(url), "redis://localhost:%u", s.port);
	rig_open(&r, url, REDIS_FOLLOW);
	assert_true(comes_to(&r, REDIS_ANSWERED));
	rig_close(&r);
	redis_script_stop(&s);
	rig_open(&r, "redis://no-such-host.invalid", REDIS_LIMITS);
	uint64_t begin_ns = time_monotonic_ns();
	assert_int_equal(call_ping(&r), REDIS_UNRESOLVED);
	assert_true(time_monotonic_ns() - begin_ns < SCHEDULING_MS * NS_PER_MS);
	rig_close(&r);
}

static atomic_uint lookups;

/* In place of libc's: how often a name was looked up. */
int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **out)
{
	struct { struct addrinfo info; struct sockaddr_in at; } *found;
	char    *end;
	uint16_t number = (uint16_t)strtoul(port, &end, 10);

	if ((hints->ai_flags & AI_NUMERICHOST) != 0 && strcmp(host, "127.0.0.1") != 0)
		return EAI_NONAME;
	if (strcmp(host, "no-such-host.invalid") == 0)
		return EAI_NONAME;
	atomic_fetch_add(&lookups, (hints->ai_flags & AI_NUMERICHOST) == 0);
	found = calloc(1, sizeof(*found));
	assert_non_null(found);
	found->at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(number),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	found->info.ai_addr = (struct sockaddr *)&found->at;
	found->info.ai_addrlen = sizeof(found->at);
	*out = &found->info;
	return 0;
}

void freeaddrinfo(struct addrinfo *found)
{
	free(found);
}

/* After a failover the name leads elsewhere, while the old server says so. */
TEST(a_server_that_is_a_replica_now_has_its_name_looked_up_again)
{
	static const char *const read_only[] = { "-READONLY it is a replica\r\n" };
	struct redis_script_server s = { .drip_ms = 0 };
	char       url[64];
	struct rig r;

	(void)state;
	redis_script_start(&s, read_only, 1);
	snprintf(url, sizeof(url), "redis://localhost:%u", s.port);
	rig_open(&r, url, REDIS_FOLLOW);
	assert_true(comes_to(&r, REDIS_READ_ONLY));
	unsigned before = atomic_load(&lookups);
	uint64_t begin_ns = time_monotonic_ns();
	while (atomic_load(&lookups) == before) {
		assert_true(time_monotonic_ns() - begin_ns <
		    2 * REDIS_LOOKUP_MS * NS_PER_MS);
		assert_int_equal(call_ping(&r), REDIS_READ_ONLY);
		usleep(20000);
	}
	rig_close(&r);
	redis_script_stop(&s);
}

TEST(what_comes_unasked_is_no_answer_to_the_next_command)
{
	static const char *const replies_twice[] = { "+ONE\r\n+MORE\r\n", "+TWO\r\n" };
	struct redis_script_server s = { .drip_ms = 0 };
	const struct redisReply   *reply;
	struct rig r;

	(void)state;
	redis_script_start(&s, replies_twice, 2);
	rig_open(&r, s.url, REDIS_PUBLISH);
	assert_int_equal(call(&r, ping, 1, &reply), REDIS_ANSWERED);
	assert_string_equal(reply->str, "ONE");
	assert_int_equal(call(&r, ping, 1, &reply), REDIS_ANSWERED);
	assert_string_equal(reply->str, "TWO");
	rig_close(&r);
	redis_script_stop(&s);
}

/* Half of it works: that is not back. */
TEST(a_server_that_runs_no_script_stays_away_from_limits)
{
	static const struct str forbid[] = { STR_INIT("ACL"), STR_INIT("SETUSER"),
		STR_INIT("default"), STR_INIT("-@scripting") };
	static const struct str eval[] = { STR_INIT("EVAL"), STR_INIT("return 1"), STR_INIT("0") };
	const struct redisReply *reply;
	struct redis_process p;
	struct rig           r;

	(void)state;
	redis_process_start(&p, NULL, NULL);
	rig_open(&r, p.url, REDIS_LIMITS);
	assert_true(comes_to(&r, REDIS_ANSWERED));
	assert_int_equal(redis_call(r.redis, forbid, COUNT(forbid), time_monotonic_ns() +
	    1000 * NS_PER_MS, &reply), REDIS_ANSWERED);
	while (call(&r, eval, COUNT(eval), &reply) != REDIS_OPEN)
		;
	/* Five calls, and two probes at least. */
	uint64_t begin_ns = time_monotonic_ns();
	while (counted(&r, "limits", "no_auth") < 7 &&
	    time_monotonic_ns() - begin_ns < 10000 * NS_PER_MS) {
		assert_int_equal(call(&r, eval, COUNT(eval), &reply), REDIS_OPEN);
		usleep(1000);
	}
	assert_in_range(counted(&r, "limits", "no_auth"), 7, 12);
	rig_close(&r);
	redis_process_stop(&p);
}

/* The breaker of one process is the breaker of all. */
TEST(processes_of_a_machine_share_the_breaker)
{
	char   dir[] = "/tmp/quiver-breaker-XXXXXX", path[64];
	struct arena a;
	struct metrics *m;
	struct redis_server *one, *two;
	struct str reason;
	const struct redisReply *reply;

	(void)state;
	assert_non_null(mkdtemp(dir));
	arena_init(&a, ARENA_MAX_BYTES);
	assert_int_equal(metrics_open_private(&m), OK);
	assert_int_equal(redis_open(dir, STR("unix:/nonexistent/s"), m, &one, &a, &reason), OK);
	assert_int_equal(redis_open(dir, STR("unix:/nonexistent/s"), m, &two, &a, &reason), OK);
	struct redis *r1 = redis_new(one, REDIS_LIMITS), *r2 = redis_new(two, REDIS_LIMITS);
	for (int i = 0; i < 5; i++)
		assert_int_equal(redis_call(r1, ping, 1, redis_deadline_ns(r1), &reply), REDIS_REFUSED);
	assert_int_equal(redis_call(r2, ping, 1, redis_deadline_ns(r2), &reply), REDIS_OPEN);
	redis_free(r1);
	redis_free(r2);
	redis_close(one);
	redis_close(two);
	metrics_close(m);
	arena_clean(&a);
	snprintf(path, sizeof(path), "%s/redis.shm", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/redis.shm.lock", dir);
	unlink(path);
	rmdir(dir);
}

TEST_MAIN(
	RUN(a_command_is_answered_and_the_connection_kept),
	RUN(a_database_and_a_password_are_chosen_once_a_connection),
	RUN(a_restarted_server_costs_no_call),
	RUN(a_dead_server_is_refused_then_not_asked_then_found_again),
	RUN(a_hung_server_is_waited_for_until_the_deadline_and_found_again),
	RUN(each_failure_has_its_name_and_ends_by_the_deadline),
	RUN(a_reply_that_drips_is_given_up_at_the_deadline),
	RUN(a_reply_over_its_bound_is_given_up),
	RUN(a_call_follows_to_the_node_that_is_named_and_stays_there),
	RUN(nodes_that_name_each_other_are_not_followed_for_ever),
	RUN(a_name_is_looked_up_beside_the_calls),
	RUN(a_server_that_is_a_replica_now_has_its_name_looked_up_again),
	RUN(what_comes_unasked_is_no_answer_to_the_next_command),
	RUN(a_server_that_runs_no_script_stays_away_from_limits),
	RUN(processes_of_a_machine_share_the_breaker))
