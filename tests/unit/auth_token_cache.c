#include "auth/token_cache.h"

#include <pthread.h>
#include <stdatomic.h>

#include "tests/test.h"

#define NOW_MS  1000000
#define UNTIL   (NOW_MS + 5000)

static void digest_of(unsigned n, uint8_t out[SHA256_BYTES])
{
	crypto_sha256((struct str){ (const char *)&n, sizeof(n) }, out);
}

static struct principal someone(const char *name)
{
	struct principal p = {
		.kind = PRINCIPAL_SESSION, .id = STR("0190-id"), .session = STR("0190-session"),
		.email = STR("a@example.com"), .name = str_of(name), .tenant = STR("acme"),
		.expires_ms = UNTIL,
	};

	principal_set_roles(&p, 1u << ROLE_ADMIN);
	p.scopes = SCOPE_BIT(SCOPE_PROFILE);
	return p;
}

TEST(a_remembered_principal_comes_back_whole)
{
	struct token_cache *c = token_cache_new();
	struct principal    p = someone("Alice"), got;
	uint8_t             digest[SHA256_BYTES];
	struct arena        a;

	(void)state;
	arena_init(&a, 1 << 20);
	digest_of(1, digest);
	assert_false(token_cache_get(c, digest, NOW_MS, &a, &got));
	token_cache_put(c, digest, &p, NOW_MS, UNTIL);
	assert_true(token_cache_get(c, digest, NOW_MS, &a, &got));
	assert_int_equal(got.kind, PRINCIPAL_SESSION);
	assert_int_equal(got.role, ROLE_ADMIN);
	assert_int_equal(got.roles, 1u << ROLE_ADMIN);
	assert_int_equal(got.scopes, SCOPE_BIT(SCOPE_PROFILE));
	assert_true(got.expires_ms == UNTIL);
	assert_str(got.id, p.id);
	assert_str(got.session, p.session);
	assert_str(got.email, p.email);
	assert_str(got.name, p.name);
	assert_null(got.plan.ptr);
	assert_str(got.tenant, p.tenant);
	arena_clean(&a);
	token_cache_free(c);
}

TEST(an_entry_ends_at_its_time)
{
	struct token_cache *c = token_cache_new();
	struct principal    p = someone("Alice"), got;
	uint8_t             digest[SHA256_BYTES];
	struct arena        a;

	(void)state;
	arena_init(&a, 1 << 20);
	digest_of(1, digest);
	token_cache_put(c, digest, &p, NOW_MS, UNTIL);
	assert_true(token_cache_get(c, digest, UNTIL - 1, &a, &got));
	assert_false(token_cache_get(c, digest, UNTIL, &a, &got));
	arena_clean(&a);
	token_cache_free(c);
}

TEST(a_digest_that_differs_in_one_bit_is_another)
{
	struct token_cache *c = token_cache_new();
	struct principal    p = someone("Alice"), got;
	uint8_t             digest[SHA256_BYTES];
	struct arena        a;

	(void)state;
	arena_init(&a, 1 << 20);
	digest_of(1, digest);
	token_cache_put(c, digest, &p, NOW_MS, UNTIL);
	for (size_t i = 0; i < SHA256_BYTES; i++) {
		digest[i] ^= 0x80;
		assert_false(token_cache_get(c, digest, NOW_MS, &a, &got));
		digest[i] ^= 0x80;
	}
	arena_clean(&a);
	token_cache_free(c);
}

TEST(a_principal_with_much_text_is_not_remembered)
{
	struct token_cache *c = token_cache_new();
	char                name[500];
	struct principal    p, got;
	uint8_t             digest[SHA256_BYTES];
	struct arena        a;

	(void)state;
	arena_init(&a, 1 << 20);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	p = someone(name);
	digest_of(1, digest);
	token_cache_put(c, digest, &p, NOW_MS, UNTIL);
	assert_false(token_cache_get(c, digest, NOW_MS, &a, &got));
	arena_clean(&a);
	token_cache_free(c);
}

TEST(more_tokens_than_there_is_room_for_push_others_out)
{
	struct token_cache *c = token_cache_new();
	struct principal    p = someone("Alice"), got;
	uint8_t             digest[SHA256_BYTES];
	unsigned            found = 0, count = 4 * TOKEN_CACHE_ENTRIES;
	struct arena        a;

	(void)state;
	arena_init(&a, 64 << 20);
	for (unsigned i = 0; i < count; i++) {
		digest_of(i, digest);
		token_cache_put(c, digest, &p, NOW_MS, UNTIL + i);
		assert_true(token_cache_get(c, digest, NOW_MS, &a, &got));
	}
	for (unsigned i = 0; i < count; i++) {
		digest_of(i, digest);
		found += token_cache_get(c, digest, NOW_MS, &a, &got);
	}
	assert_true(found > TOKEN_CACHE_ENTRIES / 2 && found <= TOKEN_CACHE_ENTRIES);
	arena_clean(&a);
	token_cache_free(c);
}

TEST(a_living_entry_stays_while_a_dead_one_makes_room)
{
	struct token_cache *c = token_cache_new();
	struct principal    p = someone("Alice"), got;
	uint8_t             one[SHA256_BYTES] = { 0 }, two[SHA256_BYTES] = { 0 };
	uint8_t             three[SHA256_BYTES] = { 0 };
	struct arena        a;

	(void)state;
	arena_init(&a, 1 << 20);
	/* The same set for all: they differ beyond what chooses it. */
	one[4] = 1;
	two[4] = 2;
	three[4] = 3;
	token_cache_put(c, one, &p, NOW_MS, NOW_MS + 10);
	token_cache_put(c, two, &p, NOW_MS, UNTIL);
	token_cache_put(c, three, &p, NOW_MS + 20, UNTIL);
	assert_true(token_cache_get(c, two, NOW_MS + 20, &a, &got));
	assert_true(token_cache_get(c, three, NOW_MS + 20, &a, &got));
	arena_clean(&a);
	token_cache_free(c);
}

/* --- threads -------------------------------------------------------------------- */

#define WRITERS 2
#define READERS 2
#define HITS    40000

struct race {
	struct token_cache *cache;
	uint8_t             digest[SHA256_BYTES];
	atomic_uint         reading;    /* readers that are not done */
	atomic_uint         torn;
};

struct racer {
	struct race *race;
	pthread_t    thread;
	char         letter;            /* a writer's principal is it throughout */
};

static void put_letter(struct race *r, char letter)
{
	char             text[100];
	struct principal p = someone("");

	memset(text, letter, sizeof(text));
	p.id = p.name = p.email = (struct str){ text, sizeof(text) };
	token_cache_put(r->cache, r->digest, &p, NOW_MS, UNTIL);
}

static void *write_entries(void *argument)
{
	struct racer *self = argument;

	while (atomic_load(&self->race->reading) > 0)
		put_letter(self->race, self->letter);
	return NULL;
}

static bool is_whole(struct str s, char letter)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] != letter)
			return false;
	return s.len == 100;
}

static void *read_entries(void *argument)
{
	struct racer    *self = argument;
	struct race     *r = self->race;
	struct principal p;
	struct arena     a;
	unsigned         hits = 0;

	arena_init(&a, 1 << 20);
	while (hits < HITS) {
		arena_reset(&a);
		if (!token_cache_get(r->cache, r->digest, NOW_MS, &a, &p))
			continue;
		hits++;
		if (!is_whole(p.id, p.id.ptr[0]) || !is_whole(p.name, p.id.ptr[0]) ||
		    !is_whole(p.email, p.id.ptr[0]))
			atomic_fetch_add(&r->torn, 1);
	}
	arena_clean(&a);
	atomic_fetch_sub(&r->reading, 1);
	return NULL;
}

TEST(readers_never_see_half_of_an_entry)
{
	struct race  race = { .cache = token_cache_new(), .reading = READERS };
	struct racer racers[WRITERS + READERS];

	(void)state;
	digest_of(1, race.digest);
	put_letter(&race, 'x');
	for (int i = 0; i < WRITERS + READERS; i++) {
		racers[i] = (struct racer){ .race = &race, .letter = (char)('a' + i) };
		assert_int_equal(pthread_create(&racers[i].thread, NULL,
		    i < READERS ? read_entries : write_entries, &racers[i]), 0);
	}
	for (int i = 0; i < WRITERS + READERS; i++)
		pthread_join(racers[i].thread, NULL);
	assert_int_equal(race.torn, 0);
	token_cache_free(race.cache);
}

TEST_MAIN(
	RUN(a_remembered_principal_comes_back_whole),
	RUN(an_entry_ends_at_its_time),
	RUN(a_digest_that_differs_in_one_bit_is_another),
	RUN(a_principal_with_much_text_is_not_remembered),
	RUN(more_tokens_than_there_is_room_for_push_others_out),
	RUN(a_living_entry_stays_while_a_dead_one_makes_room),
	RUN(readers_never_see_half_of_an_entry))
