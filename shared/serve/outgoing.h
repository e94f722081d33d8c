/*
 * outgoing: a reply on its way out as FCGI_STDOUT records and FCGI_END_REQUEST.
 * A reply of up to 64 KiB is one system call and copies nothing; what streams in
 * small pieces is held until it is worth a record.
 * Lifetime: a worker's; begun anew for each request.
 * Threads:  one at a time.
 * Blocking: while the peer takes nothing, at most timeout_ms; then it has failed.
 */
#ifndef SERVE_OUTGOING_H
#define SERVE_OUTGOING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

#define OUTGOING_HOLD_BYTES 16384       /* of a stream, before a record goes out */

struct outgoing {
	int      fd, timeout_ms;
	uint16_t id;                    /* of the FastCGI request */
	bool     failed;                /* sticky: the peer has gone, or was silent too long */
	bool     timed_out;
	size_t   held;
	char     hold[OUTGOING_HOLD_BYTES];
};

void outgoing_begin(struct outgoing *o, int fd, uint16_t id, int timeout_ms) NONNULL_ALL;
/* A piece of a stream; false once it has failed. */
bool outgoing_write(struct outgoing *o, struct str bytes) NONNULL(1);
/* What is held, then `head`, then `body`, and the end of the request.  False when
 * not all of it was taken. */
NODISCARD bool outgoing_end(struct outgoing *o, struct str head, struct str body) NONNULL(1);
/* Bytes of one record or more, complete in themselves. */
NODISCARD bool outgoing_raw(struct outgoing *o, const void *bytes, size_t len) NONNULL_ALL;

#endif
