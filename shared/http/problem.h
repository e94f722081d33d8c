/*
 * problem: error replies as RFC 9457 has them.
 * One row an error in problem.c: status, type, title.
 */
#ifndef HTTP_PROBLEM_H
#define HTTP_PROBLEM_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "http/request.h"
#include "http/response.h"

struct problem_kind {
	uint16_t    status;
	const char *name;               /* type is "/problems/NAME" */
	const char *title;              /* the same in every occurrence */
	const char *meaning;            /* a sentence for /problems/NAME */
};

/* The row for an error, or for a status that has none of its own. */
const struct problem_kind *problem_of(enum err e, uint16_t status);
/* By name, for the docs; NULL when there is none.  problem_at: NULL past the end. */
const struct problem_kind *problem_named(struct str name);
const struct problem_kind *problem_at(size_t i);
/* Makes `res` the problem for `e`, with the detail and field errors it holds, in the
 * form that the route's errors have. */
void problem_write(const struct request *req, struct response *res, enum err e) NONNULL_ALL;
/* "Not Found" for 404; "" for a status that is not known. */
const char *status_text(uint16_t status);
/* A dense number for a known status, 0 for all others; under STATUSES_MAX. */
size_t status_index(uint16_t status);

#endif
