/*
 * table_bench: what one read of DynamoDB costs this process: signing, JSON, libcurl and
 * its calls of the kernel, beside a table of its own that answers at once, in another
 * process.  table_bench [READS]: microseconds of our CPU a read, on standard output.
 * Compare two runs on the same machine.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/crc32.h"
#include "base/json.h"
#include "base/time.h"
#include "store/store.h"

#define BODY_BYTES 4096
#define QUOTE_EACH 12                   /* 340 quotes to escape, as JSON of people's has */
#define PEERS_MAX 8

static char endpoint[64], answer[16384];
static size_t answer_bytes;

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n", what);
	exit(1);
}

/* --- the table ------------------------------------------------------------------------ */

static void make_answer(bool escaped)
{
	char body[BODY_BYTES];
	struct buf out;

	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = escaped && i % QUOTE_EACH == 0 ? '"' : (char)('a' + i % 26);
	buf_init(&out, NULL, sizeof(answer) - 1024);
	BUF_LIT(&out, "{\"Item\":{\"pk\":{\"S\":\"blog\"},\"sk\":{\"S\":\"a-post\"},"
	    "\"v\":{\"N\":\"3\"},\"n\":{\"N\":\"0\"},\"body\":{\"S\":");
	json_escape(&out, (struct str){ body, sizeof(body) });
	BUF_LIT(&out, "}}}");
	must(!buf_failed(&out), "the answer does not fit");
	answer_bytes = (size_t)snprintf(answer, sizeof(answer), "HTTP/1.1 200 OK\r\n"
	    "Server: Server\r\nDate: Wed, 25 Nov 2026 20:00:00 GMT\r\n"
	    "Content-Type: application/x-amz-json-1.0\r\nContent-Length: %zu\r\n"
	    "Connection: keep-alive\r\nx-amzn-RequestId: 0123456789ABCDEF0123456789ABCDEF\r\n"
	    "x-amz-crc32: %u\r\n\r\n%.*s", out.len, crc32_of(buf_str(&out)), STR_ARG(buf_str(&out)));
	buf_clean(&out);
}

/* Requests come whole, and one at a time. */
static bool serve(int fd)
{
	char request[8192];

	return read(fd, request, sizeof(request)) > 0 &&
	    write(fd, answer, answer_bytes) == (ssize_t)answer_bytes;
}

static void run_table(int listener)
{
	struct pollfd fds[PEERS_MAX] = { { .fd = listener, .events = POLLIN } };
	nfds_t n = 1;
	int yes = 1;

	while (poll(fds, n, -1) > 0) {
		if (fds[0].revents != 0 && n < PEERS_MAX) {
			int fd = accept(listener, NULL, NULL);
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
			fds[n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
		}
		for (nfds_t i = 1; i < n; i++)
			if (fds[i].revents != 0 && !serve(fds[i].fd))
				fds[i].fd = -1;
	}
}

static pid_t start_table(bool escaped)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t child;

	must(bind(listener, (struct sockaddr *)&at, size) == 0 && listen(listener, PEERS_MAX) == 0 &&
	    getsockname(listener, (struct sockaddr *)&at, &size) == 0, "no port");
	snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%u", ntohs(at.sin_port));
	make_answer(escaped);
	child = fork();
	if (child == 0) {
		run_table(listener);
		_exit(0);
	}
	close(listener);
	return child;
}

/* --- reads ------------------------------------------------------------------------------ */

static const char *setting(void *context, const char *name)
{
	(void)context;
	if (strcmp(name, "AWS_REGION") == 0)
		return "eu-west-1";
	if (strcmp(name, "AWS_ACCESS_KEY_ID") == 0)
		return "AKIDQUIVERTEST";
	if (strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0)
		return "a-secret-of-the-tests-alone";
	if (strcmp(name, "STATE_DIR") == 0)
		return getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
	if (strcmp(name, "SECRET_KEY") == 0)
		return "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
	return strcmp(name, "DYNAMODB_ENDPOINT") == 0 ? endpoint : NULL;
}

static void touch(void *context, const struct store_item *item)
{
	size_t *sum = context;

	*sum += item->body.len;
}

static double us_of(const struct timeval *t)
{
	return (double)t->tv_sec * 1e6 + (double)t->tv_usec;
}

static void measure(struct store_connection *c, const char *what, unsigned reads)
{
	struct rusage before, after;
	size_t sum = 0;

	for (unsigned i = 0; i < 200; i++)
		must(store_visit(c, STR("blog"), STR("a-post"), 1, touch, &sum) == OK, "read");
	sum = 0;
	getrusage(RUSAGE_SELF, &before);
	for (unsigned i = 0; i < reads; i++)
		must(store_visit(c, STR("blog"), STR("a-post"), 1, touch, &sum) == OK, "read");
	getrusage(RUSAGE_SELF, &after);
	must(sum == (size_t)reads * BODY_BYTES, "the body is another");
	double user = us_of(&after.ru_utime) - us_of(&before.ru_utime);
	double sys = us_of(&after.ru_stime) - us_of(&before.ru_stime);
	printf("%s %8.1f us user, %6.1f us system\n", what, user / reads, sys / reads);
}

static void bench(bool escaped, unsigned reads)
{
	pid_t table = start_table(escaped);
	struct str reason = STR_NONE;
	struct store_connection *c;
	struct metrics *metrics;
	struct config config;
	struct store *store;
	struct buf problems;
	struct arena a;

	arena_init(&a, ARENA_MAX_BYTES);
	buf_init(&problems, &a, 1 << 16);
	must(config_load(&config, setting, NULL, &problems) == OK, "settings");
	must(metrics_open_private(&metrics) == OK, "metrics");
	must(store_open(&a, STR("dynamodb:bench"), &config, metrics, &store, &reason) == OK, "open");
	must(store_connect(store, &c) == OK, "connect");
	measure(c, escaped ? "read, 4 KB, 340 escaped quotes" : "read, 4 KB, plain             ",
	    reads);
	store_disconnect(c);
	store_close(store);
	metrics_close(metrics);
	config_clean(&config);
	arena_clean(&a);
	kill(table, SIGKILL);
	waitpid(table, NULL, 0);
}

int main(int argc, char **argv)
{
	uint64_t reads = 20000;

	if (argc > 1 && (!str_to_u64(str_of(argv[1]), &reads) || reads == 0 || reads > 10000000))
		return 2;
	signal(SIGPIPE, SIG_IGN);
	bench(false, (unsigned)reads);
	bench(true, (unsigned)reads);
	return 0;
}
