#include "auth/issuers.h"

#include "base/buf.h"
#include "base/limits.h"
#include "net/http_client.h"

#define DEPTH_MAX       4

/* One issuer while it is read. */
struct reading {
	struct arena  *arena;
	size_t         index;
	struct issuer *out;
	struct str     reason;          /* absent: all is well */
};

static bool refuse(struct reading *r, const char *member, const char *why)
{
	r->reason = arena_printf(r->arena, "OIDC_ISSUERS: entry %zu: %s: %s", r->index + 1, member,
	    why);
	return false;
}

static bool is_text(struct str s)
{
	return s.len > 0 && s.len <= ISSUER_TEXT_MAX_BYTES && !str_has_control(s);
}

/* Host and port of a URL, without what stands around them. */
static struct str authority_of(struct str url, size_t scheme)
{
	struct str rest = str_from(url, scheme);

	return str_first(rest, str_index(rest, '/'));
}

static bool is_loopback(struct str authority)
{
	bool   bracketed = str_starts(authority, STR("["));
	size_t end = bracketed ? str_index(authority, ']') + 1 : str_index(authority, ':');

	return http_host_is_loopback(str_first(authority, end));
}

bool issuer_url_fits(struct str url)
{
	struct str https = STR("https://"), http = STR("http://"), authority;

	if (!is_text(url) || str_contains(url, STR("?")) || str_contains(url, STR("#")) ||
	    str_contains(url, STR(" ")) || str_contains(url, STR("@")) ||
	    str_contains(url, STR("\\")))
		return false;
	if (str_starts(url, https))
		return authority_of(url, https.len).len > 0;
	authority = authority_of(url, http.len);
	return str_starts(url, http) && is_loopback(authority);
}

static bool read_issuer(struct reading *r, const struct json *v)
{
	r->out->name = json_string(v);
	return issuer_url_fits(r->out->name) || refuse(r, "issuer", "expected its iss exactly as tokens "
	    "have it: https://HOST/…, or http:// on this machine");
}

static bool read_jwks_uri(struct reading *r, const struct json *v)
{
	r->out->jwks_uri = json_string(v);
	return issuer_url_fits(r->out->jwks_uri) || refuse(r, "jwks_uri", "expected https://HOST/…, or "
	    "http:// on this machine");
}

/* The strings of a list, or the one string. */
static bool read_texts(const struct json *v, struct str *list, size_t room, size_t *count)
{
	bool   many = json_type(v) == JSON_ARRAY;
	size_t n = many ? json_length(v) : 1;

	if (n == 0 || n > room)
		return false;
	for (size_t i = 0; i < n; i++) {
		list[i] = json_string(many ? json_at(v, i) : v);
		if (!is_text(list[i]))
			return false;
	}
	*count = n;
	return true;
}

static bool read_audience(struct reading *r, const struct json *v)
{
	return read_texts(v, r->out->audiences, ISSUER_AUDIENCES_MAX, &r->out->n_audiences) ||
	    refuse(r, "audience", "expected the aud of its tokens for this API (of id tokens "
	    "the client's id): a string, or a list of up to 8");
}

static bool read_algorithms(struct reading *r, const struct json *v)
{
	struct str names[JWS_ALGORITHM_COUNT];
	size_t     count = 0;

	r->out->algorithms = 0;
	if (json_type(v) == JSON_ARRAY && !read_texts(v, names, COUNT(names), &count))
		count = 0;
	for (size_t i = 0; i < count; i++) {
		enum jws_algorithm one = jws_algorithm_from_name(names[i]);

		if ((JWS_TOKEN_ALGORITHMS & JWS_BIT(one)) == 0) {
			count = 0;
			break;
		}
		r->out->algorithms |= JWS_BIT(one);
	}
	return count > 0 || refuse(r, "algorithms", "expected a list of RS256, RS384, RS512, "
	    "PS256, ES256, ES384, EdDSA");
}

static bool read_claim(struct reading *r, const struct json *v, const char *member,
    struct str *out)
{
	*out = json_string(v);
	return is_text(*out) || refuse(r, member, "expected a claim's name, like "
	    "https://example.com/roles, or its path, like realm_access.roles");
}

static bool read_roles_claim(struct reading *r, const struct json *v)
{
	return read_claim(r, v, "roles_claim", &r->out->roles_claim);
}

static bool read_tenant_claim(struct reading *r, const struct json *v)
{
	return read_claim(r, v, "tenant_claim", &r->out->tenant_claim);
}

static bool read_token(struct reading *r, const struct json *v)
{
	r->out->id_tokens = str_eq(json_string(v), STR(TOKEN_USE_ID));
	return r->out->id_tokens || str_eq(json_string(v), STR(TOKEN_USE_ACCESS)) ||
	    refuse(r, "token", "expected access or id");
}

static const struct {
	const char *name;
	bool        required;
	bool      (*read)(struct reading *r, const struct json *v);
} members[] = {
	{ "issuer", true, read_issuer },
	{ "audience", true, read_audience },
	{ "jwks_uri", false, read_jwks_uri },
	{ "algorithms", false, read_algorithms },
	{ "roles_claim", false, read_roles_claim },
	{ "tenant_claim", false, read_tenant_claim },
	{ "token", false, read_token },
};

static bool check_name(void *context, struct json_member member)
{
	struct reading *r = context;

	for (size_t i = 0; i < COUNT(members); i++)
		if (str_eq(member.name, str_of(members[i].name)))
			return true;
	return refuse(r, arena_cstr(r->arena, str_first(member.name, 100)), "there is no such member; there are "
	    "issuer, audience, jwks_uri, algorithms, roles_claim, tenant_claim and token");
}

static bool read_entry(struct reading *r, const struct json *entry)
{
	*r->out = (struct issuer){
		.algorithms = JWS_TOKEN_ALGORITHMS, .roles_claim = STR(ROLES_CLAIM_DEFAULT),
	};
	if (json_type(entry) != JSON_OBJECT)
		return refuse(r, "it", "expected an object");
	json_each(entry, check_name, r);
	for (size_t i = 0; i < COUNT(members) && r->reason.ptr == NULL; i++) {
		const struct json *v = json_get(entry, str_of(members[i].name));

		if (v == NULL && members[i].required)
			return refuse(r, members[i].name, "it is missing");
		if (v != NULL && !members[i].read(r, v))
			return false;
	}
	return r->reason.ptr == NULL;
}

static bool add_entry(struct reading *r, const struct issuer *one, struct str own,
    struct issuers *out)
{
	enum err e;

	if (str_eq(one->name, own))
		return refuse(r, "issuer", "it is this installation's own");
	e = issuers_add(out, one);
	if (e == ERR_EXISTS)
		return refuse(r, "issuer", "it is listed twice");
	return e == OK || refuse(r, "it", "there are at most 16");
}

enum err issuers_parse(struct arena *a, struct str text, struct str own, struct issuers *out,
    struct str *reason)
{
	const struct json *list;
	struct json_error  error = { 0 };
	struct issuer      one;

	if (json_parse(a, text, DEPTH_MAX, &list, &error) != OK || json_type(list) != JSON_ARRAY) {
		*reason = arena_printf(a, "OIDC_ISSUERS: expected a JSON list on one line, like "
		    "[{\"issuer\":\"https://tenant.auth0.com/\",\"audience\":\"my-api\"}]%s%s",
		    error.reason == NULL ? "" : ": ", error.reason == NULL ? "" : error.reason);
		return ERR_INVALID;
	}
	for (size_t i = 0; i < json_length(list); i++) {
		struct reading r = { .arena = a, .index = i, .out = &one };

		if (!read_entry(&r, json_at(list, i)) || !add_entry(&r, &one, own, out)) {
			*reason = r.reason;
			return ERR_INVALID;
		}
	}
	return OK;
}

enum err issuers_add(struct issuers *out, const struct issuer *one)
{
	if (issuers_find(out, one->name) != NULL)
		return ERR_EXISTS;
	if (out->count == ISSUERS_MAX)
		return ERR_TOO_LARGE;
	out->list[out->count++] = *one;
	return OK;
}

const struct issuer *issuers_find(const struct issuers *list, struct str name)
{
	for (size_t i = 0; i < list->count; i++)
		if (name.len > 0 && str_eq(name, list->list[i].name))
			return &list->list[i];
	return NULL;
}

void issuer_rules(const struct issuer *i, int64_t now_ms, uint32_t skew_s,
    struct token_rules *out)
{
	*out = (struct token_rules){
		.issuer = i->name, .audiences = i->audiences, .n_audiences = i->n_audiences,
		.use = i->id_tokens ? STR(TOKEN_USE_ID) : STR(TOKEN_USE_ACCESS),
		.use_unsaid = true, .algorithms = i->algorithms,
		.now_ms = now_ms, .skew_s = skew_s,
	};
}

const struct json *issuer_claim(const struct json *payload, struct str path)
{
	const struct json *v = json_get(payload, path);

	/* What is no object has no members: a path ends there, and so does this. */
	for (size_t i = 0; v == NULL && i < path.len; i++) {
		const struct json *inner;

		if (path.ptr[i] != '.')
			continue;
		inner = json_get(payload, str_first(path, i));
		if (json_type(inner) == JSON_OBJECT)
			v = issuer_claim(inner, str_from(path, i + 1));
	}
	return v;
}
