/*
 * notices: what machines with one store tell each other, beside the store.
 * A notice has a kind, an id and a time: a session that ended, a key or an account
 * that changed.  The store has every fact that it tells of, and is written first; so a
 * notice that is lost is late, and never missed:
 *   Redis      a stream that whoever changed something adds to, and a thread of each
 *              process reads, waiting: the others know within a millisecond or so.
 *              After a break it goes on where it was.  Where the stream no longer has
 *              that place (trimmed, or a Redis that came back empty), all that is
 *              remembered of keys and accounts counts as changed, and the store is read.
 *   the store  one process of the machine reads what was revoked of late every
 *              NOTICES_READ_MS, with Redis and without.  When that does not succeed
 *              for NOTICES_BELIEVED_MS, the store is asked about each session instead.
 * On one machine with a store of its own there is neither, nor the thread.
 * Lifetime: one per process; closed before the tables and the store that it uses.
 * Threads:  safe from any.
 * Blocking: notices_send for REDIS_PUBLISH_MS at most, as long again behind another
 *           thread's, and not at all while Redis is known to be down.
 */
#ifndef AUTH_NOTICES_H
#define AUTH_NOTICES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"
#include "metrics/metrics.h"
#include "net/redis.h"
#include "store/store.h"

#define NOTICES_READ_MS         2000
#define NOTICES_BELIEVED_MS     5000    /* without having read the store: what is promised */
#define NOTICES_OVERLAP_MS      120000  /* read again each time: clocks differ, and commits take time */
#define NOTICES_KEPT            10000   /* in the stream, or some more: Redis cuts whole nodes */
#define NOTICES_BATCH           256     /* read at once */
#define NOTICES_WAIT_MS         1000    /* a read waits for news, and after a failure */

enum notice_kind { NOTICE_REVOKED, NOTICE_CHANGED, NOTICE_KINDS };

struct auth;
struct notices;                         /* opaque */

/* `r`: NULL without Redis.  NULL when there is nothing to do, or no thread to do it. */
struct notices *notices_open(struct auth *auth, struct store *s, struct redis_server *r,
    struct metrics *m) NONNULL(1, 2, 4);
void notices_close(struct notices *n);

/* False when it did not reach Redis: then the others read it in the store.  NULL for
 * `n`: there are no others. */
bool notices_send(struct notices *n, enum notice_kind kind, struct str id, int64_t until_ms);

#endif
