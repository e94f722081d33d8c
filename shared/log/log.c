#include "log/log.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "base/time.h"
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

/* Bytes of the UTF-8 sequence at the start of `s` (RFC 3629); 0: none. */
static size_t sequence_length(struct str s)
{
	uint8_t lead = (uint8_t)s.ptr[0];
	size_t n = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;

	return n <= s.len && str_is_utf8(str_first(s, n)) ? n : 0;
}

static size_t put_escape(char *out, char c)
{
	static const char digits[] = "0123456789abcdef";
	static const char letters[] = "btn\0fr";        /* 0x08 to 0x0D */
	uint8_t byte = (uint8_t)c;

	out[0] = '\\';
	if (c == '"' || c == '\\') {
		out[1] = c;
		return 2;
	}
	if (byte >= 0x08 && byte <= 0x0D && byte != 0x0B) {
		out[1] = letters[byte - 0x08];
		return 2;
	}
	memcpy(out + 1, "u00", 3);
	out[4] = digits[byte >> 4];
	out[5] = digits[byte & 15];
	return 6;
}

/* What stands for the first byte or sequence of `s`; *taken says how much of
 * `s` it stands for.  Returns its length, at most sizeof(REDACTED) - 1. */
static size_t encode_step(char out[sizeof(REDACTED)], struct str s, size_t *taken)
{
	static const char replacement[] = "\xEF\xBF\xBD";       /* U+FFFD */
	uint8_t byte = (uint8_t)s.ptr[0];

	*taken = 1;
	if (byte >= 0x80) {
		size_t n = sequence_length(s);
		*taken = n == 0 ? 1 : n;
		memcpy(out, n == 0 ? replacement : s.ptr, n == 0 ? 3 : n);
		return n == 0 ? 3 : n;
	}
	size_t secret = byte == 'q' || byte == 'e' ? redact_length(s) : 0;
	if (secret != 0) {
		*taken = secret;
		memcpy(out, REDACTED, sizeof(REDACTED) - 1);
		return sizeof(REDACTED) - 1;
	}
	if (byte == '"' || byte == '\\' || byte < 0x20 || byte == 0x7F)
		return put_escape(out, s.ptr[0]);
	out[0] = s.ptr[0];
	return 1;
}

/* Bytes that stand for themselves: neither escaped, nor part of a sequence, nor
 * the first letter of a key (qv_…) or a token (eyJ…).  A table, since every byte
 * that is logged passes through it. */
static const bool is_plain[256] = {
	[' ' ... '!'] = true, ['#' ... '['] = true, [']' ... 'd'] = true,
	['f' ... 'p'] = true, ['r' ... '~'] = true,
};

static size_t plain_run(struct str s, size_t most)
{
	size_t n = 0, end = s.len < most ? s.len : most;

	for (; n < end; n++) {
		char c = s.ptr[n];
		if (is_plain[(uint8_t)c])
			continue;
		if ((c != 'e' && c != 'q') || n + 1 == s.len ||
		    s.ptr[n + 1] == (c == 'e' ? 'y' : 'v'))
			break;
	}
	return n;
}

/* The value between its quotes, in at most `bound` bytes: what would pass it is
 * left out whole, so that no escape and no sequence is ever cut. */
static void put_escaped(struct log_line *l, struct str value, size_t bound)
{
	uint32_t end = l->len + (uint32_t)bound;

	while (value.len > 0) {
		size_t left = end - l->len;
		size_t run = plain_run(value, left);
		put(l, value.ptr, run);
		value = str_from(value, run);
		if (value.len == 0)
			return;
		char step[sizeof(REDACTED)];
		size_t taken, n = encode_step(step, value, &taken);
		if (n > end - l->len) {
			l->truncated = true;
			return;
		}
		put(l, step, n);
		value = str_from(value, taken);
	}
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

/* Decimal digits, right-aligned in `out`; returns where they begin. */
static char *digits_of(char out[20], uint64_t n)
{
	char *p = out + 20;
	do {
		*--p = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return p;
}

static void put_u64(struct log_line *l, uint64_t n)
{
	char text[20];
	const char *p = digits_of(text, n);
	put(l, p, (size_t)(text + sizeof(text) - p));
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

/* A line that cannot be written is lost: there is nowhere to say so. */
static void write_line(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, text, len);
		if (n >= 0) {
			text += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
			(void)poll(&p, 1, -1);
		} else if (errno != EINTR) {
			return;
		}
	}
}

void log_end(struct log_line *l)
{
	if (!l->on)
		return;
	if (l->truncated)
		put(l, truncated_mark, sizeof(truncated_mark) - 1);
	put(l, "}\n", 2);
	write_line(l->text, l->len);
	l->on = false;
	if (writer.on_line != NULL)
		writer.on_line(writer.context, l->level);
}

/* Without the sequence that a cut left unfinished at the end. */
static struct str whole_sequences(struct str s)
{
	size_t back = 1;

	while (back < s.len && back < 4 && ((uint8_t)s.ptr[s.len - back] & 0xC0) == 0x80)
		back++;
	if (back <= s.len && (uint8_t)s.ptr[s.len - back] >= 0xC0 &&
	    sequence_length(str_from(s, s.len - back)) == 0)
		s.len -= back;
	return s;
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
		message = whole_sequences(str_first(message, sizeof(text) - 1));
		l.truncated = true;
	}
	log_str(&l, "message", message);
	log_end(&l);
}
