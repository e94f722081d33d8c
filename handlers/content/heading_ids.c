#include "content/heading_ids.h"

#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <wctype.h>

#include "content/content_limits.h"

#define SLOTS (2 * HEADING_IDS_MAX)     /* a power of two, at most half full */

struct slot {
	struct str id;
	unsigned   next;        /* the number that the next one of that name tries first */
};

struct heading_ids {
	struct parse_heap *heap;
	struct slot       *slots;
	size_t             count;
};

struct heading_ids *heading_ids_new(struct parse_heap *heap)
{
	struct heading_ids *ids = parse_heap_calloc(heap, 1, sizeof(*ids));

	ids->heap = heap;
	return ids;
}

/* Most documents have few headings, and many no heading at all. */
static struct slot *slot_of(struct heading_ids *ids, struct str id)
{
	size_t i = (size_t)str_hash(id) % SLOTS;

	if (ids->slots == NULL)
		ids->slots = parse_heap_calloc(ids->heap, SLOTS, sizeof(*ids->slots));
	while (ids->slots[i].id.ptr != NULL && !str_eq(ids->slots[i].id, id))
		i = (i + 1) % SLOTS;
	return &ids->slots[i];
}

/* False: it is there already. */
static bool add(struct heading_ids *ids, struct str id)
{
	struct slot *s = slot_of(ids, id);

	if (s->id.ptr != NULL)
		return false;
	*s = (struct slot){ id, 1 };
	ids->count++;
	return true;
}

void heading_ids_add(struct heading_ids *ids, struct str id)
{
	if (id.len > 0 && ids->count < HEADING_IDS_MAX)
		(void)add(ids, id);
}

/* --- text ------------------------------------------------------------------------ */

static pthread_once_t located = PTHREAD_ONCE_INIT;
static locale_t       unicode;          /* 0: what is beyond ASCII stays as it is */
static wctype_t       combining;        /* accents that are characters of their own */

static void locate(void)
{
	unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (unicode != (locale_t)0)
		combining = wctype_l("combining", unicode);
}

/* The code point at the front of what is UTF-8. */
static wint_t decode(struct str s, size_t length)
{
	static const unsigned char masks[] = { 0, 0x7F, 0x1F, 0x0F, 0x07 };
	wint_t c = (unsigned char)s.ptr[0] & masks[length];

	for (size_t i = 1; i < length; i++)
		c = c << 6 | ((unsigned char)s.ptr[i] & 0x3F);
	return c;
}

static size_t encode(wint_t c, char out[4])
{
	static const unsigned char heads[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
	size_t length = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = length; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3F));
	out[0] = (char)(heads[length] | c);
	return length;
}

/* What a code point becomes; 0: nothing. */
static wint_t slug_char(wint_t c)
{
	if (c < 0x80) {
		if (c >= 'A' && c <= 'Z')
			return c | 0x20;
		if (c == ' ' || c == '\n')
			return '-';
		return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ?
		    c : 0;
	}
	if (unicode == (locale_t)0)
		return c;
	if (iswalnum_l(c, unicode) != 0)
		return towlower_l(c, unicode);
	return iswctype_l(c, combining, unicode) != 0 ? c : 0;
}

/* An accent alone, or a hyphen, is no name. */
static bool is_letter(wint_t c)
{
	return c < 0x80 || unicode == (locale_t)0 ? c != '-' : iswalnum_l(c, unicode) != 0;
}

/* In `out`, and how long it is; 0: no slug. */
static size_t slug_of(struct str text, char out[HTML_ID_MAX_BYTES])
{
	size_t len = 0, length, n;
	bool   letter = false;
	char   one[4];

	text = str_trim(text);
	while (text.len > 0) {
		wint_t c;

		if (!str_utf8_step(text, &length))
			return 0;
		c = slug_char(decode(text, length));
		text = str_from(text, length);
		if (c == 0)
			continue;
		n = encode(c, one);
		if (len + n > HTML_ID_MAX_BYTES)
			return 0;       /* nobody types it into a link */
		memcpy(out + len, one, n);
		len += n;
		letter = letter || is_letter(c);
	}
	return letter ? len : 0;
}

static struct str keep(struct heading_ids *ids, const char *text, size_t len)
{
	char *copy = parse_heap_calloc(ids->heap, 1, len + 1);

	memcpy(copy, text, len);
	return (struct str){ copy, len };
}

struct str heading_ids_make(struct heading_ids *ids, struct str text)
{
	char         slug[HTML_ID_MAX_BYTES + sizeof("-4294967295")];
	struct str   id;
	struct slot *first;
	size_t       len;

	pthread_once(&located, locate);
	len = slug_of(text, slug);
	if (len == 0 || ids->count >= HEADING_IDS_MAX)
		return STR_NONE;
	id = keep(ids, slug, len);
	if (add(ids, id))
		return id;
	first = slot_of(ids, id);
	do {
		int digits = snprintf(slug + len, sizeof(slug) - len, "-%u", first->next++);

		id = (struct str){ slug, len + (size_t)digits };
	} while (slot_of(ids, id)->id.ptr != NULL);
	id = keep(ids, id.ptr, id.len);
	(void)add(ids, id);
	return id;
}
