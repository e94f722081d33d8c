#include "auth/oauth_credentials.h"

#include "base/crypto.h"
#include "http/path.h"

struct credentials {
	struct str        id, secret;
	enum oauth_method method;
};

enum err oauth_refuse(struct response *res, const char *error, const char *description)
{
	res->oauth_error = error;
	res->problem_status = 400;
	return response_problem(res, ERR_INVALID, "%s", description);
}

/* Both parts are form-encoded before they are joined (RFC 6749, 2.3.1). */
static bool decode_part(struct arena *a, struct str text, struct str *out)
{
	struct path_parameter one;
	const char           *reason;
	size_t                n = 0;
	struct str            form = arena_printf(a, "v=%.*s", STR_ARG(text));

	if (form_parse(a, form, &one, 1, &n, &reason) != OK || n != 1)
		return false;
	*out = one.value;
	return true;
}

static bool read_basic(struct arena *a, struct str header, struct credentials *out)
{
	struct str rest = header, scheme = str_cut(&rest, ' '), text, id;

	if (!str_eq_nocase(scheme, STR("Basic")) ||
	    crypto_base64_decode(a, str_trim(rest), &text) != OK || !str_is_utf8(text) ||
	    str_index(text, '\0') < text.len)
		return false;
	id = str_cut(&text, ':');
	out->method = OAUTH_BASIC;
	return text.ptr != NULL && decode_part(a, id, &out->id) &&
	    decode_part(a, text, &out->secret);
}

/* What the request says the client is.  False: nothing that one could check. */
static bool read_credentials(const struct request *req, struct credentials *out)
{
	struct str header = request_header(req, "Authorization");
	struct str id = json_get_string(req->json, "client_id");
	struct str secret = json_get_string(req->json, "client_secret");

	if (header.ptr != NULL)
		return read_basic(req->arena, header, out) &&
		    (id.ptr == NULL || str_eq(id, out->id));
	*out = (struct credentials){
		.id = id, .secret = secret, .method = secret.ptr != NULL ? OAUTH_POST : OAUTH_NONE,
	};
	return id.ptr != NULL;
}

static bool is_proved(const struct oauth_client *client, const struct credentials *given)
{
	if (client->method != given->method)
		return false;
	return client->is_public || oauth_client_knows(client, given->secret);
}

enum err oauth_client_authenticate(const struct request *req, struct response *res,
    struct oauth_client *out)
{
	struct credentials given = { 0 };
	enum err           e = ERR_NOT_FOUND;

	if (request_header(req, "Authorization").ptr != NULL &&
	    json_get(req->json, STR("client_secret")) != NULL)
		return oauth_refuse(res, "invalid_request", "the client proves itself in two ways");
	if (read_credentials(req, &given))
		e = oauth_client_read(req->store, req->arena, given.id, req->now_ms, out);
	if (e == OK && !is_proved(out, &given))
		e = ERR_NOT_FOUND;
	if (e != ERR_NOT_FOUND)
		return e;
	return response_problem(res, ERR_UNAUTHENTICATED, "the client is not known, or this does "
	    "not prove that it is it");
}
