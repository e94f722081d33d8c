/*
 * state: what the docs handler keeps from start to stop.
 * Threads: constant once started.
 */
#ifndef DOCS_STATE_H
#define DOCS_STATE_H

#include "base/arena.h"
#include "http/app.h"

#define DOCS_DOCUMENT_MAX_BYTES (8u << 20)      /* openapi.json of all handlers */
#define DOCS_PART_MAX_BYTES     (2u << 20)      /* of one */
#define DOCS_NAMES_MAX          4096            /* of one section: paths, schemas, … */
#define DOCS_PARTS_MAX          64              /* handlers installed together */

struct docs_file;

struct docs_state {
	struct arena      arena;
	struct str        directory;    /* holds openapi/ and assets/ */
	struct str        document;     /* the merged openapi.json */
	struct str        document_etag;
	struct docs_file *files;        /* one a row of the asset table */
};

/* Finds the directory (DOCS_DIR, else ../share/quiver/docs beside the executable),
 * merges the parts and maps the files. */
enum err docs_start(struct app *app, struct arena *a, struct str *reason) NONNULL_ALL;
void docs_stop(struct app *app) NONNULL_ALL;

static inline struct docs_state *docs_state(const struct request *req)
{
	return req->app->state;
}

#endif
