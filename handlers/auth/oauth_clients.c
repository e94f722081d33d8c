/* Registering third parties: list, create, read, change, a new secret, remove. */
#include "auth/endpoints.h"
#include "auth/oauth_client.h"
#include "auth/session.h"
#include "base/id.h"
#include "log/log.h"

static enum err load(const struct request *req, struct response *res, struct oauth_client *out)
{
	struct str id = request_parameter(req, "id");
	enum err   e = oauth_client_read(req->store, req->arena, id, req->now_ms, out);

	if (e != ERR_NOT_FOUND)
		return e;
	return response_problem(res, e, "there is no client \"%.*s\"", STR_ARG(str_first(id, 64)));
}

static void show(struct response *res, const struct oauth_client *client, struct str secret)
{
	struct json_writer w = response_writer(res);

	oauth_client_write(&w, res->arena, client, secret);
	response_json(res);
	response_etag(res, client->id, client->version, "");
	res->no_store = true;
}

static void note(const struct request *req, const char *event, const struct oauth_client *client)
{
	log_message(LOG_INFO, event, "OAuth client %.*s by %.*s", STR_ARG(client->id),
	    STR_ARG(req->principal.id));
}

struct listing {
	const struct request *req;
	struct json_writer    w;
	struct str            last;
	uint32_t              count;
	bool                  more;
	enum err              result;
};

static bool list_one(void *context, const struct store_item *item)
{
	struct listing     *l = context;
	struct oauth_client client;

	l->more = l->count == l->req->limit;
	if (l->more)
		return false;
	l->result = oauth_client_parse(l->req->arena, item, &client);
	if (l->result != OK)
		return false;
	oauth_client_write(&l->w, l->req->arena, &client, STR_NONE);
	l->last = client.id;
	l->count++;
	return true;
}

enum err oauth_clients_list(const struct request *req, struct response *res)
{
	struct listing     l = { .req = req, .w = response_page_open(res) };
	struct store_query query = {
		.pk = OAUTH_CLIENTS_INDEX, .index = true, .after = req->cursor, .descending = true,
	};
	enum err e = store_query(req->store, &query, req->now_ms, list_one, &l);

	if (e == OK)
		e = l.result;
	if (e != OK)
		return e;
	response_page_close(req, res, &l.w, l.last, l.more);
	response_etag_of_body(res);
	return OK;
}

enum err oauth_clients_create(const struct request *req, struct response *res)
{
	struct oauth_client client = {
		.is_public = str_eq(json_get_string(req->json, "type"), STR("public")),
		.created_ms = req->now_ms, .updated_ms = req->now_ms, .version = 1,
	};
	struct store_op     op = { .verb = STORE_PUT, .condition = STORE_ABSENT };
	struct store_result result;
	struct str          secret = STR_NONE;
	char                id[ID_UUID_SIZE];
	enum err            e;

	client.method = client.is_public ? OAUTH_NONE : OAUTH_BASIC;
	oauth_client_take(&client, req->json);
	oauth_client_check(&client, req->json, 0, &req->principal, &res->errors);
	if (res->errors.count > 0)
		return ERR_INVALID;
	id_uuid7(req->now_ms, id);
	client.id = str_of(id);
	if (!client.is_public)
		secret = oauth_client_renew(req->arena, &client);
	e = oauth_client_item(req->arena, &client, &op.item);
	if (e != OK)
		return e;
	show(res, &client, secret);
	response_header(res, "Location",
	    arena_printf(req->arena, "/v1/auth/clients/%s", id));
	e = request_commit(req, res, &op, 1, &result);
	if (e == OK)
		note(req, "auth.client_created", &client);
	return e;
}

enum err oauth_clients_get(const struct request *req, struct response *res)
{
	struct oauth_client client;
	enum err            e = load(req, res, &client);

	if (e == OK)
		show(res, &client, STR_NONE);
	return e;
}

/* Puts a changed client over the version that was read. */
static enum err put(const struct request *req, struct response *res, struct oauth_client *client,
    struct str secret)
{
	struct store_op     op = { .verb = STORE_PUT, .condition = STORE_VERSION };
	struct store_result result;
	enum err            e;

	client->updated_ms = req->now_ms;
	e = oauth_client_item(req->arena, client, &op.item);
	if (e == OK)
		e = request_commit(req, res, &op, 1, &result);
	if (e != OK)
		return e == ERR_STALE && request_header(req, "If-Match").ptr == NULL ?
		    ERR_UNAVAILABLE : e;
	client->version = result.version;
	show(res, client, secret);
	return OK;
}

static void refuse_another_type(const struct request *req, struct response *res,
    const struct oauth_client *client)
{
	struct str type = json_get_string(req->json, "type");

	if (type.ptr != NULL && !str_eq(type, str_of(oauth_client_types[client->is_public])))
		response_field_error(res, STR("/type"), "cannot be changed: make another client");
}

enum err oauth_clients_change(const struct request *req, struct response *res)
{
	struct oauth_client client;
	uint64_t            version;
	scope_set           had;
	enum err            e = load(req, res, &client);

	if (e == OK)
		e = request_if_match(req, client.id, client.version, &version);
	if (e != OK)
		return e;
	had = client.scopes;
	refuse_another_type(req, res, &client);
	oauth_client_take(&client, req->json);
	oauth_client_check(&client, req->json, had, &req->principal, &res->errors);
	if (res->errors.count > 0)
		return ERR_INVALID;
	e = put(req, res, &client, STR_NONE);
	if (e == OK)
		note(req, "auth.client_changed", &client);
	return e;
}

enum err oauth_clients_renew(const struct request *req, struct response *res)
{
	struct oauth_client client;
	struct str          secret;
	enum err            e = load(req, res, &client);

	if (e != OK)
		return e;
	if (client.is_public)
		return response_problem(res, ERR_EXISTS, "a public client has no secret");
	secret = oauth_client_renew(req->arena, &client);
	e = put(req, res, &client, secret);
	if (e == OK)
		note(req, "auth.client_secret_renewed", &client);
	return e;
}

enum err oauth_clients_remove(const struct request *req, struct response *res)
{
	struct store_op     op = { .verb = STORE_DELETE, .condition = STORE_VERSION };
	struct oauth_client client;
	uint64_t            version;
	enum err            e = load(req, res, &client);

	if (e == OK)
		e = request_if_match(req, client.id, client.version, &version);
	if (e == OK)
		e = oauth_client_item(req->arena, &client, &op.item);
	if (e == OK)
		e = session_end_client(req->app->auth, req->store, client.id, &op, req->now_ms);
	if (e == OK)
		note(req, "auth.client_removed", &client);
	return e;
}
