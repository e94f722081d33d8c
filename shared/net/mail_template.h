/*
 * mail_template: what mails say, from files that an operator may replace.
 * NAME.txt begins with a line "Subject: …" and an empty one; NAME.html is the
 * same for who reads HTML.  {{variable}} stands for a value, which HTML gets
 * escaped.  A line that names a variable without a value is left out.
 * Lifetime: read when first asked for, and kept until mail_templates_close.
 * Threads:  safe from any.
 * Blocking: two small files, once a template.
 */
#ifndef NET_MAIL_TEMPLATE_H
#define NET_MAIL_TEMPLATE_H

#include <pthread.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

enum mail_kind {
	MAIL_CONFIRM,                   /* code, minutes: prove that the address is yours */
	MAIL_RESET,                     /* code, minutes: choose a new password */
	MAIL_ALREADY_REGISTERED,        /* someone registered with an address that has an account */
	MAIL_PASSWORD_CHANGED,          /* security notices: time */
	MAIL_TOTP_CHANGED,
	MAIL_NEW_SIGN_IN,
	MAIL_PROVIDER_LINKED,           /* provider */
	MAIL_KEY_LEAKED,                /* key: what may be shown of it */
	MAIL_KINDS
};

enum mail_variable {
	MAIL_PRODUCT, MAIL_LINK, MAIL_CODE, MAIL_MINUTES, MAIL_NAME, MAIL_PROVIDER, MAIL_KEY,
	MAIL_TIME,
	MAIL_VARIABLES
};

/* A value each; absent or empty: none. */
struct mail_values {
	struct str of[MAIL_VARIABLES];
};

struct mail_template {
	bool       loaded;
	struct str subject, text, html; /* with variables in them */
};

struct mail_templates {
	pthread_mutex_t      reading;
	struct arena         arena;
	struct str           directory;
	struct mail_template of[MAIL_KINDS];
};

/* "already-registered": the files' name without its ending. */
const char *mail_kind_name(enum mail_kind kind);

void mail_templates_open(struct mail_templates *t, struct str directory) NONNULL(1);
void mail_templates_close(struct mail_templates *t) NONNULL_ALL;
/* ERR_NOT_FOUND: a file is missing; ERR_CORRUPT: it has no subject, names a variable
 * that is none, or is no UTF-8.  *reason says which and where. */
NODISCARD enum err mail_templates_get(struct mail_templates *t, enum mail_kind kind,
    struct arena *a, const struct mail_template **out, struct str *reason) NONNULL_ALL;

/* `text` with its variables replaced.  What is over `out`'s bound fails it. */
void mail_template_fill(struct buf *out, struct str text, const struct mail_values *values,
    bool html) NONNULL_ALL;

#endif
