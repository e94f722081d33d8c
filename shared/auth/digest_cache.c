#include "auth/digest_cache.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define WAYS            2
#define DIGEST_WORDS    (SHA256_BYTES / 8)

/* Every word is an atomic of its own: a reader may meet a writer, and then
 * throws away what it read. */
struct entry {
	_Atomic uint64_t sequence;
	_Atomic uint64_t digest[DIGEST_WORDS];
	_Atomic int64_t  until_ms;
	_Atomic uint64_t length;
	_Atomic uint64_t words[];
};

struct digest_cache {
	size_t sets, words, stride;
	char  *entries;
};

struct digest_cache *digest_cache_new(size_t entries, size_t value_bytes)
{
	struct digest_cache *c = calloc(1, sizeof(*c));
	size_t               words = (value_bytes + 7) / 8;

	if (c == NULL || entries < WAYS || (entries & (entries - 1)) != 0)
		abort();
	c->sets = entries / WAYS;
	c->words = words;
	c->stride = sizeof(struct entry) + words * sizeof(uint64_t);
	c->entries = calloc(entries, c->stride);
	if (c->entries == NULL)
		abort();
	return c;
}

void digest_cache_free(struct digest_cache *c)
{
	if (c == NULL)
		return;
	free(c->entries);
	free(c);
}

static struct entry *entry_at(const struct digest_cache *c, uint64_t first, size_t way)
{
	size_t index = ((size_t)first & (c->sets - 1)) * WAYS + way;

	return (struct entry *)(void *)(c->entries + index * c->stride);
}

static bool has_digest(struct entry *e, const uint64_t digest[DIGEST_WORDS])
{
	for (size_t i = 0; i < DIGEST_WORDS; i++)
		if (atomic_load_explicit(&e->digest[i], memory_order_acquire) != digest[i])
			return false;
	return true;
}

/* A consistent copy.  The loads are acquiring: the second look at the sequence
 * cannot be taken before them. */
static bool read_entry(const struct digest_cache *c, struct entry *e,
    const uint64_t digest[DIGEST_WORDS], int64_t now_ms, void *out)
{
	uint64_t before = atomic_load_explicit(&e->sequence, memory_order_acquire);
	size_t   length;

	if ((before & 1) != 0 || !has_digest(e, digest) ||
	    now_ms >= atomic_load_explicit(&e->until_ms, memory_order_acquire))
		return false;
	length = (size_t)atomic_load_explicit(&e->length, memory_order_acquire);
	if (length > c->words * sizeof(uint64_t))
		return false;
	for (size_t i = 0; i * sizeof(uint64_t) < length; i++) {
		uint64_t word = atomic_load_explicit(&e->words[i], memory_order_acquire);
		size_t   rest = length - i * sizeof(word);

		memcpy((char *)out + i * sizeof(word), &word,
		    rest < sizeof(word) ? rest : sizeof(word));
	}
	return atomic_load_explicit(&e->sequence, memory_order_relaxed) == before;
}

bool digest_cache_get(const struct digest_cache *c, const uint8_t digest[SHA256_BYTES],
    int64_t now_ms, void *out)
{
	uint64_t key[DIGEST_WORDS];

	memcpy(key, digest, sizeof(key));
	for (size_t way = 0; way < WAYS; way++)
		if (read_entry(c, entry_at(c, key[0], way), key, now_ms, out))
			return true;
	return false;
}

/* The same digest's place, else one that is free or past its time, else the one
 * that ends first. */
static struct entry *place_for(const struct digest_cache *c, uint64_t key[DIGEST_WORDS],
    int64_t now_ms)
{
	struct entry *place = entry_at(c, key[0], 0);
	int64_t       least = INT64_MAX;

	for (size_t way = 0; way < WAYS; way++) {
		struct entry *e = entry_at(c, key[0], way);
		int64_t       ends = atomic_load_explicit(&e->until_ms, memory_order_relaxed);

		if (has_digest(e, key))
			return e;
		if (ends <= now_ms)
			ends = 0;
		if (ends < least) {
			least = ends;
			place = e;
		}
	}
	return place;
}

static void write_entry(struct entry *e, const uint64_t key[DIGEST_WORDS], const void *value,
    size_t len, int64_t until_ms)
{
	for (size_t i = 0; i < DIGEST_WORDS; i++)
		atomic_store_explicit(&e->digest[i], key[i], memory_order_release);
	atomic_store_explicit(&e->until_ms, until_ms, memory_order_release);
	atomic_store_explicit(&e->length, len, memory_order_release);
	for (size_t i = 0; i * sizeof(uint64_t) < len; i++) {
		uint64_t word = 0;
		size_t   rest = len - i * sizeof(word);

		memcpy(&word, (const char *)value + i * sizeof(word),
		    rest < sizeof(word) ? rest : sizeof(word));
		atomic_store_explicit(&e->words[i], word, memory_order_release);
	}
}

void digest_cache_put(struct digest_cache *c, const uint8_t digest[SHA256_BYTES],
    const void *value, size_t len, int64_t now_ms, int64_t until_ms)
{
	uint64_t      key[DIGEST_WORDS], sequence;
	struct entry *e;

	if (len > c->words * sizeof(uint64_t))
		return;
	memcpy(key, digest, sizeof(key));
	e = place_for(c, key, now_ms);
	sequence = atomic_load_explicit(&e->sequence, memory_order_relaxed);
	/* Someone else writes here: one of two is remembered. */
	if ((sequence & 1) != 0 ||
	    !atomic_compare_exchange_strong_explicit(&e->sequence, &sequence, sequence + 1,
	    memory_order_acq_rel, memory_order_relaxed))
		return;
	write_entry(e, key, value, len, until_ms);
	atomic_store_explicit(&e->sequence, sequence + 2, memory_order_release);
}
