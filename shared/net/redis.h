/*
 * redis: commands to Redis within a deadline, over hiredis.
 * A struct redis_server is one REDIS_URL for the whole process: its addresses, what
 * is counted of it, and a breaker for each purpose that all processes of the machine
 * share.  A struct redis is one connection to it.
 * A call connects when there is no connection (signing in and choosing the database
 * in the same round trip), sends, and reads the reply; all of that together ends by
 * its purpose's deadline, whatever the server does or leaves.  After a failure that
 * leaves the connection in doubt it is closed, and the next call makes another.
 * A cluster is followed to the node that a -MOVED names, within the deadline, and the
 * connection stays there until it fails.  Names are looked up by a thread of their
 * own: until it has an answer, calls fail at once.
 * Bounds:   a reply is at most REDIS_REPLY_MAX_BYTES, an array in it
 *           REDIS_ELEMENTS_MAX long.
 * Lifetime: a server is opened once a process and closed after its connections.
 * Threads:  a server is safe from any; a connection is one thread's at a time.
 * Blocking: a call until its deadline, not at all while the breaker is open.
 */
#ifndef NET_REDIS_H
#define NET_REDIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hiredis.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "metrics/metrics.h"

/* What every key of ours begins with.  The braces are a hash tag: in a cluster all of
 * them lie in one slot, as those of one script must.  Policies of one request belong to
 * an account, a tenant and an address, each shared with others: no finer tag would do. */
#define REDIS_TAG "{quiver}:"

/* What a connection is for: each has its deadline, its breaker and its metrics. */
enum redis_purpose {
	REDIS_LIMITS,                   /* the limiter's script */
	REDIS_PUBLISH,                  /* what other machines must know */
	REDIS_FOLLOW,                   /* reading that; waits, and asks no breaker */
	REDIS_PURPOSES
};

/* How a call went.  All but the first three count as failures. */
enum redis_outcome {
	REDIS_ANSWERED,
	REDIS_OPEN,                     /* not asked: the breaker is open */
	REDIS_NO_SCRIPT,                /* -NOSCRIPT: the server does not know it (any more) */
	REDIS_UNRESOLVED,               /* the host's name has no address (yet) */
	REDIS_REFUSED,                  /* nobody listens there */
	REDIS_TIMEOUT,
	REDIS_CLOSED,                   /* the connection broke */
	REDIS_GARBAGE,                  /* no reply of Redis, or one over its bound */
	REDIS_LOADING,                  /* -LOADING: it reads its data after a start */
	REDIS_MOVED,                    /* -MOVED, and that node had no answer either */
	REDIS_ASK,                      /* -ASK, -TRYAGAIN: the slot is on its way */
	REDIS_READ_ONLY,                /* -READONLY: a replica */
	REDIS_NO_AUTH,                  /* -NOAUTH, -WRONGPASS, -NOPERM */
	REDIS_BUSY,                     /* -BUSY: a script of someone holds it up */
	REDIS_NO_MEMORY,                /* -OOM */
	REDIS_DOWN,                     /* -CLUSTERDOWN, -MASTERDOWN, -MISCONF, max clients */
	REDIS_ERROR,                    /* any other error reply */
	REDIS_OUTCOMES
};

struct redis_server;                    /* opaque */
struct redis;                           /* opaque */

/* `url` is copied.  ERR_INVALID: *reason says what is wrong with it; ERR_IO: the
 * breakers cannot be mapped in `state_dir` (NULL: they are this process's own). */
NODISCARD enum err redis_open(const char *state_dir, struct str url, struct metrics *m,
    struct redis_server **out, struct arena *a, struct str *reason) NONNULL(3, 4, 5, 6);
/* How long a call of this purpose takes at most, from then on; before threads. */
void redis_set_deadline(struct redis_server *s, enum redis_purpose purpose, uint32_t ms)
    NONNULL_ALL;
/* Waits for a probe that is under way: at most its deadline. */
void redis_close(struct redis_server *s);

/* Opens no socket yet. */
NODISCARD struct redis *redis_new(struct redis_server *s, enum redis_purpose purpose) NONNULL_ALL;
void redis_free(struct redis *r);

/* When a call that begins now must be over, by time_monotonic_ns. */
uint64_t redis_deadline_ns(const struct redis *r) NONNULL_ALL;
/* Sends one command and reads its reply, which is hiredis' and good until the next
 * call; on REDIS_ANSWERED it is there, and no error. */
NODISCARD enum redis_outcome redis_call(struct redis *r, const struct str *words, size_t n_words,
    uint64_t deadline_ns, const struct redisReply **reply) NONNULL_ALL;
/* While `fd` can be read from, calls end at once as if their deadline had passed; for
 * who must be able to stop one that waits.  -1, as at first: none. */
void redis_wake_by(struct redis *r, int fd) NONNULL_ALL;
/* Whether the purpose's breaker is closed: a look that costs nothing. */
bool redis_is_up(const struct redis *r) NONNULL_ALL;

/* "timeout", "loading", …: for logs and metrics; static storage. */
const char *redis_outcome_name(enum redis_outcome outcome);

#endif
