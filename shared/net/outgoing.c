#include "net/outgoing.h"

#include <assert.h>

static const char *const names[] = {
	[OUTGOING_OTHER] = "other",
	[OUTGOING_JWKS] = "jwks",
	[OUTGOING_DISCOVERY] = "discovery",
	[OUTGOING_IDENTITY] = "identity",
	[OUTGOING_PROVIDER] = "provider",
	[OUTGOING_SERVICE_TOKEN] = "service_token",
	[OUTGOING_STORE] = "store",
	[OUTGOING_GATEWAY] = "gateway",
	[OUTGOING_AWS_CREDENTIALS] = "aws_credentials",
	[OUTGOING_MAIL] = "mail",
};
static_assert(COUNT(names) == OUTGOING_PURPOSES, "a name for each purpose");

const char *outgoing_name(enum outgoing_purpose purpose)
{
	return (size_t)purpose < COUNT(names) ? names[purpose] : names[OUTGOING_OTHER];
}

static const char *outcome(enum err e, unsigned status)
{
	switch (e) {
	case OK:
		return status >= 500 ? "server_error" : status >= 400 ? "client_error" : "ok";
	case ERR_TIMEOUT:
		return "timeout";
	case ERR_UNAVAILABLE:
		return "unavailable";
	case ERR_TOO_LARGE:
		return "too_large";
	case ERR_INVALID:
		return "refused";
	default:
		return "failed";
	}
}

void outgoing_count(struct metrics *m, enum outgoing_purpose purpose, enum err e,
    unsigned status, uint64_t ns)
{
	const char *labels[] = { outgoing_name(purpose), outcome(e, status) };

	metrics_add(metrics_series(m, METRIC_OUTGOING, labels), 1);
	metrics_observe(metrics_series(m, METRIC_OUTGOING_DURATION, labels), ns);
}
