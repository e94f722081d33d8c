#include "auth/second_factor.h"

#include "auth/code.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/json.h"
#include "log/log.h"

#define BODY_MAX_BYTES  4096
#define BODY_DEPTH_MAX  3

#define TOTP_SK         STR("totp")
#define ENROLLED_SK     STR("totp-enrolled")

/* --- the secret ----------------------------------------------------------------- */

/* The seal names its place: one account's secret cannot be given to another. */
static struct str seal_context(struct arena *a, struct str account)
{
	return arena_printf(a, "totp:%.*s", STR_ARG(account));
}

static struct str sealed(const struct auth *auth, struct arena *a, struct str account,
    const uint8_t secret[TOTP_SECRET_BYTES])
{
	uint8_t    key[SECRET_BYTES];
	struct str text;

	crypto_derive(auth->config->secret_key, "quiver one-time passwords", key);
	text = crypto_base64(a, crypto_seal(a, key,
	    (struct str){ (const char *)secret, TOTP_SECRET_BYTES }, seal_context(a, account)));
	crypto_wipe(key, sizeof(key));
	return text;
}

static enum err unseal(const struct auth *auth, struct arena *a, const struct second_factor *f,
    uint8_t secret[TOTP_SECRET_BYTES])
{
	uint8_t    key[SECRET_BYTES];
	struct str bytes, plain = STR_NONE;
	enum err   e = crypto_base64_decode(a, f->secret, &bytes);

	crypto_derive(auth->config->secret_key, "quiver one-time passwords", key);
	if (e == OK)
		e = crypto_open(a, key, bytes, seal_context(a, f->account), &plain);
	crypto_wipe(key, sizeof(key));
	if (e == OK && plain.len == TOTP_SECRET_BYTES) {
		memcpy(secret, plain.ptr, TOTP_SECRET_BYTES);
		crypto_wipe((void *)(uintptr_t)plain.ptr, plain.len);
		return OK;
	}
	log_message(LOG_ERROR, "auth.totp_sealed", "the one-time passwords of account %.*s were "
	    "sealed under another SECRET_KEY: set that one again", STR_ARG(f->account));
	return ERR_CORRUPT;
}

enum err second_factor_new(const struct auth *auth, struct arena *a, struct str account,
    int64_t now_ms, struct second_factor *out, struct str *base32)
{
	uint8_t secret[TOTP_SECRET_BYTES];

	id_random(secret, sizeof(secret));
	*out = (struct second_factor){
		.account = account, .secret = sealed(auth, a, account, secret),
		.expires_ms = now_ms + TOTP_ENROL_MS,
	};
	*base32 = totp_base32(a, secret);
	crypto_wipe(secret, sizeof(secret));
	return out->secret.ptr == NULL ? ERR_NO_MEMORY : OK;
}

/* --- the store ------------------------------------------------------------------ */

static void read_recovery(const struct json *list, struct second_factor *f)
{
	size_t n = json_type(list) == JSON_ARRAY ? json_length(list) : 0;

	for (size_t i = 0; i < n && i < RECOVERY_CODES; i++)
		f->recovery[f->n_recovery++] = json_string(json_at(list, i));
}

enum err second_factor_read(struct store_connection *c, struct arena *a, struct str account,
    bool enrolled, int64_t now_ms, struct second_factor *out)
{
	const struct json *json;
	struct json_error  error;
	struct store_item  item;
	enum err           e = store_get(c, a, account_pk(a, account),
	    enrolled ? ENROLLED_SK : TOTP_SK, now_ms, &item);

	if (e != OK)
		return e;
	if (json_parse(a, item.body, BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	*out = (struct second_factor){
		.account         = account,
		.secret          = json_get_string(json, "secret"),
		.step            = json_get_int(json, "step", 0),
		.failed          = json_get_int(json, "failed", 0),
		.failed_since_ms = json_get_int(json, "failed_since", 0),
		.version         = item.version,
		.expires_ms      = item.expires_ms,
	};
	read_recovery(json_get(json, STR("recovery")), out);
	return out->secret.len > 0 ? OK : ERR_CORRUPT;
}

enum err second_factor_item(struct arena *a, const struct second_factor *f, bool enrolled,
    struct store_item *out)
{
	struct json_writer w;
	struct buf         body;

	buf_init(&body, a, BODY_MAX_BYTES);
	json_begin(&w, &body);
	json_object_open(&w);
	json_member_string(&w, "secret", f->secret);
	json_member_int(&w, "step", f->step);
	json_name(&w, "recovery");
	json_array_open(&w);
	for (size_t i = 0; i < f->n_recovery; i++)
		json_put_string(&w, f->recovery[i]);
	json_array_close(&w);
	json_member_int(&w, "failed", f->failed);
	json_member_int(&w, "failed_since", f->failed_since_ms);
	json_object_close(&w);
	*out = (struct store_item){
		.pk = account_pk(a, f->account), .sk = enrolled ? ENROLLED_SK : TOTP_SK,
		.body = buf_str(&body), .version = f->version,
		.expires_ms = enrolled ? f->expires_ms : 0,
	};
	return buf_failed(&body) ? ERR_TOO_LARGE : OK;
}

/* --- codes ---------------------------------------------------------------------- */

void second_factor_recovery(struct arena *a, struct second_factor *f,
    struct str codes[RECOVERY_CODES])
{
	for (f->n_recovery = 0; f->n_recovery < RECOVERY_CODES; f->n_recovery++) {
		codes[f->n_recovery] = code_new(a, RECOVERY_LETTERS, RECOVERY_GROUP);
		f->recovery[f->n_recovery] = code_hash(a, f->account, codes[f->n_recovery],
		    RECOVERY_LETTERS);
	}
}

static enum err use_recovery(struct arena *a, struct second_factor *f, struct str code)
{
	struct str hash = code_hash(a, f->account, code, RECOVERY_LETTERS);
	size_t     found = f->n_recovery;

	for (size_t i = 0; i < f->n_recovery; i++)
		if (hash.ptr != NULL && crypto_equal(hash, f->recovery[i]))
			found = i;
	if (found == f->n_recovery)
		return ERR_UNAUTHENTICATED;
	f->recovery[found] = f->recovery[--f->n_recovery];
	return OK;
}

static void count_failure(struct second_factor *f, int64_t now_ms)
{
	if (f->failed == 0)
		f->failed_since_ms = now_ms;
	f->failed++;
}

enum err second_factor_use(const struct auth *auth, struct arena *a, struct second_factor *f,
    struct str code, int64_t now_ms)
{
	uint8_t  secret[TOTP_SECRET_BYTES];
	enum err e;

	if (!totp_is_code(code))
		return use_recovery(a, f, code);
	if (now_ms - f->failed_since_ms >= TOTP_FAILURES_MS || now_ms < f->failed_since_ms)
		f->failed = 0;
	if (f->failed >= TOTP_FAILURES_MAX)
		return ERR_LIMITED;
	e = unseal(auth, a, f, secret);
	if (e != OK)
		return e;
	if (!totp_check(secret, code, now_ms, f->step, &f->step)) {
		count_failure(f, now_ms);
		e = ERR_UNAUTHENTICATED;
	}
	crypto_wipe(secret, sizeof(secret));
	return e;
}
