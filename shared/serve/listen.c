#include "serve/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "access/address.h"

#define BACKLOG            4096         /* cut by the kernel to net.core.somaxconn */
#define SYSTEMD_FIRST_FD   3            /* sd_listen_fds(3) */

union socket_address {
	struct sockaddr         any;
	struct sockaddr_un      local;
	struct sockaddr_in      v4;
	struct sockaddr_in6     v6;
};

static enum err refuse(struct arena *a, struct str *reason, enum err e, const char *what,
    struct str address)
{
	*reason = arena_printf(a, "%s %.*s: %s", what, STR_ARG(address), strerror(errno));
	return e;
}

/* --- a unix socket ----------------------------------------------------------- */

static bool somebody_answers(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool answers = fd >= 0 && (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0 ||
	    errno == EAGAIN);

	if (fd >= 0)
		close(fd);
	return answers;
}

/* Before anybody can connect: the mode comes from the umask. */
static bool bind_0660(int fd, const struct sockaddr_un *at)
{
	mode_t before = umask(0117);
	bool bound = bind(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;
	int why = errno;

	(void)umask(before);
	errno = why;
	return bound;
}

/* A socket left behind by a process that was killed is in the way. */
static enum err bind_path(struct arena *a, int fd, const struct sockaddr_un *at,
    struct str address, struct str *reason)
{
	struct stat st;

	if (bind_0660(fd, at))
		return OK;
	if (errno != EADDRINUSE)
		return refuse(a, reason, ERR_IO, "cannot bind", address);
	if (lstat(at->sun_path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
		*reason = arena_printf(a, "%.*s is there and is no socket", STR_ARG(address));
		return ERR_EXISTS;
	}
	if (somebody_answers(at)) {
		*reason = arena_printf(a, "another process answers on %.*s", STR_ARG(address));
		return ERR_EXISTS;
	}
	if (unlink(at->sun_path) == 0 && bind_0660(fd, at))
		return OK;
	return refuse(a, reason, ERR_IO, "cannot replace", address);
}

static enum err open_path(struct arena *a, struct str address, struct listener *out,
    struct str *reason)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct stat st;

	if (address.len >= sizeof(at.sun_path)) {
		*reason = arena_printf(a, "the path %.*s is too long: a socket's has at most %zu bytes",
		    STR_ARG(address), sizeof(at.sun_path) - 1);
		return ERR_INVALID;
	}
	memcpy(at.sun_path, address.ptr, address.len);
	out->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (out->fd < 0)
		return refuse(a, reason, ERR_IO, "no socket for", address);
	enum err e = bind_path(a, out->fd, &at, address, reason);
	if (e != OK)
		return e;
	out->path = arena_cstr(a, address);
	if (lstat(out->path, &st) == 0) {
		out->device = st.st_dev;
		out->inode = st.st_ino;
	}
	return OK;
}

/* --- the loopback interface ---------------------------------------------------- */

static bool split_host_port(struct str address, struct str *host, uint16_t *port)
{
	uint64_t n;
	size_t colon = address.len;

	while (colon > 0 && address.ptr[colon - 1] != ':')
		colon--;
	if (colon == 0 || !str_to_u64(str_from(address, colon), &n) || n > UINT16_MAX)
		return false;
	*host = str_first(address, colon - 1);
	*port = (uint16_t)n;
	bool bracketed = str_starts(*host, STR("[")) && str_ends(*host, STR("]"));
	if (bracketed)
		*host = (struct str){ host->ptr + 1, host->len - 2 };
	return bracketed || !str_contains(*host, STR(":"));
}

static socklen_t loopback_address(const struct address *host, uint16_t port,
    union socket_address *at)
{
	static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

	memset(at, 0, sizeof(*at));
	if (memcmp(host->bytes, v4_prefix, sizeof(v4_prefix)) == 0) {
		at->v4.sin_family = AF_INET;
		at->v4.sin_port = htons(port);
		memcpy(&at->v4.sin_addr, host->bytes + 12, 4);
		return sizeof(at->v4);
	}
	at->v6.sin6_family = AF_INET6;
	at->v6.sin6_port = htons(port);
	memcpy(&at->v6.sin6_addr, host->bytes, 16);
	return sizeof(at->v6);
}

static enum err open_loopback(struct arena *a, struct str address, struct listener *out,
    struct str *reason)
{
	struct address host;
	struct str host_text;
	union socket_address at;
	uint16_t port;
	const int on = 1;

	if (!split_host_port(address, &host_text, &port) || !address_parse(host_text, &host) ||
	    !address_is_loopback(&host)) {
		*reason = arena_printf(a, "cannot listen on %.*s: give a path, 127.0.0.1:PORT or "
		    "[::1]:PORT (FastCGI knows no authentication)", STR_ARG(address));
		return ERR_INVALID;
	}
	socklen_t len = loopback_address(&host, port, &at);
	out->fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (out->fd < 0)
		return refuse(a, reason, ERR_IO, "no socket for", address);
	(void)setsockopt(out->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(out->fd, &at.any, len) < 0)
		return refuse(a, reason, ERR_IO, "cannot bind", address);
	return OK;
}

/* --- one we were started with ---------------------------------------------------- */

/* sd_listen_fds(3): for this process, and not for its children. */
static int passed_descriptor(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	uint64_t for_pid = 0, n = 0;
	bool ours = pid != NULL && count != NULL && str_to_u64(str_of(pid), &for_pid) &&
	    str_to_u64(str_of(count), &n) && for_pid == (uint64_t)getpid() && n > 0;

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return ours ? SYSTEMD_FIRST_FD : STDIN_FILENO;
}

static enum err open_inherited(struct listener *out, struct arena *a, struct str *reason)
{
	int listening = 0;
	socklen_t len = sizeof(listening);

	out->fd = passed_descriptor();
	if (getsockopt(out->fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0 || !listening) {
		*reason = arena_printf(a, "descriptor %d is no listening socket: let a web server or "
		    "systemd start this, or give --listen ADDRESS", out->fd);
		return ERR_INVALID;
	}
	int flags = fcntl(out->fd, F_GETFL);
	if (flags < 0 || fcntl(out->fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    fcntl(out->fd, F_SETFD, FD_CLOEXEC) < 0)
		return refuse(a, reason, ERR_IO, "cannot use", STR("the socket passed"));
	return OK;
}

/* --- all ---------------------------------------------------------------------------- */

static void describe_v6(struct arena *a, const struct sockaddr_in6 *at, struct listener *l)
{
	struct address host;
	char text[ADDRESS_TEXT_SIZE];

	memcpy(host.bytes, &at->sin6_addr, 16);
	address_format(&host, text);
	l->exposed = !address_is_loopback(&host);
	l->address = arena_printf(a, "[%s]:%u", text, ntohs(at->sin6_port));
}

static void describe_v4(struct arena *a, const struct sockaddr_in *at, struct listener *l)
{
	unsigned char host[4];

	memcpy(host, &at->sin_addr, 4);
	l->exposed = host[0] != 127;
	l->address = arena_printf(a, "%u.%u.%u.%u:%u", host[0], host[1], host[2], host[3],
	    ntohs(at->sin_port));
}

/* What it is bound to.  Accepted connections inherit TCP_NODELAY: a reply of two
 * records must not wait for the acknowledgement of the first. */
static void describe(struct arena *a, struct listener *l)
{
	union socket_address at = { 0 };
	socklen_t len = sizeof(at);
	const int on = 1;

	if (getsockname(l->fd, &at.any, &len) < 0)
		return;
	if (at.any.sa_family == AF_UNIX) {
		at.local.sun_path[sizeof(at.local.sun_path) - 1] = '\0';
		l->address = arena_dup(a, str_of(at.local.sun_path));
		return;
	}
	(void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (at.any.sa_family == AF_INET)
		describe_v4(a, &at.v4, l);
	else if (at.any.sa_family == AF_INET6)
		describe_v6(a, &at.v6, l);
}

enum err listen_open(struct arena *a, struct str address, struct listener *out,
    struct str *reason)
{
	*out = (struct listener){ .fd = -1 };
	enum err e = address.ptr == NULL ? open_inherited(out, a, reason) :
	    str_contains(address, STR("/")) ? open_path(a, address, out, reason) :
	    open_loopback(a, address, out, reason);
	if (e == OK && address.ptr != NULL && listen(out->fd, BACKLOG) < 0)
		e = refuse(a, reason, ERR_IO, "cannot listen on", address);
	if (e == OK) {
		describe(a, out);
	} else if (address.ptr != NULL && out->fd >= 0) {
		close(out->fd);
		out->fd = -1;
	}
	return e;
}

void listen_unlink(struct listener *l)
{
	struct stat st;

	if (l->path != NULL && lstat(l->path, &st) == 0 && st.st_dev == l->device &&
	    st.st_ino == l->inode)
		(void)unlink(l->path);
	l->path = NULL;
}
