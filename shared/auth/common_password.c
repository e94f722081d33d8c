#include "auth/common_password.h"

#define LONGEST_BYTES 64        /* of a password on the list; a test checks it */

/* A line each, sorted. */
static const char list[] =
#include "auth/common_passwords.inc"
;

#define LIST_BYTES (sizeof(list) - 1)

/* The line that byte `at` is in; its newline is not part of it. */
static struct str line_at(size_t at)
{
	const char *end = memchr(list + at, '\n', LIST_BYTES - at);

	while (at > 0 && list[at - 1] != '\n')
		at--;
	return (struct str){ list + at, (size_t)(end - (list + at)) };
}

bool common_password_has(struct str password)
{
	char   lower[LONGEST_BYTES];
	size_t low = 0, high = LIST_BYTES;

	if (password.len > sizeof(lower))
		return false;
	for (size_t i = 0; i < password.len; i++) {
		char c = password.ptr[i];

		lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
	}
	password.ptr = lower;
	/* Bisects bytes: what is between `low` and `high` are whole lines. */
	while (low < high) {
		struct str line = line_at(low + (high - low) / 2);
		int        order = str_compare(password, line);

		if (order == 0)
			return true;
		if (order < 0)
			high = (size_t)(line.ptr - list);
		else
			low = (size_t)(line.ptr - list) + line.len + 1;
	}
	return false;
}

struct str common_password_at(size_t i)
{
	size_t at = 0;

	for (; i > 0 && at < LIST_BYTES; i--)
		at += line_at(at).len + 1;
	return at < LIST_BYTES ? line_at(at) : STR_NONE;
}
