/*
 * listen: the socket that requests come in by: ours, or one we were started with.
 * FastCGI knows no authentication, so ours is a unix socket of mode 0660 or on
 * the loopback interface.
 * Lifetime: one a process.
 */
#ifndef SERVE_LISTEN_H
#define SERVE_LISTEN_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

struct listener {
	int         fd;                 /* not blocking, closed on exec */
	const char *path;               /* of a unix socket we made; NULL: not ours to remove */
	dev_t       device;             /* of that socket file */
	ino_t       inode;
	struct str  address;            /* for the log */
	bool        exposed;            /* reachable from other machines: somebody else bound it */
};

/*
 * `address` is a path (with a '/'), "127.0.0.1:PORT" or "[::1]:PORT" (0: any free
 * one); absent: what systemd passed (LISTEN_FDS), else descriptor 0.  A socket
 * file that nobody answers on is replaced.
 * ERR_INVALID, ERR_EXISTS (somebody answers there), ERR_IO: *reason says what
 * failed and what would do.
 */
NODISCARD enum err listen_open(struct arena *a, struct str address, struct listener *out,
    struct str *reason) NONNULL(1, 3, 4);
/* Stops new connections to a socket file of ours; those made already stay. */
void listen_unlink(struct listener *l) NONNULL_ALL;

#endif
