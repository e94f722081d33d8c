/*
 * markdown_words: the words of Markdown, without parsing it.
 * For full-text search and reading_minutes, which every write needs: rendering a
 * body to find its words takes a hundred times as long, and they forgive what a
 * line scanner gets wrong (an odd link, markup within code).
 * Threads: pure function.
 */
#ifndef CONTENT_MARKDOWN_WORDS_H
#define CONTENT_MARKDOWN_WORDS_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/str.h"

/* What stands between white space and has a letter or a digit in it, with one
 * space between, marks of emphasis and all: neither a tokenizer nor a count minds
 * them.  Left out are addresses of links and images, HTML tags and comments,
 * definitions of references, and the lines that fence code. */
NODISCARD struct str markdown_words(struct arena *a, struct str text) NONNULL(1);

#endif
