#include "net/aws_credentials.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/crypto.h"
#include "base/time.h"
#include "log/log.h"
#include "net/aws_key_source.h"

#define NS_PER_MS       UINT64_C(1000000)
#define EARLY_MS        300000          /* before their end keys are got anew … */
#define SHORT_LIFE_MS   600000          /* … up to here at half of their life */
#define MARGIN_MS       10000           /* keys handed out are good for at least so long … */
#define MARGIN_SHARE    10              /* … or a tenth of their life, if that is less */
#define PACE_MS         5000            /* keys this young are not got anew when refused */
#define BACKOFF_MS      500             /* after the first failure; then twice as long */
#define BACKOFF_MAX_MS  60000
#define FETCH_MAX_MS    5000            /* of one thread's wait, whatever its deadline */

struct aws_credentials {
	const struct config *config;
	struct metrics      *metrics;
	enum aws_source      source;
	struct http_client  *net;               /* of who fetches */
	struct arena         work;              /* and what it needs meanwhile */
	_Atomic uint64_t     generation;        /* of keys, for a look without the lock … */
	_Atomic uint64_t     quiet_ns;          /* … until then, on the steady clock */
	pthread_mutex_t      lock;              /* of what follows */
	pthread_cond_t       changed;
	struct aws_keys      keys;
	uint64_t             got_ns, refresh_ns, end_ns;
	bool                 fetching;
	unsigned             failures;
	uint64_t             retry_ns;          /* not to be asked before */
	enum err             failure;           /* the last one, and why */
	char                 why[200];
};

/* --- one per process ---------------------------------------------------------------- */

static void copy_text(char *to, size_t size, struct str s)
{
	size_t len = s.len < size ? s.len : size - 1;

	if (len > 0)
		memcpy(to, s.ptr, len);
	to[len] = '\0';
}

/* Of the environment: as long as the process lives. */
static void take_given(struct aws_credentials *k)
{
	const struct config *c = k->config;

	copy_text(k->keys.id, sizeof(k->keys.id), c->aws_access_key_id);
	copy_text(k->keys.secret, sizeof(k->keys.secret), c->aws_secret_access_key);
	copy_text(k->keys.session, sizeof(k->keys.session), c->aws_session_token);
	k->keys.generation = 1;
	k->refresh_ns = k->end_ns = UINT64_MAX;
	atomic_store(&k->generation, 1);
	atomic_store(&k->quiet_ns, UINT64_MAX);
}

struct aws_credentials *aws_credentials_new(const struct config *config, struct metrics *m)
{
	struct aws_credentials *k = calloc(1, sizeof(*k));
	pthread_condattr_t attributes;

	if (k == NULL)
		abort();
	k->config = config;
	k->metrics = m;
	k->source = aws_source_of(config);
	k->net = http_client_new(m, config->net_ca_file);
	arena_init(&k->work, AWS_REPLY_ARENA_BYTES);
	pthread_mutex_init(&k->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&k->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	if (k->source == AWS_SOURCE_ENVIRONMENT)
		take_given(k);
	return k;
}

void aws_credentials_free(struct aws_credentials *k)
{
	if (k == NULL)
		return;
	http_client_free(k->net);
	arena_clean(&k->work);
	aws_keys_wipe(&k->keys);
	pthread_cond_destroy(&k->changed);
	pthread_mutex_destroy(&k->lock);
	free(k);
}

void aws_keys_wipe(struct aws_keys *keys)
{
	crypto_wipe(keys, sizeof(*keys));
}

/* --- getting them anew -------------------------------------------------------------- */

static void keep(struct aws_credentials *k, const struct aws_got *got, uint64_t asked_ns)
{
	uint64_t life = got->life_ms, margin = life / MARGIN_SHARE;
	uint64_t refresh = life <= SHORT_LIFE_MS ? life / 2 : life - EARLY_MS;

	/* The same ones again, as endpoints give them until they have others. */
	bool same = strcmp(k->keys.secret, got->keys.secret) == 0 &&
	    strcmp(k->keys.session, got->keys.session) == 0;
	uint64_t generation = k->keys.generation + (same ? 0 : 1);
	aws_keys_wipe(&k->keys);
	k->keys = got->keys;
	k->keys.generation = generation;
	k->got_ns = asked_ns;
	k->refresh_ns = asked_ns + refresh * NS_PER_MS;
	k->end_ns = asked_ns + (life - (margin < MARGIN_MS ? margin : MARGIN_MS)) * NS_PER_MS;
	k->failures = 0;
	k->retry_ns = 0;
	atomic_store(&k->generation, generation);
	atomic_store(&k->quiet_ns, k->refresh_ns < k->end_ns ? k->refresh_ns : k->end_ns);
}

static void note_failure(struct aws_credentials *k, enum err failure, struct str why)
{
	uint64_t wait = BACKOFF_MS, now = time_monotonic_ns();

	for (unsigned i = 0; i < k->failures && wait < BACKOFF_MAX_MS; i++)
		wait *= 2;
	k->failures++;
	k->failure = failure;
	copy_text(k->why, sizeof(k->why), why);
	k->retry_ns = now + (wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS) * NS_PER_MS;
	/* Until then those there are do, and nobody needs the lock to know it. */
	if (now < k->end_ns)
		atomic_store(&k->quiet_ns, k->retry_ns < k->end_ns ? k->retry_ns : k->end_ns);
}

static void tell(struct aws_credentials *k, enum err e, struct str why)
{
	const char *labels[] = { aws_source_name(k->source), e == OK ? "fetched" : "failed" };
	struct log_line line;

	metrics_add(metrics_series(k->metrics, METRIC_AWS_CREDENTIALS, labels), 1);
	if (e == OK)
		return;
	log_begin(&line, LOG_WARN, "aws_credentials_failed");
	log_str(&line, "source", str_of(labels[0]));
	log_str(&line, "reason", why);
	log_end(&line);
}

/* Asks the source, with the lock let go meanwhile. */
static enum err fetch(struct aws_credentials *k, uint64_t now, uint64_t deadline_ns)
{
	struct aws_got got = { .life_ms = 0 };
	struct str why = STR_NONE;

	k->fetching = true;
	pthread_mutex_unlock(&k->lock);
	enum err e = aws_source_ask(k->source, k->config, k->net, &k->work, deadline_ns, &got, &why);
	tell(k, e, why);
	pthread_mutex_lock(&k->lock);
	k->fetching = false;
	if (e == OK)
		keep(k, &got, now);
	else
		note_failure(k, e, why);
	crypto_wipe(&got, sizeof(got));
	arena_reset_wiped(&k->work);
	pthread_cond_broadcast(&k->changed);
	return e;
}

/* --- giving them out ---------------------------------------------------------------- */

static enum err give(const struct aws_credentials *k, struct aws_keys *keys)
{
	if (keys->generation != k->keys.generation)
		*keys = k->keys;
	return OK;
}

/* False: the deadline passed. */
static bool wait_for_other(struct aws_credentials *k, uint64_t deadline_ns)
{
	struct timespec at = {
		.tv_sec = (time_t)(deadline_ns / (1000 * NS_PER_MS)),
		.tv_nsec = (long)(deadline_ns % (1000 * NS_PER_MS)),
	};

	return pthread_cond_timedwait(&k->changed, &k->lock, &at) == 0 ||
	    time_monotonic_ns() < deadline_ns;
}

static enum err fail(struct arena *a, enum err e, struct str why, struct str *reason)
{
	*reason = arena_dup(a, why);
	return e;
}

/* One look: true when it is decided, and *result is what. */
static bool decide(struct aws_credentials *k, struct arena *a, uint64_t deadline_ns,
    struct aws_keys *keys, enum err *result, struct str *reason)
{
	uint64_t now = time_monotonic_ns();
	bool good = k->keys.generation != 0 && now < k->end_ns;

	if (good && (now < k->refresh_ns || now < k->retry_ns || k->fetching)) {
		*result = give(k, keys);
		return true;
	}
	*result = fail(a, ERR_TIMEOUT, STR("no time left to get keys"), reason);
	if (now >= deadline_ns)
		return true;
	if (k->fetching)
		return !wait_for_other(k, deadline_ns);
	if (now < k->retry_ns) {
		*result = fail(a, k->failure, str_of(k->why), reason);
		return true;
	}
	uint64_t most = now + (good ? AWS_REFRESH_MS : FETCH_MAX_MS) * NS_PER_MS;
	*result = fetch(k, now, most < deadline_ns ? most : deadline_ns);
	if (*result != OK)
		*result = fail(a, *result, str_of(k->why), reason);
	if (*result == OK || (k->keys.generation != 0 && time_monotonic_ns() < k->end_ns))
		*result = give(k, keys);
	return true;
}

enum err aws_credentials_get(struct aws_credentials *k, struct arena *a, uint64_t deadline_ns,
    struct aws_keys *keys, struct str *reason)
{
	enum err result = ERR_INVALID;

	if (keys->generation != 0 && keys->generation == atomic_load(&k->generation) &&
	    time_monotonic_ns() < atomic_load(&k->quiet_ns))
		return OK;
	pthread_mutex_lock(&k->lock);
	while (!decide(k, a, deadline_ns, keys, &result, reason))
		;
	pthread_mutex_unlock(&k->lock);
	return result;
}

bool aws_credentials_refused(struct aws_credentials *k, uint64_t generation)
{
	uint64_t now = time_monotonic_ns();
	bool others;

	pthread_mutex_lock(&k->lock);
	others = k->keys.generation != generation;
	if (!others && k->source != AWS_SOURCE_ENVIRONMENT &&
	    now >= k->got_ns + PACE_MS * NS_PER_MS) {
		/* Not wiped: when the endpoint gives the same ones again, it is they that are right. */
		k->refresh_ns = k->end_ns = now;
		atomic_store(&k->quiet_ns, 0);
		others = true;
	}
	pthread_mutex_unlock(&k->lock);
	return others;
}
