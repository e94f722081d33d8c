/*
 * signed: what a route with signature_required asks of an API key's request: its
 * signature (RFC 9421) over the method, the path, the query and the body, made just now
 * and never seen before.  It stands beside the key and not for it: a key that has a
 * public key signs with its private half (Ed25519), any other with itself (HMAC-SHA256),
 * so that no secret need be kept to verify with.
 */
#include "auth/signature_keys.h"
#include "base/crypto.h"
#include "base/id.h"
#include "http/exchange.h"

#define ACCEPT_NONCE_BYTES 16   /* the nonce that a refusal offers */

/* "HTTP_X_NAME" as "x-name"; absent for a variable that is no header. */
static struct str header_name(struct arena *a, struct str variable)
{
	bool own = str_eq(variable, STR("CONTENT_TYPE")) || str_eq(variable, STR("CONTENT_LENGTH"));

	if (!own && !str_starts(variable, STR("HTTP_")))
		return STR_NONE;
	variable = str_from(variable, own ? 0 : 5);
	/* Some servers give these two twice, in both forms. */
	if (!own && (str_eq(variable, STR("CONTENT_TYPE")) || str_eq(variable, STR("CONTENT_LENGTH"))))
		return STR_NONE;
	char *name = arena_cstr(a, variable);
	for (size_t i = 0; i < variable.len; i++)
		if (name[i] == '_')
			name[i] = '-';
	return (struct str){ name, variable.len };
}

static void take_headers(const struct request *req, struct signature_message *m)
{
	struct signature_header *list = ARENA_ARRAY(req->arena, req->cgi->count + 1,
	    struct signature_header);

	m->headers = list;
	for (size_t i = 0; i < req->cgi->count; i++) {
		struct str name = header_name(req->arena, req->cgi->list[i].name);
		if (name.ptr != NULL)
			list[m->n_headers++] = (struct signature_header){ name, req->cgi->list[i].value };
	}
}

/* "https://host" of the installation's address. */
static struct str origin_of(const struct request *req)
{
	size_t scheme = str_index(req->origin, ':') + 3;

	return str_first(req->origin, scheme + str_index(str_from(req->origin, scheme), '/'));
}

/* False: its target is none that can be signed. */
static bool make_message(const struct request *req, struct signature_message *m)
{
	bool whole = !str_starts(req->raw_target, STR("/"));

	*m = (struct signature_message){
		.method = str_of(method_name(req->method)), .has_body = true, .body = req->body,
		.target_uri = whole ? req->raw_target : arena_printf(req->arena, "%.*s%.*s",
		    STR_ARG(origin_of(req)), STR_ARG(req->raw_target)),
	};
	take_headers(req, m);
	return signature_target(req->arena, m);
}

/* What to sign (RFC 9421, section 5), with a nonce that nobody has used. */
static void say_what_to_sign(struct exchange *x)
{
	const struct request *req = &x->request;
	char nonce[ACCEPT_NONCE_BYTES];

	id_random(nonce, sizeof(nonce));
	response_header(&x->response, "Accept-Signature", arena_printf(req->arena,
	    "sig1=(\"@method\" \"@path\"%s%s);created;keyid=\"%.*s\";nonce=\"%s\"",
	    req->raw_query.ptr != NULL ? " \"@query\"" : "",
	    req->body.len > 0 ? " \"content-digest\"" : "", STR_ARG(req->principal.key),
	    arena_cstr(req->arena, crypto_base64url(req->arena,
	        (struct str){ nonce, sizeof(nonce) }))));
}

/* The log has the reason; the client learns what is asked. */
static enum err refuse(struct exchange *x, const char *reason)
{
	x->auth_reason = arena_printf(x->request.arena, "signature_%s", reason).ptr;
	say_what_to_sign(x);
	return response_problem(&x->response, ERR_UNAUTHENTICATED,
	    "an API key's request must be signed here (RFC 9421): Accept-Signature says over what, "
	    "once and with the time of now");
}

/* The API key as it came: by now it is known to be good. */
static struct str presented_key(const struct request *req)
{
	struct str key = request_headers(req, "X-API-Key");
	struct str bearer = request_header(req, "Authorization");

	if (key.len > 0)
		return key;
	(void)str_cut(&bearer, ' ');
	return str_trim(bearer);
}

static enum err find_key(const struct request *req, struct signature_key *out)
{
	const struct signature_keys *keys = &req->app->signature_keys;
	enum err e = ERR_NOT_FOUND;

	if (keys->find != NULL)
		e = keys->find(keys->context, req->store, req->arena, req->principal.key,
		    req->now_ms, out);
	if (e != ERR_NOT_FOUND)
		return e;
	/* A copy, because it is wiped. */
	*out = (struct signature_key){ .secret = arena_dup(req->arena, presented_key(req)) };
	return OK;
}

static enum err use_nonce(struct exchange *x, const struct signature *s)
{
	const struct request *req = &x->request;
	int64_t until_s = s->created_s + SIGNATURE_MAX_AGE_S + req->app->config.clock_skew_s + 1;
	enum err e = signature_nonce_use(req->store, req->arena, s->keyid, s->nonce, req->now_ms,
	    until_s * 1000);

	return e == ERR_EXISTS ? refuse(x, "replayed") : e;
}

static enum err verify_with(struct exchange *x, const struct signature_message *m,
    const struct signature *s, const struct signature_key *key)
{
	const char *reason = "";
	enum err e = signature_verify(x->request.arena, m, s, key, &reason);

	if (e == ERR_NO_MEMORY)
		return e;
	return e == OK ? use_nonce(x, s) : refuse(x, reason);
}

/* The cheap checks, then the key, the signature, and last what a write to the store
 * remembers. */
static enum err check(struct exchange *x, const struct signature_message *m,
    const struct signature *s)
{
	const struct request *req = &x->request;
	const struct signature_policy policy = {
		.now_s = req->now_ms / 1000, .max_age_s = SIGNATURE_MAX_AGE_S,
		.skew_s = req->app->config.clock_skew_s, .has_query = m->query.ptr != NULL,
		.has_body = req->body.len > 0,
	};
	struct signature_key key = { 0 };
	const char *reason = "";

	if (signature_policy_check(s, &policy, &reason) != OK)
		return refuse(x, reason);
	enum err e = find_key(req, &key);
	if (e != OK)
		return e;
	e = verify_with(x, m, s, &key);
	signature_key_clean(&key);
	return e;
}

enum err exchange_check_signature(struct exchange *x)
{
	const struct request *req = &x->request;
	struct signature_message message;
	const struct signature *s;
	struct signatures all;
	const char *reason = "";

	if (!req->route->signature_required || req->principal.kind != PRINCIPAL_KEY)
		return OK;
	if (!make_message(req, &message))
		return refuse(x, "bad_target");
	enum err e = signatures_read(req->arena, &message, &all, &reason);
	if (e == ERR_NO_MEMORY)
		return e;
	if (e != OK)
		return refuse(x, reason);
	s = signatures_of_key(&all, req->principal.key);
	return s == NULL ? refuse(x, "of_another_key") : check(x, &message, s);
}
