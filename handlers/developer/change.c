/*
 * Changing, rotating and revoking a key.  Each is one write on the version that was
 * read; after it every process of this machine knows.
 */
#include "developer/endpoints.h"
#include "developer/key.h"

/* Makes the change in `r` and builds the reply. */
typedef enum err change(const struct request *req, struct response *res, struct api_key_record *r);

/* ERR_STALE with *named false: it changed since it was read. */
static enum err try_change(const struct request *req, struct response *res, change *make,
    bool *named)
{
	struct api_key_record *r = ARENA_NEW(req->arena, struct api_key_record);
	struct store_op op = { .verb = STORE_PUT, .condition = STORE_VERSION };
	struct store_result result;
	uint64_t required = 0;
	enum err e = key_of_path(req, res, r);

	if (e == OK)
		e = request_if_match(req, r->id, r->version, &required);
	*named = e == ERR_STALE || (e == OK && required != 0);
	if (e == OK)
		e = make(req, res, r);
	if (e == OK)
		e = key_check_within(req, res, r);
	if (e == OK)
		e = api_key_item(req->arena, r, &op.item);
	if (e != OK)
		return e;
	/* The reply has the version to be. */
	op.item.version = r->version - 1;
	e = request_commit(req, res, &op, 1, &result);
	if (e == OK)
		auth_changed(req->app->auth, r->id);
	return e;
}

static enum err change_key(const struct request *req, struct response *res, change *make)
{
	enum err e = ERR_STALE;
	bool named = false;

	for (unsigned i = 0; e == ERR_STALE && !named && i < KEY_WRITE_TRIES; i++)
		e = try_change(req, res, make, &named);
	return e == ERR_STALE && !named ? ERR_UNAVAILABLE : e;
}

static enum err show_changed(const struct request *req, struct response *res,
    struct api_key_record *r, struct str secret)
{
	struct api_key_use use;
	enum err e = api_key_use_read(req->store, req->arena, r->id, req->now_ms, &use);

	if (e != OK)
		return e;
	r->version++;
	key_show(req, res, r, &use, secret);
	return OK;
}

static enum err apply_patch(const struct request *req, struct response *res,
    struct api_key_record *r)
{
	enum err e = key_apply(req, res, r);

	return e == OK ? show_changed(req, res, r, STR_NONE) : e;
}

enum err developer_change_key(const struct request *req, struct response *res)
{
	return change_key(req, res, apply_patch);
}

static enum err rotate(const struct request *req, struct response *res, struct api_key_record *r)
{
	int64_t grace_s = json_get_int(req->json, "grace_s", 0);
	char secret[API_KEY_BYTES + 1];
	enum err e;

	r->previous_expires_ms = 0;
	if (grace_s > 0) {
		memcpy(r->previous, r->digest, sizeof(r->previous));
		r->previous_expires_ms = req->now_ms + grace_s * 1000;
	}
	r->rotated_ms = req->now_ms;
	api_key_generate(r->id, secret, r->digest);
	e = show_changed(req, res, r, str_of(secret));
	crypto_wipe(secret, sizeof(secret));
	return e;
}

enum err developer_rotate_key(const struct request *req, struct response *res)
{
	return change_key(req, res, rotate);
}

static enum err try_revoke(const struct request *req, struct response *res, bool *named)
{
	struct api_key_record *r = ARENA_NEW(req->arena, struct api_key_record);
	struct store_op ops[API_KEY_REVOKE_OPS];
	struct store_result result;
	uint64_t required = 0;
	enum err e = key_of_path(req, res, r);

	if (e == OK)
		e = request_if_match(req, r->id, r->version, &required);
	*named = e == ERR_STALE || (e == OK && required != 0);
	if (e == OK)
		e = api_key_revoke_ops(req->arena, r, req->now_ms, ops);
	if (e == OK)
		e = request_commit(req, res, ops, COUNT(ops), &result);
	if (e == OK)
		auth_changed(req->app->auth, r->id);
	return e;
}

enum err developer_revoke_key(const struct request *req, struct response *res)
{
	enum err e = ERR_STALE;
	bool named = false;

	for (unsigned i = 0; e == ERR_STALE && !named && i < KEY_WRITE_TRIES; i++)
		e = try_revoke(req, res, &named);
	return e == ERR_STALE && !named ? ERR_UNAVAILABLE : e;
}
