/*
 * redis_url: REDIS_URL taken apart.
 *   redis://[USER:PASSWORD@]HOST[:PORT][/DB]     USER may be empty; %XX is decoded
 *   unix:/PATH
 * There is no rediss://: hiredis 0.14 speaks no TLS.  A tunnel on this machine does.
 */
#ifndef NET_REDIS_URL_H
#define NET_REDIS_URL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

#define REDIS_HOST_MAX  255
#define REDIS_WORD_MAX  512     /* a user's name or password */
#define REDIS_PATH_MAX  107     /* of a unix socket: what the kernel takes */
#define REDIS_PORT      6379
#define REDIS_DB_MAX    1023

struct redis_target {
	bool     local;                         /* a unix socket */
	char     host[REDIS_HOST_MAX + 1];      /* or its path; an IPv6 address has no brackets */
	uint16_t port;
	uint16_t db;
	char     user[REDIS_WORD_MAX + 1];      /* empty: Redis' "default" */
	char     password[REDIS_WORD_MAX + 1];  /* empty: none */
};

/* ERR_INVALID: *why says what is wrong, without any of its parts (it has a password). */
NODISCARD enum err redis_url_parse(struct str url, struct redis_target *out, const char **why)
    NONNULL(2, 3);

#endif
