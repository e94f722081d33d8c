/*
 * form: an application/x-www-form-urlencoded body as the JSON object that its schema
 * is checked against.
 */
#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include "base/arena.h"
#include "base/attr.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "http/schema.h"

/* A field of a number or a truth value becomes one when it reads like one, all else
 * stays text; a name without a value is as if absent (RFC 6749, 3.2).
 * ERR_INVALID: as query_parse, or over QUERY_PARAMS_MAX names; *reason says which
 * (static storage).  ERR_NO_MEMORY. */
NODISCARD enum err form_to_json(struct arena *a, const struct schema *s, struct str body,
    const struct json **out, const char **reason) NONNULL(1, 2, 4, 5);

#endif
