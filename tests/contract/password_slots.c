/*
 * The cap on hashes at a time, over all processes of a machine.
 */
#include "auth/password.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/time.h"
#include "tests/test.h"

struct rig {
	char                   path[64];
	struct arena           a;
	struct password_hasher hasher;
};

static void rig_open(struct rig *r, unsigned slots, uint32_t wait_ms)
{
	*r = (struct rig){ .path = "/tmp/quiver-test-XXXXXX" };
	close(mkstemp(r->path));
	arena_init(&r->a, 1 << 20);
	r->hasher = (struct password_hasher){
		.cost = { .memory_kib = 8, .passes = 1, .lanes = 1 },
		.slots_path = r->path, .slots = slots, .wait_ms = wait_ms,
	};
}

static void rig_close(struct rig *r)
{
	unlink(r->path);
	arena_clean(&r->a);
}

static enum err hash(struct rig *r)
{
	struct str phc;

	return password_hash(&r->hasher, &r->a, STR("a password"), &phc);
}

/* A process that takes one slot, says so, and keeps it until it is ended. */
static pid_t hold_slot(const struct rig *r, unsigned slot)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = slot, .l_len = 1 };
	int          ready[2];
	char         byte;
	pid_t        child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		int fd = open(r->path, O_RDWR);

		if (fcntl(fd, F_OFD_SETLK, &lock) != 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

TEST(a_free_slot_is_found_behind_taken_ones)
{
	struct rig r;
	pid_t      holder;

	(void)state;
	rig_open(&r, 2, 0);
	holder = hold_slot(&r, 0);
	assert_int_equal(hash(&r), OK);
	end(holder);
	rig_close(&r);
}

TEST(when_all_are_taken_the_wait_has_an_end)
{
	uint64_t   began;
	struct rig r;
	pid_t      holders[2];

	(void)state;
	rig_open(&r, 2, 50);
	holders[0] = hold_slot(&r, 0);
	holders[1] = hold_slot(&r, 1);
	began = time_monotonic_ns();
	assert_int_equal(hash(&r), ERR_UNAVAILABLE);
	assert_true(time_monotonic_ns() - began >= 50 * UINT64_C(1000000));
	end(holders[0]);
	end(holders[1]);
	rig_close(&r);
}

TEST(the_slot_of_a_killed_holder_is_free_at_once)
{
	struct rig r;
	pid_t      holder;

	(void)state;
	rig_open(&r, 1, 0);
	holder = hold_slot(&r, 0);
	assert_int_equal(hash(&r), ERR_UNAVAILABLE);
	end(holder);
	assert_int_equal(hash(&r), OK);
	rig_close(&r);
}

TEST(a_slot_is_given_back_after_each_hash)
{
	struct rig r;

	(void)state;
	rig_open(&r, 1, 0);
	for (int i = 0; i < 50; i++)
		assert_int_equal(hash(&r), OK);
	rig_close(&r);
}

TEST(verifying_takes_a_slot_too_and_nobodys_password_as_well)
{
	struct str phc;
	struct rig r;
	pid_t      holder;

	(void)state;
	rig_open(&r, 1, 0);
	assert_int_equal(password_hash(&r.hasher, &r.a, STR("a password"), &phc), OK);
	holder = hold_slot(&r, 0);
	assert_int_equal(password_verify(&r.hasher, &r.a, STR("a password"), phc), ERR_UNAVAILABLE);
	assert_int_equal(password_verify_nobody(&r.hasher, &r.a, STR("a password")),
	    ERR_UNAVAILABLE);
	end(holder);
	rig_close(&r);
}

TEST(a_waiter_goes_on_when_the_holder_ends)
{
	struct rig r;
	pid_t      holder, waiter;
	int        status;

	(void)state;
	rig_open(&r, 1, 10000);
	holder = hold_slot(&r, 0);
	waiter = fork();
	if (waiter == 0)
		_exit(hash(&r) == OK ? 0 : 1);
	end(holder);
	assert_int_equal(waitpid(waiter, &status, 0), waiter);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	rig_close(&r);
}

TEST(a_slots_file_that_cannot_be_is_an_error)
{
	struct rig r;

	(void)state;
	rig_open(&r, 1, 0);
	r.hasher.slots_path = "/nowhere/at/all";
	assert_int_equal(hash(&r), ERR_IO);
	rig_close(&r);
}

TEST_MAIN(
	RUN(a_free_slot_is_found_behind_taken_ones),
	RUN(when_all_are_taken_the_wait_has_an_end),
	RUN(the_slot_of_a_killed_holder_is_free_at_once),
	RUN(a_slot_is_given_back_after_each_hash),
	RUN(verifying_takes_a_slot_too_and_nobodys_password_as_well),
	RUN(a_waiter_goes_on_when_the_holder_ends),
	RUN(a_slots_file_that_cannot_be_is_an_error))
