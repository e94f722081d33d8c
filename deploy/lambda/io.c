#include "lambda/io.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/time.h"

#define MS_IN_NS UINT64_C(1000000)

uint64_t io_deadline(int64_t ms)
{
	return time_monotonic_ns() + (ms > 0 ? (uint64_t)ms * MS_IN_NS : 0);
}

/* For poll; rounded up, so that a wait is never over before its deadline. */
static int wait_ms(uint64_t until_ns)
{
	uint64_t now = time_monotonic_ns();

	if (until_ns == 0)
		return -1;
	if (now >= until_ns)
		return 0;
	uint64_t ms = (until_ns - now + MS_IN_NS - 1) / MS_IN_NS;
	return ms > 3600000 ? 3600000 : (int)ms;
}

enum err io_wait(int fd, short events, int also, uint64_t until_ns)
{
	struct pollfd wanted[] = { { .fd = fd, .events = events }, { .fd = also, .events = POLLIN } };

	for (;;) {
		int ms = wait_ms(until_ns);
		int ready = poll(wanted, COUNT(wanted), ms);
		if (ready < 0 && errno != EINTR)
			return ERR_IO;
		if (ready > 0)
			return wanted[0].revents != 0 ? OK : ERR_EXPIRED;
		if (ready == 0 && ms == 0)
			return ERR_TIMEOUT;
	}
}

enum err io_write(int fd, struct str bytes, uint64_t until_ns)
{
	while (bytes.len > 0) {
		ssize_t n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
		if (n >= 0) {
			bytes = str_from(bytes, (size_t)n);
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return ERR_IO;
		enum err e = io_wait(fd, POLLOUT, -1, until_ns);
		if (e != OK)
			return e;
	}
	return OK;
}

enum err io_read(int fd, void *into, size_t most, int also, uint64_t until_ns, size_t *got)
{
	for (;;) {
		ssize_t n = recv(fd, into, most, 0);
		if (n > 0) {
			*got = (size_t)n;
			return OK;
		}
		if (n == 0 || errno == ECONNRESET)
			return ERR_NOT_FOUND;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return ERR_IO;
		enum err e = io_wait(fd, POLLIN, also, until_ns);
		if (e != OK)
			return e;
	}
}
