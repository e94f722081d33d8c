#include "auth/account.h"

#include "base/buf.h"
#include "base/json.h"

#define BODY_DEPTH_MAX 4

#define ACCOUNT_SK      STR("account")
#define EMAIL_SK        STR("email")
#define ACCOUNTS_INDEX  STR("accounts")
#define OWNERS_PK       STR("role#owner")
/* Put by everyone who makes an owner, so that of two at once one fails. */
#define FIRST_OWNER_PK  STR("owner")
#define FIRST_OWNER_SK  STR("first")

struct str account_email_key(struct arena *a, struct str email)
{
	char *copy = arena_cstr(a, email);

	for (size_t i = 0; i < email.len; i++)
		if (copy[i] >= 'A' && copy[i] <= 'Z')
			copy[i] = (char)(copy[i] - 'A' + 'a');
	return (struct str){ copy, email.len };
}

struct str account_pk(struct arena *a, struct str id)
{
	return arena_printf(a, "account#%.*s", STR_ARG(id));
}

static struct str email_pk(struct arena *a, struct str email)
{
	struct str key = account_email_key(a, email);

	return arena_printf(a, "email#%.*s", STR_ARG(key));
}

/* --- reading -------------------------------------------------------------------- */

static enum err record_from(struct arena *a, struct str id, const struct store_item *item,
    struct account_record *out)
{
	const struct json *json;
	struct json_error  error;

	if (json_parse(a, item->body, BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	*out = (struct account_record){
		.account = {
			.id         = arena_dup(a, id),
			.email      = json_get_string(json, "email"),
			.name       = json_get_string(json, "name"),
			.plan       = json_get_string(json, "plan"),
			.tenant     = json_get_string(json, "tenant"),
			.roles      = roles_read(json_get(json, STR("roles"))),
			.totp       = json_get_bool(json, "totp", false),
			.version    = item->version,
			.created_ms = json_get_int(json, "created_at", 0),
		},
		.password = json_get_string(json, "password"),
		.disabled = json_get_bool(json, "disabled", false),
		.epoch    = json_get_int(json, "epoch", 0),
	};
	return out->account.email.len > 0 ? OK : ERR_CORRUPT;
}

enum err account_read(struct store_connection *c, struct arena *a, struct str id,
    int64_t now_ms, struct account_record *out)
{
	struct store_item item;
	enum err          e = store_get(c, a, account_pk(a, id), ACCOUNT_SK, now_ms, &item);

	return e == OK ? record_from(a, id, &item, out) : e;
}

/* The account that an e-mail item or an owner item points to. */
static enum err pointed_to(struct arena *a, const struct store_item *item, struct str *id)
{
	const struct json *json;
	struct json_error  error;

	if (json_parse(a, item->body, BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	*id = json_get_string(json, "account");
	return id->len > 0 ? OK : ERR_CORRUPT;
}

enum err account_by_email(struct store_connection *c, struct arena *a, struct str email,
    int64_t now_ms, struct account_record *out)
{
	struct store_item item;
	struct str        id;
	enum err          e;

	if (email.len == 0 || email.len > ACCOUNT_EMAIL_MAX_BYTES)
		return ERR_NOT_FOUND;
	e = store_get(c, a, email_pk(a, email), EMAIL_SK, now_ms, &item);
	if (e == OK)
		e = pointed_to(a, &item, &id);
	return e == OK ? account_read(c, a, id, now_ms, out) : e;
}

/* --- writing -------------------------------------------------------------------- */

enum err account_item(struct arena *a, const struct account_record *r, struct store_item *out)
{
	const struct account *account = &r->account;
	struct json_writer    w;
	struct buf            body;

	buf_init(&body, a, ACCOUNT_BODY_MAX_BYTES);
	json_begin(&w, &body);
	json_object_open(&w);
	json_member_string(&w, "email", account->email);
	json_member_string(&w, "name", account->name);
	json_member_string(&w, "plan", account->plan);
	json_member_string(&w, "tenant", account->tenant);
	json_name(&w, "roles");
	roles_write(&w, account->roles);
	json_member_string(&w, "password", r->password);
	json_member_bool(&w, "totp", account->totp);
	json_member_bool(&w, "disabled", r->disabled);
	json_member_int(&w, "epoch", r->epoch);
	json_member_int(&w, "created_at", account->created_ms);
	json_object_close(&w);
	*out = (struct store_item){
		.pk = account_pk(a, account->id), .sk = ACCOUNT_SK,
		.index_pk = ACCOUNTS_INDEX, .index_sk = account->id,
		.body = buf_str(&body), .version = account->version,
	};
	return buf_failed(&body) ? ERR_TOO_LARGE : OK;
}

enum err account_new_ops(struct arena *a, const struct account_record *r,
    struct store_op ops[ACCOUNT_NEW_OPS])
{
	ops[0] = (struct store_op){ .verb = STORE_PUT, .condition = STORE_ABSENT };
	ops[1] = (struct store_op){ STORE_PUT, STORE_ABSENT, {
		.pk = email_pk(a, r->account.email), .sk = EMAIL_SK,
		.body = arena_printf(a, "{\"account\":\"%.*s\"}", STR_ARG(r->account.id)),
	} };
	return account_item(a, r, &ops[0].item);
}

/* How to put the guard so that only one of several does: on what it is now. */
static enum err guard_op(struct store_connection *c, struct arena *a, int64_t now_ms,
    struct store_op *out)
{
	struct store_item item;
	enum err          e = store_get(c, a, FIRST_OWNER_PK, FIRST_OWNER_SK, now_ms, &item);

	if (e != OK && e != ERR_NOT_FOUND)
		return e;
	*out = (struct store_op){
		.verb = STORE_PUT, .condition = e == OK ? STORE_VERSION : STORE_ABSENT,
		.item = { .pk = FIRST_OWNER_PK, .sk = FIRST_OWNER_SK, .body = STR("{}"),
		          .version = e == OK ? item.version : 0 },
	};
	return OK;
}

enum err account_create_owner(struct store_connection *c, struct arena *a,
    const struct account_record *r, int64_t now_ms)
{
	struct store_result result;
	struct store_op     ops[2 + ACCOUNT_NEW_OPS];
	enum err            e = guard_op(c, a, now_ms, &ops[0]);

	if (e == OK)
		e = account_new_ops(a, r, ops + 1);
	ops[1 + ACCOUNT_NEW_OPS] = (struct store_op){ STORE_PUT, STORE_ABSENT, {
		.pk = OWNERS_PK, .sk = r->account.id,
		.body = arena_printf(a, "{\"account\":\"%.*s\"}", STR_ARG(r->account.id)),
	} };
	if (e == OK)
		e = store_write(c, ops, COUNT(ops), STORE_DURABLE, now_ms, &result);
	return e == ERR_STALE ? ERR_EXISTS : e;
}

struct first {
	struct arena *arena;
	struct str    id;
};

static bool take_first(void *context, const struct store_item *item)
{
	struct first *f = context;

	f->id = arena_dup(f->arena, item->sk);
	return false;
}

enum err account_owner_email(struct store_connection *c, struct arena *a, int64_t now_ms,
    struct str *email)
{
	struct store_query    query = { .pk = OWNERS_PK, .limit = 1 };
	struct first          f = { .arena = a };
	struct account_record record;
	enum err              e = store_query(c, &query, now_ms, take_first, &f);

	if (e != OK)
		return e;
	if (f.id.ptr == NULL)
		return ERR_NOT_FOUND;
	e = account_read(c, a, f.id, now_ms, &record);
	if (e == OK)
		*email = record.account.email;
	return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}
