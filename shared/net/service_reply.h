/*
 * service_reply: one call to a token endpoint, and what it answered; for
 * service_token.c alone.
 */
#ifndef NET_SERVICE_REPLY_H
#define NET_SERVICE_REPLY_H

#include "net/service_token.h"

struct service_reply {
	char    *token;                 /* on the heap; service_reply_clean wipes it */
	size_t   len;
	uint64_t life_ms;               /* from when it was asked for */
};

/* Errors as service_token_get. */
NODISCARD enum err service_reply_get(struct http_client *net, struct arena *a,
    const struct service_client *client, uint32_t deadline_ms, struct service_reply *out,
    struct str *reason) NONNULL_ALL;
void service_reply_clean(struct service_reply *r) NONNULL_ALL;

#endif
