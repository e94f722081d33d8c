#include "net/redis_names.h"

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/time.h"

#define NS_PER_MS UINT64_C(1000000)

struct redis_names {
	atomic_uint          holders;           /* the owner, and a lookup */
	pthread_mutex_t      lock;
	struct redis_address addresses[REDIS_ADDRESSES_MAX];
	size_t               count;
	bool                 fixed;             /* nothing to look up */
	bool                 looking;
	uint64_t             looked_ns;
	char                 host[REDIS_HOST_MAX + 1], port[8];
};

static void let_go(struct redis_names *n)
{
	if (atomic_fetch_sub(&n->holders, 1) > 1)
		return;
	pthread_mutex_destroy(&n->lock);
	free(n);
}

/* The service as text, and numeric: no file is searched for it. */
static struct addrinfo *ask(const char *host, const char *port, int flags)
{
	struct addrinfo  hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags | AI_NUMERICSERV };
	struct addrinfo *found;

	return getaddrinfo(host, port, &hints, &found) == 0 ? found : NULL;
}

static void copy_address(const struct addrinfo *from, struct redis_address *to)
{
	memcpy(&to->at, from->ai_addr, from->ai_addrlen);
	to->len = from->ai_addrlen;
}

bool redis_address_numeric(const char *host, uint16_t port, struct redis_address *out)
{
	char             text[8];
	struct addrinfo *found;

	(void)snprintf(text, sizeof(text), "%u", port);
	found = ask(host, text, AI_NUMERICHOST);
	if (found == NULL)
		return false;
	copy_address(found, out);
	freeaddrinfo(found);
	return true;
}

static void *look_up(void *context)
{
	struct redis_names *n = context;
	struct addrinfo    *found = ask(n->host, n->port, 0);

	pthread_mutex_lock(&n->lock);
	if (found != NULL)
		n->count = 0;
	for (const struct addrinfo *i = found; i != NULL && n->count < REDIS_ADDRESSES_MAX;
	    i = i->ai_next)
		copy_address(i, &n->addresses[n->count++]);
	n->looking = false;
	pthread_mutex_unlock(&n->lock);
	if (found != NULL)
		freeaddrinfo(found);
	let_go(n);
	return NULL;
}

/* With the lock held.  Signals are for others. */
static void start(struct redis_names *n)
{
	sigset_t  all, before;
	pthread_t thread;

	n->looking = true;
	n->looked_ns = time_monotonic_ns();
	atomic_fetch_add(&n->holders, 1);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	if (pthread_create(&thread, NULL, look_up, n) == 0) {
		pthread_detach(thread);
	} else {
		n->looking = false;
		atomic_fetch_sub(&n->holders, 1);
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void local_address(const char *path, struct redis_address *out)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	memcpy(at.sun_path, path, strlen(path) + 1);
	memcpy(&out->at, &at, sizeof(at));
	out->len = sizeof(at);
}

struct redis_names *redis_names_new(const struct redis_target *t)
{
	struct redis_names *n = calloc(1, sizeof(*n));

	if (n == NULL)
		abort();
	atomic_init(&n->holders, 1);
	pthread_mutex_init(&n->lock, NULL);
	n->count = 1;
	n->fixed = true;
	if (t->local) {
		local_address(t->host, &n->addresses[0]);
	} else if (!redis_address_numeric(t->host, t->port, &n->addresses[0])) {
		n->count = 0;
		n->fixed = false;
		memcpy(n->host, t->host, sizeof(n->host));
		(void)snprintf(n->port, sizeof(n->port), "%u", t->port);
		start(n);
	}
	return n;
}

void redis_names_free(struct redis_names *n)
{
	if (n != NULL)
		let_go(n);
}

size_t redis_names_get(struct redis_names *n, struct redis_address out[REDIS_ADDRESSES_MAX])
{
	size_t count;

	pthread_mutex_lock(&n->lock);
	count = n->count;
	memcpy(out, n->addresses, count * sizeof(out[0]));
	pthread_mutex_unlock(&n->lock);
	return count;
}

void redis_names_doubt(struct redis_names *n)
{
	if (n->fixed)
		return;
	pthread_mutex_lock(&n->lock);
	if (!n->looking && time_monotonic_ns() - n->looked_ns >= REDIS_LOOKUP_MS * NS_PER_MS)
		start(n);
	pthread_mutex_unlock(&n->lock);
}
