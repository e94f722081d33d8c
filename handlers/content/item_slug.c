#include "content/item_slug.h"

#include "base/crypto.h"
#include "base/id.h"
#include "content/content_limits.h"

#define STEM_MAX_BYTES  96      /* longer titles are cut at a word */
#define ID_TAIL_HEX     8       /* of a UUIDv7's end: 32 random bits */
#define DIGEST_TAIL_HEX 8

static struct str cut_at_word(struct str slug)
{
	size_t end = STEM_MAX_BYTES;

	if (slug.len <= STEM_MAX_BYTES)
		return slug;
	while (end > STEM_MAX_BYTES / 2 && slug.ptr[end] != '-')
		end--;
	slug = str_first(slug, slug.ptr[end] == '-' ? end : STEM_MAX_BYTES);
	return str_ends(slug, STR("-")) ? str_first(slug, slug.len - 1) : slug;
}

struct str item_slug_of(struct arena *a, const struct collection *c, struct str title)
{
	struct str slug = cut_at_word(slug_from(a, title));
	uint8_t digest[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];

	if (slug.len > 0)
		return slug;
	crypto_sha256(title, digest);
	crypto_hex(digest, sizeof(digest), hex);
	return arena_printf(a, "%s-%.*s", c->name, DIGEST_TAIL_HEX, hex);
}

struct str item_slug_ended(struct arena *a, struct str stem, struct str ending)
{
	if (stem.len + 1 + ending.len > SLUG_MAX_BYTES)
		stem = cut_at_word(stem);
	return arena_printf(a, "%.*s-%.*s", STR_ARG(stem), STR_ARG(ending));
}

struct str item_slug_numbered(struct arena *a, struct str stem, unsigned number, struct str id)
{
	if (number > SLUG_NUMBER_MAX && id.len >= ID_TAIL_HEX)
		return item_slug_ended(a, stem, str_from(id, id.len - ID_TAIL_HEX));
	return item_slug_ended(a, stem, arena_printf(a, "%u", number));
}

bool item_slug_is_reserved(const struct collection *c, struct str slug)
{
	return id_is_uuid(slug) || str_eq(slug, str_of(c->facet_segment));
}
