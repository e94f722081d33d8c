#include "serve/stop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "base/attr.h"

static const int stop_signals[] = { SIGTERM, SIGINT, SIGUSR1 };

static void fill(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < COUNT(stop_signals); i++)
		sigaddset(set, stop_signals[i]);
}

void stop_prepare(void)
{
	sigset_t set;

	fill(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	for (size_t i = 0; i < COUNT(stop_signals); i++)
		(void)signal(stop_signals[i], SIG_DFL);
	(void)signal(SIGPIPE, SIG_IGN);
}

int stop_wait(void)
{
	sigset_t set;
	int which;

	fill(&set);
	do
		which = sigwaitinfo(&set, NULL);
	while (which < 0 && errno == EINTR);
	return which;
}
