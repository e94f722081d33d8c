/*
 * signed_request: the headers with which an API key signs a request (RFC 9421) as a
 * route may demand it, by itself or by a private key; made by hand, for tests.
 */
#ifndef TESTS_SIGNED_REQUEST_H
#define TESTS_SIGNED_REQUEST_H

#include <inttypes.h>

#include "base/id.h"
#include "base/time.h"
#include "tests/jws_signer.h"

struct signed_headers {
	const char *digest, *input, *signature; /* CGI variables, "HTTP_SIGNATURE=…" */
};

/* A request without a query; `private_key` NULL: signed with `key_text`. */
static inline struct signed_headers sign_request(struct arena *a, const char *method,
    const char *path, const char *body, struct str key_id, struct str key_text,
    EVP_PKEY *private_key)
{
	uint8_t    hash[SHA256_BYTES], mac[SHA256_BYTES];
	char       nonce[ID_UUID_SIZE];
	struct str digest, input, base, signature = { (const char *)mac, sizeof(mac) };

	id_uuid7(time_now_ms(), nonce);
	crypto_sha256(str_of(body), hash);
	digest = crypto_base64(a, (struct str){ (const char *)hash, sizeof(hash) });
	input = arena_printf(a, "(\"@method\" \"@path\" \"content-digest\");created=%" PRId64 ";"
	    "keyid=\"%.*s\";nonce=\"%s\"", time_now_ms() / 1000, STR_ARG(key_id), nonce);
	base = arena_printf(a, "\"@method\": %s\n\"@path\": %s\n\"content-digest\": sha-256=:%.*s:\n"
	    "\"@signature-params\": %.*s", method, path, STR_ARG(digest), STR_ARG(input));
	crypto_hmac_sha256((const uint8_t *)key_text.ptr, key_text.len, base, mac);
	if (private_key != NULL)
		signature = signer_signature(a, private_key, JWS_EDDSA, base);
	signature = crypto_base64(a, signature);
	return (struct signed_headers){
		.digest = arena_printf(a, "HTTP_CONTENT_DIGEST=sha-256=:%.*s:", STR_ARG(digest)).ptr,
		.input = arena_printf(a, "HTTP_SIGNATURE_INPUT=s=%.*s", STR_ARG(input)).ptr,
		.signature = arena_printf(a, "HTTP_SIGNATURE=s=:%.*s:", STR_ARG(signature)).ptr,
	};
}

#endif
