#include "base/str.h"

static unsigned char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : (unsigned char)c;
}

bool str_eq_nocase(struct str a, struct str b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (fold(a.ptr[i]) != fold(b.ptr[i]))
			return false;
	return true;
}

int str_compare(struct str a, struct str b)
{
	size_t common = a.len < b.len ? a.len : b.len;
	int    order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, common);

	if (order != 0)
		return order;
	return (a.len > b.len) - (a.len < b.len);
}

size_t str_index(struct str s, char c)
{
	const char *found = s.len == 0 ? NULL : memchr(s.ptr, c, s.len);

	return found == NULL ? s.len : (size_t)(found - s.ptr);
}

bool str_contains(struct str s, struct str needle)
{
	if (needle.len == 0)
		return true;
	if (needle.len > s.len)
		return false;
	return memmem(s.ptr, s.len, needle.ptr, needle.len) != NULL;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
	while (s.len > 0 && is_space(s.ptr[s.len - 1]))
		s.len--;
	while (s.len > 0 && is_space(s.ptr[0]))
		s = str_from(s, 1);
	return s;
}

struct str str_cut(struct str *rest, char sep)
{
	size_t     at = str_index(*rest, sep);
	struct str head = str_first(*rest, at);

	*rest = at == rest->len ? STR_NONE : str_from(*rest, at + 1);
	return head;
}

bool str_to_u64(struct str s, uint64_t *out)
{
	uint64_t n = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(s.ptr[i] - '0'), &n))
			return false;
	}
	*out = n;
	return true;
}

bool str_to_i64(struct str s, int64_t *out)
{
	bool     negative = str_starts(s, STR("-"));
	uint64_t n;

	if (!str_to_u64(str_from(s, negative), &n))
		return false;
	if (n > (uint64_t)INT64_MAX + negative)
		return false;
	/* Negated unsigned: -INT64_MIN has no signed form on the way. */
	*out = (int64_t)(negative ? 0 - n : n);
	return true;
}

/* RFC 3629, section 4: what may follow a lead byte.  Only the second byte's
 * range differs; those behind it are 80..BF. */
static const struct utf8_form {
	unsigned char lead_min, lead_max, second_min, second_max, length;
} utf8_forms[] = {
	{ 0xC2, 0xDF, 0x80, 0xBF, 2 },
	{ 0xE0, 0xE0, 0xA0, 0xBF, 3 },  /* not overlong */
	{ 0xE1, 0xEC, 0x80, 0xBF, 3 },
	{ 0xED, 0xED, 0x80, 0x9F, 3 },  /* no surrogate */
	{ 0xEE, 0xEF, 0x80, 0xBF, 3 },
	{ 0xF0, 0xF0, 0x90, 0xBF, 4 },  /* not overlong */
	{ 0xF1, 0xF3, 0x80, 0xBF, 4 },
	{ 0xF4, 0xF4, 0x80, 0x8F, 4 },  /* not over U+10FFFF */
};

static const struct utf8_form *utf8_form_of(unsigned char lead)
{
	for (size_t i = 0; i < COUNT(utf8_forms); i++)
		if (lead >= utf8_forms[i].lead_min && lead <= utf8_forms[i].lead_max)
			return &utf8_forms[i];
	return NULL;
}

/* How many bytes at the front of `s` agree with `form`. */
static size_t utf8_matching(const struct utf8_form *form, struct str s)
{
	unsigned char min = form->second_min, max = form->second_max;
	size_t        n = 1;

	while (n < form->length && n < s.len) {
		unsigned char c = (unsigned char)s.ptr[n];
		if (c < min || c > max)
			break;
		min = 0x80;
		max = 0xBF;
		n++;
	}
	return n;
}

bool str_utf8_step(struct str s, size_t *length)
{
	const struct utf8_form *form;

	*length = 1;
	if ((unsigned char)s.ptr[0] < 0x80)
		return true;
	form = utf8_form_of((unsigned char)s.ptr[0]);
	if (form == NULL)
		return false;
	*length = utf8_matching(form, s);
	return *length == form->length;
}

/* How many bytes at the front are ASCII; eight at a time, as most text is. */
static size_t ascii_run(struct str s)
{
	size_t n = 0;

	while (s.len - n >= sizeof(uint64_t)) {
		uint64_t word;
		memcpy(&word, s.ptr + n, sizeof(word));
		if ((word & 0x8080808080808080u) != 0)
			break;
		n += sizeof(word);
	}
	while (n < s.len && (unsigned char)s.ptr[n] < 0x80)
		n++;
	return n;
}

bool str_is_utf8(struct str s)
{
	for (s = str_from(s, ascii_run(s)); s.len > 0; s = str_from(s, ascii_run(s))) {
		size_t length;
		if (!str_utf8_step(s, &length))
			return false;
		s = str_from(s, length);
	}
	return true;
}

size_t str_code_points(struct str s)
{
	size_t count = 0;

	for (size_t i = 0; i < s.len; i++)
		count += ((unsigned char)s.ptr[i] & 0xC0) != 0x80;
	return count;
}

bool str_has_control(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7F)
			return true;
	return false;
}

uint64_t str_hash(struct str s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < s.len; i++)
		h = (h ^ (unsigned char)s.ptr[i]) * 0x100000001b3u;
	/* FNV's low bits are weak and tables use those: the finaliser of
	 * MurmurHash3 lets every bit reach every other. */
	h = (h ^ (h >> 33)) * 0xff51afd7ed558ccdu;
	h = (h ^ (h >> 33)) * 0xc4ceb9fe1a85ec53u;
	return h ^ (h >> 33);
}
