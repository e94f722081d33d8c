#include "net/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#define LIBRARY     "libcurl.so.4"
#define SILENCE_S   15L         /* below a byte a second: who is that slow is gone */

static const struct {
	const char *name;
	size_t      offset;
} symbols[] = {
	{ "curl_easy_init", offsetof(struct curl_library, easy_init) },
	{ "curl_easy_cleanup", offsetof(struct curl_library, easy_cleanup) },
	{ "curl_easy_reset", offsetof(struct curl_library, easy_reset) },
	{ "curl_easy_perform", offsetof(struct curl_library, easy_perform) },
	{ "curl_easy_setopt", offsetof(struct curl_library, easy_setopt) },
	{ "curl_easy_getinfo", offsetof(struct curl_library, easy_getinfo) },
	{ "curl_easy_strerror", offsetof(struct curl_library, easy_strerror) },
	{ "curl_url", offsetof(struct curl_library, url) },
	{ "curl_url_cleanup", offsetof(struct curl_library, url_cleanup) },
	{ "curl_url_set", offsetof(struct curl_library, url_set) },
	{ "curl_url_get", offsetof(struct curl_library, url_get) },
	{ "curl_url_dup", offsetof(struct curl_library, url_dup) },
	{ "curl_free", offsetof(struct curl_library, free) },
};

static pthread_once_t      once = PTHREAD_ONCE_INIT;
static struct curl_library library;
static bool                loaded;

/* What dlsym returns is a function's address in a pointer to data. */
static bool find(void *handle, const char *name, void *function)
{
	void *address = dlsym(handle, name);

	memcpy(function, &address, sizeof(address));
	return address != NULL;
}

static void load(void)
{
	__typeof__(curl_global_init) *global_init;
	void *handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (handle == NULL || !find(handle, "curl_global_init", &global_init))
		return;
	for (size_t i = 0; i < COUNT(symbols); i++)
		if (!find(handle, symbols[i].name, (char *)&library + symbols[i].offset))
			return;
	loaded = global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

const struct curl_library *curl_library(void)
{
	pthread_once(&once, load);
	return loaded ? &library : NULL;
}

void curl_set_long(struct curl_options *o, CURLoption option, long value)
{
	o->failed |= o->curl->easy_setopt(o->handle, option, value) != CURLE_OK;
}

void curl_set_text(struct curl_options *o, CURLoption option, const char *value)
{
	o->failed |= o->curl->easy_setopt(o->handle, option, value) != CURLE_OK;
}

void curl_set_pointer(struct curl_options *o, CURLoption option, void *value)
{
	o->failed |= o->curl->easy_setopt(o->handle, option, value) != CURLE_OK;
}

void curl_set_http_bounds(struct curl_options *o, const char *ca_file)
{
	curl_set_text(o, CURLOPT_USERAGENT, "quiver/" QUIVER_VERSION);
	curl_set_text(o, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_set_text(o, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	curl_set_long(o, CURLOPT_FOLLOWLOCATION, 0);
	curl_set_long(o, CURLOPT_DISALLOW_USERNAME_IN_URL, 1);
	curl_set_long(o, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	curl_set_text(o, CURLOPT_PROXY, "");
	curl_set_long(o, CURLOPT_NETRC, CURL_NETRC_IGNORED);
	curl_set_long(o, CURLOPT_SSL_VERIFYPEER, 1);
	curl_set_long(o, CURLOPT_SSL_VERIFYHOST, 2);
	curl_set_long(o, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
	if (ca_file != NULL)
		curl_set_text(o, CURLOPT_CAINFO, ca_file);
	/* Without a folder libcurl keeps the authorities it read (25 ms) between connections. */
	curl_set_text(o, CURLOPT_CAPATH, NULL);
	curl_set_long(o, CURLOPT_NOSIGNAL, 1);
	/* Else a deadline that passes during DNS waits for the resolver's thread. */
	curl_set_long(o, CURLOPT_QUICK_EXIT, 1);
}

void curl_set_deadline(struct curl_options *o, long left_ms, long connect_ms)
{
	curl_set_long(o, CURLOPT_TIMEOUT_MS, left_ms);
	curl_set_long(o, CURLOPT_CONNECTTIMEOUT_MS, left_ms < connect_ms ? left_ms : connect_ms);
	curl_set_long(o, CURLOPT_LOW_SPEED_LIMIT, 1);
	curl_set_long(o, CURLOPT_LOW_SPEED_TIME, SILENCE_S);
}
