/*
 * api_key_rig: API keys over the store, made as the developer handler makes them.
 */
#ifndef TESTS_API_KEY_RIG_H
#define TESTS_API_KEY_RIG_H

#include "auth/api_key_record.h"
#include "base/id.h"
#include "identity_rig.h"

#define EVERYTHING (~SCOPE_BIT(SCOPE_UNSET) & ~SCOPE_BIT(SCOPE_PUBLIC) & \
	(SCOPE_BIT(SCOPE_COUNT) - 1))

struct made_key {
	struct str            text;
	struct api_key_record record;
};

static inline void key_put(struct rig *r, struct made_key *k)
{
	struct store_result result;
	struct store_op     op = { .verb = STORE_PUT };

	assert_int_equal(api_key_item(&r->a, &k->record, &op.item), OK);
	assert_int_equal(store_write(r->c, &op, 1, STORE_DURABLE, r->now_ms, &result), OK);
	k->record.version = result.version;
	auth_changed(r->auth, k->record.id);
}

static inline struct account_record key_owner(struct rig *r)
{
	struct account_record owner;

	assert_int_equal(account_by_email(r->c, &r->a, STR(RIG_EMAIL), r->now_ms, &owner), OK);
	return owner;
}

static inline void key_put_owner(struct rig *r, const struct account_record *owner)
{
	struct store_result result;
	struct store_op     op = { .verb = STORE_PUT };

	assert_int_equal(account_item(&r->a, owner, &op.item), OK);
	assert_int_equal(store_write(r->c, &op, 1, STORE_DURABLE, r->now_ms, &result), OK);
	auth_changed(r->auth, owner->account.id);
}

/* A secret for the key, and what to store of it; not stored yet. */
static inline void key_draw(struct rig *r, struct made_key *k)
{
	char text[API_KEY_BYTES + 1];

	api_key_generate(k->record.id, text, k->record.digest);
	k->text = arena_dup(&r->a, str_of(text));
}

/* A key of the owner's with every scope, stored. */
static inline struct made_key key_make(struct rig *r)
{
	struct made_key k = { 0 };
	char            id[ID_UUID_SIZE];

	id_uuid7(r->now_ms, id);
	k.record = (struct api_key_record){
		.id = arena_dup(&r->a, str_of(id)), .account = key_owner(r).account.id,
		.name = STR("a key"), .scopes = EVERYTHING, .created_ms = r->now_ms,
	};
	key_draw(r, &k);
	key_put(r, &k);
	return k;
}

static inline enum err key_try_from(struct rig *r, struct str key, const char *address,
    struct principal *p, const char **reason)
{
	struct auth_credentials who = { .api_key = key, .address = str_of(address) };

	return auth_authenticate(r->auth, r->c, &r->a, &who, r->now_ms, p, reason);
}

/* "" when the key is good, else why not. */
static inline const char *key_answer(struct rig *r, struct str key)
{
	struct principal p;
	const char      *reason = "";
	enum err         e = key_try_from(r, key, "192.0.2.7", &p, &reason);

	assert_true(e == OK || e == ERR_UNAUTHENTICATED);
	assert_true((e == OK) == (reason[0] == '\0'));
	return reason;
}

static inline struct principal key_principal(struct rig *r, struct str key)
{
	struct principal p = { 0 };
	const char      *reason = "";

	if (key_try_from(r, key, "192.0.2.7", &p, &reason) != OK)
		fail_msg("%s", reason);
	return p;
}

#endif
