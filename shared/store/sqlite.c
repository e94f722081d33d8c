/*
 * sqlite: the store's default engine; its open and close, and its table.
 */
#include "store/sqlite.h"

#include <stdlib.h>
#include <string.h>

static pthread_once_t configured = PTHREAD_ONCE_INIT;

/* Counting SQLite's memory would take one lock for all threads at every malloc;
 * a connection is one thread's, so it needs no lock either. */
static void configure(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	(void)sqlite3_initialize();
}

/* Relative names get "./": Debian's SQLite reads "file:…?…" as a URI. */
static char *path_of(struct str address)
{
	const char *prefix = address.ptr[0] == '/' ? "" : "./";
	size_t before = strlen(prefix);
	char *path = malloc(before + address.len + 1);

	if (path == NULL)
		return NULL;
	memcpy(path, prefix, before);
	memcpy(path + before, address.ptr, address.len);
	path[before + address.len] = '\0';
	return path;
}

static int remember_wal(void *context, sqlite3 *db, const char *name, int pages)
{
	struct sqlite_store *s = context;

	(void)db;
	(void)name;
	s->wal_pages = pages;
	return SQLITE_OK;
}

static void close_store(void *store)
{
	struct sqlite_store *s = store;

	sqlite_cache_close(s->cache);
	sqlite_db_close(&s->writer);
	sqlite_queue_clean(&s->queue);
	pthread_mutex_destroy(&s->checkpoint);
	free(s->path);
	free(s);
}

static enum err open_store(struct arena *a, struct str address, const struct config *config,
    struct metrics *m, void **store, struct str *reason)
{
	struct sqlite_store *s;
	enum err err;

	(void)config;
	if (address.len == 0 || memchr(address.ptr, '\0', address.len) != NULL) {
		*reason = STR("STORE names no file;"
		    " what would do: sqlite:/var/lib/quiver/quiver.db");
		return ERR_INVALID;
	}
	pthread_once(&configured, configure);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return ERR_NO_MEMORY;
	sqlite_queue_init(&s->queue);
	pthread_mutex_init(&s->checkpoint, NULL);
	s->path = path_of(address);
	s->writer.turn_fd = -1;
	s->writer_full = true;          /* SQLite's default */
	if (m != NULL) {
		s->batch = metrics_series(m, METRIC_STORE_BATCH, NULL);
		sqlite_find_failures(s, m);
	}
	s->writer.store = s;
	err = s->path == NULL ? ERR_NO_MEMORY : sqlite_schema_open(a, s, reason);
	if (err != OK) {
		close_store(s);
		return err;
	}
	sqlite_turn_open(&s->writer, s->path);
	s->cache = sqlite_cache_open(&s->writer);
	sqlite3_wal_hook(s->writer.handle, remember_wal, s);
	*store = s;
	return OK;
}

static void disconnect(void *connection)
{
	struct sqlite_connection *c = connection;

	sqlite_db_close(&c->db);
	free(c);
}

/* What is read from the cache alone needs no database: it is opened by the first
 * call that does. */
static enum err connect(void *store, void **connection)
{
	struct sqlite_connection *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return ERR_NO_MEMORY;
	c->store = c->db.store = store;
	c->db.turn_fd = -1;
	*connection = c;
	return OK;
}

static void until(void *connection, uint64_t deadline_ns)
{
	struct sqlite_connection *c = connection;

	c->db.until_ns = deadline_ns;
}

enum err sqlite_open_late(struct sqlite_connection *c)
{
	int rc = sqlite_db_open(&c->db, c->store->path);
	enum err err;

	if (rc == SQLITE_OK)
		rc = sqlite3_exec(c->db.handle, "PRAGMA query_only = ON", NULL, NULL, NULL);
	err = sqlite_fail(&c->db, rc, "open");
	if (err != OK)
		sqlite_db_close(&c->db);
	return err;
}

const struct store_engine store_sqlite = {
	.name = "sqlite",
	.example = "sqlite:PATH",
	.open = open_store,
	.close = close_store,
	.connect = connect,
	.disconnect = disconnect,
	.visit = sqlite_visit,
	.query = sqlite_query,
	.write = sqlite_write,
	.sweep = sqlite_sweep,
	.until = until,
	.ping = sqlite_ping,
	.scan = sqlite_scan,
	.restore = sqlite_restore,
	.version = "sqlite " SQLITE_VERSION,
	.snapshot = sqlite_snapshot_of,
};
