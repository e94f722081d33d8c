/*
 * invocation: one event, from the Runtime API to a handler and back.
 * Lifetime: a runtime is the process's; what one invocation needs ends with it.
 * Threads:  one; Lambda gives an instance one event at a time.
 * Blocking: until DEADLINE_MARGIN_MS before Lambda's deadline.
 */
#ifndef LAMBDA_INVOCATION_H
#define LAMBDA_INVOCATION_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "lambda/programs.h"
#include "lambda/runtime_api.h"
#include "lambda/settings.h"

struct runtime {
	struct lambda_settings settings;
	struct runtime_api     api;
	struct programs        programs;
	struct arena           arena;           /* of one invocation */
};

/* Answers it, whatever becomes of it; with `too_large` the event was not kept.
 * ERR_UNAVAILABLE: Lambda takes no answer any more, and the process should end. */
NODISCARD enum err invocation_serve(struct runtime *r, const struct invocation *i,
    struct str text, bool too_large) NONNULL(1, 2);

/* A line of our own in Lambda's log, as JSON; `level` is "warn" or "error". */
void invocation_say(struct arena *a, const char *level, struct str id, struct str what)
    NONNULL(1, 2);

#endif
