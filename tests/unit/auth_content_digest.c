/* Content-Digest (RFC 9530): the RFC's examples, and what is none. */
#include "test.h"

#include "auth/content_digest.h"

#define BODY   "{\"hello\": \"world\"}"
#define SHA256 "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
#define SHA512 "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BN" \
    "NyealdVLvRwEmTHWXvJwew==:"

static const struct {
	const char *field, *body;
	enum err    e;
	const char *reason;
} rows[] = {
	{ SHA256, BODY, OK, "" },
	{ SHA512, BODY, OK, "" },
	{ SHA256 ", " SHA512, BODY, OK, "" },
	{ SHA256 ";x=1", BODY, OK, "" },
	{ "md5=:AA==:, " SHA256, BODY, OK, "" },
	{ "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:", "", OK, "" },
	{ SHA256, BODY " ", ERR_STALE, "other_body" },
	{ SHA256, "", ERR_STALE, "other_body" },
	{ SHA256 ", sha-512=:AA==:", BODY, ERR_STALE, "other_body" },
	{ "sha-256=::", BODY, ERR_STALE, "other_body" },
	{ "sha-256=:X48E9qOokqqrvdts8nOJRA==:", BODY, ERR_STALE, "other_body" },
	{ "", BODY, ERR_INVALID, "no_known_digest" },
	{ "md5=:AA==:", BODY, ERR_INVALID, "no_known_digest" },
	{ "SHA-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:", BODY, ERR_INVALID,
	  "bad_content_digest" },
	{ "sha-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=", BODY, ERR_INVALID,
	  "bad_content_digest" },
	{ "sha-256=abc", BODY, ERR_INVALID, "bad_content_digest" },
	{ "sha-256=(:AA==:)", BODY, ERR_INVALID, "bad_content_digest" },
	{ "sha-256=:AA==:, " SHA256, BODY, ERR_INVALID, "bad_content_digest" },
};

TEST(a_digest_is_the_bodys_or_refused)
{
	struct arena a;

	(void)state;
	arena_init(&a, 1 << 20);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *reason = "";
		assert_row(content_digest_check(&a, str_of(rows[i].field), str_of(rows[i].body),
		    &reason) == rows[i].e, rows[i].field);
		if (strcmp(reason, rows[i].reason) != 0)
			fail_msg("row \"%s\": %s", rows[i].field, reason);
	}
	arena_clean(&a);
}

TEST_MAIN(RUN(a_digest_is_the_bodys_or_refused))
