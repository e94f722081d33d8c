#include "net/service_token.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/crypto.h"
#include "base/limits.h"
#include "base/time.h"
#include "net/service_reply.h"

#define NS_PER_MS       UINT64_C(1000000)
#define EARLY_MS        30000           /* before its end a token is got anew at the latest */
#define SHORT_LIFE_MS   60000           /* up to here it is at half of its life instead */
#define MARGIN_MS       5000            /* a token handed out is good for at least so long … */
#define MARGIN_SHARE    10              /* … or a tenth of its life, if that is less */
#define REFRESH_MAX_MS  2000            /* a call waits so long for a token better than it has */
#define BACKOFF_MS      1000            /* after the first failure; then twice as long */
#define BACKOFF_MAX_MS  60000

struct entry {
	bool     used;
	uint8_t  key[SHA256_BYTES];     /* of all that tells two clients apart */
	struct service_reply reply;     /* no token: none was got yet */
	uint64_t refresh_ms, end_ms;    /* of it, on the steady clock */
	bool     fetching;              /* a thread is at it: the entry stays */
	unsigned failures;
	uint64_t retry_ms;              /* not to be asked before */
	enum err failure;               /* the last one */
	uint64_t last_ms;               /* when someone asked */
};

struct service_tokens {
	pthread_mutex_t lock;
	pthread_cond_t  changed;
	struct entry    entries[SERVICE_TOKENS_MAX];
};

struct service_tokens *service_tokens_new(void)
{
	struct service_tokens *t = calloc(1, sizeof(*t));
	pthread_condattr_t attributes;

	if (t == NULL)
		abort();
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&t->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return t;
}

static void entry_clean(struct entry *e)
{
	service_reply_clean(&e->reply);
	crypto_wipe(e, sizeof(*e));
}

void service_tokens_free(struct service_tokens *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < COUNT(t->entries); i++)
		entry_clean(&t->entries[i]);
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* --- entries ------------------------------------------------------------------------ */

/* Lengths go in with the texts: no two clients make the same bytes.  So does the
 * secret: who does not know it gets no token that another one got with it. */
static void key_of(const struct service_client *c, uint8_t key[SHA256_BYTES])
{
	const struct str parts[] = {
		c->token_url, c->client_id, c->client_secret, c->scope, c->audience,
	};
	uint8_t digests[COUNT(parts)][SHA256_BYTES];

	for (size_t i = 0; i < COUNT(parts); i++)
		crypto_sha256(parts[i], digests[i]);
	crypto_sha256((struct str){ (const char *)digests, sizeof(digests) }, key);
	crypto_wipe(digests, sizeof(digests));
}

/* The entry for `key`, made when there is none; NULL: all others are being got. */
static struct entry *find(struct service_tokens *t, const uint8_t key[SHA256_BYTES])
{
	struct entry *oldest = NULL;

	for (size_t i = 0; i < COUNT(t->entries); i++) {
		struct entry *e = &t->entries[i];
		if (e->used && memcmp(e->key, key, SHA256_BYTES) == 0)
			return e;
		if (!e->fetching && (oldest == NULL || (oldest->used && !e->used) ||
		    (oldest->used == e->used && e->last_ms < oldest->last_ms)))
			oldest = e;
	}
	if (oldest == NULL)
		return NULL;
	entry_clean(oldest);
	oldest->used = true;
	memcpy(oldest->key, key, SHA256_BYTES);
	return oldest;
}

static void keep(struct entry *e, const struct service_reply *got, uint64_t asked_ms)
{
	uint64_t life = got->life_ms, margin = life / MARGIN_SHARE;
	uint64_t refresh = life <= SHORT_LIFE_MS ? life / 2 : life / 5 * 4;

	if (life > SHORT_LIFE_MS && refresh > life - EARLY_MS)
		refresh = life - EARLY_MS;
	service_reply_clean(&e->reply);
	e->reply = *got;
	e->refresh_ms = asked_ms + refresh;
	e->end_ms = asked_ms + life - (margin < MARGIN_MS ? margin : MARGIN_MS);
	e->failures = 0;
	e->retry_ms = 0;
}

static void note_failure(struct entry *e, enum err failure, uint64_t now_ms)
{
	uint64_t wait = BACKOFF_MS;

	for (unsigned i = 0; i < e->failures && wait < BACKOFF_MAX_MS; i++)
		wait *= 2;
	e->failures++;
	e->failure = failure;
	e->retry_ms = now_ms + (wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS);
}

/* --- getting ------------------------------------------------------------------------ */

struct call {
	struct http_client          *net;
	struct arena                *a;
	const struct service_client *client;
	uint64_t                     deadline_ms;       /* on the steady clock */
	struct str                  *token, *reason;
};

static uint64_t steady_ms(void)
{
	return time_monotonic_ns() / NS_PER_MS;
}

/* Gets a token into `e` within `left_ms`, with the lock let go meanwhile. */
static enum err fetch(struct service_tokens *t, struct entry *e, const struct call *c,
    uint64_t left_ms)
{
	struct service_reply got = { .token = NULL };
	uint64_t now = steady_ms();

	e->fetching = true;
	pthread_mutex_unlock(&t->lock);
	enum err result = service_reply_get(c->net, c->a, c->client, (uint32_t)left_ms, &got,
	    c->reason);
	pthread_mutex_lock(&t->lock);
	e->fetching = false;
	if (result == OK)
		keep(e, &got, now);
	else
		note_failure(e, result, steady_ms());
	pthread_cond_broadcast(&t->changed);
	return result;
}

static enum err give(const struct entry *e, const struct call *c)
{
	*c->token = arena_dup(c->a, (struct str){ e->reply.token, e->reply.len });
	return OK;
}

/* False: the deadline passed. */
static bool wait_for_other(struct service_tokens *t, const struct call *c)
{
	struct timespec at = {
		.tv_sec = (time_t)(c->deadline_ms / 1000),
		.tv_nsec = (long)(c->deadline_ms % 1000 * NS_PER_MS),
	};

	return pthread_cond_timedwait(&t->changed, &t->lock, &at) == 0 ||
	    steady_ms() < c->deadline_ms;
}

/* One look at the entry: true when it is decided, and *result is what. */
static bool decide(struct service_tokens *t, struct entry *e, const struct call *c,
    enum err *result)
{
	uint64_t now = steady_ms();
	bool good = e->reply.token != NULL && now < e->end_ms;

	e->last_ms = now;
	if (good && (now < e->refresh_ms || now < e->retry_ms || e->fetching)) {
		*result = give(e, c);
		return true;
	}
	if (e->fetching) {
		*c->reason = STR("another thread's call to the token endpoint takes too long");
		*result = ERR_TIMEOUT;
		return !wait_for_other(t, c);
	}
	if (now < e->retry_ms) {
		*c->reason = STR("the token endpoint failed a moment ago");
		*result = e->failure;
		return true;
	}
	/* Of no time to ask in, the endpoint is not to blame. */
	*c->reason = STR("no time left");
	*result = ERR_TIMEOUT;
	if (now >= c->deadline_ms)
		return true;
	uint64_t left = c->deadline_ms - now;
	*result = fetch(t, e, c, good && left > REFRESH_MAX_MS ? REFRESH_MAX_MS : left);
	if (*result == OK || (e->reply.token != NULL && steady_ms() < e->end_ms))
		*result = give(e, c);
	return true;
}

enum err service_token_get(struct service_tokens *t, struct http_client *net, struct arena *a,
    const struct service_client *client, uint32_t deadline_ms, struct str *token,
    struct str *reason)
{
	struct call c = { net, a, client, steady_ms() + deadline_ms, token, reason };
	uint8_t key[SHA256_BYTES];
	enum err result = ERR_UNAVAILABLE;

	key_of(client, key);
	pthread_mutex_lock(&t->lock);
	for (;;) {
		/* Anew each time: while this thread waited, the entry may have gone. */
		struct entry *e = find(t, key);
		*reason = STR("all places for tokens are at work");
		if (e == NULL || decide(t, e, &c, &result))
			break;
	}
	pthread_mutex_unlock(&t->lock);
	return result;
}
