/*
 * revoked: sessions that ended before their access tokens did.
 * A table in shared memory (segment "revoked"): who ends a session here is heard
 * by every process of this machine at once.  An entry is needed no longer than
 * an access token lives, and its cell is free again by its time alone.
 * A cell is one 64-bit word, the end of its time and 38 bits of the session id's
 * hash beside those that choose the cell: with the table full, a living session
 * looks ended with a chance of 6 in 10^11.
 * Lifetime: one per process; the segment outlives it.  A fresh one is to be
 *           filled from the store; until someone has done so, and when there was
 *           no room, the answer is to ask the store.
 *           Where other machines write the store, it is read again and again
 *           (notices.h), and not believed when that was too long ago.
 * Threads:  safe from any, in any process; nobody holds a lock.
 * Blocking: never.
 */
#ifndef AUTH_REVOKED_H
#define AUTH_REVOKED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/segment.h"
#include "base/str.h"

#define REVOKED_CELLS   65536   /* 512 KB, of which only what is used takes memory */
#define REVOKED_PROBES  16      /* cells a session may lie in: two or three cache lines */

struct revoked {
	struct segment       segment;
	struct revoked_table *table;
	uint64_t             believed_ms;       /* of revoked_believe_for; 0: for ever */
};

enum revoked_answer { REVOKED_NO, REVOKED_YES, REVOKED_ASK_STORE };

/* ERR_IO: errno says why. */
NODISCARD enum err revoked_open(const char *state_dir, struct revoked *out) NONNULL_ALL;
void revoked_close(struct revoked *r) NONNULL_ALL;

/* Whether the table has what the store has; and saying so. */
bool revoked_is_filled(const struct revoked *r) NONNULL_ALL;
void revoked_set_filled(struct revoked *r) NONNULL_ALL;

/*
 * Where other machines revoke too.  From then on the table is believed for so long
 * after its last reading, and else the answer is to ask the store; before threads.
 * Times are by a clock that never steps, milliseconds since the machine started.
 */
void revoked_believe_for(struct revoked *r, uint64_t ms) NONNULL_ALL;
/* The table has what the store had at `began_ms`. */
void revoked_set_read(struct revoked *r, uint64_t began_ms) NONNULL_ALL;
/* When that was; 0: never, or before the machine was started anew. */
uint64_t revoked_read_at(const struct revoked *r, uint64_t now_ms) NONNULL_ALL;
/* Whether the caller is the one process of the machine that reads the store now: the
 * next turn is in `every_ms`, whatever becomes of this one. */
NODISCARD bool revoked_take_turn(struct revoked *r, uint64_t now_ms, uint64_t every_ms) NONNULL_ALL;

/* Until `until_ms`, rounded up to a minute or so.  False when there was no room:
 * then every process asks the store for as long. */
bool revoked_add(struct revoked *r, struct str session, int64_t now_ms, int64_t until_ms)
    NONNULL(1);
/* Whether something had no room whose time is not over yet. */
bool revoked_is_full(const struct revoked *r, int64_t now_ms) NONNULL_ALL;
enum revoked_answer revoked_has(const struct revoked *r, struct str session, int64_t now_ms)
    NONNULL(1);

#endif
