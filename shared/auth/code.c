#include "auth/code.h"

#include <assert.h>

#include "base/id.h"

static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
static_assert(sizeof(alphabet) - 1 == 32, "five bits choose a letter");

struct str code_new(struct arena *a, size_t letters, size_t group)
{
	uint8_t    random[CODE_LETTERS_MAX];
	char       text[2 * CODE_LETTERS_MAX];
	size_t     len = 0;
	struct str code;

	assert(letters <= CODE_LETTERS_MAX && group > 0);
	id_random(random, letters);
	for (size_t i = 0; i < letters; i++) {
		if (i > 0 && i % group == 0)
			text[len++] = '-';
		text[len++] = alphabet[random[i] % 32];
	}
	code = arena_dup(a, (struct str){ text, len });
	crypto_wipe(random, sizeof(random));
	crypto_wipe(text, sizeof(text));
	return code;
}

struct str code_hash(struct arena *a, struct str purpose, struct str typed, size_t letters)
{
	char       plain[CODE_LETTERS_MAX], hex[2 * SHA256_BYTES + 1];
	uint8_t    digest[SHA256_BYTES];
	struct str text;
	size_t     len = 0;

	for (size_t i = 0; i < typed.len; i++) {
		char c = typed.ptr[i];

		if (c == '-' || c == ' ')
			continue;
		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (len == letters || memchr(alphabet, c, sizeof(alphabet) - 1) == NULL)
			return STR_NONE;
		plain[len++] = c;
	}
	if (len != letters)
		return STR_NONE;
	text = arena_printf(a, "%.*s:%.*s", STR_ARG(purpose), (int)len, plain);
	crypto_sha256(text, digest);
	crypto_hex(digest, sizeof(digest), hex);
	crypto_wipe((void *)(uintptr_t)text.ptr, text.len);
	crypto_wipe(plain, sizeof(plain));
	return arena_dup(a, str_of(hex));
}
