/*
 * smtp: one mail to one server (RFC 5321 by libcurl).
 * Encryption: smtps:// from the first byte.  smtp:// to another machine: STARTTLS
 * is demanded where there are credentials, and otherwise used when offered, which
 * who sits between can prevent.  To loopback: none.  A certificate is verified
 * wherever there is one.
 * Lifetime: the connection stays open between mails.
 * Threads:  one at a time.
 * Blocking: until the deadline given.
 */
#ifndef NET_SMTP_H
#define NET_SMTP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/str.h"

struct smtp;                            /* opaque */

/* `url`: smtp(s)://[user[:password]@]host[:port], percent-encoded where needed.
 * `ca_file` as in http_client_new. */
NODISCARD struct smtp *smtp_new(struct str url, struct str ca_file);
/* Wipes what it knows. */
void smtp_free(struct smtp *s);

struct smtp_mail {
	struct str from, to;            /* addresses that mail_address_is_good */
	struct str bytes;
	uint64_t   deadline_ns;         /* by time_monotonic_ns */
	const _Atomic uint64_t *stop_by_ns;     /* one that may come nearer meanwhile */
};

/* OK: the server has taken it.  ERR_FORBIDDEN: it never will (5yz).  ERR_INVALID: no
 * such URL.  ERR_TIMEOUT, ERR_UNAVAILABLE: try later.  *reason is for the log and
 * holds neither credentials nor mail. */
NODISCARD enum err smtp_send(struct smtp *s, struct arena *a, const struct smtp_mail *mail,
    struct str *reason) NONNULL_ALL;

#endif
