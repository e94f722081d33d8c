#include "auth/provider_settings.h"

#include "auth/issuers.h"
#include "base/json.h"

#define DEPTH_MAX 4

#define GOOGLE          STR("google")
#define GITHUB          STR("github")
#define GOOGLE_ISSUER   STR("https://accounts.google.com")
#define OPENID_SCOPES   STR("openid email profile")
#define GITHUB_SCOPES   STR("read:user user:email")

/* One provider while it is read. */
struct reading {
	struct arena    *arena;
	size_t           index;
	struct provider *out;
	struct str       reason;        /* absent: all is well */
};

static bool refuse(struct reading *r, const char *member, const char *why)
{
	if (r->reason.ptr == NULL)
		r->reason = arena_printf(r->arena, "AUTH_PROVIDERS: entry %zu: %s: %s",
		    r->index + 1, member, why);
	return false;
}

static bool is_text(struct str s)
{
	return s.len > 0 && s.len <= PROVIDER_TEXT_MAX_BYTES && !str_has_control(s) &&
	    str_is_utf8(s);
}

/* What goes into headers and URLs. */
static bool is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < ' ' || s.ptr[i] > '~')
			return false;
	return is_text(s);
}

/* --- an entry's members --------------------------------------------------------- */

static bool read_name(struct reading *r, const struct json *v)
{
	struct str name = json_string(v);
	bool       good = name.len > 0 && name.len <= PROVIDER_NAME_MAX;

	for (size_t i = 0; good && i < name.len; i++)
		good = (name.ptr[i] >= 'a' && name.ptr[i] <= 'z') ||
		    (name.ptr[i] >= '0' && name.ptr[i] <= '9') || name.ptr[i] == '-';
	r->out->name = name;
	if (str_eq(name, STR("exchange")))
		return refuse(r, "name", "exchange is taken: one of our own endpoints has it");
	return good || refuse(r, "name", "expected google, github, or a name of yours of up to 32 "
	    "lower-case letters, digits and hyphens");
}

static bool read_client_id(struct reading *r, const struct json *v)
{
	r->out->client_id = json_string(v);
	return is_ascii(r->out->client_id) || refuse(r, "client_id", "expected what the provider "
	    "shows as the client's or application's id");
}

static bool read_client_secret(struct reading *r, const struct json *v)
{
	r->out->client_secret = json_string(v);
	return is_ascii(r->out->client_secret) || refuse(r, "client_secret", "expected what the "
	    "provider showed as the client's secret: printable ASCII");
}

static bool read_label(struct reading *r, const struct json *v)
{
	r->out->label = json_string(v);
	return is_text(r->out->label) || refuse(r, "label", "expected a name for people");
}

static bool read_issuer(struct reading *r, const struct json *v)
{
	r->out->issuer = json_string(v);
	if (str_eq(r->out->name, GOOGLE) || str_eq(r->out->name, GITHUB))
		return refuse(r, "issuer", "google and github are known by their names; an OpenID "
		    "provider of your own needs another one");
	return issuer_url_fits(r->out->issuer) || refuse(r, "issuer", "expected the provider's "
	    "issuer exactly as its discovery document has it: https://HOST/…, or http:// on this "
	    "machine");
}

static bool has_word(struct str list, struct str word)
{
	while (list.ptr != NULL)
		if (str_eq(str_cut(&list, ' '), word))
			return true;
	return false;
}

static bool read_scopes(struct reading *r, const struct json *v)
{
	r->out->scopes = json_string(v);
	if (!is_ascii(r->out->scopes))
		return refuse(r, "scopes", "expected names with spaces between them, like openid "
		    "email profile");
	return str_eq(r->out->name, GITHUB) || has_word(r->out->scopes, STR("openid")) ||
	    refuse(r, "scopes", "an OpenID provider needs openid among them");
}

static bool read_link(struct reading *r, const struct json *v)
{
	r->out->links = json_bool(v);
	return json_type(v) == JSON_BOOL || refuse(r, "link", "expected true or false");
}

static bool read_endpoint(struct reading *r, const struct json *endpoints, const char *member,
    struct str *out)
{
	const struct json *v = json_get(endpoints, str_of(member));

	if (v == NULL)
		return true;
	*out = json_string(v);
	return issuer_url_fits(*out) || refuse(r, "endpoints", "expected https://HOST/… of each, or "
	    "http:// on this machine");
}

static bool check_endpoint_name(void *context, struct json_member member)
{
	static const char *const names[] = { "authorize", "token", "user", "emails" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (str_eq(member.name, str_of(names[i])))
			return true;
	return refuse(context, "endpoints", "there are authorize, token, user and emails");
}

/* GitHub Enterprise has its own. */
static bool read_endpoints(struct reading *r, const struct json *v)
{
	struct provider *p = r->out;

	if (!str_eq(p->name, GITHUB))
		return refuse(r, "endpoints", "they are github's alone; of an OpenID provider "
		    "discovery says them");
	if (json_type(v) != JSON_OBJECT)
		return refuse(r, "endpoints", "expected an object");
	json_each(v, check_endpoint_name, r);
	return r->reason.ptr == NULL && read_endpoint(r, v, "authorize", &p->authorize_url) &&
	    read_endpoint(r, v, "token", &p->token_url) &&
	    read_endpoint(r, v, "user", &p->user_url) &&
	    read_endpoint(r, v, "emails", &p->emails_url);
}

/* The name first: it says what the others mean. */
static const struct {
	const char *name;
	bool        required;
	bool      (*read)(struct reading *r, const struct json *v);
} members[] = {
	{ "name", true, read_name },
	{ "client_id", true, read_client_id },
	{ "client_secret", false, read_client_secret },
	{ "issuer", false, read_issuer },
	{ "label", false, read_label },
	{ "scopes", false, read_scopes },
	{ "link", false, read_link },
	{ "endpoints", false, read_endpoints },
};

static bool check_name(void *context, struct json_member member)
{
	struct reading *r = context;

	for (size_t i = 0; i < COUNT(members); i++)
		if (str_eq(member.name, str_of(members[i].name)))
			return true;
	return refuse(r, "it", "there is a member that is none; there are name, client_id, "
	    "client_secret, issuer, label, scopes, link and endpoints");
}

/* --- entries -------------------------------------------------------------------- */

static void set_github(struct provider *p)
{
	p->openid = false;
	p->label = STR("GitHub");
	p->scopes = GITHUB_SCOPES;
	p->issuer = STR("https://github.com");
	p->authorize_url = STR("https://github.com/login/oauth/authorize");
	p->token_url = STR("https://github.com/login/oauth/access_token");
	p->user_url = STR("https://api.github.com/user");
	p->emails_url = STR("https://api.github.com/user/emails");
}

/* What holds where the entry says nothing. */
static void set_defaults(struct provider *p, struct str name)
{
	*p = (struct provider){
		.openid = true, .label = name, .scopes = OPENID_SCOPES, .links = true,
	};
	if (str_eq(name, GITHUB))
		set_github(p);
	if (!str_eq(name, GOOGLE))
		return;
	p->label = STR("Google");
	p->issuer = GOOGLE_ISSUER;
}

static bool check_whole(struct reading *r)
{
	struct provider *p = r->out;

	if (p->issuer.len == 0)
		return refuse(r, "issuer", "it is missing; only google and github are known by "
		    "their names");
	/* Another server's accounts are not github.com's. */
	if (!p->openid)
		p->issuer = p->user_url;
	if (p->client_secret.len == 0 && (!p->openid || str_eq(p->name, GOOGLE)))
		return refuse(r, "client_secret", "it is missing");
	return true;
}

static bool read_entry(struct reading *r, const struct json *entry)
{
	if (json_type(entry) != JSON_OBJECT)
		return refuse(r, "it", "expected an object");
	set_defaults(r->out, json_get_string(entry, "name"));
	json_each(entry, check_name, r);
	for (size_t i = 0; i < COUNT(members) && r->reason.ptr == NULL; i++) {
		const struct json *v = json_get(entry, str_of(members[i].name));

		if (v == NULL && members[i].required)
			return refuse(r, members[i].name, "it is missing");
		if (v != NULL && !members[i].read(r, v))
			return false;
	}
	return r->reason.ptr == NULL && check_whole(r);
}

static bool add_entry(struct reading *r, struct provider_list *out)
{
	if (provider_find(out, r->out->name) != NULL)
		return refuse(r, "name", "it is listed twice");
	if (out->count == PROVIDERS_MAX)
		return refuse(r, "it", "there are at most 16");
	out->list[out->count++] = *r->out;
	return true;
}

enum err provider_settings_parse(struct arena *a, struct str text, struct provider_list *out,
    struct str *reason)
{
	const struct json *list;
	struct json_error  error = { 0 };
	struct provider    one;

	out->count = 0;
	if (json_parse(a, text, DEPTH_MAX, &list, &error) != OK || json_type(list) != JSON_ARRAY) {
		*reason = arena_printf(a, "AUTH_PROVIDERS: expected a JSON list on one line, like "
		    "[{\"name\":\"google\",\"client_id\":\"…\",\"client_secret\":\"…\"}]%s%s",
		    error.reason == NULL ? "" : ": ", error.reason == NULL ? "" : error.reason);
		return ERR_INVALID;
	}
	for (size_t i = 0; i < json_length(list); i++) {
		struct reading r = { .arena = a, .index = i, .out = &one };

		if (!read_entry(&r, json_at(list, i)) || !add_entry(&r, out)) {
			*reason = r.reason;
			return ERR_INVALID;
		}
	}
	return OK;
}

const struct provider *provider_find(const struct provider_list *list, struct str name)
{
	for (size_t i = 0; i < list->count; i++)
		if (name.len > 0 && str_eq(name, list->list[i].name))
			return &list->list[i];
	return NULL;
}
