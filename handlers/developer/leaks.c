/*
 * Reports of keys that were found in public, as GitHub's secret-scanning partners
 * get them: a signed JSON array of {token, type, url, source}.  What is a key of ours
 * is revoked, and the reply says which were.
 */
#include "developer/endpoints.h"
#include "developer/key.h"
#include "developer/leak_keys.h"
#include "log/log.h"
#include "net/mail.h"

#define LEAKS_MAX       500     /* in one report: GitHub sends what one push had */
#define DEPTH_MAX       4

static enum err check_signature(const struct request *req, struct response *res)
{
	const struct leak_keys *keys = req->app->state;
	enum err e;

	if (keys == NULL)
		return response_problem(res, ERR_NOT_FOUND,
		    "reports are not taken here: LEAK_REPORT_KEYS is not set");
	e = leak_keys_verify(keys, req->arena, request_header(req, "Github-Public-Key-Identifier"),
	    request_header(req, "Github-Public-Key-Signature"), req->body);
	if (e != ERR_UNAUTHENTICATED)
		return e;
	return response_problem(res, e, "the report is not signed by a key that is known here");
}

static enum err read_report(const struct request *req, struct response *res,
    const struct json **list)
{
	struct json_error error = { 0 };
	enum err e = json_parse(req->arena, req->body, DEPTH_MAX, list, &error);

	if (e == ERR_INVALID) {
		res->problem_status = 400;
		return response_problem(res, e, "the report is not JSON: line %u, column %u: %s",
		    error.line, error.column, error.reason);
	}
	if (e != OK)
		return e;
	if (json_type(*list) != JSON_ARRAY)
		return response_problem(res, ERR_INVALID, "the report is no array");
	if (json_length(*list) > LEAKS_MAX)
		return response_problem(res, ERR_TOO_LARGE, "a report has at most %d keys", LEAKS_MAX);
	for (size_t i = 0; i < json_length(*list); i++)
		if (json_type(json_get(json_at(*list, i), STR("token"))) != JSON_STRING)
			response_field_error(res, arena_printf(req->arena, "/%zu/token", i),
			    "must be a string");
	return res->errors.count == 0 ? OK : ERR_INVALID;
}

/* What is to be written for a key whose secret of `digest` is known to the world: a
 * secret that was rotated away ends alone.  No operation: it is over already. */
static enum err revoke_ops(const struct request *req, struct api_key_record *r, bool current,
    struct store_op ops[API_KEY_REVOKE_OPS], size_t *n)
{
	*n = 0;
	if (r->revoked_ms != 0 || (!current && r->previous_expires_ms <= req->now_ms))
		return OK;
	if (current) {
		*n = API_KEY_REVOKE_OPS;
		return api_key_revoke_ops(req->arena, r, req->now_ms, ops);
	}
	*n = 1;
	r->previous_expires_ms = req->now_ms;
	ops[0] = (struct store_op){ .verb = STORE_PUT, .condition = STORE_VERSION };
	return api_key_item(req->arena, r, &ops[0].item);
}

/* ERR_NOT_FOUND: it is no key of ours; ERR_STALE: it changed since it was read.
 * *revoked: it worked until now. */
static enum err try_revoke(const struct request *req, struct str id,
    const uint8_t digest[SHA256_BYTES], struct api_key_record *r, bool *revoked)
{
	struct store_op ops[API_KEY_REVOKE_OPS];
	struct store_result result;
	size_t n = 0;
	enum err e = api_key_read(req->store, req->arena, id, req->now_ms, r);

	if (e != OK)
		return e;
	bool current = api_key_digest_equal(digest, r->digest);
	if (!current && (r->previous_expires_ms == 0 || !api_key_digest_equal(digest, r->previous)))
		return ERR_NOT_FOUND;
	e = revoke_ops(req, r, current, ops, &n);
	if (e == OK && n > 0)
		e = store_write(req->store, ops, n, STORE_DURABLE, req->now_ms, &result);
	*revoked = e == OK && n > 0;
	if (*revoked)
		auth_changed(req->app->auth, id);
	return e;
}

static void log_leak(const struct json *leak, const struct api_key_record *r)
{
	struct log_line l;

	log_begin(&l, LOG_WARN, "developer.key_leaked");
	log_str(&l, "api_key_id", r->id);
	log_str(&l, "principal", r->account);
	log_str(&l, "url", json_get_string(leak, "url"));
	log_str(&l, "source", json_get_string(leak, "source"));
	log_end(&l);
}

/* It is revoked whether its owner hears of it or not. */
static void mail_owner(const struct request *req, const struct api_key_record *r)
{
	struct account_record owner;
	char shown[API_KEY_SHOWN_BYTES + 1];
	enum err e = account_read(req->store, req->arena, r->account, req->now_ms, &owner);

	if (e == OK) {
		api_key_shown(r->id, shown);
		e = mail_send(req->app->mail, &(struct mail_message){
			.kind = MAIL_KEY_LEAKED, .key = str_of(shown), .time_ms = req->now_ms,
			.to = { .address = owner.account.email, .name = owner.account.name },
		});
	}
	if (e != OK)
		log_message(LOG_WARN, "developer.leak_mail",
		    "the owner of a leaked key is not told: %s", err_text(e));
}

/* OK: a key of ours, revoked by now; ERR_NOT_FOUND: none. */
static enum err revoke_leaked(const struct request *req, const struct json *leak)
{
	struct api_key_record *r = ARENA_NEW(req->arena, struct api_key_record);
	uint8_t digest[SHA256_BYTES];
	char id[ID_UUID_SIZE];
	bool revoked = false;
	enum err e = ERR_STALE;

	if (!api_key_parse(json_get_string(leak, "token"), id, digest))
		return ERR_NOT_FOUND;
	for (unsigned i = 0; e == ERR_STALE && i < KEY_WRITE_TRIES; i++)
		e = try_revoke(req, str_of(id), digest, r, &revoked);
	if (revoked) {
		log_leak(leak, r);
		mail_owner(req, r);
	}
	return e == ERR_STALE ? ERR_UNAVAILABLE : e;
}

static void put_label(struct json_writer *w, const struct json *leak, bool ours)
{
	json_object_open(w);
	json_member_string(w, "token_raw", json_get_string(leak, "token"));
	json_member_string(w, "token_type", json_get_string(leak, "type"));
	json_member_string(w, "label", ours ? STR("true_positive") : STR("false_positive"));
	json_object_close(w);
}

enum err developer_report_leaks(const struct request *req, struct response *res)
{
	const struct json *list = NULL;
	struct json_writer w = response_writer(res);
	enum err e = check_signature(req, res);

	if (e == OK)
		e = read_report(req, res, &list);
	if (e != OK)
		return e;
	json_array_open(&w);
	for (size_t i = 0; i < json_length(list); i++) {
		e = revoke_leaked(req, json_at(list, i));
		if (e != OK && e != ERR_NOT_FOUND)
			return e;
		put_label(&w, json_at(list, i), e == OK);
	}
	json_array_close(&w);
	response_json(res);
	res->no_store = true;
	return OK;
}
