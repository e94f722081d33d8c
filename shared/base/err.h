/*
 * err: the one error type of the library.
 * A function returns the first error that happened, and writes to its out
 * parameters only on OK unless it says otherwise.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

enum err {
	OK = 0,
	ERR_INVALID,            /* the caller's input is malformed or out of bounds */
	ERR_NOT_FOUND,
	ERR_EXISTS,             /* something of that name is already there */
	ERR_STALE,              /* a condition on a version did not hold */
	ERR_BUSY,               /* the same thing is already under way */
	ERR_UNAUTHENTICATED,    /* who is it?  no or bad credentials */
	ERR_FORBIDDEN,          /* known, and not allowed */
	ERR_LIMITED,            /* allowed, and too often */
	ERR_TOO_LARGE,          /* over a named bound */
	ERR_EXPIRED,            /* was good once */
	ERR_UNSUPPORTED,        /* this engine or provider cannot do that */
	ERR_UNAVAILABLE,        /* a dependency is down; trying again may help */
	ERR_TIMEOUT,            /* a deadline passed */
	ERR_IO,                 /* the operating system refused; errno says why */
	ERR_CORRUPT,            /* stored bytes are not what was written */
	ERR_NO_MEMORY,
	ERR_INTERNAL,           /* a bug of ours */
	ERR_COUNT
};

/* The text for `e`, static storage, never NULL. */
const char *err_text(enum err e);

#endif
