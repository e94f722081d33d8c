/*
 * password: what a password must be, and its argon2id hash (RFC 9106) as a PHC
 * string, "$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH".
 * One hash takes its memory for as long as it runs, so a machine runs as many at
 * a time as it has cores, over all processes: each holds a slot, which is a lock
 * on a byte of a file, and the kernel takes it back from whoever dies.
 * Threads:  safe from any.
 * Blocking: for a slot, at most wait_ms; then for one hash.
 */
#ifndef AUTH_PASSWORD_H
#define AUTH_PASSWORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

struct password_cost {
	uint32_t memory_kib, passes, lanes;
};
/* OWASP's first choice for argon2id: 19 MiB, two passes, one lane. */
#define PASSWORD_COST ((struct password_cost){ .memory_kib = 19456, .passes = 2, .lanes = 1 })

struct password_hasher {
	struct password_cost cost;      /* of new hashes */
	const char          *slots_path;/* NULL: no cap, for tests */
	unsigned             slots;
	uint32_t             wait_ms;
};

/* As many slots as this process may use cores. */
unsigned password_slots(void);

/* NULL when it will do, else what would ("at least 12 characters"; static). */
const char *password_problem(struct str password);

/* The same, and neither common nor a run, a repetition or what is known of the
 * account; `email` may be absent (password_choice.c). */
const char *password_problem_for(struct str password, struct str email);

/* ERR_UNAVAILABLE: no slot in time; ERR_IO: the slots' file; ERR_NO_MEMORY. */
NODISCARD enum err password_hash(const struct password_hasher *h, struct arena *a,
    struct str password, struct str *phc) NONNULL(1, 2, 4);
/* ERR_UNAUTHENTICATED: another password; ERR_CORRUPT: `phc` is no hash of ours, or
 * wants more than a login may cost. */
NODISCARD enum err password_verify(const struct password_hasher *h, struct arena *a,
    struct str password, struct str phc) NONNULL(1, 2);
/* The work of password_verify for an account that is not there.  Always
 * ERR_UNAUTHENTICATED, or why it could not be done. */
NODISCARD enum err password_verify_nobody(const struct password_hasher *h, struct arena *a,
    struct str password) NONNULL(1, 2);

#endif
