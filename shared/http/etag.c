#include "http/etag.h"

#include "base/buf.h"
#include "base/crypto.h"

#define ID_TAIL  12     /* a UUIDv7's last group: 48 random bits */
#define ETAG_MAX_BYTES 128
#define HASH_HEX 32     /* of SHA-256: 128 bits name the bytes of a list */

struct str etag_of_version(struct arena *a, struct str id, uint64_t version, const char *variant)
{
	struct str tail = id.len > ID_TAIL ? str_from(id, id.len - ID_TAIL) : id;

	struct buf tag;

	/* On the path of every read: appended, not formatted. */
	buf_init(&tag, a, ETAG_MAX_BYTES);
	buf_char(&tag, '"');
	buf_add(&tag, tail);
	buf_char(&tag, '-');
	buf_u64(&tag, version);
	if (variant[0] != '\0') {
		buf_char(&tag, '-');
		buf_add(&tag, str_of(variant));
	}
	buf_char(&tag, '"');
	return buf_str(&tag);
}

struct str etag_of_bytes(struct arena *a, struct str bytes)
{
	uint8_t digest[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];

	crypto_sha256(bytes, digest);
	crypto_hex(digest, sizeof(digest), hex);
	return arena_printf(a, "\"%.*s\"", HASH_HEX, hex);
}

static bool list_has(struct str list, struct str tag, bool weak)
{
	while (list.ptr != NULL) {
		struct str one = str_trim(str_cut(&list, ','));
		if (str_eq(one, STR("*")))
			return true;
		bool marked = str_starts(one, STR("W/"));
		if (marked && !weak)
			continue;
		if (str_eq(marked ? str_from(one, 2) : one, tag))
			return true;
	}
	return false;
}

bool etag_list_has(struct str list, struct str tag)
{
	return list_has(list, tag, false);
}

bool etag_list_has_weak(struct str list, struct str tag)
{
	return list_has(list, tag, true);
}
