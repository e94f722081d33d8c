#include "auth/signature.h"

#include "auth/content_digest.h"
#include "auth/jws.h"
#include "base/crypto.h"

/* RFC 9421, section 3.3, in the order of preference for a key that could do several. */
static const struct {
	const char        *name;
	enum jws_algorithm as;          /* the same in the terms of RFC 7518 */
} algorithms[] = {
	{ "rsa-pss-sha512", JWS_PS512 },
	{ "rsa-v1_5-sha256", JWS_RS256 },
	{ "ecdsa-p256-sha256", JWS_ES256 },
	{ "ecdsa-p384-sha384", JWS_ES384 },
	{ "ed25519", JWS_EDDSA },
};

static enum err refuse(enum err e, const char *why, const char **reason)
{
	*reason = why;
	return e;
}

/* --- the target --------------------------------------------------------------------- */

/* What a request line may hold. */
static bool is_visible(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
			return false;
	return s.len > 0;
}

static struct str lower(struct arena *a, struct str s)
{
	char *out = arena_cstr(a, s);

	for (size_t i = 0; i < s.len; i++)
		if (out[i] >= 'A' && out[i] <= 'Z')
			out[i] = (char)(out[i] - 'A' + 'a');
	return (struct str){ out, s.len };
}

bool signature_target(struct arena *a, struct signature_message *m)
{
	struct str rest = m->target_uri;
	size_t     colon = str_index(rest, ':'), end = 0;

	m->scheme = lower(a, str_first(rest, colon));
	rest = str_from(rest, colon);
	bool tls = str_eq(m->scheme, STR("https"));
	if ((!tls && !str_eq(m->scheme, STR("http"))) || !str_starts(rest, STR("://")) ||
	    !is_visible(m->target_uri) || str_index(rest, '#') < rest.len)
		return false;
	rest = str_from(rest, 3);
	while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?')
		end++;
	m->authority = lower(a, str_first(rest, end));
	struct str port = tls ? STR(":443") : STR(":80");
	if (str_ends(m->authority, port))
		m->authority.len -= port.len;
	rest = str_from(rest, end);
	size_t query = str_index(rest, '?');
	m->path = query == 0 ? STR("/") : str_first(rest, query);
	m->query = query < rest.len ? str_from(rest, query) : STR_NONE;
	m->request_target = query == 0 ?
	    arena_printf(a, "/%.*s", STR_ARG(rest)) : rest;
	return m->authority.len > 0;
}

/* --- reading (sections 4.1 and 4.2) --------------------------------------------------- */

/* All lines of a field; absent when there is none. */
static enum err join_field(struct arena *a, const struct signature_message *m, struct str name,
    struct str *out)
{
	struct buf text;
	bool       found = false;

	buf_init(&text, a, SIGNATURE_FIELD_MAX_BYTES);
	for (size_t i = 0; i < m->n_headers; i++) {
		if (!str_eq_nocase(m->headers[i].name, name))
			continue;
		if (found)
			BUF_LIT(&text, ", ");
		found = true;
		buf_add(&text, str_trim(m->headers[i].value));
	}
	*out = found ? buf_str(&text) : STR_NONE;
	return buf_failed(&text) ? ERR_TOO_LARGE : OK;
}

static enum err read_field(struct arena *a, const struct signature_message *m, struct str name,
    struct sf_members *out, const char **reason)
{
	struct str text;
	enum err   e = join_field(a, m, name, &text);

	if (e == OK && text.ptr == NULL)
		return refuse(ERR_NOT_FOUND, "none", reason);
	if (e == OK)
		e = sf_read_dictionary(a, text, out);
	if (e == ERR_NO_MEMORY)
		return e;
	if (e != OK)
		return refuse(ERR_INVALID, e == ERR_TOO_LARGE ? "too_large" : "malformed", reason);
	if (out->repeated)
		return refuse(ERR_INVALID, "repeated_label", reason);
	return OK;
}

static bool same_value(const struct sf_value *a, const struct sf_value *b)
{
	return a->kind == b->kind && a->number == b->number && str_eq(a->text, b->text);
}

/* The order of parameters makes no difference (section 2). */
static bool same_component(const struct sf_item *a, const struct sf_item *b)
{
	if (!str_eq(a->value.text, b->value.text) || a->parameters.count != b->parameters.count)
		return false;
	for (size_t i = 0; i < a->parameters.count; i++) {
		const struct sf_value *other = sf_parameter(&b->parameters, a->parameters.list[i].key);
		if (other == NULL || !same_value(&a->parameters.list[i].value, other))
			return false;
	}
	return true;
}

static enum err check_components(const struct sf_member *input, const char **reason)
{
	if (!input->is_inner)
		return refuse(ERR_INVALID, "malformed", reason);
	if (input->n_inner > SIGNATURE_COMPONENTS_MAX)
		return refuse(ERR_INVALID, "too_large", reason);
	for (size_t i = 0; i < input->n_inner; i++) {
		if (input->inner[i].value.kind != SF_STRING)
			return refuse(ERR_INVALID, "malformed", reason);
		for (size_t j = 0; j < i; j++)
			if (same_component(&input->inner[i], &input->inner[j]))
				return refuse(ERR_INVALID, "repeated_component", reason);
	}
	return OK;
}

/* A parameter of that kind, or none; false for another kind. */
static bool text_parameter(const struct sf_member *input, struct str key, struct str *out)
{
	const struct sf_value *v = sf_parameter(&input->item.parameters, key);

	*out = v == NULL ? STR_NONE : v->text;
	return v == NULL || v->kind == SF_STRING;
}

static bool time_parameter(const struct sf_member *input, struct str key, bool *has, int64_t *out)
{
	const struct sf_value *v = sf_parameter(&input->item.parameters, key);

	*has = v != NULL;
	*out = v == NULL ? 0 : v->number;
	return v == NULL || v->kind == SF_INTEGER;
}

static enum err read_signature(const struct sf_member *input, const struct sf_members *values,
    struct signature *out, const char **reason)
{
	const struct sf_member *value = sf_member(values, input->key);
	enum err                e = check_components(input, reason);

	if (e != OK)
		return e;
	if (value == NULL)
		return refuse(ERR_INVALID, "half_a_signature", reason);
	if (value->is_inner || value->item.value.kind != SF_BYTES)
		return refuse(ERR_INVALID, "malformed", reason);
	*out = (struct signature){ .label = input->key, .input = input,
		.bytes = value->item.value.text };
	if (!text_parameter(input, STR("keyid"), &out->keyid) ||
	    !text_parameter(input, STR("alg"), &out->alg) ||
	    !text_parameter(input, STR("nonce"), &out->nonce) ||
	    !text_parameter(input, STR("tag"), &out->tag) ||
	    !time_parameter(input, STR("created"), &out->has_created, &out->created_s) ||
	    !time_parameter(input, STR("expires"), &out->has_expires, &out->expires_s))
		return refuse(ERR_INVALID, "bad_parameter", reason);
	return OK;
}

enum err signatures_read(struct arena *a, const struct signature_message *m,
    struct signatures *out, const char **reason)
{
	struct sf_members inputs, values;
	const char       *other = "";
	enum err          e = read_field(a, m, STR("signature-input"), &inputs, reason);
	enum err          f = read_field(a, m, STR("signature"), &values, &other);

	out->count = 0;
	if (e == OK && f == ERR_NOT_FOUND)
		return refuse(ERR_INVALID, "half_a_signature", reason);
	if (e == ERR_NOT_FOUND && f != ERR_NOT_FOUND)
		return refuse(ERR_INVALID, "half_a_signature", reason);
	if (e == OK && f != OK) {
		*reason = other;
		return f;
	}
	if (e != OK)
		return e;
	if (inputs.count != values.count)
		return refuse(ERR_INVALID, "half_a_signature", reason);
	if (inputs.count > SIGNATURES_MAX)
		return refuse(ERR_INVALID, "too_large", reason);
	for (size_t i = 0; i < inputs.count; i++) {
		e = read_signature(&inputs.list[i], &values, &out->list[out->count], reason);
		if (e != OK)
			return e;
		out->count++;
	}
	return out->count > 0 ? OK : refuse(ERR_NOT_FOUND, "none", reason);
}

const struct signature *signatures_of_key(const struct signatures *s, struct str keyid)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i].keyid.ptr != NULL && str_eq(s->list[i].keyid, keyid))
			return &s->list[i];
	return NULL;
}

bool signature_covers(const struct signature *s, struct str component)
{
	for (size_t i = 0; i < s->input->n_inner; i++)
		if (s->input->inner[i].parameters.count == 0 &&
		    str_eq(s->input->inner[i].value.text, component))
			return true;
	return false;
}

/* --- keys ----------------------------------------------------------------------------- */

static enum err read_secret(struct arena *a, const struct json *jwk, struct signature_key *out,
    const char **reason)
{
	const struct json *alg = json_get(jwk, STR("alg"));

	if (alg != NULL && !str_eq(json_string(alg), STR("HS256")))
		return refuse(ERR_UNSUPPORTED, "its alg is not used here", reason);
	if (crypto_base64url_decode(a, json_get_string(jwk, "k"), &out->secret) != OK)
		return refuse(ERR_INVALID, "k is no base64url", reason);
	if (out->secret.len < SIGNATURE_SECRET_MIN_BYTES)
		return refuse(ERR_INVALID, "k is too short", reason);
	return OK;
}

enum err signature_key_read(struct arena *a, const struct json *jwk, struct signature_key *out,
    const char **reason)
{
	*out = (struct signature_key){ 0 };
	if (str_eq(json_get_string(jwk, "kty"), STR("oct")))
		return read_secret(a, jwk, out, reason);
	return jwk_parse(a, jwk, &out->public_key, reason);
}

void signature_key_clean(struct signature_key *k)
{
	if (k->secret.len > 0)
		crypto_wipe((void *)(uintptr_t)k->secret.ptr, k->secret.len);
	if (k->public_key.key != NULL)
		jwk_clean(&k->public_key);
	*k = (struct signature_key){ 0 };
}

/* --- verifying (section 3.2) ----------------------------------------------------------- */

/* Which of the key's algorithms: the one that is named, if it is one of them. */
static enum jws_algorithm algorithm_for(const struct jwk *key, struct str alg)
{
	for (size_t i = 0; i < COUNT(algorithms); i++)
		if ((key->algorithms & JWS_BIT(algorithms[i].as)) != 0 &&
		    (alg.ptr == NULL || str_eq(alg, str_of(algorithms[i].name))))
			return algorithms[i].as;
	return JWS_UNKNOWN;
}

static bool is_signed_with(struct str secret, struct str base, struct str bytes)
{
	uint8_t mac[SHA256_BYTES];
	bool    good;

	crypto_hmac_sha256((const uint8_t *)secret.ptr, secret.len, base, mac);
	good = crypto_equal((struct str){ (const char *)mac, sizeof(mac) }, bytes);
	crypto_wipe(mac, sizeof(mac));
	return good;
}

static enum err check_signed(const struct signature *s, const struct signature_key *k,
    struct str base, const char **reason)
{
	struct jws jws = { .signed_text = base, .signature = s->bytes };

	if (k->secret.ptr != NULL) {
		if (s->alg.ptr != NULL && !str_eq(s->alg, STR("hmac-sha256")))
			return refuse(ERR_UNAUTHENTICATED, "wrong_algorithm", reason);
		if (!is_signed_with(k->secret, base, s->bytes))
			return refuse(ERR_UNAUTHENTICATED, "bad_signature", reason);
		return OK;
	}
	jws.algorithm = algorithm_for(&k->public_key, s->alg);
	if (jws.algorithm == JWS_UNKNOWN)
		return refuse(ERR_UNAUTHENTICATED, "wrong_algorithm", reason);
	if (jws_verify(&jws, &k->public_key) != OK)
		return refuse(ERR_UNAUTHENTICATED, "bad_signature", reason);
	return OK;
}

static bool covers_digest(const struct signature *s)
{
	for (size_t i = 0; i < s->input->n_inner; i++)
		if (str_eq(s->input->inner[i].value.text, STR("content-digest")))
			return true;
	return false;
}

enum err signature_verify(struct arena *a, const struct signature_message *m,
    const struct signature *s, const struct signature_key *k, const char **reason)
{
	struct str base, digest;
	enum err   e = signature_base(a, m, s, &base, reason);

	if (e == OK)
		e = check_signed(s, k, base, reason);
	if (e != OK || !m->has_body || !covers_digest(s))
		return e;
	/* Signed by now, so it is there. */
	e = join_field(a, m, STR("content-digest"), &digest);
	return e == OK ? content_digest_check(a, digest, m->body, reason) : e;
}

/* --- what a route demands --------------------------------------------------------------- */

enum err signature_policy_check(const struct signature *s, const struct signature_policy *p,
    const char **reason)
{
	int64_t skew = p->skew_s;

	if (!signature_covers(s, STR("@method")) || !signature_covers(s, STR("@path")) ||
	    (p->has_query && !signature_covers(s, STR("@query"))) ||
	    (p->has_body && !signature_covers(s, STR("content-digest"))))
		return refuse(ERR_UNAUTHENTICATED, "not_all_covered", reason);
	if (!s->has_created)
		return refuse(ERR_UNAUTHENTICATED, "no_created", reason);
	if (s->created_s > p->now_s + skew)
		return refuse(ERR_UNAUTHENTICATED, "created_later", reason);
	if (s->created_s < p->now_s - (int64_t)p->max_age_s - skew)
		return refuse(ERR_UNAUTHENTICATED, "too_old", reason);
	if (s->has_expires && s->expires_s < p->now_s - skew)
		return refuse(ERR_UNAUTHENTICATED, "expired", reason);
	if (s->nonce.len == 0 || s->nonce.len > SIGNATURE_NONCE_MAX)
		return refuse(ERR_UNAUTHENTICATED, "no_nonce", reason);
	return OK;
}
