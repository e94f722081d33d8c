/* What an API key's requests are signed with, when it is not the key itself. */
#include "auth/api_key_record.h"

#define JWK_DEPTH_MAX 2

enum err api_key_public_key(void *context, struct store_connection *c, struct arena *a,
    struct str id, int64_t now_ms, struct signature_key *out)
{
	struct api_key_record *r = ARENA_NEW(a, struct api_key_record);
	const struct json     *jwk;
	struct json_error      error;
	const char            *reason;
	enum err               e = api_key_read(c, a, id, now_ms, r);

	(void)context;
	if (e != OK)            /* gone since it was believed: it must not sign with less */
		return e == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : e;
	if (r->public_key.len == 0)
		return ERR_NOT_FOUND;
	e = json_parse(a, arena_printf(a, "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"%.*s\"}",
	    STR_ARG(r->public_key)), JWK_DEPTH_MAX, &jwk, &error);
	if (e == OK)
		e = signature_key_read(a, jwk, out, &reason);
	return e == OK ? OK : ERR_CORRUPT;
}
