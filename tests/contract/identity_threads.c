/*
 * Sign-in by many threads of one process at once.
 */
#include "identity_rig.h"

#include <pthread.h>
#include <stdatomic.h>

#define THREADS 4
#define ROUNDS  200

/* One thread's own connection and arena on the shared process state. */
struct member {
	struct rig       own;
	pthread_t        thread;
	struct str       token;
	pthread_barrier_t *start;
	struct identity_tokens tokens;
	enum err         result;
	unsigned         refused;
};

static void join_rig(struct member *m, const struct rig *r, pthread_barrier_t *start)
{
	*m = (struct member){ .own = *r, .start = start };
	arena_init(&m->own.a, ARENA_MAX_BYTES);
	assert_int_equal(store_connect(r->store, &m->own.c), OK);
}

static void leave_rig(struct member *m)
{
	store_disconnect(m->own.c);
	arena_clean(&m->own.a);
}

/* All at once; then all are done. */
static void run_all(struct member *members, void *(*work)(void *))
{
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&members[i].thread, NULL, work, &members[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(members[i].thread, NULL);
}

static void *refresh_once(void *argument)
{
	struct member *m = argument;

	pthread_barrier_wait(m->start);
	m->result = rig_refresh(&m->own, m->token, &m->tokens);
	return NULL;
}

TEST(one_refresh_token_used_by_all_at_once_is_tabs_and_no_theft)
{
	struct member     members[THREADS];
	pthread_barrier_t start;
	struct rig        r;
	struct str        token;

	(void)state;
	rig_open(&r);
	token = rig_login(&r).refresh_token;
	pthread_barrier_init(&start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++) {
		join_rig(&members[i], &r, &start);
		members[i].token = token;
	}
	run_all(members, refresh_once);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(members[i].result, OK);
		assert_true(rig_is_alive(&r, members[i].tokens.access_token));
		for (int j = 0; j < i; j++)
			assert_false(str_eq(members[i].tokens.refresh_token,
			    members[j].tokens.refresh_token));
	}
	for (int i = 0; i < THREADS; i++)
		leave_rig(&members[i]);
	pthread_barrier_destroy(&start);
	rig_close(&r);
}

TEST(without_a_grace_one_of_all_gets_through_and_the_family_ends)
{
	struct member     members[THREADS];
	pthread_barrier_t start;
	struct rig        r;
	struct str        token;
	int               through = 0;

	(void)state;
	rig_open(&r);
	r.config.refresh_grace_s = 0;
	token = rig_login(&r).refresh_token;
	pthread_barrier_init(&start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++) {
		join_rig(&members[i], &r, &start);
		members[i].token = token;
	}
	run_all(members, refresh_once);
	for (int i = 0; i < THREADS; i++) {
		assert_true(members[i].result == OK || members[i].result == ERR_UNAUTHENTICATED);
		through += members[i].result == OK;
		if (members[i].result == OK)
			assert_false(rig_is_alive(&r, members[i].tokens.access_token));
	}
	assert_int_equal(through, 1);
	for (int i = 0; i < THREADS; i++)
		leave_rig(&members[i]);
	pthread_barrier_destroy(&start);
	rig_close(&r);
}

static void *authenticate_many(void *argument)
{
	struct member   *m = argument;
	struct principal p;

	pthread_barrier_wait(m->start);
	for (int i = 0; i < ROUNDS; i++) {
		m->refused += rig_authenticate(&m->own, m->token, &p) != OK;
		arena_reset(&m->own.a);
	}
	return NULL;
}

TEST(all_threads_learn_a_new_key_and_none_refuses_its_token)
{
	struct member     members[THREADS];
	pthread_barrier_t start;
	struct rig        r, reader;
	struct str        token;

	(void)state;
	rig_open(&r);
	reader = r;
	rig_attach(&reader);            /* knows no key yet */
	token = rig_login(&r).access_token;
	pthread_barrier_init(&start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++) {
		join_rig(&members[i], &reader, &start);
		members[i].token = token;
	}
	run_all(members, authenticate_many);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(members[i].refused, 0);
		leave_rig(&members[i]);
	}
	pthread_barrier_destroy(&start);
	rig_detach(&reader);
	rig_close(&r);
}

static void *login_once(void *argument)
{
	struct member *m = argument;

	pthread_barrier_wait(m->start);
	m->result = rig_sign_in(&m->own, RIG_EMAIL, RIG_PASSWORD, &m->tokens);
	return NULL;
}

TEST(more_sign_ins_than_cores_all_get_their_turn)
{
	struct member     members[THREADS];
	pthread_barrier_t start;
	struct rig        r;

	(void)state;
	rig_open(&r);
	pthread_barrier_init(&start, NULL, THREADS);
	for (int i = 0; i < THREADS; i++)
		join_rig(&members[i], &r, &start);
	run_all(members, login_once);
	for (int i = 0; i < THREADS; i++) {
		assert_int_equal(members[i].result, OK);
		leave_rig(&members[i]);
	}
	pthread_barrier_destroy(&start);
	rig_close(&r);
}

TEST_MAIN(
	RUN(one_refresh_token_used_by_all_at_once_is_tabs_and_no_theft),
	RUN(without_a_grace_one_of_all_gets_through_and_the_family_ends),
	RUN(all_threads_learn_a_new_key_and_none_refuses_its_token),
	RUN(more_sign_ins_than_cores_all_get_their_turn))
