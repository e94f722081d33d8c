#include "auth/api_key_auth.h"

#include <stddef.h>

#define PLAN_MAX_BYTES   64
#define TENANT_MAX_BYTES 128

/* What is remembered of a key; ranges last, so that only those it has are kept. */
struct known {
	int64_t   read_ms;              /* when the store said so */
	int64_t   expires_ms;
	uint32_t  key_count, owner_count;       /* of changed.h, from before it was read */
	uint32_t  roles;
	scope_set scopes;               /* below the ceiling already */
	uint16_t  plan_len, tenant_len, n_ranges;
	char      id[ID_UUID_SIZE], account[ID_UUID_SIZE];
	char      plan[PLAN_MAX_BYTES], tenant[TENANT_MAX_BYTES];
	struct address_range ranges[API_KEY_RANGES_MAX];
};

struct digest_cache *api_key_cache_new(void)
{
	return digest_cache_new(API_KEY_CACHE_ENTRIES, sizeof(struct known));
}

static size_t known_bytes(const struct known *k)
{
	return offsetof(struct known, ranges) + k->n_ranges * sizeof(k->ranges[0]);
}

/* --- what the store says -------------------------------------------------------- */

/* One key's way in. */
struct entry_attempt {
	struct auth             *auth;
	struct store_connection *store;
	struct arena            *arena;
	int64_t                  now_ms;
	const char              *reason;
	uint8_t                  digest[SHA256_BYTES];
	char                     id[ID_UUID_SIZE];
};

static enum err refuse(struct entry_attempt *t, const char *why)
{
	t->reason = why;
	return ERR_UNAUTHENTICATED;
}

static enum err not_found_is(struct entry_attempt *t, enum err e, const char *why)
{
	if (e == OK)
		return OK;
	return e == ERR_NOT_FOUND ? refuse(t, why) : ERR_UNAVAILABLE;
}

/* Until when this secret of the key is good (0: for ever); the secret comes first, so
 * that nobody without it learns what became of a key. */
static enum err check_secret(struct entry_attempt *t, const struct api_key_record *r,
    int64_t *until_ms)
{
	bool current = api_key_digest_equal(t->digest, r->digest);
	bool previous = r->previous_expires_ms != 0 &&
	    api_key_digest_equal(t->digest, r->previous);

	if (!current && !previous)
		return refuse(t, "wrong_secret");
	if (r->revoked_ms != 0)
		return refuse(t, "revoked");
	*until_ms = r->expires_ms;
	if (previous && (*until_ms == 0 || r->previous_expires_ms < *until_ms))
		*until_ms = r->previous_expires_ms;
	if (*until_ms != 0 && t->now_ms >= *until_ms)
		return refuse(t, previous ? "rotated" : "expired");
	return OK;
}

static enum err read_owner(struct entry_attempt *t, struct str id, struct account_record *owner)
{
	enum err e = not_found_is(t, account_read(t->store, t->arena, id, t->now_ms, owner),
	    "no_owner");

	if (e == OK && owner->disabled)
		return refuse(t, "owner_disabled");
	return e;
}

/* The counters are taken before the reads: a change in between is noticed by the
 * next request. */
static enum err read_key(struct entry_attempt *t, struct api_key_record *r,
    struct account_record *owner, struct known *k)
{
	const struct changed *changed = &t->auth->changed;
	enum err              e;

	k->key_count = changed_count(changed, str_of(t->id));
	e = not_found_is(t, api_key_read(t->store, t->arena, str_of(t->id), t->now_ms, r),
	    "unknown_key");
	if (e == OK)
		e = check_secret(t, r, &k->expires_ms);
	if (e != OK)
		return e;
	k->owner_count = changed_count(changed, r->account);
	return read_owner(t, r->account, owner);
}

static bool copy_text(char *into, size_t room, struct str text, uint16_t *len)
{
	if (text.len > room)
		return false;
	if (text.len > 0)
		memcpy(into, text.ptr, text.len);
	*len = (uint16_t)text.len;
	return true;
}

/* A key with more text than there is room for is asked for each time. */
static void remember(const struct entry_attempt *t, const struct api_key_record *r,
    const struct account_record *owner, struct known *k)
{
	int64_t until_ms = t->now_ms + API_KEY_BELIEVED_MS;

	if (!copy_text(k->plan, sizeof(k->plan), owner->account.plan, &k->plan_len) ||
	    !copy_text(k->tenant, sizeof(k->tenant), owner->account.tenant, &k->tenant_len) ||
	    r->account.len >= sizeof(k->account))
		return;
	k->read_ms = t->now_ms;
	k->roles = owner->account.roles;
	k->scopes = r->scopes & roles_scopes(k->roles);
	k->n_ranges = (uint16_t)r->n_ranges;
	memcpy(k->id, t->id, sizeof(k->id));
	memcpy(k->account, r->account.ptr, r->account.len);
	memcpy(k->ranges, r->ranges, r->n_ranges * sizeof(r->ranges[0]));
	if (k->expires_ms != 0 && k->expires_ms < until_ms)
		until_ms = k->expires_ms;
	digest_cache_put(t->auth->api_keys, t->digest, k, known_bytes(k), t->now_ms, until_ms);
}

static enum err ask_store(struct entry_attempt *t, struct str address, struct principal *out)
{
	struct account_record  owner;
	struct api_key_record *r = ARENA_NEW(t->arena, struct api_key_record);
	struct known           k = { 0 };
	enum err               e = read_key(t, r, &owner, &k);

	if (e != OK)
		return e;
	remember(t, r, &owner, &k);
	if (!api_key_allows(r->ranges, r->n_ranges, address))
		return refuse(t, "address_not_allowed");
	*out = (struct principal){
		.kind = PRINCIPAL_KEY, .id = r->account, .key = r->id, .key_read = true,
		.plan = owner.account.plan, .tenant = owner.account.tenant,
		.expires_ms = k.expires_ms,
	};
	principal_set_roles(out, owner.account.roles);
	out->scopes &= r->scopes;
	return OK;
}

/* --- what is remembered --------------------------------------------------------- */

/* The clock may have been set back since. */
static bool still_holds(const struct entry_attempt *t, const struct known *k)
{
	const struct changed *changed = &t->auth->changed;

	return t->now_ms >= k->read_ms &&
	    k->key_count == changed_count(changed, str_of(t->id)) &&
	    k->owner_count == changed_count(changed, str_of(k->account));
}

static struct str kept_text(struct arena *a, const char *text, size_t len)
{
	return len == 0 ? STR_NONE : arena_dup(a, (struct str){ text, len });
}

static enum err recall(struct entry_attempt *t, const struct known *k, struct str address,
    struct principal *out)
{
	if (!api_key_allows(k->ranges, k->n_ranges, address))
		return refuse(t, "address_not_allowed");
	*out = (struct principal){
		.kind = PRINCIPAL_KEY,
		.id = arena_dup(t->arena, str_of(k->account)),
		.key = arena_dup(t->arena, str_of(k->id)),
		.plan = kept_text(t->arena, k->plan, k->plan_len),
		.tenant = kept_text(t->arena, k->tenant, k->tenant_len),
		.expires_ms = k->expires_ms,
	};
	principal_set_roles(out, k->roles);
	out->scopes &= k->scopes;
	return OK;
}

enum err api_key_authenticate(struct auth *auth, struct store_connection *c, struct arena *a,
    struct str text, struct str address, int64_t now_ms, struct principal *out,
    const char **reason)
{
	struct entry_attempt t = { auth, c, a, now_ms, "", { 0 }, "" };
	struct known         k;
	enum err             e;

	if (!api_key_parse(text, t.id, t.digest))
		e = refuse(&t, "no_api_key");
	else if (digest_cache_get(auth->api_keys, t.digest, now_ms, &k) && still_holds(&t, &k))
		e = recall(&t, &k, address, out);
	else
		e = ask_store(&t, address, out);
	*reason = t.reason;
	return e;
}
