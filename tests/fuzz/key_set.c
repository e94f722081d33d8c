/*
 * A set of keys of any bytes and a token: a line of JSON (RFC 7517, 5), and what
 * follows it as a token.  What is usable is bounded and named at most once; what
 * passes has a key that fits it, and claims that hold.
 */
#include <stdlib.h>

#include "auth/token_verify.h"
#include "base/limits.h"

#define NOW_MS INT64_C(1700000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void left_out(void *context, size_t index, struct str kid, const char *why)
{
	size_t *count = context;

	(void)index;
	require(why != NULL && (kid.ptr != NULL || kid.len == 0));
	(*count)++;
}

static bool rules_of(void *context, struct str issuer, struct token_rules *out)
{
	(void)context;
	(void)issuer;
	*out = (struct token_rules){
		.any_issuer = true, .any_audience = true, .any_use = true,
		.algorithms = UINT32_MAX, .now_ms = NOW_MS, .skew_s = 60,
	};
	return true;
}

static enum err keys_of(void *context, const struct token *t, struct key_choice *out)
{
	enum err e = key_set_choose(context, &t->jws, out);

	require(out->count <= KEY_CHOICE_MAX);
	for (size_t i = 0; e == OK && i < out->count; i++)
		require(jws_fits(&t->jws, &out->keys[i]));
	return e;
}

static void check_set(const struct key_set *s, size_t listed, size_t refused)
{
	require(s->count <= KEY_SET_MAX && s->count + refused == listed);
	for (size_t i = 0; i < s->count; i++)
		for (size_t j = 0; j < i; j++)
			require(s->keys[i].kid[0] == '\0' ||
			    (s->keys[i].algorithms & s->keys[j].algorithms) == 0 ||
			    !str_eq(str_of(s->keys[i].kid), str_of(s->keys[j].kid)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str         text = { (const char *)data, size };
	struct str         line = str_cut(&text, '\n');
	const struct json *document;
	struct json_error  error;
	struct key_set     keys = { 0 };
	const char        *reason = NULL;
	size_t             refused = 0;
	struct token       token;
	struct arena       a;

	arena_init(&a, ARENA_MAX_BYTES);
	if (json_parse(&a, line, JSON_DEPTH_MAX, &document, &error) == OK &&
	    key_set_parse(&a, document, &keys, left_out, &refused, &reason) == OK)
		check_set(&keys, json_length(json_get(document, STR("keys"))), refused);
	const struct token_verifier verifier = { &keys, rules_of, keys_of };
	if (token_verify(&a, text, &verifier, &token, &reason) == OK)
		require(token.claims.subject.len > 0 && token.claims.expires_ms > NOW_MS - 60000);
	else
		require(reason != NULL);
	key_set_clean(&keys);
	arena_clean(&a);
	return 0;
}
