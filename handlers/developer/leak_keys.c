#include "developer/leak_keys.h"

#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#define FILE_MAX_BYTES  65536
#define DEPTH_MAX       4

struct leak_key {
	char      identifier[LEAK_IDENTIFIER_MAX + 1];
	EVP_PKEY *key;
};

struct leak_keys {
	struct leak_key list[LEAK_KEYS_MAX];
	size_t          count;
};

static enum err read_file(struct arena *a, struct str path, struct str *out)
{
	FILE *f = fopen(arena_cstr(a, path), "re");
	char *text = arena_alloc(a, FILE_MAX_BYTES + 1);
	size_t n = f == NULL ? 0 : fread(text, 1, FILE_MAX_BYTES + 1, f);
	bool failed = f == NULL || ferror(f) != 0 || n > FILE_MAX_BYTES;

	if (f != NULL)
		fclose(f);
	*out = (struct str){ text, n };
	return failed ? ERR_IO : OK;
}

/* A public key of the one kind that reports are signed with; NULL: it is none. */
static EVP_PKEY *read_pem(struct str pem)
{
	BIO *bio = pem.len == 0 ? NULL : BIO_new_mem_buf(pem.ptr, (int)pem.len);
	EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
	char group[64] = "";

	BIO_free(bio);
	if (key == NULL)
		return NULL;
	if (EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	    strcmp(group, "prime256v1") == 0)
		return key;
	EVP_PKEY_free(key);
	return NULL;
}

static bool read_key(struct leak_keys *keys, const struct json *object)
{
	struct leak_key *into = &keys->list[keys->count];
	struct str identifier = json_get_string(object, "key_identifier");

	if (identifier.len == 0 || identifier.len > LEAK_IDENTIFIER_MAX ||
	    str_has_control(identifier))
		return false;
	into->key = read_pem(json_get_string(object, "key"));
	if (into->key == NULL)
		return false;
	memcpy(into->identifier, identifier.ptr, identifier.len);
	keys->count++;
	return true;
}

static enum err read_keys(struct leak_keys *keys, struct arena *a, struct str path,
    struct str *reason)
{
	const struct json *document, *list;
	struct json_error error;
	struct str text;

	*reason = arena_printf(a, "LEAK_REPORT_KEYS: %.*s cannot be read", STR_ARG(path));
	if (read_file(a, path, &text) != OK)
		return ERR_INVALID;
	*reason = arena_printf(a, "LEAK_REPORT_KEYS: %.*s: expected {\"public_keys\": [{"
	    "\"key_identifier\", \"key\"}]} with 1 to %d keys", STR_ARG(path), LEAK_KEYS_MAX);
	if (json_parse(a, text, DEPTH_MAX, &document, &error) != OK)
		return ERR_INVALID;
	list = json_get(document, STR("public_keys"));
	if (list == NULL || json_length(list) == 0 || json_length(list) > LEAK_KEYS_MAX)
		return ERR_INVALID;
	for (size_t i = 0; i < json_length(list); i++) {
		*reason = arena_printf(a, "LEAK_REPORT_KEYS: %.*s: public_keys[%zu] is no EC key "
		    "on P-256 in PEM with its identifier", STR_ARG(path), i);
		if (!read_key(keys, json_at(list, i)))
			return ERR_INVALID;
	}
	*reason = STR_NONE;
	return OK;
}

enum err leak_keys_start(struct app *app, struct arena *a, struct str *reason)
{
	struct str path = app->config.leak_report_keys;

	if (path.len == 0)
		return OK;
	app->state = calloc(1, sizeof(struct leak_keys));
	return app->state == NULL ? ERR_NO_MEMORY : read_keys(app->state, a, path, reason);
}

void leak_keys_stop(struct app *app)
{
	struct leak_keys *keys = app->state;

	for (size_t i = 0; keys != NULL && i < keys->count; i++)
		EVP_PKEY_free(keys->list[i].key);
	free(keys);
	app->state = NULL;
}

static EVP_PKEY *find(const struct leak_keys *keys, struct str identifier)
{
	for (size_t i = 0; i < keys->count; i++)
		if (str_eq(identifier, str_of(keys->list[i].identifier)))
			return keys->list[i].key;
	return NULL;
}

enum err leak_keys_verify(const struct leak_keys *keys, struct arena *a, struct str identifier,
    struct str signature, struct str bytes)
{
	EVP_PKEY *key = find(keys, identifier);
	struct str der;
	bool good;

	if (key == NULL || signature.len == 0 || signature.len > LEAK_SIGNATURE_MAX ||
	    crypto_base64_decode(a, signature, &der) != OK)
		return ERR_UNAUTHENTICATED;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (ctx == NULL)
		return ERR_NO_MEMORY;
	good = EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestVerify(ctx, (const unsigned char *)der.ptr, der.len,
	    (const unsigned char *)bytes.ptr, bytes.len) == 1;
	EVP_MD_CTX_free(ctx);
	return good ? OK : ERR_UNAUTHENTICATED;
}
