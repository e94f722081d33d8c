/*
 * aws_key_source: where AWS says that a process finds its keys, and one visit there;
 * for aws_credentials.c and its tests.
 * Threads: one at a time.
 */
#ifndef NET_AWS_KEY_SOURCE_H
#define NET_AWS_KEY_SOURCE_H

#include "net/aws_credentials.h"
#include "net/http_client.h"

#define AWS_REPLY_ARENA_BYTES (256u << 10)      /* all replies of one visit */

enum aws_source {
	AWS_SOURCE_NONE,
	AWS_SOURCE_ENVIRONMENT,
	AWS_SOURCE_CONTAINER,
	AWS_SOURCE_INSTANCE,
	AWS_SOURCES
};

/* Keys and for how long they are good, from when they were asked for. */
struct aws_got {
	struct aws_keys keys;
	uint64_t        life_ms;
};

/* The first one that is configured. */
enum aws_source aws_source_of(const struct config *config) NONNULL_ALL;
/* "container"; static storage. */
const char *aws_source_name(enum aws_source source);

/* Whether a token may go to this host: loopback, and the fixed addresses of ECS and EKS. */
bool aws_host_is_container(struct str host);

/* Errors as aws_credentials_get; *why is `a`'s or static.  `a` holds secrets afterwards. */
NODISCARD enum err aws_source_ask(enum aws_source source, const struct config *config,
    struct http_client *net, struct arena *a, uint64_t deadline_ns, struct aws_got *out,
    struct str *why) NONNULL_ALL;

/* Keys out of the JSON that containers and instances answer with; NULL, or what is wrong.
 * `now_ms` is the endpoint's time. */
const char *aws_keys_read(struct arena *a, struct str text, int64_t now_ms, struct aws_got *out)
    NONNULL(1, 4);

#endif
