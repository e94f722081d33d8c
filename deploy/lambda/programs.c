#include "lambda/programs.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lambda/exchange.h"
#include "lambda/io.h"

#define BACKLOG     16          /* one request at a time; some for those that were given up */
#define EXIT_NO_EXEC 127        /* as shells say that there is no such program */

/* --- the table -------------------------------------------------------------------------- */

static struct str next_word(struct str *line)
{
	*line = str_trim(*line);
	size_t n = 0;
	while (n < line->len && line->ptr[n] != ' ' && line->ptr[n] != '\t')
		n++;
	struct str word = str_first(*line, n);
	*line = str_from(*line, n);
	return word;
}

static bool is_same(const struct program *p, const char *const *arguments)
{
	size_t i = 0;

	for (; p->arguments[i] != NULL && arguments[i] != NULL; i++)
		if (strcmp(p->arguments[i], arguments[i]) != 0)
			return false;
	return p->arguments[i] == arguments[i];
}

static struct program *find_or_add(struct programs *p, const char *const *arguments)
{
	for (size_t i = 0; i < p->count; i++)
		if (is_same(&p->list[i], arguments))
			return &p->list[i];
	if (p->count == PROGRAMS_MAX)
		return NULL;
	struct program *new = &p->list[p->count];
	*new = (struct program){ .listener = -1, .life = -1 };
	memcpy(new->arguments, arguments, sizeof(new->arguments));
	new->socket = arena_printf(p->arena, "%s/%zu.sock", p->folder, p->count).ptr;
	p->count++;
	return new;
}

static const char *read_line(struct programs *p, struct str line)
{
	const char *arguments[ARGUMENTS_MAX + 1] = { NULL };
	struct str prefix = next_word(&line), word;
	size_t n = 0;

	if (!str_starts(prefix, STR("/")))
		return "expected a path that begins with /";
	for (word = next_word(&line); word.len > 0; word = next_word(&line)) {
		if (n == ARGUMENTS_MAX)
			return "too many arguments";
		arguments[n++] = arena_cstr(p->arena, word);
	}
	if (n == 0)
		return "expected an executable after the path";
	if (access(arguments[0], X_OK) != 0)
		return "there is no such executable";
	struct program *program = find_or_add(p, arguments);
	if (program == NULL || p->n_prefixes == PREFIXES_MAX)
		return "too many of them";
	while (prefix.len > 1 && str_ends(prefix, STR("/")))
		prefix.len--;
	p->prefixes[p->n_prefixes++] = (struct prefix){ arena_dup(p->arena, prefix), program };
	return NULL;
}

enum err programs_read(struct programs *p, struct arena *a, struct str table, const char *folder,
    struct str *reason)
{
	unsigned number = 0;

	memset(p, 0, sizeof(*p));
	p->arena = a;
	p->folder = folder;
	while (table.ptr != NULL) {
		struct str line = str_cut(&table, '\n');
		number++;
		line = str_trim(str_first(line, str_index(line, '#')));
		const char *wrong = line.len == 0 ? NULL : read_line(p, line);
		if (wrong == NULL)
			continue;
		*reason = arena_printf(a, "line %u, \"%.*s\": %s", number, STR_ARG(line), wrong);
		return ERR_INVALID;
	}
	if (p->n_prefixes > 0)
		return OK;
	*reason = STR("it names no program");
	return ERR_INVALID;
}

static bool has_prefix(struct str path, struct str prefix)
{
	if (str_eq(prefix, STR("/")))
		return true;
	return str_starts(path, prefix) && (path.len == prefix.len || path.ptr[prefix.len] == '/');
}

struct program *programs_find(struct programs *p, struct str path)
{
	const struct prefix *best = NULL;

	for (size_t i = 0; i < p->n_prefixes; i++)
		if (has_prefix(path, p->prefixes[i].path) &&
		    (best == NULL || p->prefixes[i].path.len > best->path.len))
			best = &p->prefixes[i];
	return best == NULL ? NULL : best->program;
}

/* --- processes ------------------------------------------------------------------------------ */

static bool address_of(const struct program *which, struct sockaddr_un *out)
{
	size_t len = strlen(which->socket);

	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (len >= sizeof(out->sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(out->sun_path, which->socket, len + 1);
	return true;
}

static bool make_listener(struct program *which)
{
	struct sockaddr_un address;

	if (which->listener >= 0)
		return true;
	if (!address_of(which, &address))
		return false;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	(void)unlink(which->socket);
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		int error = errno;
		close(fd);
		errno = error;
		return false;
	}
	which->listener = fd;
	return true;
}

/* What it writes goes where ours goes: into Lambda's log, which is always read. */
static NORETURN void become(const struct program *which)
{
	sigset_t none;

	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(which->listener, STDIN_FILENO) >= 0 && dup2(STDERR_FILENO, STDOUT_FILENO) >= 0)
		execv(which->arguments[0], (char *const *)which->arguments);
	_exit(EXIT_NO_EXEC);
}

bool program_start(struct program *which)
{
	if (program_runs(which))
		return true;
	if (!make_listener(which))
		return false;
	pid_t pid = fork();
	if (pid < 0)
		return false;
	if (pid == 0)
		become(which);
	which->pid = pid;
	which->life = pidfd_open(pid, 0);
	if (which->life >= 0)
		return true;
	program_kill(which);
	return false;
}

static void bury(struct program *which)
{
	if (which->life >= 0)
		close(which->life);
	which->life = -1;
	which->pid = 0;
}

bool program_runs(struct program *which)
{
	if (which->pid == 0)
		return false;
	if (waitpid(which->pid, NULL, WNOHANG) == 0)
		return true;
	bury(which);
	return false;
}

int program_connect(const struct program *which)
{
	struct sockaddr_un address;

	if (!address_of(which, &address))
		return -1;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void close_listener(struct program *which)
{
	if (which->listener < 0)
		return;
	close(which->listener);
	which->listener = -1;
	(void)unlink(which->socket);
}

void program_kill(struct program *which)
{
	if (which->pid != 0) {
		kill(which->pid, SIGKILL);
		(void)waitpid(which->pid, NULL, 0);
		bury(which);
	}
	close_listener(which);
}

/* --- all of them -------------------------------------------------------------------------------- */

static enum err wait_until_ready(const struct program *which, uint64_t until_ns)
{
	int fd = program_connect(which);

	if (fd < 0)
		return ERR_IO;
	enum err e = exchange_greet(fd, which->life, until_ns);
	close(fd);
	return e;
}

enum err programs_start_all(struct programs *p, uint64_t until_ns, struct str *reason)
{
	for (size_t i = 0; i < p->count; i++) {
		if (program_start(&p->list[i]))
			continue;
		*reason = arena_printf(p->arena, "%s does not start: %s", p->list[i].arguments[0],
		    strerror(errno));
		return ERR_UNAVAILABLE;
	}
	for (size_t i = 0; i < p->count; i++) {
		enum err e = wait_until_ready(&p->list[i], until_ns);
		if (e == OK)
			continue;
		*reason = arena_printf(p->arena, "%s %s", p->list[i].arguments[0],
		    e == ERR_NOT_FOUND ? "ended at its start: its own line says why" :
		    e == ERR_TIMEOUT ? "was not ready in time" : "takes no connection");
		return ERR_UNAVAILABLE;
	}
	return OK;
}

void programs_stop(struct programs *p, uint64_t until_ns)
{
	for (size_t i = 0; i < p->count; i++)
		if (program_runs(&p->list[i]))
			kill(p->list[i].pid, SIGTERM);
	for (size_t i = 0; i < p->count; i++) {
		struct program *which = &p->list[i];
		if (which->pid != 0 && io_wait(which->life, POLLIN, -1, until_ns) != OK)
			kill(which->pid, SIGKILL);
		program_kill(which);
	}
}
