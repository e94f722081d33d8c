#include "base/err.h"

#include <assert.h>
#include <stddef.h>

#include "base/attr.h"

static const char *const texts[] = {
	[OK]                  = "no error",
	[ERR_INVALID]         = "malformed or out of bounds",
	[ERR_NOT_FOUND]       = "not found",
	[ERR_EXISTS]          = "already exists",
	[ERR_STALE]           = "changed in the meantime",
	[ERR_BUSY]            = "already under way",
	[ERR_UNAUTHENTICATED] = "missing or bad credentials",
	[ERR_FORBIDDEN]       = "not allowed",
	[ERR_LIMITED]         = "too many requests",
	[ERR_TOO_LARGE]       = "too large",
	[ERR_EXPIRED]         = "expired",
	[ERR_UNSUPPORTED]     = "not supported here",
	[ERR_UNAVAILABLE]     = "a dependency is unavailable",
	[ERR_TIMEOUT]         = "timed out",
	[ERR_IO]              = "input/output error",
	[ERR_CORRUPT]         = "stored data is damaged",
	[ERR_NO_MEMORY]       = "out of memory",
	[ERR_INTERNAL]        = "internal error",
};

static_assert(COUNT(texts) == ERR_COUNT, "every error has its text");

const char *err_text(enum err e)
{
	/* The cast also sends negative values over the end. */
	if ((size_t)e >= COUNT(texts))
		return "unknown error";
	return texts[e];
}
