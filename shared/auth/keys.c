#include "auth/keys.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "auth/key_current.h"
#include "auth/key_record.h"
#include "base/buf.h"
#include "log/log.h"

#define BODY_DEPTH_MAX          4
#define JWKS_MAX_BYTES          65536
#define SIGNER_TRIES            5       /* to make or read the key while others do the same */

/* A public key that is known; once there it stays until keys_free, so that
 * readers need no lock. */
struct slot {
	struct jwk      jwk;
	_Atomic int64_t expires_ms;     /* 0: never */
};

/* A private key that was read; kept, since an issuer may hold it. */
struct private_key {
	struct token_signer signer;
	char                kid[JWK_KID_MAX_BYTES + 1];
	char               *pem;
	struct private_key *next;
};

struct keys {
	uint8_t             seal[SECRET_BYTES];
	struct keys_terms   terms;
	struct slot         slots[KEYS_MAX];
	_Atomic size_t      count;
	pthread_mutex_t     lock;       /* of what follows, and of adding slots */
	int64_t             loaded_ms;
	struct private_key *private_keys;
};

struct keys *keys_new(const uint8_t secret_key[SECRET_BYTES], struct keys_terms terms)
{
	struct keys *k = calloc(1, sizeof(*k));

	if (k == NULL || pthread_mutex_init(&k->lock, NULL) != 0)
		abort();
	crypto_derive(secret_key, "quiver signing keys", k->seal);
	k->terms = terms;
	k->loaded_ms = INT64_MIN;
	return k;
}

void keys_free(struct keys *k)
{
	struct private_key *p, *next;

	if (k == NULL)
		return;
	for (p = k->private_keys; p != NULL; p = next) {
		next = p->next;
		crypto_wipe(p->pem, p->signer.pem_len);
		free(p->pem);
		free(p);
	}
	for (size_t i = 0; i < k->count; i++)
		jwk_clean(&k->slots[i].jwk);
	crypto_wipe(k->seal, sizeof(k->seal));
	pthread_mutex_destroy(&k->lock);
	free(k);
}

/* --- public keys ---------------------------------------------------------------- */

static struct slot *slot_of(const struct keys *k, struct str kid)
{
	size_t count = atomic_load_explicit(&k->count, memory_order_acquire);

	/* The newest first: its tokens are the ones that come. */
	for (size_t i = count; i-- > 0; )
		if (str_eq(kid, str_of(k->slots[i].jwk.kid)))
			return (struct slot *)(uintptr_t)&k->slots[i];
	return NULL;
}

const struct jwk *keys_find(const struct keys *k, struct str kid, int64_t now_ms)
{
	const struct slot *s = slot_of(k, kid);
	int64_t            expires_ms;

	if (s == NULL)
		return NULL;
	expires_ms = atomic_load_explicit(&s->expires_ms, memory_order_relaxed);
	return expires_ms == 0 || now_ms < expires_ms ? &s->jwk : NULL;
}

struct loading {
	struct keys  *keys;
	struct arena *arena;
	struct json_writer *jwks;       /* NULL: only the slots */
	size_t        found;
	int64_t       newest_ms;        /* when the newest of them was made */
};

/* The public JWK of an item; NULL when it is damaged. */
static const struct json *public_part(struct loading *l, const struct store_item *item)
{
	const struct json *json;
	struct json_error  error;
	int64_t            made_ms;

	if (json_parse(l->arena, item->body, BODY_DEPTH_MAX, &json, &error) != OK)
		return NULL;
	made_ms = json_get_int(json, "created_at", 0);
	if (made_ms > l->newest_ms)
		l->newest_ms = made_ms;
	return json_get(json, STR("jwk"));
}

static void add_slot(struct keys *k, struct arena *a, const struct json *json, struct str kid)
{
	size_t      n = atomic_load_explicit(&k->count, memory_order_relaxed);
	const char *reason = "too many keys";
	struct jwk  jwk;

	if (n < KEYS_MAX && jwk_parse(a, json, &jwk, &reason) == OK) {
		k->slots[n].jwk = jwk;
		if (str_eq(kid, str_of(jwk.kid))) {
			atomic_store_explicit(&k->count, n + 1, memory_order_release);
			return;
		}
		jwk_clean(&k->slots[n].jwk);
		reason = "its kid is another";
	}
	log_message(LOG_ERROR, "auth.key_unusable", "signing key %.*s: %s", STR_ARG(kid), reason);
}

/* One item of a load, with the lock held. */
static bool load_key(void *context, const struct store_item *item)
{
	struct loading    *l = context;
	const struct json *json = public_part(l, item);
	struct slot       *slot = slot_of(l->keys, item->sk);

	if (json == NULL) {
		log_message(LOG_ERROR, "auth.key_unusable", "signing key %.*s: damaged",
		    STR_ARG(item->sk));
		return true;
	}
	if (slot == NULL) {
		add_slot(l->keys, l->arena, json, item->sk);
		slot = slot_of(l->keys, item->sk);
	}
	if (slot == NULL)
		return true;
	atomic_store_explicit(&slot->expires_ms, item->expires_ms, memory_order_relaxed);
	if (l->jwks != NULL)
		json_put_value(l->jwks, json);
	l->found++;
	return true;
}

/* Reads every living key; with the lock held. */
static enum err load(struct keys *k, struct store_connection *c, int64_t now_ms,
    struct loading *l)
{
	struct store_query query = { .pk = KEYS_PK };
	enum err           e = store_query(c, &query, now_ms, load_key, l);

	if (e == OK)
		k->loaded_ms = now_ms;
	return e;
}

enum err keys_find_or_load(struct keys *k, struct store_connection *c, struct arena *a,
    struct str kid, int64_t now_ms, const struct jwk **out)
{
	struct loading l = { .keys = k, .arena = a };
	enum err       e = OK;

	*out = keys_find(k, kid, now_ms);
	if (*out != NULL)
		return OK;
	pthread_mutex_lock(&k->lock);
	/* Someone may have loaded it while we waited; a clock may have gone back. */
	*out = keys_find(k, kid, now_ms);
	if (*out == NULL && (k->loaded_ms == INT64_MIN || now_ms < k->loaded_ms ||
	    now_ms - k->loaded_ms >= KEYS_RELOAD_MS)) {
		e = load(k, c, now_ms, &l);
		*out = keys_find(k, kid, now_ms);
	}
	pthread_mutex_unlock(&k->lock);
	return e != OK ? e : *out == NULL ? ERR_NOT_FOUND : OK;
}

/* --- the key that signs --------------------------------------------------------- */

static bool is_too_old(const struct keys *k, const struct key_current *current, int64_t now_ms)
{
	return k->terms.max_age_ms > 0 && now_ms - current->since_ms >= k->terms.max_age_ms;
}

/* A new key in place of `old`; with the lock held. */
static enum err replace(struct keys *k, struct store_connection *c, struct arena *a,
    const struct key_current *old, int64_t now_ms, struct str *kid)
{
	return key_current_replace(c, a, k->seal, old, now_ms + k->terms.tokens_live_ms, now_ms,
	    kid);
}

/* A key that is too old signs on when it cannot be replaced.  ERR_STALE: another
 * process was first; look again. */
static enum err replace_if_old(struct keys *k, struct store_connection *c, struct arena *a,
    struct key_current *current, int64_t now_ms)
{
	enum err e;

	if (!is_too_old(k, current, now_ms))
		return OK;
	e = replace(k, c, a, current, now_ms, &current->kid);
	if (e == OK || e == ERR_STALE)
		return e;
	log_message(LOG_ERROR, "auth.key_old", "signing key %.*s is over its age and could not "
	    "be replaced: %s", STR_ARG(current->kid), err_text(e));
	return OK;
}

static const struct token_signer *known_signer(const struct keys *k, struct str kid)
{
	for (const struct private_key *p = k->private_keys; p != NULL; p = p->next)
		if (str_eq(kid, str_of(p->kid)))
			return &p->signer;
	return NULL;
}

/* Unseals one more private key; with the lock held. */
static enum err read_private(struct keys *k, struct store_connection *c, struct arena *a,
    struct str kid, int64_t now_ms)
{
	struct private_key *p;
	struct store_item   item;
	char               *pem;
	size_t              len;
	enum err            e = store_get(c, a, KEYS_PK, kid, now_ms, &item);

	if (e == OK)
		e = key_record_private(a, k->seal, kid, item.body, &pem, &len);
	if (e == ERR_CORRUPT)
		log_message(LOG_ERROR, "auth.key_sealed", "signing key %.*s was sealed under "
		    "another SECRET_KEY: set that one again", STR_ARG(kid));
	if (e != OK)
		return e;
	p = calloc(1, sizeof(*p));
	if (p == NULL)
		abort();
	memcpy(p->kid, kid.ptr, kid.len);
	p->pem = pem;
	p->signer = (struct token_signer){ .kid = p->kid, .pem = pem, .pem_len = len };
	p->next = k->private_keys;
	k->private_keys = p;
	return OK;
}

/* The current signer, made or read where needed; with the lock held. */
static enum err current_signer(struct keys *k, struct store_connection *c, struct arena *a,
    int64_t now_ms, const struct token_signer **out)
{
	enum err e = ERR_NOT_FOUND;

	for (int i = 0; i < SIGNER_TRIES; i++) {
		struct key_current current = { 0 };

		e = key_current_read(c, a, now_ms, &current);
		if (e == ERR_NOT_FOUND)
			e = replace(k, c, a, &current, now_ms, &current.kid);
		else if (e == OK)
			e = replace_if_old(k, c, a, &current, now_ms);
		if (e == OK) {
			*out = known_signer(k, current.kid);
			if (*out != NULL)
				return OK;
			e = read_private(k, c, a, current.kid, now_ms);
		}
		if (e != OK && e != ERR_EXISTS && e != ERR_STALE)
			return e;
	}
	return e == OK || e == ERR_STALE ? ERR_UNAVAILABLE : e;
}

enum err keys_signer(struct keys *k, struct store_connection *c, struct arena *a,
    int64_t now_ms, const struct token_signer **out)
{
	enum err e;

	pthread_mutex_lock(&k->lock);
	e = current_signer(k, c, a, now_ms, out);
	pthread_mutex_unlock(&k->lock);
	return e;
}

enum err keys_rotate(struct keys *k, struct store_connection *c, struct arena *a,
    int64_t now_ms, struct str *kid)
{
	enum err e = ERR_STALE;

	pthread_mutex_lock(&k->lock);
	for (int i = 0; i < SIGNER_TRIES && (e == ERR_STALE || e == ERR_EXISTS); i++) {
		struct key_current current = { 0 };

		e = key_current_read(c, a, now_ms, &current);
		if (e == OK || e == ERR_NOT_FOUND)
			e = replace(k, c, a, &current, now_ms, kid);
	}
	pthread_mutex_unlock(&k->lock);
	return e == ERR_STALE || e == ERR_EXISTS ? ERR_UNAVAILABLE : e;
}

/* When the last of the known keys ended; 0: none has. */
static int64_t last_end_ms(const struct keys *k, int64_t now_ms)
{
	size_t  count = atomic_load_explicit(&k->count, memory_order_acquire);
	int64_t last_ms = 0;

	for (size_t i = 0; i < count; i++) {
		int64_t end_ms = atomic_load_explicit(&k->slots[i].expires_ms,
		    memory_order_relaxed);
		if (end_ms <= now_ms && end_ms > last_ms)
			last_ms = end_ms;
	}
	return last_ms;
}

/* With the lock held. */
static enum err write_jwks(struct keys *k, struct store_connection *c, struct arena *a,
    int64_t now_ms, struct buf *out, struct loading *l)
{
	struct json_writer w;
	enum err           e;

	*l = (struct loading){ .keys = k, .arena = a, .jwks = &w };
	buf_init(out, a, JWKS_MAX_BYTES);
	json_begin(&w, out);
	json_object_open(&w);
	json_name(&w, "keys");
	json_array_open(&w);
	e = load(k, c, now_ms, l);
	json_array_close(&w);
	json_object_close(&w);
	return e == OK && buf_failed(out) ? ERR_TOO_LARGE : e;
}

enum err keys_jwks(struct keys *k, struct store_connection *c, struct arena *a, int64_t now_ms,
    struct str *json, int64_t *changed_ms)
{
	const struct token_signer *signer;
	struct loading             l;
	struct buf                 text;
	enum err                   e;

	pthread_mutex_lock(&k->lock);
	e = write_jwks(k, c, a, now_ms, &text, &l);
	if (e == OK && l.found == 0) {
		e = current_signer(k, c, a, now_ms, &signer);
		if (e == OK)
			e = write_jwks(k, c, a, now_ms, &text, &l);
	}
	pthread_mutex_unlock(&k->lock);
	if (e != OK)
		return e;
	*json = buf_str(&text);
	*changed_ms = last_end_ms(k, now_ms);
	if (*changed_ms < l.newest_ms)
		*changed_ms = l.newest_ms;
	return OK;
}
