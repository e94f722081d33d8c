#include "net/redis_url.h"

#include <string.h>

#include "base/limits.h"

#define SCHEME       "redis://"
#define LOCAL_SCHEME "unix:"

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Into `out`, which has max + 1 bytes, with a NUL; none is in it. */
static bool decode(struct str text, char *out, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == '%') {
			int high = i + 2 < text.len ? digit_of(text.ptr[i + 1]) : -1;
			int low = high >= 0 ? digit_of(text.ptr[i + 2]) : -1;
			if (low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (c == '\0' || n == max)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return true;
}

/* A number from 0 (or `least`) to `most`; what is absent stays as it is. */
static bool read_number(struct str text, uint64_t least, uint64_t most, uint16_t *out)
{
	uint64_t n;

	if (text.ptr == NULL)
		return true;
	if (!str_to_u64(text, &n) || n < least || n > most)
		return false;
	*out = (uint16_t)n;
	return true;
}

static bool read_credentials(struct str text, struct redis_target *out)
{
	struct str password = text, user = str_cut(&password, ':');

	return password.len > 0 && decode(user, out->user, REDIS_WORD_MAX) &&
	    decode(password, out->password, REDIS_WORD_MAX);
}

/* "host", "host:port", "[address]:port". */
static bool read_place(struct str place, struct redis_target *out)
{
	struct str port = place, host;

	if (str_starts(place, STR("["))) {
		port = str_from(place, 1);
		host = str_cut(&port, ']');
		if (port.ptr == NULL)
			return false;
		if (port.len > 0 && port.ptr[0] != ':')
			return false;
		port = port.len > 0 ? str_from(port, 1) : STR_NONE;
	} else {
		host = str_cut(&port, ':');
	}
	for (size_t i = 0; i < host.len; i++)
		if (host.ptr[i] <= ' ' || host.ptr[i] > '~' || strchr("/?#@", host.ptr[i]) != NULL)
			return false;
	return host.len > 0 && decode(host, out->host, REDIS_HOST_MAX) &&
	    read_number(port, 1, UINT16_MAX, &out->port);
}

static enum err parse_local(struct str path, struct redis_target *out, const char **why)
{
	*out = (struct redis_target){ .local = true };
	if (!str_starts(path, STR("/")))
		*why = "expected unix:/PATH, the socket's full path";
	else if (!decode(path, out->host, REDIS_PATH_MAX))
		*why = "the socket's path is longer than 107 bytes, or has a bad %";
	else
		return OK;
	return ERR_INVALID;
}

enum err redis_url_parse(struct str url, struct redis_target *out, const char **why)
{
	struct str rest, place, db, credentials = STR_NONE;

	*out = (struct redis_target){ .port = REDIS_PORT };
	if (str_starts(url, STR(LOCAL_SCHEME)))
		return parse_local(str_from(url, sizeof(LOCAL_SCHEME) - 1), out, why);
	*why = "expected redis://[USER:PASSWORD@]HOST[:PORT][/DB] or unix:/PATH";
	if (str_starts(url, STR("rediss://")))
		*why = "TLS to Redis goes through a tunnel on this machine: give the tunnel's "
		    "address, redis://127.0.0.1:PORT or unix:/PATH";
	if (!str_starts(url, STR(SCHEME)))
		return ERR_INVALID;
	rest = str_from(url, sizeof(SCHEME) - 1);
	if (str_index(rest, '@') < rest.len)
		credentials = str_cut(&rest, '@');
	db = rest;
	place = str_cut(&db, '/');
	if (db.len == 0)
		db = STR_NONE;
	if (credentials.ptr != NULL && !read_credentials(credentials, out))
		*why = "before the @, expected USER:PASSWORD, or :PASSWORD; write special "
		    "characters as %40 and the like";
	else if (!read_place(place, out))
		*why = "expected a host, and a port from 1 to 65535";
	else if (!read_number(db, 0, REDIS_DB_MAX, &out->db))
		*why = "expected a database number from 0 to 1023 after the last /";
	else
		return OK;
	return ERR_INVALID;
}
