/*
 * log_outlet: lines that wait for others, and what makes them go.
 */
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

TEST(no_more_waits_than_there_is_room_for_and_lines_stay_whole)
{
	char line[1000];
	struct str text;

	(void)state;
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	begin(LONG_MS);
	for (size_t i = 0; i <= OUTLET_BYTES / sizeof(line); i++)
		outlet_write((struct str){ line, sizeof(line) }, true);
	text = capture_look(&captured);
	assert_int_equal(text.len, OUTLET_BYTES / sizeof(line) * sizeof(line));
	assert_int_equal(finish().len, text.len + sizeof(line));
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
	RUN(no_more_waits_than_there_is_room_for_and_lines_stay_whole),
	RUN(a_stop_leaves_nothing_behind),
	RUN(a_child_does_not_write_its_parents_lines),
	RUN(a_crash_writes_what_waits_and_is_a_crash),
	RUN(a_fatal_signal_from_outside_does_the_same))
