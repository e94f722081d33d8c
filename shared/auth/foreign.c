#include "auth/foreign.h"

#include "base/buf.h"
#include "base/id.h"

#define SUBJECT_MAX_BYTES 255           /* OpenID Connect Core 1.0, 2 */
#define TEXT_MAX_BYTES    255           /* an address, a name, a tenant: longer is left out */
#define HASHED_MAX_BYTES  16384         /* an issuer, a claim and NULs: a token is shorter */
#define ROLES_MAX_BYTES   1024          /* of a role list in one string */

/* A UUID of version 8: the first bits of a SHA-256. */
static struct str uuid8(struct arena *a, struct str hashed)
{
	uint8_t digest[SHA256_BYTES];
	char    hex[2 * 16 + 1];

	crypto_sha256(hashed, digest);
	digest[6] = (uint8_t)((digest[6] & 0x0F) | 0x80);
	digest[8] = (uint8_t)((digest[8] & 0x3F) | 0x80);
	crypto_hex(digest, 16, hex);
	return arena_printf(a, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
	    hex + 20);
}

/* issuer NUL value, or issuer NUL what NUL value: no text has a NUL in it. */
static struct str derive(struct arena *a, struct str issuer, const char *what, struct str value)
{
	struct buf text;

	buf_init(&text, a, HASHED_MAX_BYTES);
	buf_add(&text, issuer);
	buf_char(&text, '\0');
	if (what != NULL) {
		buf_add(&text, str_of(what));
		buf_char(&text, '\0');
	}
	buf_add(&text, value);
	return buf_failed(&text) ? STR_NONE : uuid8(a, buf_str(&text));
}

struct str foreign_account_id(struct arena *a, struct str issuer, struct str subject)
{
	return derive(a, issuer, NULL, subject);
}

/* What a log-out ends: the provider's session, where the token names it; else what
 * was refreshed from one sign-in; else this token. */
static struct str session_of(struct arena *a, const struct issuer *i, const struct json *payload,
    const uint8_t digest[SHA256_BYTES])
{
	static const char *const claims[] = { "sid", "origin_jti", "jti" };
	char hex[2 * SHA256_BYTES + 1];

	for (size_t n = 0; n < COUNT(claims); n++) {
		struct str value = json_get_string(payload, claims[n]);

		if (value.len > 0 && !str_has_control(value))
			return derive(a, i->name, claims[n], value);
	}
	crypto_hex(digest, SHA256_BYTES, hex);
	return derive(a, i->name, "token", str_of(hex));
}

/* "roles": ["admin"], or one string of names with spaces between them. */
static uint32_t roles_of(const struct issuer *i, const struct json *payload)
{
	const struct json *claim = issuer_claim(payload, i->roles_claim);
	struct str         names = str_first(json_string(claim), ROLES_MAX_BYTES);
	uint32_t           set = UINT32_C(1) << ROLE_USER | roles_read(claim);

	while (names.ptr != NULL)
		set |= UINT32_C(1) << role_from_name(str_cut(&names, ' '));
	return set & ~(UINT32_C(1) << ROLE_ANONYMOUS);
}

static struct str text_of(const struct json *v)
{
	struct str s = json_string(v);

	return s.len > 0 && s.len <= TEXT_MAX_BYTES && !str_has_control(s) ? s : STR_NONE;
}

/* An address that nobody checked may be anybody's. */
static struct str email_of(const struct json *payload)
{
	if (!json_get_bool(payload, "email_verified", false))
		return STR_NONE;
	return text_of(json_get(payload, STR("email")));
}

enum err foreign_principal(struct arena *a, const struct issuer *i, const struct token *token,
    const uint8_t digest[SHA256_BYTES], struct principal *out, const char **reason)
{
	const struct token_claims *claims = &token->claims;
	const struct json         *payload = token->payload;
	struct principal           p = {
		.kind = PRINCIPAL_SESSION, .foreign = !i->home, .expires_ms = claims->expires_ms,
		.email = email_of(payload), .name = text_of(json_get(payload, STR("name"))),
	};

	if (claims->subject.len > SUBJECT_MAX_BYTES || str_has_control(claims->subject) ||
	    (i->home && !id_is_uuid(claims->subject))) {
		*reason = "bad_subject";
		return ERR_UNAUTHENTICATED;
	}
	p.id = i->home ? claims->subject : foreign_account_id(a, i->name, claims->subject);
	p.session = session_of(a, i, payload, digest);
	if (i->tenant_claim.len > 0)
		p.tenant = text_of(issuer_claim(payload, i->tenant_claim));
	principal_set_roles(&p, roles_of(i, payload));
	if ((claims->scopes & ~SCOPES_OF_OPENID) != 0)
		p.scopes &= claims->scopes;
	*out = p;
	return OK;
}
