/*
 * record: FastCGI records as bytes (FastCGI 1.0, 3.3 to 5.5): what a connection
 * has to say, and what is answered to it outside of a request.
 * Threads: values and pure functions; no I/O.
 */
#ifndef SERVE_RECORD_H
#define SERVE_RECORD_H

#include <fastcgi.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/str.h"

#define RECORD_CONTENT_MAX 65528        /* of one record of ours: the most that needs no padding */
#define RECORD_PADDING_MAX 255

struct record_header {
	uint8_t  type, padding;
	uint16_t id, length;
};

enum opening_kind {
	OPENING_SHORT,          /* not yet a whole header, or not yet its role */
	OPENING_REQUEST,        /* a request for a responder */
	OPENING_ROLE,           /* a request for another role */
	OPENING_MANAGEMENT,     /* request id 0 */
	OPENING_STRAY,          /* of a request that is not under way: to be ignored */
	OPENING_BROKEN          /* not FastCGI 1 */
};

/* What the first bytes of a connection, or those after a request, are. */
struct opening {
	enum opening_kind    kind;
	struct record_header header;    /* not when SHORT or BROKEN */
	size_t               size;      /* REQUEST: up to the end of its input; 0: not all there */
	bool                 more;      /* REQUEST: all there, and something behind it */
};

/* The eight bytes at `bytes`. */
struct record_header record_header_read(const unsigned char *bytes) NONNULL_ALL;
void record_header_write(struct record_header h, unsigned char out[FCGI_HEADER_LEN]) NONNULL_ALL;

void record_opening(struct str bytes, struct opening *out) NONNULL(2);

/* Answers of a fixed size; the return value is their length. */
size_t record_end_request(uint16_t id, uint8_t protocol_status, unsigned char out[16]) NONNULL_ALL;
size_t record_unknown_type(uint8_t type, unsigned char out[16]) NONNULL_ALL;

#define RECORD_VALUES_MAX 128           /* a FCGI_GET_VALUES_RESULT that has everything we know */

/* FCGI_GET_VALUES_RESULT for the names in `content`, each once; names that we do
 * not know, and what is malformed, are left out (4.1). */
size_t record_values(struct str content, unsigned connections_max,
    unsigned char out[RECORD_VALUES_MAX]) NONNULL(3);

#endif
