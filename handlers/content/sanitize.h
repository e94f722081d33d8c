/*
 * sanitize: HTML from a body, made safe to put into a page.
 * The text is parsed as a browser parses it (HTML5, by gumbo) and written anew
 * from the tree: only elements and attributes of html_elements.h, in one
 * canonical form without comments, foreign content or raw text, so that a
 * second parse finds what the first one saw (no mXSS).
 *   URLs        http, https, mailto (links), and relative ones
 *   links       those to other hosts get rel="nofollow noopener noreferrer"
 *   id          prefixed with "user-content-", so that it names nothing of the
 *               page around it; "#name" links follow.  A heading without one gets
 *               one of its text (heading_ids.h)
 *   class       only language-… on code
 * Lifetime: one call; the result is the arena's.
 * Threads:  safe from any.
 */
#ifndef CONTENT_SANITIZE_H
#define CONTENT_SANITIZE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#define SANITIZE_ID_PREFIX "user-content-"

/* ERR_TOO_LARGE: over RENDERED_MAX_BYTES, or the parser over its bounds.
 * ERR_NO_MEMORY: the arena or the heap is exhausted. */
NODISCARD enum err sanitize_html(struct arena *a, struct str html, struct str *out)
    NONNULL(1, 3);

enum url_kind {
	URL_REFUSED = 0,        /* another scheme, a control byte, or nothing that one can be sure of */
	URL_RELATIVE,           /* on the same host; a fragment is one too */
	URL_EXTERNAL,           /* http, https, or with a host of its own */
	URL_MAIL,
};

/* What a browser makes of a URL (WHATWG URL, 4.4: the scheme's state machine,
 * after removing outer spaces). */
enum url_kind sanitize_url_kind(struct str url);

#endif
