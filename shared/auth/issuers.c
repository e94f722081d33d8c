#include "auth/issuers.h"

#include "config/json_list.h"
#include "net/http_client.h"

/* The issuer that an entry becomes. */
static struct issuer *issuer_of(struct json_entry *r)
{
	return r->out;
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

static bool read_issuer(struct json_entry *r, const struct json *v)
{
	issuer_of(r)->name = json_string(v);
	return issuer_url_fits(issuer_of(r)->name) || json_entry_refuse(r, "issuer", "expected "
	    "its iss exactly as tokens have it: https://HOST/…, or http:// on this machine");
}

static bool read_jwks_uri(struct json_entry *r, const struct json *v)
{
	issuer_of(r)->jwks_uri = json_string(v);
	return issuer_url_fits(issuer_of(r)->jwks_uri) || json_entry_refuse(r, "jwks_uri",
	    "expected https://HOST/…, or http:// on this machine");
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

static bool read_audience(struct json_entry *r, const struct json *v)
{
	return read_texts(v, issuer_of(r)->audiences, ISSUER_AUDIENCES_MAX, &issuer_of(r)->n_audiences) ||
	    json_entry_refuse(r, "audience", "expected the aud of its tokens for this API (of id tokens "
	    "the client's id): a string, or a list of up to 8");
}

static bool read_algorithms(struct json_entry *r, const struct json *v)
{
	struct str names[JWS_ALGORITHM_COUNT];
	size_t     count = 0;

	issuer_of(r)->algorithms = 0;
	if (json_type(v) == JSON_ARRAY && !read_texts(v, names, COUNT(names), &count))
		count = 0;
	for (size_t i = 0; i < count; i++) {
		enum jws_algorithm one = jws_algorithm_from_name(names[i]);

		if ((JWS_TOKEN_ALGORITHMS & JWS_BIT(one)) == 0) {
			count = 0;
			break;
		}
		issuer_of(r)->algorithms |= JWS_BIT(one);
	}
	return count > 0 || json_entry_refuse(r, "algorithms", "expected a list of RS256, RS384, RS512, "
	    "PS256, ES256, ES384, EdDSA");
}

static bool read_claim(struct json_entry *r, const struct json *v, const char *member,
    struct str *out)
{
	*out = json_string(v);
	return is_text(*out) || json_entry_refuse(r, member, "expected a claim's name, like "
	    "https://example.com/roles, or its path, like realm_access.roles");
}

static bool read_roles_claim(struct json_entry *r, const struct json *v)
{
	return read_claim(r, v, "roles_claim", &issuer_of(r)->roles_claim);
}

static bool read_tenant_claim(struct json_entry *r, const struct json *v)
{
	return read_claim(r, v, "tenant_claim", &issuer_of(r)->tenant_claim);
}

static bool read_token(struct json_entry *r, const struct json *v)
{
	issuer_of(r)->id_tokens = str_eq(json_string(v), STR(TOKEN_USE_ID));
	return issuer_of(r)->id_tokens || str_eq(json_string(v), STR(TOKEN_USE_ACCESS)) ||
	    json_entry_refuse(r, "token", "expected access or id");
}

static const struct json_entry_member members[] = {
	{ "issuer", true, read_issuer },
	{ "audience", true, read_audience },
	{ "jwks_uri", false, read_jwks_uri },
	{ "algorithms", false, read_algorithms },
	{ "roles_claim", false, read_roles_claim },
	{ "tenant_claim", false, read_tenant_claim },
	{ "token", false, read_token },
};

static void begin(struct json_entry *r, const struct json *entry)
{
	(void)entry;
	*issuer_of(r) = (struct issuer){
		.algorithms = JWS_TOKEN_ALGORITHMS, .roles_claim = STR(ROLES_CLAIM_DEFAULT),
	};
}

/* Where they go to, and who must not be among them. */
struct destination {
	struct issuers *issuers;
	struct str      own;
};

static bool add(struct json_entry *r)
{
	const struct destination *to = r->list;
	enum err                  e;

	if (str_eq(issuer_of(r)->name, to->own))
		return json_entry_refuse(r, "issuer", "it is this installation's own");
	e = issuers_add(to->issuers, issuer_of(r));
	if (e == ERR_EXISTS)
		return json_entry_refuse(r, "issuer", "it is listed twice");
	return e == OK || json_entry_refuse(r, "it", "there are at most 16");
}

enum err issuers_parse(struct arena *a, struct str text, struct str own, struct issuers *out,
    struct str *reason)
{
	static const struct json_list_form form = {
		.setting = "OIDC_ISSUERS",
		.example = "[{\"issuer\":\"https://tenant.auth0.com/\",\"audience\":\"my-api\"}]",
		.members = members, .n_members = COUNT(members), .begin = begin, .add = add,
	};
	struct destination to = { out, own };
	struct issuer      one;

	return json_list_read(a, &form, text, &one, &to, reason);
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
