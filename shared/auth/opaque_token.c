#include "auth/opaque_token.h"

#include "base/crypto.h"
#include "base/id.h"

#define RANDOM_BYTES 32

struct str opaque_random(struct arena *a)
{
	uint8_t    random[RANDOM_BYTES];
	struct str text;

	id_random(random, sizeof(random));
	text = crypto_base64url(a, (struct str){ (const char *)random, sizeof(random) });
	crypto_wipe(random, sizeof(random));
	return text;
}

struct str opaque_token_new(struct arena *a, const char *prefix)
{
	struct str text = opaque_random(a);

	return arena_printf(a, "%s%.*s", prefix, STR_ARG(text));
}

bool opaque_token_is(struct arena *a, struct str text, const char *prefix)
{
	struct str head = str_of(prefix), bytes;

	return text.len == head.len + OPAQUE_RANDOM_TEXT_BYTES && str_starts(text, head) &&
	    crypto_base64url_decode(a, str_from(text, head.len), &bytes) == OK;
}

struct str opaque_token_hash(struct arena *a, struct str token)
{
	uint8_t digest[SHA256_BYTES];
	char    hex[2 * SHA256_BYTES + 1];

	crypto_sha256(token, digest);
	crypto_hex(digest, sizeof(digest), hex);
	return arena_dup(a, str_of(hex));
}

struct str opaque_token_key(struct arena *a, const char *kind, struct str token)
{
	struct str hash = opaque_token_hash(a, token);

	return arena_printf(a, "%s#%.*s", kind, STR_ARG(hash));
}
