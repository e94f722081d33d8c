#include "serve/loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "serve/fastcgi.h"

#define DESCRIPTORS_RESERVED 128        /* for the store, logs, sockets of our own making */

/* As many descriptors as we may have, and as many connections as those allow. */
static unsigned connections_allowed(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return CONNECTIONS_MAX;
	rlim_t wanted = CONNECTIONS_MAX + DESCRIPTORS_RESERVED;
	if (l.rlim_cur < wanted) {
		l.rlim_cur = l.rlim_max < wanted ? l.rlim_max : wanted;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
	if (l.rlim_cur >= wanted)
		return CONNECTIONS_MAX;
	return l.rlim_cur > 2 * DESCRIPTORS_RESERVED ?
	    (unsigned)(l.rlim_cur - DESCRIPTORS_RESERVED) : DESCRIPTORS_RESERVED;
}

static struct metric_series *connections_series(const struct app *app, const char *outcome)
{
	const char *labels[] = { app->handler->name, outcome };

	return metrics_series(app->metrics, METRIC_CONNECTIONS, labels);
}

static void open_series(struct loop *l, const struct app *app)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	const char *labels[] = { app->handler->name, pid };
	l->in_flight = metrics_series(app->metrics, METRIC_REQUESTS_IN_FLIGHT, labels);
	l->accepted = connections_series(app, "accepted");
	l->closed = connections_series(app, "closed");
	l->broken = connections_series(app, "protocol_error");
	l->silent = connections_series(app, "timeout");
}

static int add(const struct loop *l, int fd, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e);
}

#define ARMED (EPOLLIN | EPOLLONESHOT)

enum err loop_open(struct loop *l, const struct app *app, int listener)
{
	*l = (struct loop){ .listener = listener, .epoll = -1, .stop = -1,
		.timeout_ms = (int)app->config.io_timeout_s * 1000,
		.connections_max = connections_allowed() };
	open_series(l, app);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	l->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->epoll < 0 || l->stop < 0 || add(l, listener, ARMED) < 0 || add(l, l->stop, EPOLLIN) < 0)
		return ERR_IO;
	return OK;
}

void loop_close(struct loop *l)
{
	if (l->epoll >= 0)
		close(l->epoll);
	if (l->stop >= 0)
		close(l->stop);
}

/* After this another worker accepts the next connection, if one waits. */
static void rearm_listener(struct loop *l)
{
	struct epoll_event e = { .events = ARMED, .data.fd = l->listener };

	(void)epoll_ctl(l->epoll, EPOLL_CTL_MOD, l->listener, &e);
}

static void forget_connection(struct loop *l, struct metric_series *how)
{
	metrics_add(how, 1);
	atomic_fetch_sub(&l->connections, 1);
	if (atomic_load(&l->full) && atomic_exchange(&l->full, false))
		rearm_listener(l);
}

static void close_connection(struct loop *l, int fd, struct metric_series *how)
{
	if (fd >= 0)
		close(fd);
	forget_connection(l, how);
}

/* Until it says something. */
static void leave(struct loop *l, int fd, bool known)
{
	struct epoll_event e = { .events = ARMED, .data.fd = fd };

	if (atomic_load(&l->stopping) ||
	    epoll_ctl(l->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e) < 0)
		close_connection(l, fd, l->closed);
}

/* `known`: it is in the epoll set, disarmed. */
static void talk(struct loop *l, struct fastcgi *f, int fd, bool known)
{
	enum fastcgi_next next = FASTCGI_AGAIN;

	while (next == FASTCGI_AGAIN)
		next = fastcgi_converse(f, fd);
	switch (next) {
	case FASTCGI_WAIT:
		leave(l, fd, known);
		break;
	case FASTCGI_LINGER:
		fastcgi_linger(fd);
		forget_connection(l, l->closed);
		break;
	case FASTCGI_BROKEN:
		close_connection(l, f->fd, l->broken);
		break;
	case FASTCGI_SILENT:
		close_connection(l, f->fd, l->silent);
		break;
	case FASTCGI_AGAIN:
	case FASTCGI_CLOSE:
		close_connection(l, fd, l->closed);
		break;
	}
}

/* At the bound nothing is accepted until a connection closes.  One that closed
 * between the look and the mark saw no mark: look again. */
static bool has_room(struct loop *l)
{
	if (atomic_load(&l->connections) < l->connections_max)
		return true;
	atomic_store(&l->full, true);
	return atomic_load(&l->connections) < l->connections_max &&
	    atomic_exchange(&l->full, false);
}

static bool is_passing(int error)
{
	return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM;
}

/* -1: nobody waits any more. */
static int accept_one(struct loop *l)
{
	const struct timespec moment = { .tv_nsec = 10 * 1000 * 1000 };
	int fd;

	do
		fd = accept4(l->listener, NULL, NULL, SOCK_CLOEXEC);
	while (fd < 0 && is_passing(errno));
	if (fd >= 0) {
		atomic_fetch_add(&l->connections, 1);
		metrics_add(l->accepted, 1);
	} else if (errno != EAGAIN && errno != EWOULDBLOCK) {
		/* The machine is out of descriptors or memory: not again at once. */
		nanosleep(&moment, NULL);
	}
	return fd;
}

/* The listening socket is disarmed: at the bound it stays so. */
static void take_connection(struct loop *l, struct fastcgi *f)
{
	if (!has_room(l))
		return;
	int fd = accept_one(l);
	rearm_listener(l);
	if (fd >= 0)
		talk(l, f, fd, false);
}

/* True when there was something to do. */
static bool handle(struct loop *l, struct fastcgi *f, const struct epoll_event *e)
{
	if (e->data.fd == l->stop)
		return false;
	if (e->data.fd == l->listener)
		take_connection(l, f);
	else
		talk(l, f, e->data.fd, true);
	return true;
}

static void finish_what_arrived(struct loop *l, struct fastcgi *f)
{
	struct epoll_event events[2];   /* the word to stop is always one of them */
	bool more = true;

	while (more) {
		int n = epoll_wait(l->epoll, events, COUNT(events), 0);
		more = false;
		for (int i = 0; i < n; i++)
			more |= handle(l, f, &events[i]);
	}
}

void loop_work(struct loop *l, struct worker *w)
{
	struct fastcgi *f = calloc(1, sizeof(*f));
	struct epoll_event e;

	if (f == NULL)
		abort();
	f->worker = w;
	f->in_flight = l->in_flight;
	f->connections_max = l->connections_max;
	f->timeout_ms = l->timeout_ms;
	while (!atomic_load_explicit(&l->stopping, memory_order_relaxed))
		if (epoll_wait(l->epoll, &e, 1, -1) == 1)
			(void)handle(l, f, &e);
	finish_what_arrived(l, f);
	free(f);
}

void loop_stop(struct loop *l, bool backlog)
{
	const uint64_t one = 1;

	if (!backlog)
		(void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->listener, NULL);
	atomic_store(&l->stopping, true);
	while (write(l->stop, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}
