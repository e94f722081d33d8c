/*
 * rendering: the HTML of an item's body, kept in the store beside it.
 * It is made when somebody first asks for it and made again after a change; a
 * lost one costs the work of making it.
 */
#ifndef CONTENT_RENDERING_H
#define CONTENT_RENDERING_H

#include "content/placement.h"
#include "store/store.h"

/* Sanitised HTML as a JSON string, quotes and all.  `text` is the stored
 * document.  A body that costs more than markdown_to_html pays is shown as it was
 * written.  ERR_TOO_LARGE: over STORE_ITEM_MAX_BYTES. */
NODISCARD enum err rendering_of(struct store_connection *store, struct arena *a,
    const struct collection *c, const struct document_head *h, struct str text, int64_t now_ms,
    struct str *html) NONNULL(1, 2, 3, 4, 7);

#endif
