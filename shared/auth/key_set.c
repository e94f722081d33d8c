#include "auth/key_set.h"

#include <openssl/evp.h>

/* A key while its set is read: kept or not is known at the end. */
struct entry {
	size_t     index;
	struct jwk key;
	bool       doubtful;            /* another one has its kid */
};

struct reading {
	struct entry  entries[KEY_SET_MAX];
	size_t        count;
	key_left_out *left_out;
	void         *context;
};

static void leave_out(const struct reading *r, size_t index, struct str kid, const char *why)
{
	if (r->left_out != NULL)
		r->left_out(r->context, index, kid, why);
}

static bool is_same(const struct jwk *a, const struct jwk *b)
{
	return EVP_PKEY_eq(a->key, b->key) == 1;
}

/* Whether a token that names the one could mean the other. */
static bool is_confusable(const struct jwk *a, const struct jwk *b)
{
	return a->kid[0] != '\0' && str_eq(str_of(a->kid), str_of(b->kid)) &&
	    (a->algorithms & b->algorithms) != 0;
}

static void add(struct reading *r, size_t index, struct jwk *key)
{
	bool doubtful = false;

	for (size_t i = 0; i < r->count; i++) {
		struct entry *e = &r->entries[i];

		if (!is_confusable(&e->key, key))
			continue;
		if (is_same(&e->key, key)) {
			leave_out(r, index, str_of(key->kid), "listed twice");
			jwk_clean(key);
			return;
		}
		e->doubtful = doubtful = true;
	}
	r->entries[r->count++] = (struct entry){ index, *key, doubtful };
}

static void add_for_tokens(struct reading *r, size_t index, struct jwk *key)
{
	key->algorithms &= JWS_TOKEN_ALGORITHMS;
	if (key->algorithms != 0) {
		add(r, index, key);
		return;
	}
	leave_out(r, index, str_of(key->kid), "its alg is not used in tokens");
	jwk_clean(key);
}

static void read_key(struct reading *r, struct arena *a, size_t index, const struct json *json)
{
	struct str  kid = json_get_string(json, "kid");
	const char *why = "";
	struct jwk  key;

	if (r->count == KEY_SET_MAX)
		leave_out(r, index, kid, "more keys than are used");
	else if (jwk_parse(a, json, &key, &why) != OK)
		leave_out(r, index, kid, why);
	else
		add_for_tokens(r, index, &key);
}

static void take_clear_ones(struct reading *r, struct key_set *out)
{
	out->count = 0;
	for (size_t i = 0; i < r->count; i++) {
		struct entry *e = &r->entries[i];

		if (!e->doubtful) {
			out->keys[out->count++] = e->key;
			continue;
		}
		leave_out(r, e->index, str_of(e->key.kid), "another key has its kid");
		jwk_clean(&e->key);
	}
}

enum err key_set_parse(struct arena *a, const struct json *document, struct key_set *out,
    key_left_out *left_out, void *context, const char **reason)
{
	const struct json *list = json_get(document, STR("keys"));
	struct reading     r = { .left_out = left_out, .context = context };

	if (json_type(document) != JSON_OBJECT || json_type(list) != JSON_ARRAY) {
		*reason = "not an object with a list \"keys\"";
		return ERR_INVALID;
	}
	for (size_t i = 0; i < json_length(list); i++)
		read_key(&r, a, i, json_at(list, i));
	take_clear_ones(&r, out);
	return OK;
}

void key_set_clean(struct key_set *s)
{
	for (size_t i = 0; i < s->count; i++)
		jwk_clean(&s->keys[i]);
	s->count = 0;
}

void key_choice_add(struct key_choice *c, const struct jws *t, const struct jwk *k)
{
	if (c->count < KEY_CHOICE_MAX && jws_fits(t, k))
		jwk_share(k, &c->keys[c->count++]);
}

enum err key_set_choose(const struct key_set *s, const struct jws *t, struct key_choice *out)
{
	struct str wanted = t->kid.len > 0 ? t->kid : STR("");
	size_t     meant = 0;

	out->count = 0;
	for (size_t i = 0; i < s->count; i++) {
		if (t->kid.ptr != NULL && !str_eq(wanted, str_of(s->keys[i].kid)))
			continue;
		key_choice_add(out, t, &s->keys[i]);
		meant++;
	}
	for (size_t i = 0; meant == 0 && i < s->count; i++)
		if (s->keys[i].kid[0] == '\0')
			key_choice_add(out, t, &s->keys[i]);
	if (meant > 0 || out->count > 0)
		return OK;
	return ERR_NOT_FOUND;
}

void key_choice_clean(struct key_choice *c)
{
	for (size_t i = 0; i < c->count; i++)
		jwk_clean(&c->keys[i]);
	c->count = 0;
}
