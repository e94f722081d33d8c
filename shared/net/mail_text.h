/*
 * mail_text: mail as bytes (RFC 5322, MIME in RFC 2045 to 2047).
 * Nothing that comes from outside can begin a header: line breaks and other
 * controls are refused, what is not plain ASCII is encoded.
 * Threads: safe from any.
 */
#ifndef NET_MAIL_TEXT_H
#define NET_MAIL_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

struct mailbox {
	struct str address;             /* "ann@example.org" */
	struct str name;                /* what is shown; absent: the address alone */
};

/* "ann@example.org" or "Ann <ann@example.org>", the name perhaps in quotes; views of `text`.  False: neither. */
NODISCARD bool mailbox_parse(struct str text, struct mailbox *out) NONNULL(2);
/* ASCII, one @ with something on both sides, no white space and none of <>()[]\,;:" */
bool mail_address_is_good(struct str address) PURE;

struct mail_text {
	struct mailbox from, to;
	struct str     subject, text, html;     /* UTF-8 */
	int64_t        now_ms;
};

/* ERR_INVALID: an address that is none, a control character in a name or subject,
 * or what is no UTF-8; nothing is written then.  Over its bound `out` fails. */
NODISCARD enum err mail_text_write(struct buf *out, const struct mail_text *m) NONNULL_ALL;

#endif
