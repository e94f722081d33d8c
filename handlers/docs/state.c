#include "docs/state.h"

#include <stdlib.h>

#include "docs/assets.h"
#include "docs/document.h"

enum err docs_start(struct app *app, struct arena *a, struct str *reason)
{
	struct docs_state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return ERR_NO_MEMORY;
	arena_init(&s->arena, 4 * (size_t)DOCS_DOCUMENT_MAX_BYTES);
	app->state = s;
	s->directory = app->config.docs_dir.len > 0 ? app->config.docs_dir :
	    config_installed(&s->arena, "docs");
	enum err e = document_load(s, app->config.public_url, reason, a);
	return e != OK ? e : assets_open(s);
}

void docs_stop(struct app *app)
{
	struct docs_state *s = app->state;

	if (s == NULL)
		return;
	assets_close(s);
	arena_clean(&s->arena);
	free(s);
}
