#include "net/service_reply.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/json.h"
#include "base/limits.h"
#include "net/form.h"

#define REQUEST_MAX_BYTES   16384
#define REPLY_MAX_BYTES     16384       /* a token of TOKEN_MAX_BYTES and what stands around it */
#define ERROR_MAX_BYTES     64          /* of "error", as it is logged */
#define DEPTH_MAX           4
#define LIFE_DEFAULT_S      60          /* where the reply says nothing */
#define LIFE_MAX_S          86400       /* whatever it says: keys and rights change */

/* What of a request is secret; room from the start, so that nothing is left behind. */
struct request {
	struct buf body, credentials;
	struct str header;
};

static bool request_init(struct request *r, struct arena *a)
{
	*r = (struct request){ .header = STR_NONE };
	buf_init(&r->body, a, REQUEST_MAX_BYTES);
	buf_init(&r->credentials, a, REQUEST_MAX_BYTES);
	return buf_reserve(&r->body, REQUEST_MAX_BYTES) &&
	    buf_reserve(&r->credentials, REQUEST_MAX_BYTES);
}

static void wipe(struct str secret)
{
	if (secret.len > 0)
		crypto_wipe((void *)(uintptr_t)secret.ptr, secret.len);
}

static void request_wipe(struct request *r)
{
	wipe(buf_str(&r->body));
	wipe(buf_str(&r->credentials));
	wipe(r->header);
}

/* "Basic …" of both, each escaped first (RFC 6749, 2.3.1). */
static bool add_header(struct request *r, struct arena *a, const struct service_client *c)
{
	form_escape(&r->credentials, c->client_id);
	buf_char(&r->credentials, ':');
	form_escape(&r->credentials, c->client_secret);
	struct str encoded = crypto_base64(a, buf_str(&r->credentials));
	if (buf_failed(&r->credentials) || encoded.ptr == NULL)
		return false;
	r->header = arena_printf(a, "Basic %.*s", STR_ARG(encoded));
	wipe(encoded);
	return true;
}

static bool write_request(struct request *r, struct arena *a, const struct service_client *c)
{
	form_add(&r->body, "grant_type", STR("client_credentials"));
	form_add(&r->body, "scope", c->scope);
	form_add(&r->body, "audience", c->audience);
	if (c->secret_in == SERVICE_SECRET_IN_HEADER)
		return add_header(r, a, c) && !buf_failed(&r->body);
	form_add(&r->body, "client_id", c->client_id);
	form_add(&r->body, "client_secret", c->client_secret);
	return !buf_failed(&r->body);
}

/* --- what comes --------------------------------------------------------------------- */

/* The word for the log, when it is one (RFC 6749, 5.2). */
static struct str error_of(const struct json *doc)
{
	struct str error = json_get_string(doc, "error");

	for (size_t i = 0; i < error.len; i++)
		if ((error.ptr[i] < 'a' || error.ptr[i] > 'z') && error.ptr[i] != '_')
			return STR("no reason given");
	return error.len == 0 || error.len > ERROR_MAX_BYTES ? STR("no reason given") : error;
}

/* It will be in a header. */
static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
			return false;
	return s.len > 0 && s.len <= TOKEN_MAX_BYTES;
}

static const char *read_token(const struct json *doc, struct service_reply *out)
{
	struct str token = json_get_string(doc, "access_token");
	int64_t life_s = json_get_int(doc, "expires_in", LIFE_DEFAULT_S);

	if (!is_token(token))
		return "there is no access_token, or it cannot be one";
	if (!str_eq_nocase(json_get_string(doc, "token_type"), STR("Bearer")))
		return "the token_type is not Bearer";
	if (life_s <= 0)
		return "the token has expired already";
	out->token = malloc(token.len);
	if (out->token == NULL)
		return "there is no memory for it";
	memcpy(out->token, token.ptr, token.len);
	out->len = token.len;
	out->life_ms = (uint64_t)(life_s < LIFE_MAX_S ? life_s : LIFE_MAX_S) * 1000;
	return NULL;
}

static enum err read_reply(struct arena *a, const struct http_reply *reply,
    struct service_reply *out, struct str *reason)
{
	struct json_error error;
	const struct json *doc = NULL;
	bool refused = reply->status == 400 || reply->status == 401 || reply->status == 403;

	if (json_parse(a, reply->body, DEPTH_MAX, &doc, &error) != OK)
		doc = NULL;
	if (reply->status != 200) {
		*reason = arena_printf(a, "the token endpoint answered %u: %.*s", reply->status,
		    STR_ARG(error_of(doc)));
		return refused ? ERR_FORBIDDEN : ERR_UNAVAILABLE;
	}
	const char *wrong = doc == NULL ? "it is no JSON" : read_token(doc, out);
	wipe(json_get_string(doc, "access_token"));
	if (wrong == NULL)
		return OK;
	*reason = arena_printf(a, "the token endpoint's answer is no token: %s", wrong);
	return ERR_UNAVAILABLE;
}

enum err service_reply_get(struct http_client *net, struct arena *a,
    const struct service_client *client, uint32_t deadline_ms, struct service_reply *out,
    struct str *reason)
{
	struct request request;
	struct http_reply reply = { .status = 0 };

	*reason = STR("client_id, client_secret, scope or audience is too long");
	if (!request_init(&request, a))
		return ERR_NO_MEMORY;
	enum err e = write_request(&request, a, client) ? OK : ERR_INVALID;
	const struct http_header headers[] = {
		{ STR("Accept"), STR("application/json") }, { STR("Authorization"), request.header },
	};
	if (e == OK)
		e = http_client_call(net, a, &(struct http_call){
			.method = "POST", .url = client->token_url, .body = buf_str(&request.body),
			.content_type = STR("application/x-www-form-urlencoded"), .headers = headers,
			.n_headers = request.header.len > 0 ? 2 : 1, .deadline_ms = deadline_ms,
			.response_max_bytes = REPLY_MAX_BYTES, .purpose = OUTGOING_SERVICE_TOKEN,
		}, &reply, reason);
	if (e == OK)
		e = read_reply(a, &reply, out, reason);
	request_wipe(&request);
	wipe(reply.body);
	return e == ERR_TOO_LARGE ? ERR_UNAVAILABLE : e;
}

void service_reply_clean(struct service_reply *r)
{
	if (r->token != NULL)
		crypto_wipe(r->token, r->len);
	free(r->token);
	*r = (struct service_reply){ .token = NULL };
}
