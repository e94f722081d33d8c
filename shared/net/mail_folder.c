#include "net/mail_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "base/time.h"

#define ENDING ".eml"

static bool write_all(int fd, struct str bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		bytes = str_from(bytes, (size_t)n);
	}
	return true;
}

static enum err write_file(int folder, const char *name, struct str bytes)
{
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return ERR_IO;
	bool written = write_all(fd, bytes);
	return close(fd) == 0 && written ? OK : ERR_IO;
}

static int is_mail(const struct dirent *entry)
{
	return str_ends(str_of(entry->d_name), STR(ENDING));
}

/* Names begin with their time (UUIDv7), so the first are the oldest. */
static void remove_oldest(int folder, const char *directory, size_t kept_max)
{
	struct dirent **names;
	int n = scandir(directory, &names, is_mail, alphasort);

	for (int i = 0; i < n; i++) {
		if ((size_t)(n - i) > kept_max)
			(void)unlinkat(folder, names[i]->d_name, 0);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}

enum err mail_folder_keep(struct arena *a, struct str directory, struct str bytes,
    size_t kept_max, struct str *path)
{
	char id[ID_UUID_SIZE];
	const char *where = arena_cstr(a, directory);

	if (mkdir(where, 0700) != 0 && errno != EEXIST)
		return ERR_IO;
	int folder = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return ERR_IO;
	id_uuid7(time_now_ms(), id);
	struct str name = arena_printf(a, "%s" ENDING, id), draft = arena_printf(a, ".%s", id);
	enum err e = write_file(folder, draft.ptr, bytes);
	if (e == OK && renameat(folder, draft.ptr, folder, name.ptr) != 0)
		e = ERR_IO;
	if (e != OK)
		(void)unlinkat(folder, draft.ptr, 0);
	else
		remove_oldest(folder, where, kept_max);
	close(folder);
	*path = arena_printf(a, "%s/%.*s", where, STR_ARG(name));
	return e;
}
