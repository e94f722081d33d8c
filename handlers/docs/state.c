#include "docs/state.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "docs/assets.h"
#include "docs/document.h"

/* The executable's path without its last `up` parts. */
static struct str above(struct str exe, int up)
{
	for (; up > 0; up--)
		while (exe.len > 0 && exe.ptr[--exe.len] != '/')
			continue;
	return exe;
}

/* From …/bin/docs of a build folder, and from …/libexec/quiver/docs of an
 * installation, to …/share/quiver/docs. */
static struct str directory_beside_executable(struct arena *a)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
	struct str found = STR("share/quiver/docs");

	if (n <= 0 || (size_t)n == sizeof(path))
		return found;
	for (int up = 2; up <= 3; up++) {
		found = arena_printf(a, "%.*s/share/quiver/docs",
		    STR_ARG(above((struct str){ path, (size_t)n }, up)));
		if (access(found.ptr, R_OK) == 0)
			break;
	}
	return found;
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
