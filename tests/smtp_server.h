/*
 * smtp_server: a mail server on loopback for tests; it keeps what it was told.
 * It serves one connection after the other, in one thread.
 */
#ifndef TESTS_SMTP_SERVER_H
#define TESTS_SMTP_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "tests/test.h"

#define SMTP_SERVER_HEARD 1000000

struct smtp_server {
	SSL_CTX    *tls;                /* offers STARTTLS; NULL: does not */
	bool        silent;             /* accepts, and says nothing */
	const char *recipient_reply;    /* to RCPT, `refusals` times; then 250 */
	atomic_int  refusals;
	int         fd;
	uint16_t    port;
	pthread_t   thread;
	bool        started;
	atomic_bool stopping;
	atomic_int  connections, mails, mails_encrypted;
	pthread_mutex_t lock;           /* of what was heard */
	char        heard[SMTP_SERVER_HEARD];   /* all lines, of all connections */
	size_t      len;
};

struct smtp_session {
	struct smtp_server *server;
	int                 fd;
	SSL                *tls;
	char                buffer[8192];
	size_t              len;
};

static inline void smtp_say(struct smtp_session *s, const char *text)
{
	long n = s->tls != NULL ? SSL_write(s->tls, text, (int)strlen(text)) :
	    send(s->fd, text, strlen(text), MSG_NOSIGNAL);
	(void)n;
}

/* The next line, without its end; false: there is none, or the server stops. */
static inline bool smtp_hear(struct smtp_session *s, char *line, size_t size)
{
	for (;;) {
		char *end = memmem(s->buffer, s->len, "\r\n", 2);
		if (end != NULL) {
			size_t n = (size_t)(end - s->buffer);
			snprintf(line, size, "%.*s", (int)n, s->buffer);
			s->len -= n + 2;
			memmove(s->buffer, end + 2, s->len);
			return true;
		}
		struct pollfd p = { .fd = s->fd, .events = POLLIN };
		while ((s->tls == NULL || SSL_pending(s->tls) == 0) && poll(&p, 1, 20) == 0)
			if (atomic_load(&s->server->stopping))
				return false;
		size_t room = sizeof(s->buffer) - s->len;
		long got = s->tls != NULL ? SSL_read(s->tls, s->buffer + s->len, (int)room) :
		    read(s->fd, s->buffer + s->len, room);
		if (got <= 0)
			return false;
		s->len += (size_t)got;
	}
}

static inline void smtp_note(struct smtp_server *s, const char *line)
{
	pthread_mutex_lock(&s->lock);
	s->len += (size_t)snprintf(s->heard + s->len, sizeof(s->heard) - s->len, "%s\r\n", line);
	assert_true(s->len < sizeof(s->heard));
	pthread_mutex_unlock(&s->lock);
}

static inline bool smtp_heard(struct smtp_server *s, const char *text)
{
	pthread_mutex_lock(&s->lock);
	bool found = strstr(s->heard, text) != NULL;
	pthread_mutex_unlock(&s->lock);
	return found;
}

static inline bool smtp_is(const char *line, const char *command)
{
	return strncasecmp(line, command, strlen(command)) == 0;
}

static inline void smtp_take_data(struct smtp_session *s)
{
	char line[8192];

	smtp_say(s, "354 go on\r\n");
	while (smtp_hear(s, line, sizeof(line)) && strcmp(line, ".") != 0)
		smtp_note(s->server, line[0] == '.' ? line + 1 : line);
	atomic_fetch_add(&s->server->mails, 1);
	if (s->tls != NULL)
		atomic_fetch_add(&s->server->mails_encrypted, 1);
	smtp_say(s, "250 taken\r\n");
}

static inline bool smtp_start_tls(struct smtp_session *s)
{
	smtp_say(s, "220 go on\r\n");
	s->tls = SSL_new(s->server->tls);
	SSL_set_fd(s->tls, s->fd);
	return SSL_accept(s->tls) == 1;
}

static inline void smtp_take_credentials(struct smtp_session *s)
{
	char line[8192];

	smtp_say(s, "334 \r\n");
	if (smtp_hear(s, line, sizeof(line)))
		smtp_note(s->server, line);
	smtp_say(s, "235 welcome\r\n");
}

static inline bool smtp_answer(struct smtp_session *s, const char *line)
{
	struct smtp_server *server = s->server;

	if (smtp_is(line, "EHLO"))
		smtp_say(s, server->tls != NULL && s->tls == NULL ?
		    "250-test\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n" : "250-test\r\n250 AUTH PLAIN\r\n");
	else if (smtp_is(line, "STARTTLS"))
		return smtp_start_tls(s);
	else if (smtp_is(line, "AUTH"))
		smtp_take_credentials(s);
	else if (smtp_is(line, "RCPT") && atomic_load(&server->refusals) > 0) {
		atomic_fetch_sub(&server->refusals, 1);
		smtp_say(s, server->recipient_reply);
	} else if (smtp_is(line, "DATA"))
		smtp_take_data(s);
	else if (smtp_is(line, "QUIT"))
		return false;
	else
		smtp_say(s, "250 fine\r\n");
	return true;
}

static inline void smtp_session(struct smtp_server *server, int fd)
{
	struct smtp_session s = { .server = server, .fd = fd };
	char line[8192];

	if (!server->silent)
		smtp_say(&s, "220 test ESMTP\r\n");
	while (smtp_hear(&s, line, sizeof(line))) {
		smtp_note(server, line);
		if (!server->silent && !smtp_answer(&s, line))
			break;
	}
	SSL_free(s.tls);
	close(fd);
}

static inline void *smtp_server_work(void *context)
{
	struct smtp_server *s = context;

	for (;;) {
		int fd = accept(s->fd, NULL, NULL);
		if (fd < 0)
			return NULL;
		atomic_fetch_add(&s->connections, 1);
		smtp_session(s, fd);
	}
}

/* A port is taken, and nobody listens there yet. */
static inline void smtp_server_bind(struct smtp_server *s)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);

	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&s->lock, NULL);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &size), 0);
	s->port = ntohs(at.sin_port);
}

static inline void smtp_server_start(struct smtp_server *s)
{
	assert_int_equal(listen(s->fd, 16), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, smtp_server_work, s), 0);
	s->started = true;
}

static inline void smtp_server_stop(struct smtp_server *s)
{
	atomic_store(&s->stopping, true);
	shutdown(s->fd, SHUT_RDWR);
	if (s->started)
		pthread_join(s->thread, NULL);
	close(s->fd);
	SSL_CTX_free(s->tls);
	pthread_mutex_destroy(&s->lock);
}

#endif
