/*
 * opaque_token: a random text that stands for something: a session, a code, a client.
 * A prefix that says what it is (scanners for leaks look for it) and 256 random bits
 * in base64url.  The store has its SHA-256 alone: so many random bits need no slow
 * hash.
 * Threads: safe from any.
 */
#ifndef AUTH_OPAQUE_TOKEN_H
#define AUTH_OPAQUE_TOKEN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

#define OPAQUE_RANDOM_TEXT_BYTES 43     /* 256 bits in base64url */

/* 256 random bits as text. */
struct str opaque_random(struct arena *a) NONNULL_ALL;
/* A new one of that prefix. */
struct str opaque_token_new(struct arena *a, const char *prefix) NONNULL_ALL;
/* Whether it has the form of one: what has not costs no I/O. */
bool opaque_token_is(struct arena *a, struct str text, const char *prefix) NONNULL(1, 3);
/* Its SHA-256 in hexadecimal; and "KIND#" with that behind, the partition key of what
 * it stands for. */
struct str opaque_token_hash(struct arena *a, struct str token) NONNULL(1);
struct str opaque_token_key(struct arena *a, const char *kind, struct str token) NONNULL(1, 2);

#endif
