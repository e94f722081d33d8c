/*
 * code: random texts that people type: letters and digits without those that look
 * alike, in groups, "k7p2-9xwm"; five bits a letter.
 * Threads:  safe from any.
 */
#ifndef AUTH_CODE_H
#define AUTH_CODE_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/crypto.h"
#include "base/str.h"

#define CODE_LETTERS_MAX 32

/* `letters` of them, a hyphen between each two groups of `group`. */
struct str code_new(struct arena *a, size_t letters, size_t group) NONNULL_ALL;

/* SHA-256 in hexadecimal of `purpose` and the code as it was typed: case, hyphens
 * and spaces do not matter.  STR_NONE: it is not `letters` of those
 * that codes have. */
struct str code_hash(struct arena *a, struct str purpose, struct str typed, size_t letters)
    NONNULL(1);

#endif
