/*
 * aws_retry: whether an attempt is made again, and after how long; for aws_client.c
 * and its tests.
 */
#ifndef NET_AWS_RETRY_H
#define NET_AWS_RETRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

/* Why an attempt did not do: what it was, and what follows. */
enum aws_cause {
	AWS_CAUSE_NONE,                 /* it did */
	AWS_CAUSE_THROTTLED,            /* not done: too many calls, or something in the way */
	AWS_CAUSE_CONNECTION,           /* not connected, or not answered wholly */
	AWS_CAUSE_TIMEOUT,
	AWS_CAUSE_SERVER,               /* a 5xx */
	AWS_CAUSE_GARBAGE,              /* what came is no reply of the service's, or damaged */
	AWS_CAUSE_CREDENTIALS,          /* keys that are no longer good */
	AWS_CAUSE_CLOCK,                /* ours is off */
	AWS_CAUSE_REFUSED,              /* what the call says is refused: it would be again */
	AWS_CAUSE_FORBIDDEN,
	AWS_CAUSES
};

/* "throttled"; static storage. */
const char *aws_cause_name(enum aws_cause cause);
/* What a call that fails by it returns. */
enum err aws_cause_err(enum aws_cause cause);

/* Of a reply that is not 200: `error` is its type without what stands before '#'.
 * AWS_CAUSE_CLOCK means perhaps: the reply's Date decides. */
enum aws_cause aws_cause_of(unsigned status, struct str error);

/* A service's calls share it, as the standard mode of AWS's own SDKs has it. */
struct aws_budget {
	_Atomic int32_t tokens;
};

#define AWS_BUDGET          500         /* full: a hundred tries again */
#define AWS_BUDGET_RETRY    5
#define AWS_BUDGET_TIMEOUT  10          /* an attempt that timed out cost more */
#define AWS_BUDGET_SUCCESS  1           /* what a success at once gives back */

void aws_budget_init(struct aws_budget *b) NONNULL_ALL;
/* False, and nothing taken: there is not so much left. */
bool aws_budget_take(struct aws_budget *b, int32_t n) NONNULL_ALL;
void aws_budget_give(struct aws_budget *b, int32_t n) NONNULL_ALL;

#define AWS_ATTEMPTS_MAX    8
#define AWS_BACKOFF_MS      25          /* before the second attempt, at most; then twice as long */
#define AWS_BACKOFF_MAX_MS  2000

/* Between 0 and the bound for after `attempts` (1 and more); `random` is any number. */
uint64_t aws_backoff_ns(unsigned attempts, uint64_t random);

#endif
