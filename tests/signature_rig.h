/*
 * signature_rig: a request put together line by line, to be signed or not.
 */
#ifndef TESTS_SIGNATURE_RIG_H
#define TESTS_SIGNATURE_RIG_H

#include "auth/signature.h"
#include "tests/test.h"

struct request {
	struct arena             a;
	struct signature_header  headers[16];
	struct signature_message m;
};

static inline void add(struct request *r, const char *name, const char *value)
{
	assert_true(r->m.n_headers < COUNT(r->headers));
	r->headers[r->m.n_headers++] = (struct signature_header){ str_of(name), str_of(value) };
}

static inline void begin(struct request *r, const char *method, const char *target)
{
	*r = (struct request){ .m = { .method = str_of(method), .target_uri = str_of(target) } };
	arena_init(&r->a, 16 << 20);
	r->m.headers = r->headers;
	assert_true(signature_target(&r->a, &r->m));
}

static inline void sign(struct request *r, const char *input, const char *signature)
{
	add(r, "Signature-Input", input);
	add(r, "Signature", signature);
}

/* The base without its last line; "!REASON" when there is none. */
static inline struct str base_of(struct request *r, const char *components)
{
	struct signatures all;
	struct str        base;
	const char       *reason = "";

	sign(r, arena_printf(&r->a, "s=(%s)", components).ptr, "s=:AA==:");
	if (signatures_read(&r->a, &r->m, &all, &reason) != OK ||
	    signature_base(&r->a, &r->m, &all.list[0], &base, &reason) != OK)
		return arena_printf(&r->a, "!%s", reason);
	struct str last = arena_printf(&r->a, "\"@signature-params\": (%s)", components);
	assert_true(str_ends(base, last));
	return str_first(base, base.len - last.len);
}

#endif
