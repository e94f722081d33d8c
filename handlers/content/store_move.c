#include "content/store_move.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/time.h"

#define TELL_NS UINT64_C(2000000000)

void store_move_init(struct store_move *m, const uint8_t secret_key[SECRET_BYTES])
{
	uint8_t derived[SECRET_BYTES];

	crypto_derive(secret_key, "quiver store export", derived);
	crypto_hex(derived, sizeof(derived), m->key);
}

int store_say(struct store_move *m, int status, const char *fmt, ...)
{
	va_list args;

	if (m->say == NULL)
		return status;
	fputs("content: ", m->say);
	va_start(args, fmt);
	vfprintf(m->say, fmt, args);
	va_end(args);
	fputc('\n', m->say);
	return status;
}

void store_tell_begin(struct store_move *m, const char *doing, uint64_t at)
{
	m->doing = doing;
	m->began_ns = m->told_ns = time_monotonic_ns();
	m->began_at = at;
}

void store_tell(void *move, uint64_t items)
{
	struct store_move *m = move;
	uint64_t now = time_monotonic_ns();

	if (now - m->told_ns < TELL_NS)
		return;
	m->told_ns = now;
	(void)store_say(m, 0, "%s %llu items, %.0f a second", m->doing, (unsigned long long)items,
	    (double)(items - m->began_at) * 1e9 / (double)(now - m->began_ns));
}

const char *store_path(struct store_move *m, const char *suffix)
{
	return arena_printf(m->arena, "%s%s", m->path, suffix).ptr;
}

/* The directory's entry, too: else the name may be gone after a loss of power. */
static enum err sync_directory(struct store_move *m, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *directory = slash == NULL ? "." :
	    arena_cstr(m->arena, (struct str){ path, (size_t)(slash - path) + 1 });
	int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 ? -1 : fsync(fd);

	if (fd >= 0)
		close(fd);
	return rc == 0 ? OK : ERR_IO;
}

enum err store_rename(struct store_move *m, const char *from, const char *to)
{
	return rename(from, to) == 0 ? sync_directory(m, to) : ERR_IO;
}

static int run(struct app *app, struct worker *worker, int (*move)(struct store_move *m))
{
	struct store_move m = {
		.store = app->store, .c = worker->store, .arena = &worker->arena,
		.path = app->argument, .url = app->config.store, .say = stderr,
	};

	if (m.path == NULL || *m.path == '\0')
		return store_say(&m, EX_USAGE, "name a file");
	store_move_init(&m, app->config.secret_key);
	return move(&m);
}

int content_export_store(struct app *app, struct worker *worker)
{
	return run(app, worker, store_export);
}

int content_import_store(struct app *app, struct worker *worker)
{
	return run(app, worker, store_import);
}
