/*
 * Cursors of any bytes: only what cursor_make gave is one, in one spelling, for
 * one list; and any position comes back as it went in.
 */
#include <stdlib.h>

#include "http/cursor.h"

#define POSITION_MAX_BYTES 700          /* a cursor of it is under CURSOR_MAX_BYTES */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t key[SECRET_BYTES] = { 1, 2, 3 };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_made(struct arena *a, struct str position)
{
	struct str cursor = cursor_make(a, key, STR("/v1/blog"), position), back;
	char *changed = arena_cstr(a, cursor);

	require(cursor_open(a, key, STR("/v1/blog"), cursor, &back) == OK && str_eq(back, position));
	require(cursor_open(a, key, STR("/v1/projects"), cursor, &back) == ERR_INVALID);
	changed[position.len % cursor.len] ^= 1;
	require(cursor_open(a, key, STR("/v1/blog"), (struct str){ changed, cursor.len }, &back) ==
	    ERR_INVALID);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { size == 0 ? "" : (const char *)data, size }, position;
	struct arena a;

	arena_init(&a, 16u << 20);
	if (cursor_open(&a, key, STR("/v1/blog"), text, &position) == OK)
		require(str_eq(cursor_make(&a, key, STR("/v1/blog"), position), text));
	/* A position is text of ours: sort keys. */
	if (size > 0 && size <= POSITION_MAX_BYTES && str_index(text, '\0') == text.len)
		check_made(&a, text);
	arena_clean(&a);
	return 0;
}
