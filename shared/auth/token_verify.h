/*
 * token_verify: the whole of "is this token good here?", for ours and for others'.
 * Cheap checks first (form, lengths, header, claims), then the keys, the signature
 * last; a token chooses neither its key nor its algorithm (RFC 8725).
 * Threads:  safe from any.
 * Blocking: as long as the verifier's `keys` does.
 */
#ifndef AUTH_TOKEN_VERIFY_H
#define AUTH_TOKEN_VERIFY_H

#include "auth/key_set.h"
#include "auth/token.h"

struct token {
	struct jws          jws;
	const struct json  *payload;    /* NULL: it is no JSON object (struct token_rules, bare) */
	struct token_claims claims;
	bool                forged;     /* the signature was looked at, and is wrong */
};

/* Whose tokens count, and under which rules. */
struct token_verifier {
	void *context;
	/* The rules for tokens of `issuer`, which is what the token itself says (absent: it
	 * says nothing).  false: tokens of that issuer are not trusted. */
	bool (*rules)(void *context, struct str issuer, struct token_rules *out);
	/* The keys that may have signed it, as key_set_choose; what the token says was
	 * checked by then.  Another error ends the verification. */
	enum err (*keys)(void *context, const struct token *t, struct key_choice *out);
};

/* Strings of *out are `text`'s or the arena's.
 * ERR_UNAUTHENTICATED: it is not good; *reason is a word for the log ("expired",
 *   "bad_signature"; static storage) and never for the client.
 * ERR_LIMITED: `keys` said so.
 * ERR_UNAVAILABLE: the keys could not be had. */
NODISCARD enum err token_verify(struct arena *a, struct str text,
    const struct token_verifier *v, struct token *out, const char **reason)
    NONNULL(1, 3, 4, 5);

#endif
