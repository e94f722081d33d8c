/*
 * log_outlet: lines that wait for others, and what makes them go.
 */
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "base/time.h"
#include "capture.h"
#include "log/outlet.h"
#include "test.h"

#define LONG_MS   1000                  /* longer than any step of these tests */
#define SHORT_MS  10
#define WITHIN_MS 5000

static struct capture captured;

static void begin(uint32_t delay_ms)
{
	capture_begin(&captured);
	outlet_start(delay_ms);
}

static struct str finish(void)
{
	outlet_stop();
	return capture_end(&captured);
}

/* As long as it takes until something is there. */
static struct str wait_for_lines(void)
{
	const struct timespec moment = { .tv_nsec = 1000000 };
	int64_t end_ms = time_now_ms() + WITHIN_MS;

	while (capture_look(&captured).len == 0 && time_now_ms() < end_ms)
		nanosleep(&moment, NULL);
	return capture_look(&captured);
}

TEST(without_a_delay_each_line_goes_at_once)
{
	(void)state;
	begin(0);
	outlet_write(STR("one\n"), true);
	assert_str(capture_look(&captured), STR("one\n"));
	assert_str(finish(), STR("one\n"));
}

TEST(a_line_that_can_wait_goes_when_its_delay_is_over)
{
	(void)state;
	begin(SHORT_MS);
	outlet_write(STR("one\n"), true);
	assert_str(wait_for_lines(), STR("one\n"));
	assert_str(finish(), STR("one\n"));
}

TEST(a_line_that_cannot_wait_takes_those_before_it_along)
{
	(void)state;
	begin(LONG_MS);
	outlet_write(STR("one\n"), true);
	outlet_write(STR("two\n"), true);
	assert_int_equal(capture_look(&captured).len, 0);
	outlet_write(STR("three\n"), false);
	assert_str(capture_look(&captured), STR("one\ntwo\nthree\n"));
	assert_str(finish(), STR("one\ntwo\nthree\n"));
}

static char long_line[1000];

/* Lines of 1,000 bytes until there are `bytes`; how many there were. */
static size_t write_many(size_t bytes)
{
	size_t n = 0;

	if (long_line[0] == '\0') {
		memset(long_line, 'x', sizeof(long_line));
		long_line[sizeof(long_line) - 1] = '\n';
	}
	for (; n < bytes; n += sizeof(long_line))
		outlet_write((struct str){ long_line, sizeof(long_line) }, true);
	return n;
}

static bool are_whole(struct str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((text.ptr[i] == '\n') != ((i + 1) % sizeof(long_line) == 0))
			return false;
	return text.len % sizeof(long_line) == 0;
}

TEST(much_does_not_wait_for_its_delay)
{
	(void)state;
	begin(60 * LONG_MS);
	write_many(OUTLET_BYTES / 2 + 1);
	assert_true(are_whole(wait_for_lines()));
	assert_true(capture_look(&captured).len > 0);
	(void)finish();
}

TEST(more_than_there_is_room_for_is_written_whole)
{
	struct str text;
	size_t n;

	(void)state;
	begin(60 * LONG_MS);
	n = write_many(3 * OUTLET_BYTES);
	text = finish();
	assert_int_equal(text.len, n);
	assert_true(are_whole(text));
}

static void *write_much(void *context)
{
	(void)context;
	write_many(OUTLET_BYTES / 2);
	return NULL;
}

TEST(lines_of_threads_do_not_mix)
{
	pthread_t threads[4];
	struct str text;

	(void)state;
	begin(1);
	write_many(1);                  /* the line itself is made before there are threads */
	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_much, NULL), 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	text = finish();
	assert_int_equal(text.len, sizeof(long_line) * (1 + COUNT(threads) *
	    ((OUTLET_BYTES / 2 + sizeof(long_line) - 1) / sizeof(long_line))));
	assert_true(are_whole(text));
}

/* A pipe keeps whole what one write(2) of PIPE_BUF bytes or less has: here it shows each. */
TEST(each_write_into_a_pipe_is_of_whole_lines_that_the_kernel_keeps_together)
{
	static char packet[2 * PIPE_BUF];
	int ends[2], saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	size_t all = 0, n;

	(void)state;
	assert_int_equal(pipe2(ends, O_DIRECT), 0);
	assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
	outlet_start(60 * LONG_MS);
	n = write_many(10 * sizeof(long_line));
	outlet_stop();
	assert_int_equal(dup2(saved, STDERR_FILENO), STDERR_FILENO);
	while (all < n) {
		ssize_t got = read(ends[0], packet, sizeof(packet));
		assert_in_range(got, 1, PIPE_BUF);
		assert_true(are_whole((struct str){ packet, (size_t)got }));
		all += (size_t)got;
	}
	close(ends[0]);
	close(ends[1]);
	close(saved);
}

TEST(a_stop_leaves_nothing_behind)
{
	(void)state;
	begin(LONG_MS);
	outlet_write(STR("one\n"), true);
	assert_str(finish(), STR("one\n"));
}

TEST(a_child_does_not_write_its_parents_lines)
{
	(void)state;
	begin(LONG_MS);
	outlet_write(STR("parent\n"), true);
	pid_t pid = fork();
	if (pid == 0) {
		outlet_write(STR("child\n"), true);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_str(capture_look(&captured), STR("child\n"));
	assert_str(finish(), STR("child\nparent\n"));
}

static void die_of(void (*how)(void))
{
	int status;

	capture_begin(&captured);
	pid_t pid = fork();
	if (pid == 0) {
		(void)signal(SIGABRT, SIG_DFL);
		outlet_start(LONG_MS);
		outlet_write(STR("last words\n"), true);
		how();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_str(capture_end(&captured), STR("last words\n"));
}

TEST(a_crash_writes_what_waits_and_is_a_crash)
{
	(void)state;
	die_of(abort);
}

static void be_signalled(void)
{
	(void)kill(getpid(), SIGABRT);
	sleep(WITHIN_MS / 1000);
}

TEST(a_fatal_signal_from_outside_does_the_same)
{
	(void)state;
	die_of(be_signalled);
}

TEST_MAIN(
	RUN(without_a_delay_each_line_goes_at_once),
	RUN(a_line_that_can_wait_goes_when_its_delay_is_over),
	RUN(a_line_that_cannot_wait_takes_those_before_it_along),
	RUN(much_does_not_wait_for_its_delay),
	RUN(more_than_there_is_room_for_is_written_whole),
	RUN(lines_of_threads_do_not_mix),
	RUN(each_write_into_a_pipe_is_of_whole_lines_that_the_kernel_keeps_together),
	RUN(a_stop_leaves_nothing_behind),
	RUN(a_child_does_not_write_its_parents_lines),
	RUN(a_crash_writes_what_waits_and_is_a_crash),
	RUN(a_fatal_signal_from_outside_does_the_same))
