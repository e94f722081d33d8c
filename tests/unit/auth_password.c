#include "auth/identity.h"
#include "auth/password.h"
#include "tests/test.h"

/* As little work as argon2 does. */
static const struct password_hasher quick = {
	.cost = { .memory_kib = 8, .passes = 1, .lanes = 1 },
};

TEST(a_password_is_known_again_and_another_is_not)
{
	struct arena a;
	struct str   phc;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(password_hash(&quick, &a, STR("correct horse"), &phc), OK);
	assert_true(str_starts(phc, STR("$argon2id$v=19$m=8,t=1,p=1$")));
	assert_int_equal(password_verify(&quick, &a, STR("correct horse"), phc), OK);
	assert_int_equal(password_verify(&quick, &a, STR("correct horsE"), phc),
	    ERR_UNAUTHENTICATED);
	assert_int_equal(password_verify(&quick, &a, STR(""), phc), ERR_UNAUTHENTICATED);
	assert_int_equal(password_verify(&quick, &a, STR("correct horse\0"), phc),
	    ERR_UNAUTHENTICATED);
	arena_clean(&a);
}

TEST(the_same_password_never_gives_the_same_hash)
{
	struct arena a;
	struct str   one, two;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(password_hash(&quick, &a, STR("correct horse"), &one), OK);
	assert_int_equal(password_hash(&quick, &a, STR("correct horse"), &two), OK);
	assert_false(str_eq(one, two));
	arena_clean(&a);
}

TEST(the_reference_implementations_strings_verify)
{
	struct str reference = STR("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ"
	    "$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4");
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(password_verify(&quick, &a, STR("password"), reference), OK);
	assert_int_equal(password_verify(&quick, &a, STR("Password"), reference),
	    ERR_UNAUTHENTICATED);
	arena_clean(&a);
}

#define SALT "c29tZXNhbHQ"
#define HASH "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"

static const char *const damaged[] = {
	"", "password", "$argon2id$", "$argon2id$v=19$m=256,t=2,p=1$" SALT,
	"$argon2i$v=19$m=256,t=2,p=1$" SALT "$" HASH,
	"$argon2id$v=16$m=256,t=2,p=1$" SALT "$" HASH,
	"$argon2id$v=19$t=2,m=256,p=1$" SALT "$" HASH,
	"$argon2id$v=19$m=256,t=2$" SALT "$" HASH,
	"$argon2id$v=19$m=256,t=2,p=1,x=1$" SALT "$" HASH,
	"$argon2id$v=19$m=-256,t=2,p=1$" SALT "$" HASH,
	"$argon2id$v=19$m=256,t=0,p=1$" SALT "$" HASH,
	"$argon2id$v=19$m=4294967295,t=2,p=1$" SALT "$" HASH,
	"$argon2id$v=19$m=256,t=1000000,p=1$" SALT "$" HASH,
	"$argon2id$v=19$m=256,t=2,p=255$" SALT "$" HASH,
	"$argon2id$v=19$m=256,t=2,p=1$" SALT "$" HASH "AAAA",
	"$argon2id$v=19$m=256,t=2,p=1$" SALT "$",
	"$argon2id$v=19$m=256,t=2,p=1$$" HASH,
	"$argon2id$v=19$m=256,t=2,p=1$AAAA$" HASH,
	"$argon2id$v=19$m=256,t=2,p=1$" SALT "=$" HASH,
	"$argon2id$v=19$m=256,t=2,p=1$" SALT "$" HASH "$",
	"$argon2id$v=19$m=256,t=2,p=1$" SALT "$nf65EOgLrQMR_uIPnA4rEsF5h7TKyQwu9U1bMCHGi_4",
};

TEST(a_damaged_string_verifies_nothing)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT(damaged); i++)
		assert_row(password_verify(&quick, &a, STR("password"), str_of(damaged[i])) ==
		    ERR_CORRUPT, damaged[i]);
	arena_clean(&a);
}

TEST(nobody_has_no_password)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	assert_int_equal(password_verify_nobody(&quick, &a, STR("password")), ERR_UNAUTHENTICATED);
	assert_int_equal(password_verify_nobody(&quick, &a, STR("")), ERR_UNAUTHENTICATED);
	arena_clean(&a);
}

TEST(an_overlong_password_is_refused_and_not_cut)
{
	char         text[PASSWORD_MAX_BYTES + 1];
	struct arena a;
	struct str   phc;

	(void)state;
	arena_init(&a, 1 << 20);
	memset(text, 'x', sizeof(text));
	assert_int_equal(password_hash(&quick, &a, (struct str){ text, PASSWORD_MAX_BYTES }, &phc),
	    OK);
	assert_int_equal(password_verify(&quick, &a, (struct str){ text, sizeof(text) }, phc),
	    ERR_UNAUTHENTICATED);
	assert_int_equal(password_verify_nobody(&quick, &a, (struct str){ text, sizeof(text) }),
	    ERR_UNAUTHENTICATED);
	assert_int_equal(password_hash(&quick, &a, (struct str){ text, sizeof(text) }, &phc),
	    ERR_TOO_LARGE);
	arena_clean(&a);
}

TEST(a_new_password_has_twelve_characters_and_at_most_1024_bytes)
{
	char long_text[PASSWORD_MAX_BYTES + 1];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	assert_null(password_problem(STR("twelve chars")));
	assert_non_null(password_problem(STR("eleven char")));
	assert_non_null(password_problem(STR("")));
	/* Characters count, not bytes: eleven of two bytes are too few, twelve will do. */
	assert_non_null(password_problem(STR("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
	    "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9")));
	assert_null(password_problem(STR("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
	    "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9")));
	assert_non_null(password_problem(STR("not\xFFutf-8 at all")));
	assert_null(password_problem((struct str){ long_text, PASSWORD_MAX_BYTES }));
	assert_non_null(password_problem((struct str){ long_text, sizeof(long_text) }));
}

TEST(there_is_at_least_one_slot)
{
	(void)state;
	assert_in_range(password_slots(), 1, 64);
}

TEST_MAIN(
	RUN(a_password_is_known_again_and_another_is_not),
	RUN(the_same_password_never_gives_the_same_hash),
	RUN(the_reference_implementations_strings_verify),
	RUN(a_damaged_string_verifies_nothing),
	RUN(nobody_has_no_password),
	RUN(an_overlong_password_is_refused_and_not_cut),
	RUN(a_new_password_has_twelve_characters_and_at_most_1024_bytes),
	RUN(there_is_at_least_one_slot))
