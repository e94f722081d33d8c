#include "limit/remote.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "limit/local.h"

#define NS_PER_US       UINT64_C(1000)
#define NS_PER_S        UINT64_C(1000000000)
#define US_PER_MS       UINT64_C(1000)
#define FIELDS          7               /* of ARGV a policy */
#define HEAD            3               /* numbers of the answer before its policies' */
#define STATES          3               /* and of each of those */
#define WORDS           (3 + LIMIT_SUBJECT_POLICIES_MAX * (1 + FIELDS) + 1)
#define NUMBERS_BYTES   (22 * (2 + LIMIT_SUBJECT_POLICIES_MAX * FIELDS))
static_assert(WORDS <= REDIS_WORDS_MAX, "one command");

static const char source[] =
#include "limit/redis_script.inc"
    ;

/* A command as it is put together. */
struct command {
	struct str words[WORDS];
	size_t     count, used;
	char       numbers[NUMBERS_BYTES];
};

static void add_word(struct command *c, struct str word)
{
	c->words[c->count++] = word;
}

static void add_number(struct command *c, uint64_t n)
{
	char  *end = c->numbers + c->used + 20, *digit = end;

	do {
		*--digit = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	c->used += 20;
	add_word(c, (struct str){ digit, (size_t)(end - digit) });
}

static void add_pair(struct command *c, uint64_t ns)
{
	add_number(c, ns / NS_PER_S);
	add_number(c, ns % NS_PER_S);
}

static void add_policy(struct command *c, const struct limit_policy *p, uint32_t cost)
{
	if (p->algorithm == LIMIT_GCRA) {
		uint64_t burst = p->burst != 0 ? p->burst : p->limit;

		add_word(c, STR("g"));
		add_number(c, p->dry_run);
		add_number(c, cost <= burst);
		add_pair(c, limit_gcra_cost_ns(p, cost));
		add_pair(c, limit_gcra_cost_ns(p, burst));
		return;
	}
	add_word(c, STR("w"));
	add_number(c, p->dry_run);
	add_number(c, p->limit < LIMIT_WINDOW_MAX ? p->limit : LIMIT_WINDOW_MAX);
	add_number(c, p->period_ms * US_PER_MS);
	for (int unused = 0; unused < 3; unused++)
		add_word(c, STR("0"));
}

/* EVALSHA, until somebody has to say that the script is not known. */
static void build(struct command *c, const char *sha, const struct limit_asked *asked,
    size_t count, uint32_t cost)
{
	c->count = c->used = 0;
	add_word(c, STR("EVALSHA"));
	add_word(c, (struct str){ sha, 2 * (size_t)SHA1_BYTES });
	add_number(c, count);
	for (size_t i = 0; i < count; i++)
		add_word(c, str_of(asked[i].key));
	add_number(c, cost);
	for (size_t i = 0; i < count; i++)
		add_policy(c, asked[i].policy, cost);
}

static bool is_answer(const struct redisReply *r, size_t count)
{
	if (r->type != REDIS_REPLY_ARRAY || r->elements != HEAD + STATES * count)
		return false;
	for (size_t i = 0; i < r->elements; i++)
		if (r->element[i]->type != REDIS_REPLY_INTEGER || r->element[i]->integer < 0)
			return false;
	return true;
}

static uint64_t number(const struct redisReply *r, size_t i)
{
	return (uint64_t)r->element[i]->integer;
}

static void read_answer(const struct redisReply *r, struct limit_asked *asked, size_t count,
    uint32_t cost, struct limit_answer *out)
{
	out->allowed = number(r, 0) == 1;
	out->now_ns = number(r, 1) * NS_PER_S + number(r, 2) * NS_PER_US;
	for (size_t i = 0; i < count; i++) {
		struct limit_asked *a = &asked[i];
		size_t              at = HEAD + STATES * i;

		if (a->policy->algorithm == LIMIT_GCRA) {
			a->state = number(r, at) * NS_PER_S + number(r, at + 1);
			a->step = limit_gcra(a->policy, &a->state, out->now_ns, cost);
		} else {
			a->state = limit_window_cell(number(r, at), number(r, at + 1),
			    number(r, at + 2));
			a->step = limit_window(a->policy, &a->state, out->now_ns, cost);
		}
	}
}

void limit_script_name(struct limit_script *out)
{
	crypto_sha1_hex((struct str){ source, sizeof(source) - 1 }, out->sha);
}

enum redis_outcome limit_remote_take(struct redis *r, const struct limit_script *script,
    struct limit_asked *asked, size_t count, uint32_t cost, struct limit_answer *out)
{
	const struct redisReply *reply;
	struct command           c;
	uint64_t                 deadline_ns = redis_deadline_ns(r);
	enum redis_outcome       outcome;

	build(&c, script->sha, asked, count, cost);
	outcome = redis_call(r, c.words, c.count, deadline_ns, &reply);
	if (outcome == REDIS_NO_SCRIPT) {
		c.words[0] = STR("EVAL");
		c.words[1] = (struct str){ source, sizeof(source) - 1 };
		outcome = redis_call(r, c.words, c.count, deadline_ns, &reply);
	}
	if (outcome != REDIS_ANSWERED)
		return outcome;
	if (!is_answer(reply, count))
		return REDIS_GARBAGE;
	read_answer(reply, asked, count, cost, out);
	return REDIS_ANSWERED;
}

void limit_remote_rule(const uint8_t secret[SECRET_BYTES], const struct limit_policy *policy,
    struct limit_remote_rule *out)
{
	char    purpose[160];
	uint8_t key[SECRET_BYTES];

	/* Algorithm and period are in it, since a state means nothing under others. */
	(void)snprintf(purpose, sizeof(purpose), "limit %d.%llu.%.100s", (int)policy->algorithm,
	    (unsigned long long)policy->period_ms, policy->name);
	crypto_derive(secret, purpose, key);
	memcpy(out->halves, key, sizeof(out->halves));
	crypto_wipe(key, sizeof(key));
}

void limit_remote_key(const struct limit_remote_rule *rule, struct str caller,
    char out[LIMIT_REMOTE_KEY_SIZE])
{
	uint64_t hash[] = { siphash(&rule->halves[0], caller), siphash(&rule->halves[1], caller) };

	memcpy(out, LIMIT_REMOTE_PREFIX, sizeof(LIMIT_REMOTE_PREFIX) - 1);
	crypto_hex(hash, sizeof(hash), out + sizeof(LIMIT_REMOTE_PREFIX) - 1);
}
