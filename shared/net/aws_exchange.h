/*
 * aws_exchange: a connection to an AWS service, and one POST after the other over it;
 * for aws_client.c.  It does not share http_client's handle: options that never change
 * are set once, which is a good part of a short call, and what was sent must be known.
 * A connection is given up when it was idle for long by either clock (one stands still
 * while a Lambda function is frozen), when it is old, and when it is found closed.
 * Lifetime: connects with the first POST.
 * Threads:  one at a time.
 * Blocking: as long as the POST's timeout.
 */
#ifndef NET_AWS_EXCHANGE_H
#define NET_AWS_EXCHANGE_H

#include "base/buf.h"
#include "base/err.h"
#include "net/curl_library.h"

struct aws_exchange;                    /* opaque */

/* `url` and `ca_file` (NULL: the system's) must outlive it.  Aborts without memory. */
NODISCARD struct aws_exchange *aws_exchange_new(const char *url, const char *ca_file) NONNULL(1);
void aws_exchange_free(struct aws_exchange *x);

struct aws_post {
	struct curl_slist *lines;       /* all headers but Content-Length and User-Agent */
	struct str         body;
	uint64_t           timeout_ms;  /* not 0 */
	bool               once;        /* never sent twice, also not when a connection turns out
	                                 * to have been closed: libcurl would */
	struct buf        *reply;       /* takes the body */
};

struct aws_answer {
	uint16_t    status;
	bool        sent;               /* perhaps not all of it */
	bool        resent;             /* libcurl did, on another connection: the first may have
	                                 * arrived all the same */
	bool        reused;             /* on a connection that was there already */
	bool        has_crc;
	uint32_t    crc;                /* x-amz-crc32 */
	char        date[40];           /* Date; "" */
	const char *message;            /* why not, for the log; good until the next POST */
};

/* OK: there is a whole answer.  ERR_TIMEOUT, ERR_UNAVAILABLE; ERR_TOO_LARGE: over the
 * reply's bound, or its head over HTTP_HEAD_MAX_BYTES; ERR_NO_MEMORY. */
NODISCARD enum err aws_exchange_post(struct aws_exchange *x, const struct aws_post *post,
    struct aws_answer *answer) NONNULL_ALL;

#endif
