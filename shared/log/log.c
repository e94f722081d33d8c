#include "log/log.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "base/time.h"
#include "log/escape.h"
#include "log/outlet.h"
#include "log/redact.h"

#define NAME_MAX_BYTES      64          /* a field's name; ours are short */
#define MESSAGE_MAX_BYTES   1024
#define IDENTITY_MAX_BYTES  128
#define ESCAPED_MAX_BYTES   6           /* of one input byte: \u00XX; also its UTF-8 sequence */

static const char truncated_mark[] = ",\"truncated\":true";
/* What log_end still has to write, kept free while fields are added. */
#define CLOSING_BYTES       (sizeof(truncated_mark) - 1 + sizeof("}\n") - 1)

static const char *const level_texts[] = {
	[LOG_DEBUG] = "debug", [LOG_INFO] = "info", [LOG_WARN] = "warn", [LOG_ERROR] = "error",
};
static_assert(COUNT(level_texts) == LOG_ERROR + 1, "a text for each level");

/* Written by log_open before there are threads; by a fork's child afterwards. */
static struct {
	const char    *handler;
	enum log_level level;
	uint32_t       line_max_bytes;
	uint64_t       sample_below;    /* of 2^32 */
	char           identity[IDENTITY_MAX_BYTES];    /* ,"handler":"…","pid":… */
	uint32_t       identity_len;
	void         (*on_line)(void *context, enum log_level level);
	void          *context;
} writer = {
	.handler = "quiver", .level = LOG_INFO, .line_max_bytes = LOG_LINE_MAX_BYTES,
	.sample_below = UINT64_C(1) << 32,
};

/* The pid is asked for once a process: getpid(2) is a system call each time. */
static void identify(void)
{
	int len = snprintf(writer.identity, sizeof(writer.identity),
	    ",\"handler\":\"%.64s\",\"pid\":%d", writer.handler, (int)getpid());
	writer.identity_len = (uint32_t)len;
}

/* A write to a pipe is whole up to PIPE_BUF only; longer lines would mix. */
static uint32_t line_bound(void)
{
	struct stat st;
	if (fstat(STDERR_FILENO, &st) == 0 && S_ISFIFO(st.st_mode))
		return PIPE_BUF < LOG_LINE_MAX_BYTES ? PIPE_BUF : LOG_LINE_MAX_BYTES;
	return LOG_LINE_MAX_BYTES;
}

void log_open(const struct config *c, const char *handler)
{
	static bool watches_fork;

	writer.handler = handler;
	writer.level = c->log_level;
	writer.sample_below = (uint64_t)(c->log_sample * 0x1p32);
	writer.line_max_bytes = line_bound();
	identify();
	if (!watches_fork)
		watches_fork = pthread_atfork(NULL, NULL, identify) == 0;
}

const char *log_handler(void)
{
	return writer.handler;
}

void log_on_line(void (*fn)(void *context, enum log_level level), void *context)
{
	writer.on_line = NULL;
	writer.context = context;
	writer.on_line = fn;
}

bool log_enabled(enum log_level level)
{
	return level >= writer.level;
}

bool log_sampled(void)
{
	static _Thread_local uint64_t state;

	if (writer.sample_below >= UINT64_C(1) << 32)
		return true;
	while (state == 0)
		id_random(&state, sizeof(state));
	/* xorshift64* (Vigna, 2016): chance is all it needs, not secrecy. */
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * UINT64_C(0x2545F4914F6CDD1D)) >> 32 < writer.sample_below;
}

static uint32_t room(const struct log_line *l)
{
	return writer.line_max_bytes - (uint32_t)CLOSING_BYTES - l->len;
}

/* The caller has made sure that there is room. */
static void put(struct log_line *l, const void *bytes, size_t len)
{
	memcpy(l->text + l->len, bytes, len);
	l->len += (uint32_t)len;
}

static void put_time(struct log_line *l)
{
	static _Thread_local int64_t second = INT64_MIN;
	static _Thread_local char text[TIME_RFC3339_SIZE];
	int64_t now_ms = time_now_ms();
	int64_t now_s = now_ms / 1000;
	unsigned ms = (unsigned)(now_ms - now_s * 1000) % 1000;

	if (now_s != second) {
		time_to_rfc3339(now_s * 1000, text);
		second = now_s;
	}
	text[20] = (char)('0' + ms / 100);
	text[21] = (char)('0' + ms / 10 % 10);
	text[22] = (char)('0' + ms % 10);
	put(l, text, TIME_RFC3339_SIZE - 1);
}

static void put_escaped(struct log_line *l, struct str value, size_t bound)
{
	l->len += (uint32_t)log_escape(l->text + l->len, bound, value, &l->truncated);
}

/* ,"name": when it and `value_bytes` more have room; else the line is marked. */
static bool put_name(struct log_line *l, const char *name, size_t value_bytes)
{
	if (!l->on)
		return false;
	size_t len = strnlen(name, NAME_MAX_BYTES);
	if (len + sizeof(",\"\":") - 1 + value_bytes > room(l)) {
		l->truncated = true;
		return false;
	}
	put(l, ",\"", 2);
	put(l, name, len);
	put(l, "\":", 2);
	return true;
}

static void put_value(struct log_line *l, struct str value)
{
	size_t bound = room(l) - 2;

	put(l, "\"", 1);
	put_escaped(l, value, bound < LOG_VALUE_MAX_BYTES ? bound : LOG_VALUE_MAX_BYTES);
	put(l, "\"", 1);
}

void log_begin(struct log_line *l, enum log_level level, const char *event)
{
	l->len = 0;
	l->truncated = false;
	l->level = level;
	l->on = log_enabled(level);
	if (!l->on)
		return;
	if (writer.identity_len == 0)
		identify();
	put(l, "{\"time\":\"", 9);
	put_time(l);
	put(l, "\",\"level\":\"", 11);
	put(l, level_texts[level], strlen(level_texts[level]));
	put(l, "\"", 1);
	put(l, writer.identity, writer.identity_len);
	if (put_name(l, "event", 2))
		put_value(l, str_of(event));
}

void log_str(struct log_line *l, const char *name, struct str value)
{
	if (!put_name(l, name, sizeof("null") - 1))
		return;
	if (value.ptr == NULL)
		put(l, "null", 4);
	else
		put_value(l, log_is_secret(str_of(name)) ? STR(REDACTED) : value);
}

static void put_u64(struct log_line *l, uint64_t n)
{
	char text[20];          /* digits, from the right */
	size_t at = sizeof(text);

	do {
		text[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	put(l, text + at, sizeof(text) - at);
}

void log_int(struct log_line *l, const char *name, int64_t value)
{
	if (!put_name(l, name, sizeof("-9223372036854775808") - 1))
		return;
	if (value < 0)
		put(l, "-", 1);
	put_u64(l, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void log_bool(struct log_line *l, const char *name, bool value)
{
	if (!put_name(l, name, sizeof("false") - 1))
		return;
	if (value)
		put(l, "true", 4);
	else
		put(l, "false", 5);
}

void log_ms(struct log_line *l, const char *name, uint64_t ns)
{
	uint64_t us = ns / 1000;
	unsigned part = (unsigned)(us % 1000);

	if (!put_name(l, name, sizeof("18446744073709551.615") - 1))
		return;
	put_u64(l, us / 1000);
	char text[4] = { '.', (char)('0' + part / 100), (char)('0' + part / 10 % 10),
	    (char)('0' + part % 10) };
	put(l, text, sizeof(text));
}

/* A header's name comes from a client: it is escaped, and a quote in it ends nothing. */
void log_header(struct log_line *l, struct str header, struct str value)
{
	size_t most = NAME_MAX_BYTES * ESCAPED_MAX_BYTES;

	if (!l->on)
		return;
	if (most + sizeof(",\"\":null") > room(l)) {
		l->truncated = true;
		return;
	}
	put(l, ",\"", 2);
	put_escaped(l, header, most);
	put(l, "\":", 2);
	if (value.ptr == NULL)
		put(l, "null", 4);
	else
		put_value(l, log_is_secret(header) ? STR(REDACTED) : value);
}

static void end(struct log_line *l, bool can_wait)
{
	if (!l->on)
		return;
	if (l->truncated)
		put(l, truncated_mark, sizeof(truncated_mark) - 1);
	put(l, "}\n", 2);
	outlet_write((struct str){ l->text, l->len }, can_wait);
	l->on = false;
	if (writer.on_line != NULL)
		writer.on_line(writer.context, l->level);
}

void log_end(struct log_line *l)
{
	end(l, false);
}

void log_end_soon(struct log_line *l)
{
	end(l, l->level < LOG_WARN);
}

void log_message(enum log_level level, const char *event, const char *fmt, ...)
{
	struct log_line l;
	char text[MESSAGE_MAX_BYTES];
	va_list args;

	log_begin(&l, level, event);
	if (!l.on)
		return;
	va_start(args, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	struct str message = { text, n < 0 ? 0 : (size_t)n };
	if (message.len >= sizeof(text)) {
		message = log_whole_sequences(str_first(message, sizeof(text) - 1));
		l.truncated = true;
	}
	log_str(&l, "message", message);
	log_end(&l);
}
