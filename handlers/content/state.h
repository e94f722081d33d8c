/*
 * state: what the content handler keeps from start to stop.
 * Threads: safe from any.
 */
#ifndef CONTENT_STATE_H
#define CONTENT_STATE_H

#include "content/modified.h"
#include "content/page_cache.h"
#include "http/app.h"
#include "http/request.h"

struct content_state {
	struct page_cache    *pages;
	struct modified_watch watch;
};

NODISCARD enum err content_start(struct app *app, struct arena *a, struct str *reason) NONNULL_ALL;
void content_stop(struct app *app) NONNULL_ALL;

static inline struct content_state *content_state(const struct request *req)
{
	return req->app->state;
}

#endif
