/*
 * bootstrap: what Lambda starts (provided.al2023).  To a FastCGI program it is one more
 * web server: events come from the Runtime API, go to the program whose prefix their
 * path has, and its reply goes back in the form of who sent the event.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/time.h"
#include "lambda/invocation.h"
#include "lambda/io.h"

/* Not on the stack: its tables are large. */
static struct runtime runtime;

/* --- before the first event ---------------------------------------------------------------- */

static int usage(FILE *to, int status)
{
	struct buf out;

	buf_init(&out, NULL, 1 << 16);
	BUF_LIT(&out, "bootstrap " QUIVER_VERSION ": runs FastCGI programs as a function of AWS Lambda\n\n"
	    "usage: bootstrap [--help]\n\nsettings, from the environment:\n");
	lambda_settings_help(&out);
	fputs(buf_cstr(&out), to);
	buf_clean(&out);
	return status;
}

/* Nobody else's, or a socket of somebody else's could stand where ours should. */
static bool make_run_folder(const char *path)
{
	struct stat s;

	if (mkdir(path, 0700) == 0)
		return true;
	if (errno != EEXIST || lstat(path, &s) != 0)
		return false;
	if (S_ISDIR(s.st_mode) && s.st_uid == geteuid() && (s.st_mode & 077) == 0)
		return true;
	errno = EPERM;
	return false;
}

/*
 * Nothing but /tmp can be written to; one event at a time needs few workers; and what a
 * log keeps for later may never be written, because between events nothing runs.
 */
static void set_defaults(const struct lambda_settings *s)
{
	const char *authorities = "/etc/pki/tls/certs/ca-bundle.crt";

	setenv("STATE_DIR", s->run_dir, 0);
	setenv("THREADS", "2", 0);
	setenv("LOG_DELAY_MS", "0", 0);
	if (access(authorities, R_OK) == 0)
		setenv("NET_CA_FILE", authorities, 0);
	/* Lambda's names the system's libraries first; a package that brings a loader
	 * brings what belongs to it. */
	if (access("lib", X_OK) == 0)
		unsetenv("LD_LIBRARY_PATH");
}

static bool read_file(const char *path, struct buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : 1;

	while (n > 0 && buf_reserve(out, 4096)) {
		n = read(fd, out->ptr + out->len, 4096);
		if (n > 0)
			out->len += (size_t)n;
	}
	if (fd >= 0)
		close(fd);
	return n == 0 && !buf_failed(out);
}

static enum err read_table(struct runtime *r, struct arena *a, struct str *reason)
{
	struct buf table;
	const char *path = r->settings.table;

	buf_init(&table, a, TABLE_MAX_BYTES);
	if (!read_file(path, &table)) {
		*reason = arena_printf(a, "LAMBDA_HANDLERS: %s: %s", path,
		    buf_failed(&table) ? "is too large" : strerror(errno));
		return ERR_INVALID;
	}
	enum err e = programs_read(&r->programs, a, buf_str(&table), r->settings.run_dir, reason);
	if (e != OK)
		*reason = arena_printf(a, "LAMBDA_HANDLERS: %s: %.*s", path, STR_ARG(*reason));
	return e;
}

/* `a` lives as long as the process. */
static enum err prepare(struct runtime *r, struct arena *a, struct str *reason)
{
	const struct lambda_settings *s = &r->settings;

	if (chdir(s->task_root) != 0) {
		*reason = arena_printf(a, "LAMBDA_TASK_ROOT: %s: %s", s->task_root, strerror(errno));
		return ERR_INVALID;
	}
	if (!make_run_folder(s->run_dir)) {
		*reason = arena_printf(a, "LAMBDA_RUN_DIR: %s: %s", s->run_dir, strerror(errno));
		return ERR_INVALID;
	}
	set_defaults(s);
	enum err e = read_table(r, a, reason);
	if (e == OK && s->start_all)
		e = programs_start_all(&r->programs, io_deadline(START_TIMEOUT_MS), reason);
	return e;
}

/* Signals as something to wait for, beside the next event. */
static int open_signals(void)
{
	sigset_t stop;

	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &stop, NULL) != 0)
		return -1;
	return signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* --- events ------------------------------------------------------------------------------------ */

static bool is_asked_to_stop(int stop_fd)
{
	struct pollfd p = { .fd = stop_fd, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

static int serve(struct runtime *r, int stop_fd)
{
	struct invocation i;
	struct str event;
	enum err e;

	while (!is_asked_to_stop(stop_fd)) {
		arena_reset(&r->arena);
		e = runtime_next(&r->api, &r->arena, stop_fd, &i, &event);
		if (e == ERR_EXPIRED)
			break;
		if (e == OK || e == ERR_TOO_LARGE)
			e = invocation_serve(r, &i, event, e == ERR_TOO_LARGE);
		if (e == ERR_UNAVAILABLE) {
			invocation_say(&r->arena, "error", STR_NONE, STR("the Runtime API is gone"));
			return EX_UNAVAILABLE;
		}
		if (e != OK)
			invocation_say(&r->arena, "warn", i.request_id, e == ERR_TOO_LARGE ?
			    STR("Lambda took no reply so long") :
			    STR("Lambda no longer waited for this reply"));
	}
	return EX_OK;
}

static int run(struct arena *a)
{
	struct runtime *r = &runtime;
	struct str reason = STR_NONE;
	int stop_fd = open_signals();
	enum err e = lambda_settings_read(a, &r->settings, &reason);

	/* Where it cannot be told, the log alone has it. */
	if (r->settings.runtime_api[0] == '\0') {
		fprintf(stderr, "bootstrap: %.*s\n", STR_ARG(reason));
		return EX_CONFIG;
	}
	if (stop_fd < 0 || runtime_open(&r->api, str_of(r->settings.runtime_api)) != OK) {
		fprintf(stderr, "bootstrap: AWS_LAMBDA_RUNTIME_API: \"%s\": expected ADDRESS:PORT\n",
		    r->settings.runtime_api);
		return EX_CONFIG;
	}
	if (e == OK)
		e = prepare(r, a, &reason);
	if (e != OK) {
		invocation_say(a, "error", STR_NONE, reason);
		if (runtime_fail(&r->api, STR_NONE, STR("Runtime.InitError"), reason) != OK)
			invocation_say(a, "error", STR_NONE, STR("nor could Lambda be told"));
		programs_stop(&r->programs, io_deadline(STOP_TIMEOUT_MS));
		return EX_CONFIG;
	}
	arena_init(&r->arena, ARENA_INVOCATION_BYTES);
	int status = serve(r, stop_fd);
	programs_stop(&r->programs, io_deadline(STOP_TIMEOUT_MS));
	runtime_close(&r->api);
	arena_clean(&r->arena);
	return status;
}

int main(int argc, char **argv)
{
	struct arena a;

	if (argc > 1)
		return strcmp(argv[1], "--help") == 0 ? usage(stdout, EX_OK) : usage(stderr, EX_USAGE);
	arena_init(&a, ARENA_INVOCATION_BYTES);
	int status = run(&a);
	arena_clean(&a);
	return status;
}
