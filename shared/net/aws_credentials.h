/*
 * aws_credentials: the keys that calls to AWS are signed with, from wherever this
 * process runs.  The first of these that is configured is asked, and no other: what
 * the environment says (as on Lambda), the endpoint of a container (ECS, EKS), the
 * instance's metadata (EC2, version 2 alone: a PUT that a mere URL cannot make).
 * Keys that expire are got anew some minutes before.  One thread gets them; others
 * go on with those there are, or wait when there are none.  While the endpoint is
 * down it is asked ever more rarely, and the old keys are good until they expire.
 * Secrets:  wiped when they are replaced and at the end; never in a reason or a log.
 *           A token for the container's endpoint goes to no host but this machine's.
 * Lifetime: one per process, after config and before threads; settings must outlive it.
 * Threads:  safe from any.
 * Blocking: aws_credentials_get until its deadline, while there are no keys that are
 *           good; else never for more than AWS_REFRESH_MS, in one thread at a time.
 */
#ifndef NET_AWS_CREDENTIALS_H
#define NET_AWS_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/str.h"
#include "config/config.h"
#include "metrics/metrics.h"

struct aws_credentials;                 /* opaque */

/* A copy for one thread.  All zero before the first aws_credentials_get. */
struct aws_keys {
	uint64_t generation;            /* another one: other keys; 0: none yet */
	char     id[AWS_KEY_MAX_BYTES + 1];
	char     secret[AWS_KEY_MAX_BYTES + 1];
	char     session[AWS_SESSION_MAX_BYTES + 1];    /* "": keys that do not expire have none */
};

/* Reads AWS_ACCESS_KEY_ID and the like (see settings.c).  Asks nobody yet.  Aborts
 * when there is no memory. */
NODISCARD struct aws_credentials *aws_credentials_new(const struct config *config,
    struct metrics *m) NONNULL_ALL;
/* Nobody uses it any more. */
void aws_credentials_free(struct aws_credentials *k);

/* Makes *keys the ones that are good now; nothing is copied while they still are.
 * `deadline_ns` is by time_monotonic_ns.  Else *reason (`a`'s) says why for the log:
 * ERR_FORBIDDEN: the endpoint gives us none.  ERR_INVALID: the settings name no source,
 * or one that may not be asked.  ERR_UNAVAILABLE, ERR_TIMEOUT: it is down, slow, or
 * answers what is no keys. */
NODISCARD enum err aws_credentials_get(struct aws_credentials *k, struct arena *a,
    uint64_t deadline_ns, struct aws_keys *keys, struct str *reason) NONNULL_ALL;

/* A service says that keys of this generation are not, or no longer, good.  True: the
 * next aws_credentials_get gives others, or already has them; false: there are no others
 * (the environment's stay as they are, and nobody is asked twice in a short while). */
bool aws_credentials_refused(struct aws_credentials *k, uint64_t generation) NONNULL_ALL;

/* Overwrites them. */
void aws_keys_wipe(struct aws_keys *keys) NONNULL_ALL;

#endif
