#include "auth/provider_settings.h"

#include "auth/issuers.h"
#include "base/json.h"
#include "config/json_list.h"

#define GOOGLE          STR("google")
#define GITHUB          STR("github")
#define GOOGLE_ISSUER   STR("https://accounts.google.com")
#define OPENID_SCOPES   STR("openid email profile")
#define GITHUB_SCOPES   STR("read:user user:email")

/* The provider that an entry becomes. */
static struct provider *provider_of(struct json_entry *r)
{
	return r->out;
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

static bool read_name(struct json_entry *r, const struct json *v)
{
	struct str name = json_string(v);
	bool       good = name.len > 0 && name.len <= PROVIDER_NAME_MAX;

	for (size_t i = 0; good && i < name.len; i++)
		good = (name.ptr[i] >= 'a' && name.ptr[i] <= 'z') ||
		    (name.ptr[i] >= '0' && name.ptr[i] <= '9') || name.ptr[i] == '-';
	provider_of(r)->name = name;
	if (str_eq(name, STR("exchange")))
		return json_entry_refuse(r, "name", "exchange is taken: one of our own endpoints has it");
	return good || json_entry_refuse(r, "name", "expected google, github, or a name of yours of up to 32 "
	    "lower-case letters, digits and hyphens");
}

static bool read_client_id(struct json_entry *r, const struct json *v)
{
	provider_of(r)->client_id = json_string(v);
	return is_ascii(provider_of(r)->client_id) || json_entry_refuse(r, "client_id", "expected what the provider "
	    "shows as the client's or application's id");
}

static bool read_client_secret(struct json_entry *r, const struct json *v)
{
	provider_of(r)->client_secret = json_string(v);
	return is_ascii(provider_of(r)->client_secret) || json_entry_refuse(r, "client_secret", "expected what the "
	    "provider showed as the client's secret: printable ASCII");
}

static bool read_label(struct json_entry *r, const struct json *v)
{
	provider_of(r)->label = json_string(v);
	return is_text(provider_of(r)->label) || json_entry_refuse(r, "label", "expected a name for people");
}

static bool read_issuer(struct json_entry *r, const struct json *v)
{
	provider_of(r)->issuer = json_string(v);
	if (str_eq(provider_of(r)->name, GOOGLE) || str_eq(provider_of(r)->name, GITHUB))
		return json_entry_refuse(r, "issuer", "google and github are known by their names; an OpenID "
		    "provider of your own needs another one");
	return issuer_url_fits(provider_of(r)->issuer) || json_entry_refuse(r, "issuer", "expected the provider's "
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

static bool read_scopes(struct json_entry *r, const struct json *v)
{
	provider_of(r)->scopes = json_string(v);
	if (!is_ascii(provider_of(r)->scopes))
		return json_entry_refuse(r, "scopes", "expected names with spaces between them, like openid "
		    "email profile");
	return str_eq(provider_of(r)->name, GITHUB) || has_word(provider_of(r)->scopes, STR("openid")) ||
	    json_entry_refuse(r, "scopes", "an OpenID provider needs openid among them");
}

static bool read_link(struct json_entry *r, const struct json *v)
{
	provider_of(r)->links = json_bool(v);
	return json_type(v) == JSON_BOOL || json_entry_refuse(r, "link", "expected true or false");
}

static bool read_endpoint(struct json_entry *r, const struct json *endpoints, const char *member,
    struct str *out)
{
	const struct json *v = json_get(endpoints, str_of(member));

	if (v == NULL)
		return true;
	*out = json_string(v);
	return issuer_url_fits(*out) || json_entry_refuse(r, "endpoints", "expected https://HOST/… of each, or "
	    "http:// on this machine");
}

static bool check_endpoint_name(void *context, struct json_member member)
{
	static const char *const names[] = { "authorize", "token", "user", "emails" };

	for (size_t i = 0; i < COUNT(names); i++)
		if (str_eq(member.name, str_of(names[i])))
			return true;
	return json_entry_refuse(context, "endpoints", "there are authorize, token, user and emails");
}

/* GitHub Enterprise has its own. */
static bool read_endpoints(struct json_entry *r, const struct json *v)
{
	struct provider *p = provider_of(r);

	if (!str_eq(p->name, GITHUB))
		return json_entry_refuse(r, "endpoints", "they are github's alone; of an OpenID provider "
		    "discovery says them");
	if (json_type(v) != JSON_OBJECT)
		return json_entry_refuse(r, "endpoints", "expected an object");
	json_each(v, check_endpoint_name, r);
	return r->reason.ptr == NULL && read_endpoint(r, v, "authorize", &p->authorize_url) &&
	    read_endpoint(r, v, "token", &p->token_url) &&
	    read_endpoint(r, v, "user", &p->user_url) &&
	    read_endpoint(r, v, "emails", &p->emails_url);
}

/* The name first: it says what the others mean. */
static const struct json_entry_member members[] = {
	{ "name", true, read_name },
	{ "client_id", true, read_client_id },
	{ "client_secret", false, read_client_secret },
	{ "issuer", false, read_issuer },
	{ "label", false, read_label },
	{ "scopes", false, read_scopes },
	{ "link", false, read_link },
	{ "endpoints", false, read_endpoints },
};

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
static void begin(struct json_entry *r, const struct json *entry)
{
	struct provider *p = provider_of(r);
	struct str       name = json_get_string(entry, "name");

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

static bool check_whole(struct json_entry *r)
{
	struct provider *p = provider_of(r);

	if (p->issuer.len == 0)
		return json_entry_refuse(r, "issuer", "it is missing; only google and github are known by "
		    "their names");
	/* Another server's accounts are not github.com's. */
	if (!p->openid)
		p->issuer = p->user_url;
	if (p->client_secret.len == 0 && (!p->openid || str_eq(p->name, GOOGLE)))
		return json_entry_refuse(r, "client_secret", "it is missing");
	return true;
}

static bool add(struct json_entry *r)
{
	struct provider_list *list = r->list;

	if (!check_whole(r))
		return false;
	if (provider_find(list, provider_of(r)->name) != NULL)
		return json_entry_refuse(r, "name", "it is listed twice");
	if (list->count == PROVIDERS_MAX)
		return json_entry_refuse(r, "it", "there are at most 16");
	list->list[list->count++] = *provider_of(r);
	return true;
}

enum err provider_settings_parse(struct arena *a, struct str text, struct provider_list *out,
    struct str *reason)
{
	static const struct json_list_form form = {
		.setting = "AUTH_PROVIDERS",
		.example = "[{\"name\":\"google\",\"client_id\":\"…\",\"client_secret\":\"…\"}]",
		.members = members, .n_members = COUNT(members), .begin = begin, .add = add,
	};
	struct provider one;

	out->count = 0;
	return json_list_read(a, &form, text, &one, out, reason);
}

const struct provider *provider_find(const struct provider_list *list, struct str name)
{
	for (size_t i = 0; i < list->count; i++)
		if (name.len > 0 && str_eq(name, list->list[i].name))
			return &list->list[i];
	return NULL;
}
