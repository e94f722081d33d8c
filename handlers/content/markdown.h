/*
 * markdown: CommonMark with GitHub's tables, strikethrough and autolinks, and
 * footnotes, to HTML (by cmark-gfm).
 * Lifetime: one call; results are the arena's.
 * Threads:  safe from any.  cmark-gfm's extensions switch process-wide tables
 *           while they parse, so parsing is one thread's at a time.
 * Blocking: while another thread parses: milliseconds, PARSE_CPU_MAX_MS at most.
 */
#ifndef CONTENT_MARKDOWN_H
#define CONTENT_MARKDOWN_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

/* *raw: the HTML with whatever HTML the text has in it, never to be served;
 * *sanitized: what sanitize_html makes of it.  raw may be NULL.
 * Bytes that are not UTF-8, and NUL, become U+FFFD.
 * ERR_TOO_LARGE: over MARKDOWN_MAX_BYTES, or it costs more memory or time than
 *   any honest text (content_limits.h).
 * ERR_NO_MEMORY: the arena or the heap is exhausted. */
NODISCARD enum err markdown_to_html(struct arena *a, struct str text, struct str *raw,
    struct str *sanitized) NONNULL(1, 4);

/* The text's words without any markup, as plain_text_of_html of its HTML. */
NODISCARD enum err markdown_to_text(struct arena *a, struct str text, struct str *plain)
    NONNULL(1, 3);

#endif
