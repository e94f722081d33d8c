/*
 * fastcgi: what is said on one connection of a web server (FastCGI 1.0).
 * libfcgi reads requests; what it does not do to the letter is done here:
 * other roles, management records, requests sent ahead, and the reply, which
 * goes out in one system call (outgoing.h).
 * Lifetime: one a worker, used for each connection it takes up.
 * Threads:  one at a time.
 * Blocking: while an endpoint works, and at most timeout_ms whenever the peer is
 *           silent in the middle of a request; never on one that says nothing.
 */
#ifndef SERVE_FASTCGI_H
#define SERVE_FASTCGI_H

#include <fcgiapp.h>

#include "base/limits.h"
#include "http/app.h"
#include "serve/outgoing.h"

/* What libfcgi takes in by its first read, less what it may lose to alignment: a
 * request seen whole in as much never makes it wait. */
#define FASTCGI_PEEK_BYTES 8184

struct fastcgi {
	struct worker        *worker;
	struct metric_series *in_flight;
	unsigned              connections_max;  /* told to a server that asks */
	int                   timeout_ms;
	int                   fd;               /* the connection in hand */
	bool                  whole;            /* all of its request is there: no read waits */
	bool                  silent;           /* its body did not arrive in time */
	FCGX_Request          request;
	struct outgoing       out;
	struct cgi_variable   variables[CGI_PARAMS_MAX];
	char                  peeked[FASTCGI_PEEK_BYTES];
};

/* What is to become of the connection. */
enum fastcgi_next {
	FASTCGI_WAIT,           /* kept: until it says something */
	FASTCGI_AGAIN,          /* it may have said more already */
	FASTCGI_CLOSE,          /* everything is said */
	FASTCGI_LINGER,         /* close, but it may still be sending */
	FASTCGI_BROKEN,         /* close: not FastCGI, or broken off */
	FASTCGI_SILENT          /* close: it kept us waiting */
};

/* Takes up `fd`: one request, or one record outside of requests.  When it returns
 * BROKEN or SILENT f->fd is -1 if libfcgi has closed the connection already. */
enum fastcgi_next fastcgi_converse(struct fastcgi *f, int fd) NONNULL_ALL;

/* Closes so that a peer that is still sending gets to read what it was told. */
void fastcgi_linger(int fd);

#endif
