/*
 * id: identifiers made here.
 * Threads: safe from any.
 */
#ifndef BASE_ID_H
#define BASE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

#define ID_UUID_SIZE  37        /* text form and a NUL */

/* Bytes from the kernel's generator (getrandom); aborts when it fails. */
void id_random(void *out, size_t len) NONNULL_ALL;
/* UUID version 7 (RFC 9562, 5.7) for the time `ms`; rises within one thread. */
void id_uuid7(int64_t ms, char out[ID_UUID_SIZE]) NONNULL_ALL;
/* 36 characters of a UUID of any version, lower case. */
bool id_is_uuid(struct str s) PURE;

#endif
