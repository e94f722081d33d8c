/*
 * slow_table: a DynamoDB that is far away and never busy.  It answers every GetItem
 * with the item of a file, and anything else with an empty page, after a time; each
 * connection is kept.  One thread: an answer costs it some microseconds.
 *
 * usage: slow_table FILE DELAY_MS       prints its port and a newline; ends with its input
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"

#define PEERS_MAX 8192
#define REQUEST_MAX_BYTES 16384
#define ANSWER_MAX_BYTES (512 << 10)
#define EVENTS 256
#define NS_PER_MS UINT64_C(1000000)

struct peer {
	bool     open, waits;
	unsigned serial;                /* another connection may have its descriptor next */
	size_t   n;
	char     request[REQUEST_MAX_BYTES];
};

/* All wait for the same time, so who came first is answered first. */
struct due {
	uint64_t at_ns;
	int      fd;
	unsigned serial;
	bool     item;
};

static struct peer *peers[PEERS_MAX];
static struct due queue[PEERS_MAX];
static size_t first, waiting;
static char item[ANSWER_MAX_BYTES + 512], page[512];
static size_t item_bytes, page_bytes;
static uint64_t delay_ns;

static size_t head(char *out, size_t size, size_t body)
{
	return (size_t)snprintf(out, size, "HTTP/1.1 200 OK\r\n"
	    "Content-Type: application/x-amz-json-1.0\r\nContent-Length: %zu\r\n\r\n", body);
}

static bool read_item(const char *path)
{
	static char body[ANSWER_MAX_BYTES];
	static const char empty[] = "{\"Items\":[],\"Count\":0,\"ScannedCount\":0}";
	FILE *f = fopen(path, "rb");
	size_t n;

	if (f == NULL)
		return false;
	n = fread(body, 1, sizeof(body), f);
	fclose(f);
	item_bytes = head(item, sizeof(item), n);
	memcpy(item + item_bytes, body, n);
	item_bytes += n;
	page_bytes = head(page, sizeof(page), strlen(empty));
	page_bytes += (size_t)snprintf(page + page_bytes, sizeof(page) - page_bytes, "%s", empty);
	return n > 0;
}

static void leave(int fd)
{
	peers[fd]->open = false;
	close(fd);
}

static void come(int listener, int epoll)
{
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), one = 1;
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0)
		return;
	if (fd < PEERS_MAX && peers[fd] == NULL)
		peers[fd] = calloc(1, sizeof(struct peer));
	if (fd >= PEERS_MAX || peers[fd] == NULL) {
		close(fd);
		return;
	}
	peers[fd]->open = true;
	peers[fd]->waits = false;
	peers[fd]->serial++;
	peers[fd]->n = 0;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
}

/* Whether head and body are there. */
static bool is_whole(const struct peer *p)
{
	const char *end = strstr(p->request, "\r\n\r\n");
	const char *length = strcasestr(p->request, "\r\nContent-Length:");
	size_t body = length == NULL ? 0 : strtoul(length + 17, NULL, 10);

	return end != NULL && p->n >= (size_t)(end + 4 - p->request) + body;
}

static void hear(int fd)
{
	struct peer *p = peers[fd];
	ssize_t n = read(fd, p->request + p->n, sizeof(p->request) - 1 - p->n);

	if (n <= 0) {
		leave(fd);
		return;
	}
	p->n += (size_t)n;
	p->request[p->n] = '\0';
	if (p->waits || waiting == PEERS_MAX || !is_whole(p))
		return;
	queue[(first + waiting++) % PEERS_MAX] = (struct due){ time_monotonic_ns() + delay_ns, fd,
		p->serial, strstr(p->request, ".GetItem") != NULL };
	p->waits = true;
	p->n = 0;
}

/* A socket that takes no more is nobody's who waits for an answer. */
static void answer_due(void)
{
	uint64_t now = time_monotonic_ns();

	while (waiting > 0 && queue[first].at_ns <= now) {
		struct due d = queue[first];
		first = (first + 1) % PEERS_MAX;
		waiting--;
		if (!peers[d.fd]->open || peers[d.fd]->serial != d.serial)
			continue;
		peers[d.fd]->waits = false;
		if (write(d.fd, d.item ? item : page, d.item ? item_bytes : page_bytes) < 0)
			leave(d.fd);
	}
}

/* NULL: until something comes. */
static const struct timespec *until_next(struct timespec *left)
{
	uint64_t now = time_monotonic_ns(), ns;

	if (waiting == 0)
		return NULL;
	ns = queue[first].at_ns <= now ? 0 : queue[first].at_ns - now;
	*left = (struct timespec){ (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
	return left;
}

static int open_listener(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 4096) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		return -1;
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	return fd;
}

static void serve(int listener, int epoll)
{
	struct epoll_event events[EVENTS];
	struct timespec left;

	for (;;) {
		int n = epoll_pwait2(epoll, events, EVENTS, until_next(&left), NULL);
		for (int i = 0; i < n; i++) {
			int fd = events[i].data.fd;
			if (fd == STDIN_FILENO)
				return;
			if (fd == listener)
				come(listener, epoll);
			else
				hear(fd);
		}
		answer_due();
	}
}

int main(int argc, char **argv)
{
	struct epoll_event e = { .events = EPOLLIN };
	int listener, epoll = epoll_create1(EPOLL_CLOEXEC);

	if (argc != 3 || !read_item(argv[1])) {
		fprintf(stderr, "usage: slow_table FILE DELAY_MS\n");
		return 1;
	}
	delay_ns = strtoul(argv[2], NULL, 10) * NS_PER_MS;
	listener = open_listener();
	if (listener < 0 || epoll < 0) {
		perror("slow_table");
		return 1;
	}
	e.data.fd = listener;
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
	e.data.fd = STDIN_FILENO;
	epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &e);
	serve(listener, epoll);
	return 0;
}
