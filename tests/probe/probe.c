/*
 * probe: the library's own functions behind a line of JSON, for test vectors.
 * A verb is a row of the table at the end: what it reads, what it answers.
 */
#include <stdio.h>
#include <stdlib.h>

#include "access/address.h"
#include "auth/token_verify.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/limits.h"
#include "content/markdown.h"
#include "http/path.h"
#include "http/trace.h"
#include "limit/limit.h"
#include "limit/local.h"
#include "probe/verb.h"

#define MS_IN_NS         UINT64_C(1000000)

bool refuse(struct call *c, struct str why)
{
	c->error = why;
	return false;
}

/* --- reading a question ----------------------------------------------------------- */

bool read_bytes(struct call *c, const char *name, struct str *out)
{
	const struct json *v = json_get(c->in, arena_printf(c->arena, "%s_base64", name));

	if (json_type(v) != JSON_STRING)
		return refuse(c, arena_printf(c->arena, "%s_base64 must be a string", name));
	if (crypto_base64_decode(c->arena, json_string(v), out) != OK)
		return refuse(c, arena_printf(c->arena, "%s_base64 must be base64", name));
	return true;
}

bool read_text(struct call *c, const char *name, struct str *out)
{
	const struct json *v = json_get(c->in, str_of(name));

	if (v == NULL && json_get(c->in, arena_printf(c->arena, "%s_base64", name)) != NULL)
		return read_bytes(c, name, out);
	if (json_type(v) != JSON_STRING)
		return refuse(c, arena_printf(c->arena, "%s must be a string", name));
	*out = json_string(v);
	return true;
}

bool read_optional_text(struct call *c, const char *name, struct str *out)
{
	const struct json *v = json_get(c->in, str_of(name));

	*out = STR_NONE;
	return v == NULL || json_type(v) == JSON_NULL || read_text(c, name, out);
}

bool read_texts(struct call *c, const char *name, struct texts *out)
{
	const struct json *v = json_get(c->in, str_of(name));

	out->count = 0;
	if (v == NULL || json_type(v) == JSON_NULL)
		return true;
	if (json_type(v) != JSON_ARRAY || json_length(v) > HEADERS_MAX)
		return refuse(c, arena_printf(c->arena, "%s must be a list of at most %d strings", name,
		    HEADERS_MAX));
	for (size_t i = 0; i < json_length(v); i++) {
		if (json_type(json_at(v, i)) != JSON_STRING)
			return refuse(c, arena_printf(c->arena, "%s must hold strings", name));
		out->list[out->count++] = json_string(json_at(v, i));
	}
	return true;
}

struct str join(struct arena *a, const struct texts *t)
{
	struct buf out;

	if (t->count == 0)
		return STR_NONE;
	buf_init(&out, a, ANSWER_MAX_BYTES);
	for (size_t i = 0; i < t->count; i++) {
		if (i > 0)
			BUF_LIT(&out, ", ");
		buf_add(&out, t->list[i]);
	}
	return buf_str(&out);
}

/* A whole number from `least` on; absent: `otherwise`, or refused when that is less. */
static bool read_number(struct call *c, const struct json *object, const char *name, int64_t least,
    int64_t otherwise, uint64_t *out)
{
	const struct json *v = json_get(object, str_of(name));
	int64_t n = v == NULL || json_type(v) == JSON_NULL ? otherwise : json_int(v);

	if ((v != NULL && json_type(v) != JSON_INT && json_type(v) != JSON_NULL) || n < least)
		return refuse(c, arena_printf(c->arena, "%s must be an integer of at least %lld", name,
		    (long long)least));
	*out = (uint64_t)n;
	return true;
}

/* --- the verbs -------------------------------------------------------------------- */

static bool json_verb(struct call *c)
{
	struct json_error error = { 0 };
	const struct json *document;
	struct str text;
	uint64_t depth;

	if (!read_bytes(c, "text", &text) ||
	    !read_number(c, c->in, "max_depth", 1, JSON_DEPTH_MAX, &depth))
		return false;
	enum err e = json_parse(c->arena, text,
	    depth < JSON_DEPTH_MAX ? (unsigned)depth : JSON_DEPTH_MAX, &document, &error);
	if (e != OK) {
		c->line = error.line;
		c->column = error.column;
		return refuse(c, str_of(e == ERR_INVALID ? error.reason : err_text(e)));
	}
	json_put_value(&c->w, document);
	return true;
}

static bool path_verb(struct call *c)
{
	struct str raw, path, query;
	const char *reason = NULL;

	if (!read_text(c, "raw", &raw))
		return false;
	if (path_normalize(c->arena, raw, &path, &query, &reason) != OK)
		return refuse(c, str_of(reason));
	json_put_string(&c->w, path);
	return true;
}

static bool client_address_verb(struct call *c)
{
	struct texts trusted, forwarded, x_forwarded_for;
	struct address_headers headers;
	struct address_ranges ranges;
	struct str peer, bad;

	if (!read_text(c, "peer", &peer) || !read_texts(c, "trusted", &trusted) ||
	    !read_texts(c, "x_forwarded_for", &x_forwarded_for) ||
	    !read_texts(c, "forwarded", &forwarded) ||
	    !read_optional_text(c, "x_real_ip", &headers.x_real_ip))
		return false;
	headers.x_forwarded_for = join(c->arena, &x_forwarded_for);
	headers.forwarded = join(c->arena, &forwarded);
	if (address_ranges_parse(join(c->arena, &trusted), &ranges, &bad) != OK)
		return refuse(c, arena_printf(c->arena, "trusted: \"%.*s\" is no range", STR_ARG(bad)));
	json_put_string(&c->w, address_of_client(c->arena, peer, &ranges, &headers));
	return true;
}

static bool cidr_verb(struct call *c)
{
	struct address_range range;
	struct address address;
	struct str address_text, range_text;

	if (!read_text(c, "address", &address_text) || !read_text(c, "range", &range_text))
		return false;
	if (!address_parse(address_text, &address))
		return refuse(c, STR("address is none"));
	if (!address_range_parse(range_text, &range))
		return refuse(c, STR("range is none"));
	json_put_bool(&c->w, address_in_range(&address, &range));
	return true;
}

typedef struct limit_step limit_function(const struct limit_policy *, uint64_t *, uint64_t,
    uint64_t);

static uint64_t ms_rounded_up(uint64_t ns)
{
	return ns / MS_IN_NS + (ns % MS_IN_NS != 0);
}

static void put_step(struct json_writer *w, const struct limit_step *s)
{
	json_object_open(w);
	json_member_bool(w, "allowed", s->allowed);
	json_name(w, "remaining");
	json_put_u64(w, s->remaining);
	json_name(w, "retry_after_ms");
	json_put_u64(w, ms_rounded_up(s->retry_after_ns));
	json_name(w, "reset_ms");
	json_put_u64(w, ms_rounded_up(s->reset_ns));
	json_object_close(w);
}

static bool take_steps(struct call *c, const struct limit_policy *p, limit_function *take)
{
	const struct json *steps = json_get(c->in, STR("steps"));
	uint64_t cell = 0, at_ms, cost;

	if (json_type(steps) != JSON_ARRAY)
		return refuse(c, STR("steps must be a list"));
	json_array_open(&c->w);
	for (size_t i = 0; i < json_length(steps); i++) {
		const struct json *step = json_at(steps, i);
		if (!read_number(c, step, "at_ms", 0, -1, &at_ms) ||
		    !read_number(c, step, "cost", 0, 1, &cost))
			return false;
		if (at_ms > UINT64_MAX / MS_IN_NS)
			return refuse(c, STR("at_ms is too far away"));
		struct limit_step s = take(p, &cell, at_ms * MS_IN_NS, cost);
		put_step(&c->w, &s);
	}
	json_array_close(&c->w);
	return true;
}

static bool limit_verb(struct call *c)
{
	struct limit_policy p = { .name = "probe" };
	struct str algorithm;

	if (!read_text(c, "algorithm", &algorithm) ||
	    !read_number(c, c->in, "limit", 1, 0, &p.limit) ||
	    !read_number(c, c->in, "period_ms", 1, 0, &p.period_ms) ||
	    !read_number(c, c->in, "burst", 1, (int64_t)p.limit, &p.burst))
		return false;
	if (str_eq(algorithm, STR("gcra")))
		return take_steps(c, &p, limit_gcra);
	if (!str_eq(algorithm, STR("window")))
		return refuse(c, STR("algorithm must be gcra or window"));
	if (p.limit > LIMIT_WINDOW_MAX)
		return refuse(c, STR("limit is more than a window counts to"));
	p.algorithm = LIMIT_WINDOW;
	p.burst = 0;
	return take_steps(c, &p, limit_window);
}

static bool traceparent_verb(struct call *c)
{
	struct texts parents, states;
	struct trace t;

	if (!read_texts(c, "traceparent", &parents) || !read_texts(c, "tracestate", &states))
		return false;
	trace_continue(c->arena, parents.list, parents.count, states.list, states.count, &t);
	json_object_open(&c->w);
	json_member_string(&c->w, "trace_id", t.trace_id);
	json_member_string(&c->w, "parent", t.span);
	json_member_string(&c->w, "flags", t.flags);
	json_member_string(&c->w, "tracestate", t.state);
	json_object_close(&c->w);
	return true;
}

static bool markdown_verb(struct call *c)
{
	struct str text, html, sanitized;

	if (!read_text(c, "text", &text))
		return false;
	enum err e = markdown_to_html(c->arena, text, &html, &sanitized);
	if (e != OK)
		return refuse(c, str_of(err_text(e)));
	json_object_open(&c->w);
	json_member_string(&c->w, "html", html);
	json_member_string(&c->w, "sanitized", sanitized);
	json_object_close(&c->w);
	return true;
}

/* NAME as JSON, or as a string that holds JSON. */
static bool read_document(struct call *c, const char *name, const struct json **out)
{
	const struct json *v = json_get(c->in, str_of(name));
	struct json_error error = { 0 };
	struct str text;

	*out = v;
	if (v != NULL && json_type(v) != JSON_STRING)
		return true;
	if (!read_text(c, name, &text))
		return false;
	if (json_parse(c->arena, text, JSON_DEPTH_MAX, out, &error) == OK)
		return true;
	return refuse(c, arena_printf(c->arena, "%s is not JSON: column %u: %s", name, error.column,
	    error.reason != NULL ? error.reason : "too large"));
}

struct left_out {
	struct call *call;
	struct buf refused;             /* the members of a list, as JSON */
	struct json_writer w;
};

static void note_left_out(void *context, size_t index, struct str kid, const char *why)
{
	struct left_out *l = context;

	json_object_open(&l->w);
	json_member_int(&l->w, "index", (int64_t)index);
	json_member_string(&l->w, "kid", kid);
	json_member_string(&l->w, "reason", str_of(why));
	json_object_close(&l->w);
}

/* The usable keys of NAME, and what is said of the others. */
static bool read_keys(struct call *c, const char *name, struct left_out *l, struct key_set *out)
{
	const char *reason = "";
	const struct json *document;

	*l = (struct left_out){ .call = c };
	buf_init(&l->refused, c->arena, ANSWER_MAX_BYTES);
	json_begin(&l->w, &l->refused);
	json_array_open(&l->w);
	if (!read_document(c, name, &document))
		return false;
	if (key_set_parse(c->arena, document, out, note_left_out, l, &reason) != OK)
		return refuse(c, arena_printf(c->arena, "%s: %s", name, reason));
	json_array_close(&l->w);
	return true;
}

static void put_key(struct json_writer *w, const struct jwk *k)
{
	json_object_open(w);
	json_member_string(w, "kid", k->kid[0] == '\0' ? STR_NONE : str_of(k->kid));
	json_name(w, "algorithms");
	json_array_open(w);
	for (int i = JWS_UNKNOWN + 1; i < JWS_ALGORITHM_COUNT; i++)
		if ((k->algorithms & JWS_BIT(i)) != 0)
			json_put_string(w, str_of(jws_algorithm_name((enum jws_algorithm)i)));
	json_array_close(w);
	json_object_close(w);
}

static bool jwks_verb(struct call *c)
{
	struct left_out l;
	struct key_set keys;

	if (!read_keys(c, "document", &l, &keys))
		return false;
	json_object_open(&c->w);
	json_name(&c->w, "keys");
	json_array_open(&c->w);
	for (size_t i = 0; i < keys.count; i++)
		put_key(&c->w, &keys.keys[i]);
	json_array_close(&c->w);
	json_name(&c->w, "refused");
	json_put_raw(&c->w, buf_str(&l.refused));
	json_object_close(&c->w);
	key_set_clean(&keys);
	return true;
}

struct question {                       /* of jws */
	struct token_rules rules;
	struct key_set keys;
};

static bool asked_rules(void *context, struct str issuer, struct token_rules *out)
{
	const struct question *q = context;

	*out = q->rules;
	return q->rules.any_issuer || str_eq(issuer, q->rules.issuer);
}

static enum err asked_keys(void *context, const struct token *t, struct key_choice *out)
{
	const struct question *q = context;

	return key_set_choose(&q->keys, &t->jws, out);
}

/* What was not asked about is not held against the token. */
static bool read_rules(struct call *c, struct str *audience, struct token_rules *out)
{
	struct texts algorithms;
	struct str issuer;
	uint64_t now_s;

	if (!read_optional_text(c, "issuer", &issuer) ||
	    !read_optional_text(c, "audience", audience) ||
	    !read_texts(c, "algorithms", &algorithms) ||
	    !read_number(c, c->in, "now_s", 0, -1, &now_s))
		return false;
	if (now_s > INT64_MAX / 2000)
		return refuse(c, STR("now_s is too far away"));
	*out = (struct token_rules){
		.issuer = issuer, .audiences = audience, .n_audiences = audience->ptr != NULL,
		.now_ms = (int64_t)now_s * 1000,
		.any_issuer = issuer.ptr == NULL, .any_audience = audience->ptr == NULL,
		.any_use = true, .any_subject = true,
		.bare = issuer.ptr == NULL && audience->ptr == NULL,
	};
	for (size_t i = 0; i < algorithms.count; i++)
		out->algorithms |= JWS_BIT(jws_algorithm_from_name(algorithms.list[i]));
	if (json_get(c->in, STR("algorithms")) == NULL)
		out->algorithms = UINT32_MAX;
	return true;
}

static bool jws_verb(struct call *c)
{
	const char *reason = "";
	struct question q = { 0 };
	struct str text, audience;
	struct left_out l;
	struct token token;

	if (!read_text(c, "token", &text) || !read_rules(c, &audience, &q.rules) ||
	    !read_keys(c, "jwks", &l, &q.keys))
		return false;
	const struct token_verifier verifier = { &q, asked_rules, asked_keys };
	enum err e = token_verify(c->arena, text, &verifier, &token, &reason);
	key_set_clean(&q.keys);
	if (e != OK)
		return refuse(c, str_of(reason));
	if (token.payload != NULL) {
		json_put_value(&c->w, token.payload);
		return true;
	}
	json_object_open(&c->w);
	json_member_string(&c->w, "payload_base64", crypto_base64(c->arena, token.jws.payload));
	json_object_close(&c->w);
	return true;
}

static const struct verb {
	const char *name;
	bool      (*run)(struct call *c);
	const char *in, *value;
} verbs[] = {
	{ "json", json_verb, "text_base64, max_depth?", "the document, or error, line, column" },
	{ "path", path_verb, "raw", "the decoded, normalised path" },
	{ "client_address", client_address_verb,
	    "peer, trusted[], x_forwarded_for[]?, forwarded[]?, x_real_ip?", "the address" },
	{ "cidr", cidr_verb, "address, range", "true or false" },
	{ "limit", limit_verb,
	    "algorithm (gcra, window), limit, period_ms, burst?, steps: [{at_ms, cost}]",
	    "per step: allowed, remaining, retry_after_ms, reset_ms" },
	{ "traceparent", traceparent_verb, "traceparent[], tracestate[]?",
	    "what goes out: trace_id, parent, flags, tracestate" },
	{ "structured_field", structured_field_verb,
	    "type (item, list, dictionary), raw[]", "parsed, serialised" },
	{ "jws", jws_verb, "token, jwks, issuer?, audience?, algorithms[]?, now_s",
	    "the claims (of a payload that is no JSON object: payload_base64), or the reason" },
	{ "jwks", jwks_verb, "document",
	    "keys: [{kid, algorithms}], and refused: [{index, kid, reason}]" },
	{ "signature", signature_verb,
	    "method, target_uri, headers: [[name, value]], body_base64?, key (JWK, oct or public), label?",
	    "verified, label, components[], keyid, alg, nonce, tag, created?, expires?, base" },
	{ "event", event_verb, "event (of Lambda), base_path?, request_id?, trace_id?",
	    "kind, path, variables: {name: value}, body_base64" },
	{ "reply", reply_verb, "event, status, headers: [[name, value]], body_base64",
	    "the reply that Lambda gets" },
	{ "markdown", markdown_verb, "text", "html (before sanitising), sanitized" },
};

/* --- a line in, a line out -------------------------------------------------------- */

static bool run_verb(struct call *c)
{
	struct str name;

	if (json_type(c->in) != JSON_OBJECT)
		return refuse(c, STR("a line must be a JSON object"));
	if (!read_text(c, "verb", &name))
		return false;
	for (size_t i = 0; i < COUNT(verbs); i++)
		if (str_eq(name, str_of(verbs[i].name)))
			return verbs[i].run(c);
	return refuse(c, STR("there is no such verb; --help lists them"));
}

static void write_refusal(struct buf *out, const struct call *c)
{
	struct json_writer w;

	buf_reset(out);
	json_begin(&w, out);
	json_object_open(&w);
	json_member_bool(&w, "ok", false);
	json_member_string(&w, "error", c->error);
	if (c->line > 0) {
		json_member_int(&w, "line", c->line);
		json_member_int(&w, "column", c->column);
	}
	json_object_close(&w);
}

static struct str answer(struct arena *a, struct str line)
{
	struct json_error error = { 0 };
	struct call c = { .arena = a };
	struct buf out;

	buf_init(&out, a, ANSWER_MAX_BYTES);
	json_begin(&c.w, &out);
	json_object_open(&c.w);
	json_member_bool(&c.w, "ok", true);
	json_name(&c.w, "value");
	if (json_parse(a, line, JSON_DEPTH_MAX, &c.in, &error) != OK)
		c.error = arena_printf(a, "the line is not JSON: column %u: %s", error.column,
		    error.reason != NULL ? error.reason : "too large");
	else if (run_verb(&c))
		json_object_close(&c.w);
	if (c.error.ptr == NULL && buf_failed(&out))
		c.error = STR("the answer is too large");
	if (c.error.ptr != NULL)
		write_refusal(&out, &c);
	return buf_str(&out);
}

static void print_help(void)
{
	puts("probe: a JSON object a line in, {\"verb\": …}; a JSON object a line out,\n"
	     "{\"ok\": true, \"value\": …} or {\"ok\": false, \"error\": \"…\"}.\n"
	     "Any string NAME may come as NAME_base64 instead.\n");
	for (size_t i = 0; i < COUNT(verbs); i++)
		printf("%-17s in:    %s\n%-17s value: %s\n", verbs[i].name, verbs[i].in, "", verbs[i].value);
}

int main(int argc, char **argv)
{
	struct arena arena;
	char *line = NULL;
	size_t size = 0;

	if (argc > 1) {
		print_help();
		return strcmp(argv[1], "--help") == 0 ? 0 : 2;
	}
	arena_init(&arena, ARENA_MAX_BYTES);
	for (ssize_t n = getline(&line, &size, stdin); n >= 0; n = getline(&line, &size, stdin)) {
		struct str s = str_trim((struct str){ line, (size_t)n });
		struct str out = answer(&arena, s);
		fwrite(out.ptr, 1, out.len, stdout);
		fputc('\n', stdout);
		fflush(stdout);
		arena_reset(&arena);
	}
	free(line);
	arena_clean(&arena);
	return ferror(stdout) ? 1 : 0;
}
