#include "base/buf.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/limits.h"
#include "http/trace.h"

#define VERSION_HEX    2
#define TRACE_ID_HEX   32
#define SPAN_ID_HEX    16
#define FLAGS_HEX      2
/* "00-" trace "-" span "-" flags */
#define TRACEPARENT_LENGTH (VERSION_HEX + 1 + TRACE_ID_HEX + 1 + SPAN_ID_HEX + 1 + FLAGS_HEX)
#define FLAG_SAMPLED   0x01             /* the only one level 1 defines */
#define MEMBERS_MAX    32               /* of a tracestate: 3.3.1.1 */
#define VALUE_MAX      256
#define SIMPLE_KEY_MAX 256
#define TENANT_MAX     241
#define SYSTEM_MAX     14

/*
 * xoroshiro128++ (Blackman and Vigna), seeded by the kernel: a span id is
 * unique, not secret, and a system call for each request is the dearer half of it.
 */
static uint64_t random_u64(void)
{
	static _Thread_local uint64_t state[2];
	uint64_t s0, s1, result;

	while ((state[0] | state[1]) == 0)
		id_random(state, sizeof(state));
	s0 = state[0];
	s1 = state[1];
	result = s0 + s1;
	result = (result << 17 | result >> 47) + s0;
	s1 ^= s0;
	state[0] = (s0 << 49 | s0 >> 15) ^ s1 ^ (s1 << 21);
	state[1] = s1 << 28 | s1 >> 36;
	return result;
}

/* `words` times 64 random bits in hexadecimal, not all of them zero. */
static struct str random_hex(struct arena *a, size_t words)
{
	char *text = arena_alloc(a, words * 16 + 1);

	for (size_t i = 0; i < words; i++) {
		uint64_t word = random_u64();
		while (word == 0)
			word = random_u64();
		crypto_hex(&word, sizeof(word), text + i * 16);
	}
	return (struct str){ text, words * 16 };
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_digit(s.ptr[i]) && !(s.ptr[i] >= 'a' && s.ptr[i] <= 'f'))
			return false;
	return true;
}

static bool is_zero(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != '0')
			return false;
	return true;
}

struct parent {
	struct str trace_id, span;
	bool       sampled;
};

/* Takes `digits` hexadecimal digits and the dash behind them off *rest; the last
 * field of version 00 has none. */
static bool take_field(struct str *rest, size_t digits, struct str *out)
{
	*out = str_first(*rest, digits);
	*rest = str_from(*rest, digits);
	if (out->len < digits || !is_hex(*out))
		return false;
	if (rest->len > 0 && rest->ptr[0] != '-')
		return false;
	*rest = str_from(*rest, 1);
	return true;
}

/* 3.2: a higher version may have more behind a dash, 00 may not. */
static bool parse_traceparent(struct str text, struct parent *out)
{
	struct str rest = str_trim(text), version, flags;
	bool       exact = rest.len == TRACEPARENT_LENGTH;

	if (!take_field(&rest, VERSION_HEX, &version) || str_eq(version, STR("ff")))
		return false;
	if (!exact && is_zero(version))
		return false;
	if (!take_field(&rest, TRACE_ID_HEX, &out->trace_id) || is_zero(out->trace_id))
		return false;
	if (!take_field(&rest, SPAN_ID_HEX, &out->span) || is_zero(out->span))
		return false;
	if (!take_field(&rest, FLAGS_HEX, &flags))
		return false;
	/* The sampled flag is the lowest bit: an odd last digit. */
	out->sampled = strchr("13579bdf", flags.ptr[1]) != NULL;
	return true;
}

static bool is_key_char(char c)
{
	return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '*' || c == '/';
}

static bool is_key_part(struct str s, size_t most, bool digit_first)
{
	if (s.len == 0 || s.len > most)
		return false;
	if (!is_lower(s.ptr[0]) && !(digit_first && is_digit(s.ptr[0])))
		return false;
	for (size_t i = 1; i < s.len; i++)
		if (!is_key_char(s.ptr[i]))
			return false;
	return true;
}

/* 3.3.1.3.1: a simple key, or tenant "@" system. */
static bool is_key(struct str s)
{
	struct str system = s, tenant = str_cut(&system, '@');

	if (system.ptr == NULL)
		return is_key_part(s, SIMPLE_KEY_MAX, false);
	return is_key_part(tenant, TENANT_MAX, true) && is_key_part(system, SYSTEM_MAX, false);
}

/* 3.3.1.3.2: printable ASCII but ',' and '=', no space at the end. */
static bool is_value(struct str s)
{
	if (s.len == 0 || s.len > VALUE_MAX || s.ptr[s.len - 1] == ' ')
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7E || s.ptr[i] == ',' || s.ptr[i] == '=')
			return false;
	return true;
}

struct members {
	struct str keys[MEMBERS_MAX], texts[MEMBERS_MAX];
	size_t     count, seen;
};

static bool is_known(const struct members *m, struct str key)
{
	for (size_t i = 0; i < m->count; i++)
		if (str_eq(m->keys[i], key))
			return true;
	return false;
}

/* One list-member; of those with one key the first, which is the newest, stays. */
static bool add_member(struct members *m, struct str text)
{
	struct str value = text, key = str_cut(&value, '=');

	if (!is_key(key) || !is_value(value) || m->seen == MEMBERS_MAX)
		return false;
	m->seen++;
	if (is_known(m, key))
		return true;
	m->keys[m->count] = key;
	m->texts[m->count++] = text;
	return true;
}

static struct str join_members(struct arena *a, const struct members *m)
{
	struct buf out;

	if (m->count == 0)
		return STR_NONE;
	buf_init(&out, a, (size_t)MEMBERS_MAX * (SIMPLE_KEY_MAX + VALUE_MAX + 2));
	for (size_t i = 0; i < m->count; i++) {
		if (i > 0)
			BUF_LIT(&out, ",");
		buf_add(&out, m->texts[i]);
	}
	return buf_failed(&out) ? STR_NONE : buf_str(&out);
}

/* All tracestate headers are one list (3.3.1.4).  STR_NONE when malformed. */
static struct str read_tracestate(struct arena *a, const struct str *headers, size_t n)
{
	struct members members;

	members.count = members.seen = 0;
	for (size_t i = 0; i < n; i++) {
		struct str rest = headers[i];
		while (rest.ptr != NULL) {
			struct str member = str_trim(str_cut(&rest, ','));
			if (member.len > 0 && !add_member(&members, member))
				return STR_NONE;
		}
	}
	return join_members(a, &members);
}

static struct str format_traceparent(struct arena *a, const struct trace *t)
{
	struct buf out;

	buf_init(&out, a, TRACEPARENT_LENGTH);
	BUF_LIT(&out, "00-");
	buf_add(&out, t->trace_id);
	BUF_LIT(&out, "-");
	buf_add(&out, t->span);
	BUF_LIT(&out, "-");
	buf_add(&out, t->flags);
	return buf_str(&out);
}

void trace_continue(struct arena *a, const struct str *traceparent, size_t n_traceparent,
    const struct str *tracestate, size_t n_tracestate, struct trace *out)
{
	struct parent parent;

	*out = (struct trace){ .flags = STR("00") };
	if (n_traceparent == 1 && parse_traceparent(traceparent[0], &parent)) {
		out->trace_id = parent.trace_id;
		out->parent = parent.span;
		out->flags = parent.sampled ? STR("01") : STR("00");
		out->state = read_tracestate(a, tracestate, n_tracestate);
	} else {
		out->trace_id = random_hex(a, 2);
	}
	out->span = random_hex(a, 1);
	out->traceparent = format_traceparent(a, out);
}

static bool is_request_id(struct str s)
{
	if (s.len == 0 || s.len > REQUEST_ID_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];
		if (!is_lower(c) && !is_digit(c) && !(c >= 'A' && c <= 'Z') &&
		    c != '.' && c != '_' && c != '-')
			return false;
	}
	return true;
}

struct str trace_request_id(struct arena *a, struct str given, int64_t now_ms)
{
	char *id;

	if (is_request_id(given))
		return given;
	id = arena_alloc(a, ID_UUID_SIZE);
	id_uuid7(now_ms, id);
	return (struct str){ id, ID_UUID_SIZE - 1 };
}
