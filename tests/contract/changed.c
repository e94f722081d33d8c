/*
 * changed over a real segment, by several threads and two processes' worth of openings.
 */
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "auth/changed.h"
#include "tests/test.h"

#define THREADS 4
#define MARKS   300000         /* longer than starting a thread takes */

struct rig {
	char           dir[64];
	struct changed one, two;        /* two processes of the machine */
	atomic_bool    done;
};

static void rig_open(struct rig *r)
{
	*r = (struct rig){ .dir = "/tmp/quiver-test-XXXXXX" };
	assert_non_null(mkdtemp(r->dir));
	assert_int_equal(changed_open(r->dir, &r->one), OK);
	assert_int_equal(changed_open(r->dir, &r->two), OK);
}

static void rig_close(struct rig *r)
{
	DIR *d;

	changed_close(&r->one);
	changed_close(&r->two);
	d = opendir(r->dir);
	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(r->dir);
}

TEST(a_change_is_seen_by_every_process)
{
	struct rig r;
	uint32_t   before;

	(void)state;
	rig_open(&r);
	before = changed_count(&r.two, STR("a-key"));
	changed_mark(&r.one, STR("a-key"));
	assert_int_not_equal(changed_count(&r.two, STR("a-key")), before);
	before = changed_count(&r.one, STR("a-key"));
	assert_int_equal(changed_count(&r.one, STR("a-key")), before);
	rig_close(&r);
}

static void *mark_often(void *context)
{
	struct rig *r = context;

	for (int i = 0; i < MARKS; i++)
		changed_mark(i % 2 == 0 ? &r->one : &r->two, STR("a-key"));
	return NULL;
}

/* A counter never goes back: what was read before a change is never right again. */
static void *watch(void *context)
{
	struct rig *r = context;
	uint32_t    last = changed_count(&r->two, STR("a-key"));

	while (!atomic_load(&r->done)) {
		uint32_t now = changed_count(&r->two, STR("a-key"));

		if (now < last)
			return r;
		last = now;
	}
	return NULL;
}

TEST(no_change_of_many_at_once_is_lost)
{
	struct rig r;
	pthread_t  threads[THREADS], watcher;
	void      *went_back;
	uint32_t   before;

	(void)state;
	rig_open(&r);
	before = changed_count(&r.one, STR("a-key"));
	assert_int_equal(pthread_create(&watcher, NULL, watch, &r), 0);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, mark_often, &r), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&r.done, true);
	pthread_join(watcher, &went_back);
	assert_null(went_back);
	assert_int_equal(changed_count(&r.one, STR("a-key")) - before, THREADS * MARKS);
	rig_close(&r);
}

TEST_MAIN(
	RUN(a_change_is_seen_by_every_process),
	RUN(no_change_of_many_at_once_is_lost))
