/*
 * json_list: settings that are a JSON list of objects (OIDC_ISSUERS, AUTH_PROVIDERS).
 * An entry is read by a table of its members; the first fault ends it, named by
 * setting, entry and member, and never by what was given: that may be a secret in the
 * wrong place.
 * Threads: as `a`.
 */
#ifndef CONFIG_JSON_LIST_H
#define CONFIG_JSON_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

struct json_list_form;

/* One entry while it is read. */
struct json_entry {
	const struct json_list_form *form;
	struct arena                *arena;
	size_t                       index;     /* from 0 */
	void                        *out;       /* what it becomes: the form's own */
	void                        *list;      /* where it goes to: the form's own */
	struct str                   reason;    /* absent: all is well */
};

/* False, for `return`. */
bool json_entry_refuse(struct json_entry *r, const char *member, const char *why) NONNULL_ALL;

struct json_entry_member {
	const char *name;
	bool        required;
	bool      (*read)(struct json_entry *r, const struct json *v);
};

struct json_list_form {
	const char *setting;
	const char *example;            /* of the whole list */
	const struct json_entry_member *members;        /* in the order they are read in */
	size_t      n_members;
	/* Before the members: what holds where the entry says nothing. */
	void      (*begin)(struct json_entry *r, const struct json *entry);
	/* After them: puts it into the list. */
	bool      (*add)(struct json_entry *r);
};

/* Reads `text`, an entry at a time through `out`, into `list`; texts are borrowed from
 * what `a` holds.  ERR_INVALID: *reason says what is wrong and what would do. */
NODISCARD enum err json_list_read(struct arena *a, const struct json_list_form *form,
    struct str text, void *out, void *list, struct str *reason) NONNULL(1, 2, 4, 5, 6);

#endif
