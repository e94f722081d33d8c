/*
 * limit through Redis, the real one: machines are given burst + rate × time together,
 * and when Redis is away each policy does what it says, within the bound that limit.h
 * states.  The arithmetic is tested in limit_redis_script.c.
 */
#include <dirent.h>
#include <sys/mman.h>

#include "limit_redis_rig.h"

#define PROCESSES 4
#define MACHINES  2
#define HOT_MS    700

/* --- requests ------------------------------------------------------------------- */

TEST(a_request_is_one_round_trip_whatever_its_policies)
{
	struct redis_process p;
	struct machine       m;
	struct limit_subject who = {
		.role = STR("slow"), .role_key = STR("ann"), .tenant_plan = STR("hourly"),
		.tenant = STR("acme"), .route_class = STR("watched"), .address = STR("192.0.2.1"),
	};

	(void)state;
	redis_process_start(&p, NULL, NULL);
	machine_open(&m, NULL, p.url, 1);
	for (int i = 0; i < 5; i++) {
		struct limit_verdict v = ask(&m, &who, 1);
		assert_true(v.allowed);
		assert_false(v.degraded);
		assert_string_equal(v.policy, "hourly");
		assert_int_equal(v.remaining, 4 - i);
	}
	/* The first found no script. */
	assert_int_equal(calls_of(&m, "evalsha"), 5);
	assert_int_equal(calls_of(&m, "eval"), 1);
	assert_int_equal(decided(&m, "redis"), 5);
	machine_close(&m);
	redis_process_stop(&p);
}

TEST(what_one_policy_refuses_costs_none_of_the_others)
{
	struct redis_process p;
	struct machine       m;
	struct limit_subject both = {
		.role = STR("slow"), .role_key = STR("ann"), .route_class = STR("tight"),
		.address = STR("192.0.2.1"),
	};
	struct limit_subject alone = by_role("slow", "ann");

	(void)state;
	redis_process_start(&p, NULL, NULL);
	machine_open(&m, NULL, p.url, 1);
	for (int i = 0; i < 3; i++)
		assert_true(ask(&m, &both, 1).allowed);
	struct limit_verdict v = ask(&m, &both, 1);
	assert_false(v.allowed);
	assert_string_equal(v.policy, "tight");
	assert_in_range(v.retry_after_s, 1190, 1200);
	assert_int_equal(ask(&m, &alone, 1).remaining, 20 - 3 - 1);
	/* A cost over the burst never fits. */
	assert_false(ask(&m, &alone, 21).allowed);
	assert_true(ask(&m, &alone, 16).allowed);
	machine_close(&m);
	redis_process_stop(&p);
}

TEST(who_was_refused_is_not_asked_about_again_until_it_can_pass)
{
	struct redis_process p;
	struct machine       m;
	struct limit_subject who = { .plan = STR("quick"), .plan_key = STR("key") };
	int      asked;
	uint64_t begin_ns;

	(void)state;
	redis_process_start(&p, NULL, NULL);
	machine_open(&m, NULL, p.url, 1);
	assert_true(ask(&m, &who, 1).allowed);
	begin_ns = time_monotonic_ns();
	assert_false(ask(&m, &who, 1).allowed);
	asked = calls_of(&m, "evalsha");
	for (int i = 0; i < 1000; i++) {
		struct limit_verdict v = ask(&m, &who, 1);
		if (time_monotonic_ns() - begin_ns > 150 * NS_PER_MS)
			break;
		assert_false(v.allowed);
		assert_false(v.degraded);
		assert_int_equal(v.retry_after_s, 1);
		assert_string_equal(v.policy, "quick");
	}
	assert_int_equal(calls_of(&m, "evalsha"), asked);
	assert_true(decided(&m, "remembered") > 0);
	/* A unit is earned in 200 ms. */
	while (!ask(&m, &who, 1).allowed)
		assert_true(time_monotonic_ns() - begin_ns < 2 * NS_PER_S);
	assert_in_range((time_monotonic_ns() - begin_ns) / NS_PER_MS, 150, 1000);
	assert_in_range(calls_of(&m, "evalsha"), asked + 1, asked + 3);
	machine_close(&m);
	redis_process_stop(&p);
}

static void make_directory(char path[40])
{
	snprintf(path, 40, "/tmp/quiver-machine-XXXXXX");
	assert_non_null(mkdtemp(path));
}

static void remove_directory(const char *path)
{
	DIR *d = opendir(path);

	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(path);
}

static const char *window_answer(char text[128], bool allowed, uint64_t now_s, uint64_t previous)
{
	snprintf(text, 128, "*6\r\n:%d\r\n:%llu\r\n:0\r\n:%llu\r\n:%llu\r\n:0\r\n", allowed,
	    (unsigned long long)now_s, (unsigned long long)(now_s / 3600),
	    (unsigned long long)previous);
	return text;
}

/* Two processes of a machine.  The clock of Redis goes an hour ahead: one hears of it with
 * any answer, and judges rightly what the other remembers. */
TEST(what_another_process_remembers_is_judged_by_the_clock_that_redis_has_now)
{
	char dir[40], texts[3][128];
	const uint64_t hour_s = 500000 * 3600u;
	const char *const told_one[] = { window_answer(texts[0], false, hour_s, 5),
		window_answer(texts[1], true, hour_s + 3600, 0) };
	const char *const told_other[] = { window_answer(texts[2], false, hour_s + 3600, 5) };
	struct redis_script_server servers[2] = { 0 };
	struct machine       one, other;
	struct limit_subject who = { .tenant_plan = STR("hourly"), .tenant = STR("a") };
	struct limit_verdict v;

	(void)state;
	make_directory(dir);
	redis_script_start(&servers[0], told_one, COUNT(told_one));
	redis_script_start(&servers[1], told_other, COUNT(told_other));
	machine_open(&one, dir, servers[0].url, 1);
	machine_open(&other, dir, servers[1].url, 1);
	assert_false(ask(&one, &who, 1).allowed);
	who.tenant = STR("b");
	assert_true(ask(&one, &who, 1).allowed);
	who.tenant = STR("c");
	assert_false(ask(&other, &who, 1).allowed);
	v = ask(&one, &who, 1);
	assert_false(v.allowed);
	assert_in_range(v.retry_after_s, 700, 720);
	assert_int_equal(decided(&one, "remembered"), 1);
	machine_close(&other);
	machine_close(&one);
	redis_script_stop(&servers[0]);
	redis_script_stop(&servers[1]);
	remove_directory(dir);
}

TEST(a_server_that_forgot_the_script_or_everything_goes_on)
{
	struct redis_process p;
	struct machine       m;
	struct limit_subject who = by_role("slow", "ann");
	const struct str flush[] = { STR("SCRIPT"), STR("FLUSH") };

	(void)state;
	redis_process_start(&p, NULL, NULL);
	machine_open(&m, NULL, p.url, 1);
	assert_int_equal(ask(&m, &who, 1).remaining, 19);
	command(m.redis, flush, 2);
	assert_int_equal(ask(&m, &who, 1).remaining, 18);
	redis_process_kill(&p);
	redis_process_spawn(&p, NULL, NULL);
	struct limit_verdict v = ask(&m, &who, 1);
	assert_false(v.degraded);
	assert_int_equal(v.remaining, 19);
	machine_close(&m);
	redis_process_stop(&p);
}

TEST(keys_expire_and_name_nobody)
{
	struct redis_process p;
	struct machine       m;
	struct limit_subject who = by_role("hot", "192.0.2.77");
	const struct str keys[] = { STR("KEYS"), STR("*") };
	const struct redisReply *reply;

	(void)state;
	redis_process_start(&p, NULL, NULL);
	machine_open(&m, NULL, p.url, 1);
	assert_true(ask(&m, &who, 1).allowed);
	reply = command(m.redis, keys, 2);
	assert_int_equal(reply->elements, 1);
	struct str key = str_of(reply->element[0]->str);
	assert_true(str_starts(key, STR("{quiver}:limit:")));
	assert_false(str_contains(key, STR("192.0.2.77")));
	char copy[64];
	snprintf(copy, sizeof(copy), "%.*s", STR_ARG(key));
	const struct str ttl[] = { STR("PTTL"), str_of(copy) };
	assert_in_range(command(m.redis, ttl, 2)->integer, 500, 1010);
	machine_close(&m);
	redis_process_stop(&p);
}

/* --- machines ------------------------------------------------------------------- */

struct count {
	uint64_t admitted[PROCESSES], degraded[PROCESSES];
};

static void hammer(struct count *count, size_t number, const char *dir, const char *url)
{
	struct machine       m;
	struct limit_subject who = by_role("hot", "everybody");
	uint64_t             begin_ns = time_monotonic_ns();

	machine_open(&m, dir, url, MACHINES);
	while (time_monotonic_ns() - begin_ns < HOT_MS * NS_PER_MS) {
		struct limit_verdict v = ask(&m, &who, 1);
		count->admitted[number] += v.allowed;
		count->degraded[number] += v.degraded;
	}
	machine_close(&m);
	_exit(0);
}

/* Four processes on two machines: what they admitted, and in what time. */
static uint64_t run_machines(const char *url, uint64_t *degraded, uint64_t *ns)
{
	struct count *count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char     dirs[MACHINES][40];
	pid_t    pids[PROCESSES];
	uint64_t sum = 0, begin_ns = time_monotonic_ns();

	*degraded = 0;
	for (size_t i = 0; i < MACHINES; i++)
		make_directory(dirs[i]);
	for (size_t i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			hammer(count, i, dirs[i % MACHINES], url);
	}
	for (size_t i = 0; i < PROCESSES; i++) {
		int status;
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
		sum += count->admitted[i];
		*degraded += count->degraded[i];
	}
	*ns = time_monotonic_ns() - begin_ns;
	for (size_t i = 0; i < MACHINES; i++)
		remove_directory(dirs[i]);
	munmap(count, sizeof(*count));
	return sum;
}

TEST(processes_on_two_machines_get_the_burst_and_the_rate_together)
{
	struct redis_process p;
	uint64_t degraded, ns, admitted;

	(void)state;
	redis_process_start(&p, NULL, NULL);
	admitted = run_machines(p.url, &degraded, &ns);
	assert_int_equal(degraded, 0);
	assert_in_range(admitted, 400 + 200 * HOT_MS / 1000 - 60, 400 + 200 * ns / NS_PER_S + 1);
	redis_process_stop(&p);
}

TEST(cut_off_machines_give_their_shares_and_no_more)
{
	uint64_t degraded, ns, admitted;

	(void)state;
	admitted = run_machines("unix:/nonexistent/s", &degraded, &ns);
	assert_true(degraded > admitted);
	/* machines × ⌈burst ÷ machines⌉ + rate × time */
	assert_in_range(admitted, 400 + 200 * HOT_MS / 1000 - 60,
	    400 + 200 * ns / NS_PER_S + MACHINES);
}

/* --- failures ------------------------------------------------------------------- */

TEST(without_redis_each_policy_does_what_it_says)
{
	struct machine m;
	struct limit_subject local = by_role("slow", "ann");
	struct limit_subject open = { .plan = STR("open"), .plan_key = STR("key") };
	struct limit_subject shut = { .plan = STR("shut"), .plan_key = STR("key") };
	struct limit_subject window = { .tenant_plan = STR("hourly"), .tenant = STR("acme") };
	struct limit_verdict v;

	(void)state;
	machine_open(&m, NULL, "unix:/nonexistent/s", 4);
	v = ask(&m, &local, 1);
	assert_true(v.allowed);
	assert_true(v.degraded);
	assert_string_equal(v.cause, "refused");
	assert_int_equal(v.limit, 5);
	assert_int_equal(v.remaining, 4);
	for (int i = 0; i < 4; i++)
		assert_true(ask(&m, &local, 1).allowed);
	v = ask(&m, &local, 1);
	assert_false(v.allowed);
	assert_string_equal(v.cause, "open");
	/* A unit is earned in 3 minutes, of a share in four times that. */
	assert_in_range(v.retry_after_s, 700, 720);
	for (int i = 0; i < 10; i++)
		assert_true(ask(&m, &open, 1).allowed);
	v = ask(&m, &shut, 1);
	assert_false(v.allowed);
	assert_string_equal(v.policy, "shut");
	assert_int_equal(v.retry_after_s, 1);
	assert_true(ask(&m, &window, 1).allowed);
	assert_true(ask(&m, &window, 1).allowed);
	assert_false(ask(&m, &window, 1).allowed);
	assert_int_equal(decided(&m, "allow"), 10);
	assert_int_equal(decided(&m, "deny"), 1);
	assert_int_equal(decided(&m, "local"), 9);
	machine_close(&m);
}

TEST(a_policy_that_denies_spares_the_others)
{
	struct machine m;
	struct limit_subject both = {
		.plan = STR("shut"), .plan_key = STR("key"), .tenant_plan = STR("hourly"),
		.tenant = STR("acme"),
	};
	struct limit_subject tenant = { .tenant_plan = STR("hourly"), .tenant = STR("acme") };

	(void)state;
	machine_open(&m, NULL, "unix:/nonexistent/s", 1);
	for (int i = 0; i < 20; i++)
		assert_false(ask(&m, &both, 1).allowed);
	assert_int_equal(ask(&m, &tenant, 1).remaining, 4);
	machine_close(&m);
}

/* A write that costs more than a machine's share is no write that nobody may make. */
TEST(a_share_below_one_requests_cost_gives_that_request)
{
	struct machine m;
	struct limit_subject who = by_role("slow", "ann");

	(void)state;
	machine_open(&m, NULL, "unix:/nonexistent/s", 10);
	assert_true(ask(&m, &who, 5).allowed);
	assert_false(ask(&m, &who, 5).allowed);
	assert_false(ask(&m, &who, 1).allowed);
	assert_false(ask(&m, &who, 21).allowed);
	machine_close(&m);
}

/* Nor is what such a request took given back by a smaller one after it. */
TEST(a_small_request_after_a_large_one_leaves_what_was_taken)
{
	struct machine m;
	struct limit_subject who = by_role("slow", "ann");
	struct limit_verdict v;

	(void)state;
	machine_open(&m, NULL, "unix:/nonexistent/s", 10);
	assert_true(ask(&m, &who, 20).allowed);
	assert_false(ask(&m, &who, 1).allowed);
	v = ask(&m, &who, 20);
	assert_false(v.allowed);
	/* Of a tenth of 20 an hour that is ten hours. */
	assert_in_range(v.retry_after_s, 35990, 36000);
	machine_close(&m);
}

TEST(it_comes_back_by_itself)
{
	struct redis_process p;
	struct machine       m;
	struct limit_subject who = by_role("hot", "ann");
	int      tries = 0;

	(void)state;
	redis_process_start(&p, NULL, NULL);
	machine_open(&m, NULL, p.url, 1);
	assert_false(ask(&m, &who, 1).degraded);
	kill(p.pid, SIGSTOP);
	for (int i = 0; i < 10; i++)
		assert_true(ask(&m, &who, 1).degraded);
	kill(p.pid, SIGCONT);
	while (ask(&m, &who, 1).degraded) {
		assert_true(tries++ < 1000);
		usleep(2000);
	}
	machine_close(&m);
	redis_process_stop(&p);
}

TEST_MAIN(
	RUN(a_request_is_one_round_trip_whatever_its_policies),
	RUN(what_one_policy_refuses_costs_none_of_the_others),
	RUN(who_was_refused_is_not_asked_about_again_until_it_can_pass),
	RUN(what_another_process_remembers_is_judged_by_the_clock_that_redis_has_now),
	RUN(a_server_that_forgot_the_script_or_everything_goes_on),
	RUN(keys_expire_and_name_nobody),
	RUN(processes_on_two_machines_get_the_burst_and_the_rate_together),
	RUN(cut_off_machines_give_their_shares_and_no_more),
	RUN(without_redis_each_policy_does_what_it_says),
	RUN(a_policy_that_denies_spares_the_others),
	RUN(a_share_below_one_requests_cost_gives_that_request),
	RUN(a_small_request_after_a_large_one_leaves_what_was_taken),
	RUN(it_comes_back_by_itself)
)
