/*
 * programs: which FastCGI program answers which paths, and the processes of them.
 * Each has a listening socket of its own, which is made before the program starts and
 * outlives it; the program gets it as descriptor 0, as FastCGI says (2.2), so that a
 * request may be on its way before the program is ready for it.
 * Lifetime: one a process.
 * Threads:  one.
 * Blocking: programs_start_all and programs_stop up to a deadline; the others never.
 */
#ifndef LAMBDA_PROGRAMS_H
#define LAMBDA_PROGRAMS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "lambda/limits.h"

#define ARGUMENTS_MAX 16

struct program {
	const char *arguments[ARGUMENTS_MAX + 1];       /* of which the first is its path */
	int         listener;           /* -1: not made yet */
	const char *socket;
	pid_t       pid;                /* 0: does not run */
	int         life;               /* readable when it has ended; -1 */
};

struct prefix {
	struct str      path;           /* "/v1/blog"; "/" has the rest */
	struct program *program;
};

struct programs {
	struct arena  *arena;
	const char    *folder;          /* of the sockets */
	struct program list[PROGRAMS_MAX];
	size_t         count;
	struct prefix  prefixes[PREFIXES_MAX];
	size_t         n_prefixes;
};

/*
 * A line is "PREFIX EXECUTABLE [ARGUMENT…]"; '#' begins a comment.  Lines with the same
 * words after the prefix are one program.
 * ERR_INVALID: *reason says which line and why.
 */
NODISCARD enum err programs_read(struct programs *p, struct arena *a, struct str table,
    const char *folder, struct str *reason) NONNULL(1, 2, 4, 5);

/* The one whose prefix is the longest that `path` has at its front, up to a '/' or its
 * end; NULL: none. */
struct program *programs_find(struct programs *p, struct str path) NONNULL(1);

/* Starts it unless it runs; false: the operating system refused, errno says why. */
NODISCARD bool program_start(struct program *which) NONNULL_ALL;
/* A connection to it, not blocking; -1: none, errno says why. */
NODISCARD int program_connect(const struct program *which) NONNULL_ALL;
/* Whether it runs; one that has ended is buried. */
bool program_runs(struct program *which) NONNULL_ALL;
/* Ends it at once, and with it what is queued on its socket. */
void program_kill(struct program *which) NONNULL_ALL;

/* Until each has answered.  ERR_UNAVAILABLE: *reason says which did not. */
NODISCARD enum err programs_start_all(struct programs *p, uint64_t until_ns, struct str *reason)
    NONNULL(1, 3);
/* SIGTERM to all, and what is left at the deadline is killed. */
void programs_stop(struct programs *p, uint64_t until_ns) NONNULL(1);

#endif
