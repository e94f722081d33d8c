/*
 * A request of any bytes: its first line is METHOD URI, then headers to an empty line,
 * then the body.  Whatever is read has a base that ends with its own parameters and has
 * a line for each component; nothing verifies under a key that nobody signed with.
 */
#include <stdlib.h>

#include "auth/content_digest.h"
#include "auth/signature.h"
#include "base/limits.h"

#define HEADERS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static size_t read_headers(struct str *rest, struct signature_header *headers)
{
	size_t n = 0;

	while (rest->ptr != NULL && n < HEADERS_MAX) {
		struct str line = str_cut(rest, '\n');
		if (line.len == 0)
			break;
		/* A line that begins with a blank goes on with the one before: an obs-fold. */
		if (n > 0 && (line.ptr[0] == ' ' || line.ptr[0] == '\t')) {
			headers[n - 1].value.len = (size_t)(line.ptr + line.len - headers[n - 1].value.ptr);
			continue;
		}
		headers[n].value = line;
		headers[n].name = str_cut(&headers[n].value, ':');
		n += headers[n].value.ptr != NULL;
	}
	return n;
}

static size_t lines_of(struct str text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.len; i++)
		n += text.ptr[i] == '\n';
	return n;
}

static void check(struct arena *a, const struct signature_message *m, const struct signature *s)
{
	static const char           secret[] = "0123456789abcdef0123456789abcdef";
	const struct signature_key  key = { .secret = { secret, sizeof(secret) - 1 } };
	const struct signature_policy policy = { .now_s = 1618884473, .max_age_s = 300, .skew_s = 60,
		.has_query = m->query.ptr != NULL, .has_body = m->body.len > 0 };
	const char *reason = NULL;
	struct str  base;

	if (signature_base(a, m, s, &base, &reason) == OK)
		require(lines_of(base) == s->input->n_inner + 1 && base.len <= SIGNATURE_BASE_MAX_BYTES);
	else
		require(reason != NULL);
	require(signature_verify(a, m, s, &key, &reason) != OK);
	if (signature_policy_check(s, &policy, &reason) == OK)
		require(s->nonce.len > 0 && s->has_created && signature_covers(s, STR("@method")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct signature_header  headers[HEADERS_MAX + 1];
	struct signature_message m = { .headers = headers, .has_body = true };
	struct str               rest = { (const char *)data, size };
	struct str               line = str_cut(&rest, '\n');
	struct signatures        all;
	struct arena             a;
	const char              *reason = NULL;

	arena_init(&a, ARENA_MAX_BYTES);
	m.method = str_cut(&line, ' ');
	m.target_uri = line;
	m.n_headers = read_headers(&rest, headers);
	m.body = rest;
	if (line.ptr != NULL && signature_target(&a, &m)) {
		require(m.path.len > 0 && m.authority.len > 0);
		enum err e = signatures_read(&a, &m, &all, &reason);
		require(e == OK || reason != NULL);
		for (size_t i = 0; e == OK && i < all.count; i++)
			check(&a, &m, &all.list[i]);
	}
	if (content_digest_check(&a, line, rest, &reason) != OK)
		require(reason != NULL);
	arena_clean(&a);
	return 0;
}
