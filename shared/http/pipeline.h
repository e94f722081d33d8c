/*
 * pipeline: the life of one request, between the web server's variables and the
 * bytes of the reply.  Knows nothing of FastCGI: serve/ brings the variables and
 * takes the reply, and so do the tests.
 */
#ifndef HTTP_PIPELINE_H
#define HTTP_PIPELINE_H

#include "http/app.h"

/* What goes out, in the worker's arena: good until the next request. */
struct reply {
	uint16_t   status;
	struct str head;                /* "Status: 200 OK\r\n…\r\n\r\n", the CGI header block */
	struct str body;                /* empty for HEAD, 204, 304 */
	void     (*stream)(void *context, const struct body_sink *sink);       /* instead of body */
	void      *stream_context;
};

/* Everything up to the reply.  Resets the worker's arena first. */
void http_handle(struct worker *w, const struct cgi *cgi, const struct body_source *body,
    struct reply *out) NONNULL_ALL;
/* After the reply was written: the log line, metrics. `sent` is false when the
 * client went away. */
void http_finish(struct worker *w, bool sent) NONNULL_ALL;

#endif
