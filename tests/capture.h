/*
 * capture: what a test writes to standard error.
 */
#ifndef TESTS_CAPTURE_H
#define TESTS_CAPTURE_H

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test.h"

#define CAPTURE_MAX (256u << 10)

/* What is written to standard error between the two goes to `text`. */
struct capture {
	int  file, saved;
	char text[CAPTURE_MAX];
};

static inline void capture_begin(struct capture *c)
{
	c->file = memfd_create("log", MFD_CLOEXEC);
	assert_true(c->file >= 0);
	c->saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	assert_true(c->saved >= 0);
	assert_int_equal(dup2(c->file, STDERR_FILENO), STDERR_FILENO);
}

/* What is there so far. */
static inline struct str capture_look(struct capture *c)
{
	ssize_t n = pread(c->file, c->text, sizeof(c->text), 0);

	assert_true(n >= 0);
	return (struct str){ c->text, (size_t)n };
}

static inline struct str capture_end(struct capture *c)
{
	assert_int_equal(dup2(c->saved, STDERR_FILENO), STDERR_FILENO);
	close(c->saved);
	struct str text = capture_look(c);
	close(c->file);
	return text;
}

#endif
