/*
 * verb: what a verb of the probe has to work with.  A verb reads its question from
 * call.in, writes its value with call.w, or refuses.
 */
#ifndef TESTS_PROBE_VERB_H
#define TESTS_PROBE_VERB_H

#include "base/arena.h"
#include "base/json.h"

#define ANSWER_MAX_BYTES (64u << 20)    /* a document of 2 MB, all of it escaped */
#define HEADERS_MAX      1024           /* lines of one header, or headers, in a question */

struct call {
	struct arena      *arena;
	const struct json *in;
	struct json_writer w;           /* the value goes here */
	struct str         error;       /* absent: none */
	uint32_t           line, column;        /* of the error; 0: it has none */
};

struct texts {
	struct str list[HEADERS_MAX];
	size_t     count;
};

/* Always false: for `return refuse(c, …)`. */
bool refuse(struct call *c, struct str why);
/* The bytes of NAME_base64. */
bool read_bytes(struct call *c, const char *name, struct str *out);
/* NAME, or NAME_base64 for what is no text. */
bool read_text(struct call *c, const char *name, struct str *out);
/* Absent and null are STR_NONE. */
bool read_optional_text(struct call *c, const char *name, struct str *out);
/* A list of strings; absent and null are an empty one. */
bool read_texts(struct call *c, const char *name, struct texts *out);
/* Joined by ", "; absent when there is none. */
struct str join(struct arena *a, const struct texts *t);

/* A verb a file. */
bool structured_field_verb(struct call *c);
bool signature_verb(struct call *c);
bool event_verb(struct call *c);
bool reply_verb(struct call *c);

#endif
