#include "auth/oauth_client.h"

#include "auth/oauth_redirect.h"
#include "auth/opaque_token.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/json.h"
#include "base/time.h"

#define CLIENT_SK       STR("client")
#define BODY_DEPTH_MAX  4
#define BODY_MAX_BYTES  65536

const char *const oauth_grant_names[OAUTH_GRANT_COUNT + 1] = {
	[OAUTH_GRANT_CODE] = "authorization_code",
	[OAUTH_GRANT_REFRESH] = "refresh_token",
	[OAUTH_GRANT_CLIENT] = "client_credentials",
};
const char *const oauth_method_names[OAUTH_METHOD_COUNT + 1] = {
	[OAUTH_BASIC] = "client_secret_basic",
	[OAUTH_POST] = "client_secret_post",
	[OAUTH_NONE] = "none",
};
const char *const oauth_client_types[3] = { "confidential", "public" };

struct str oauth_client_pk(struct arena *a, struct str id)
{
	return arena_printf(a, "oauth_client#%.*s", STR_ARG(id));
}

static int index_of(const char *const *names, struct str name)
{
	for (int i = 0; names[i] != NULL; i++)
		if (str_eq(name, str_of(names[i])))
			return i;
	return -1;
}

/* --- taking --------------------------------------------------------------------- */

static uint32_t grants_of(const struct json *list)
{
	uint32_t grants = 0;

	for (size_t i = 0; json_at(list, i) != NULL; i++) {
		int g = index_of(oauth_grant_names, json_string(json_at(list, i)));

		if (g >= 0)
			grants |= OAUTH_GRANT_BIT(g);
	}
	return grants;
}

static scope_set scopes_of(const struct json *list)
{
	scope_set set = 0;

	for (size_t i = 0; json_at(list, i) != NULL; i++)
		set |= SCOPE_BIT(scope_from_name(json_string(json_at(list, i))));
	return set & ~SCOPE_BIT(SCOPE_UNSET);
}

static void take_redirects(struct oauth_client *client, const struct json *list)
{
	client->n_redirect_uris = 0;
	for (size_t i = 0; i < OAUTH_REDIRECTS_MAX && json_at(list, i) != NULL; i++)
		client->redirect_uris[client->n_redirect_uris++] = json_string(json_at(list, i));
}

void oauth_client_take(struct oauth_client *client, const struct json *given)
{
	const struct json *redirects = json_get(given, STR("redirect_uris"));
	const struct json *grants = json_get(given, STR("grant_types"));
	const struct json *scopes = json_get(given, STR("scopes"));
	struct str         name = json_get_string(given, "name");
	int method = index_of(oauth_method_names,
	    json_get_string(given, "token_endpoint_auth_method"));

	if (name.ptr != NULL)
		client->name = name;
	if (redirects != NULL)
		take_redirects(client, redirects);
	if (grants != NULL)
		client->grants = grants_of(grants);
	if (scopes != NULL)
		client->scopes = scopes_of(scopes);
	if (method >= 0)
		client->method = (enum oauth_method)method;
}

/* --- the store ------------------------------------------------------------------ */

enum err oauth_client_parse(struct arena *a, const struct store_item *item,
    struct oauth_client *out)
{
	const struct json *json;
	struct json_error  error;

	if (json_parse(a, arena_dup(a, item->body), BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	*out = (struct oauth_client){
		.id          = json_get_string(json, "id"),
		.is_public   = str_eq(json_get_string(json, "type"), STR("public")),
		.secret_hash = json_get_string(json, "secret"),
		.created_ms  = json_get_int(json, "created_at", 0),
		.updated_ms  = json_get_int(json, "updated_at", 0),
		.version     = item->version,
	};
	oauth_client_take(out, json);
	return id_is_uuid(out->id) && out->name.len > 0 ? OK : ERR_CORRUPT;
}

enum err oauth_client_read(struct store_connection *c, struct arena *a, struct str id,
    int64_t now_ms, struct oauth_client *out)
{
	struct store_item item;
	enum err          e;

	if (!id_is_uuid(id))
		return ERR_NOT_FOUND;
	e = store_get(c, a, oauth_client_pk(a, id), CLIENT_SK, now_ms, &item);
	return e == OK ? oauth_client_parse(a, &item, out) : e;
}

static void write_names(struct json_writer *w, const char *name, const char *const *names,
    uint32_t set)
{
	json_name(w, name);
	json_array_open(w);
	for (int i = 0; names[i] != NULL; i++)
		if ((set & UINT32_C(1) << i) != 0)
			json_put_string(w, str_of(names[i]));
	json_array_close(w);
}

/* What an item and a reply have alike. */
static void write_members(struct json_writer *w, const struct oauth_client *client)
{
	json_member_string(w, "id", client->id);
	json_member_string(w, "name", client->name);
	json_member_string(w, "type", str_of(oauth_client_types[client->is_public]));
	json_name(w, "redirect_uris");
	json_array_open(w);
	for (size_t i = 0; i < client->n_redirect_uris; i++)
		json_put_string(w, client->redirect_uris[i]);
	json_array_close(w);
	write_names(w, "grant_types", oauth_grant_names, client->grants);
	json_name(w, "scopes");
	scopes_write(w, client->scopes);
	json_member_string(w, "token_endpoint_auth_method",
	    str_of(oauth_method_names[client->method]));
}

enum err oauth_client_item(struct arena *a, const struct oauth_client *client,
    struct store_item *out)
{
	struct json_writer w;
	struct buf         body;

	buf_init(&body, a, BODY_MAX_BYTES);
	json_begin(&w, &body);
	json_object_open(&w);
	write_members(&w, client);
	json_member_string(&w, "secret", client->secret_hash);
	json_member_int(&w, "created_at", client->created_ms);
	json_member_int(&w, "updated_at", client->updated_ms);
	json_object_close(&w);
	*out = (struct store_item){
		.pk = oauth_client_pk(a, client->id), .sk = CLIENT_SK,
		.index_pk = OAUTH_CLIENTS_INDEX, .index_sk = client->id,
		.body = buf_str(&body), .version = client->version,
	};
	return buf_failed(&body) ? ERR_TOO_LARGE : OK;
}

static void member_time(struct json_writer *w, struct arena *a, const char *name, int64_t ms)
{
	char text[TIME_RFC3339_SIZE];

	time_to_rfc3339(ms, text);
	json_member_string(w, name, arena_dup(a, str_of(text)));
}

void oauth_client_write(struct json_writer *w, struct arena *a,
    const struct oauth_client *client, struct str secret)
{
	json_object_open(w);
	write_members(w, client);
	member_time(w, a, "created_at", client->created_ms);
	member_time(w, a, "updated_at", client->updated_ms);
	if (secret.ptr != NULL)
		json_member_string(w, "secret", secret);
	json_object_close(w);
}

/* --- checking ------------------------------------------------------------------- */

static void check_redirects(const struct oauth_client *client, struct field_errors *errors)
{
	for (size_t i = 0; i < client->n_redirect_uris; i++) {
		const char *problem = redirect_problem(client->redirect_uris[i], client->is_public);

		if (problem != NULL)
			field_errors_add(errors,
			    arena_printf(errors->arena, "/redirect_uris/%zu", i), "%s", problem);
	}
	if (client->n_redirect_uris == 0 && (client->grants & OAUTH_GRANT_BIT(OAUTH_GRANT_CODE)))
		field_errors_add(errors, STR("/redirect_uris"),
		    "must not be empty with the grant type authorization_code");
}

static void check_grants(const struct oauth_client *client, struct field_errors *errors)
{
	const uint32_t code = OAUTH_GRANT_BIT(OAUTH_GRANT_CODE);

	if (client->grants == 0)
		field_errors_add(errors, STR("/grant_types"), "must not be empty");
	if ((client->grants & OAUTH_GRANT_BIT(OAUTH_GRANT_REFRESH)) && !(client->grants & code))
		field_errors_add(errors, STR("/grant_types"),
		    "refresh_token goes with authorization_code");
	if (client->is_public && (client->grants & OAUTH_GRANT_BIT(OAUTH_GRANT_CLIENT)))
		field_errors_add(errors, STR("/grant_types"),
		    "client_credentials are a confidential client's");
}

static void check_method(const struct oauth_client *client, struct field_errors *errors)
{
	if (client->is_public != (client->method == OAUTH_NONE))
		field_errors_add(errors, STR("/token_endpoint_auth_method"), client->is_public ?
		    "of a public client is none" : "of a confidential client is a secret's");
}

/* A key that a client makes would outlive what it was given. */
static void check_scopes(const struct json *list, scope_set had, const struct principal *admin,
    struct field_errors *errors)
{
	for (size_t i = 0; json_at(list, i) != NULL; i++) {
		struct str  name = json_string(json_at(list, i));
		enum scope  s = scope_from_name(name);
		const char *problem = NULL;

		if (s == SCOPE_UNSET)
			problem = "is no scope";
		else if (s == SCOPE_KEYS_MANAGE)
			problem = "is not given to clients";
		else if ((had & SCOPE_BIT(s)) == 0 && !principal_may(admin, s))
			problem = "is a scope that you have not got yourself";
		if (problem != NULL)
			field_errors_add(errors, arena_printf(errors->arena, "/scopes/%zu", i), "%s",
			    problem);
	}
}

void oauth_client_check(const struct oauth_client *client, const struct json *given,
    scope_set had, const struct principal *admin, struct field_errors *errors)
{
	check_redirects(client, errors);
	check_grants(client, errors);
	check_method(client, errors);
	check_scopes(json_get(given, STR("scopes")), had, admin, errors);
}

/* --- secrets and addresses ------------------------------------------------------ */

struct str oauth_client_renew(struct arena *a, struct oauth_client *client)
{
	struct str secret = opaque_token_new(a, OAUTH_SECRET_PREFIX);

	client->secret_hash = opaque_token_hash(a, secret);
	return secret;
}

bool oauth_client_knows(const struct oauth_client *client, struct str secret)
{
	uint8_t digest[SHA256_BYTES];
	char    hex[2 * SHA256_BYTES + 1];

	crypto_sha256(secret, digest);
	crypto_hex(digest, sizeof(digest), hex);
	return client->secret_hash.len > 0 && crypto_equal(str_of(hex), client->secret_hash);
}

bool oauth_client_has_redirect(const struct oauth_client *client, struct str uri)
{
	for (size_t i = 0; i < client->n_redirect_uris; i++)
		if (str_eq(client->redirect_uris[i], uri))
			return true;
	return false;
}
