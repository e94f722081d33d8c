/*
 * plain_text: the words of a body, for full-text search, excerpts and
 * reading_minutes.
 * Lifetime: one call; results are the arena's.
 * Threads:  safe from any.
 */
#ifndef CONTENT_PLAIN_TEXT_H
#define CONTENT_PLAIN_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

/* The text of HTML that sanitize_html wrote (and of no other: it relies on its
 * form): a line per block, runs of white space as one space.
 * ERR_TOO_LARGE: the arena is exhausted. */
NODISCARD enum err plain_text_of_html(struct arena *a, struct str sanitized, struct str *text)
    NONNULL(1, 3);

/* Words between white space; of scripts that put none between words (Han, Kana)
 * every character is one, as in Unicode's UAX #29. */
size_t plain_text_words(struct str text);

/* ceil(words / WORDS_PER_MINUTE), at least 1. */
uint32_t plain_text_reading_minutes(struct str text);

/* The first `max` code points, cut at a space where there is one and ended by
 * an ellipsis; a shorter text as it is, its lines joined by spaces. */
NODISCARD struct str plain_text_excerpt(struct arena *a, struct str text, size_t max) NONNULL(1);

#endif
