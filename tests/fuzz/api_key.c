/*
 * An API key of any bytes: what parses has the id that its shown part is made of,
 * and is the only text of that id, secret and checksum.
 */
#include <stdlib.h>

#include "auth/api_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = { (const char *)data, size };
	uint8_t    digest[SHA256_BYTES], other[SHA256_BYTES];
	char       id[ID_UUID_SIZE], shown[API_KEY_SHOWN_BYTES + 1];
	char       copy[API_KEY_BYTES];

	if (!api_key_parse(text, id, digest))
		return 0;
	require(api_key_is_meant(text) && id_is_uuid(str_of(id)));
	api_key_shown(str_of(id), shown);
	require(str_starts(text, str_of(shown)));
	memcpy(copy, text.ptr, sizeof(copy));
	copy[digest[0] % sizeof(copy)] ^= 1;
	require(!api_key_parse((struct str){ copy, sizeof(copy) }, id, other));
	return 0;
}
