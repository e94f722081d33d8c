#include "metrics/series.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

#define STAT_MAX_BYTES      1024
#define STAT_FIELD_STATE    3           /* proc(5), counted from 1 */
#define STAT_FIELD_START    22

/* The text of /proc/PID/stat; STR_NONE when it cannot be read. */
static struct str read_stat(int64_t pid, char text[STAT_MAX_BYTES])
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return STR_NONE;
	ssize_t n = read(fd, text, STAT_MAX_BYTES);
	close(fd);
	return n <= 0 ? STR_NONE : (struct str){ text, (size_t)n };
}

enum err process_started(int64_t pid, uint64_t *ticks)
{
	char text[STAT_MAX_BYTES];

	if (pid <= 0 || (kill((pid_t)pid, 0) != 0 && errno == ESRCH))
		return ERR_NOT_FOUND;
	struct str rest = read_stat(pid, text);
	/* The second field is the program's name in parentheses, which may hold
	 * spaces and parentheses itself. */
	while (str_contains(rest, STR(")")))
		rest = str_from(rest, str_index(rest, ')') + 1);
	rest = str_trim(rest);
	if (str_starts(rest, STR("Z")) || str_starts(rest, STR("X")))
		return ERR_NOT_FOUND;
	for (int i = STAT_FIELD_STATE; i < STAT_FIELD_START; i++)
		(void)str_cut(&rest, ' ');
	return str_to_u64(str_cut(&rest, ' '), ticks) ? OK : ERR_IO;
}

bool series_is_orphan(const struct metric_series *s)
{
	uint64_t ticks, started = series_load(&s->started);

	if (s->pid == 0)
		return false;
	enum err e = process_started(s->pid, &ticks);
	return e == ERR_NOT_FOUND || (e == OK && started != 0 && started != ticks);
}
