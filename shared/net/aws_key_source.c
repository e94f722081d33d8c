#include "net/aws_key_source.h"

#include <assert.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/json.h"
#include "base/time.h"
#include "net/curl_library.h"
#include "net/http_url.h"

#define NS_PER_MS       UINT64_C(1000000)
#define REPLY_MAX_BYTES 32768           /* keys and what stands around them */
#define DEPTH_MAX       4
#define ROLE_MAX_BYTES  128             /* IAM: 64 */
#define STEP_MAX_MS     2000            /* one call: both endpoints are on this machine */
#define CONTAINER_HOST  "http://169.254.170.2"
#define ROLES_PATH      "/latest/meta-data/iam/security-credentials/"
#define METADATA_TTL_S  "60"            /* of the metadata's token: one visit */

static const char *const names[] = {
	[AWS_SOURCE_NONE] = "none",
	[AWS_SOURCE_ENVIRONMENT] = "environment",
	[AWS_SOURCE_CONTAINER] = "container",
	[AWS_SOURCE_INSTANCE] = "instance",
};
static_assert(COUNT(names) == AWS_SOURCES, "a name for each source");

const char *aws_source_name(enum aws_source source)
{
	return (size_t)source < COUNT(names) ? names[source] : names[AWS_SOURCE_NONE];
}

enum aws_source aws_source_of(const struct config *c)
{
	/* Half a key is a mistake, and no reason to use another one. */
	if (c->aws_access_key_id.len > 0 || c->aws_secret_access_key.len > 0)
		return c->aws_access_key_id.len > 0 && c->aws_secret_access_key.len > 0 &&
		    c->aws_access_key_id.len <= AWS_KEY_MAX_BYTES &&
		    c->aws_secret_access_key.len <= AWS_KEY_MAX_BYTES &&
		    c->aws_session_token.len <= AWS_SESSION_MAX_BYTES ?
		    AWS_SOURCE_ENVIRONMENT : AWS_SOURCE_NONE;
	if (c->aws_container_relative_uri.len > 0 || c->aws_container_full_uri.len > 0)
		return AWS_SOURCE_CONTAINER;
	return c->aws_metadata_disabled ? AWS_SOURCE_NONE : AWS_SOURCE_INSTANCE;
}

bool aws_host_is_container(struct str host)
{
	static const struct str hosts[] = {
		STR_INIT("169.254.170.2"), STR_INIT("169.254.170.23"), STR_INIT("[fd00:ec2::23]"),
	};

	for (size_t i = 0; i < COUNT(hosts); i++)
		if (str_eq_nocase(host, hosts[i]))
			return true;
	return http_host_is_loopback(host);
}

/* --- what comes --------------------------------------------------------------------- */

/* It will be in a header, and in the text that is signed. */
static bool is_key(struct str s, size_t max_bytes)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] <= ' ' || s.ptr[i] > '~')
			return false;
	return s.len > 0 && s.len <= max_bytes;
}

/* NUL-terminated, which the bound has room for. */
static void take(char *to, struct str s)
{
	memcpy(to, s.ptr, s.len);
	to[s.len] = '\0';
}

static void wipe(struct str secret)
{
	if (secret.len > 0)
		crypto_wipe((void *)(uintptr_t)secret.ptr, secret.len);
}

static const char *read_members(const struct json *doc, int64_t now_ms, struct aws_got *out)
{
	struct str id = json_get_string(doc, "AccessKeyId");
	struct str secret = json_get_string(doc, "SecretAccessKey");
	struct str session = json_get_string(doc, "Token");
	int64_t end_ms = 0;

	/* Of an instance; a container's keys have no such member. */
	if (json_get(doc, STR("Code")) != NULL &&
	    !str_eq(json_get_string(doc, "Code"), STR("Success")))
		return "its Code is not Success";
	if (!is_key(id, AWS_KEY_MAX_BYTES) || !is_key(secret, AWS_KEY_MAX_BYTES) ||
	    !is_key(session, AWS_SESSION_MAX_BYTES))
		return "AccessKeyId, SecretAccessKey or Token is missing, or cannot be one";
	if (!time_from_rfc3339(json_get_string(doc, "Expiration"), &end_ms))
		return "its Expiration is no time";
	if (end_ms <= now_ms)
		return "the keys have expired already";
	take(out->keys.id, id);
	take(out->keys.secret, secret);
	take(out->keys.session, session);
	out->life_ms = (uint64_t)(end_ms - now_ms);
	return NULL;
}

const char *aws_keys_read(struct arena *a, struct str text, int64_t now_ms, struct aws_got *out)
{
	struct json_error error;
	const struct json *doc = NULL;

	if (json_parse(a, text, DEPTH_MAX, &doc, &error) != OK || json_type(doc) != JSON_OBJECT)
		return "it is no JSON object";
	const char *wrong = read_members(doc, now_ms, out);
	wipe(json_get_string(doc, "SecretAccessKey"));
	wipe(json_get_string(doc, "Token"));
	return wrong;
}

/* --- one visit ---------------------------------------------------------------------- */

struct visit {
	struct http_client *net;
	struct arena       *a;
	uint64_t            deadline_ns;
	const char         *who;        /* for `why` */
	struct http_reply   reply;
	struct str         *why;
};

/* One call with one header, answered with 200. */
static enum err step(struct visit *v, const char *method, struct str url,
    struct http_header header)
{
	uint64_t now = time_monotonic_ns();
	struct str reason = STR("no time left");
	enum err e = ERR_TIMEOUT;

	if (now < v->deadline_ns) {
		uint64_t left_ms = (v->deadline_ns - now) / NS_PER_MS + 1;
		e = http_client_call(v->net, v->a, &(struct http_call){
			.method = method, .url = url, .headers = &header,
			.n_headers = header.value.len > 0 ? 1 : 0,
			.deadline_ms = (uint32_t)(left_ms < STEP_MAX_MS ? left_ms : STEP_MAX_MS),
			.response_max_bytes = REPLY_MAX_BYTES, .plain_http = true,
			.purpose = OUTGOING_AWS_CREDENTIALS,
		}, &v->reply, &reason);
	}
	if (e != OK) {
		*v->why = arena_printf(v->a, "%s: %.*s", v->who, STR_ARG(reason));
		return e == ERR_TOO_LARGE ? ERR_UNAVAILABLE : e;
	}
	if (v->reply.status == 200)
		return OK;
	*v->why = arena_printf(v->a, "%s answered %u", v->who, v->reply.status);
	return v->reply.status >= 500 || v->reply.status == 429 ? ERR_UNAVAILABLE : ERR_FORBIDDEN;
}

static enum err read_reply(struct visit *v, struct aws_got *out)
{
	int64_t now_ms;

	/* The endpoint's own clock where it says it, since ours may be off; its second may be
	 * almost over. */
	if (time_from_http(http_reply_header(&v->reply, "Date"), &now_ms))
		now_ms += 999;
	else
		now_ms = time_now_ms();
	const char *wrong = aws_keys_read(v->a, v->reply.body, now_ms, out);
	if (wrong == NULL)
		return OK;
	*v->why = arena_printf(v->a, "what %s answered is no keys: %s", v->who, wrong);
	return ERR_UNAVAILABLE;
}

/* --- a container -------------------------------------------------------------------- */

static enum err container_url(struct visit *v, const struct config *c, struct str *url)
{
	const struct curl_library *curl = curl_library();
	struct http_url parsed;
	struct str reason;

	*url = c->aws_container_full_uri;
	if (c->aws_container_relative_uri.len > 0)
		*url = arena_printf(v->a, CONTAINER_HOST "%.*s", STR_ARG(c->aws_container_relative_uri));
	*v->why = STR("libcurl.so.4 is not installed");
	if (curl == NULL)
		return ERR_UNAVAILABLE;
	enum err e = http_url_parse(curl, v->a, *url, true, &parsed, &reason);
	if (e != OK) {
		*v->why = arena_printf(v->a, "AWS_CONTAINER_CREDENTIALS_…_URI: %.*s", STR_ARG(reason));
		return e;
	}
	bool ours = aws_host_is_container(parsed.host);
	http_url_clean(curl, &parsed);
	*v->why = STR("AWS_CONTAINER_CREDENTIALS_FULL_URI names a host that is not this machine's");
	return ours ? OK : ERR_INVALID;
}

/* What the endpoint wants to see; absent: nothing.  The file's, when there is one: its
 * text changes while we run. */
static enum err container_token(struct visit *v, const struct config *c, struct str *token)
{
	struct str path = c->aws_container_token_file;
	char *bytes = arena_try(v->a, AWS_SESSION_MAX_BYTES + 1);

	*token = c->aws_container_token;
	if (path.len == 0)
		return OK;
	*v->why = STR("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE cannot be read, or has no token");
	int fd = open(arena_cstr(v->a, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || bytes == NULL) {
		if (fd >= 0)
			close(fd);
		return ERR_UNAVAILABLE;
	}
	ssize_t n = read(fd, bytes, AWS_SESSION_MAX_BYTES + 1);
	close(fd);
	*token = str_trim((struct str){ bytes, n < 0 ? 0 : (size_t)n });
	return is_key(*token, AWS_SESSION_MAX_BYTES) ? OK : ERR_UNAVAILABLE;
}

static enum err ask_container(struct visit *v, const struct config *c, struct aws_got *out)
{
	struct str url, token;

	v->who = "the container's endpoint";
	enum err e = container_url(v, c, &url);
	if (e == OK)
		e = container_token(v, c, &token);
	if (e == OK)
		e = step(v, "GET", url, (struct http_header){ STR("Authorization"), token });
	return e == OK ? read_reply(v, out) : e;
}

/* --- an instance -------------------------------------------------------------------- */

/* It becomes part of a path. */
static bool is_role(struct str s)
{
	static const char others[] = "+=,.@_-";

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i], low = (char)(c | 0x20);
		if (!(c >= '0' && c <= '9') && !(low >= 'a' && low <= 'z') &&
		    (c == '\0' || strchr(others, c) == NULL))
			return false;
	}
	return s.len > 0 && s.len <= ROLE_MAX_BYTES;
}

static enum err ask_instance(struct visit *v, const struct config *c, struct aws_got *out)
{
	struct str base = c->aws_metadata_endpoint;

	v->who = "the instance's metadata";
	while (str_ends(base, STR("/")))
		base.len--;
	enum err e = step(v, "PUT", arena_printf(v->a, "%.*s/latest/api/token", STR_ARG(base)),
	    (struct http_header){ STR("X-aws-ec2-metadata-token-ttl-seconds"), STR(METADATA_TTL_S) });
	if (e != OK)
		return e;
	struct http_header token = { STR("X-aws-ec2-metadata-token"), str_trim(v->reply.body) };
	*v->why = STR("the instance's metadata gave no token");
	if (!is_key(token.value, AWS_SESSION_MAX_BYTES))
		return ERR_UNAVAILABLE;
	e = step(v, "GET", arena_printf(v->a, "%.*s" ROLES_PATH, STR_ARG(base)), token);
	if (e != OK)
		return e;
	struct str rest = v->reply.body, role = str_trim(str_cut(&rest, '\n'));
	*v->why = STR("the instance has no role");
	if (!is_role(role))
		return ERR_FORBIDDEN;
	e = step(v, "GET", arena_printf(v->a, "%.*s" ROLES_PATH "%.*s", STR_ARG(base), STR_ARG(role)),
	    token);
	return e == OK ? read_reply(v, out) : e;
}

enum err aws_source_ask(enum aws_source source, const struct config *config,
    struct http_client *net, struct arena *a, uint64_t deadline_ns, struct aws_got *out,
    struct str *why)
{
	struct visit v = { .net = net, .a = a, .deadline_ns = deadline_ns, .why = why };

	switch (source) {
	case AWS_SOURCE_CONTAINER:
		return ask_container(&v, config, out);
	case AWS_SOURCE_INSTANCE:
		return ask_instance(&v, config, out);
	default:
		*why = STR("AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is missing or too long, and no "
		    "container or instance gives keys");
		return ERR_INVALID;
	}
}
