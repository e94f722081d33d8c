/*
 * remote: the limiter's decision in Redis, for many machines.
 * One script decides about all policies of a request in one round trip, by Redis'
 * clock and with the arithmetic of limit_gcra and limit_window (redis_script.lua): it
 * takes from all or from none.  It answers with what it found, and the same functions
 * make of that what the caller is shown, to the nanosecond.
 * Bounds:   a whole burst or period is at most LIMIT_PERIOD_MAX_MS, as policies are.
 * Keys:     REDIS_TAG "limit:" and 128 bits of a keyed hash of policy and caller: no
 *           address or account is in Redis.  They expire when they count for nothing.
 * Threads:  as redis.h says.
 * Blocking: REDIS_TIMEOUT_MS at most.
 */
#ifndef LIMIT_REMOTE_H
#define LIMIT_REMOTE_H

#include "base/crypto.h"
#include "base/siphash.h"
#include "limit/limit.h"
#include "net/redis.h"

#define LIMIT_REMOTE_PREFIX     REDIS_TAG "limit:"
#define LIMIT_REMOTE_KEY_SIZE   (sizeof(LIMIT_REMOTE_PREFIX) + 32)

/* A policy's keys, the same on every machine with this SECRET_KEY. */
struct limit_remote_rule {
	struct siphash_key halves[2];
};

/* A policy that is asked about, and the answer. */
struct limit_asked {
	const struct limit_policy *policy;
	char                       key[LIMIT_REMOTE_KEY_SIZE];
	uint64_t                   state;       /* as limit_gcra or limit_window left it */
	struct limit_step          step;
};

struct limit_answer {
	bool     allowed;
	uint64_t now_ns;                /* by Redis' clock */
};

void limit_remote_rule(const uint8_t secret[SECRET_BYTES], const struct limit_policy *policy,
    struct limit_remote_rule *out) NONNULL_ALL;
void limit_remote_key(const struct limit_remote_rule *rule, struct str caller,
    char out[LIMIT_REMOTE_KEY_SIZE]) NONNULL(1, 3);

/* The script's name in Redis. */
struct limit_script {
	char sha[2 * SHA1_BYTES + 1];
};
void limit_script_name(struct limit_script *out) NONNULL_ALL;

/* Other than REDIS_ANSWERED: nothing is known to have been taken; after a time-out it
 * may have been. */
NODISCARD enum redis_outcome limit_remote_take(struct redis *r, const struct limit_script *script,
    struct limit_asked *asked, size_t count, uint32_t cost, struct limit_answer *out) NONNULL_ALL;

#endif
