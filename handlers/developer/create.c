/*
 * A new key.  An account has at most API_KEYS_MAX; one that has expired makes room.
 */
#include "developer/endpoints.h"
#include "developer/key.h"

/* What an account has, and the oldest of it that is good for nothing any more. */
struct stock {
	const struct request *req;
	size_t                count;
	struct str            expired;
	enum err              error;
};

static bool count_one(void *context, const struct store_item *item)
{
	struct stock *s = context;
	struct api_key_record *r = ARENA_NEW(s->req->arena, struct api_key_record);

	s->count++;
	s->error = api_key_record_from(s->req->arena, item, r);
	if (s->error != OK)
		return false;
	if (s->expired.ptr == NULL && r->expires_ms != 0 && r->expires_ms <= s->req->now_ms)
		s->expired = r->id;
	return true;
}

static enum err take_stock(const struct request *req, struct stock *s)
{
	struct store_query query = api_key_query(req->arena, req->principal.id);
	enum err e;

	*s = (struct stock){ .req = req };
	e = store_query(req->store, &query, req->now_ms, count_one, s);
	return e != OK ? e : s->error;
}

/* Whoever counts at the same time finds this changed, and counts again. */
static enum err guard_op(const struct request *req, struct store_op *out)
{
	struct store_item found;
	struct str pk = account_pk(req->arena, req->principal.id);
	enum err e = store_get(req->store, req->arena, pk, STR("keys"), req->now_ms, &found);

	if (e != OK && e != ERR_NOT_FOUND)
		return e;
	*out = (struct store_op){
		.verb = STORE_PUT, .condition = e == OK ? STORE_VERSION : STORE_ABSENT,
		.item = { .pk = pk, .sk = STR("keys"), .body = STR("{}"),
		          .version = e == OK ? found.version : 0 },
	};
	return OK;
}

/* ERR_STALE: others made a key meanwhile. */
static enum err try_create(const struct request *req, struct response *res,
    const struct api_key_record *r)
{
	struct store_op ops[4] = { { 0 }, { .verb = STORE_PUT, .condition = STORE_ABSENT } };
	struct store_result result = { 0 };
	size_t n = 2;
	struct stock stock;
	enum err e = guard_op(req, &ops[0]);

	if (e == OK)
		e = take_stock(req, &stock);
	if (e == OK)
		e = api_key_item(req->arena, r, &ops[1].item);
	if (e != OK)
		return e;
	if (stock.count >= API_KEYS_MAX && stock.expired.ptr == NULL)
		return response_problem(res, ERR_EXISTS,
		    "an account has at most %d keys: delete one first", API_KEYS_MAX);
	if (stock.count >= API_KEYS_MAX)
		n += api_key_forget_ops(req->arena, stock.expired, &ops[n]);
	e = request_commit(req, res, ops, n, &result);
	return (e == ERR_STALE || e == ERR_EXISTS) && result.failed == 0 ? ERR_STALE : e;
}

/* What a key may do is what its owner may do at the moment of its use: of accounts that
 * another provider keeps nobody here could say that. */
static enum err check_owner(const struct request *req, struct response *res)
{
	struct account_record owner;
	enum err e = account_read(req->store, req->arena, req->principal.id, req->now_ms, &owner);

	if (e != ERR_NOT_FOUND)
		return e;
	return response_problem(res, ERR_UNSUPPORTED, "API keys are for accounts that this "
	    "installation keeps, and yours is another provider's");
}

enum err developer_create_key(const struct request *req, struct response *res)
{
	struct api_key_record *r = ARENA_NEW(req->arena, struct api_key_record);
	char id[ID_UUID_SIZE], secret[API_KEY_BYTES + 1];
	enum err e;

	id_uuid7(req->now_ms, id);
	*r = (struct api_key_record){ .id = arena_dup(req->arena, str_of(id)),
		.account = req->principal.id, .created_ms = req->now_ms, .version = 1 };
	e = check_owner(req, res);
	if (e == OK)
		e = key_apply(req, res, r);
	if (e == OK)
		e = key_check_within(req, res, r);
	if (e != OK)
		return e;
	api_key_generate(r->id, secret, r->digest);
	key_show(req, res, r, NULL, str_of(secret));
	crypto_wipe(secret, sizeof(secret));
	response_header(res, "Location",
	    arena_printf(req->arena, "/v1/developer/keys/%.*s", STR_ARG(r->id)));
	e = ERR_STALE;
	for (unsigned i = 0; e == ERR_STALE && i < KEY_WRITE_TRIES; i++)
		e = try_create(req, res, r);
	return e == ERR_STALE ? ERR_UNAVAILABLE : e;
}
