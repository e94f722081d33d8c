/*
 * The store's contract when many write at once: threads of one process, and
 * processes that each open the store for themselves.
 */
#include "store_crew.h"

#include <string.h>

static void add_ones(struct hand *h)
{
	for (unsigned i = 0; i < h->crew->rig->rounds; i++)
		if (hand_write(h, STORE_ADD, STORE_ALWAYS, (struct store_item){ .pk = STR("c"),
		    .sk = STR("n"), .n = 1 }, i % 2 == 0 ? STORE_DURABLE : STORE_RELAXED) != OK)
			abort();
}

TEST(adds_of_many_threads_all_arrive)
{
	struct crew crew;
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		crew_run(&crew, &rig, add_ones);
		assert_int_equal(rig_get(&rig, "c", "n").n, THREADS * rig.rounds);
	}
}

TEST(adds_of_many_processes_all_arrive)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		in_processes(&rig, add_ones);
		assert_int_equal(rig_get(&rig, "c", "n").n, PROCESSES * THREADS * rig.rounds);
	}
}

TEST(writes_of_many_threads_share_commits)
{
	struct crew crew;
	struct rig rig;

	(void)state;
	IN_A_FILE(rig) {      /* DynamoDB has no commits of its own */
		crew_run(&crew, &rig, add_ones);
		assert_true(metrics_read(metrics_series(rig.metrics, METRIC_STORE_BATCH, NULL)) <
		    THREADS * rig.rounds);
	}
}

/* Odd hands' lists fail at their last operation; every second one writes an item
 * twice, so that the engine cannot see beforehand how it will end. */
static void write_lists(struct hand *h)
{
	char key[24];

	for (unsigned i = 0; i < h->crew->rig->rounds; i++) {
		struct store_result result;
		snprintf(key, sizeof(key), "%u-%03u", h->id, i);
		const struct store_op ops[] = {
			{ STORE_PUT, STORE_ABSENT, rig_item("p", key, "{}") },
			{ STORE_ADD, STORE_ALWAYS, { .pk = STR("c"), .sk = STR("n"), .n = 1 } },
			{ STORE_PUT, STORE_ALWAYS, rig_item("p", i % 2 == 0 ? key : "any", "{}") },
			{ STORE_CHECK, h->id % 2 == 0 ? STORE_ABSENT : STORE_PRESENT,
			    rig_item("p", "nothing", "") },
		};
		enum err err = store_write(h->c, ops, COUNT(ops), STORE_DURABLE, NOW, &result);
		if (err != (h->id % 2 == 0 ? OK : ERR_NOT_FOUND) ||
		    result.failed != (h->id % 2 == 0 ? 4 : 3))
			abort();
	}
}

TEST(a_failing_list_leaves_those_of_the_same_commit_alone)
{
	struct crew crew;
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		crew_run(&crew, &rig, write_lists);
		assert_int_equal(rig_get(&rig, "c", "n").n, THREADS / 2 * rig.rounds);
		for (unsigned i = 0; i < THREADS * rig.rounds; i++) {
			char key[24];
			snprintf(key, sizeof(key), "%u-%03u", i / rig.rounds, i % rig.rounds);
			assert_true(rig_has(&rig, "p", key) == (i / rig.rounds % 2 == 0));
		}
	}
}

static void create_same(struct hand *h)
{
	char key[16];

	for (unsigned i = 0; i < h->crew->rig->rounds; i++) {
		snprintf(key, sizeof(key), "%u", i);
		enum err err = hand_write(h, STORE_PUT, STORE_ABSENT, rig_item("p", key, "{}"),
		    STORE_RELAXED);
		if (err != OK && err != ERR_EXISTS)
			abort();
	}
}

TEST(of_many_who_create_the_same_item_one_succeeds)
{
	struct crew crew;
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		unsigned oks = 0, others = 0;
		crew_run(&crew, &rig, create_same);
		for (size_t i = 0; i < THREADS; i++) {
			oks += crew.hands[i].oks;
			others += crew.hands[i].others;
		}
		assert_int_equal(oks, rig.rounds);
		assert_int_equal(others, (THREADS - 1) * rig.rounds);
	}
}

/* Read, change, write if it is still the version that was read. */
static void change_once(struct hand *h)
{
	struct store_item item;
	char body[24];
	uint64_t n;
	enum err err;

	do {
		arena_reset(&h->arena);
		if (store_get(h->c, &h->arena, STR("p"), STR("s"), NOW, &item) != OK ||
		    !str_to_u64(item.body, &n))
			abort();
		snprintf(body, sizeof(body), "%llu", (unsigned long long)n + 1);
		item.body = str_of(body);
		err = hand_write(h, STORE_PUT, STORE_VERSION, item, STORE_RELAXED);
	} while (err == ERR_STALE);
	if (err != OK)
		abort();
}

static void change_often(struct hand *h)
{
	for (unsigned i = 0; i < h->crew->rig->rounds; i++)
		change_once(h);
}

TEST(a_condition_on_the_version_loses_no_update)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		char expected[24];
		rig_put(&rig, rig_item("p", "s", "0"));
		in_processes(&rig, change_often);
		snprintf(expected, sizeof(expected), "%u", PROCESSES * THREADS * rig.rounds);
		assert_str(rig_get(&rig, "p", "s").body, str_of(expected));
		assert_int_equal(rig_get(&rig, "p", "s").version, PROCESSES * THREADS * rig.rounds + 1);
	}
}

/* Odd keys come and go until the reader has seen enough. */
static void come_and_go(struct hand *h)
{
	unsigned i = h->id;
	char key[16];

	while (!atomic_load(&h->crew->stop)) {
		snprintf(key, sizeof(key), "%04u", i * 2 % ROWS_MAX + 1);
		hand_write(h, i % 3 == 0 ? STORE_DELETE : STORE_PUT, STORE_ALWAYS,
		    rig_item("p", key, "{}"), STORE_RELAXED);
		i = i * 7 + 13;
	}
}

struct page {
	char     last[16];
	unsigned rows, even_seen;
	bool     in_order;
};

static bool page_row(void *context, const struct store_item *item)
{
	struct page *page = context;
	char key[sizeof(page->last)];

	snprintf(key, sizeof(key), "%.*s", STR_ARG(item->sk));
	page->in_order = page->in_order && strcmp(key, page->last) > 0;
	page->even_seen += (key[3] - '0') % 2 == 0;
	page->rows++;
	snprintf(page->last, sizeof(page->last), "%s", key);
	return true;
}

static struct page read_in_pages(struct rig *rig)
{
	struct page page = { .in_order = true };
	struct store_query q = { .pk = STR("p"), .limit = 7 };

	do {
		page.rows = 0;
		q.after = page.last[0] == '\0' ? STR_NONE : str_of(page.last);
		assert_int_equal(store_query(rig->c, &q, NOW, page_row, &page), OK);
	} while (page.rows == q.limit);
	return page;
}

TEST(pages_skip_and_repeat_nothing_while_others_write)
{
	struct crew crew;
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		for (int i = 0; i < ROWS_MAX; i += 2) {
			char key[16];
			snprintf(key, sizeof(key), "%04d", i);
			rig_put(&rig, rig_item("p", key, "{}"));
		}
		crew_start(&crew, &rig, come_and_go);
		for (int i = 0; i < (rig.remote ? 3 : 20); i++) {
			struct page page = read_in_pages(&rig);
			assert_true(page.in_order);
			assert_int_equal(page.even_seen, ROWS_MAX / 2);
		}
		atomic_store(&crew.stop, true);
		crew_end(&crew);
	}
}

static void write_pairs(struct hand *h)
{
	char body[16];

	for (unsigned i = 0; !atomic_load(&h->crew->stop); i++) {
		struct store_result result;
		snprintf(body, sizeof(body), "%u-%u", h->id, i);
		const struct store_op ops[] = {
			{ STORE_PUT, STORE_ALWAYS, rig_item("p", "left", body) },
			{ STORE_PUT, STORE_ALWAYS, rig_item("p", "right", body) },
		};
		if (store_write(h->c, ops, 2, STORE_RELAXED, NOW, &result) != OK)
			abort();
	}
}

struct pair {
	struct rig *rig;
	struct str  bodies[2];
	size_t      n;
};

static bool pair_row(void *context, const struct store_item *item)
{
	struct pair *pair = context;

	pair->bodies[pair->n++] = arena_dup(&pair->rig->arena, item->body);
	return pair->n < 2;
}

TEST(a_reader_never_sees_half_of_a_list)
{
	struct crew crew;
	struct rig rig;

	(void)state;
	IN_A_FILE(rig) {      /* DynamoDB promises no such thing, see store.h */
		const struct store_query q = { .pk = STR("p") };
		crew_start(&crew, &rig, write_pairs);
		for (int i = 0; i < 2000; i++) {
			struct pair pair = { .rig = &rig };
			assert_int_equal(store_query(rig.c, &q, NOW, pair_row, &pair), OK);
			assert_int_equal(pair.n % 2, 0);
			assert_str(pair.bodies[0], pair.bodies[1]);
		}
		atomic_store(&crew.stop, true);
		crew_end(&crew);
	}
}

/* Point reads of what only this hand writes: never older than its own write. */
static void read_own_writes(struct hand *h)
{
	struct store_item item = { .pk = STR("p") };
	char key[16], body[16];

	snprintf(key, sizeof(key), "%u", h->id);
	for (unsigned i = 0; i < h->crew->rig->rounds * 4; i++) {
		struct store_item got;
		snprintf(body, sizeof(body), "%u", i);
		item.sk = str_of(key);
		item.body = str_of(body);
		if (hand_write(h, STORE_PUT, STORE_ALWAYS, item, STORE_RELAXED) != OK)
			abort();
		for (int j = 0; j < 3; j++)
			if (store_get(h->c, &h->arena, item.pk, item.sk, NOW, &got) != OK ||
			    !str_eq(got.body, item.body))
				abort();
		arena_reset(&h->arena);
	}
}

TEST(a_thread_reads_its_own_writes_at_once)
{
	struct crew crew;
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig)
		crew_run(&crew, &rig, read_own_writes);
}

/* Two processes take turns on a number through pipes: what one has been told is
 * written, the other reads. */
static void answer_reads(struct rig *rig, int from, int to)
{
	char n;

	rig_connect(rig);
	while (read(from, &n, 1) == 1) {
		struct store_item item = rig_get(rig, "p", "s");
		if (write(to, item.body.ptr, 1) != 1)
			break;
		arena_reset(&rig->arena);
	}
	rig_disconnect(rig);
	_exit(0);
}

TEST(a_process_reads_what_another_was_told_is_written)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		int ask[2], answer[2], status;
		assert_int_equal(pipe(ask) + pipe(answer), 0);
		rig_disconnect(&rig);
		pid_t child = fork();
		if (child == 0) {
			close(ask[1]);
			answer_reads(&rig, ask[0], answer[1]);
		}
		close(ask[0]);
		close(answer[1]);
		rig_connect(&rig);
		for (int i = 0; i < 500; i++) {
			char body[2] = { (char)('0' + i % 10), '\0' }, got = 0;
			rig_put(&rig, rig_item("p", "s", body));
			assert_int_equal(write(ask[1], body, 1), 1);
			assert_int_equal(read(answer[0], &got, 1), 1);
			assert_int_equal(got, body[0]);
		}
		close(ask[1]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		close(answer[0]);
	}
}

static void do_nothing(struct hand *h)
{
	if (store_ping(h->c) != OK)
		abort();
}

TEST(many_processes_open_a_new_store_at_once)
{
	struct rig rig;

	(void)state;
	for (int round = 0; round < 10; round++) {
		IN_A_FILE(rig) {        /* opening makes nothing in DynamoDB */
			rig_disconnect(&rig);
			rig_remove(&rig);
			rig_directory(&rig);
			rig_engines[rig.row].prepare(&rig);
			rig.store = NULL;
			rig.c = NULL;
			in_processes(&rig, do_nothing);
			rig_put(&rig, rig_item("p", "s", "{}"));
		}
	}
}

/* Each comes at another moment of the making, and at another one in each round. */
static void open_later(struct rig *rig, int round, int i)
{
	usleep((useconds_t)((i * 7919 + round * 104729) % 6000));
	rig_connect(rig);
	rig_disconnect(rig);
	_exit(0);
}

TEST(a_store_that_another_process_is_making_is_not_somebody_elses)
{
	enum { COMERS = 6, TIMES = 60 };
	pid_t children[COMERS];
	struct rig rig;
	int status;

	(void)state;
	for (int round = 0; round < TIMES; round++) {
		IN_A_FILE(rig) {
			rig_disconnect(&rig);
			rig_remove(&rig);
			rig_directory(&rig);
			rig_engines[rig.row].prepare(&rig);
			for (int i = 0; i < COMERS; i++) {
				children[i] = fork();
				if (children[i] == 0)
					open_later(&rig, round, i);
			}
			for (int i = 0; i < COMERS; i++) {
				assert_int_equal(waitpid(children[i], &status, 0), children[i]);
				assert_int_equal(status, 0);
			}
			rig_connect(&rig);
		}
	}
}

static void write_and_sweep(struct hand *h)
{
	char key[24];
	uint32_t removed;

	for (unsigned i = 0; i < h->crew->rig->rounds; i++) {
		snprintf(key, sizeof(key), "%u-%u", h->id, i);
		hand_write(h, STORE_PUT, STORE_ALWAYS, (struct store_item){ .pk = STR("p"),
		    .sk = str_of(key), .text = STR("word"), .expires_ms = i % 2 == 0 ? NOW : 0 },
		    STORE_RELAXED);
		if (i % 10 == 9 && store_sweep(h->c, NOW, 20, &removed) != OK)
			abort();
	}
}

TEST(a_sweep_beside_writers_takes_only_what_has_expired)
{
	struct crew crew;
	struct rig rig;

	(void)state;
	IN_A_FILE(rig) {      /* DynamoDB sweeps by itself, and some day */
		struct rig_keys keys = { .n = 0 };
		const struct store_query q = { .pk = STR("p"), .match = STR("word") };
		uint32_t removed;
		crew_run(&crew, &rig, write_and_sweep);
		assert_int_equal(store_sweep(rig.c, NOW, 1000, &removed), OK);
		buf_init(&keys.text, &rig.arena, 1 << 20);
		assert_int_equal(store_query(rig.c, &q, 0, rig_key, &keys), OK);
		assert_int_equal(keys.n, THREADS * rig.rounds / 2);
	}
}

TEST_MAIN(
	RUN(adds_of_many_threads_all_arrive), RUN(adds_of_many_processes_all_arrive),
	RUN(writes_of_many_threads_share_commits),
	RUN(a_failing_list_leaves_those_of_the_same_commit_alone),
	RUN(of_many_who_create_the_same_item_one_succeeds),
	RUN(a_condition_on_the_version_loses_no_update),
	RUN(pages_skip_and_repeat_nothing_while_others_write),
	RUN(a_reader_never_sees_half_of_a_list), RUN(a_thread_reads_its_own_writes_at_once),
	RUN(a_process_reads_what_another_was_told_is_written),
	RUN(many_processes_open_a_new_store_at_once),
	RUN(a_store_that_another_process_is_making_is_not_somebody_elses),
	RUN(a_sweep_beside_writers_takes_only_what_has_expired)
)
