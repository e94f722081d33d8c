/*
 * heading_ids: names for a document's headings that links within it lead to, as GitHub
 * makes them: the heading's text in lower case, letters, digits, hyphens and underscores
 * of it, a hyphen for a space; the second of a name gets "-1", the third "-2".
 * No name is given that the document itself has given; after HEADING_IDS_MAX there are no
 * more.
 * Lifetime: a run of a parser, whose heap it is on.
 * Threads:  one thread's.
 */
#ifndef CONTENT_HEADING_IDS_H
#define CONTENT_HEADING_IDS_H

#include "base/str.h"
#include "content/parse_heap.h"

struct heading_ids;             /* opaque */

struct heading_ids *heading_ids_new(struct parse_heap *heap) NONNULL_ALL;
/* One that the document has; borrowed. */
void heading_ids_add(struct heading_ids *ids, struct str id) NONNULL_ALL;
/* One for a heading of this text; STR_NONE: it has no letter, or there are too many. */
struct str heading_ids_make(struct heading_ids *ids, struct str text) NONNULL_ALL;

#endif
