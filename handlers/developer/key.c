#include "developer/key.h"

#include "base/time.h"

enum err key_of_path(const struct request *req, struct response *res, struct api_key_record *out)
{
	struct str id = request_parameter(req, "id");
	enum err e = ERR_NOT_FOUND;

	if (id_is_uuid(id))
		e = api_key_read(req->store, req->arena, id, req->now_ms, out);
	if (e == OK && (out->revoked_ms != 0 || !str_eq(out->account, req->principal.id)))
		e = ERR_NOT_FOUND;
	return e != ERR_NOT_FOUND ? e : response_problem(res, e, "there is no key \"%.*s\"",
	    STR_ARG(str_first(id, ID_UUID_SIZE)));
}

/* --- to a client ----------------------------------------------------------------- */

static void member_time(struct json_writer *w, const char *name, int64_t ms)
{
	char text[TIME_RFC3339_SIZE];

	json_name(w, name);
	if (ms == 0) {
		json_put_null(w);
		return;
	}
	time_to_rfc3339(ms, text);
	json_put_string(w, str_of(text));
}

/* As a JWK (RFC 8037); null for a key that signs with itself. */
static void put_public_key(struct json_writer *w, struct str x)
{
	json_name(w, "public_key");
	if (x.len == 0) {
		json_put_null(w);
		return;
	}
	json_object_open(w);
	json_member_string(w, "kty", STR("OKP"));
	json_member_string(w, "crv", STR("Ed25519"));
	json_member_string(w, "x", x);
	json_object_close(w);
}

void key_put_members(const struct request *req, struct json_writer *w,
    const struct api_key_record *r, const struct api_key_use *use)
{
	bool graced = r->previous_expires_ms > req->now_ms;
	char shown[API_KEY_SHOWN_BYTES + 1];

	api_key_shown(r->id, shown);
	json_member_string(w, "id", r->id);
	json_member_string(w, "name", r->name);
	json_member_string(w, "prefix", str_of(shown));
	json_name(w, "scopes");
	scopes_write(w, r->scopes);
	put_public_key(w, r->public_key);
	member_time(w, "created_at", r->created_ms);
	member_time(w, "expires_at", r->expires_ms);
	json_name(w, "allowed_ips");
	json_array_open(w);
	for (size_t i = 0; i < r->n_ranges; i++)
		json_put_string(w, api_key_range_text(req->arena, &r->ranges[i]));
	json_array_close(w);
	member_time(w, "last_used_at", use == NULL ? 0 : use->at_ms);
	json_member_string(w, "last_used_address", use == NULL ? STR_NONE : use->address);
	member_time(w, "rotated_at", r->rotated_ms);
	member_time(w, "previous_expires_at", graced ? r->previous_expires_ms : 0);
	json_member_int(w, "version", (int64_t)r->version);
}

void key_show(const struct request *req, struct response *res, const struct api_key_record *r,
    const struct api_key_use *use, struct str secret)
{
	struct json_writer w = response_writer(res);

	json_object_open(&w);
	key_put_members(req, &w, r, use);
	if (secret.ptr != NULL)
		json_member_string(&w, "key", secret);
	json_object_close(&w);
	response_json(res);
	response_etag(res, r->id, r->version, "");
	res->no_store = true;
}

/* --- from a client ---------------------------------------------------------------- */

static void apply_scopes(const struct request *req, struct response *res, const struct json *list,
    struct api_key_record *r)
{
	r->scopes = 0;
	for (size_t i = 0; i < json_length(list); i++) {
		struct str name = json_string(json_at(list, i));
		enum scope scope = scope_from_name(name);
		struct str pointer = arena_printf(req->arena, "/scopes/%zu", i);

		if (scope == SCOPE_UNSET)
			response_field_error(res, pointer, "is no scope");
		else if (!principal_may(&req->principal, scope))
			response_field_error(res, pointer, "is more than the caller may do");
		else
			r->scopes |= SCOPE_BIT(scope);
	}
	if (json_length(list) == 0)
		response_field_error(res, STR("/scopes"), "must have at least one");
}

static bool has_range(const struct api_key_record *r, const struct address_range *range)
{
	for (size_t i = 0; i < r->n_ranges; i++)
		if (r->ranges[i].bits == range->bits &&
		    memcmp(&r->ranges[i].network, &range->network, sizeof(range->network)) == 0)
			return true;
	return false;
}

static void apply_ranges(const struct request *req, struct response *res, const struct json *list,
    struct api_key_record *r)
{
	struct address_range range;

	r->n_ranges = 0;
	for (size_t i = 0; i < json_length(list) && i < API_KEY_RANGES_MAX; i++) {
		if (!address_range_parse(json_string(json_at(list, i)), &range))
			response_field_error(res, arena_printf(req->arena, "/allowed_ips/%zu", i),
			    "must be an address, or a range like 10.0.0.0/8 without bits behind it");
		else if (!has_range(r, &range))
			r->ranges[r->n_ranges++] = range;
	}
}

static void apply_expiry(const struct request *req, struct response *res, struct str text,
    struct api_key_record *r)
{
	r->expires_ms = 0;
	if (text.ptr == NULL)
		return;
	if (!time_from_rfc3339(text, &r->expires_ms) || r->expires_ms <= req->now_ms)
		response_field_error(res, STR("/expires_at"), "must be in the future");
}

static void apply_public_key(const struct request *req, struct response *res,
    const struct json *jwk, struct api_key_record *r)
{
	struct signature_key key;
	const char *reason = "";

	r->public_key = STR_NONE;
	if (json_type(jwk) == JSON_NULL)
		return;
	if (signature_key_read(req->arena, jwk, &key, &reason) != OK) {
		response_field_error(res, STR("/public_key"), "%s", reason);
		return;
	}
	signature_key_clean(&key);
	r->public_key = json_get_string(jwk, "x");
}

enum err key_apply(const struct request *req, struct response *res, struct api_key_record *r)
{
	const struct json *name = json_get(req->json, STR("name"));
	const struct json *scopes = json_get(req->json, STR("scopes"));
	const struct json *ranges = json_get(req->json, STR("allowed_ips"));
	const struct json *expiry = json_get(req->json, STR("expires_at"));
	const struct json *public_key = json_get(req->json, STR("public_key"));

	if (name != NULL)
		r->name = json_string(name);
	if (scopes != NULL)
		apply_scopes(req, res, scopes, r);
	if (ranges != NULL)
		apply_ranges(req, res, ranges, r);
	if (expiry != NULL)
		apply_expiry(req, res, json_string(expiry), r);
	if (public_key != NULL)
		apply_public_key(req, res, public_key, r);
	return res->errors.count == 0 ? OK : ERR_INVALID;
}

/* --- what a caller may hand on ----------------------------------------------------- */

static bool ranges_within(const struct api_key_record *inner, const struct api_key_record *outer)
{
	if (outer->n_ranges == 0)
		return true;
	for (size_t i = 0; i < inner->n_ranges; i++) {
		bool inside = false;

		for (size_t k = 0; k < outer->n_ranges && !inside; k++)
			inside = inner->ranges[i].bits >= outer->ranges[k].bits &&
			    address_in_range(&inner->ranges[i].network, &outer->ranges[k]);
		if (!inside)
			return false;
	}
	return inner->n_ranges > 0;
}

static bool ends_within(const struct api_key_record *inner, const struct api_key_record *outer)
{
	return outer->expires_ms == 0 ||
	    (inner->expires_ms != 0 && inner->expires_ms <= outer->expires_ms);
}

static enum err check_against_own(const struct request *req, struct response *res,
    const struct api_key_record *r)
{
	struct api_key_record *own = ARENA_NEW(req->arena, struct api_key_record);
	enum err e = api_key_read(req->store, req->arena, req->principal.key, req->now_ms, own);

	if (e != OK)
		return e == ERR_NOT_FOUND ? ERR_UNAUTHENTICATED : e;
	if (!ends_within(r, own))
		return response_problem(res, ERR_FORBIDDEN,
		    "the key that asks expires: it makes or changes none that lives longer");
	if (own->public_key.len > 0 && !str_eq(r->public_key, own->public_key))
		return response_problem(res, ERR_FORBIDDEN,
		    "the key that asks signs with its public_key: it makes or changes none with another");
	if (!ranges_within(r, own))
		return response_problem(res, ERR_FORBIDDEN,
		    "the key that asks has allowed_ips: it makes or changes none that is good elsewhere");
	return OK;
}

enum err key_check_within(const struct request *req, struct response *res,
    const struct api_key_record *r)
{
	const struct principal *p = &req->principal;

	if (p->scopes != roles_scopes(p->roles) && (r->scopes & ~p->scopes) != 0)
		return response_problem(res, ERR_FORBIDDEN,
		    "that key may do more than the caller");
	return p->kind == PRINCIPAL_KEY ? check_against_own(req, res, r) : OK;
}
