#include "content/state.h"

#include <errno.h>
#include <stdlib.h>

enum err content_start(struct app *app, struct arena *a, struct str *reason)
{
	struct content_state *s = calloc(1, sizeof(*s));

	app->state = s;
	if (s == NULL)
		return ERR_NO_MEMORY;
	s->pages = page_cache_new();
	if (s->pages == NULL) {
		*reason = STR("no memory for the page cache");
		return ERR_NO_MEMORY;
	}
	enum err e = modified_watch_open(arena_cstr(a, app->config.state_dir), &s->watch);
	if (e != OK)
		*reason = arena_printf(a, "STATE_DIR %.*s: %s", STR_ARG(app->config.state_dir),
		    strerror(errno));
	return e;
}

void content_stop(struct app *app)
{
	struct content_state *s = app->state;

	if (s == NULL)
		return;
	modified_watch_close(&s->watch);
	page_cache_free(s->pages);
	free(s);
	app->state = NULL;
}
