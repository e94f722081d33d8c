#include "auth/provider_person.h"

#include "base/buf.h"
#include "base/crypto.h"
#include "net/form.h"
#include "net/mail_text.h"

#define REQUEST_MAX_BYTES 16384

/* What of a request is secret; room from the start, so that nothing is left behind. */
struct secrets {
	struct buf body, credentials;
	struct str header;
};

static void wipe(struct str secret)
{
	if (secret.len > 0)
		crypto_wipe((void *)(uintptr_t)secret.ptr, secret.len);
}

static bool secrets_init(struct secrets *s, struct arena *a)
{
	*s = (struct secrets){ .header = STR_NONE };
	buf_init(&s->body, a, REQUEST_MAX_BYTES);
	buf_init(&s->credentials, a, REQUEST_MAX_BYTES);
	return buf_reserve(&s->body, REQUEST_MAX_BYTES) &&
	    buf_reserve(&s->credentials, REQUEST_MAX_BYTES);
}

static void secrets_wipe(struct secrets *s)
{
	wipe(buf_str(&s->body));
	wipe(buf_str(&s->credentials));
	wipe(s->header);
}

struct str provider_redirect_uri(const struct request *req, const struct provider *p)
{
	return arena_printf(req->arena, "%.*s/v1/auth/oauth/%.*s/callback", STR_ARG(req->origin),
	    STR_ARG(p->name));
}

/* --- the code becomes tokens -------------------------------------------------------- */

/* "Basic …" of both, each escaped first (RFC 6749, 2.3.1). */
static void add_header(struct secrets *s, struct arena *a, const struct provider *p)
{
	struct str encoded;

	form_escape(&s->credentials, p->client_id);
	buf_char(&s->credentials, ':');
	form_escape(&s->credentials, p->client_secret);
	encoded = crypto_base64(a, buf_str(&s->credentials));
	s->header = arena_printf(a, "Basic %.*s", STR_ARG(encoded));
	wipe(encoded);
}

static bool write_request(struct secrets *s, const struct provider_call *c,
    const struct request *req, const struct provider_places *places, struct str verifier,
    struct str code)
{
	const struct provider *p = c->provider;
	bool                   in_header = p->client_secret.len > 0 && !places->secret_in_body;

	form_add(&s->body, "grant_type", STR("authorization_code"));
	form_add(&s->body, "code", code);
	form_add(&s->body, "redirect_uri", provider_redirect_uri(req, p));
	form_add(&s->body, "code_verifier", verifier);
	if (in_header) {
		add_header(s, c->arena, p);
	} else {
		form_add(&s->body, "client_id", p->client_id);
		form_add(&s->body, "client_secret", p->client_secret);
	}
	return !buf_failed(&s->body) && !buf_failed(&s->credentials);
}

static enum err refuse(struct provider_call *c, struct str why)
{
	c->reason = why;
	return ERR_UNAUTHENTICATED;
}

/* The word for the log, when it is one (RFC 6749, 5.2). */
static struct str error_of(const struct json *document)
{
	struct str error = json_get_string(document, "error");

	for (size_t i = 0; i < error.len; i++)
		if ((error.ptr[i] < 'a' || error.ptr[i] > 'z') && error.ptr[i] != '_')
			return STR("no reason given");
	return error.len == 0 || error.len > 64 ? STR("no reason given") : error;
}

/* It will be in a header. */
static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
			return false;
	return s.len > 0 && s.len <= TOKEN_MAX_BYTES;
}

/* GitHub says what is wrong with status 200. */
static enum err read_tokens(struct provider_call *c, uint16_t status,
    const struct json *document, struct provider_tokens *out)
{
	*out = (struct provider_tokens){
		.access_token = json_get_string(document, "access_token"),
		.id_token = json_get_string(document, "id_token"),
	};
	if (status != 200 || json_get(document, STR("error")) != NULL)
		return refuse(c, arena_printf(c->arena, "the token endpoint answered %u: %.*s",
		    status, STR_ARG(error_of(document))));
	if (!is_token(out->access_token) ||
	    !str_eq_nocase(json_get_string(document, "token_type"), STR("Bearer")))
		return refuse(c, STR("the token endpoint gave no bearer token"));
	return OK;
}

static enum err change_code(struct provider_call *c, const struct request *req,
    const struct provider_places *places, struct str verifier, struct str code,
    struct provider_tokens *out)
{
	const struct json *document;
	struct http_reply  reply = { .status = 0 };
	struct secrets     s;
	uint16_t           status = 0;
	enum err           e;

	if (!secrets_init(&s, c->arena))
		return ERR_NO_MEMORY;
	e = write_request(&s, c, req, places, verifier, code) ? OK :
	    refuse(c, STR("the code is too long"));
	const struct http_header headers[] = {
		{ STR("Accept"), STR("application/json") }, { STR("Authorization"), s.header },
	};
	struct http_call call = {
		.method = "POST", .url = places->token_url, .body = buf_str(&s.body),
		.content_type = STR("application/x-www-form-urlencoded"), .headers = headers,
		.n_headers = s.header.len > 0 ? 2 : 1, .purpose = OUTGOING_PROVIDER,
	};
	if (e == OK)
		e = provider_ask(c, &call, &status, &document, &reply);
	if (e == OK)
		e = read_tokens(c, status, document, out);
	secrets_wipe(&s);
	wipe(reply.body);
	return e;
}

/* --- who it is ---------------------------------------------------------------------- */

enum err provider_fetch(struct provider_call *c, struct str url,
    const struct provider_tokens *tokens, struct str accept, const struct json **out)
{
	struct str authorization = arena_printf(c->arena, "Bearer %.*s",
	    STR_ARG(tokens->access_token));
	const struct http_header headers[] = {
		{ STR("Accept"), accept }, { STR("Authorization"), authorization },
	};
	struct http_call call = {
		.url = url, .headers = headers, .n_headers = COUNT(headers),
		.purpose = OUTGOING_PROVIDER,
	};
	struct http_reply reply;
	enum err          e = provider_ask(c, &call, NULL, out, &reply);

	wipe(authorization);
	return e;
}

void provider_person_describe(struct provider_call *c, struct str email, struct str name,
    struct provider_person *out)
{
	size_t points = 0, end = 0, step = 0;

	out->email = mail_address_is_good(email) && email.len <= MAIL_ADDRESS_MAX ?
	    arena_dup(c->arena, email) : STR_NONE;
	name = str_trim(name);
	if (name.len == 0 || !str_is_utf8(name) || str_has_control(name))
		return;
	while (end < name.len && points < PROVIDER_PERSON_NAME_MAX) {
		if (!str_utf8_step(str_from(name, end), &step))
			return;
		end += step;
		points++;
	}
	out->name = arena_dup(c->arena, str_first(name, end));
}

enum err provider_person(struct provider_call *c, const struct request *req,
    const struct provider_places *places, const struct provider_attempt *attempt,
    struct str code, struct provider_person *out)
{
	struct provider_tokens tokens;
	enum err e = change_code(c, req, places, attempt->verifier, code, &tokens);

	*out = (struct provider_person){ 0 };
	if (e == OK && c->provider->openid)
		e = provider_openid_person(c, req, places, attempt, &tokens, out);
	else if (e == OK)
		e = provider_github_person(c, places, &tokens, out);
	if (e != OK)
		return e;
	if (out->subject.len == 0 || out->subject.len > PROVIDER_SUBJECT_MAX ||
	    str_has_control(out->subject) || !str_is_utf8(out->subject))
		return refuse(c, STR("the subject is none that can be used"));
	wipe(tokens.access_token);
	wipe(tokens.id_token);
	return OK;
}
