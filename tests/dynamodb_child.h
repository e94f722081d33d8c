/*
 * dynamodb_child: the tests' DynamoDB (tests/stack/dynamodb_server.mjs) as a child of a
 * test, one a process, on a port that the kernel chose; it ends with the process.
 */
#ifndef TESTS_DYNAMODB_CHILD_H
#define TESTS_DYNAMODB_CHILD_H

#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "config/config.h"
#include "test.h"

static struct {
	pid_t owner, pid;
	int   input;                    /* its standard input: it ends when this is closed */
	int   port;
	char  endpoint[40];
} dynamodb_child;

static inline void dynamodb_child_end(void)
{
	if (dynamodb_child.pid == 0 || getpid() != dynamodb_child.owner)
		return;
	close(dynamodb_child.input);
	kill(dynamodb_child.pid, SIGKILL);
	waitpid(dynamodb_child.pid, NULL, 0);
	dynamodb_child.pid = 0;
}

static inline void dynamodb_child_run(int input, int output)
{
	dup2(input, STDIN_FILENO);
	dup2(output, STDOUT_FILENO);
	execlp("node", "node", SOURCE_DIR "/tests/stack/dynamodb_server.mjs", (char *)NULL);
	_exit(127);
}

static inline void dynamodb_child_start(void)
{
	int input[2], output[2];
	char line[16];
	size_t n = 0;

	if (dynamodb_child.pid != 0)
		return;
	assert_int_equal(pipe2(input, O_CLOEXEC), 0);
	assert_int_equal(pipe2(output, O_CLOEXEC), 0);
	dynamodb_child.pid = fork();
	if (dynamodb_child.pid == 0)
		dynamodb_child_run(input[0], output[1]);
	close(input[0]);
	close(output[1]);
	dynamodb_child.owner = getpid();
	dynamodb_child.input = input[1];
	atexit(dynamodb_child_end);
	while (n < sizeof(line) - 1 && read(output[0], line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = '\0';
	close(output[0]);
	dynamodb_child.port = (int)strtol(line, NULL, 10);
	if (dynamodb_child.port == 0)
		fail_msg("tests/stack/dynamodb_server.mjs does not start: is node there, and"
		    " tests/node_modules (deploy/npm tests)?");
	snprintf(dynamodb_child.endpoint, sizeof(dynamodb_child.endpoint), "http://127.0.0.1:%d",
	    dynamodb_child.port);
}

/* A setting of a store there, by its name; NULL: not one of those. */
static inline const char *dynamodb_child_setting(const char *name)
{
	if (strcmp(name, "AWS_REGION") == 0)
		return "eu-west-1";
	if (strcmp(name, "AWS_ACCESS_KEY_ID") == 0)
		return "AKIDQUIVERTEST";
	if (strcmp(name, "AWS_SECRET_ACCESS_KEY") == 0)
		return "a-secret-of-the-tests-alone";
	return strcmp(name, "DYNAMODB_ENDPOINT") == 0 ? dynamodb_child.endpoint : NULL;
}

/* Asks the server for what it does not do for others: POST `path` with `json`; the
 * body of its answer into `into`. */
static inline void dynamodb_child_control(const char *path, const char *json, char *into,
    size_t size)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)dynamodb_child.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[2048];
	const char *body;
	size_t n = 0;
	ssize_t more;

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	dprintf(fd, "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
	    path, strlen(json), json);
	while (n < sizeof(answer) - 1 && (more = read(fd, answer + n, sizeof(answer) - 1 - n)) > 0)
		n += (size_t)more;
	close(fd);
	answer[n] = '\0';
	body = strstr(answer, "\r\n\r\n");
	assert_non_null(body);
	if (into != NULL)
		snprintf(into, size, "%s", body + 4);
}

#endif
