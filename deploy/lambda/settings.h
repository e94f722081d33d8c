/*
 * settings: what the bootstrap reads from its environment, as a table.
 */
#ifndef LAMBDA_SETTINGS_H
#define LAMBDA_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct lambda_settings {
	const char *runtime_api, *task_root, *table, *start, *base_path, *run_dir;
	const char *stream, *margin;
	bool        start_all, streams;
	int64_t     margin_ms;
};

/* ERR_INVALID: *reason says which, and what would do.  They live as long as the
 * environment. */
NODISCARD enum err lambda_settings_read(struct arena *a, struct lambda_settings *out,
    struct str *reason) NONNULL_ALL;

/* Those that are for people to set, a line each. */
void lambda_settings_help(struct buf *out) NONNULL_ALL;

#endif
