/*
 * The script in Redis reckons as limit_gcra and limit_window do, to the unit: random
 * policies, costs and states, a clock set back among them.
 */
#include <time.h>

#include "limit/local.h"
#include "limit/remote.h"
#include "limit_redis_rig.h"

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

TEST_MAIN(
	RUN(the_script_and_this_machine_reckon_alike),
	RUN(at_the_edge_of_a_window_they_reckon_alike_too)
)
