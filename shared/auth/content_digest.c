#include "auth/content_digest.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "base/crypto.h"
#include "base/structured_field.h"

/* The insecure ones of the registry (md5, sha, unixsum, …) are as if unknown. */
static const struct {
	const char *name, *digest;      /* as RFC 9530 and as OpenSSL call it */
} algorithms[] = {
	{ "sha-256", "SHA256" },
	{ "sha-512", "SHA512" },
};

static enum err refuse(enum err e, const char *why, const char **reason)
{
	*reason = why;
	return e;
}

static bool is_digest_of(const char *algorithm, struct str body, struct str given)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	size_t        len;

	if (EVP_Q_digest(NULL, algorithm, NULL, body.ptr, body.len, digest, &len) != 1)
		abort();                /* an OpenSSL without SHA-2, or no memory */
	return crypto_equal((struct str){ (const char *)digest, len }, given);
}

enum err content_digest_check(struct arena *a, struct str field, struct str body,
    const char **reason)
{
	struct sf_members digests;
	bool              known = false;
	enum err          e = sf_read_dictionary(a, field, &digests);

	if (e == ERR_NO_MEMORY)
		return e;
	if (e != OK || digests.repeated)
		return refuse(ERR_INVALID, "bad_content_digest", reason);
	for (size_t i = 0; i < COUNT(algorithms); i++) {
		const struct sf_member *m = sf_member(&digests, str_of(algorithms[i].name));
		if (m == NULL)
			continue;
		if (m->is_inner || m->item.value.kind != SF_BYTES)
			return refuse(ERR_INVALID, "bad_content_digest", reason);
		if (!is_digest_of(algorithms[i].digest, body, m->item.value.text))
			return refuse(ERR_STALE, "other_body", reason);
		known = true;
	}
	return known ? OK : refuse(ERR_INVALID, "no_known_digest", reason);
}
