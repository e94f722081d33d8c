#include "auth/provider_link.h"

#include "base/id.h"
#include "base/json.h"
#include "base/time.h"

#define LINK_SK         STR("link")
#define LINKED_PREFIX   "provider#"     /* of an account's side of it */
#define LINKED_END      "provider$"
#define TRIES           8       /* others may sign the same person in meanwhile */
#define BODY_DEPTH_MAX  2
#define BODY_MAX_BYTES  2048
#define PLAN_FREE       STR("free")

/* One way through the decision. */
struct linking {
	const struct identity_call   *k;
	const struct provider        *provider;
	const struct provider_person *who;
	bool                          open;
	uint64_t                      stale;    /* version of a link whose account is gone; 0: none */
	struct provider_account      *out;
};

static enum err refuse(struct linking *l, enum provider_refusal why)
{
	l->out->refusal = why;
	return ERR_FORBIDDEN;
}

static struct str pk_of(struct arena *a, struct str provider, struct str subject)
{
	return arena_printf(a, "provider#%.*s#%.*s", STR_ARG(provider), STR_ARG(subject));
}

static struct str linked_sk(struct arena *a, struct str provider)
{
	return arena_printf(a, LINKED_PREFIX "%.*s", STR_ARG(provider));
}

static struct str link_pk(const struct linking *l)
{
	return pk_of(l->k->arena, l->provider->name, l->who->subject);
}

static struct str account_sk(const struct linking *l)
{
	return linked_sk(l->k->arena, l->provider->name);
}

/* --- writing ---------------------------------------------------------------------- */

static struct str body_of(const struct linking *l, const char *name, struct str value)
{
	struct json_writer w;
	struct buf         body;

	buf_init(&body, l->k->arena, BODY_MAX_BYTES);
	json_begin(&w, &body);
	json_object_open(&w);
	json_member_string(&w, name, value);
	json_member_string(&w, "issuer", l->provider->issuer);
	json_member_int(&w, "linked_at", l->k->now_ms);
	json_object_close(&w);
	return buf_str(&body);
}

#define LINK_OPS 2

/* The two items of a link to the account `id`. */
static void link_ops(const struct linking *l, struct str id, struct store_op ops[LINK_OPS])
{
	ops[0] = (struct store_op){ STORE_PUT, l->stale == 0 ? STORE_ABSENT : STORE_VERSION, {
		.pk = link_pk(l), .sk = LINK_SK, .body = body_of(l, "account", id),
		.version = l->stale,
	} };
	ops[1] = (struct store_op){ STORE_PUT, STORE_ABSENT, {
		.pk = account_pk(l->k->arena, id), .sk = account_sk(l),
		.body = body_of(l, "subject", l->who->subject),
	} };
}

static enum err write(const struct linking *l, const struct store_op *ops, size_t n)
{
	struct store_result result;

	return store_write(l->k->store, ops, n, STORE_DURABLE, l->k->now_ms, &result);
}

/* --- the three ways --------------------------------------------------------------- */

static enum err accept(struct linking *l)
{
	return l->out->record.disabled ? refuse(l, PROVIDER_REFUSED_DISABLED) : OK;
}

/* The account that the link is of.  ERR_NOT_FOUND: there is no link, or its account is
 * gone. */
static enum err by_link(struct linking *l)
{
	const struct identity_call *k = l->k;
	const struct json          *json;
	struct json_error           error;
	struct store_item           item;
	enum err e = store_get(k->store, k->arena, link_pk(l), LINK_SK, k->now_ms, &item);

	l->stale = 0;
	if (e != OK)
		return e;
	if (json_parse(k->arena, item.body, BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	if (!str_eq(json_get_string(json, "issuer"), l->provider->issuer))
		return refuse(l, PROVIDER_REFUSED_MOVED);
	e = account_read(k->store, k->arena, json_get_string(json, "account"), k->now_ms,
	    &l->out->record);
	if (e == ERR_NOT_FOUND)
		l->stale = item.version;
	return e == OK ? accept(l) : e;
}

/* The account of the address.  ERR_NOT_FOUND: there is none. */
static enum err by_address(struct linking *l)
{
	const struct identity_call *k = l->k;
	struct account_record      *r = &l->out->record;
	struct store_op             ops[1 + LINK_OPS];
	struct store_item           item;
	enum err e = account_by_email(k->store, k->arena, l->who->email, k->now_ms, r);

	if (e == OK)
		e = accept(l);
	if (e != OK)
		return e;
	if (!l->provider->links)
		return refuse(l, PROVIDER_REFUSED_TAKEN);
	e = store_get(k->store, k->arena, account_pk(k->arena, r->account.id), account_sk(l),
	    k->now_ms, &item);
	if (e == OK)
		return refuse(l, PROVIDER_REFUSED_TAKEN);
	if (e != ERR_NOT_FOUND)
		return e;
	ops[0] = (struct store_op){ STORE_CHECK, STORE_VERSION, {
		.pk = account_pk(k->arena, r->account.id), .sk = STR("account"),
		.version = r->account.version,
	} };
	link_ops(l, r->account.id, ops + 1);
	e = write(l, ops, COUNT(ops));
	l->out->linked = e == OK;
	return e == ERR_NOT_FOUND ? ERR_STALE : e;
}

static enum err create(struct linking *l)
{
	const struct identity_call *k = l->k;
	struct account_record      *r = &l->out->record;
	struct store_op             ops[ACCOUNT_NEW_OPS + LINK_OPS];
	char                        id[ID_UUID_SIZE];
	enum err                    e;

	if (!l->open)
		return refuse(l, PROVIDER_REFUSED_CLOSED);
	id_uuid7(k->now_ms, id);
	*r = (struct account_record){
		.account = {
			.id = arena_dup(k->arena, str_of(id)), .email = l->who->email,
			.name = l->who->name, .plan = PLAN_FREE,
			.roles = UINT32_C(1) << ROLE_USER, .version = 1, .created_ms = k->now_ms,
		},
	};
	e = account_new_ops(k->arena, r, ops);
	link_ops(l, r->account.id, ops + ACCOUNT_NEW_OPS);
	return e == OK ? write(l, ops, COUNT(ops)) : e;
}

static enum err decide(struct linking *l)
{
	enum err e = by_link(l);

	if (e != ERR_NOT_FOUND)
		return e;
	if (l->who->email.len == 0 || !l->who->email_verified)
		return refuse(l, PROVIDER_REFUSED_UNVERIFIED);
	e = by_address(l);
	return e == ERR_NOT_FOUND ? create(l) : e;
}

enum err provider_account(const struct identity_call *k, const struct provider *p,
    const struct provider_person *who, bool open, struct provider_account *out)
{
	struct linking l = { .k = k, .provider = p, .who = who, .open = open, .out = out };
	enum err       e = ERR_STALE;

	/* Somebody else who links or makes the same one meanwhile is found the next time. */
	for (int i = 0; (e == ERR_STALE || e == ERR_EXISTS) && i < TRIES; i++) {
		*out = (struct provider_account){ .linked = false };
		e = decide(&l);
	}
	return e == ERR_STALE || e == ERR_EXISTS ? ERR_UNAVAILABLE : e;
}

/* --- an account's own ------------------------------------------------------------- */

static enum err read_linked(struct arena *a, const struct store_item *item,
    struct provider_linked *out)
{
	const struct json *json;
	struct json_error  error;

	if (json_parse(a, item->body, BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	*out = (struct provider_linked){
		.provider  = arena_dup(a, str_from(item->sk, sizeof(LINKED_PREFIX) - 1)),
		.subject   = json_get_string(json, "subject"),
		.linked_ms = json_get_int(json, "linked_at", 0),
	};
	return OK;
}

struct walk {
	struct arena *arena;
	bool        (*each)(void *context, const struct provider_linked *l);
	void         *context;
	enum err      result;
};

static bool walk_one(void *context, const struct store_item *item)
{
	struct walk           *w = context;
	struct provider_linked l;

	w->result = read_linked(w->arena, item, &l);
	return w->result == OK && w->each(w->context, &l);
}

enum err provider_link_each(const struct identity_call *k, struct str account, struct str after,
    bool (*each)(void *context, const struct provider_linked *l), void *context)
{
	struct walk        w = { k->arena, each, context, OK };
	struct store_query q = {
		.pk = account_pk(k->arena, account), .from = STR(LINKED_PREFIX), .to = STR(LINKED_END),
		.after = after.ptr == NULL ? STR_NONE : linked_sk(k->arena, after),
	};
	enum err e = store_query(k->store, &q, k->now_ms, walk_one, &w);

	return e != OK ? e : w.result;
}

enum err provider_link_remove(const struct identity_call *k, struct str account,
    struct str provider)
{
	struct store_op        ops[LINK_OPS];
	struct store_result    result;
	struct store_item      item;
	struct provider_linked l;
	enum err e = store_get(k->store, k->arena, account_pk(k->arena, account),
	    linked_sk(k->arena, str_first(provider, PROVIDER_NAME_MAX)), k->now_ms, &item);

	if (e == OK)
		e = read_linked(k->arena, &item, &l);
	if (e != OK)
		return e;
	ops[0] = (struct store_op){ STORE_DELETE, STORE_VERSION, item };
	ops[1] = (struct store_op){ STORE_DELETE, STORE_ALWAYS, {
		.pk = pk_of(k->arena, l.provider, l.subject), .sk = LINK_SK } };
	e = store_write(k->store, ops, COUNT(ops), STORE_DURABLE, k->now_ms, &result);
	return e == ERR_STALE ? ERR_NOT_FOUND : e;
}
