/*
 * modified: Last-Modified dates of what is made of many items, by which no
 * If-Modified-Since is told 304 wrongly (RFC 9110, 8.8.2 and 13.1.3).
 * The newest update among the items shown is no such date: one that was removed
 * leaves it as it is.  So the date is the one since when nothing is known to have
 * been written, and it is later than the true one when something else was.
 * A date knows seconds.  Of two states within one, the second gets the next one:
 * until that has come a reply shows the present one (response.h), and who sends
 * that gets the whole reply again.
 * Threads:  safe from any; the watch in any process: it is one word that all of
 *           this machine share (segment "content"), so that they agree.
 * Blocking: never.
 */
#ifndef CONTENT_MODIFIED_H
#define CONTENT_MODIFIED_H

#include "base/segment.h"
#include "content/document.h"
#include "store/store.h"

/* The date, in seconds, of a state first met at `now_s`, when the one before it has
 * `before_s`. */
int64_t modified_after(int64_t before_s, int64_t now_s) PURE;

struct modified_watch {
	struct segment segment;
};

/* What was shown before may have been made by other settings: it counts as another
 * state.  ERR_IO: errno says why. */
NODISCARD enum err modified_watch_open(const char *state_dir, struct modified_watch *out)
    NONNULL_ALL;
void modified_watch_close(struct modified_watch *w) NONNULL_ALL;

/* Since when the store is as in `snapshot`, taken before what is shown is read;
 * NULL: it cannot be told, and counts as another state.  `now_ms` is the clock
 * after the snapshot was taken. */
int64_t modified_watch_ms(const struct modified_watch *w, const struct store_snapshot *snapshot,
    int64_t now_ms) NONNULL(1);

/* When a visible item appeared, if no write made it do so then; else 0.  Of a list,
 * newest first, the first item's is the last such change. */
int64_t modified_by_itself(const struct document_head *h) NONNULL_ALL;
/* The same of a page of a list, whose first item `h` is. */
int64_t modified_page_by_itself(const struct collection *c, const struct document_head *h,
    int64_t now_ms) NONNULL_ALL;

#endif
