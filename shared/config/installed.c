#include "config/config.h"

#include <limits.h>
#include <unistd.h>

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
struct str config_installed(struct arena *a, const char *name)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path));
	struct str found = arena_printf(a, "share/quiver/%s", name);

	if (n <= 0 || (size_t)n == sizeof(path))
		return found;
	for (int up = 2; up <= 3; up++) {
		found = arena_printf(a, "%.*s/share/quiver/%s",
		    STR_ARG(above((struct str){ path, (size_t)n }, up)), name);
		if (access(found.ptr, R_OK) == 0)
			break;
	}
	return found;
}
