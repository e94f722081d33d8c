#include "auth/mailed_code.h"

#include "auth/code.h"
#include "auth/state.h"
#include "base/buf.h"
#include "base/json.h"

#define BODY_MAX_BYTES  8192
#define BODY_DEPTH_MAX  2
#define CODE_SK         STR("code")

static const char *const purposes[] = { [MAILED_CONFIRM] = "confirm", [MAILED_RESET] = "reset" };

static struct str pk_of(struct arena *a, const struct mailed_code *m)
{
	return arena_printf(a, "%s#%.*s", purposes[m->purpose], STR_ARG(m->address));
}

/* 40 bits are guessed from a plain hash; from a keyed one not without SECRET_KEY. */
static struct str hash_of(const struct identity_call *k, const struct mailed_code *m,
    struct str typed)
{
	uint8_t    key[SECRET_BYTES], mac[SHA256_BYTES];
	char       hex[2 * SHA256_BYTES + 1];
	struct str plain = code_hash(k->arena, pk_of(k->arena, m), typed, MAILED_LETTERS);

	if (plain.ptr == NULL)
		return STR_NONE;
	crypto_derive(k->auth->config->secret_key, "quiver mailed codes", key);
	crypto_hmac_sha256(key, sizeof(key), plain, mac);
	crypto_hex(mac, sizeof(mac), hex);
	crypto_wipe(key, sizeof(key));
	return arena_dup(k->arena, str_of(hex));
}

enum err mailed_code_read(const struct identity_call *k, enum mailed_purpose purpose,
    struct str email, struct mailed_code *out)
{
	struct mailed_code m = { .purpose = purpose, .expires_ms = k->now_ms + MAILED_RECORD_MS };
	const struct json *json;
	struct json_error  error;
	struct store_item  item;
	enum err           e;

	m.address = account_email_key(k->arena, str_first(email, ACCOUNT_EMAIL_MAX_BYTES));
	*out = m;
	e = store_get(k->store, k->arena, pk_of(k->arena, &m), CODE_SK, k->now_ms, &item);
	if (e != OK)
		return e == ERR_NOT_FOUND ? OK : e;
	if (json_parse(k->arena, item.body, BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	m.code       = json_get_string(json, "code");
	m.until_ms   = json_get_int(json, "until", 0);
	m.mailed_ms  = json_get_int(json, "mailed_at", 0);
	m.mails      = json_get_int(json, "mails", 0);
	m.tries      = json_get_int(json, "tries", 0);
	m.email      = json_get_string(json, "email");
	m.name       = json_get_string(json, "name");
	m.password   = json_get_string(json, "password");
	m.barren      = json_get_bool(json, "barren", false);
	m.expires_ms = item.expires_ms;
	m.version    = item.version;
	*out = m;
	return OK;
}

/* After so many mails. */
static int64_t pause_after(int64_t mails)
{
	int64_t pause_ms = MAILED_PAUSE_MS;

	for (; mails > 1 && pause_ms < MAILED_PAUSE_MAX_MS; mails--)
		pause_ms *= 2;
	return pause_ms < MAILED_PAUSE_MAX_MS ? pause_ms : MAILED_PAUSE_MAX_MS;
}

struct str mailed_code_new(const struct identity_call *k, struct mailed_code *m)
{
	struct str code;

	/* A mail of the future: the clock was set back, and says nothing about the pause. */
	if (m->mails > 0 && k->now_ms >= m->mailed_ms &&
	    k->now_ms - m->mailed_ms < pause_after(m->mails))
		return STR_NONE;
	code = code_new(k->arena, MAILED_LETTERS, MAILED_GROUP);
	m->code = hash_of(k, m, code);
	m->until_ms = k->now_ms + MAILED_CODE_MS;
	m->mailed_ms = k->now_ms;
	m->mails++;
	m->tries = 0;
	return code;
}

enum err mailed_code_item(const struct identity_call *k, const struct mailed_code *m,
    struct store_item *out)
{
	struct json_writer w;
	struct buf         body;

	buf_init(&body, k->arena, BODY_MAX_BYTES);
	json_begin(&w, &body);
	json_object_open(&w);
	json_member_string(&w, "code", m->code);
	json_member_int(&w, "until", m->until_ms);
	json_member_int(&w, "mailed_at", m->mailed_ms);
	json_member_int(&w, "mails", m->mails);
	json_member_int(&w, "tries", m->tries);
	json_member_string(&w, "email", m->email);
	json_member_string(&w, "name", m->name);
	json_member_string(&w, "password", m->password);
	json_member_bool(&w, "barren", m->barren);
	json_object_close(&w);
	*out = (struct store_item){
		.pk = pk_of(k->arena, m), .sk = CODE_SK, .body = buf_str(&body),
		.expires_ms = m->expires_ms, .version = m->version,
	};
	return buf_failed(&body) ? ERR_TOO_LARGE : OK;
}

enum err mailed_code_put(const struct identity_call *k, struct mailed_code *m)
{
	struct store_result result;
	struct store_op     op = { .verb = STORE_PUT,
		.condition = m->version == 0 ? STORE_ABSENT : STORE_VERSION };
	enum err            e = mailed_code_item(k, m, &op.item);

	if (e == OK)
		e = store_write(k->store, &op, 1, STORE_DURABLE, k->now_ms, &result);
	if (e == OK)
		m->version = result.version;
	return e == ERR_EXISTS || e == ERR_NOT_FOUND ? ERR_STALE : e;
}

enum err mailed_code_try(const struct identity_call *k, struct mailed_code *m, struct str typed)
{
	struct str hash = hash_of(k, m, typed);
	bool       alive = m->version != 0 && m->tries < MAILED_TRIES && k->now_ms < m->until_ms;
	enum err   e;

	if (alive && !m->barren && m->code.len > 0 && hash.ptr != NULL &&
	    crypto_equal(hash, m->code))
		return OK;
	if (!alive)
		return ERR_UNAUTHENTICATED;
	m->tries++;
	e = mailed_code_put(k, m);
	return e == OK ? ERR_UNAUTHENTICATED : e;
}
