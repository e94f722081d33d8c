/*
 * What the store has acknowledged survives kill -9 of every process, and nothing
 * is ever half done.  QUIVER_CRASH_ROUNDS sets how often (200 by default).
 *
 * Two processes with three threads each write lists and tell the test through a
 * pipe what was acknowledged; the test kills them at a random moment, opens what
 * is left, and compares.
 */
#include "store_rig.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <sqlite3.h>

#include "base/id.h"

#define WRITERS 2
#define THREADS 3
#define ACKS_MAX 200000
#define DELAY_MAX_US 60000

/* One acknowledged list. */
struct ack {
	uint32_t round, writer, thread, i;
};

struct thread {
	struct rig *rig;
	int         to;
	struct ack  next;
};

static unsigned rounds(void)
{
	const char *text = getenv("QUIVER_CRASH_ROUNDS");
	uint64_t n = 200;

	if (text != NULL && !str_to_u64(str_of(text), &n))
		fail_msg("QUIVER_CRASH_ROUNDS=%s: a number would do", text);
	return (unsigned)n;
}

static unsigned below(unsigned bound)
{
	uint32_t n;

	id_random(&n, sizeof(n));
	return n % bound;
}

static void ack_key(const struct ack *ack, char key[48])
{
	snprintf(key, 48, "%u-%u-%u-%06u", ack->round, ack->writer, ack->thread, ack->i);
}

/* A pair of items in two partitions, one of them with words, and a count. */
static enum err write_one(struct store_connection *c, const struct ack *ack)
{
	static char body[3000];
	char key[48];
	struct store_result result;
	size_t size = ack->i % 7 == 0 ? sizeof(body) : 40;

	ack_key(ack, key);
	const struct store_item left = { .pk = STR("left"), .sk = str_of(key),
	    .body = { body, size }, .text = STR("a word or two") };
	const struct store_op ops[] = {
		{ STORE_PUT, STORE_ABSENT, left },
		{ STORE_PUT, STORE_ABSENT, rig_item("right", key, "{}") },
		{ STORE_ADD, STORE_ALWAYS, { .pk = STR("c"), .sk = STR("n"), .n = 1 } },
	};
	return store_write(c, ops, COUNT(ops), ack->i % 3 == 0 ? STORE_RELAXED : STORE_DURABLE,
	    NOW, &result);
}

static void *write_on(void *context)
{
	struct thread *t = context;
	struct store_connection *c;

	if (store_connect(t->rig->store, &c) != OK)
		abort();
	for (;; t->next.i++)
		if (write_one(c, &t->next) != OK ||
		    write(t->to, &t->next, sizeof(t->next)) != sizeof(t->next))
			abort();
	return NULL;
}

/* Runs until it is killed. */
static void writer_main(struct rig *rig, unsigned round, unsigned writer, int to)
{
	struct thread threads[THREADS];
	pthread_t ids[THREADS];

	rig_connect(rig);
	for (unsigned i = 0; i < THREADS; i++) {
		threads[i] = (struct thread){ rig, to, { round, writer, i, 0 } };
		pthread_create(&ids[i], NULL, write_on, &threads[i]);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(ids[i], NULL);
	_exit(1);
}

/* Reads acknowledgements for `us` microseconds; negative: to the end. */
static void collect(int from, long us, struct ack *acks, size_t *n)
{
	struct timespec now, until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += us * 1000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	for (;;) {
		long got = read(from, &acks[*n], sizeof(acks[*n]));
		if (got == 0)
			return;
		if (got == (long)sizeof(acks[*n])) {
			++*n;
			assert_true(*n < ACKS_MAX);
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (us >= 0 && (now.tv_sec > until.tv_sec ||
		    (now.tv_sec == until.tv_sec && now.tv_nsec >= until.tv_nsec)))
			return;
	}
}

static void kill_writer(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	/* Anything else died by itself, before it was killed. */
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

/* From no time to DELAY_MAX_US, each order of magnitude as likely as the next: what
 * goes wrong at the start of a write has its share, too. */
static long delay_us(void)
{
	return below(1u + (DELAY_MAX_US >> below(17)));
}

/* Both writers start; each is killed after a random time, in a random order. */
static void write_and_kill(struct rig *rig, unsigned round, struct ack *acks, size_t *n)
{
	pid_t pids[WRITERS];
	int ends[2];

	assert_int_equal(pipe2(ends, 0), 0);
	for (unsigned i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			close(ends[0]);
			writer_main(rig, round, i, ends[1]);
		}
	}
	close(ends[1]);
	unsigned first = below(WRITERS);
	struct timespec delay = { 0, delay_us() * 1000 };
	if (round % 3 == 0)
		nanosleep(&delay, NULL);        /* perhaps before the first write */
	else
		collect(ends[0], below(DELAY_MAX_US), acks, n);
	kill_writer(pids[first]);
	if (round % 2 == 0)
		collect(ends[0], delay_us(), acks, n);
	kill_writer(pids[1 - first]);
	collect(ends[0], -1, acks, n);
	close(ends[0]);
}

struct side {
	const char *other;
	struct rig *rig;
	size_t      n;
};

static bool has_other(void *context, const struct store_item *item)
{
	struct side *side = context;
	struct store_item got;

	assert_int_equal(store_get(side->rig->c, &side->rig->arena, str_of(side->other), item->sk,
	    NOW, &got), OK);
	arena_reset(&side->rig->arena);
	side->n++;
	return true;
}

static void check_nothing_is_half_done(struct rig *rig)
{
	struct side left = { "right", rig, 0 }, right = { "left", rig, 0 }, words = left;
	const struct store_query l = { .pk = STR("left") }, r = { .pk = STR("right") };
	const struct store_query w = { .pk = STR("left"), .match = STR("word two") };

	assert_int_equal(store_query(rig->c, &l, NOW, has_other, &left), OK);
	assert_int_equal(store_query(rig->c, &r, NOW, has_other, &right), OK);
	assert_int_equal(store_query(rig->c, &w, NOW, has_other, &words), OK);
	assert_int_equal(left.n, right.n);
	assert_int_equal(left.n, words.n);
	if (left.n > 0)
		assert_int_equal(rig_get(rig, "c", "n").n, left.n);
}

static void check_acknowledged(struct rig *rig, const struct ack *acks, size_t n)
{
	char key[48];

	for (size_t i = 0; i < n; i++) {
		ack_key(&acks[i], key);
		if (!rig_has(rig, "left", key))
			fail_msg("%s was acknowledged and is gone (%zu of %zu)", key, i, n);
		arena_reset(&rig->arena);
	}
}

/* SQLite's own opinion, and FTS5's. */
static void check_integrity(struct rig *rig)
{
	sqlite3 *db;
	sqlite3_stmt *st;

	if (strcmp(rig->engine, "sqlite") != 0)
		return;
	assert_int_equal(sqlite3_open(rig->url + strlen("sqlite:"), &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &st, NULL),
	    SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	assert_string_equal((const char *)sqlite3_column_text(st, 0), "ok");
	sqlite3_finalize(st);
	assert_int_equal(sqlite3_exec(db, "INSERT INTO item_text (item_text)"
	    " VALUES ('integrity-check')", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

TEST(an_acknowledged_write_survives_kill_9_of_every_process)
{
	static struct ack acks[ACKS_MAX];
	struct rig rig;

	(void)state;
	IN_A_FILE(rig) {      /* of DynamoDB a process has nothing; tests/stack/durability asks it */
		size_t n = 0;
		rig_disconnect(&rig);
		for (unsigned round = 0; round < rounds(); round++) {
			if (round % 10 == 0) {          /* also while it is being made */
				rig_remove(&rig);
				rig_directory(&rig);
				rig_engines[rig.row].prepare(&rig);
				n = 0;
			}
			size_t before = n;
			write_and_kill(&rig, round, acks, &n);
			rig_connect(&rig);
			check_acknowledged(&rig, acks + before, n - before);
			check_nothing_is_half_done(&rig);
			rig_disconnect(&rig);
			check_integrity(&rig);
		}
		rig_connect(&rig);
		check_acknowledged(&rig, acks, n);
		print_message("%s: %zu acknowledged since the file was last made\n", rig.engine, n);
	}
}

TEST_MAIN(RUN(an_acknowledged_write_survives_kill_9_of_every_process))
