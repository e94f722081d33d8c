/*
 * front_matter_source: what the readers of the three notations have in common.
 * Internal to front_matter.c and its readers.
 */
#ifndef CONTENT_FRONT_MATTER_SOURCE_H
#define CONTENT_FRONT_MATTER_SOURCE_H

#include "content/front_matter.h"

struct front_matter_source {
	struct arena              *arena;
	struct str                 text;        /* between the delimiters */
	uint32_t                   line;        /* of the file, where it begins */
	struct front_matter_error *error;
};

/* Fills *error and returns ERR_INVALID.  `line` counts from 1 within the text. */
enum err front_matter_fail(const struct front_matter_source *s, uint32_t line, uint32_t column,
    const char *fmt, ...) NONNULL(1, 4) PRINTF(4, 5);

/* Each appends the text as one JSON object. */
NODISCARD enum err front_matter_yaml(const struct front_matter_source *s, struct buf *json)
    NONNULL_ALL;
NODISCARD enum err front_matter_toml(const struct front_matter_source *s, struct buf *json)
    NONNULL_ALL;

#endif
