/*
 * error_form: a failure in another form than RFC 9457's, for routes that say so.
 * Internal to http/.
 */
#ifndef HTTP_ERROR_FORM_H
#define HTTP_ERROR_FORM_H

#include "base/attr.h"
#include "http/problem.h"

/* {"error", "error_description"} (RFC 6749, 5.2) into res->buffer; res->status becomes
 * one that section knows. */
void oauth_error_write(struct response *res, const struct problem_kind *kind) NONNULL_ALL;
/* A page for people into res->buffer. */
void error_page_write(const struct request *req, struct response *res,
    const struct problem_kind *kind) NONNULL_ALL;

#endif
