#include "auth/session.h"

#include <stdio.h>

#include "auth/state.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/time.h"
#include "log/log.h"

#define BODY_DEPTH_MAX  2
#define BODY_MAX_BYTES  8192
#define AGENT_MAX_BYTES 512             /* a User-Agent is shown, never used */
#define ENDS_PER_WRITE  (STORE_OPS_MAX / 2)
#define INDEX_KEY_SIZE  48              /* a time and a hash */
#define RECENT_MAX_MS   600000          /* longer ago, and all is read: it is as much by then */
#define NS_PER_MS       UINT64_C(1000000)

#define SESSION_PREFIX  "session#"
#define SESSION_END     "session$"      /* the first key behind every one with that prefix */
#define REVOKED_PK      STR("revoked")

static struct str session_sk(struct arena *a, struct str id)
{
	return arena_printf(a, SESSION_PREFIX "%.*s", STR_ARG(id));
}

/* When the last access token of a session that ends now is dead. */
static int64_t revoked_until(const struct auth *auth, int64_t now_ms)
{
	const struct config *c = auth->config;

	return now_ms + ((int64_t)c->access_token_ttl_s + c->clock_skew_s + REVOKED_MARGIN_S) * 1000;
}

static enum err session_from(struct arena *a, struct str account, struct str id, struct str body,
    struct session *out)
{
	const struct json *json;
	struct json_error  error;

	if (json_parse(a, body, BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	*out = (struct session){
		.id         = id,
		.account    = account,
		.address    = json_get_string(json, "address"),
		.agent      = json_get_string(json, "agent"),
		.epoch      = json_get_int(json, "epoch", 0),
		.created_ms = json_get_int(json, "created_at", 0),
		.used_ms    = json_get_int(json, "used_at", 0),
		.client     = json_get_string(json, "client"),
		.client_name = json_get_string(json, "client_name"),
		.scopes     = scopes_of_list(json_get_string(json, "scope")),
		.auth_ms    = json_get_int(json, "auth_at", 0),
	};
	return OK;
}

enum err session_read(struct store_connection *c, struct arena *a, struct str account,
    struct str id, int64_t now_ms, struct session *out)
{
	struct store_item item;
	enum err          e = store_get(c, a, account_pk(a, account), session_sk(a, id), now_ms,
	    &item);

	return e == OK ? session_from(a, account, id, item.body, out) : e;
}

struct walk {
	struct arena *arena;
	struct str    account;
	bool        (*each)(void *context, const struct session *s);
	void         *context;
	enum err      result;
};

static bool walk_one(void *context, const struct store_item *item)
{
	struct walk   *w = context;
	struct str     id = arena_dup(w->arena, str_from(item->sk, sizeof(SESSION_PREFIX) - 1));
	struct session s;

	w->result = session_from(w->arena, w->account, id, item->body, &s);
	return w->result == OK && w->each(w->context, &s);
}

enum err session_each(struct store_connection *c, struct arena *a, struct str account,
    int64_t now_ms, bool (*each)(void *context, const struct session *s), void *context)
{
	struct walk        w = { a, account, each, context, OK };
	struct store_query query = {
		.pk = account_pk(a, account), .descending = true,
		.from = STR(SESSION_PREFIX), .to = STR(SESSION_END),
	};
	enum err e = store_query(c, &query, now_ms, walk_one, &w);

	return e != OK ? e : w.result;
}

int64_t session_last_ms(const struct auth *auth, const struct session *s)
{
	return s->created_ms + (int64_t)auth->config->session_max_s * 1000;
}

static int64_t session_ends(const struct auth *auth, const struct session *s)
{
	const struct config *c = auth->config;
	int64_t              unused_ms = s->used_ms +
	    (int64_t)(s->lone ? c->access_token_ttl_s : c->refresh_token_ttl_s) * 1000;

	return unused_ms < session_last_ms(auth, s) ? unused_ms : session_last_ms(auth, s);
}

static void put_client(struct json_writer *w, struct arena *a, const struct session *s)
{
	if (s->client.len == 0)
		return;
	json_member_string(w, "client", s->client);
	json_member_string(w, "client_name", s->client_name);
	json_member_string(w, "scope", scopes_list(a, s->scopes));
	json_member_int(w, "auth_at", s->auth_ms);
}

enum err session_item(const struct auth *auth, struct arena *a, const struct session *s,
    struct store_item *out)
{
	struct json_writer w;
	struct buf         body;

	buf_init(&body, a, BODY_MAX_BYTES);
	json_begin(&w, &body);
	json_object_open(&w);
	json_member_int(&w, "epoch", s->epoch);
	json_member_int(&w, "created_at", s->created_ms);
	json_member_int(&w, "used_at", s->used_ms);
	json_member_string(&w, "address", s->address);
	json_member_string(&w, "agent", str_first(s->agent, AGENT_MAX_BYTES));
	put_client(&w, a, s);
	json_object_close(&w);
	*out = (struct store_item){
		.pk = account_pk(a, s->account), .sk = session_sk(a, s->id),
		.body = buf_str(&body),
		.expires_ms = session_ends(auth, s),
	};
	return buf_failed(&body) ? ERR_TOO_LARGE : OK;
}

/* --- ending --------------------------------------------------------------------- */

/* Said once, and not for each of the many that may follow. */
static void revoke_here(struct auth *auth, struct str id, int64_t now_ms, int64_t until_ms)
{
	bool was_full = revoked_is_full(&auth->revoked, now_ms);

	if (!revoked_add(&auth->revoked, id, now_ms, until_ms) && !was_full)
		log_message(LOG_WARN, "auth.revoked_full",
		    "no room among the revoked sessions: the store is asked until some expire");
}

void session_heard_revoked(struct auth *auth, struct str id, int64_t now_ms, int64_t until_ms)
{
	int64_t most_ms = revoked_until(auth, now_ms);

	if (until_ms > now_ms)
		revoke_here(auth, id, now_ms, until_ms < most_ms ? until_ms : most_ms);
}

/* By time in the index, so that what is new can be read alone; `key` is kept until
 * it is written. */
static struct store_op revoke_op(char key[INDEX_KEY_SIZE], struct str id, int64_t now_ms,
    int64_t until_ms)
{
	(void)snprintf(key, INDEX_KEY_SIZE, "%013lld#%016llx", (long long)now_ms,
	    (unsigned long long)str_hash(id));
	return (struct store_op){ STORE_PUT, STORE_ALWAYS,
		{ .pk = REVOKED_PK, .sk = id, .index_pk = REVOKED_PK, .index_sk = str_of(key),
		  .body = STR("{}"), .expires_ms = until_ms } };
}

/* When the store has it: here, and to the other machines. */
static void tell(struct auth *auth, const struct str *ids, size_t count, int64_t now_ms,
    int64_t until_ms)
{
	bool heard = true;

	for (size_t i = 0; i < count; i++)
		revoke_here(auth, ids[i], now_ms, until_ms);
	/* After one that did not arrive the rest would only wait. */
	for (size_t i = 0; i < count && heard; i++)
		heard = notices_send(auth->notices, NOTICE_REVOKED, ids[i], until_ms);
}

struct ending {
	struct arena *arena;
	struct str    ids[ENDS_PER_WRITE];
	struct str    keep, last;       /* last: the sort key to go on after */
	struct str    client;           /* whose */
	size_t        count;
};

static bool collect(void *context, const struct store_item *item)
{
	struct ending *e = context;
	struct str     sk = arena_dup(e->arena, item->sk);
	struct str     id = str_from(sk, sizeof(SESSION_PREFIX) - 1);

	e->last = sk;
	if (!str_eq(id, e->keep))
		e->ids[e->count++] = id;
	return e->count < ENDS_PER_WRITE;
}

/* Deletes and revokes some sessions in one transaction; the store first, because
 * what it has not got is not so. */
static enum err end_some(struct auth *auth, struct store_connection *c, struct arena *a,
    struct str account, const struct str *ids, size_t count, int64_t now_ms)
{
	struct store_op    *ops = ARENA_ARRAY(a, 2 * count, struct store_op);
	struct store_result result;
	int64_t             until_ms = revoked_until(auth, now_ms);
	enum err            e;

	for (size_t i = 0; i < count; i++) {
		ops[2 * i] = (struct store_op){ STORE_DELETE, STORE_ALWAYS,
			{ .pk = account_pk(a, account), .sk = session_sk(a, ids[i]) } };
		ops[2 * i + 1] = revoke_op(arena_alloc(a, INDEX_KEY_SIZE), ids[i], now_ms, until_ms);
	}
	e = store_write(c, ops, 2 * count, STORE_DURABLE, now_ms, &result);
	if (e == OK)
		tell(auth, ids, count, now_ms, until_ms);
	return e;
}

enum err session_end(struct auth *auth, struct store_connection *c, struct arena *a,
    struct str account, struct str id, int64_t now_ms)
{
	return end_some(auth, c, a, account, &id, 1, now_ms);
}

enum err session_end_client(struct auth *auth, struct store_connection *c, struct str client,
    const struct store_op *also, int64_t now_ms)
{
	int64_t             until_ms = revoked_until(auth, now_ms);
	char                key[INDEX_KEY_SIZE];
	struct store_result result;
	struct store_op     ops[] = { *also, revoke_op(key, client, now_ms, until_ms) };
	enum err e = store_write(c, ops, COUNT(ops), STORE_DURABLE, now_ms, &result);

	if (e == OK)
		tell(auth, &client, 1, now_ms, until_ms);
	return e;
}

enum err session_end_all(struct auth *auth, struct store_connection *c, struct arena *a,
    struct str account, struct str keep, int64_t now_ms)
{
	struct ending      some = { .arena = a, .keep = keep };
	struct store_query query = {
		.pk = account_pk(a, account),
		.from = STR(SESSION_PREFIX), .to = STR(SESSION_END),
	};
	enum err e = OK;

	do {
		some.count = 0;
		query.after = some.last;
		e = store_query(c, &query, now_ms, collect, &some);
		if (e == OK && some.count > 0)
			e = end_some(auth, c, a, account, some.ids, some.count, now_ms);
	} while (e == OK && some.count == ENDS_PER_WRITE);
	return e;
}

static bool collect_of_client(void *context, const struct session *s)
{
	struct ending *e = context;

	if (str_eq(s->client, e->client))
		e->ids[e->count++] = s->id;
	return e->count < ENDS_PER_WRITE;
}

enum err session_end_of_client(struct auth *auth, struct store_connection *c, struct arena *a,
    struct str account, struct str client, int64_t now_ms, size_t *ended)
{
	struct ending some = { .client = client };
	enum err      e;

	*ended = 0;
	do {
		some.count = 0;
		e = session_each(c, a, account, now_ms, collect_of_client, &some);
		if (e == OK && some.count > 0)
			e = end_some(auth, c, a, account, some.ids, some.count, now_ms);
		*ended += e == OK ? some.count : 0;
	} while (e == OK && some.count == ENDS_PER_WRITE);
	return e;
}

struct unused {
	struct str keep, id;            /* id: of the one unused longest */
	int64_t    used_ms;
	size_t     count;
};

static bool find_unused(void *context, const struct session *s)
{
	struct unused *u = context;

	u->count++;
	if (str_eq(s->id, u->keep) || (u->id.ptr != NULL && s->used_ms > u->used_ms))
		return true;
	u->id = s->id;
	u->used_ms = s->used_ms;
	return true;
}

/* One sign-in adds one, so there is one too many at most, but for those that come
 * at once: the next one finds them. */
enum err session_trim(struct auth *auth, struct store_connection *c, struct arena *a,
    struct str account, struct str keep, int64_t now_ms)
{
	struct unused u;
	enum err      e;

	do {
		u = (struct unused){ .keep = keep };
		e = session_each(c, a, account, now_ms, find_unused, &u);
		if (e != OK || u.count <= SESSIONS_MAX || u.id.ptr == NULL)
			return e;
		e = session_end(auth, c, a, account, u.id, now_ms);
	} while (e == OK && u.count > SESSIONS_MAX + 1);
	return e;
}

enum err session_revoke(struct auth *auth, struct store_connection *c, struct str id,
    int64_t expires_ms, int64_t now_ms)
{
	int64_t until_ms = expires_ms +
	    ((int64_t)auth->config->clock_skew_s + REVOKED_MARGIN_S) * 1000;
	char                key[INDEX_KEY_SIZE];
	struct store_result result;
	struct store_op     op = revoke_op(key, id, now_ms, until_ms);
	enum err            e = store_write(c, &op, 1, STORE_DURABLE, now_ms, &result);

	if (e == OK)
		tell(auth, &id, 1, now_ms, until_ms);
	return e;
}

/* --- what the store has of revoked ones ----------------------------------------- */

static void ignore(void *context, const struct store_item *item)
{
	(void)context;
	(void)item;
}

enum err session_is_revoked(struct store_connection *c, struct str id, int64_t now_ms)
{
	return store_visit(c, REVOKED_PK, id, now_ms, ignore, NULL);
}

struct filling {
	struct auth *auth;
	int64_t      now_ms;
};

static bool fill_one(void *context, const struct store_item *item)
{
	struct filling *f = context;

	revoke_here(f->auth, item->sk, f->now_ms, item->expires_ms);
	return true;
}

enum err session_read_revoked(struct auth *auth, struct store_connection *c, int64_t now_ms)
{
	uint64_t           clock_ms = time_monotonic_ns() / NS_PER_MS;
	uint64_t           read_ms = revoked_read_at(&auth->revoked, clock_ms);
	struct filling     f = { .auth = auth, .now_ms = now_ms };
	char               from[32];
	struct store_query query = { .pk = REVOKED_PK, .index = true };

	if (read_ms == 0 || clock_ms - read_ms > RECENT_MAX_MS || !revoked_is_filled(&auth->revoked))
		return session_fill_revoked(auth, c, now_ms);
	(void)snprintf(from, sizeof(from), "%013lld",
	    (long long)(now_ms - (int64_t)(clock_ms - read_ms) - NOTICES_OVERLAP_MS));
	query.from = str_of(from);
	return store_query(c, &query, now_ms, fill_one, &f);
}

enum err session_fill_revoked(struct auth *auth, struct store_connection *c, int64_t now_ms)
{
	struct store_query query = { .pk = REVOKED_PK };
	struct filling     f = { .auth = auth, .now_ms = now_ms };
	enum err           e = store_query(c, &query, now_ms, fill_one, &f);

	if (e == OK)
		revoked_set_filled(&auth->revoked);
	return e;
}
