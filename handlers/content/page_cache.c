#include "content/page_cache.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/id.h"
#include "base/siphash.h"
#include "content/content_limits.h"

struct entry {
	struct store_snapshot snapshot;
	int64_t               until_ms;
	struct str            key;      /* of bytes, as the page's parts */
	struct kept_page      page;
	char                  bytes[];
};

struct slot {
	pthread_mutex_t       lock;
	struct entry         *entry;    /* NULL: free */
	uint64_t              asked;    /* hash of the key that was last not found, … */
	struct store_snapshot asked_at; /* … and when */
};

struct page_cache {
	struct siphash_key hash_key;    /* keys are a client's */
	struct slot        slots[PAGE_CACHE_SLOTS];
};

struct page_cache *page_cache_new(void)
{
	struct page_cache *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return NULL;
	id_random(&p->hash_key, sizeof(p->hash_key));
	for (size_t i = 0; i < PAGE_CACHE_SLOTS; i++)
		pthread_mutex_init(&p->slots[i].lock, NULL);
	return p;
}

void page_cache_free(struct page_cache *p)
{
	if (p == NULL)
		return;
	for (size_t i = 0; i < PAGE_CACHE_SLOTS; i++) {
		free(p->slots[i].entry);
		pthread_mutex_destroy(&p->slots[i].lock);
	}
	free(p);
}

static struct slot *slot_of(struct page_cache *p, struct str key, uint64_t *hash)
{
	*hash = siphash(&p->hash_key, key);
	return &p->slots[*hash % PAGE_CACHE_SLOTS];
}

static bool is_right(const struct entry *e, const struct store_snapshot *snapshot,
    int64_t now_ms, struct str key)
{
	return e != NULL && now_ms < e->until_ms && str_eq(e->key, key) &&
	    store_snapshot_equal(&e->snapshot, snapshot);
}

bool page_cache_find(struct page_cache *p, struct arena *a, const struct store_snapshot *snapshot,
    int64_t now_ms, struct str key, struct kept_page *out)
{
	uint64_t hash;
	struct slot *s = slot_of(p, key, &hash);

	pthread_mutex_lock(&s->lock);
	bool found = is_right(s->entry, snapshot, now_ms, key);
	if (found) {
		out->body = arena_dup(a, s->entry->page.body);
		out->etag = arena_dup(a, s->entry->page.etag);
		out->link = arena_dup(a, s->entry->page.link);
		out->changed_ms = s->entry->page.changed_ms;
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

bool page_cache_wants(struct page_cache *p, const struct store_snapshot *snapshot, struct str key)
{
	uint64_t hash;
	struct slot *s = slot_of(p, key, &hash);

	pthread_mutex_lock(&s->lock);
	bool again = s->asked == hash && store_snapshot_equal(&s->asked_at, snapshot);
	s->asked = hash;
	s->asked_at = *snapshot;
	pthread_mutex_unlock(&s->lock);
	return again;
}

static struct str put_bytes(char **at, struct str s)
{
	struct str copy = { s.ptr == NULL ? NULL : *at, s.len };

	if (s.len > 0)
		memcpy(*at, s.ptr, s.len);
	*at += s.len;
	return copy;
}

void page_cache_keep(struct page_cache *p, const struct store_snapshot *snapshot,
    int64_t until_ms, struct str key, const struct kept_page *page)
{
	size_t size = key.len + page->body.len + page->etag.len + page->link.len;
	uint64_t hash;
	struct slot *s = slot_of(p, key, &hash);
	struct entry *e = size > PAGE_CACHE_PAGE_MAX_BYTES ? NULL : malloc(sizeof(*e) + size);

	if (e == NULL)
		return;
	char *at = e->bytes;
	e->snapshot = *snapshot;
	e->until_ms = until_ms;
	e->key = put_bytes(&at, key);
	e->page.body = put_bytes(&at, page->body);
	e->page.etag = put_bytes(&at, page->etag);
	e->page.link = put_bytes(&at, page->link);
	e->page.changed_ms = page->changed_ms;
	pthread_mutex_lock(&s->lock);
	struct entry *old = s->entry;
	s->entry = e;
	pthread_mutex_unlock(&s->lock);
	free(old);
}
