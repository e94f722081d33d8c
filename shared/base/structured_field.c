#include "base/structured_field.h"

#include <string.h>

#include "base/crypto.h"

#define INTEGER_DIGITS_MAX  15
#define DECIMAL_DIGITS_MAX  12      /* before the point */
#define FRACTION_DIGITS_MAX 3
#define THOUSANDTHS         1000

/* What is left to read, and where what is read goes. */
struct reader {
	struct arena *arena;
	struct str    rest;
};

/* --- characters ------------------------------------------------------------------- */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_alpha(char c)
{
	return is_lower(c) || (c >= 'A' && c <= 'Z');
}

/* Of a key behind its first one. */
static bool is_key_char(char c)
{
	return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
}

/* Of a token behind its first one: tchar (RFC 9110, 5.6.2), ':' and '/'. */
static bool is_token_char(char c)
{
	return is_alpha(c) || is_digit(c) || (c != '\0' && strchr("!#$%&'*+-.^_`|~:/", c) != NULL);
}

/* The next character, or NUL at the end; a NUL itself is never one that is looked for. */
static char peek(const struct reader *r)
{
	return r->rest.len == 0 ? '\0' : r->rest.ptr[0];
}

static bool take(struct reader *r, char c)
{
	if (r->rest.len == 0 || r->rest.ptr[0] != c)
		return false;
	r->rest = str_from(r->rest, 1);
	return true;
}

static struct str take_while(struct reader *r, bool (*fits)(char))
{
	size_t n = 0;

	while (n < r->rest.len && fits(r->rest.ptr[n]))
		n++;
	struct str taken = str_first(r->rest, n);
	r->rest = str_from(r->rest, n);
	return taken;
}

static void skip_spaces(struct reader *r)
{
	while (take(r, ' '))
		;
}

/* OWS (RFC 9110, 5.6.3): between members. */
static void skip_blanks(struct reader *r)
{
	while (take(r, ' ') || take(r, '\t'))
		;
}

/* --- lists that grow --------------------------------------------------------------- */

/* Room for one more of `size` bytes behind `count` of them: *list doubles at 4, 8, … */
static enum err make_room(struct arena *a, void **list, size_t count, size_t most, size_t size)
{
	size_t room = count < 4 ? 4 : 2 * count;

	if (count >= most)
		return ERR_TOO_LARGE;
	if (count != 0 && (count < 4 || (count & (count - 1)) != 0))
		return OK;
	void *grown = arena_grow(a, *list, count * size, room * size);
	if (grown == NULL)
		return ERR_NO_MEMORY;
	*list = grown;
	return OK;
}

/* --- bare items (RFC 8941, 4.2.3.1 to 4.2.8) --------------------------------------- */

static int64_t digits_value(struct str digits)
{
	int64_t n = 0;

	for (size_t i = 0; i < digits.len; i++)
		n = 10 * n + (digits.ptr[i] - '0');
	return n;
}

static enum err read_fraction(struct reader *r, int64_t whole, int64_t *number)
{
	struct str fraction = take_while(r, is_digit);
	int64_t    thousandths = digits_value(str_first(fraction, FRACTION_DIGITS_MAX));

	if (fraction.len == 0 || fraction.len > FRACTION_DIGITS_MAX)
		return ERR_INVALID;
	for (size_t i = fraction.len; i < FRACTION_DIGITS_MAX; i++)
		thousandths *= 10;
	*number = whole * THOUSANDTHS + thousandths;
	return OK;
}

static enum err read_number(struct reader *r, struct sf_value *out)
{
	bool       negative = take(r, '-');
	struct str digits = take_while(r, is_digit);
	int64_t    n = digits_value(str_first(digits, INTEGER_DIGITS_MAX));
	enum err   e = OK;

	if (digits.len == 0 || digits.len > INTEGER_DIGITS_MAX)
		return ERR_INVALID;
	*out = (struct sf_value){ .kind = SF_INTEGER };
	if (take(r, '.')) {
		if (digits.len > DECIMAL_DIGITS_MAX)
			return ERR_INVALID;
		out->kind = SF_DECIMAL;
		e = read_fraction(r, n, &n);
	}
	out->number = negative ? -n : n;
	return e;
}

/* How long a string is up to the quote that ends it; false when none does, or when it
 * holds what no string may. */
static bool string_length(struct str s, size_t *len)
{
	size_t i = 0;

	while (i < s.len && s.ptr[i] != '"') {
		if (s.ptr[i] == '\\') {
			i++;
			if (i == s.len || (s.ptr[i] != '"' && s.ptr[i] != '\\'))
				return false;
		}
		if (s.ptr[i] < 0x20 || s.ptr[i] > 0x7E)
			return false;
		i++;
	}
	*len = i;
	return i < s.len;
}

/* Behind its first quote. */
static enum err read_string(struct reader *r, struct sf_value *out)
{
	size_t raw, len = 0;

	if (!string_length(r->rest, &raw))
		return ERR_INVALID;
	char *text = arena_try(r->arena, raw + 1);
	if (text == NULL)
		return ERR_NO_MEMORY;
	for (size_t i = 0; i < raw; i++) {
		if (r->rest.ptr[i] == '\\')
			i++;
		text[len++] = r->rest.ptr[i];
	}
	text[len] = '\0';
	r->rest = str_from(r->rest, raw + 1);
	*out = (struct sf_value){ .kind = SF_STRING, .text = { text, len } };
	return OK;
}

/* Behind its first colon. */
static enum err read_bytes(struct reader *r, struct sf_value *out)
{
	size_t end = str_index(r->rest, ':');

	if (end == r->rest.len)
		return ERR_INVALID;
	*out = (struct sf_value){ .kind = SF_BYTES };
	enum err e = crypto_base64_decode(r->arena, str_first(r->rest, end), &out->text);
	r->rest = str_from(r->rest, end + 1);
	return e;
}

static enum err read_boolean(struct reader *r, struct sf_value *out)
{
	*out = (struct sf_value){ .kind = SF_BOOLEAN, .number = peek(r) == '1' };
	return take(r, '0') || take(r, '1') ? OK : ERR_INVALID;
}

static enum err read_value(struct reader *r, struct sf_value *out)
{
	char c = peek(r);

	if (c == '-' || is_digit(c))
		return read_number(r, out);
	if (take(r, '"'))
		return read_string(r, out);
	if (take(r, ':'))
		return read_bytes(r, out);
	if (take(r, '?'))
		return read_boolean(r, out);
	if (c != '*' && !is_alpha(c))
		return ERR_INVALID;
	*out = (struct sf_value){ .kind = SF_TOKEN, .text = take_while(r, is_token_char) };
	return OK;
}

/* --- what is made of them ----------------------------------------------------------- */

static enum err read_key(struct reader *r, struct str *out)
{
	if (peek(r) != '*' && !is_lower(peek(r)))
		return ERR_INVALID;
	*out = take_while(r, is_key_char);
	return out->len > SF_KEY_MAX_BYTES ? ERR_TOO_LARGE : OK;
}

/* The place for `key`: that of an earlier one, which it then replaces, or a new one. */
static enum err parameter_slot(struct arena *a, struct sf_parameters *p, struct str key,
    struct sf_parameter **out)
{
	for (size_t i = 0; i < p->count; i++)
		if (str_eq(p->list[i].key, key)) {
			*out = &p->list[i];
			return OK;
		}
	void    *list = p->list;
	enum err e = make_room(a, &list, p->count, SF_PARAMETERS_MAX, sizeof(*p->list));
	if (e != OK)
		return e;
	p->list = list;
	*out = &p->list[p->count++];
	(*out)->key = key;
	return OK;
}

static enum err read_parameters(struct reader *r, struct sf_parameters *out)
{
	*out = (struct sf_parameters){ 0 };
	while (take(r, ';')) {
		struct sf_value      value = { .kind = SF_BOOLEAN, .number = 1 };
		struct sf_parameter *slot;
		struct str           key;

		skip_spaces(r);
		enum err e = read_key(r, &key);
		if (e == OK && take(r, '='))
			e = read_value(r, &value);
		if (e == OK)
			e = parameter_slot(r->arena, out, key, &slot);
		if (e != OK)
			return e;
		slot->value = value;
	}
	return OK;
}

static enum err read_item(struct reader *r, struct sf_item *out)
{
	enum err e = read_value(r, &out->value);

	return e == OK ? read_parameters(r, &out->parameters) : e;
}

/* Behind its first parenthesis, up to the one that ends it. */
static enum err read_inner_items(struct reader *r, struct sf_member *out)
{
	for (;;) {
		void *list = out->inner;

		skip_spaces(r);
		if (take(r, ')'))
			return OK;
		enum err e = make_room(r->arena, &list, out->n_inner, SF_INNER_MAX, sizeof(*out->inner));
		if (e != OK)
			return e;
		out->inner = list;
		e = read_item(r, &out->inner[out->n_inner++]);
		if (e != OK)
			return e;
		if (peek(r) != ' ' && peek(r) != ')')
			return ERR_INVALID;
	}
}

/* What stands in a list, or behind a key's "=". */
static enum err read_member(struct reader *r, struct sf_member *out)
{
	if (!take(r, '('))
		return read_item(r, &out->item);
	out->is_inner = true;
	enum err e = read_inner_items(r, out);
	return e == OK ? read_parameters(r, &out->item.parameters) : e;
}

static enum err read_dictionary_member(struct reader *r, struct sf_member *out)
{
	enum err e = read_key(r, &out->key);

	if (e != OK)
		return e;
	if (take(r, '='))
		return read_member(r, out);
	out->item.value = (struct sf_value){ .kind = SF_BOOLEAN, .number = 1 };
	return read_parameters(r, &out->item.parameters);
}

/* Puts it in the place of the one with its key, or behind all others. */
static enum err add_member(struct arena *a, struct sf_members *m, const struct sf_member *new)
{
	for (size_t i = 0; new->key.ptr != NULL && i < m->count; i++)
		if (str_eq(m->list[i].key, new->key)) {
			m->list[i] = *new;
			m->repeated = true;
			return OK;
		}
	void    *list = m->list;
	enum err e = make_room(a, &list, m->count, SF_MEMBERS_MAX, sizeof(*m->list));
	if (e != OK)
		return e;
	m->list = list;
	m->list[m->count++] = *new;
	return OK;
}

static enum err read_members(struct reader *r,
    enum err (*read_one)(struct reader *, struct sf_member *), struct sf_members *out)
{
	*out = (struct sf_members){ 0 };
	while (r->rest.len > 0) {
		struct sf_member member = { 0 };
		enum err         e = read_one(r, &member);

		if (e == OK)
			e = add_member(r->arena, out, &member);
		if (e != OK)
			return e;
		skip_blanks(r);
		if (r->rest.len == 0)
			return OK;
		if (!take(r, ','))
			return ERR_INVALID;
		skip_blanks(r);
		if (r->rest.len == 0)
			return ERR_INVALID;     /* a comma with nothing behind it */
	}
	return OK;
}

/* --- a whole field ------------------------------------------------------------------ */

static enum err start(struct reader *r, struct arena *a, struct str text)
{
	*r = (struct reader){ a, text };
	if (text.len > SF_MAX_BYTES)
		return ERR_TOO_LARGE;
	skip_spaces(r);
	return OK;
}

/* Spaces alone may stand behind the value. */
static enum err finish(struct reader *r)
{
	skip_spaces(r);
	return r->rest.len == 0 ? OK : ERR_INVALID;
}

enum err sf_read_item(struct arena *a, struct str text, struct sf_item *out)
{
	struct reader r;
	enum err      e = start(&r, a, text);

	if (e == OK)
		e = read_item(&r, out);
	return e == OK ? finish(&r) : e;
}

enum err sf_read_list(struct arena *a, struct str text, struct sf_members *out)
{
	struct reader r;
	enum err      e = start(&r, a, text);

	if (e == OK)
		e = read_members(&r, read_member, out);
	return e == OK ? finish(&r) : e;
}

enum err sf_read_dictionary(struct arena *a, struct str text, struct sf_members *out)
{
	struct reader r;
	enum err      e = start(&r, a, text);

	if (e == OK)
		e = read_members(&r, read_dictionary_member, out);
	return e == OK ? finish(&r) : e;
}

const struct sf_member *sf_member(const struct sf_members *m, struct str key)
{
	for (size_t i = 0; i < m->count; i++)
		if (str_eq(m->list[i].key, key))
			return &m->list[i];
	return NULL;
}

const struct sf_value *sf_parameter(const struct sf_parameters *p, struct str key)
{
	for (size_t i = 0; i < p->count; i++)
		if (str_eq(p->list[i].key, key))
			return &p->list[i].value;
	return NULL;
}
