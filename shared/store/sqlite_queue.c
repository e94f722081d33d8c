/*
 * sqlite_queue: many threads' writes in one commit.
 *
 * A writer puts its list into the queue.  The first one leads: it takes what is
 * queued, runs the lists one after the other in one transaction (a list whose
 * condition fails has written nothing), commits (one fdatasync for all), tells the
 * next in the queue to lead, and wakes those it has served.  It does not wait for
 * more to come: while one commit is on its way to the disk the next fills by
 * itself.  No thread leads twice for one call, and the store has no thread of its
 * own.
 *
 * Durable and relaxed lists share this queue and one connection.  A batch with a
 * durable list in it is committed with synchronous=FULL, one without with
 * NORMAL (no fdatasync); the pragma is changed between transactions, and only
 * when the kind of batch changes.  A second connection would read again what the
 * first has written, and the two would wait for each other's lock.
 *
 * Moving pages from the WAL into the database is done outside of commits: the
 * leader hands over first and then does it on its own connection, while others
 * commit.  Only when that cannot keep up do writers wait for it.
 */
#include "store/sqlite.h"

#include <stddef.h>
#include <time.h>

#include "base/time.h"

void sqlite_queue_init(struct sqlite_queue *q)
{
	pthread_mutex_init(&q->lock, NULL);
	q->head = NULL;
	q->tail = &q->head;
}

void sqlite_queue_clean(struct sqlite_queue *q)
{
	pthread_mutex_destroy(&q->lock);
}

/* Under the lock, these three. */

static void append(struct sqlite_queue *q, struct sqlite_request *r)
{
	r->next = NULL;
	*q->tail = r;
	q->tail = &r->next;
}

static void withdraw(struct sqlite_queue *q, struct sqlite_request *r)
{
	struct sqlite_request **link = &q->head;

	while (*link != r)
		link = &(*link)->next;
	*link = r->next;
	if (q->tail == &r->next)
		q->tail = link;
}

static struct sqlite_request *take(struct sqlite_queue *q)
{
	struct sqlite_request *batch = q->head, **end = &q->head;
	size_t lists = 0, ops = 0;

	do {
		(*end)->state = REQUEST_TAKEN;
		ops += (*end)->n_ops;
		lists++;
		end = &(*end)->next;
	} while (*end != NULL && lists < BATCH_LISTS_MAX &&
	    ops + (*end)->n_ops <= BATCH_OPS_MAX);
	q->head = *end;
	if (q->head == NULL)
		q->tail = &q->head;
	*end = NULL;
	return batch;
}

/* --- the transaction, run by the leader alone --- */

/* Runs each list.  An error that is not about a condition is the whole batch's. */
static enum err apply_batch(struct sqlite_db *db, struct sqlite_request *batch, bool *changed)
{
	for (struct sqlite_request *r = batch; r != NULL; r = r->next) {
		r->err = r->apply(db, r);
		if (r->err == OK)
			*changed = true;
		else if (!sqlite_is_condition(r->err))
			return r->err;
	}
	return OK;
}

static int set_durability(struct sqlite_store *s, const struct sqlite_request *batch)
{
	bool full = false;
	int rc;

	for (; batch != NULL && !full; batch = batch->next)
		full = batch->durability == STORE_DURABLE;
	if (full == s->writer_full)
		return SQLITE_OK;
	rc = sqlite_run(&s->writer, full ? STATEMENT_SYNC_FULL : STATEMENT_SYNC_NORMAL);
	if (rc == SQLITE_OK)
		s->writer_full = full;
	return rc;
}

/* A list that has less time than others in its batch takes none of theirs: they go back. */
static uint64_t nearest_deadline(const struct sqlite_request *batch)
{
	uint64_t nearest = batch->deadline_ns;

	for (; batch != NULL; batch = batch->next)
		if (batch->deadline_ns < nearest)
			nearest = batch->deadline_ns;
	return nearest;
}

/* OK: every list has its own err.  Else nothing was written and this is the err
 * of all, also of those whose condition failed: what they saw is gone. */
static enum err run_batch(struct sqlite_store *s, struct sqlite_request *batch)
{
	struct sqlite_db *db = &s->writer;
	enum err err = sqlite_fail(db, set_durability(s, batch), "set durability");
	bool changed = false;

	if (err != OK)
		return err;
	sqlite_turn_offer(db);
	db->until_ns = nearest_deadline(batch);
	err = sqlite_fail(db, sqlite_run(db, STATEMENT_BEGIN), "begin");
	sqlite_turn_taken(db);
	if (err == OK)
		err = apply_batch(db, batch, &changed);
	if (err == OK && changed)
		err = sqlite_fail(db, sqlite_run(db, STATEMENT_COMMIT), "commit");
	/* Nothing to commit, or an error after which SQLite may have done it itself. */
	if (sqlite3_get_autocommit(db->handle) == 0 &&
	    sqlite_run(db, STATEMENT_ROLLBACK) != SQLITE_OK && err == OK)
		err = ERR_IO;
	return err;
}

/* --- checkpoints --- */

/* When `late`, also waits for the one that another thread is at. */
static void checkpoint(struct sqlite_store *s, struct sqlite_db *db, bool late)
{
	int in_wal = 0, home = 0;

	if (late)
		pthread_mutex_lock(&s->checkpoint);
	else if (pthread_mutex_trylock(&s->checkpoint) != 0)
		return;
	/* Busy readers or another process's checkpoint: the next one gets further. */
	if (sqlite3_wal_checkpoint_v2(db->handle, "main", SQLITE_CHECKPOINT_PASSIVE, &in_wal,
	    &home) == SQLITE_OK)
		atomic_store(&s->checkpointed, home);
	pthread_mutex_unlock(&s->checkpoint);
}

/* Pages that wait in the WAL; a WAL that is shorter than what we moved is new. */
static int wal_backlog(struct sqlite_store *s)
{
	if (s->wal_pages < atomic_load(&s->checkpointed))
		atomic_store(&s->checkpointed, 0);
	return s->wal_pages - atomic_load(&s->checkpointed);
}

/* --- leading and waiting --- */

static void fail(struct sqlite_request *r, enum err err)
{
	r->err = err;
	r->removed = 0;
	if (r->result != NULL)
		*r->result = (struct store_result){ .failed = r->n_ops };
}

/* Gives each list of the batch its result, under the lock; what may still be
 * tried again after a busy lock goes back.  How many are in `done`, to be woken. */
static size_t settle(struct sqlite_queue *q, struct sqlite_request *batch, enum err err,
    struct sqlite_request *done[BATCH_LISTS_MAX])
{
	uint64_t now = err == ERR_TIMEOUT ? time_monotonic_ns() : 0;
	struct sqlite_request *waiting = NULL, **end = &waiting, *next;
	size_t n_done = 0;

	for (struct sqlite_request *r = batch; r != NULL; r = next) {
		next = r->next;
		if (err == ERR_TIMEOUT && now < r->deadline_ns) {
			r->state = REQUEST_QUEUED;
			*end = r;
			end = &r->next;
			continue;
		}
		if (err != OK)
			fail(r, err);
		r->state = REQUEST_DONE;
		done[n_done++] = r;
	}
	if (waiting != NULL) {
		*end = q->head;
		if (q->head == NULL)
			q->tail = end;
		q->head = waiting;
	}
	return n_done;
}

static void hand_over(struct sqlite_queue *q)
{
	struct sqlite_request *heir;

	pthread_mutex_lock(&q->lock);
	heir = q->head;
	q->led = heir != NULL;
	if (heir != NULL)
		heir->state = REQUEST_LEADS;
	pthread_mutex_unlock(&q->lock);
	if (heir != NULL)
		sem_post(&heir->wake);
}

/* `self` is the head of the queue.  After this its err is set. */
static void lead(struct sqlite_connection *c, struct sqlite_request *self)
{
	struct sqlite_store *s = c->store;
	struct sqlite_request *done[BATCH_LISTS_MAX], *batch;
	bool due, late;
	size_t n_done;
	enum err err;

	pthread_mutex_lock(&s->queue.lock);
	batch = take(&s->queue);
	pthread_mutex_unlock(&s->queue.lock);

	err = run_batch(s, batch);
	due = wal_backlog(s) >= CHECKPOINT_PAGES;
	late = due && s->wal_pages >= CHECKPOINT_LATE_PAGES;

	pthread_mutex_lock(&s->queue.lock);
	n_done = settle(&s->queue, batch, err, done);
	pthread_mutex_unlock(&s->queue.lock);
	/* The disk is idle until the next one leads: it is woken first. */
	if (!late)
		hand_over(&s->queue);
	for (size_t i = 0; i < n_done; i++)
		if (done[i] != self)
			sem_post(&done[i]->wake);
	if (s->batch != NULL && err == OK)
		metrics_observe(s->batch, n_done);
	if (due && sqlite_ready(c) == OK)
		checkpoint(s, &c->db, late);
	if (late)
		hand_over(&s->queue);
}

/* True: this thread is to lead.  False: the request is done, or was given up. */
static bool wait_turn(struct sqlite_queue *q, struct sqlite_request *r)
{
	struct timespec until = {
		.tv_sec = (time_t)(r->deadline_ns / 1000000000),
		.tv_nsec = (long)(r->deadline_ns % 1000000000),
	};
	bool late = false;

	for (;;) {
		int got = late ? sem_wait(&r->wake)
		    : sem_clockwait(&r->wake, CLOCK_MONOTONIC, &until);
		bool leads, withdrawn;

		late = time_monotonic_ns() >= r->deadline_ns;
		pthread_mutex_lock(&q->lock);
		leads = r->state == REQUEST_LEADS;
		withdrawn = got != 0 && late && r->state == REQUEST_QUEUED;
		if (withdrawn)
			withdraw(q, r);
		pthread_mutex_unlock(&q->lock);
		/* In any other state somebody has it in hand and will post: to leave
		 * earlier would pull the semaphore from under its feet. */
		if (withdrawn)
			r->err = ERR_TIMEOUT;
		if (withdrawn || got == 0)
			return leads;
	}
}

enum err sqlite_submit(struct sqlite_connection *c, struct sqlite_request *r)
{
	struct sqlite_queue *q = &c->store->queue;
	bool leads;

	r->deadline_ns = store_deadline(c->db.until_ns);
	r->state = REQUEST_QUEUED;
	sem_init(&r->wake, 0, 0);
	pthread_mutex_lock(&q->lock);
	append(q, r);
	leads = !q->led;
	q->led = true;
	pthread_mutex_unlock(&q->lock);
	if (!leads)
		leads = wait_turn(q, r);
	if (leads)
		lead(c, r);
	sem_destroy(&r->wake);
	return r->err;
}
