#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_BYTES  64u        /* of a buf's memory; it doubles from there */

void buf_init(struct buf *b, struct arena *arena, size_t max_bytes)
{
	*b = (struct buf){ .arena = arena, .max_bytes = max_bytes };
}

void buf_clean(struct buf *b)
{
	if (b->arena == NULL)
		free(b->ptr);
	buf_init(b, b->arena, b->max_bytes);
}

/* Every buf has one byte more than `cap`: the NUL of buf_cstr always fits. */
static bool set_capacity(struct buf *b, size_t cap)
{
	char *ptr;

	if (cap == SIZE_MAX)
		return false;
	if (b->arena == NULL)
		ptr = realloc(b->ptr, cap + 1);
	else
		ptr = arena_grow(b->arena, b->ptr, b->ptr == NULL ? 0 : b->cap + 1, cap + 1);
	if (ptr == NULL)
		return false;
	b->ptr = ptr;
	b->cap = cap;
	return true;
}

static bool grow(struct buf *b, size_t more)
{
	size_t need, cap;

	if (more > b->max_bytes - b->len)
		return false;
	need = b->len + more;
	cap = b->cap > SIZE_MAX / 2 ? SIZE_MAX : b->cap * 2;
	if (cap < FIRST_BYTES)
		cap = FIRST_BYTES;
	if (cap < need)
		cap = need;
	if (cap > b->max_bytes)
		cap = b->max_bytes;
	/* Less than double will do where the double has no room. */
	return set_capacity(b, cap) || (cap > need && set_capacity(b, need));
}

bool buf_reserve(struct buf *b, size_t more)
{
	if (b->failed)
		return false;
	if (b->ptr != NULL && more <= b->cap - b->len)
		return true;
	b->failed = !grow(b, more);
	return !b->failed;
}

void buf_bytes(struct buf *b, const void *bytes, size_t len)
{
	if (len == 0 || !buf_reserve(b, len))
		return;
	memcpy(b->ptr + b->len, bytes, len);
	b->len += len;
}

void buf_char(struct buf *b, char c)
{
	if (buf_reserve(b, 1))
		b->ptr[b->len++] = c;
}

/* Sign and digits in one append: it is all there or not at all. */
static void add_decimal(struct buf *b, bool negative, uint64_t magnitude)
{
	char  text[21];         /* a sign and UINT64_MAX */
	char *at = text + sizeof(text);

	do {
		*--at = (char)('0' + magnitude % 10);
		magnitude /= 10;
	} while (magnitude > 0);
	if (negative)
		*--at = '-';
	buf_bytes(b, at, (size_t)(text + sizeof(text) - at));
}

void buf_u64(struct buf *b, uint64_t n)
{
	add_decimal(b, false, n);
}

void buf_i64(struct buf *b, int64_t n)
{
	add_decimal(b, n < 0, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	int     len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0)
		b->failed = true;
	if (len <= 0 || !buf_reserve(b, (size_t)len))
		return;
	va_start(args, fmt);
	vsnprintf(b->ptr + b->len, (size_t)len + 1, fmt, args);
	va_end(args);
	b->len += (size_t)len;
}

const char *buf_cstr(struct buf *b)
{
	if (!buf_reserve(b, 0))
		return "";
	b->ptr[b->len] = '\0';
	return b->ptr;
}
