#include "test.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/id.h"

#define MANY 20000

TEST(random_bytes_differ)
{
	uint8_t a[64] = { 0 }, b[64] = { 0 }, big[100000] = { 0 };
	size_t  set = 0;

	(void)state;
	id_random(a, sizeof(a));
	id_random(b, sizeof(b));
	assert_memory_not_equal(a, b, sizeof(a));
	id_random(big, sizeof(big));
	for (size_t i = 0; i < sizeof(big); i++)
		set += (size_t)__builtin_popcount(big[i]);
	assert_in_range(set, 395000, 405000);
	id_random(a, 0);
}

TEST(uuid7_has_its_time_version_and_variant)
{
	char id[ID_UUID_SIZE];

	(void)state;
	id_uuid7(0x017F22E279B0, id);           /* the example of RFC 9562, A.6 */
	assert_int_equal(strlen(id), ID_UUID_SIZE - 1);
	assert_memory_equal(id, "017f22e2-79b0-7", 15);
	assert_non_null(strchr("89ab", id[19]));
	assert_true(id_is_uuid(str_of(id)));
}

static void rises(int64_t (*clock)(int))
{
	char last[ID_UUID_SIZE] = "", id[ID_UUID_SIZE];

	for (int i = 0; i < MANY; i++) {
		id_uuid7(clock(i), id);
		if (strcmp(last, id) >= 0)
			fail_msg("%s after %s", id, last);
		memcpy(last, id, sizeof(id));
	}
}

static int64_t standing(int i) { (void)i; return 1800000000000; }
static int64_t backwards(int i) { return 1800000000000 - i; }
static int64_t forwards(int i) { return 1900000000000 + i / 3; }

TEST(uuid7_rises_whatever_the_clock_does)
{
	(void)state;
	rises(standing);
	rises(backwards);
	rises(forwards);
}

TEST(times_out_of_range_are_held_at_its_ends)
{
	char id[ID_UUID_SIZE];

	(void)state;
	id_uuid7(-5, id);
	assert_true(id_is_uuid(str_of(id)));
	id_uuid7(INT64_MAX, id);
	assert_memory_equal(id, "ffffffff-ffff-7", 15);
}

static void *make_ids(void *out)
{
	char (*ids)[ID_UUID_SIZE] = out;

	for (int i = 0; i < MANY; i++)
		id_uuid7(1800000000000, ids[i]);
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return memcmp(a, b, ID_UUID_SIZE);
}

TEST(threads_make_different_ids)
{
	static char ids[4 * MANY][ID_UUID_SIZE];
	pthread_t   threads[4];

	(void)state;
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids[i * MANY]), 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	qsort(ids, COUNT(ids), sizeof(ids[0]), by_text);
	for (size_t i = 1; i < COUNT(ids); i++)
		assert_true(memcmp(ids[i - 1], ids[i], ID_UUID_SIZE) < 0);
}

TEST(uuids_are_known_by_their_form)
{
	static const struct {
		const char *text;
		bool        good;
	} rows[] = {
		{ "00000000-0000-0000-0000-000000000000", true },
		{ "6ba7b810-9dad-11d1-80b4-00c04fd430c8", true },
		{ "6BA7B810-9DAD-11D1-80B4-00C04FD430C8", false },
		{ "6ba7b8109dad11d180b400c04fd430c8", false },
		{ "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}", false },
		{ "6ba7b810-9dad-11d1-80b4-00c04fd430c", false },
		{ "6ba7b810-9dad-11d1-80b4-00c04fd430c88", false },
		{ "6ba7b810-9dad-11d1-80b4-00c04fd430cg", false },
		{ "6ba7b810-9dad-11d1-80b4000c04fd430c8", false },
		{ "-6ba7b81-9dad-11d1-80b4-00c04fd430c8", false },
		{ "", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_row(id_is_uuid(str_of(rows[i].text)) == rows[i].good, rows[i].text);
}

TEST_MAIN(RUN(random_bytes_differ), RUN(uuid7_has_its_time_version_and_variant),
    RUN(uuid7_rises_whatever_the_clock_does), RUN(threads_make_different_ids),
    RUN(times_out_of_range_are_held_at_its_ends), RUN(uuids_are_known_by_their_form))
