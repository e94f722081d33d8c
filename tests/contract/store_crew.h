/*
 * store_crew: threads that do the same thing on one store at once, in one process or in
 * several.
 */
#ifndef TESTS_CONTRACT_STORE_CREW_H
#define TESTS_CONTRACT_STORE_CREW_H

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>

#include "store_rig.h"

#define THREADS 8
#define PROCESSES 4

struct crew;

struct hand {
	pthread_t                thread;
	struct crew             *crew;
	struct store_connection *c;
	struct arena             arena;
	unsigned                 id;
	unsigned                 oks, others;   /* results seen */
};

/* Threads that do the same thing on one store, each on its own connection. */
struct crew {
	struct rig       *rig;
	void            (*work)(struct hand *h);
	pthread_barrier_t start;
	atomic_bool       stop;
	struct hand       hands[THREADS];
};

static inline void *hand_main(void *context)
{
	struct hand *h = context;

	arena_init(&h->arena, ARENA_MAX_BYTES);
	if (store_connect(h->crew->rig->store, &h->c) != OK)
		abort();
	pthread_barrier_wait(&h->crew->start);
	h->crew->work(h);
	store_disconnect(h->c);
	arena_clean(&h->arena);
	return NULL;
}

static inline void crew_start(struct crew *crew, struct rig *rig, void (*work)(struct hand *h))
{
	memset(crew, 0, sizeof(*crew));
	crew->rig = rig;
	crew->work = work;
	pthread_barrier_init(&crew->start, NULL, THREADS + 1);
	for (unsigned i = 0; i < THREADS; i++) {
		crew->hands[i].crew = crew;
		crew->hands[i].id = i;
		pthread_create(&crew->hands[i].thread, NULL, hand_main, &crew->hands[i]);
	}
	pthread_barrier_wait(&crew->start);
}

static inline void crew_end(struct crew *crew)
{
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(crew->hands[i].thread, NULL);
	pthread_barrier_destroy(&crew->start);
}

static inline void crew_run(struct crew *crew, struct rig *rig, void (*work)(struct hand *h))
{
	crew_start(crew, rig, work);
	crew_end(crew);
}

/* In `PROCESSES` children that open the store for themselves, since a database
 * must not be carried over a fork; they exit 0 when all went well. */
static inline void in_processes(struct rig *rig, void (*work)(struct hand *h))
{
	pid_t children[PROCESSES];
	int status;

	rig_disconnect(rig);
	for (size_t i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			struct crew crew;
			rig_connect(rig);
			crew_run(&crew, rig, work);
			rig_disconnect(rig);
			_exit(0);
		}
	}
	for (size_t i = 0; i < PROCESSES; i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	rig_connect(rig);
}

static inline enum err hand_write(struct hand *h, enum store_verb verb, enum store_condition condition,
    struct store_item item, enum store_durability durability)
{
	const struct store_op op = { verb, condition, item };
	struct store_result result;
	enum err err = store_write(h->c, &op, 1, durability, NOW, &result);

	if (err == OK)
		h->oks++;
	else
		h->others++;
	return err;
}

#endif
