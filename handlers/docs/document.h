/*
 * document: openapi.json of the installation, merged from openapi/NAME.json,
 * which each handler printed of itself (NAME --openapi) when it was built.
 */
#ifndef DOCS_DOCUMENT_H
#define DOCS_DOCUMENT_H

#include "docs/state.h"

/* ERR_INVALID: a part is no OpenAPI document; *reason (from `a`) says which. */
enum err document_load(struct docs_state *s, struct str public_url, struct str *reason,
    struct arena *a) NONNULL(1, 3, 4);

endpoint docs_document;

#endif
