/*
 * endpoints: what content.c's table names.  Those of a collection find it in
 * their route's data.
 */
#ifndef CONTENT_ENDPOINTS_H
#define CONTENT_ENDPOINTS_H

#include "content/change.h"
#include "http/request.h"
#include "http/response.h"

endpoint content_list;                                                  /* list.c */
endpoint content_get;                                                   /* read.c */
endpoint content_create, content_replace, content_patch, content_delete;        /* write.c */
endpoint content_publish, content_unpublish;
endpoint content_revisions, content_revision, content_restore;          /* revisions.c */
endpoint content_facets;                                                /* facets.c */
endpoint content_import;                                                /* import.c */
endpoint content_export;                                                /* export.c */
endpoint content_atom, content_json_feed;                               /* feed.c */
endpoint content_sitemap;                                               /* sitemap.c */

/* What they share (endpoints.c). */

const struct collection *endpoint_collection(const struct request *req) NONNULL_ALL;
/* Whether the caller sees what readers do not. */
bool endpoint_is_editor(const struct request *req) NONNULL_ALL;
/* The time of the request as stored times are written. */
struct str endpoint_now(const struct request *req) NONNULL_ALL;
/* Since when the store is as it is now; ask before reading what is shown. */
int64_t endpoint_written_ms(const struct request *req) NONNULL_ALL;
/* 404 that names what was asked for. */
enum err endpoint_no_item(const struct request *req, struct response *res, struct str key)
    NONNULL(1, 2);
/* If-Match against a stored item, in whichever form the client has seen it:
 * ERR_STALE when it names another version; *named whether there is one at all. */
NODISCARD enum err endpoint_if_match(const struct request *req, const struct document_head *h,
    bool *named) NONNULL_ALL;
/* Body, ETag and Last-Modified: the item as this caller sees it at this time. */
void endpoint_show(const struct request *req, struct response *res, const struct document_head *h,
    struct str text) NONNULL(1, 2, 3);

/* An editor's change of one item: fills `after`, whose head is before's with the
 * next version and whose fields are before's until this sets others.
 * *unchanged: the item is what was asked for already. */
typedef enum err edit(const struct request *req, struct response *res,
    const struct stored *before, struct document *after, bool *unchanged);
/* Loads, edits, checks and writes; again when another change came between and
 * the client named no version. */
enum err endpoint_edit(const struct request *req, struct response *res, edit *change)
    NONNULL_ALL;

#endif
