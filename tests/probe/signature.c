/* A signed request against one key: the first of its signatures that the key made. */
#include "auth/signature.h"
#include "probe/verb.h"

static bool read_headers(struct call *c, struct signature_message *m)
{
	const struct json       *list = json_get(c->in, STR("headers"));
	size_t                   n = json_length(list);
	struct signature_header *headers = ARENA_ARRAY(c->arena, n + 1, struct signature_header);

	if (json_type(list) != JSON_ARRAY || n > HEADERS_MAX)
		return refuse(c, STR("headers must be a list of at most 1024 pairs"));
	for (size_t i = 0; i < n; i++) {
		const struct json *name = json_at(json_at(list, i), 0), *value = json_at(json_at(list, i), 1);
		if (json_type(name) != JSON_STRING || json_type(value) != JSON_STRING)
			return refuse(c, STR("headers must hold pairs of strings, [name, value]"));
		headers[i] = (struct signature_header){ json_string(name), json_string(value) };
	}
	m->headers = headers;
	m->n_headers = n;
	return true;
}

static bool read_message(struct call *c, struct signature_message *m)
{
	*m = (struct signature_message){ 0 };
	if (!read_text(c, "method", &m->method) || !read_text(c, "target_uri", &m->target_uri) ||
	    !read_headers(c, m))
		return false;
	if (!signature_target(c->arena, m))
		return refuse(c, STR("target_uri must be an absolute http or https URI"));
	if (json_get(c->in, STR("body_base64")) == NULL)
		return true;
	m->has_body = true;
	return read_bytes(c, "body", &m->body);
}

static void put_verified(struct call *c, const struct signature_message *m,
    const struct signature *s)
{
	const char *reason;
	struct buf  text;
	struct str  base = STR_NONE;

	json_object_open(&c->w);
	json_member_bool(&c->w, "verified", true);
	json_member_string(&c->w, "label", s->label);
	json_name(&c->w, "components");
	json_array_open(&c->w);
	for (size_t i = 0; i < s->input->n_inner; i++) {
		buf_init(&text, c->arena, SIGNATURE_BASE_MAX_BYTES);
		sf_write_item(&text, &s->input->inner[i]);
		json_put_string(&c->w, buf_str(&text));
	}
	json_array_close(&c->w);
	json_member_string(&c->w, "keyid", s->keyid);
	json_member_string(&c->w, "alg", s->alg);
	json_member_string(&c->w, "nonce", s->nonce);
	json_member_string(&c->w, "tag", s->tag);
	if (s->has_created)
		json_member_int(&c->w, "created", s->created_s);
	if (s->has_expires)
		json_member_int(&c->w, "expires", s->expires_s);
	if (signature_base(c->arena, m, s, &base, &reason) == OK)
		json_member_string(&c->w, "base", base);
	json_object_close(&c->w);
}

static bool verify(struct call *c, const struct signature_message *m,
    const struct signature_key *key, struct str label)
{
	struct signatures all;
	const char       *why = "no signature of that label", *reason = "";

	if (signatures_read(c->arena, m, &all, &reason) != OK)
		return refuse(c, str_of(reason));
	for (size_t i = 0; i < all.count; i++) {
		if (label.ptr != NULL && !str_eq(all.list[i].label, label))
			continue;
		if (signature_verify(c->arena, m, &all.list[i], key, &reason) == OK) {
			put_verified(c, m, &all.list[i]);
			return true;
		}
		why = reason;
	}
	return refuse(c, str_of(why));
}

bool signature_verb(struct call *c)
{
	struct signature_message m;
	struct signature_key     key;
	const char              *reason = "";
	struct str               label;

	if (!read_message(c, &m) || !read_optional_text(c, "label", &label))
		return false;
	if (signature_key_read(c->arena, json_get(c->in, STR("key")), &key, &reason) != OK)
		return refuse(c, arena_printf(c->arena, "key: %s", reason));
	bool verified = verify(c, &m, &key, label);
	signature_key_clean(&key);
	return verified;
}
