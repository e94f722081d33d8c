/* Security: made-up tokens cost no I/O; what the store has of one does not give it away. */
#include "auth/opaque_token.h"

#include "base/limits.h"
#include "test.h"

#define PREFIX "qv_test_"

TEST(a_new_token_has_its_form_and_is_no_other)
{
	struct arena a;
	struct str   one, other;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	one = opaque_token_new(&a, PREFIX);
	other = opaque_token_new(&a, PREFIX);
	assert_true(opaque_token_is(&a, one, PREFIX));
	assert_false(opaque_token_is(&a, one, "qv_"));
	assert_false(str_eq(one, other));
	arena_clean(&a);
}

TEST(what_was_made_up_is_no_token)
{
	static const char *const junk[] = {
		"", PREFIX, PREFIX "AAAA", "qv_tesu_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		PREFIX "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",    /* one more */
		PREFIX "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",     /* stray bits */
		PREFIX "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		PREFIX "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+A",
	};
	struct arena a;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	for (size_t i = 0; i < COUNT(junk); i++)
		assert_row(!opaque_token_is(&a, str_of(junk[i]), PREFIX), junk[i]);
	assert_false(opaque_token_is(&a, STR_NONE, PREFIX));
	arena_clean(&a);
}

TEST(the_store_has_the_hash_alone)
{
	struct arena a;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	/* FIPS 180-2, B.1 */
	assert_str(opaque_token_key(&a, "kind", STR("abc")),
	    STR("kind#ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
	arena_clean(&a);
}

TEST_MAIN(RUN(a_new_token_has_its_form_and_is_no_other), RUN(what_was_made_up_is_no_token),
	RUN(the_store_has_the_hash_alone))
