/*
 * idempotency: the same POST twice makes one thing (IETF httpapi draft,
 * Idempotency-Key).
 * A marker with a short lease says that a request is running.  The finished
 * reply is recorded in the very transaction that makes the thing, so a retry
 * finds either the reply or nothing done, whatever crashed in between.
 */
#include "base/buf.h"
#include "base/crypto.h"
#include "http/exchange.h"

#define STATE_RUNNING "running"
#define STATE_DONE    "done"
#define CLOCK_SLACK_S 5         /* what the clocks of two machines may differ by */

static bool key_is_valid(struct str key)
{
	if (key.len == 0 || key.len > IDEMPOTENCY_KEY_MAX)
		return false;
	for (size_t i = 0; i < key.len; i++)
		if (key.ptr[i] < 0x21 || key.ptr[i] > 0x7e)
			return false;
	return true;
}

/* Keys of two callers never meet: the API key, the account, or the address of an
 * anonymous one.  An API key may do less than its account: it is told nothing that
 * another of its owner's was told. */
static struct store_item record_of(const struct request *req)
{
	const struct principal *p = &req->principal;
	struct str owner = p->key.len > 0 ? p->key : p->id.len > 0 ? p->id : req->address;
	uint8_t digest[SHA256_BYTES];
	char hex[2 * SHA256_BYTES + 1];

	crypto_sha256(arena_printf(req->arena, "%s %.*s %.*s", method_name(req->method),
	    STR_ARG(req->path), STR_ARG(req->idempotency_key)), digest);
	crypto_hex(digest, sizeof(digest), hex);
	return (struct store_item){
		.pk = arena_printf(req->arena, "idempotency#%.*s", STR_ARG(owner)),
		.sk = arena_dup(req->arena, str_of(hex)),
	};
}

static struct str fingerprint_hex(const struct exchange *x)
{
	char hex[2 * SHA256_BYTES + 1];

	crypto_hex(x->fingerprint, SHA256_BYTES, hex);
	return arena_dup(x->request.arena, str_of(hex));
}

static struct store_op running_op(const struct exchange *x)
{
	struct store_op op = { .verb = STORE_PUT, .condition = STORE_ABSENT,
		.item = record_of(&x->request) };

	op.item.body = arena_printf(x->request.arena,
	    "{\"state\":\"" STATE_RUNNING "\",\"fingerprint\":\"%.*s\"}", STR_ARG(fingerprint_hex(x)));
	op.item.expires_ms = x->request.now_ms + IDEMPOTENCY_LEASE_S * 1000;
	return op;
}

static void replay_headers(struct exchange *x, const struct json *headers)
{
	for (size_t i = 0; i < json_length(headers); i++) {
		const struct json *pair = json_at(headers, i);
		struct str name = arena_dup(x->request.arena, json_string(json_at(pair, 0)));
		response_header(&x->response, name.ptr,
		    arena_dup(x->request.arena, json_string(json_at(pair, 1))));
	}
}

/* A reply that shows a secret once is kept for its retry under SECRET_KEY, and in no
 * other place. */
static void reply_key(const struct request *req, uint8_t key[SECRET_BYTES])
{
	crypto_derive(req->app->config.secret_key, "idempotent reply", key);
}

static struct str sealed_body(const struct request *req, struct str body)
{
	uint8_t    key[SECRET_BYTES];
	struct str sealed;

	reply_key(req, key);
	sealed = crypto_seal(req->arena, key, body, record_of(req).sk);
	crypto_wipe(key, sizeof(key));
	return crypto_base64url(req->arena, sealed);
}

static enum err opened_body(const struct request *req, struct str text, struct str *body)
{
	uint8_t    key[SECRET_BYTES];
	struct str sealed;
	enum err   e = crypto_base64url_decode(req->arena, text, &sealed);

	if (e != OK)
		return ERR_CORRUPT;
	reply_key(req, key);
	e = crypto_open(req->arena, key, sealed, record_of(req).sk, body);
	crypto_wipe(key, sizeof(key));
	return e;
}

/* Its lease ends later than any that begins now: the clock was set back, and nobody is
 * to wait until it is that late again. */
static bool is_of_the_future(const struct exchange *x, const struct store_item *found)
{
	return found->expires_ms > x->request.now_ms + (IDEMPOTENCY_LEASE_S + CLOCK_SLACK_S) * 1000;
}

/* ERR_STALE: nobody waits for that one; it may be taken over. */
static enum err replay(struct exchange *x, const struct store_item *found)
{
	const struct json *doc;
	struct json_error error;
	struct response *res = &x->response;

	if (json_parse(x->request.arena, found->body, JSON_DEPTH_MAX, &doc, &error) != OK)
		return ERR_CORRUPT;
	if (!str_eq(json_get_string(doc, "fingerprint"), fingerprint_hex(x)))
		return response_problem(res, ERR_INVALID,
		    "this Idempotency-Key was used with another body");
	if (str_eq(json_get_string(doc, "state"), STR(STATE_RUNNING))) {
		if (is_of_the_future(x, found))
			return ERR_STALE;
		response_header(res, "Retry-After", STR("1"));
		return ERR_BUSY;
	}
	res->status = (uint16_t)json_get_int(doc, "status", 200);
	res->etag = json_get_string(doc, "etag");
	res->body = json_get_string(doc, "body");
	if (schema_has_secret(x->request.route->reply)) {
		enum err e = opened_body(&x->request, res->body, &res->body);
		if (e != OK)
			return e;
	}
	replay_headers(x, json_get(doc, STR("headers")));
	res->replayed = true;
	response_header(res, "Idempotent-Replayed", STR("true"));
	x->answered = true;
	return OK;
}

/* What makes a retry the same request: the body's bytes, and where others can say
 * what these mean, the content type and the query, too. */
static void take_fingerprint(struct exchange *x)
{
	const struct request *req = &x->request;

	crypto_sha256(req->body, x->fingerprint);
	if (req->route->body_kind == BODY_JSON && req->route->query == NULL)
		return;
	crypto_sha256(arena_printf(req->arena, "%.*s\n%.*s\n%.*s", STR_ARG(fingerprint_hex(x)),
	    STR_ARG(req->body_type), STR_ARG(req->raw_query)), x->fingerprint);
}

static enum err put_marker(struct exchange *x, const struct store_op *op)
{
	struct store_result result;
	enum err e = store_write(x->request.store, op, 1, STORE_RELAXED, x->request.now_ms,
	    &result);

	if (e == OK) {
		x->idempotency_running = true;
		x->marker_version = result.version;
	}
	return e;
}

enum err idempotency_begin(struct exchange *x)
{
	struct request *req = &x->request;
	struct store_item found;

	req->idempotency_key = request_header(req, "Idempotency-Key");
	if (!route_takes_key(req->route) || req->idempotency_key.ptr == NULL || req->store == NULL)
		return OK;
	if (!key_is_valid(req->idempotency_key)) {
		x->response.problem_status = 400;
		return response_problem(&x->response, ERR_INVALID,
		    "Idempotency-Key must be 1 to %d visible ASCII characters", IDEMPOTENCY_KEY_MAX);
	}
	take_fingerprint(x);
	struct store_op op = running_op(x);
	/* The marker first: of two at the same moment one finds it there. */
	enum err e = put_marker(x, &op);
	if (e != ERR_EXISTS)
		return e;
	e = store_get(req->store, req->arena, op.item.pk, op.item.sk, req->now_ms, &found);
	if (e == OK)
		e = replay(x, &found);
	if (e == ERR_STALE) {
		op.condition = STORE_VERSION;
		op.item.version = found.version;
		e = put_marker(x, &op);
	}
	return e == ERR_NOT_FOUND || e == ERR_STALE ? ERR_BUSY : e;
}

void idempotency_abandon(struct exchange *x)
{
	struct store_op op = { .verb = STORE_DELETE, .condition = STORE_VERSION,
		.item = record_of(&x->request) };
	struct store_result result;

	/* Whoever outlived the lease leaves another's alone.  When this fails its lease
	 * ends it. */
	op.item.version = x->marker_version;
	enum err e = store_write(x->request.store, &op, 1, STORE_RELAXED, x->request.now_ms, &result);
	(void)e;
	x->idempotency_running = false;
}

static struct str record_body(const struct exchange *x, const struct response *res)
{
	const struct route *route = x->request.route;
	struct json_writer w;
	struct buf text;

	buf_init(&text, x->request.arena, STORE_ITEM_MAX_BYTES);
	json_begin(&w, &text);
	json_object_open(&w);
	json_member_string(&w, "state", STR(STATE_DONE));
	json_member_string(&w, "fingerprint", fingerprint_hex(x));
	json_member_int(&w, "status", res->status != 0 ? res->status : route_status(route));
	json_member_string(&w, "etag", res->etag);
	json_name(&w, "headers");
	json_array_open(&w);
	for (size_t i = 0; i < res->n_headers; i++) {
		json_array_open(&w);
		json_put_string(&w, res->headers[i].name);
		json_put_string(&w, res->headers[i].value);
		json_array_close(&w);
	}
	json_array_close(&w);
	json_member_string(&w, "body", schema_has_secret(route->reply) ?
	    sealed_body(&x->request, res->body) : res->body);
	json_object_close(&w);
	return buf_failed(&text) ? STR_NONE : buf_str(&text);
}

enum err request_commit(const struct request *r, struct response *res, struct store_op *ops,
    size_t n_ops, struct store_result *result)
{
	struct exchange *x = r->worker->exchange;
	enum err e;

	if (x == NULL || !x->idempotency_running)
		return store_write(r->store, ops, n_ops, STORE_DURABLE, r->now_ms, result);
	struct store_op *all = arena_alloc(r->arena, (n_ops + 1) * sizeof(*all));
	memcpy(all, ops, n_ops * sizeof(*all));
	/* Whoever outlived the lease finds another's marker there and makes nothing. */
	all[n_ops] = (struct store_op){ .verb = STORE_PUT, .condition = STORE_VERSION,
		.item = record_of(r) };
	all[n_ops].item.version = x->marker_version;
	all[n_ops].item.body = record_body(x, res);
	if (all[n_ops].item.body.ptr == NULL)
		return ERR_TOO_LARGE;
	all[n_ops].item.expires_ms = r->now_ms + (int64_t)IDEMPOTENCY_TTL_S * 1000;
	e = store_write(r->store, all, n_ops + 1, STORE_DURABLE, r->now_ms, result);
	x->committed = e == OK;
	return e != OK && result->failed == n_ops ? ERR_BUSY : e;
}
