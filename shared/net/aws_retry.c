#include "net/aws_retry.h"

#include <assert.h>

#define NS_PER_MS   UINT64_C(1000000)

static const struct {
	const char *name;
	enum err    err;
} causes[] = {
	[AWS_CAUSE_NONE] = { "none", OK },
	[AWS_CAUSE_THROTTLED] = { "throttled", ERR_LIMITED },
	[AWS_CAUSE_CONNECTION] = { "connection", ERR_UNAVAILABLE },
	[AWS_CAUSE_TIMEOUT] = { "timeout", ERR_TIMEOUT },
	[AWS_CAUSE_SERVER] = { "server", ERR_UNAVAILABLE },
	[AWS_CAUSE_GARBAGE] = { "garbage", ERR_UNAVAILABLE },
	[AWS_CAUSE_CREDENTIALS] = { "credentials", ERR_FORBIDDEN },
	[AWS_CAUSE_CLOCK] = { "clock", ERR_FORBIDDEN },
	[AWS_CAUSE_REFUSED] = { "refused", ERR_INVALID },
	[AWS_CAUSE_FORBIDDEN] = { "forbidden", ERR_FORBIDDEN },
};
static_assert(COUNT(causes) == AWS_CAUSES, "a name for each cause");

/* What is not here is refused (4xx) or the server's (5xx). */
static const struct {
	struct str     error;
	enum aws_cause cause;
} errors[] = {
	{ STR_INIT("ProvisionedThroughputExceededException"), AWS_CAUSE_THROTTLED },
	{ STR_INIT("ProvisionedThroughputExceeded"), AWS_CAUSE_THROTTLED },
	{ STR_INIT("ThrottlingException"), AWS_CAUSE_THROTTLED },
	{ STR_INIT("ThrottledException"), AWS_CAUSE_THROTTLED },
	{ STR_INIT("Throttling"), AWS_CAUSE_THROTTLED },
	{ STR_INIT("RequestThrottled"), AWS_CAUSE_THROTTLED },
	{ STR_INIT("RequestThrottledException"), AWS_CAUSE_THROTTLED },
	{ STR_INIT("RequestLimitExceeded"), AWS_CAUSE_THROTTLED },
	{ STR_INIT("TooManyRequestsException"), AWS_CAUSE_THROTTLED },
	{ STR_INIT("BandwidthLimitExceeded"), AWS_CAUSE_THROTTLED },
	{ STR_INIT("SlowDown"), AWS_CAUSE_THROTTLED },
	{ STR_INIT("PriorRequestNotComplete"), AWS_CAUSE_THROTTLED },
	{ STR_INIT("TransactionInProgressException"), AWS_CAUSE_THROTTLED },
	{ STR_INIT("TransactionConflictException"), AWS_CAUSE_THROTTLED },
	{ STR_INIT("ReplicatedWriteConflictException"), AWS_CAUSE_THROTTLED },
	{ STR_INIT("InternalServerError"), AWS_CAUSE_SERVER },
	{ STR_INIT("InternalFailure"), AWS_CAUSE_SERVER },
	{ STR_INIT("RequestTimeout"), AWS_CAUSE_SERVER },
	{ STR_INIT("RequestTimeoutException"), AWS_CAUSE_SERVER },
	{ STR_INIT("ServiceUnavailable"), AWS_CAUSE_SERVER },
	{ STR_INIT("ExpiredTokenException"), AWS_CAUSE_CREDENTIALS },
	{ STR_INIT("ExpiredToken"), AWS_CAUSE_CREDENTIALS },
	{ STR_INIT("UnrecognizedClientException"), AWS_CAUSE_CREDENTIALS },
	{ STR_INIT("InvalidClientTokenId"), AWS_CAUSE_CREDENTIALS },
	{ STR_INIT("InvalidSignatureException"), AWS_CAUSE_CLOCK },
	{ STR_INIT("SignatureDoesNotMatch"), AWS_CAUSE_CLOCK },
	{ STR_INIT("RequestTimeTooSkewed"), AWS_CAUSE_CLOCK },
	{ STR_INIT("RequestExpired"), AWS_CAUSE_CLOCK },
	{ STR_INIT("RequestInTheFuture"), AWS_CAUSE_CLOCK },
	{ STR_INIT("AuthFailure"), AWS_CAUSE_CLOCK },
	{ STR_INIT("AccessDeniedException"), AWS_CAUSE_FORBIDDEN },
	{ STR_INIT("AccessDenied"), AWS_CAUSE_FORBIDDEN },
	{ STR_INIT("MissingAuthenticationTokenException"), AWS_CAUSE_FORBIDDEN },
	{ STR_INIT("MissingAuthenticationToken"), AWS_CAUSE_FORBIDDEN },
	{ STR_INIT("IncompleteSignatureException"), AWS_CAUSE_FORBIDDEN },
	{ STR_INIT("IncompleteSignature"), AWS_CAUSE_FORBIDDEN },
	{ STR_INIT("OptInRequired"), AWS_CAUSE_FORBIDDEN },
};

const char *aws_cause_name(enum aws_cause cause)
{
	return (size_t)cause < COUNT(causes) ? causes[cause].name : causes[AWS_CAUSE_NONE].name;
}

enum err aws_cause_err(enum aws_cause cause)
{
	return (size_t)cause < COUNT(causes) ? causes[cause].err : ERR_INTERNAL;
}

enum aws_cause aws_cause_of(unsigned status, struct str error)
{
	for (size_t i = 0; i < COUNT(errors); i++)
		if (str_eq(error, errors[i].error))
			return errors[i].cause;
	if (status == 429)
		return AWS_CAUSE_THROTTLED;
	return status >= 500 ? AWS_CAUSE_SERVER : AWS_CAUSE_REFUSED;
}

void aws_budget_init(struct aws_budget *b)
{
	atomic_init(&b->tokens, AWS_BUDGET);
}

bool aws_budget_take(struct aws_budget *b, int32_t n)
{
	int32_t has = atomic_load(&b->tokens);

	do
		if (has < n)
			return false;
	while (!atomic_compare_exchange_weak(&b->tokens, &has, has - n));
	return true;
}

void aws_budget_give(struct aws_budget *b, int32_t n)
{
	int32_t has = atomic_load(&b->tokens), then;

	do {
		if (has >= AWS_BUDGET)
			return;
		then = has + n < AWS_BUDGET ? has + n : AWS_BUDGET;
	} while (!atomic_compare_exchange_weak(&b->tokens, &has, then));
}

uint64_t aws_backoff_ns(unsigned attempts, uint64_t random)
{
	uint64_t most = AWS_BACKOFF_MS;

	for (unsigned i = 1; i < attempts && most < AWS_BACKOFF_MAX_MS; i++)
		most *= 2;
	if (most > AWS_BACKOFF_MAX_MS)
		most = AWS_BACKOFF_MAX_MS;
	return random % (most * NS_PER_MS + 1);
}
