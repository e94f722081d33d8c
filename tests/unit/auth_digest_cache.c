#include "auth/digest_cache.h"

#include <pthread.h>
#include <stdatomic.h>

#include "tests/test.h"

#define NOW_MS  1000000
#define UNTIL   (NOW_MS + 5000)
#define BYTES   100

static void digest_of(unsigned n, uint8_t out[SHA256_BYTES])
{
	crypto_sha256((struct str){ (const char *)&n, sizeof(n) }, out);
}

TEST(a_value_of_any_length_comes_back)
{
	struct digest_cache *c = digest_cache_new(256, BYTES);
	char                 value[BYTES], got[BYTES + 8];

	(void)state;
	for (size_t i = 0; i < BYTES; i++)
		value[i] = (char)(i + 1);
	for (unsigned len = 0; len <= BYTES; len++) {
		uint8_t digest[SHA256_BYTES];

		digest_of(len, digest);
		digest_cache_put(c, digest, value, len, NOW_MS, UNTIL);
		memset(got, '#', sizeof(got));
		assert_true(digest_cache_get(c, digest, NOW_MS, got));
		assert_memory_equal(got, value, len);
		assert_int_equal(got[len], '#');
	}
	digest_cache_free(c);
}

TEST(what_is_too_long_is_not_remembered)
{
	struct digest_cache *c = digest_cache_new(256, 8);
	uint8_t              digest[SHA256_BYTES];
	char                 value[16] = "", got[16];

	(void)state;
	digest_of(1, digest);
	digest_cache_put(c, digest, value, 9, NOW_MS, UNTIL);
	assert_false(digest_cache_get(c, digest, NOW_MS, got));
	digest_cache_free(c);
}

TEST(a_value_ends_at_its_time)
{
	struct digest_cache *c = digest_cache_new(256, BYTES);
	uint8_t              digest[SHA256_BYTES];
	char                 got[BYTES];

	(void)state;
	digest_of(1, digest);
	digest_cache_put(c, digest, "x", 1, NOW_MS, UNTIL);
	assert_true(digest_cache_get(c, digest, UNTIL - 1, got));
	assert_false(digest_cache_get(c, digest, UNTIL, got));
	digest_cache_free(c);
}

TEST(a_digest_that_differs_in_one_bit_is_another)
{
	struct digest_cache *c = digest_cache_new(256, BYTES);
	uint8_t              digest[SHA256_BYTES];
	char                 got[BYTES];

	(void)state;
	digest_of(1, digest);
	digest_cache_put(c, digest, "x", 1, NOW_MS, UNTIL);
	for (size_t bit = 0; bit < 8 * SHA256_BYTES; bit++) {
		digest[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(digest_cache_get(c, digest, NOW_MS, got));
		digest[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_true(digest_cache_get(c, digest, NOW_MS, got));
	digest_cache_free(c);
}

TEST(a_full_set_loses_what_ends_first)
{
	struct digest_cache *c = digest_cache_new(2, BYTES);
	uint8_t              digests[3][SHA256_BYTES];
	char                 got[BYTES];

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		digest_of(i, digests[i]);
	digest_cache_put(c, digests[0], "a", 1, NOW_MS, UNTIL + 1);
	digest_cache_put(c, digests[1], "b", 1, NOW_MS, UNTIL);
	digest_cache_put(c, digests[2], "c", 1, NOW_MS, UNTIL + 2);
	assert_true(digest_cache_get(c, digests[0], NOW_MS, got));
	assert_false(digest_cache_get(c, digests[1], NOW_MS, got));
	assert_true(digest_cache_get(c, digests[2], NOW_MS, got));
	digest_cache_free(c);
}

/* Two writers and two readers of one entry: nobody ever reads half of a value. */
struct race {
	struct digest_cache *cache;
	uint8_t              digest[SHA256_BYTES];
	atomic_bool          stop, torn;
	atomic_ulong         seen;
};

static void *write_on(void *context)
{
	struct race *r = context;
	char         value[BYTES];

	for (unsigned i = 0; !atomic_load(&r->stop); i++) {
		memset(value, (int)('a' + i % 26), sizeof(value));
		digest_cache_put(r->cache, r->digest, value, BYTES, NOW_MS, UNTIL);
	}
	return NULL;
}

static void *read_on(void *context)
{
	struct race *r = context;
	char         got[BYTES];

	while (!atomic_load(&r->stop)) {
		if (!digest_cache_get(r->cache, r->digest, NOW_MS, got))
			continue;
		atomic_fetch_add(&r->seen, 1);
		for (size_t i = 1; i < BYTES; i++)
			if (got[i] != got[0])
				atomic_store(&r->torn, true);
	}
	return NULL;
}

TEST(no_reader_sees_half_of_a_value)
{
	struct race r = { .cache = digest_cache_new(2, BYTES) };
	pthread_t   threads[4];

	(void)state;
	digest_of(1, r.digest);
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, i % 2 == 0 ? write_on : read_on,
		    &r), 0);
	while (atomic_load(&r.seen) < 200000 && !atomic_load(&r.torn))
		continue;
	atomic_store(&r.stop, true);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	assert_false(atomic_load(&r.torn));
	digest_cache_free(r.cache);
}

TEST_MAIN(
	RUN(a_value_of_any_length_comes_back),
	RUN(what_is_too_long_is_not_remembered),
	RUN(a_value_ends_at_its_time),
	RUN(a_digest_that_differs_in_one_bit_is_another),
	RUN(a_full_set_loses_what_ends_first),
	RUN(no_reader_sees_half_of_a_value))
