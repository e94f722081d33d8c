#include "auth/oauth_redirect.h"

#include "base/buf.h"

#define LOCATION_MAX_BYTES 16384        /* a redirect URI, a code, and a state escaped */

static bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What a URI is made of (RFC 3986, 2), less the fragment's mark. */
static bool has_uri_bytes(struct str s)
{
	static const char marks[] = "-._~:/?[]@!$&'()*+,;=%";

	for (size_t i = 0; i < s.len; i++)
		if (!is_alpha(s.ptr[i]) && !is_digit(s.ptr[i]) &&
		    (s.ptr[i] == '\0' || strchr(marks, s.ptr[i]) == NULL))
			return false;
	return true;
}

/* What stands after "scheme://" up to path, query or the end. */
static struct str authority_of(struct str uri)
{
	struct str rest = str_from(uri, str_index(uri, ':') + 3);
	size_t     end = str_index(rest, '/'), query = str_index(rest, '?');

	return str_first(rest, query < end ? query : end);
}

static bool is_port(struct str s)
{
	uint64_t n;

	return str_to_u64(s, &n) && n > 0 && n <= 65535;
}

static bool has_only(struct str s, const char *marks)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_alpha(s.ptr[i]) && !is_digit(s.ptr[i]) && strchr(marks, s.ptr[i]) == NULL)
			return false;
	return s.len > 0;
}

/* A host and perhaps a port: what may stand in a security policy. */
static bool is_authority(struct str s)
{
	struct str port = s, host = str_cut(&port, ':');

	if (!str_starts(s, STR("[")))
		return has_only(host, ".-") && (port.ptr == NULL || is_port(port));
	host = str_from(str_first(s, str_index(s, ']')), 1);
	port = str_from(s, host.len + 2);
	return host.len + 1 < s.len && has_only(host, ":.") && (port.len == 0 ||
	    (port.ptr[0] == ':' && is_port(str_from(port, 1))));
}

static bool is_loopback(struct str authority)
{
	struct str host = str_starts(authority, STR("[")) ?
	    str_first(authority, str_index(authority, ']') + 1) :
	    str_first(authority, str_index(authority, ':'));

	return str_eq(host, STR("127.0.0.1")) || str_eq(host, STR("[::1]")) ||
	    str_eq(host, STR("localhost"));
}

/* A domain name of the client's, turned round. */
static bool is_private_scheme(struct str scheme)
{
	for (size_t i = 0; i < scheme.len; i++) {
		char c = scheme.ptr[i];

		if (!(c >= 'a' && c <= 'z') && !(i > 0 && (is_digit(c) || c == '.' || c == '-')))
			return false;
	}
	return str_index(scheme, '.') < scheme.len && !str_ends(scheme, STR("."));
}

const char *redirect_problem(struct str uri, bool is_public)
{
	struct str scheme = str_first(uri, str_index(uri, ':'));

	if (str_index(uri, '#') < uri.len)
		return "must not have a fragment";
	if (!has_uri_bytes(uri) || scheme.len == uri.len)
		return "must be an absolute URI";
	if (str_starts(uri, STR("https://")) || str_starts(uri, STR("http://"))) {
		if (!is_authority(authority_of(uri)))
			return "must name a host, without a user";
		return str_starts(uri, STR("https://")) || is_loopback(authority_of(uri)) ? NULL :
		    "must be https, or http on 127.0.0.1, [::1] or localhost";
	}
	if (!is_private_scheme(scheme))
		return "must be https, http on this machine, or a scheme with a dot in it "
		    "(com.example.app:/callback)";
	return is_public ? NULL : "of a confidential client must be https, or http on this machine";
}

bool redirect_is_claimed(struct str uri)
{
	return str_starts(uri, STR("https://"));
}

struct str redirect_origin(struct str uri)
{
	size_t scheme = str_index(uri, ':') + 1;

	if (!str_starts(uri, STR("https://")) && !str_starts(uri, STR("http://")))
		return str_first(uri, scheme);
	return str_first(uri, scheme + 2 + authority_of(uri).len);
}

/* Everything but what needs no escape in any part (RFC 3986, 2.3). */
static void add_escaped(struct buf *out, struct str s)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];

		if (is_alpha((char)c) || is_digit((char)c) || c == '-' || c == '.' || c == '_' ||
		    c == '~') {
			buf_char(out, (char)c);
			continue;
		}
		buf_char(out, '%');
		buf_char(out, hex[c >> 4]);
		buf_char(out, hex[c & 15]);
	}
}

void redirect_to(struct response *res, struct str uri, const struct path_parameter *list,
    size_t count)
{
	struct buf location;
	char       separator = str_index(uri, '?') < uri.len ? '&' : '?';

	buf_init(&location, res->arena, LOCATION_MAX_BYTES);
	buf_add(&location, uri);
	for (size_t i = 0; i < count; i++) {
		if (list[i].value.ptr == NULL)
			continue;
		buf_char(&location, separator);
		separator = '&';
		buf_add(&location, list[i].name);
		buf_char(&location, '=');
		add_escaped(&location, list[i].value);
	}
	res->status = 303;              /* a form's POST becomes a GET (RFC 9700, 2.1) */
	res->body = STR_NONE;
	res->content_type = STR("text/html; charset=utf-8");
	res->no_store = true;
	response_header(res, "Location", buf_str(&location));
}
