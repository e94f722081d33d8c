#include "auth/known_network.h"

#include "auth/account.h"
#include "auth/state.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/json.h"
#include "log/log.h"

#define BODY_MAX_BYTES  4096
#define BODY_DEPTH_MAX  4
#define NETWORKS_SK     STR("networks")
#define ADD_TRIES       3               /* others may add one meanwhile */

struct network {
	struct str hash;
	int64_t    known_ms;
};

struct network_list {
	struct str     pk;
	struct network list[KNOWN_NETWORKS_MAX];
	size_t         count;
	uint64_t       version;         /* 0: not in the store */
};

static struct str hash_of(const struct auth *auth, struct arena *a, const char *what,
    struct str text)
{
	uint8_t key[SECRET_BYTES], mac[SHA256_BYTES];

	crypto_derive(auth->config->secret_key, "quiver known networks", key);
	crypto_hmac_sha256(key, sizeof(key), arena_printf(a, "%s:%.*s", what, STR_ARG(text)), mac);
	crypto_wipe(key, sizeof(key));
	return crypto_base64url(a, (struct str){ (const char *)mac, sizeof(mac) });
}

struct str known_network_pk(const struct auth *auth, struct arena *a, struct str email)
{
	struct str hash;

	email = account_email_key(a, str_first(email, ACCOUNT_EMAIL_MAX_BYTES));
	hash = hash_of(auth, a, "address", email);
	return arena_printf(a, "known#%.*s", STR_ARG(hash));
}

/* A network is an account's: two accounts of one network do not show it. */
static struct str network_hash(const struct auth *auth, struct arena *a,
    const struct network_list *l, struct str network)
{
	return hash_of(auth, a, "network",
	    arena_printf(a, "%.*s %.*s", STR_ARG(l->pk), STR_ARG(network)));
}

static void read_networks(const struct json *list, int64_t now_ms, struct network_list *out)
{
	size_t n = json_type(list) == JSON_ARRAY ? json_length(list) : 0;

	for (size_t i = 0; i < n && out->count < KNOWN_NETWORKS_MAX; i++) {
		const struct json *pair = json_at(list, i);
		struct network     one;

		if (json_type(pair) != JSON_ARRAY || json_length(pair) != 2)
			continue;
		one = (struct network){ json_string(json_at(pair, 0)), json_int(json_at(pair, 1)) };
		if (now_ms - one.known_ms < KNOWN_NETWORK_MS)
			out->list[out->count++] = one;
	}
}

static enum err read_list(const struct auth *auth, struct store_connection *c, struct arena *a,
    struct str email, int64_t now_ms, struct network_list *out)
{
	const struct json *json;
	struct json_error  error;
	struct store_item  item;
	enum err           e;

	*out = (struct network_list){ .pk = known_network_pk(auth, a, email) };
	e = store_get(c, a, out->pk, NETWORKS_SK, now_ms, &item);
	if (e != OK)
		return e == ERR_NOT_FOUND ? OK : e;
	if (json_parse(a, item.body, BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	out->version = item.version;
	read_networks(json_get(json, STR("networks")), now_ms, out);
	return OK;
}

static struct network *find(struct network_list *l, struct str hash)
{
	struct network *found = NULL;

	for (size_t i = 0; i < l->count; i++)
		if (crypto_equal(l->list[i].hash, hash))
			found = &l->list[i];
	return found;
}

bool known_network_is(const struct auth *auth, struct store_connection *c, struct arena *a,
    struct str email, struct str network, int64_t now_ms)
{
	struct network_list l;

	return read_list(auth, c, a, email, now_ms, &l) == OK &&
	    find(&l, network_hash(auth, a, &l, network)) != NULL;
}

/* --- adding one ------------------------------------------------------------------- */

/* A place for one more: the one that was known the longest ago goes. */
static struct network *make_room(struct network_list *l)
{
	struct network *oldest = &l->list[0];

	if (l->count < KNOWN_NETWORKS_MAX)
		return &l->list[l->count++];
	for (size_t i = 1; i < l->count; i++)
		if (l->list[i].known_ms < oldest->known_ms)
			oldest = &l->list[i];
	return oldest;
}

static enum err write_list(struct store_connection *c, struct arena *a,
    const struct network_list *l, int64_t now_ms)
{
	struct store_result result;
	struct store_op     op = { .verb = STORE_PUT,
		.condition = l->version == 0 ? STORE_ABSENT : STORE_VERSION };
	struct json_writer  w;
	struct buf          body;

	buf_init(&body, a, BODY_MAX_BYTES);
	json_begin(&w, &body);
	json_object_open(&w);
	json_name(&w, "networks");
	json_array_open(&w);
	for (size_t i = 0; i < l->count; i++) {
		json_array_open(&w);
		json_put_string(&w, l->list[i].hash);
		json_put_int(&w, l->list[i].known_ms);
		json_array_close(&w);
	}
	json_array_close(&w);
	json_object_close(&w);
	if (buf_failed(&body))
		return ERR_TOO_LARGE;
	op.item = (struct store_item){
		.pk = l->pk, .sk = NETWORKS_SK, .body = buf_str(&body), .version = l->version,
		.expires_ms = now_ms + KNOWN_NETWORK_MS,
	};
	return store_write(c, &op, 1, STORE_DURABLE, now_ms, &result);
}

static enum err add(const struct auth *auth, struct store_connection *c, struct arena *a,
    struct str email, struct str network, int64_t now_ms, bool *new)
{
	struct network_list l;
	struct network     *n;
	struct str          hash;
	enum err            e = read_list(auth, c, a, email, now_ms, &l);

	if (e != OK)
		return e;
	hash = network_hash(auth, a, &l, network);
	n = find(&l, hash);
	*new = n == NULL && l.count > 0;
	if (n != NULL && now_ms - n->known_ms < KNOWN_NETWORK_AGAIN_MS)
		return OK;
	if (n == NULL)
		n = make_room(&l);
	*n = (struct network){ hash, now_ms };
	return write_list(c, a, &l, now_ms);
}

bool known_network_add(const struct auth *auth, struct store_connection *c, struct arena *a,
    struct str email, struct str network, int64_t now_ms)
{
	bool     new = false;
	enum err e = ERR_STALE;

	for (int i = 0; i < ADD_TRIES && (e == ERR_STALE || e == ERR_EXISTS); i++)
		e = add(auth, c, a, email, network, now_ms, &new);
	if (e != OK)
		log_message(LOG_WARN, "auth.network_unknown",
		    "a network that an account was signed in from could not be remembered: %s",
		    err_text(e));
	return new;
}
