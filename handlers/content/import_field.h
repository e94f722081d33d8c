/*
 * import_field: one field of the API out of front matter, by its type.
 * Internal to import_map.c, which has the tables and what is special.
 */
#ifndef CONTENT_IMPORT_FIELD_H
#define CONTENT_IMPORT_FIELD_H

#include "content/import_map.h"
#include "content/import_value.h"

#define IMPORT_OTHER_NAMES_MAX 9

struct import_mapping {
	struct arena             *arena;
	const struct import_file *file;
	struct json_writer        json;
	struct import_error      *error;
};

/* A field of the API, how it is found, and where else than under its own name. */
struct import_field {
	const char *name;
	enum err  (*put)(struct import_mapping *m, const struct import_field *f);
	const char *others[IMPORT_OTHER_NAMES_MAX];
};

/* Fills m->error and returns ERR_INVALID. */
enum err import_fail(struct import_mapping *m, const char *field, const char *fmt, ...)
    NONNULL_ALL PRINTF(3, 4);

/* The value at a dotted path, or NULL. */
const struct json *import_find(const struct import_mapping *m, const char *path) NONNULL_ALL;
/* The field's own value, even when it is null; NULL when it is not named. */
const struct json *import_own(const struct import_mapping *m, const struct import_field *f)
    NONNULL_ALL;
/* Own, or the first other one that has something and is of a fitting type; *path
 * is where it was. */
const struct json *import_own_or_other(struct import_mapping *m, const struct import_field *f,
    bool (*fits)(const struct json *v), const char **path) NONNULL_ALL;
/* Neither a list nor a mapping. */
bool import_is_scalar(const struct json *v);
/* Absent, null, or white space. */
bool import_is_blank(const struct json *v);

/* Looks for a time; *found says whether there is one. */
NODISCARD enum err import_find_time(struct import_mapping *m, const struct import_field *f,
    int64_t *ms, bool *found) NONNULL_ALL;
/* Adds what is found to the list. */
NODISCARD enum err import_find_list(struct import_mapping *m, const struct import_field *f,
    struct import_list *list) NONNULL_ALL;

/* Each writes one member, or none when there is nothing to write. */
NODISCARD enum err import_put_string(struct import_mapping *m, const char *field, struct str text)
    NONNULL(1, 2);
NODISCARD enum err import_put_list_items(struct import_mapping *m, const struct import_field *f,
    const struct import_list *list) NONNULL_ALL;
NODISCARD enum err import_put_text(struct import_mapping *m, const struct import_field *f)
    NONNULL_ALL;
/* Under another name than its own a path within the generator's site may stand: it
 * leads nowhere from here, and is passed over. */
NODISCARD enum err import_put_address(struct import_mapping *m, const struct import_field *f)
    NONNULL_ALL;
NODISCARD enum err import_put_flag(struct import_mapping *m, const struct import_field *f)
    NONNULL_ALL;
NODISCARD enum err import_put_date(struct import_mapping *m, const struct import_field *f)
    NONNULL_ALL;
NODISCARD enum err import_put_list(struct import_mapping *m, const struct import_field *f)
    NONNULL_ALL;

#endif
