#include "log/outlet.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

/* Under `lock`, but for crash(), which nobody else survives. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t  some;           /* something waits, or it is time to stop */
	pthread_t       thread;
	uint32_t        delay_ms;       /* 0: nothing waits */
	uint32_t        most;           /* bytes that one write keeps whole */
	uint32_t        len;
	char            text[OUTLET_BYTES];
} outlet = { .lock = PTHREAD_MUTEX_INITIALIZER, .some = PTHREAD_COND_INITIALIZER };

/* What cannot be written is lost: there is nowhere to say so. */
static void write_all(const char *text, size_t len)
{
	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, text, len);
		if (n >= 0) {
			text += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };
			(void)poll(&p, 1, -1);
		} else if (errno != EINTR) {
			return;
		}
	}
}

static void flush(void)
{
	write_all(outlet.text, outlet.len);
	outlet.len = 0;
}

/* Nothing of it is locked or allocated.  The signal, which may have come from outside
 * and then would not come again, takes its usual course. */
static void crash(int signal_number)
{
	if (outlet.len <= sizeof(outlet.text))
		(void)!write(STDERR_FILENO, outlet.text, outlet.len);
	(void)raise(signal_number);
}

/* Where nobody else (a sanitizer) listens. */
static void watch_crashes(void)
{
	struct sigaction mine = { .sa_handler = crash, .sa_flags = (int)SA_RESETHAND | SA_NODEFER };
	struct sigaction other;

	for (size_t i = 0; i < COUNT(fatal_signals); i++)
		if (sigaction(fatal_signals[i], NULL, &other) == 0 &&
		    (other.sa_flags & SA_SIGINFO) == 0 && other.sa_handler == SIG_DFL)
			(void)sigaction(fatal_signals[i], &mine, NULL);
}

/* Until the delay is over, or it is time to stop. */
static void wait_for_others(void)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += outlet.delay_ms / 1000;
	end.tv_nsec += (long)(outlet.delay_ms % 1000) * 1000000;
	if (end.tv_nsec >= 1000000000) {
		end.tv_nsec -= 1000000000;
		end.tv_sec++;
	}
	while (outlet.delay_ms > 0 && pthread_cond_clockwait(&outlet.some, &outlet.lock,
	    CLOCK_MONOTONIC, &end) == 0)
		continue;
}

static void *flush_in_time(void *context)
{
	(void)context;
	pthread_mutex_lock(&outlet.lock);
	while (outlet.delay_ms > 0) {
		if (outlet.len == 0) {
			pthread_cond_wait(&outlet.some, &outlet.lock);
			continue;
		}
		wait_for_others();
		flush();
	}
	pthread_mutex_unlock(&outlet.lock);
	return NULL;
}

static uint32_t most_at_once(void)
{
	struct stat st;

	if (fstat(STDERR_FILENO, &st) == 0 && S_ISFIFO(st.st_mode) && PIPE_BUF < OUTLET_BYTES)
		return PIPE_BUF;
	return OUTLET_BYTES;
}

/* A child has the parent's lines and not its thread. */
static void be_a_child(void)
{
	pthread_mutex_init(&outlet.lock, NULL);
	outlet.delay_ms = 0;
	outlet.len = 0;
}

void outlet_start(uint32_t delay_ms)
{
	static bool watches_fork;

	if (delay_ms == 0 || outlet.delay_ms != 0)
		return;
	if (!watches_fork)
		watches_fork = pthread_atfork(NULL, NULL, be_a_child) == 0;
	outlet.most = most_at_once();
	outlet.delay_ms = delay_ms;
	if (!watches_fork || pthread_create(&outlet.thread, NULL, flush_in_time, NULL) != 0)
		outlet.delay_ms = 0;
	else
		watch_crashes();
}

void outlet_stop(void)
{
	pthread_mutex_lock(&outlet.lock);
	bool started = outlet.delay_ms != 0;
	outlet.delay_ms = 0;
	flush();
	pthread_cond_signal(&outlet.some);
	pthread_mutex_unlock(&outlet.lock);
	if (started)
		pthread_join(outlet.thread, NULL);
}

static void collect(struct str line)
{
	if (outlet.len == 0)
		pthread_cond_signal(&outlet.some);
	memcpy(outlet.text + outlet.len, line.ptr, line.len);
	outlet.len += (uint32_t)line.len;
}

void outlet_write(struct str line, bool can_wait)
{
	pthread_mutex_lock(&outlet.lock);
	bool waits = can_wait && outlet.delay_ms > 0 && line.len <= outlet.most;
	if (!waits || line.len > outlet.most - outlet.len)
		flush();
	if (waits)
		collect(line);
	pthread_mutex_unlock(&outlet.lock);
	if (!waits)
		write_all(line.ptr, line.len);
}
