#include "auth/token_cache.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define WAYS            2
#define SETS            (TOKEN_CACHE_ENTRIES / WAYS)
#define TEXT_BYTES      440     /* three UUIDs, an e-mail address, a name, a plan, a tenant */
#define STRINGS         7

static_assert((SETS & (SETS - 1)) == 0, "a set is chosen by masking");

/* What an entry holds, copied out and in as words. */
struct record {
	uint64_t  digest[SHA256_BYTES / 8];
	int64_t   until_ms, expires_ms;
	uint32_t  kind, roles, foreign;
	scope_set scopes;
	uint16_t  length[STRINGS];
	char      text[TEXT_BYTES];
};

#define WORDS ((sizeof(struct record) + 7) / 8)

union image {
	struct record record;
	uint64_t      words[WORDS];
};

/* Every word is an atomic of its own: a reader may meet a writer, and then
 * throws away what it read. */
struct entry {
	_Atomic uint64_t sequence;
	_Atomic uint64_t words[WORDS];
};

struct token_cache {
	struct entry entries[SETS][WAYS];
};

/* The strings of a principal in the order of `length`. */
static void strings_of(struct principal *p, struct str *list[STRINGS])
{
	list[0] = &p->id;
	list[1] = &p->session;
	list[2] = &p->email;
	list[3] = &p->name;
	list[4] = &p->plan;
	list[5] = &p->tenant;
	list[6] = &p->client;
}

struct token_cache *token_cache_new(void)
{
	struct token_cache *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	return c;
}

void token_cache_free(struct token_cache *c)
{
	free(c);
}

static size_t set_of(const uint64_t digest[SHA256_BYTES / 8])
{
	return (size_t)digest[0] & (SETS - 1);
}

/* A consistent copy of an entry for this digest.  The loads are acquiring: the
 * second look at the sequence cannot be taken before them. */
static bool read_entry(const struct entry *e, const uint64_t digest[SHA256_BYTES / 8],
    union image *out)
{
	uint64_t before = atomic_load_explicit(&e->sequence, memory_order_acquire);

	if ((before & 1) != 0 ||
	    atomic_load_explicit(&e->words[0], memory_order_acquire) != digest[0])
		return false;
	for (size_t i = 0; i < WORDS; i++)
		out->words[i] = atomic_load_explicit(&e->words[i], memory_order_acquire);
	return atomic_load_explicit(&e->sequence, memory_order_relaxed) == before &&
	    memcmp(out->record.digest, digest, SHA256_BYTES) == 0;
}

static bool fill_principal(const struct record *r, struct arena *a, struct principal *out)
{
	struct str *strings[STRINGS];
	size_t      total = 0;
	char       *text;

	for (int i = 0; i < STRINGS; i++)
		total += r->length[i];
	text = total <= TEXT_BYTES ? arena_try(a, total + 1) : NULL;
	if (text == NULL)
		return false;
	memcpy(text, r->text, total);
	*out = (struct principal){ .kind = (enum principal_kind)r->kind,
		.expires_ms = r->expires_ms };
	principal_set_roles(out, r->roles);
	out->foreign = r->foreign != 0;
	out->scopes = r->scopes;
	strings_of(out, strings);
	for (int i = 0; i < STRINGS; i++) {
		if (r->length[i] > 0)
			*strings[i] = (struct str){ text, r->length[i] };
		text += r->length[i];
	}
	return true;
}

bool token_cache_get(const struct token_cache *c, const uint8_t digest[SHA256_BYTES],
    int64_t now_ms, struct arena *a, struct principal *out)
{
	uint64_t    key[SHA256_BYTES / 8];
	union image image;

	memcpy(key, digest, sizeof(key));
	for (int way = 0; way < WAYS; way++)
		if (read_entry(&c->entries[set_of(key)][way], key, &image))
			return now_ms < image.record.until_ms &&
			    fill_principal(&image.record, a, out);
	return false;
}

/* False when there is more text than an entry holds. */
static bool fill_record(struct record *r, struct principal p)
{
	struct str *strings[STRINGS];
	size_t      used = 0;

	r->expires_ms = p.expires_ms;
	r->kind = p.kind;
	r->roles = p.roles;
	r->foreign = p.foreign;
	r->scopes = p.scopes;
	strings_of(&p, strings);
	for (int i = 0; i < STRINGS; i++) {
		if (strings[i]->len > TEXT_BYTES - used)
			return false;
		if (strings[i]->len > 0)
			memcpy(r->text + used, strings[i]->ptr, strings[i]->len);
		r->length[i] = (uint16_t)strings[i]->len;
		used += strings[i]->len;
	}
	return true;
}

/* The same token's place, else one that is free or past its time, else the one
 * that ends first. */
static struct entry *place_for(struct entry set[WAYS], uint64_t key, int64_t now_ms)
{
	const size_t  until = offsetof(struct record, until_ms) / 8;
	struct entry *place = &set[0];
	int64_t       least = INT64_MAX;

	for (int way = 0; way < WAYS; way++) {
		int64_t ends = (int64_t)atomic_load_explicit(&set[way].words[until],
		    memory_order_relaxed);

		if (atomic_load_explicit(&set[way].words[0], memory_order_relaxed) == key)
			return &set[way];
		if (ends <= now_ms)
			ends = 0;
		if (ends < least) {
			least = ends;
			place = &set[way];
		}
	}
	return place;
}

void token_cache_put(struct token_cache *c, const uint8_t digest[SHA256_BYTES],
    const struct principal *p, int64_t now_ms, int64_t until_ms)
{
	union image   image = { 0 };
	struct entry *e;
	uint64_t      sequence;

	memcpy(image.record.digest, digest, SHA256_BYTES);
	image.record.until_ms = until_ms;
	if (!fill_record(&image.record, *p))
		return;
	e = place_for(c->entries[set_of(image.record.digest)], image.record.digest[0], now_ms);
	sequence = atomic_load_explicit(&e->sequence, memory_order_relaxed);
	/* Someone else writes here: one of two is remembered. */
	if ((sequence & 1) != 0 ||
	    !atomic_compare_exchange_strong_explicit(&e->sequence, &sequence, sequence + 1,
	    memory_order_acq_rel, memory_order_relaxed))
		return;
	for (size_t i = 0; i < WORDS; i++)
		atomic_store_explicit(&e->words[i], image.words[i], memory_order_release);
	atomic_store_explicit(&e->sequence, sequence + 2, memory_order_release);
}
