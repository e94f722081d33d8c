#include "docs/state.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "docs/assets.h"
#include "docs/document.h"

/* From …/bin/docs to …/share/quiver/docs: the same in a build folder and in /usr. */
static struct str directory_beside_executable(struct arena *a)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));

	if (n <= 0 || (size_t)n == sizeof(path))
		return STR("share/quiver/docs");
	struct str exe = { path, (size_t)n };
	for (int up = 0; up < 2; up++)
		while (exe.len > 0 && exe.ptr[--exe.len] != '/')
			continue;
	return arena_printf(a, "%.*s/share/quiver/docs", STR_ARG(exe));
}

enum err docs_start(struct app *app, struct arena *a, struct str *reason)
{
	struct docs_state *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return ERR_NO_MEMORY;
	arena_init(&s->arena, 4 * (size_t)DOCS_DOCUMENT_MAX_BYTES);
	app->state = s;
	s->directory = app->config.docs_dir.len > 0 ? app->config.docs_dir :
	    directory_beside_executable(&s->arena);
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
