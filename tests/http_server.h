/*
 * http_server: an HTTP server on loopback for tests of what calls out.  A test says
 * what it answers, byte for byte, in a function; a thread serves each connection.
 */
#ifndef TESTS_HTTP_SERVER_H
#define TESTS_HTTP_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "tests/test.h"

#define HTTP_SERVER_PEERS   64          /* connections in one test */
#define HTTP_SERVER_REQUEST 65536       /* head and body */

struct http_server;

/* One connection, and the request that came on it. */
struct http_peer {
	struct http_server *server;
	int                 fd;
	SSL                *tls;
	pthread_t           thread;
	char                request[HTTP_SERVER_REQUEST];
	size_t              len;        /* of the whole request */
};

/* Answers the request in p->request; false: the connection closes. */
typedef bool http_server_answer(struct http_peer *p);

struct http_server {
	http_server_answer *answer;
	void               *context;    /* the test's */
	SSL_CTX            *tls;        /* NULL: plain */
	int                 fd;
	uint16_t            port;
	pthread_t           thread;
	struct http_peer   *peers[HTTP_SERVER_PEERS];
	atomic_int          connections, requests;
	pthread_mutex_t     writing;    /* of what follows */
	char                last[HTTP_SERVER_REQUEST];  /* the request answered last */
};

static inline void http_peer_write(struct http_peer *p, struct str bytes)
{
	while (bytes.len > 0) {
		long n = p->tls != NULL ? SSL_write(p->tls, bytes.ptr, (int)bytes.len) :
		    send(p->fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		bytes = str_from(bytes, (size_t)n);
	}
}

/* A reply with its length, and `headers` (each ended by CRLF) in its head. */
static inline void http_peer_reply(struct http_peer *p, unsigned status, const char *headers,
    struct str body)
{
	char head[4096];

	int n = snprintf(head, sizeof(head), "HTTP/1.1 %u Any\r\nContent-Length: %zu\r\n%s\r\n",
	    status, body.len, headers);
	http_peer_write(p, (struct str){ head, (size_t)n });
	http_peer_write(p, body);
}

/* Where the body begins; 0: the head is not whole. */
static inline size_t http_peer_head(const struct http_peer *p)
{
	const char *end = memmem(p->request, p->len, "\r\n\r\n", 4);

	return end == NULL ? 0 : (size_t)(end - p->request) + 4;
}

static inline struct str http_peer_body(const struct http_peer *p)
{
	size_t head = http_peer_head(p);

	return (struct str){ p->request + head, p->len - head };
}

static inline bool http_peer_is_whole(struct http_peer *p)
{
	size_t head = http_peer_head(p);
	const char *length = strcasestr(p->request, "\r\nContent-Length:");

	return head != 0 && p->len >= head + (length == NULL ? 0 : strtoul(length + 17, NULL, 10));
}

static inline bool http_peer_read(struct http_peer *p)
{
	p->len = 0;
	p->request[0] = '\0';
	while (!http_peer_is_whole(p)) {
		size_t room = sizeof(p->request) - 1 - p->len;
		long n = p->tls != NULL ? SSL_read(p->tls, p->request + p->len, (int)room) :
		    read(p->fd, p->request + p->len, room);
		if (n <= 0)
			return false;
		p->len += (size_t)n;
		p->request[p->len] = '\0';
	}
	return true;
}

static inline void *http_peer_serve(void *context)
{
	struct http_peer *p = context;
	struct http_server *s = p->server;
	bool more = true;

	if (s->tls != NULL) {
		p->tls = SSL_new(s->tls);
		SSL_set_fd(p->tls, p->fd);
		more = SSL_accept(p->tls) == 1;
	}
	while (more && http_peer_read(p)) {
		pthread_mutex_lock(&s->writing);
		memcpy(s->last, p->request, p->len + 1);
		pthread_mutex_unlock(&s->writing);
		atomic_fetch_add(&s->requests, 1);
		more = s->answer(p);
	}
	shutdown(p->fd, SHUT_RDWR);
	return NULL;
}

static inline void *http_server_accept(void *context)
{
	struct http_server *s = context;

	for (int n = 0; n < HTTP_SERVER_PEERS; n++) {
		int fd = accept(s->fd, NULL, NULL);
		if (fd < 0)
			break;
		s->peers[n] = calloc(1, sizeof(*s->peers[n]));
		s->peers[n]->server = s;
		s->peers[n]->fd = fd;
		atomic_fetch_add(&s->connections, 1);
		pthread_create(&s->peers[n]->thread, NULL, http_peer_serve, s->peers[n]);
	}
	return NULL;
}

static inline struct http_server *http_server_start(http_server_answer *answer, void *context,
    SSL_CTX *tls)
{
	struct http_server *s = calloc(1, sizeof(*s));
	struct sockaddr_in at = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);

	signal(SIGPIPE, SIG_IGN);
	*s = (struct http_server){ .answer = answer, .context = context, .tls = tls };
	pthread_mutex_init(&s->writing, NULL);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s->fd, 64), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &size), 0);
	s->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, http_server_accept, s), 0);
	return s;
}

static inline void http_server_stop(struct http_server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	for (int n = 0; n < HTTP_SERVER_PEERS && s->peers[n] != NULL; n++) {
		shutdown(s->peers[n]->fd, SHUT_RDWR);
		pthread_join(s->peers[n]->thread, NULL);
		SSL_free(s->peers[n]->tls);
		close(s->peers[n]->fd);
		free(s->peers[n]);
	}
	SSL_CTX_free(s->tls);
	pthread_mutex_destroy(&s->writing);
	free(s);
}

#endif
