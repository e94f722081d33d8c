/*
 * io: waiting, with a deadline and for a second thing that ends the wait.
 * Descriptors are not blocking.  A deadline is of time_monotonic_ns; 0: none.
 */
#ifndef LAMBDA_IO_H
#define LAMBDA_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

/* Until `fd` is ready for `events` (of poll): OK.  ERR_EXPIRED: `also` (-1: nothing)
 * became readable first; ERR_TIMEOUT; ERR_IO. */
NODISCARD enum err io_wait(int fd, short events, int also, uint64_t until_ns);

/* All of it.  ERR_IO: the peer is gone; ERR_TIMEOUT. */
NODISCARD enum err io_write(int fd, struct str bytes, uint64_t until_ns);

/* At least one byte.  ERR_NOT_FOUND: the peer has closed; else as io_wait. */
NODISCARD enum err io_read(int fd, void *into, size_t most, int also, uint64_t until_ns,
    size_t *got) NONNULL(2, 6);

/* A deadline `ms` from now. */
uint64_t io_deadline(int64_t ms);

#endif
