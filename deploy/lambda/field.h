/*
 * field: names and values of header fields, of events and of replies alike.
 * Threads: pure.
 */
#ifndef LAMBDA_FIELD_H
#define LAMBDA_FIELD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

static inline bool field_is_one_of(struct str name, const struct str *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq_nocase(name, list[i]))
			return true;
	return false;
}

/* No control byte but the tab (RFC 9110, 5.5). */
static inline bool field_is_value(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (((unsigned char)s.ptr[i] < 0x20 && s.ptr[i] != '\t') || s.ptr[i] == 0x7F)
			return false;
	return true;
}

#endif
