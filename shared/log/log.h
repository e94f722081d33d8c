/*
 * log: one JSON object a line on standard error, whatever the input.
 * A line is built in a fixed buffer on the caller's stack and written whole by one
 * write(2), alone or with others: lines of threads and processes do not mix.  Values are escaped;
 * over-long ones are cut and the line gets "truncated":true.
 * Secrets: fields and headers named in redact.c's table are replaced by
 *          "[redacted]"; text that looks like a key of ours (qv_live_…) or a
 *          token (three base64url parts that begin with eyJ) is masked in any value.
 * Lifetime: log_open once before threads; before it, lines at INFO go out too.
 * Threads:  safe from any.
 * Blocking: as long as standard error does.
 */
#ifndef LOG_LOG_H
#define LOG_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/str.h"
#include "config/config.h"

/* `handler` names this process in every line; static storage. */
void log_open(const struct config *c, const char *handler) NONNULL_ALL;

/* The name given to log_open; "quiver" before it. */
const char *log_handler(void);
/* Calls fn(context, level) for each line written, from the thread that wrote it
 * (how metrics counts lines, being above this module); NULL: no longer. */
void log_on_line(void (*fn)(void *context, enum log_level level), void *context);

struct log_line {
	char     text[LOG_LINE_MAX_BYTES];
	uint32_t len;
	enum log_level level;
	bool     on, truncated;
};

bool log_enabled(enum log_level level);
/* Whether this successful request is one of the share that LOG_SAMPLE logs. */
bool log_sampled(void);
/* Begins a line with time, level, handler, pid and "event".  When the level is
 * off, every other call on it does nothing. */
void log_begin(struct log_line *l, enum log_level level, const char *event) NONNULL_ALL;
void log_str(struct log_line *l, const char *name, struct str value) NONNULL(1, 2);
void log_int(struct log_line *l, const char *name, int64_t value) NONNULL_ALL;
void log_bool(struct log_line *l, const char *name, bool value) NONNULL_ALL;
/* Milliseconds with three decimals. */
void log_ms(struct log_line *l, const char *name, uint64_t ns) NONNULL_ALL;
/* A request header: redacted by its name (any case). */
void log_header(struct log_line *l, struct str header, struct str value) NONNULL(1);
void log_end(struct log_line *l) NONNULL_ALL;
/* For lines by the thousand: below WARN they may wait LOG_DELAY_MS for others (outlet.h). */
void log_end_soon(struct log_line *l) NONNULL_ALL;

/* A line with one "message", for what has no fields. */
void log_message(enum log_level level, const char *event, const char *fmt, ...)
    NONNULL(2, 3) PRINTF(3, 4);

/* Whether values under this field or header name never reach a log. */
bool log_is_secret(struct str name);

#endif
