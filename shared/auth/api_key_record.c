#include "auth/api_key_record.h"

#include "base/buf.h"
#include "base/json.h"

#define BODY_MAX_BYTES  16384   /* 50 ranges, a name of 100 code points and the rest: a third */
#define BODY_DEPTH_MAX  3
#define KEY_PREFIX      "key#"
#define KEY_SK          STR("key")
#define USED_SK         STR("used")
#define IPV4_BITS       96      /* where an IPv4 address begins in its IPv6 form */
#define ADDRESS_BITS    128

struct str api_key_pk(struct arena *a, struct str id)
{
	return arena_printf(a, KEY_PREFIX "%.*s", STR_ARG(id));
}

struct store_query api_key_query(struct arena *a, struct str account)
{
	return (struct store_query){
		.pk = arena_printf(a, "keys#%.*s", STR_ARG(account)), .index = true,
	};
}

/* --- ranges --------------------------------------------------------------------- */

struct str api_key_range_text(struct arena *a, const struct address_range *r)
{
	char     text[ADDRESS_TEXT_SIZE];
	unsigned bits = r->bits;

	address_format(&r->network, text);
	if (bits == ADDRESS_BITS)
		return arena_dup(a, str_of(text));
	if (strchr(text, ':') == NULL)
		bits -= IPV4_BITS;
	return arena_printf(a, "%s/%u", text, bits);
}

bool api_key_allows(const struct address_range *ranges, size_t n, struct str address)
{
	struct address parsed;

	if (n == 0)
		return true;
	if (!address_parse(address, &parsed))
		return false;
	for (size_t i = 0; i < n; i++)
		if (address_in_range(&parsed, &ranges[i]))
			return true;
	return false;
}

static bool read_ranges(const struct json *list, struct api_key_record *r)
{
	size_t n = json_length(list);

	if (n > API_KEY_RANGES_MAX)
		return false;
	for (r->n_ranges = 0; r->n_ranges < n; r->n_ranges++)
		if (!address_range_parse(json_string(json_at(list, r->n_ranges)),
		    &r->ranges[r->n_ranges]))
			return false;
	return true;
}

/* --- reading -------------------------------------------------------------------- */

static unsigned nibble(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10) & 15;
}

static bool read_digest(struct str hex, uint8_t out[SHA256_BYTES])
{
	if (hex.len != 2 * SHA256_BYTES)
		return false;
	for (size_t i = 0; i < SHA256_BYTES; i++)
		out[i] = (uint8_t)(nibble(hex.ptr[2 * i]) << 4 | nibble(hex.ptr[2 * i + 1]));
	return true;
}

static scope_set read_scopes(const struct json *list)
{
	scope_set set = 0;

	for (size_t i = 0; json_at(list, i) != NULL; i++)
		set |= SCOPE_BIT(scope_from_name(json_string(json_at(list, i))));
	return set & ~SCOPE_BIT(SCOPE_UNSET);
}

enum err api_key_record_from(struct arena *a, const struct store_item *item,
    struct api_key_record *out)
{
	const struct json *json;
	struct json_error  error;

	if (!str_starts(item->pk, STR(KEY_PREFIX)) ||
	    json_parse(a, arena_dup(a, item->body), BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	*out = (struct api_key_record){
		.id         = arena_dup(a, str_from(item->pk, sizeof(KEY_PREFIX) - 1)),
		.account    = json_get_string(json, "account"),
		.name       = json_get_string(json, "name"),
		.public_key = json_get_string(json, "public_key"),
		.scopes     = read_scopes(json_get(json, STR("scopes"))),
		.created_ms = json_get_int(json, "created_at", 0),
		.expires_ms = json_get_int(json, "expires_at", 0),
		.rotated_ms = json_get_int(json, "rotated_at", 0),
		.revoked_ms = json_get_int(json, "revoked_at", 0),
		.previous_expires_ms = json_get_int(json, "previous_expires_at", 0),
		.version    = item->version,
	};
	/* What cannot be read must not be a key without its bounds. */
	if (!read_digest(json_get_string(json, "digest"), out->digest) ||
	    !read_ranges(json_get(json, STR("allowed_ips")), out) ||
	    (out->previous_expires_ms != 0 &&
	    !read_digest(json_get_string(json, "previous"), out->previous)))
		return ERR_CORRUPT;
	return out->account.len > 0 ? OK : ERR_CORRUPT;
}

enum err api_key_read(struct store_connection *c, struct arena *a, struct str id,
    int64_t now_ms, struct api_key_record *out)
{
	struct store_item item;
	enum err          e = store_get(c, a, api_key_pk(a, id), KEY_SK, now_ms, &item);

	return e == OK ? api_key_record_from(a, &item, out) : e;
}

/* --- writing -------------------------------------------------------------------- */

static void member_digest(struct json_writer *w, const char *name,
    const uint8_t digest[SHA256_BYTES])
{
	char hex[2 * SHA256_BYTES + 1];

	crypto_hex(digest, SHA256_BYTES, hex);
	json_member_string(w, name, str_of(hex));
}

static void member_time(struct json_writer *w, const char *name, int64_t ms)
{
	if (ms != 0)
		json_member_int(w, name, ms);
}

static void write_body(struct arena *a, struct json_writer *w, const struct api_key_record *r)
{
	json_object_open(w);
	json_member_string(w, "account", r->account);
	json_member_string(w, "name", r->name);
	member_digest(w, "digest", r->digest);
	if (r->public_key.len > 0)
		json_member_string(w, "public_key", r->public_key);
	json_name(w, "scopes");
	scopes_write(w, r->scopes);
	json_member_int(w, "created_at", r->created_ms);
	member_time(w, "expires_at", r->expires_ms);
	json_name(w, "allowed_ips");
	json_array_open(w);
	for (size_t i = 0; i < r->n_ranges; i++)
		json_put_string(w, api_key_range_text(a, &r->ranges[i]));
	json_array_close(w);
	member_time(w, "rotated_at", r->rotated_ms);
	if (r->previous_expires_ms != 0)
		member_digest(w, "previous", r->previous);
	member_time(w, "previous_expires_at", r->previous_expires_ms);
	member_time(w, "revoked_at", r->revoked_ms);
	json_object_close(w);
}

/* When the item itself ends; 0: never. */
static int64_t kept_until(const struct api_key_record *r)
{
	if (r->revoked_ms != 0)
		return r->revoked_ms + INT64_C(1000) * API_KEY_REVOKED_KEPT_S;
	return r->expires_ms == 0 ? 0 : r->expires_ms + INT64_C(1000) * API_KEY_EXPIRED_KEPT_S;
}

enum err api_key_item(struct arena *a, const struct api_key_record *r, struct store_item *out)
{
	struct json_writer w;
	struct buf         body;

	buf_init(&body, a, BODY_MAX_BYTES);
	json_begin(&w, &body);
	write_body(a, &w, r);
	*out = (struct store_item){
		.pk = api_key_pk(a, r->id), .sk = KEY_SK, .body = buf_str(&body),
		.version = r->version, .expires_ms = kept_until(r),
	};
	if (r->revoked_ms == 0) {
		out->index_pk = api_key_query(a, r->account).pk;
		out->index_sk = r->id;
	}
	return buf_failed(&body) ? ERR_TOO_LARGE : OK;
}

size_t api_key_forget_ops(struct arena *a, struct str id, struct store_op ops[2])
{
	struct str pk = api_key_pk(a, id);

	ops[0] = (struct store_op){ STORE_DELETE, STORE_ALWAYS, { .pk = pk, .sk = KEY_SK } };
	ops[1] = (struct store_op){ STORE_DELETE, STORE_ALWAYS, { .pk = pk, .sk = USED_SK } };
	return 2;
}

enum err api_key_revoke_ops(struct arena *a, struct api_key_record *r, int64_t now_ms,
    struct store_op ops[API_KEY_REVOKE_OPS])
{
	r->revoked_ms = now_ms;
	ops[0] = (struct store_op){ .verb = STORE_PUT, .condition = STORE_VERSION };
	ops[1] = (struct store_op){ STORE_DELETE, STORE_ALWAYS,
		{ .pk = api_key_pk(a, r->id), .sk = USED_SK } };
	return api_key_item(a, r, &ops[0].item);
}

/* --- last use ------------------------------------------------------------------- */

enum err api_key_use_read(struct store_connection *c, struct arena *a, struct str id,
    int64_t now_ms, struct api_key_use *out)
{
	const struct json *json;
	struct json_error  error;
	struct store_item  item;
	enum err           e = store_get(c, a, api_key_pk(a, id), USED_SK, now_ms, &item);

	*out = (struct api_key_use){ 0 };
	if (e != OK)
		return e == ERR_NOT_FOUND ? OK : e;
	if (json_parse(a, item.body, BODY_DEPTH_MAX, &json, &error) != OK)
		return ERR_CORRUPT;
	out->at_ms = json_get_int(json, "at", 0);
	out->address = json_get_string(json, "address");
	out->version = item.version;
	return OK;
}

enum err auth_key_used(struct store_connection *c, struct arena *a, const struct principal *who,
    struct str address, int64_t now_ms)
{
	struct api_key_use  use;
	struct store_result result;
	struct store_op     op = { STORE_PUT, STORE_ABSENT, { .pk = api_key_pk(a, who->key),
		.sk = USED_SK, .expires_ms = now_ms + INT64_C(1000) * API_KEY_USED_KEPT_S } };
	struct json_writer w;
	struct buf         body;
	enum err           e = api_key_use_read(c, a, who->key, now_ms, &use);

	if (e != OK || (use.at_ms != 0 && now_ms - use.at_ms < API_KEY_USED_EVERY_MS))
		return e;
	buf_init(&body, a, BODY_MAX_BYTES);
	json_begin(&w, &body);
	json_object_open(&w);
	json_member_int(&w, "at", now_ms);
	json_member_string(&w, "address", address.len > 0 ? address : STR_NONE);
	json_object_close(&w);
	op.item.body = buf_str(&body);
	op.item.version = use.version;
	if (use.version != 0)
		op.condition = STORE_VERSION;
	e = store_write(c, &op, 1, STORE_RELAXED, now_ms, &result);
	/* Another process was first: as good. */
	return e == ERR_EXISTS || e == ERR_STALE || e == ERR_NOT_FOUND ? OK : e;
}
