/*
 * limit: may this caller make this request now?
 * Policies are data (limit/policy.c, or the file that LIMITS names): who a policy
 * applies to, the algorithm, the rate, and whether it only counts (dry_run).
 * Algorithms: GCRA (ITU-T I.371) for rates, two weighted counters for sliding
 *   windows.  Both are exact across the processes of a machine: one 128-bit
 *   compare-and-swap a decision on a cell of the shared segment.
 * Many machines share their limits through Redis, where limit_take is given a
 * connection: one script decides, in one round trip (remote.h).  Who was refused is
 * remembered here until the answer can be another one.  When Redis does not answer,
 * each policy does what its on_failure says.
 * Lifetime: one per process.
 * Threads:  safe from any; a connection is its worker's.
 * Blocking: never without Redis; with it REDIS_TIMEOUT_MS at most, and not at all
 *           while its breaker is open.
 */
#ifndef LIMIT_LIMIT_H
#define LIMIT_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/crypto.h"
#include "base/err.h"
#include "base/str.h"
#include "config/config.h"
#include "metrics/metrics.h"
#include "net/redis.h"

#define LIMIT_SUBJECT_POLICIES_MAX 5    /* policies that can apply to one request: one a scope */
#define LIMIT_POLICIES_MAX      256
#define LIMIT_WINDOW_MAX        ((1u << 20) - 1)        /* a window's count has 20 bits */
#define LIMIT_PERIOD_MAX_MS     (UINT64_C(400) * 86400 * 1000)
/* How far a clock may fall behind what a cell remembers before that counts as
 * the clock having been set back: between the reading of a clock and the decision
 * a thread may sleep, and must not be given more for it. */
#define LIMIT_CLOCK_SLACK_NS    (UINT64_C(10) * 1000000000)

enum limit_algorithm { LIMIT_GCRA, LIMIT_WINDOW };

/* What a policy is chosen by. */
enum limit_scope {
	LIMIT_BY_ROLE,          /* a session or an anonymous address; selector: the role */
	LIMIT_BY_PLAN,          /* an API key; selector: the plan */
	LIMIT_BY_TENANT,        /* all calls of a tenant; selector: its plan */
	LIMIT_BY_ROUTE,         /* an address on a route class; selector: the class ("sign-in") */
	LIMIT_BY_ROUTE_ACCOUNT  /* an account on a route class */
};
#define LIMIT_SCOPES (LIMIT_BY_ROUTE_ACCOUNT + 1)
/* Of a plan that has no policy: no name of a plan is a way around limits. */
#define LIMIT_PLAN_DEFAULT "free"

/* What decides when Redis does not. */
enum limit_failure {
	LIMIT_LOCAL,            /* this machine, and gives no more than its share */
	LIMIT_ALLOW,
	LIMIT_DENY
};

struct limit_policy {
	const char          *name;      /* "anonymous", "free", "tenant-standard", … */
	enum limit_scope     scope;
	const char          *selector;
	enum limit_algorithm algorithm;
	uint64_t             limit;     /* cost units per period */
	uint64_t             period_ms;
	uint64_t             burst;     /* GCRA: units at once; 0: same as limit */
	bool                 dry_run;   /* counts, never refuses */
	enum limit_failure   on_failure;
	uint64_t             ahead;     /* GCRA: units that its cells may hold taken where that
	                                 * is more than burst; no file sets it */
};

struct limiter;                         /* opaque */

/* Who asks: each field that is present selects at most one policy. */
struct limit_subject {
	struct str role;                /* with role_key: LIMIT_BY_ROLE */
	struct str role_key;            /* account id, or the client's address (IPv6: its /64) */
	struct str plan, plan_key;      /* LIMIT_BY_PLAN */
	struct str tenant_plan, tenant; /* LIMIT_BY_TENANT */
	struct str route_class, address;/* LIMIT_BY_ROUTE */
	struct str account;             /* with route_class: LIMIT_BY_ROUTE_ACCOUNT */
};

struct limit_verdict {
	bool        allowed;
	const char *policy;             /* the one that decided or is nearest to; NULL: none */
	uint64_t    limit, remaining;   /* of that policy; GCRA: limit is the burst */
	uint64_t    period_ms;          /* in which `limit` units come back */
	uint32_t    reset_s;            /* until it is full again, rounded up */
	uint32_t    retry_after_s;      /* when refused: until `cost` fits, rounded up, ≥ 1 */
	bool        degraded;           /* Redis did not answer: on_failure decided */
	const char *cause;              /* then: why it did not ("timeout", …); static storage */
};

/* The built-in policies, ended by a NULL name. */
const struct limit_policy *limit_defaults(void);
/* Reads a policy file (JSON: {"policies":[{…}]}, fields as in struct
 * limit_policy; what is given replaces or adds by name).  ERR_INVALID:
 * `reason` says which and why. */
NODISCARD enum err limit_policies_read(struct arena *a, struct str json,
    const struct limit_policy **out, struct str *reason) NONNULL_ALL;

/* `policies` must outlive the limiter; NULL for `state_dir`: in this process only. */
NODISCARD enum err limit_open(const char *state_dir, const struct limit_policy *policies,
    struct metrics *m, struct limiter **out) NONNULL(2, 3, 4);
void limit_close(struct limiter *l);
/*
 * Once, before the first limit_take with Redis.  `secret` makes the names of its keys,
 * the same on each machine.  `machines` share the limits: without Redis each gives
 * that part of a rate, and at once that part of a burst, rounded up, or what one
 * request costs.  So `machines` of them that are cut off for a time T give no more than
 * machines × max(⌈burst ÷ machines⌉, cost) + rate × T together.
 */
void limit_share(struct limiter *l, const uint8_t secret[SECRET_BYTES], uint32_t machines)
    NONNULL_ALL;

/* Takes `cost` from every policy that applies to `who`, or from none of them.
 * *out is always filled.  A cost over a policy's burst is never allowed.
 * `r`: NULL where this machine decides alone; else of purpose REDIS_LIMITS.
 * `now_ms`: not used where Redis decides, which has a clock of its own.
 * ERR_INVALID: cost is 0. */
NODISCARD enum err limit_take(struct limiter *l, struct redis *r, const struct limit_subject *who,
    uint32_t cost, int64_t now_ms, struct limit_verdict *out) NONNULL(1, 3, 6);

/*
 * The arithmetic alone, on a caller's cell: what local memory, Redis and the
 * probe share.  Times in nanoseconds so that 1,000/s loses nothing to rounding.
 */
struct limit_step {
	bool     allowed;
	uint64_t remaining;             /* whole units left after this step */
	uint64_t retry_after_ns;        /* 0 when allowed */
	uint64_t reset_ns;              /* until full again */
};
/* *tat_ns: theoretical arrival time, 0 for a fresh cell.  Written when allowed,
 * and when the clock was set back by more than LIMIT_CLOCK_SLACK_NS: then to
 * "all of the burst was used now", which neither gives more nor locks out. */
struct limit_step limit_gcra(const struct limit_policy *p, uint64_t *tat_ns,
    uint64_t now_ns, uint64_t cost) NONNULL_ALL;
/* *cell packs window index and two counts; 0 for a fresh one.  Written as above;
 * after a clock that was set back the current window counts as used up. */
struct limit_step limit_window(const struct limit_policy *p, uint64_t *cell,
    uint64_t now_ns, uint64_t cost) NONNULL_ALL;

#endif
