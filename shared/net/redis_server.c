#include "net/redis_server.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "base/time.h"
#include "log/log.h"

#define LAYOUT_VERSION  1
#define NS_PER_MS       UINT64_C(1000000)

static const struct {
	const char *name;
	uint32_t    deadline_ms;
} purposes[] = {
	[REDIS_LIMITS]  = { "limits", REDIS_LIMITS_MS },
	[REDIS_PUBLISH] = { "publish", REDIS_PUBLISH_MS },
	[REDIS_FOLLOW]  = { "follow", REDIS_FOLLOW_MS },
};
static_assert(COUNT(purposes) == REDIS_PURPOSES, "a row for each purpose");

static const char *const outcome_names[] = {
	[REDIS_ANSWERED] = "ok", [REDIS_OPEN] = "open", [REDIS_NO_SCRIPT] = "no_script",
	[REDIS_UNRESOLVED] = "unresolved", [REDIS_REFUSED] = "refused",
	[REDIS_TIMEOUT] = "timeout", [REDIS_CLOSED] = "closed", [REDIS_GARBAGE] = "garbage",
	[REDIS_LOADING] = "loading", [REDIS_MOVED] = "moved", [REDIS_ASK] = "ask",
	[REDIS_READ_ONLY] = "read_only", [REDIS_NO_AUTH] = "no_auth", [REDIS_BUSY] = "busy",
	[REDIS_NO_MEMORY] = "no_memory", [REDIS_DOWN] = "down", [REDIS_ERROR] = "error",
};
static_assert(COUNT(outcome_names) == REDIS_OUTCOMES, "a name for each outcome");

/* The first words of errors; the rest of such a line may be anything. */
static const struct {
	struct str         start;
	enum redis_outcome outcome;
} errors[] = {
	{ STR_INIT("NOSCRIPT "), REDIS_NO_SCRIPT },
	{ STR_INIT("LOADING "), REDIS_LOADING },
	{ STR_INIT("MOVED "), REDIS_MOVED },
	{ STR_INIT("ASK "), REDIS_ASK },
	{ STR_INIT("TRYAGAIN "), REDIS_ASK },
	{ STR_INIT("READONLY "), REDIS_READ_ONLY },
	{ STR_INIT("NOAUTH "), REDIS_NO_AUTH },
	{ STR_INIT("WRONGPASS "), REDIS_NO_AUTH },
	{ STR_INIT("NOPERM "), REDIS_NO_AUTH },
	{ STR_INIT("BUSY "), REDIS_BUSY },
	{ STR_INIT("OOM "), REDIS_NO_MEMORY },
	{ STR_INIT("CLUSTERDOWN "), REDIS_DOWN },
	{ STR_INIT("MASTERDOWN "), REDIS_DOWN },
	{ STR_INIT("MISCONF "), REDIS_DOWN },
	{ STR_INIT("ERR max number of clients "), REDIS_DOWN },
};

const char *redis_outcome_name(enum redis_outcome outcome)
{
	return outcome_names[outcome];
}

const char *redis_purpose_name(enum redis_purpose purpose)
{
	return purposes[purpose].name;
}

void redis_set_deadline(struct redis_server *s, enum redis_purpose purpose, uint32_t ms)
{
	s->deadline_ms[purpose] = ms;
}

enum redis_outcome redis_outcome_of(const struct redisReply *reply)
{
	struct str text = { reply->str, reply->len };

	if (reply->type != REDIS_REPLY_ERROR)
		return REDIS_ANSWERED;
	for (size_t i = 0; i < COUNT(errors); i++)
		if (str_starts(text, errors[i].start))
			return errors[i].outcome;
	return REDIS_ERROR;
}

/* --- opening -------------------------------------------------------------------- */

static void open_series(struct redis_server *s, struct metrics *m)
{
	for (enum redis_purpose p = 0; p < REDIS_PURPOSES; p++) {
		const char *labels[] = { purposes[p].name, NULL };

		for (size_t o = 0; o < REDIS_OUTCOMES; o++) {
			labels[1] = outcome_names[o];
			s->calls[p][o] = metrics_series(m, METRIC_REDIS, labels);
		}
		s->durations[p] = metrics_series(m, METRIC_REDIS_DURATION, labels);
		s->open[p] = metrics_series(m, METRIC_REDIS_OPEN, labels);
	}
}

enum err redis_open(const char *state_dir, struct str url, struct metrics *m,
    struct redis_server **out, struct arena *a, struct str *reason)
{
	struct redis_server *s = calloc(1, sizeof(*s));
	const char          *why;
	enum err             e;

	if (s == NULL)
		abort();
	e = redis_url_parse(url, &s->target, &why);
	if (e != OK)
		*reason = arena_printf(a, "REDIS_URL: %s", why);
	s->breakers = s->own;
	if (e == OK && state_dir != NULL) {
		e = segment_open(state_dir, "redis", LAYOUT_VERSION, sizeof(s->own), &s->segment);
		s->breakers = s->segment.data;
		if (e != OK)
			*reason = arena_printf(a, "STATE_DIR %s: cannot map redis.shm (%s): this "
			    "user must be able to write there", state_dir, strerror(errno));
	}
	if (e != OK) {
		crypto_wipe(&s->target, sizeof(s->target));
		free(s);
		return e;
	}
	for (enum redis_purpose p = 0; p < REDIS_PURPOSES; p++) {
		s->deadline_ms[p] = purposes[p].deadline_ms;
		s->probes[p] = (struct redis_probe){ .server = s, .purpose = p };
		pthread_mutex_init(&s->probes[p].lock, NULL);
	}
	s->names = redis_names_new(&s->target);
	open_series(s, m);
	*out = s;
	return OK;
}

void redis_close(struct redis_server *s)
{
	if (s == NULL)
		return;
	for (enum redis_purpose p = 0; p < REDIS_PURPOSES; p++) {
		if (s->probes[p].started)
			pthread_join(s->probes[p].thread, NULL);
		pthread_mutex_destroy(&s->probes[p].lock);
	}
	redis_names_free(s->names);
	segment_close(&s->segment);
	crypto_wipe(&s->target, sizeof(s->target));
	free(s);
}

/* --- probing -------------------------------------------------------------------- */

static uint64_t now_ms(void)
{
	return time_monotonic_ns() / NS_PER_MS;
}

static void say_back(const struct redis_probe *p)
{
	struct log_line line;

	metrics_set(p->server->open[p->purpose], 0);
	log_begin(&line, LOG_INFO, "redis.back");
	log_str(&line, "purpose", str_of(redis_purpose_name(p->purpose)));
	log_str(&line, "message", STR("Redis answers again"));
	log_end(&line);
}

/* It writes, as what it stands for does: a replica that cannot is not back, and for
 * limits one that runs no script, or none that writes after it asked for the time.  The
 * key goes by itself, and lies where the others do. */
static enum redis_outcome send_probe(struct redis *r, enum redis_purpose purpose,
    uint64_t deadline_ns)
{
	static const struct str key = STR_INIT(REDIS_TAG "probe");
	const struct str set[] = { STR("SET"), key, STR("1"), STR("PX"), STR("1000") };
	const struct str script[] = { STR("EVAL"), STR("redis.call('TIME') "
	    "return redis.call('SET', KEYS[1], '1', 'PX', '1000')"), STR("1"), key };
	const struct redisReply *reply;

	return purpose == REDIS_LIMITS ?
	    redis_send(r, script, COUNT(script), deadline_ns, &reply) :
	    redis_send(r, set, COUNT(set), deadline_ns, &reply);
}

static void *probe(void *context)
{
	struct redis_probe  *p = context;
	struct redis_server *s = p->server;
	struct redis        *r = redis_new(s, p->purpose);
	uint64_t             begin_ns = time_monotonic_ns();
	enum redis_outcome   outcome = send_probe(r, p->purpose,
	    begin_ns + s->deadline_ms[p->purpose] * NS_PER_MS);

	metrics_add(s->calls[p->purpose][outcome], 1);
	metrics_observe(s->durations[p->purpose], time_monotonic_ns() - begin_ns);
	if (outcome == REDIS_ANSWERED && breaker_succeeded(&s->breakers[p->purpose], true))
		say_back(p);
	redis_free(r);
	atomic_store(&p->ended, true);
	return NULL;
}

/* Beside the requests: none of them waits for a server that is down.  Signals are for
 * others. */
static void start_probe(struct redis_probe *p)
{
	sigset_t all, before;

	pthread_mutex_lock(&p->lock);
	if (p->started && atomic_load(&p->ended)) {
		pthread_join(p->thread, NULL);
		p->started = false;
	}
	if (!p->started) {
		atomic_store(&p->ended, false);
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		p->started = pthread_create(&p->thread, NULL, probe, p) == 0;
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	pthread_mutex_unlock(&p->lock);
}

bool redis_may_ask(struct redis_server *s, enum redis_purpose purpose)
{
	struct breaker *b = &s->breakers[purpose];

	if (purpose == REDIS_FOLLOW || breaker_is_closed(b))
		return true;
	switch (breaker_ask(b, now_ms())) {
	case BREAKER_CLOSED:
		return true;
	case BREAKER_PROBE:
		start_probe(&s->probes[purpose]);
		break;
	case BREAKER_OPEN:
		break;
	}
	return false;
}

static void say_down(struct redis_server *s, enum redis_purpose purpose,
    enum redis_outcome outcome)
{
	struct log_line line;

	metrics_set(s->open[purpose], 1);
	log_begin(&line, LOG_WARN, "redis.down");
	log_str(&line, "purpose", str_of(redis_purpose_name(purpose)));
	log_str(&line, "cause", str_of(redis_outcome_name(outcome)));
	log_str(&line, "message", STR("Redis is not asked until a probe succeeds"));
	log_end(&line);
}

void redis_note(struct redis_server *s, enum redis_purpose purpose, enum redis_outcome outcome,
    uint64_t ns)
{
	struct breaker *b = &s->breakers[purpose];

	metrics_add(s->calls[purpose][outcome], 1);
	if (outcome == REDIS_OPEN)
		return;
	metrics_observe(s->durations[purpose], ns);
	if (purpose == REDIS_FOLLOW || outcome == REDIS_NO_SCRIPT)
		return;
	if (outcome == REDIS_ANSWERED)
		(void)breaker_succeeded(b, false);
	else if (breaker_failed(b, now_ms()))
		say_down(s, purpose, outcome);
}
