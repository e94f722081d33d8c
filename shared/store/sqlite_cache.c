/*
 * sqlite_cache: point reads that are repeated while nothing is written.
 *
 * SQLite's own page cache is valid as long as the first 48 bytes of the WAL index
 * (shared memory, https://sqlite.org/walformat.html 2.1) are what they were: every
 * commit of every process changes them (a counter, the salts, and a checksum over
 * all frames), before it is acknowledged.  The same test decides here, on whole
 * items.  It is a comparison in memory where a read transaction costs two system
 * calls, so an item that is read again costs 0.2 µs and no call instead of 4 µs
 * and two.
 *
 * One cache a process; items are immutable and counted, a slot's lock is held for
 * a few instructions.  An item gets in when it is read twice in a row at its slot:
 * keys that are asked for once (sessions, idempotency keys) drive nothing out.
 */
#include "store/sqlite.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_SLOTS 256                 /* with the next: 2 MB at most */
#define CACHE_ITEM_MAX_BYTES 8192
#define SNAPSHOT_WORDS 6                /* the header, up to its own checksum */
#define WAL_INDEX_BYTES 32768           /* the first region of the WAL index */

static_assert(sizeof(struct store_snapshot) == SNAPSHOT_WORDS * sizeof(uint64_t), "all of it");

struct sqlite_cached {
	atomic_uint            refs;
	struct store_snapshot at;
	bool                   present;
	struct store_item      item;
	char                   bytes[];
};

struct slot {
	pthread_mutex_t       lock;
	struct sqlite_cached *held;
	uint64_t              asked;    /* hash of the key that was last not found here */
};

struct sqlite_cache {
	const volatile uint64_t *index; /* two copies of the header, 6 words each */
	struct slot              slots[CACHE_SLOTS];
};

/* Where SQLite has mapped the WAL index; NULL: nowhere, and there is no cache. */
static const volatile uint64_t *map_index(sqlite3 *db)
{
	sqlite3_file *file = NULL;
	void volatile *region = NULL;

	if (sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
	    file == NULL || file->pMethods == NULL || file->pMethods->iVersion < 2 ||
	    file->pMethods->xShmMap(file, 0, WAL_INDEX_BYTES, 0, &region) != SQLITE_OK)
		return NULL;
	return region;
}

struct sqlite_cache *sqlite_cache_open(struct sqlite_db *db)
{
	const volatile uint64_t *index = map_index(db->handle);
	struct sqlite_cache *cache = index == NULL ? NULL : calloc(1, sizeof(*cache));

	if (cache == NULL)
		return NULL;
	cache->index = index;
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		pthread_mutex_init(&cache->slots[i].lock, NULL);
	return cache;
}

void sqlite_cache_close(struct sqlite_cache *cache)
{
	if (cache == NULL)
		return;
	for (size_t i = 0; i < CACHE_SLOTS; i++) {
		free(cache->slots[i].held);
		pthread_mutex_destroy(&cache->slots[i].lock);
	}
	free(cache);
}

/* A writer changes the second copy, then the first; it is read the other way
 * round, so two copies that are equal were not being written.  A race by design,
 * between processes, which no sanitizer of threads can know. */
__attribute__((no_sanitize("thread")))
bool sqlite_snapshot(const struct sqlite_cache *cache, struct store_snapshot *out)
{
	uint64_t differ = 0;

	if (cache == NULL)
		return false;
	for (size_t i = 0; i < SNAPSHOT_WORDS; i++)
		out->words[i] = cache->index[i];
	atomic_thread_fence(memory_order_acquire);
	for (size_t i = 0; i < SNAPSHOT_WORDS; i++)
		differ |= out->words[i] ^ cache->index[SNAPSHOT_WORDS + i];
	atomic_thread_fence(memory_order_acquire);
	return differ == 0;
}

static uint64_t hash_key(struct str pk, struct str sk)
{
	return str_hash(pk) * 31 + str_hash(sk);
}

static bool is_item(const struct sqlite_cached *e, struct str pk, struct str sk)
{
	return e != NULL && str_eq(e->item.sk, sk) && str_eq(e->item.pk, pk);
}

const struct store_item *sqlite_cached_item(const struct sqlite_cached *e)
{
	return e->present ? &e->item : NULL;
}

void sqlite_cache_release(struct sqlite_cached *e)
{
	if (atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1)
		free(e);
}

struct sqlite_cached *sqlite_cache_find(struct sqlite_cache *cache,
    const struct store_snapshot *now, struct str pk, struct str sk)
{
	struct slot *slot = &cache->slots[hash_key(pk, sk) % CACHE_SLOTS];
	struct sqlite_cached *e;

	pthread_mutex_lock(&slot->lock);
	e = slot->held;
	if (is_item(e, pk, sk) && store_snapshot_equal(&e->at, now))
		atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
	else
		e = NULL;
	pthread_mutex_unlock(&slot->lock);
	return e;
}

static struct str copy_str(char **at, struct str s)
{
	struct str copy = { *at, s.len };

	if (s.ptr == NULL)
		return STR_NONE;
	memcpy(*at, s.ptr, s.len);
	*at += s.len;
	return copy;
}

static struct sqlite_cached *new_entry(const struct store_snapshot *now,
    const struct store_item *item, bool present)
{
	size_t size = item->pk.len + item->sk.len + item->index_pk.len + item->index_sk.len +
	    item->body.len;
	struct sqlite_cached *e = size > CACHE_ITEM_MAX_BYTES ? NULL : malloc(sizeof(*e) + size);
	char *at;

	if (e == NULL)
		return NULL;
	at = e->bytes;
	atomic_init(&e->refs, 1);
	e->at = *now;
	e->present = present;
	e->item = *item;
	e->item.pk = copy_str(&at, item->pk);
	e->item.sk = copy_str(&at, item->sk);
	e->item.index_pk = copy_str(&at, item->index_pk);
	e->item.index_sk = copy_str(&at, item->index_sk);
	e->item.body = copy_str(&at, item->body);
	return e;
}

/* Whether this key may have the slot: it has it already, or asks a second time. */
static bool admit(struct slot *slot, struct str pk, struct str sk, uint64_t hash)
{
	bool admitted;

	pthread_mutex_lock(&slot->lock);
	admitted = slot->asked == hash || is_item(slot->held, pk, sk);
	slot->asked = hash;
	pthread_mutex_unlock(&slot->lock);
	return admitted;
}

void sqlite_cache_keep(struct sqlite_cache *cache, const struct store_snapshot *now,
    const struct store_item *item, bool present)
{
	uint64_t hash = hash_key(item->pk, item->sk);
	struct slot *slot = &cache->slots[hash % CACHE_SLOTS];
	struct sqlite_cached *e, *old;

	if (!admit(slot, item->pk, item->sk, hash))
		return;
	e = new_entry(now, item, present);
	if (e == NULL)
		return;
	pthread_mutex_lock(&slot->lock);
	old = slot->held;
	slot->held = e;
	pthread_mutex_unlock(&slot->lock);
	if (old != NULL)
		sqlite_cache_release(old);
}
