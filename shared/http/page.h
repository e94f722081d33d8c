/*
 * page: a small HTML page for people: no script, no picture, one style sheet inside,
 * and a policy under which nothing else can be there.
 * open, then markup and page_text into the same buffer, then close.
 */
#ifndef HTTP_PAGE_H
#define HTTP_PAGE_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"
#include "http/response.h"

/* `title` is markup of ours. */
void page_open(struct buf *out, const char *title) NONNULL_ALL;
/* Any text, as text or in the value of a quoted attribute. */
void page_text(struct buf *out, struct str text) NONNULL(1);
/* Makes res->buffer, which the page was written to, the body, with its headers.  Forms
 * may be sent to this origin and, from there, on to `form_target`: a source of
 * Content Security Policy ("https://app.example"), absent for none. */
void page_close(struct response *res, struct str form_target) NONNULL(1);

#endif
