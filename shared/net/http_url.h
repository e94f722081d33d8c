/*
 * http_url: which URLs may be called, decided by the parser that also connects:
 * two parsers that see two hosts in one URL are how such checks are passed.
 * For what calls out: http_client.c, aws_client.c, aws_credentials.c.
 * Threads: a URL is one thread's.
 */
#ifndef NET_HTTP_URL_H
#define NET_HTTP_URL_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"
#include "net/curl_library.h"

struct http_url {
	CURLU     *handle;              /* http_url_clean frees it */
	struct str origin;              /* "https://example.org:443": what may be logged */
	struct str host, port;          /* of it; IPv6 in brackets */
};

/* ERR_INVALID: no absolute http(s) URL, one with user or password, or plain http
 * to another machine while `plain_http` is false; *reason says which. */
NODISCARD enum err http_url_parse(const struct curl_library *curl, struct arena *a, struct str text,
    bool plain_http, struct http_url *out, struct str *reason) NONNULL_ALL;
void http_url_clean(const struct curl_library *curl, struct http_url *url) NONNULL_ALL;

/* Goes to `location` when that is of the same scheme, host and port; false: it is
 * not, and the URL stays. */
NODISCARD bool http_url_follow(const struct curl_library *curl, struct arena *a,
    struct http_url *url, struct str location) NONNULL_ALL;

#endif
