#include "auth/pkce.h"

#include "base/crypto.h"

struct str pkce_challenge(struct arena *a, struct str verifier)
{
	uint8_t digest[SHA256_BYTES];

	crypto_sha256(verifier, digest);
	return crypto_base64url(a, (struct str){ (const char *)digest, sizeof(digest) });
}

bool pkce_challenge_fits(struct arena *a, struct str challenge)
{
	struct str bytes;

	return challenge.len == PKCE_CHALLENGE_BYTES &&
	    crypto_base64url_decode(a, challenge, &bytes) == OK && bytes.len == SHA256_BYTES;
}

bool pkce_verifies(struct arena *a, struct str challenge, struct str verifier)
{
	return verifier.len >= PKCE_VERIFIER_MIN && verifier.len <= PKCE_VERIFIER_MAX &&
	    crypto_equal(challenge, pkce_challenge(a, verifier));
}
