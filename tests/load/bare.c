/*
 * bare: the ceiling.  A libfcgi program as its documentation has it, in 8 threads,
 * that answers every request with the bytes of a file (CGI headers and body) and
 * does nothing else.
 *
 * usage: bare FILE [SOCKET]     without SOCKET on descriptor 0, as lighttpd starts it
 */
#include <fcgiapp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define THREADS 8
#define BACKLOG 1024
#define ANSWER_MAX_BYTES (1 << 20)

static char answer[ANSWER_MAX_BYTES];
static int answer_bytes;

static void *work(void *context)
{
	FCGX_Request r;

	FCGX_InitRequest(&r, *(const int *)context, 0);
	while (FCGX_Accept_r(&r) == 0) {
		FCGX_PutStr(answer, answer_bytes, r.out);
		FCGX_Finish_r(&r);
	}
	return NULL;
}

static int read_answer(const char *path)
{
	FILE *f = fopen(path, "rb");

	if (f == NULL)
		return 0;
	answer_bytes = (int)fread(answer, 1, sizeof(answer), f);
	fclose(f);
	return answer_bytes;
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	int listener = 0;

	if (argc < 2 || read_answer(argv[1]) == 0) {
		fprintf(stderr, "usage: bare FILE [SOCKET]\n");
		return 1;
	}
	FCGX_Init();
	if (argc > 2)
		listener = FCGX_OpenSocket(argv[2], BACKLOG);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, work, &listener) != 0)
			return 1;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
