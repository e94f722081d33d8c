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
	pthread_cond_t  written;        /* nobody is writing any more */
	pthread_t       thread;
	uint32_t        delay_ms;       /* 0: nothing waits */
	size_t          whole;          /* bytes that one write keeps whole */
	bool            writing;        /* the other half, without the lock */
	unsigned        half;           /* which of the two is being filled */
	size_t          len;            /* of it */
	char            text[2][OUTLET_BYTES];
} outlet = {
	.lock = PTHREAD_MUTEX_INITIALIZER, .some = PTHREAD_COND_INITIALIZER,
	.written = PTHREAD_COND_INITIALIZER,
};

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

/* As many whole lines as one write keeps together, at least one. */
static size_t portion(const char *text, size_t len)
{
	size_t n = outlet.whole;

	if (len <= n)
		return len;
	while (n > 0 && text[n - 1] != '\n')
		n--;
	return n > 0 ? n : len;
}

/* Under the lock, which it gives up while it writes. */
static void flush(void)
{
	while (outlet.writing)
		pthread_cond_wait(&outlet.written, &outlet.lock);
	const char *text = outlet.text[outlet.half];
	size_t len = outlet.len;
	if (len == 0)
		return;
	outlet.half ^= 1;
	outlet.len = 0;
	outlet.writing = true;
	pthread_mutex_unlock(&outlet.lock);
	for (size_t n; len > 0; text += n, len -= n) {
		n = portion(text, len);
		write_all(text, n);
	}
	pthread_mutex_lock(&outlet.lock);
	outlet.writing = false;
	pthread_cond_broadcast(&outlet.written);
}

/* Nothing of it is locked or allocated.  The signal, which may have come from outside
 * and then would not come again, takes its usual course. */
static void crash(int signal_number)
{
	if (outlet.len <= OUTLET_BYTES)
		(void)!write(STDERR_FILENO, outlet.text[outlet.half & 1], outlet.len);
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

/* Until the delay is over, much has come, or it is time to stop. */
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
	while (outlet.delay_ms > 0 && outlet.len < OUTLET_BYTES / 2 &&
	    pthread_cond_clockwait(&outlet.some, &outlet.lock, CLOCK_MONOTONIC, &end) == 0)
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

static size_t whole_at_once(void)
{
	struct stat st;

	return fstat(STDERR_FILENO, &st) == 0 && S_ISFIFO(st.st_mode) ? PIPE_BUF : OUTLET_BYTES;
}

/* A child has the parent's lines and not its thread. */
static void be_a_child(void)
{
	pthread_mutex_init(&outlet.lock, NULL);
	pthread_cond_init(&outlet.some, NULL);
	pthread_cond_init(&outlet.written, NULL);
	outlet.delay_ms = 0;
	outlet.len = 0;
	outlet.writing = false;
}

void outlet_start(uint32_t delay_ms)
{
	static bool watches_fork;

	if (delay_ms == 0 || outlet.delay_ms != 0)
		return;
	if (!watches_fork)
		watches_fork = pthread_atfork(NULL, NULL, be_a_child) == 0;
	outlet.whole = whole_at_once();
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
	size_t before = outlet.len;

	memcpy(outlet.text[outlet.half] + before, line.ptr, line.len);
	outlet.len += line.len;
	if (before == 0 || (before < OUTLET_BYTES / 2 && outlet.len >= OUTLET_BYTES / 2))
		pthread_cond_signal(&outlet.some);
}

void outlet_write(struct str line, bool can_wait)
{
	pthread_mutex_lock(&outlet.lock);
	bool waits = outlet.delay_ms > 0 && line.len <= OUTLET_BYTES;
	while (outlet.len > (waits ? OUTLET_BYTES - line.len : 0))
		flush();
	if (waits)
		collect(line);
	if (waits && !can_wait)
		flush();
	pthread_mutex_unlock(&outlet.lock);
	if (!waits)
		write_all(line.ptr, line.len);
}
