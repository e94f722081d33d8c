/*
 * common_password: the passwords that guessers try first.
 * The list is common_passwords.txt, compiled in (deploy/cmake/quiver.cmake).
 * Threads:  safe from any.
 * Blocking: never; some hundred nanoseconds.
 */
#ifndef AUTH_COMMON_PASSWORD_H
#define AUTH_COMMON_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

/* Whether it is on the list, in any case of its letters. */
bool common_password_has(struct str password);

/* Row `i` of the list, in its order; STR_NONE past the end: for tests. */
struct str common_password_at(size_t i);

#endif
