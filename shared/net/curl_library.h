/*
 * curl_library: libcurl, loaded by who first calls out.
 * It brings some twenty libraries of its own, which cost a handler several
 * milliseconds of start: more than it takes to start one.  Most handlers never
 * call out, and on Lambda each start is a client's wait.
 * Lifetime: from the first curl_library until the process ends.
 * Threads:  safe from any.
 * Blocking: the first call reads the libraries from disk (some 10 ms).
 */
#ifndef NET_CURL_LIBRARY_H
#define NET_CURL_LIBRARY_H

#include <stdbool.h>

#include <curl/curl.h>

#include "base/attr.h"

/* A member is named for the function without its "curl_": the macros that check
 * curl_easy_setopt's types do not see these calls. */
struct curl_library {
	__typeof__(curl_easy_init)       *easy_init;
	__typeof__(curl_easy_cleanup)    *easy_cleanup;
	__typeof__(curl_easy_reset)      *easy_reset;
	__typeof__(curl_easy_perform)    *easy_perform;
	__typeof__(curl_easy_setopt)     *easy_setopt;
	__typeof__(curl_easy_getinfo)    *easy_getinfo;
	__typeof__(curl_easy_strerror)   *easy_strerror;
	__typeof__(curl_url)             *url;
	__typeof__(curl_url_cleanup)     *url_cleanup;
	__typeof__(curl_url_set)         *url_set;
	__typeof__(curl_url_get)         *url_get;
	__typeof__(curl_url_dup)         *url_dup;
	__typeof__(curl_free)            *free;
};

/* NULL when libcurl is not installed, or is not one that this was built for. */
NODISCARD const struct curl_library *curl_library(void);

/* Options of one handle, set one after the other: whether all were taken is asked
 * once, at the end.  An option that the library does not know must stop the call:
 * some of them are what keeps it safe. */
struct curl_options {
	const struct curl_library *curl;
	CURL                      *handle;
	bool                       failed;
};

void curl_set_long(struct curl_options *o, CURLoption option, long value) NONNULL_ALL;
void curl_set_text(struct curl_options *o, CURLoption option, const char *value) NONNULL(1);
/* Of an option that takes a pointer to data; functions are set with easy_setopt. */
void curl_set_pointer(struct curl_options *o, CURLoption option, void *value) NONNULL(1);


/* What keeps an HTTP call where it should be: http(s) alone, no proxies, no .netrc, no
 * redirects, certificates always verified, by `ca_file` when there is one. */
void curl_set_http_bounds(struct curl_options *o, const char *ca_file) NONNULL(1);
/* Everything within `left_ms` (not 0), and `connect_ms` of it for DNS, TCP and TLS. */
void curl_set_deadline(struct curl_options *o, long left_ms, long connect_ms) NONNULL_ALL;

#endif
