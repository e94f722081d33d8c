#include "auth/provider_return.h"

#include <string.h>

/* What a URI is made of (RFC 3986, 2), less the fragment's mark.  No backslash: browsers
 * take it for a slash; no control byte and no space: they drop them. */
static bool has_uri_bytes(struct str s)
{
	static const char marks[] = "-._~:/?[]@!$&'()*+,;=%";

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i], low = (char)(c | 0x20);

		if (!(low >= 'a' && low <= 'z') && !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr(marks, c) == NULL))
			return false;
	}
	return s.len > 0;
}

/* "https://app.example:8443" of a URL; what is none has none. */
static struct str origin_of(struct str url)
{
	size_t scheme = str_starts(url, STR("https://")) ? 8 : 7;
	size_t end;

	if (!str_starts(url, STR("https://")) && !str_starts(url, STR("http://")))
		return STR_NONE;
	for (end = scheme; end < url.len && url.ptr[end] != '/' && url.ptr[end] != '?'; end++)
		if (url.ptr[end] == '@')
			return STR_NONE;
	return end == scheme ? STR_NONE : str_first(url, end);
}

enum provider_return provider_return_check(struct str to, struct str own,
    const struct cors *others)
{
	struct str origin;

	if (!has_uri_bytes(to))
		return PROVIDER_RETURN_NOWHERE;
	if (to.ptr[0] == '/')
		return str_starts(to, STR("//")) ? PROVIDER_RETURN_NOWHERE : PROVIDER_RETURN_HERE;
	origin = origin_of(to);
	if (origin.ptr == NULL)
		return PROVIDER_RETURN_NOWHERE;
	if (str_eq(origin, origin_of(own)))
		return PROVIDER_RETURN_HERE;
	return cors_allows(others, origin) ? PROVIDER_RETURN_ELSEWHERE : PROVIDER_RETURN_NOWHERE;
}
