/*
 * first_answer: how long from exec to the first reply of a handler?
 * Starts HANDLER --listen SOCKET, asks for PATH over FastCGI until it answers, and
 * prints the milliseconds; then ends the handler.  Repeats ROUNDS times and
 * prints the median.
 *
 * usage: first_answer HANDLER SOCKET PATH ROUNDS
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"

#define ROUNDS_MAX  100
#define DEADLINE_NS 2000000000ull

static size_t put_param(uint8_t *at, const char *name, const char *value)
{
	size_t n = strlen(name), v = strlen(value);

	at[0] = (uint8_t)n;
	at[1] = (uint8_t)v;
	memcpy(at + 2, name, n);
	memcpy(at + 2 + n, value, v);
	return 2 + n + v;
}

static size_t put_header(uint8_t *at, uint8_t type, size_t length)
{
	const uint8_t header[8] = { 1, type, 0, 1, (uint8_t)(length >> 8), (uint8_t)length, 0, 0 };

	memcpy(at, header, sizeof(header));
	return sizeof(header);
}

/* BEGIN_REQUEST (responder), PARAMS, the end of PARAMS and of STDIN. */
static size_t build_request(uint8_t *out, const char *path)
{
	static const uint8_t begin[8] = { 0, 1, 0, 0, 0, 0, 0, 0 };
	uint8_t params[512];
	size_t n = put_param(params, "REQUEST_METHOD", "GET"), at;

	n += put_param(params + n, "REQUEST_URI", path);
	n += put_param(params + n, "REMOTE_ADDR", "127.0.0.1");
	at = put_header(out, 1, sizeof(begin));
	memcpy(out + at, begin, sizeof(begin));
	at += sizeof(begin);
	at += put_header(out + at, 4, n);
	memcpy(out + at, params, n);
	at += n;
	at += put_header(out + at, 4, 0);
	at += put_header(out + at, 5, 0);
	return at;
}

static int ask(const char *socket_path, const uint8_t *request, size_t len)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	uint8_t reply[64];
	int answered = 0;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
	    write(fd, request, len) == (ssize_t)len)
		answered = read(fd, reply, sizeof(reply)) > 0;
	close(fd);
	return answered;
}

static double one_round(char **argv, const uint8_t *request, size_t len)
{
	uint64_t began = time_monotonic_ns(), took;

	unlink(argv[2]);
	pid_t pid = fork();
	if (pid == 0) {
		execl(argv[1], argv[1], "--listen", argv[2], (char *)NULL);
		_exit(127);
	}
	do {
		usleep(200);
		took = time_monotonic_ns() - began;
	} while (!ask(argv[2], request, len) && took < DEADLINE_NS);
	took = time_monotonic_ns() - began;
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	return (double)took / 1e6;
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	double took[ROUNDS_MAX];
	uint8_t request[1024];

	if (argc != 5) {
		fprintf(stderr, "usage: first_answer HANDLER SOCKET PATH ROUNDS\n");
		return 1;
	}
	size_t len = build_request(request, argv[3]);
	long rounds = strtol(argv[4], NULL, 10);
	rounds = rounds < 1 ? 1 : rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
	for (long i = 0; i < rounds; i++)
		took[i] = one_round(argv, request, len);
	qsort(took, (size_t)rounds, sizeof(took[0]), ascending);
	printf("%.2f\n", took[rounds / 2]);
	return 0;
}
