/*
 * redis_names: the addresses of the Redis server, looked up beside the requests.
 * An address or a socket's path is known at once.  A name is looked up by a thread
 * that lives as long as one lookup: the first at the start, others after failures, at most one each REDIS_LOOKUP_MS.  The last answer serves until there is
 * another.
 * Lifetime: from new to free; a lookup under way, which nothing can stop, keeps what
 *           it needs until it ends.
 * Threads:  safe from any.
 * Blocking: never.
 */
#ifndef NET_REDIS_NAMES_H
#define NET_REDIS_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include <sys/socket.h>

#include "base/attr.h"
#include "net/redis_url.h"

#define REDIS_ADDRESSES_MAX     4
#define REDIS_LOOKUP_MS         5000

struct redis_address {
	struct sockaddr_storage at;
	socklen_t               len;
};

struct redis_names;                     /* opaque */

struct redis_names *redis_names_new(const struct redis_target *t) NONNULL_ALL;
void redis_names_free(struct redis_names *n);

/* Copies what is known; 0: nothing yet. */
size_t redis_names_get(struct redis_names *n, struct redis_address out[REDIS_ADDRESSES_MAX])
    NONNULL_ALL;
/* Nobody answered at any of them, or not as the server we mean: after a failover the
 * name is another's, and the old one may live on as a replica. */
void redis_names_doubt(struct redis_names *n) NONNULL_ALL;

/* Of an address in digits (a -MOVED has one); false for a name. */
NODISCARD bool redis_address_numeric(const char *host, uint16_t port, struct redis_address *out)
    NONNULL_ALL;

#endif
