/*
 * redis_server: a real redis-server for tests, on a unix socket of a temporary folder,
 * and a scripted one on loopback that answers whatever it is told to.
 */
#ifndef TESTS_REDIS_SERVER_H
#define TESTS_REDIS_SERVER_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

/* --- the real one --------------------------------------------------------------- */

struct redis_process {
	char  dir[32];
	char  url[64];                  /* unix:/… */
	pid_t pid;
};

static inline bool redis_process_answers(const struct redis_process *p)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	char   pong[7] = "";
	int    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	bool   answers;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/s", p->dir);
	answers = connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
	    send(fd, "PING\r\n", 6, MSG_NOSIGNAL) == 6 && poll(&ready, 1, 100) == 1 &&
	    recv(fd, pong, 7, 0) > 0 && (pong[0] == '+' || pong[0] == '-');
	close(fd);
	return answers;
}

/* `option`, `value`: one more setting, or NULL. */
static inline void redis_process_spawn(struct redis_process *p, const char *option,
    const char *value)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/s", p->dir);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		/* A test that fails leaves nothing behind. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", path,
		    "--save", "", "--appendonly", "no", "--dir", p->dir, "--logfile", "/dev/null",
		    option, value, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; !redis_process_answers(p); i++) {
		if (i == 500)
			fail_msg("redis-server does not answer");
		usleep(10000);
	}
}

static inline void redis_process_start(struct redis_process *p, const char *option,
    const char *value)
{
	*p = (struct redis_process){ .dir = "/tmp/quiver-redis-XXXXXX" };
	assert_non_null(mkdtemp(p->dir));
	snprintf(p->url, sizeof(p->url), "unix:%s/s", p->dir);
	redis_process_spawn(p, option, value);
}

static inline void redis_process_kill(struct redis_process *p)
{
	int status;

	kill(p->pid, SIGKILL);
	waitpid(p->pid, &status, 0);
}

static inline void redis_process_stop(struct redis_process *p)
{
	char path[64];

	redis_process_kill(p);
	snprintf(path, sizeof(path), "%s/s", p->dir);
	unlink(path);
	rmdir(p->dir);
}

/* --- the scripted one ----------------------------------------------------------- */

/* Answers the n-th command of any connection with the n-th reply, and those after
 * with the last one.  NULL: no answer, ever; "": it hangs up. */
struct redis_script_server {
	const char *const *replies;
	size_t       count;
	unsigned     drip_ms;           /* between the bytes of a reply; 0: at once */
	int          fd;
	uint16_t     port;
	char         url[64];
	pthread_t    thread;
	atomic_bool  stopping;
	atomic_uint  commands, connections;
};

static inline void redis_script_say(const struct redis_script_server *s, int fd, const char *reply)
{
	size_t step = s->drip_ms > 0 ? 1 : strlen(reply);

	for (size_t i = 0; i < strlen(reply); i += step) {
		if (send(fd, reply + i, step, MSG_NOSIGNAL) < 0)
			return;
		usleep(s->drip_ms * 1000);
	}
}

/* Commands come whole from our client: each recv has one or more, each begins with '*'. */
static inline void redis_script_serve(struct redis_script_server *s, int fd)
{
	char bytes[65536];

	while (!atomic_load(&s->stopping)) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (poll(&p, 1, 10) == 0)
			continue;
		ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
		if (n <= 0)
			return;
		size_t which = atomic_fetch_add(&s->commands, 1);
		const char *reply = s->replies[which < s->count ? which : s->count - 1];
		if (reply != NULL && reply[0] == '\0')
			return;
		if (reply != NULL)
			redis_script_say(s, fd, reply);
	}
}

static inline void *redis_script_work(void *context)
{
	struct redis_script_server *s = context;

	while (!atomic_load(&s->stopping)) {
		struct pollfd p = { .fd = s->fd, .events = POLLIN };
		if (poll(&p, 1, 10) == 0)
			continue;
		int fd = accept(s->fd, NULL, NULL);
		if (fd < 0)
			continue;
		atomic_fetch_add(&s->connections, 1);
		redis_script_serve(s, fd);
		close(fd);
	}
	return NULL;
}

static inline void redis_script_start(struct redis_script_server *s, const char *const *replies,
    size_t count)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	unsigned  drip_ms = s->drip_ms;

	*s = (struct redis_script_server){ .replies = replies, .count = count, .drip_ms = drip_ms };
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(s->fd, 16), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&at, &len), 0);
	s->port = ntohs(at.sin_port);
	snprintf(s->url, sizeof(s->url), "redis://127.0.0.1:%u", s->port);
	assert_int_equal(pthread_create(&s->thread, NULL, redis_script_work, s), 0);
}

static inline void redis_script_stop(struct redis_script_server *s)
{
	atomic_store(&s->stopping, true);
	pthread_join(s->thread, NULL);
	close(s->fd);
}

#endif
