#include "net/http_url.h"

#include "base/limits.h"
#include "net/http_client.h"

bool http_host_is_loopback(struct str host)
{
	struct str rest = host;
	size_t parts = 0;
	uint64_t n = 0;

	if (str_eq_nocase(host, STR("localhost")) || str_eq(host, STR("[::1]")))
		return true;
	/* Four numbers of which the first is 127; not 127.evil.example. */
	for (; rest.ptr != NULL; parts++) {
		if (!str_to_u64(str_cut(&rest, '.'), &n) || n > 255 || (parts == 0 && n != 127))
			return false;
	}
	return parts == 4;
}

/* A part of the URL on the arena; absent when it has none. */
static struct str part(const struct curl_library *curl, struct arena *a, CURLU *url,
    CURLUPart which)
{
	char *text = NULL;

	if (curl->url_get(url, which, &text, which == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0) !=
	    CURLUE_OK)
		return STR_NONE;
	struct str kept = arena_dup(a, str_of(text));
	curl->free(text);
	return kept;
}

/* Controls and spaces first: what a parser makes of them differs. */
static bool is_plain_text(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
			return false;
	return text.len > 0 && text.len <= HTTP_URL_MAX_BYTES;
}

static const char *problem(const struct curl_library *curl, struct arena *a, struct str text,
    bool plain_http, struct http_url *url)
{
	if (!is_plain_text(text))
		return "the URL is empty, too long, or not printable ASCII";
	if (curl->url_set(url->handle, CURLUPART_URL, arena_cstr(a, text), CURLU_DISALLOW_USER) !=
	    CURLUE_OK)
		return "the URL is not absolute, not well-formed, or has a user in it";
	struct str scheme = part(curl, a, url->handle, CURLUPART_SCHEME);
	struct str host = part(curl, a, url->handle, CURLUPART_HOST);
	url->host = host;
	url->port = part(curl, a, url->handle, CURLUPART_PORT);
	url->origin = arena_printf(a, "%.*s://%.*s:%.*s", STR_ARG(scheme), STR_ARG(host),
	    STR_ARG(url->port));
	if (str_eq(scheme, STR("https")))
		return NULL;
	if (!str_eq(scheme, STR("http")))
		return "the URL is neither https nor http";
	if (!plain_http && !http_host_is_loopback(host))
		return "plain http to another machine; use https";
	return NULL;
}

enum err http_url_parse(const struct curl_library *curl, struct arena *a, struct str text,
    bool plain_http, struct http_url *out, struct str *reason)
{
	*out = (struct http_url){ .handle = curl->url(), .origin = STR("the URL") };
	if (out->handle == NULL)
		return ERR_NO_MEMORY;
	const char *why = problem(curl, a, text, plain_http, out);
	if (why == NULL)
		return OK;
	*reason = str_of(why);
	http_url_clean(curl, out);
	return ERR_INVALID;
}

void http_url_clean(const struct curl_library *curl, struct http_url *url)
{
	curl->url_cleanup(url->handle);
	url->handle = NULL;
}

bool http_url_follow(const struct curl_library *curl, struct arena *a, struct http_url *url,
    struct str location)
{
	struct http_url next = { .handle = curl->url_dup(url->handle) };
	struct str reason, whole;

	if (next.handle == NULL || !is_plain_text(location))
		goto refuse;
	/* Relative to where we are; then as strictly as the first one. */
	if (curl->url_set(next.handle, CURLUPART_URL, arena_cstr(a, location),
	    CURLU_DISALLOW_USER) != CURLUE_OK)
		goto refuse;
	whole = part(curl, a, next.handle, CURLUPART_URL);
	http_url_clean(curl, &next);
	if (whole.ptr == NULL || http_url_parse(curl, a, whole, true, &next, &reason) != OK)
		return false;
	if (!str_eq_nocase(next.origin, url->origin))
		goto refuse;
	http_url_clean(curl, url);
	*url = next;
	return true;
refuse:
	if (next.handle != NULL)
		http_url_clean(curl, &next);
	return false;
}
