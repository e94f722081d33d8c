#include "net/curl_library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#define LIBRARY "libcurl.so.4"

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
