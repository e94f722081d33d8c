/*
 * limit through Redis, the real one: the script reckons as limit_gcra and limit_window
 * do, machines are given burst + rate × time together, and when Redis is away each
 * policy does what it says, within the bound that limit.h states.
 */
#include <dirent.h>
#include <sys/mman.h>
#include <time.h>

#include "base/limits.h"
#include "base/time.h"
#include "limit/limit.h"
#include "limit/local.h"
#include "limit/remote.h"
#include "redis_server.h"
#include "test.h"

#define PROCESSES 4
#define MACHINES  2
#define HOT_MS    700
#define DEADLINE_MS 500
#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

static const uint8_t secret[SECRET_BYTES] = { 1, 2, 3 };

static const struct limit_policy policies[] = {
	{ "hot", LIMIT_BY_ROLE, "hot", LIMIT_GCRA, 200, 1000, 400 },
	{ "slow", LIMIT_BY_ROLE, "slow", LIMIT_GCRA, 20, 3600000, 0 },
	{ "tight", LIMIT_BY_ROUTE, "tight", LIMIT_GCRA, 3, 3600000, 0 },
	{ "hourly", LIMIT_BY_TENANT, "hourly", LIMIT_WINDOW, 5, 3600000, 0 },
	{ "watched", LIMIT_BY_ROUTE, "watched", LIMIT_GCRA, 1, 3600000, 0, true },
	{ "open", LIMIT_BY_PLAN, "open", LIMIT_GCRA, 1, 3600000, 0, false, LIMIT_ALLOW },
	{ "shut", LIMIT_BY_PLAN, "shut", LIMIT_GCRA, 1000, 1000, 0, false, LIMIT_DENY },
	{ "quick", LIMIT_BY_PLAN, "quick", LIMIT_GCRA, 5, 1000, 1 },
	{ .name = NULL },
};

/* --- a machine ------------------------------------------------------------------ */

struct machine {
	struct arena         arena;
	struct metrics      *metrics;
	struct redis_server *server;
	struct redis        *redis;
	struct limiter      *limiter;
};

static void machine_open(struct machine *m, const char *dir, const char *url, uint32_t machines)
{
	struct str reason;

	arena_init(&m->arena, ARENA_MAX_BYTES);
	assert_int_equal(dir == NULL ? metrics_open_private(&m->metrics) :
	    metrics_open(dir, &m->metrics), OK);
	assert_int_equal(redis_open(dir, str_of(url), m->metrics, &m->server, &m->arena, &reason),
	    OK);
	/* Not the product's 5 ms: what is counted here must not depend on what else runs. */
	redis_set_deadline(m->server, REDIS_LIMITS, DEADLINE_MS);
	m->redis = redis_new(m->server, REDIS_LIMITS);
	assert_int_equal(limit_open(dir, policies, m->metrics, &m->limiter), OK);
	limit_share(m->limiter, secret, machines);
}

static void machine_close(struct machine *m)
{
	redis_free(m->redis);
	limit_close(m->limiter);
	redis_close(m->server);
	metrics_close(m->metrics);
	arena_clean(&m->arena);
}

static struct limit_verdict ask(struct machine *m, const struct limit_subject *who, uint32_t cost)
{
	struct limit_verdict v;

	assert_int_equal(limit_take(m->limiter, m->redis, who, cost, time_now_ms(), &v), OK);
	return v;
}

static struct limit_subject by_role(const char *role, const char *key)
{
	return (struct limit_subject){ .role = str_of(role), .role_key = str_of(key) };
}

static uint64_t decided(struct machine *m, const char *by)
{
	return metrics_read(metrics_series(m->metrics, METRIC_LIMIT_DECIDED,
	    (const char *const[]){ by }));
}

static const struct redisReply *command(struct redis *r, const struct str *words, size_t n)
{
	const struct redisReply *reply;

	assert_int_equal(redis_call(r, words, n, time_monotonic_ns() + NS_PER_S, &reply),
	    REDIS_ANSWERED);
	return reply;
}

/* How often the server was asked for it. */
static int calls_of(struct machine *m, const char *name)
{
	const struct str words[] = { STR("INFO"), STR("commandstats") };
	char  line[64];
	const char *found;

	snprintf(line, sizeof(line), "cmdstat_%s:calls=", name);
	found = strstr(command(m->redis, words, 2)->str, line);
	return found == NULL ? 0 : (int)strtol(found + strlen(line), NULL, 10);
}

/* --- the arithmetic ------------------------------------------------------------- */

static uint64_t seed = 88172645463325252u;

static uint64_t random_below(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

static uint64_t pick(const uint64_t *from, size_t n) { return from[random_below(n)]; }

static struct limit_policy random_policy(char name[16])
{
	static const uint64_t limits[] = { 1, 3, 7, 10, 60, 1000, 999983 };
	static const uint64_t periods[] = { 1000, 1001, 60000, 3600000, 86400000,
		LIMIT_PERIOD_MAX_MS };
	static const uint64_t bursts[] = { 0, 1, 2, 100, 12345 };
	struct limit_policy p = {
		.name = name, .selector = "x", .limit = pick(limits, COUNT(limits)),
		.period_ms = pick(periods, COUNT(periods)), .burst = pick(bursts, COUNT(bursts)),
		.algorithm = random_below(2) ? LIMIT_GCRA : LIMIT_WINDOW,
		.dry_run = random_below(8) == 0,
	};

	snprintf(name, 16, "p%u", (unsigned)random_below(1000000));
	if (p.algorithm == LIMIT_WINDOW)
		p.burst = 0;
	else if ((unsigned __int128)(p.burst ? p.burst : p.limit) * p.period_ms / p.limit >
	    LIMIT_PERIOD_MAX_MS)
		p.burst = 0;
	return p;
}

/* A count that one unit more or less will decide about by the time that Redis looks. */
static uint64_t edge_of(const struct limit_policy *p, uint64_t now_ns, uint64_t most,
    uint64_t *index, uint64_t *previous)
{
	uint64_t period_ns = p->period_ms * NS_PER_MS, soon_ns = now_ns + 60000;
	uint64_t left_ns = period_ns - soon_ns % period_ns;
	uint64_t carried = (uint64_t)((unsigned __int128)most * left_ns / period_ns);
	int64_t  current = (int64_t)(most - carried) - 30 + (int64_t)random_below(60);

	*index = soon_ns / period_ns;
	*previous = most;
	return current < 0 ? 0 : (uint64_t)current < most ? (uint64_t)current : most;
}

/* What a key may hold: nothing, what is used in part or whole, and times that a clock
 * set back leaves, a little and a lot. */
static uint64_t random_state(const struct limit_policy *p, uint64_t now_ns, char text[64])
{
	static const uint64_t ahead_s[] = { 0, 0, 0, 1, 9, 11, 3600 };
	uint64_t jump_ns = pick(ahead_s, COUNT(ahead_s)) * NS_PER_S;

	text[0] = '\0';
	if (random_below(6) == 0)
		return 0;
	if (p->algorithm == LIMIT_GCRA) {
		uint64_t full_ns = limit_gcra_cost_ns(p, p->burst ? p->burst : p->limit);
		uint64_t tat_ns = now_ns - NS_PER_S / 2 + random_below(full_ns + NS_PER_S) + jump_ns;
		snprintf(text, 64, "%llu %llu", (unsigned long long)(tat_ns / NS_PER_S),
		    (unsigned long long)(tat_ns % NS_PER_S));
		return tat_ns;
	}
	uint64_t most = p->limit < LIMIT_WINDOW_MAX ? p->limit : LIMIT_WINDOW_MAX;
	uint64_t index = (now_ns + jump_ns) / (p->period_ms * NS_PER_MS) + random_below(4) - 2;
	uint64_t previous = random_below(most + 1), current = random_below(most + 1);
	if (random_below(2) == 0)
		current = edge_of(p, now_ns, most, &index, &previous);
	snprintf(text, 64, "%llu %llu %llu", (unsigned long long)index,
	    (unsigned long long)previous, (unsigned long long)current);
	return limit_window_cell(index, previous, current);
}

static uint64_t state_in_redis(struct redis *r, const struct limit_policy *p, const char *key)
{
	const struct str words[] = { STR("GET"), str_of(key) };
	const struct redisReply *reply = command(r, words, 2);
	unsigned long long n[3] = { 0 };

	if (reply->type == REDIS_REPLY_NIL)
		return 0;
	if (p->algorithm == LIMIT_GCRA) {
		assert_int_equal(sscanf(reply->str, "%llu %llu", &n[0], &n[1]), 2);
		return n[0] * NS_PER_S + n[1];
	}
	assert_int_equal(sscanf(reply->str, "%llu %llu %llu", &n[0], &n[1], &n[2]), 3);
	return limit_window_cell(n[0], n[1], n[2]);
}

struct trial {
	struct limit_policy policy;
	char     name[16], held[64];
	uint64_t before;
};

static void put_state(struct machine *m, struct trial *t, struct limit_asked *asked)
{
	struct limit_remote_rule rule;
	struct str words[] = { STR("SET"), STR_NONE, STR_NONE };
	struct timespec now;

	t->policy = random_policy(t->name);
	limit_remote_rule(secret, &t->policy, &rule);
	limit_remote_key(&rule, STR("caller"), asked->key);
	asked->policy = &t->policy;
	clock_gettime(CLOCK_REALTIME, &now);
	t->before = random_state(&t->policy,
	    (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec, t->held);
	words[1] = str_of(asked->key);
	words[2] = str_of(t->held);
	if (t->before == 0)
		words[0] = STR("DEL");
	command(m->redis, words, t->before == 0 ? 2 : 3);
}

/* What this machine's functions make of the same, at the same time. */
static void check_trial(struct machine *m, const struct trial *t, const struct limit_asked *asked,
    uint64_t now_ns, uint32_t cost, bool allowed)
{
	bool gcra = t->policy.algorithm == LIMIT_GCRA;
	uint64_t state = t->before;
	struct limit_step step = gcra ? limit_gcra(&t->policy, &state, now_ns, cost) :
	    limit_window(&t->policy, &state, now_ns, cost);
	/* Allowed by itself, and others refused: as it was. */
	uint64_t after = step.allowed && !allowed ? t->before : state;

	assert_int_equal(asked->step.allowed, step.allowed);
	assert_int_equal(asked->step.remaining, step.remaining);
	assert_int_equal(asked->step.retry_after_ns, step.retry_after_ns);
	assert_int_equal(asked->step.reset_ns, step.reset_ns);
	uint64_t kept = state_in_redis(m->redis, &t->policy, asked->key);
	if (kept != after && !(kept == 0 && after < now_ns && gcra))
		fail_msg("%s limit %llu period %llu burst %llu cost %u held \"%s\" now %llu: "
		    "Redis has %llu, here it is %llu", gcra ? "gcra" : "window",
		    (unsigned long long)t->policy.limit, (unsigned long long)t->policy.period_ms,
		    (unsigned long long)t->policy.burst, cost, t->held, (unsigned long long)now_ns,
		    (unsigned long long)kept, (unsigned long long)after);
}

TEST(the_script_and_this_machine_reckon_alike)
{
	struct redis_process p;
	struct machine       m;
	struct limit_script  script;
	static const uint64_t costs[] = { 1, 1, 1, 2, 5, 50, 20000 };
	unsigned allowed = 0;

	(void)state;
	redis_process_start(&p, NULL, NULL);
	machine_open(&m, NULL, p.url, 1);
	limit_script_name(&script);
	for (int i = 0; i < 5000; i++) {
		struct trial        trials[LIMIT_SUBJECT_POLICIES_MAX];
		struct limit_asked  asked[LIMIT_SUBJECT_POLICIES_MAX];
		struct limit_answer answer;
		size_t   n = 1 + random_below(LIMIT_SUBJECT_POLICIES_MAX);
		uint32_t cost = (uint32_t)pick(costs, COUNT(costs));
		bool     all = true;
		for (size_t j = 0; j < n; j++)
			put_state(&m, &trials[j], &asked[j]);
		assert_int_equal(limit_remote_take(m.redis, &script, asked, n, cost, &answer),
		    REDIS_ANSWERED);
		for (size_t j = 0; j < n; j++)
			all = all && (asked[j].step.allowed || trials[j].policy.dry_run);
		assert_int_equal(answer.allowed, all);
		allowed += all;
		for (size_t j = 0; j < n; j++)
			check_trial(&m, &trials[j], &asked[j], answer.now_ns, cost, all);
	}
	assert_in_range(allowed, 500, 4500);
	machine_close(&m);
	redis_process_stop(&p);
}

/* One unit a microsecond: a decision shows whether the script is off by one. */
TEST(at_the_edge_of_a_window_they_reckon_alike_too)
{
	struct redis_process p;
	struct machine       m;
	struct limit_script  script;
	struct limit_policy  fine = {
		.name = "fine", .selector = "x", .algorithm = LIMIT_WINDOW, .limit = 1000000,
		.period_ms = 1000,
	};

	(void)state;
	redis_process_start(&p, NULL, NULL);
	machine_open(&m, NULL, p.url, 1);
	limit_script_name(&script);
	for (int i = 0; i < 4000; i++) {
		struct trial        t = { .policy = fine };
		struct limit_asked  asked = { .policy = &fine, .key = "{quiver}:edge" };
		struct limit_answer answer;
		struct timespec     now;
		uint64_t            index, previous, current;
		clock_gettime(CLOCK_REALTIME, &now);
		current = edge_of(&fine, (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec,
		    fine.limit, &index, &previous);
		snprintf(t.held, sizeof(t.held), "%llu %llu %llu", (unsigned long long)index,
		    (unsigned long long)previous, (unsigned long long)current);
		t.before = limit_window_cell(index, previous, current);
		const struct str words[] = { STR("SET"), str_of(asked.key), str_of(t.held) };
		command(m.redis, words, 3);
		assert_int_equal(limit_remote_take(m.redis, &script, &asked, 1, 1, &answer),
		    REDIS_ANSWERED);
		assert_int_equal(answer.allowed, asked.step.allowed);
		check_trial(&m, &t, &asked, answer.now_ns, 1, answer.allowed);
	}
	machine_close(&m);
	redis_process_stop(&p);
}

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
	RUN(the_script_and_this_machine_reckon_alike),
	RUN(at_the_edge_of_a_window_they_reckon_alike_too),
	RUN(a_request_is_one_round_trip_whatever_its_policies),
	RUN(what_one_policy_refuses_costs_none_of_the_others),
	RUN(who_was_refused_is_not_asked_about_again_until_it_can_pass),
	RUN(a_server_that_forgot_the_script_or_everything_goes_on),
	RUN(keys_expire_and_name_nobody),
	RUN(processes_on_two_machines_get_the_burst_and_the_rate_together),
	RUN(cut_off_machines_give_their_shares_and_no_more),
	RUN(without_redis_each_policy_does_what_it_says),
	RUN(a_policy_that_denies_spares_the_others),
	RUN(a_share_below_one_requests_cost_gives_that_request),
	RUN(it_comes_back_by_itself))
