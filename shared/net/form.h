/*
 * form: application/x-www-form-urlencoded, as OAuth's endpoints take it.
 * Threads: safe from any.
 */
#ifndef NET_FORM_H
#define NET_FORM_H

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

/* `text` with everything but unreserved characters (RFC 3986, 2.3) escaped. */
void form_escape(struct buf *out, struct str text) NONNULL_ALL;
/* "&name=value", without the & when it is the first; an absent value adds nothing. */
void form_add(struct buf *out, const char *name, struct str value) NONNULL_ALL;

#endif
