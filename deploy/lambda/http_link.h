/*
 * http_link: one kept-alive HTTP/1.1 connection to the Runtime API (RFC 9112).
 * Lifetime: as long as the process; it connects when it is used, and again when the
 *           peer has closed, as it may while the sandbox was frozen.
 * Threads:  one.
 * Blocking: up to the deadline of each call.
 */
#ifndef LAMBDA_HTTP_LINK_H
#define LAMBDA_HTTP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#define HTTP_LINK_BYTES 65536   /* read at once */

struct http_link {
	struct sockaddr_storage address;
	socklen_t               address_size;
	int                     fd;             /* -1: not connected */
	size_t                  begin, end;     /* what is read and not yet taken */
	char                    in[HTTP_LINK_BYTES];
};

struct http_answer {
	int        status;
	struct str head;        /* all header lines, in the arena */
	struct str body;
};

/* `host_port` is "127.0.0.1:9001", "[::1]:9001" or "localhost:9001": nothing is
 * resolved.  ERR_INVALID: anything else. */
NODISCARD enum err http_link_open(struct http_link *l, struct str host_port) NONNULL(1);
void http_link_close(struct http_link *l) NONNULL_ALL;

/* Connects unless it is.  ERR_UNAVAILABLE: nobody listens there. */
NODISCARD enum err http_link_connect(struct http_link *l, uint64_t until_ns) NONNULL_ALL;

/*
 * Reads the answer to what was written on l->fd.  A body over `body_max` is read to
 * its end and dropped.
 * ERR_NOT_FOUND: closed before its first byte; ERR_TOO_LARGE: the rest of *out is
 *   good; ERR_EXPIRED: `also` became readable first; ERR_TIMEOUT; ERR_CORRUPT: no
 *   HTTP/1.1.  After all but the second and the third the connection is closed.
 */
NODISCARD enum err http_link_read(struct http_link *l, struct arena *a, size_t body_max, int also,
    uint64_t until_ns, struct http_answer *out) NONNULL(1, 2, 6);

/* A header of an answer, whatever its case; STR_NONE when there is none. */
struct str http_answer_header(const struct http_answer *answer, struct str name) NONNULL(1);

#endif
