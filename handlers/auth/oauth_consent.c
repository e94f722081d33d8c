#include "auth/oauth_consent.h"

#include "auth/endpoints.h"
#include "auth/oauth_client.h"
#include "auth/session.h"
#include "base/id.h"
#include "base/time.h"

#define BODY_DEPTH_MAX 2
#define CONSENT_PREFIX "consent#"
#define CONSENT_END    "consent$"       /* the first key behind every one with that prefix */

static struct str consent_sk(struct arena *a, struct str client)
{
	return arena_printf(a, CONSENT_PREFIX "%.*s", STR_ARG(client));
}

enum err oauth_consent_read(struct store_connection *c, struct arena *a, struct str account,
    struct str client, int64_t now_ms, scope_set *out)
{
	const struct json *json;
	struct json_error  error;
	struct store_item  item;
	enum err           e;

	*out = 0;
	e = store_get(c, a, account_pk(a, account), consent_sk(a, client), now_ms, &item);
	if (e != OK)
		return e == ERR_NOT_FOUND ? OK : e;
	if (json_parse(a, item.body, BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	*out = scopes_of_list(json_get_string(json, "scope"));
	return OK;
}

struct store_item oauth_consent_item(struct arena *a, struct str account, struct str client,
    scope_set scopes, int64_t now_ms)
{
	struct str list = scopes_list(a, scopes);

	return (struct store_item){
		.pk = account_pk(a, account), .sk = consent_sk(a, client),
		.body = arena_printf(a, "{\"scope\":\"%.*s\"}", STR_ARG(list)),
		.expires_ms = now_ms + (int64_t)OAUTH_CONSENT_TTL_S * 1000,
	};
}

struct store_op oauth_consent_stands(struct arena *a, struct str account, struct str client)
{
	return (struct store_op){ STORE_CHECK, STORE_PRESENT,
		{ .pk = account_pk(a, account), .sk = consent_sk(a, client) } };
}

/* --- what one has allowed --------------------------------------------------------- */

struct listing {
	const struct request *req;
	struct json_writer    w;
	struct str            last;
	uint32_t              count;
	bool                  more;
	enum err              result;
};

static void put_time(struct json_writer *w, const char *name, int64_t ms)
{
	char text[TIME_RFC3339_SIZE];

	time_to_rfc3339(ms, text);
	json_member_string(w, name, str_of(text));
}

/* A client that is gone has no name any more, and nothing that it could do. */
static enum err put_consent(struct listing *l, struct str id, scope_set scopes,
    int64_t expires_ms)
{
	struct oauth_client client = { 0 };
	enum err            e = oauth_client_read(l->req->store, l->req->arena, id,
	    l->req->now_ms, &client);

	if (e != OK && e != ERR_NOT_FOUND)
		return e;
	json_object_open(&l->w);
	json_member_string(&l->w, "client_id", id);
	json_member_string(&l->w, "client_name", client.name);
	json_name(&l->w, "scopes");
	scopes_write(&l->w, scopes);
	put_time(&l->w, "allowed_at", expires_ms - (int64_t)OAUTH_CONSENT_TTL_S * 1000);
	put_time(&l->w, "expires_at", expires_ms);
	json_object_close(&l->w);
	return OK;
}

static bool list_one(void *context, const struct store_item *item)
{
	struct listing    *l = context;
	struct arena      *a = l->req->arena;
	const struct json *json;
	struct json_error  error;

	l->more = l->count == l->req->limit;
	if (l->more)
		return false;
	l->last = arena_dup(a, str_from(item->sk, sizeof(CONSENT_PREFIX) - 1));
	l->count++;
	l->result = json_parse(a, item->body, BODY_DEPTH_MAX, &json, &error) == OK ?
	    put_consent(l, l->last, scopes_of_list(json_get_string(json, "scope")),
	    item->expires_ms) : ERR_CORRUPT;
	return l->result == OK;
}

enum err oauth_consents_list(const struct request *req, struct response *res)
{
	struct listing     l = { .req = req, .w = response_page_open(res) };
	struct store_query query = {
		.pk = account_pk(req->arena, req->principal.id),
		.from = STR(CONSENT_PREFIX), .to = STR(CONSENT_END),
		.after = req->cursor.ptr == NULL ? STR_NONE : consent_sk(req->arena, req->cursor),
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

/* What was allowed first: no code begins a session without it.  Then the sessions, also
 * those that a removal which broke off has left. */
enum err oauth_consents_remove(const struct request *req, struct response *res)
{
	struct str          client = request_parameter(req, "client_id");
	struct store_op     op = oauth_consent_stands(req->arena, req->principal.id,
	    str_first(client, ID_UUID_SIZE));
	struct store_result result;
	size_t              ended = 0;
	enum err            removed, e = OK;

	op.verb = STORE_DELETE;
	removed = store_write(req->store, &op, 1, STORE_DURABLE, req->now_ms, &result);
	if (removed == OK || removed == ERR_NOT_FOUND)
		e = session_end_of_client(req->app->auth, req->store, req->arena,
		    req->principal.id, client, req->now_ms, &ended);
	if (e == OK && removed == ERR_NOT_FOUND && ended == 0)
		return response_problem(res, removed, "nothing is allowed to this client");
	return e == OK && removed == ERR_NOT_FOUND ? OK : e != OK ? e : removed;
}
