/*
 * toml_reader: TOML 1.0 as JSON.
 * The parser (toml++) is C++, and its shim toml_reader.cpp the one C++ file of
 * the tree: this header is all that C sees of it.  No exception leaves it.
 * Threads:  safe from any.
 */
#ifndef CONTENT_TOML_READER_H
#define CONTENT_TOML_READER_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

#ifdef __cplusplus
extern "C" {
#endif

struct toml_error {
	uint32_t line, column;          /* from 1 */
	char     reason[192];
};

/* Writes the document as one object.  Dates and times become RFC 3339 text, in
 * UTC where they have no offset; infinities and NaN become null.
 * ERR_INVALID: not TOML, *error is filled.  ERR_NO_MEMORY. */
enum err toml_read(struct str text, struct json_writer *out, struct toml_error *error);

#ifdef __cplusplus
}
#endif

#endif
