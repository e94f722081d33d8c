/*
 * redis_server: what is behind `struct redis_server`; net/redis*.c alone include it.
 */
#ifndef NET_REDIS_SERVER_H
#define NET_REDIS_SERVER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/segment.h"
#include "net/breaker.h"
#include "net/redis.h"
#include "net/redis_names.h"
#include "net/redis_url.h"

/* A probe under way, or one that ended and is to be joined. */
struct redis_probe {
	struct redis_server *server;
	enum redis_purpose   purpose;
	pthread_mutex_t      lock;
	pthread_t            thread;
	bool                 started;
	atomic_bool          ended;
};

struct redis_server {
	struct redis_target   target;
	uint32_t              deadline_ms[REDIS_PURPOSES];
	struct redis_names   *names;
	struct segment        segment;          /* where the breakers lie; or own */
	struct breaker       *breakers;         /* one a purpose */
	struct breaker        own[REDIS_PURPOSES];
	struct redis_probe    probes[REDIS_PURPOSES];
	struct metric_series *calls[REDIS_PURPOSES][REDIS_OUTCOMES];
	struct metric_series *durations[REDIS_PURPOSES];
	struct metric_series *open[REDIS_PURPOSES];
};

const char *redis_purpose_name(enum redis_purpose purpose);

/* One command by `deadline_ns`, past the breaker and uncounted; as redis_call. */
NODISCARD enum redis_outcome redis_send(struct redis *r, const struct str *words, size_t n_words,
    uint64_t deadline_ns, const struct redisReply **reply) NONNULL_ALL;
/* Whether the caller may ask now; starts a probe where one is due. */
NODISCARD bool redis_may_ask(struct redis_server *s, enum redis_purpose purpose) NONNULL_ALL;
/* Counts a call, and tells the breaker and, when that changed, the log. */
void redis_note(struct redis_server *s, enum redis_purpose purpose, enum redis_outcome outcome,
    uint64_t ns) NONNULL_ALL;
/* What a reply means: for an error, by its first word. */
enum redis_outcome redis_outcome_of(const struct redisReply *reply) NONNULL_ALL;

#endif
