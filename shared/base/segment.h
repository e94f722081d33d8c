/*
 * segment: a file of the state directory that every process of the machine maps.
 * It has a header (magic, layout version, size) and behind it zeroed bytes that
 * belong to one module, which uses nothing but atomics on them: a process that
 * dies holds no lock.
 * Lifetime: the file survives every process.  When its version or size is
 *           not what the opener expects it is replaced by a fresh one (a new
 *           inode): processes of the old version keep theirs until they end.
 * Threads:  the mapping is shared; opening and closing are one thread's.
 * Blocking: on an fcntl lock while another process creates it; the kernel
 *           drops that lock when its holder dies.
 */
#ifndef BASE_SEGMENT_H
#define BASE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct segment {
	void  *data;            /* size bytes, 64-byte aligned, zero at birth */
	size_t size;
	bool   created;         /* by this call: nothing was there, or another version */
	void  *mapping;         /* for segment_close */
	size_t mapping_bytes;
};

/* Maps DIR/NAME.shm (mode 0600, its blocks reserved).  ERR_IO: errno says why. */
NODISCARD enum err segment_open(const char *dir, const char *name, uint32_t version,
    size_t size, struct segment *out) NONNULL_ALL;
void segment_close(struct segment *s) NONNULL_ALL;

#endif
