#include "auth/jwks_client.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "auth/jwks_fetch.h"
#include "base/limits.h"
#include "base/time.h"
#include "log/log.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)
#define NEVER     UINT64_MAX

const struct jwks_bounds jwks_bounds_default = {
	.deadline_ms = 5000, .grace_ms = 250,
	.age_min_s = 300, .age_s = 3600, .age_max_s = 86400, .outlive_s = 86400,
	.unknown_ms = 60000, .retry_min_ms = 5000, .retry_max_ms = 60000,
};

enum outcome { FETCHED, FAILED, UNAVAILABLE, OUTCOMES };

/* Times are time_monotonic_ns's. */
struct jwks_issuer {
	struct jwks_client *client;
	struct jwks_issuer *next;
	struct jwks_place   place;      /* the fetching thread's */
	struct key_set      keys;       /* what follows is under the client's lock */
	uint64_t            refresh_ns; /* NEVER: no keys */
	uint64_t            dies_ns;    /* from then on the keys are not used any more */
	uint64_t            retry_ns;   /* after a failure: not before */
	uint64_t            unknown_ns; /* for key ids that are not known: not before */
	uint64_t            asked_ns;   /* when what is wanted or under way was */
	bool                wanted, fetching, failed;
	unsigned            failures;   /* in a row */
	uint64_t            attempts;
};

struct jwks_client {
	struct metrics           *metrics;
	struct str                ca_file;
	const struct jwks_bounds *bounds;
	struct metric_series     *counts[OUTCOMES];
	struct jwks_issuer       *issuers;
	pthread_mutex_t           lock;
	pthread_cond_t            changed;      /* something is wanted, or was done */
	pthread_t                 thread;
	bool                      started, stopping;
	bool                      waiting;      /* some caller waits as long as the deadline */
};

struct jwks_client *jwks_client_new(struct metrics *m, struct str ca_file,
    const struct jwks_bounds *bounds)
{
	static const char *const outcomes[] = { "fetched", "failed", "unavailable" };
	struct jwks_client *c = calloc(1, sizeof(*c));
	pthread_condattr_t  monotonic;

	if (c == NULL || pthread_mutex_init(&c->lock, NULL) != 0 ||
	    pthread_condattr_init(&monotonic) != 0 ||
	    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(&c->changed, &monotonic) != 0)
		abort();
	pthread_condattr_destroy(&monotonic);
	c->metrics = m;
	c->ca_file = ca_file;
	c->bounds = bounds;
	for (size_t i = 0; i < OUTCOMES; i++)
		c->counts[i] = metrics_series(m, METRIC_JWKS, &outcomes[i]);
	return c;
}

void jwks_client_free(struct jwks_client *c)
{
	struct jwks_issuer *next;

	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_broadcast(&c->changed);
	pthread_mutex_unlock(&c->lock);
	if (c->started)
		pthread_join(c->thread, NULL);
	for (struct jwks_issuer *i = c->issuers; i != NULL; i = next) {
		next = i->next;
		key_set_clean(&i->keys);
		free(i->place.discovered);
		free(i);
	}
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

struct jwks_issuer *jwks_client_add(struct jwks_client *c, struct str issuer, struct str jwks_uri)
{
	struct jwks_issuer *i = calloc(1, sizeof(*i));

	if (i == NULL)
		abort();
	i->client = c;
	i->place.issuer = issuer;
	i->place.jwks_uri = jwks_uri;
	i->refresh_ns = NEVER;
	i->next = c->issuers;
	c->issuers = i;
	return i;
}

/* Waits for a change until `until_ns`; false when that is over. */
static bool wait_until(struct jwks_client *c, uint64_t until_ns)
{
	const struct timespec until = {
		.tv_sec = (time_t)(until_ns / NS_PER_S), .tv_nsec = (long)(until_ns % NS_PER_S),
	};

	if (until_ns == NEVER)
		return pthread_cond_wait(&c->changed, &c->lock) == 0;
	return pthread_cond_timedwait(&c->changed, &c->lock, &until) == 0;
}

/* --- the thread that fetches ------------------------------------------------------ */

/* When it is to be fetched; with the lock held, as all that follows. */
static uint64_t due_ns(const struct jwks_issuer *i)
{
	if (i->wanted)
		return 0;
	if (i->keys.count == 0)
		return NEVER;
	return i->failed && i->retry_ns > i->refresh_ns ? i->retry_ns : i->refresh_ns;
}

static struct jwks_issuer *first_due(struct jwks_client *c)
{
	struct jwks_issuer *first = c->issuers;

	for (struct jwks_issuer *i = first; i != NULL; i = i->next)
		if (due_ns(i) < due_ns(first))
			first = i;
	return first;
}

static void take_keys(struct jwks_issuer *i, const struct key_set *keys, uint32_t age_s,
    uint64_t now_ns)
{
	if (i->failed || i->keys.count == 0)
		log_message(LOG_INFO, "jwks.fetched", "%.*s: %zu keys, for %u s",
		    STR_ARG(i->place.issuer), keys->count, age_s);
	key_set_clean(&i->keys);
	i->keys = *keys;
	i->refresh_ns = now_ns + age_s * NS_PER_S / 5 * 4;
	i->dies_ns = now_ns + (age_s + (uint64_t)i->client->bounds->outlive_s) * NS_PER_S;
	i->failures = 0;
}

static void take_failure(struct jwks_issuer *i, struct str reason, uint64_t now_ns)
{
	const struct jwks_bounds *b = i->client->bounds;
	uint64_t                  pause_ms = (uint64_t)b->retry_min_ms << i->failures;

	if (pause_ms < b->retry_max_ms)
		i->failures++;
	else
		pause_ms = b->retry_max_ms;
	i->retry_ns = now_ns + pause_ms * NS_PER_MS;
	log_message(LOG_WARN, "jwks.failed", "%.*s: %.*s; %s", STR_ARG(i->place.issuer),
	    STR_ARG(reason), i->keys.count > 0 ? "its old keys go on" : "it has no keys");
}

/* Gives the lock away while it is on the network. */
static void fetch(struct jwks_issuer *i, struct http_client *net, struct arena *a)
{
	struct jwks_client *c = i->client;
	struct str          reason = STR_NONE;
	struct key_set      keys;
	uint32_t            age_s = 0;
	enum err            e;

	if (!i->wanted)
		i->asked_ns = time_monotonic_ns();
	i->wanted = false;
	i->fetching = true;
	pthread_mutex_unlock(&c->lock);
	e = jwks_fetch(net, a, &i->place, c->bounds, &keys, &age_s, &reason);
	pthread_mutex_lock(&c->lock);
	if (e == OK)
		take_keys(i, &keys, age_s, time_monotonic_ns());
	else
		take_failure(i, reason, time_monotonic_ns());
	metrics_add(c->counts[e == OK ? FETCHED : FAILED], 1);
	i->failed = e != OK;
	i->fetching = false;
	i->attempts++;
	pthread_cond_broadcast(&c->changed);
	arena_reset(a);
}

static void *work(void *context)
{
	struct jwks_client *c = context;
	struct http_client *net = http_client_new(c->metrics, c->ca_file);
	struct arena        a;

	arena_init(&a, ARENA_MAX_BYTES);
	pthread_mutex_lock(&c->lock);
	while (!c->stopping) {
		struct jwks_issuer *i = first_due(c);

		if (due_ns(i) <= time_monotonic_ns())
			fetch(i, net, &a);
		else
			(void)wait_until(c, due_ns(i));
	}
	pthread_mutex_unlock(&c->lock);
	http_client_free(net);
	arena_clean(&a);
	return NULL;
}

/* From the first need on: most processes never have one.  Signals are for others. */
static bool start(struct jwks_client *c)
{
	sigset_t all, before;

	if (c->started)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	c->started = pthread_create(&c->thread, NULL, work, c) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!c->started)
		log_message(LOG_ERROR, "jwks.no_thread", "the thread that fetches keys did not start");
	return c->started;
}

/* --- callers ---------------------------------------------------------------------- */

static enum err choose(struct jwks_issuer *i, const struct jws *t, uint64_t now_ns,
    struct key_choice *out)
{
	if (i->keys.count > 0 && now_ns >= i->dies_ns) {
		key_set_clean(&i->keys);
		i->refresh_ns = NEVER;
	}
	return i->keys.count == 0 ? ERR_UNAVAILABLE : key_set_choose(&i->keys, t, out);
}

/* Whether a fetch is under way or will be, asked for now if it may. */
static bool ask(struct jwks_issuer *i, uint64_t now_ns)
{
	struct jwks_client *c = i->client;

	if (i->wanted || i->fetching)
		return true;
	if ((i->failed && now_ns < i->retry_ns) || !start(c))
		return false;
	if (i->keys.count > 0) {
		if (now_ns < i->unknown_ns)
			return false;
		i->unknown_ns = now_ns + c->bounds->unknown_ms * NS_PER_MS;
	}
	i->wanted = true;
	i->asked_ns = now_ns;
	pthread_cond_broadcast(&c->changed);
	return true;
}

/* Until the fetch is over, or this caller's time is. */
static void wait_for_fetch(struct jwks_issuer *i, uint64_t now_ns)
{
	struct jwks_client *c = i->client;
	uint64_t            attempts = i->attempts;
	uint64_t            until_ns = i->asked_ns + c->bounds->grace_ms * NS_PER_MS;
	bool                patient = !c->waiting;

	if (patient) {
		c->waiting = true;
		until_ns = now_ns + c->bounds->deadline_ms * NS_PER_MS;
	}
	while (i->attempts == attempts && !c->stopping && wait_until(c, until_ns))
		;
	if (patient)
		c->waiting = false;
}

/* After a fetch for it, or where none may be made now. */
static enum err settle(struct jwks_issuer *i, const struct jws *t, bool pending,
    struct key_choice *out)
{
	enum err e = choose(i, t, time_monotonic_ns(), out);

	if (e == ERR_NOT_FOUND && (i->failed || (pending && (i->wanted || i->fetching))))
		e = ERR_UNAVAILABLE;
	if (e == ERR_UNAVAILABLE)
		metrics_add(i->client->counts[UNAVAILABLE], 1);
	return e;
}

enum err jwks_choose(struct jwks_issuer *i, const struct jws *t, struct key_choice *out)
{
	struct jwks_client *c = i->client;
	uint64_t            now_ns = time_monotonic_ns();
	enum err            e;

	pthread_mutex_lock(&c->lock);
	e = choose(i, t, now_ns, out);
	if (e != OK) {
		bool pending = ask(i, now_ns);

		if (pending)
			wait_for_fetch(i, now_ns);
		e = settle(i, t, pending, out);
	}
	pthread_mutex_unlock(&c->lock);
	return e;
}
