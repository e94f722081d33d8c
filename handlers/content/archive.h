/*
 * archive: tar files, in and out (by libarchive).
 * Reading takes ustar, pax and GNU tar, plain or compressed (gzip, zstd, xz), from
 * memory, and gives regular files only.  Writing makes pax tar, piece by piece.
 * Lifetime: reading is one call; a writer lives from open to close.
 * Threads:  calls are independent; a writer is one thread's.
 */
#ifndef CONTENT_ARCHIVE_H
#define CONTENT_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

/* One regular file; both are good during the callback only. */
struct archive_file {
	struct str  name;       /* relative, with '/', no "..", UTF-8, "./" taken off */
	struct str  bytes;
	const char *refused;    /* why it is not taken (static storage); bytes are empty then */
};

/* Anything but OK ends the reading, which returns it. */
typedef enum err archive_visit(void *context, const struct archive_file *file);

/* Calls visit for every file in its order.  Refused, one by one, are those with an
 * absolute path, "..", or a name that is too long or not UTF-8, and files over
 * ARCHIVE_FILE_MAX_BYTES.  Directories, links, devices, dot-files (which are
 * macOS's "._" files, too) and what is in dot-folders are passed over.
 * ERR_INVALID: not a tar archive, or damaged or cut short behind what was visited.
 * ERR_TOO_LARGE: over ARCHIVE_ENTRIES_MAX or ARCHIVE_MAX_BYTES, expanded.
 * ERR_NO_MEMORY.  *reason (static storage) is filled with each of them. */
NODISCARD enum err archive_read(struct str bytes, archive_visit *visit, void *context,
    const char **reason) NONNULL(2, 4);

/* Whether the bytes begin as a tar does, or one of the compressions. */
bool archive_is_likely(struct str bytes);

struct archive_writer;          /* opaque */

/* Takes the next bytes of the archive; anything but OK fails the writer. */
typedef enum err archive_sink(void *context, struct str bytes);

/* Of the arena, which closes it if nobody does.  NULL: no memory. */
NODISCARD struct archive_writer *archive_writer_open(struct arena *a, archive_sink *sink,
    void *context) NONNULL(1, 2);
/* A regular file of mode 0644; `modified_ms` since 1970.  The first error of the
 * sink stays.  ERR_INVALID: a name that is not printable ASCII without spaces
 * (libarchive writes no other in the C locale); slugs are. */
NODISCARD enum err archive_writer_add(struct archive_writer *w, const char *name,
    int64_t modified_ms, struct str bytes) NONNULL(1, 2);
/* Writes the end; the writer is gone. */
NODISCARD enum err archive_writer_close(struct archive_writer *w) NONNULL_ALL;

#endif
