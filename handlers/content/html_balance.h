/*
 * html_balance: HTML that any parser reads in bounded steps.
 * HTML5 asks a parser to keep every element that was never closed and, at each
 * character, to look through them; ten thousand open tags stop gumbo for
 * minutes.  One pass over the text, with a stack of fixed size, closes what is
 * open, drops what is too deep, and leaves out what the sanitiser would refuse
 * with its contents anyway, and comments.  It decides nothing about safety: that
 * is sanitize.c's, on the tree of a real parser.
 * Lifetime: one call.
 * Threads:  safe from any.
 */
#ifndef CONTENT_HTML_BALANCE_H
#define CONTENT_HTML_BALANCE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

/* Appends `html` balanced and at most HTML_DEPTH_MAX deep; tags that are kept
 * keep their attributes as they were written. */
void html_balance(struct buf *out, struct str html) NONNULL(1);

#endif
