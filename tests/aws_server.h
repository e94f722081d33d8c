/*
 * aws_server: an AWS service on loopback that does as a script says, and verifies each
 * request's signature by itself (AWS's documentation of Signature Version 4), with
 * nothing of what made it.
 */
#ifndef TESTS_AWS_SERVER_H
#define TESTS_AWS_SERVER_H

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/crc32.h"
#include "base/time.h"
#include "http_server.h"

#define AWS_SERVER_STEPS 16

enum aws_act {
	ACT_ANSWER,
	ACT_BAD_CRC, ACT_NO_CRC,
	ACT_DROP,                       /* closes without a byte */
	ACT_CUT,                        /* half of the answer, then closes */
	ACT_HANG,                       /* no answer until it is stopped */
	ACT_RAW                         /* `body` is all that is written; then it closes */
};

struct aws_step {
	enum aws_act act;
	unsigned     status;            /* 0: 200 */
	const char  *body;              /* NULL: {} */
	int          delay_ms;
	int64_t      clock_ms;          /* added to the time in Date */
};

struct aws_server {
	struct http_server *http;
	const struct aws_step *steps;   /* one a request; the last one stays */
	size_t              n_steps;
	atomic_int          next, bad;  /* how many came; how many had no good signature */
	atomic_bool         stop;
	char                wrong[200]; /* with the last of those */
};

/* The value of a header of the request, trimmed; absent: there is none. */
static inline struct str aws_header(const struct http_peer *p, struct str name)
{
	struct str head = { p->request, http_peer_head(p) };

	str_cut(&head, '\n');
	while (head.ptr != NULL) {
		struct str line = str_cut(&head, '\n');
		struct str found = str_cut(&line, ':');
		if (line.ptr != NULL && str_eq_nocase(found, name))
			return str_trim(line);
	}
	return STR_NONE;
}

static inline struct str aws_between(struct str text, const char *before, const char *after)
{
	const char *at = memmem(text.ptr, text.len, before, strlen(before));

	if (at == NULL)
		return STR_NONE;
	text = str_from(text, (size_t)(at - text.ptr) + strlen(before));
	at = memmem(text.ptr, text.len, after, strlen(after));
	return at == NULL ? text : str_first(text, (size_t)(at - text.ptr));
}

static inline void aws_hmac(const void *key, size_t len, struct str data, unsigned char out[32])
{
	unsigned char copy[256];

	memcpy(copy, key, len);
	HMAC(EVP_sha256(), copy, (int)len, (const unsigned char *)data.ptr, data.len, out, NULL);
}

static inline void aws_hex_digest(struct str data, char out[65])
{
	unsigned char digest[32];

	EVP_Digest(data.ptr, data.len, digest, NULL, EVP_sha256(), NULL);
	for (int i = 0; i < 32; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", digest[i]);
}

/* The signature that the request should have, for the secret "secret-of-ID". */
static inline void aws_expect(const struct http_peer *p, struct str scope, struct str names,
    const char *id, char out[65])
{
	static _Thread_local char text[65536];
	char digest[65], secret[256];
	unsigned char key[32];
	int n = snprintf(text, sizeof(text), "POST\n/\n\n");

	for (struct str rest = names; rest.ptr != NULL;) {
		struct str name = str_cut(&rest, ';'), value = aws_header(p, name);
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%.*s:%.*s\n", STR_ARG(name),
		    STR_ARG(value));
	}
	aws_hex_digest(http_peer_body(p), digest);
	n += snprintf(text + n, sizeof(text) - (size_t)n, "\n%.*s\n%s", STR_ARG(names), digest);
	aws_hex_digest((struct str){ text, (size_t)n }, digest);
	n = snprintf(text, sizeof(text), "AWS4-HMAC-SHA256\n%.*s\n%.*s\n%s",
	    STR_ARG(aws_header(p, STR("x-amz-date"))), STR_ARG(scope), digest);
	int len = snprintf(secret, sizeof(secret), "AWS4secret-of-%s", id);
	struct str rest = scope;
	aws_hmac(secret, (size_t)len, str_cut(&rest, '/'), key);
	while (rest.ptr != NULL)
		aws_hmac(key, sizeof(key), str_cut(&rest, '/'), key);
	aws_hmac(key, sizeof(key), (struct str){ text, (size_t)n }, key);
	for (int i = 0; i < 32; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", key[i]);
}

/* NULL, or what of the request's signature is not good. */
static inline const char *aws_verify(const struct http_peer *p)
{
	struct str said = aws_header(p, STR("authorization"));
	struct str credential = aws_between(said, "Credential=", ", ");
	struct str names = aws_between(said, "SignedHeaders=", ", ");
	char id[128], signature[65];

	if (!str_starts(said, STR("AWS4-HMAC-SHA256 ")) || names.ptr == NULL)
		return "there is no Authorization";
	struct str scope = credential, key = str_cut(&scope, '/');
	(void)snprintf(id, sizeof(id), "%.*s", STR_ARG(key));
	if (!str_contains(names, STR("host")) || !str_contains(names, STR("x-amz-date")) ||
	    !str_contains(names, STR("x-amz-target")) || !str_contains(names, STR("content-type")))
		return "a header that must be signed is not";
	if (aws_header(p, STR("x-amz-security-token")).ptr != NULL &&
	    !str_contains(names, STR("x-amz-security-token")))
		return "the session token is not signed";
	if (!str_starts(aws_header(p, STR("x-amz-date")), str_first(scope, 8)))
		return "the day is not that of the scope";
	aws_expect(p, scope, names, id, signature);
	return str_eq(aws_between(said, "Signature=", " "), str_of(signature)) ? NULL :
	    "the signature is another";
}

static inline void aws_write(struct http_peer *p, const struct aws_step *step)
{
	struct str body = str_of(step->body == NULL ? "{}" : step->body);
	char headers[200], date[TIME_HTTP_SIZE], crc[40] = "";

	time_to_http(time_now_ms() + step->clock_ms, date);
	if (step->act != ACT_NO_CRC)
		(void)snprintf(crc, sizeof(crc), "x-amz-crc32: %u\r\n",
		    crc32_of(body) ^ (step->act == ACT_BAD_CRC ? 1u : 0u));
	(void)snprintf(headers, sizeof(headers), "Date: %s\r\n%s"
	    "Content-Type: application/x-amz-json-1.0\r\n", date, crc);
	if (step->act == ACT_CUT) {
		char head[400];
		(void)snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n",
		    headers, 2 * body.len);
		http_peer_write(p, str_of(head));
		http_peer_write(p, body);
	} else {
		http_peer_reply(p, step->status == 0 ? 200 : step->status, headers, body);
	}
}

static inline bool aws_answer(struct http_peer *p)
{
	struct aws_server *s = p->server->context;
	size_t n = (size_t)atomic_fetch_add(&s->next, 1);
	const struct aws_step *step = &s->steps[n < s->n_steps ? n : s->n_steps - 1];
	const char *wrong = aws_verify(p);

	if (wrong != NULL) {
		(void)snprintf(s->wrong, sizeof(s->wrong), "%s", wrong);
		atomic_fetch_add(&s->bad, 1);
	}
	for (int ms = 0; (step->act == ACT_HANG || ms < step->delay_ms) && !atomic_load(&s->stop); ms++)
		usleep(1000);
	if (step->act == ACT_RAW)
		http_peer_write(p, str_of(step->body));
	else if (step->act != ACT_DROP && step->act != ACT_HANG)
		aws_write(p, step);
	return step->act == ACT_ANSWER || step->act == ACT_BAD_CRC || step->act == ACT_NO_CRC;
}

static inline void aws_server_start(struct aws_server *s, const struct aws_step *steps,
    size_t n_steps)
{
	*s = (struct aws_server){ .steps = steps, .n_steps = n_steps };
	s->http = http_server_start(aws_answer, s, NULL);
}

static inline void aws_server_stop(struct aws_server *s)
{
	atomic_store(&s->stop, true);
	http_server_stop(s->http);
	if (atomic_load(&s->bad) != 0)
		fail_msg("a signature was not good: %s", s->wrong);
}

#endif
