/*
 * store_bench: what the store costs, and the disk's own rate beside it.
 * store_bench [POSTS [DIRECTORY]]: a table on standard output.  Rates depend on
 * the machine; compare the ratios, and two runs on the same disk.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/time.h"
#include "store/store.h"

#define NOW INT64_C(1700000000000)
#define THREADS 32
#define SECONDS 2.0
#define BODY_BYTES 4096

static char dir[256], url[300], body[BODY_BYTES + 1];
static struct store *store;
static unsigned posts = 1000;

static void must(enum err err, const char *what)
{
	if (err == OK)
		return;
	fprintf(stderr, "%s: %s\n", what, err_text(err));
	exit(1);
}

static double seconds(void)
{
	return (double)time_monotonic_ns() / 1e9;
}

struct keys {
	char id[40], listed[64], slug[40], revision[56];
};

/* Spread over the key space, as random ids are. */
static void keys_of(unsigned long i, struct keys *k)
{
	unsigned scattered = (unsigned)(i * 2654435761u);

	snprintf(k->id, sizeof(k->id), "0190a5d0-%08lx-7000-%08x", i, scattered);
	snprintf(k->listed, sizeof(k->listed), "2026-01-02T%08lx#%s", i, k->id);
	snprintf(k->slug, sizeof(k->slug), "a-post-%08x", scattered);
	snprintf(k->revision, sizeof(k->revision), "revision#%s", k->id);
}

/* What creating a post writes: itself, its slug, its row in the list, its first
 * revision, a line of audit. */
static void create_post(struct store_connection *c, unsigned long i,
    enum store_durability durability)
{
	struct str text = { body, BODY_BYTES };
	struct store_result result;
	struct keys k = { .id = "" };

	keys_of(i, &k);
	const struct store_op ops[] = {
		{ STORE_PUT, STORE_ABSENT, { .pk = STR("blog"), .sk = str_of(k.id),
		    .index_pk = STR("blog#published"), .index_sk = str_of(k.listed),
		    .body = text } },
		{ STORE_PUT, STORE_ABSENT, { .pk = STR("blog#slug"), .sk = str_of(k.slug),
		    .body = str_of(k.id) } },
		{ STORE_PUT, STORE_ABSENT, { .pk = STR("blog#list"), .sk = str_of(k.listed),
		    .body = { body, 400 } } },
		{ STORE_PUT, STORE_ABSENT, { .pk = str_of(k.revision), .sk = STR("00000001"),
		    .body = text } },
		{ STORE_PUT, STORE_ABSENT, { .pk = STR("audit"), .sk = str_of(k.listed),
		    .body = { body, 200 } } },
	};
	must(store_write(c, ops, COUNT(ops), durability, NOW, &result), "create");
}

static void touch(void *context, const struct store_item *item)
{
	size_t *sum = context;

	*sum += item->body.len;
}

static bool touch_row(void *context, const struct store_item *item)
{
	touch(context, item);
	return true;
}

#define LOOKS 1024              /* keys made beforehand, so that making them is not measured */

/* Posts that are read: `spread` of them, in no order. */
static double point_us(struct store_connection *c, unsigned spread)
{
	static struct keys keys[LOOKS];
	unsigned long n = 0;
	size_t sum = 0;
	double began;

	for (unsigned i = 0; i < LOOKS; i++)
		keys_of(i * 7919ul % spread, &keys[i]);
	for (began = seconds(); seconds() - began < SECONDS / 2; n += LOOKS)
		for (unsigned i = 0; i < LOOKS; i++)
			must(store_visit(c, STR("blog"), str_of(keys[i].id), NOW, touch, &sum),
			    "read");
	return (seconds() - began) / (double)n * 1e6;
}

static double list_us(struct store_connection *c, bool index)
{
	struct store_query q = { .pk = index ? STR("blog#published") : STR("blog#list"),
	    .index = index, .descending = true, .limit = 20 };
	double began = seconds();
	unsigned long n = 0;
	size_t sum = 0;
	struct keys k = { .id = "" };

	for (; seconds() - began < SECONDS / 2; n++) {
		keys_of(n * 7919 % posts, &k);
		q.after = str_of(k.listed);
		must(store_query(c, &q, NOW, touch_row, &sum), "list");
	}
	return (seconds() - began) / (double)n * 1e6;
}

struct load {
	void       (*work)(struct store_connection *c, unsigned long i);
	pthread_t    threads[THREADS];
	atomic_ulong next;
	atomic_bool  stop;
};

static void *load_main(void *context)
{
	struct load *load = context;
	struct store_connection *c;

	must(store_connect(store, &c), "connect");
	while (!atomic_load(&load->stop))
		load->work(c, atomic_fetch_add(&load->next, 1));
	store_disconnect(c);
	return NULL;
}

static double rate(void (*work)(struct store_connection *c, unsigned long i), unsigned threads,
    unsigned long first)
{
	struct load load = { .work = work, .next = first };
	double began = seconds();
	struct timespec wait = { (time_t)SECONDS, 0 };

	for (unsigned i = 0; i < threads; i++)
		pthread_create(&load.threads[i], NULL, load_main, &load);
	nanosleep(&wait, NULL);
	atomic_store(&load.stop, true);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(load.threads[i], NULL);
	return (double)(atomic_load(&load.next) - first) / (seconds() - began);
}

static void create_durable(struct store_connection *c, unsigned long i)
{
	create_post(c, i, STORE_DURABLE);
}

static void create_relaxed(struct store_connection *c, unsigned long i)
{
	create_post(c, i, STORE_RELAXED);
}

static void add_one(struct store_connection *c, unsigned long i)
{
	char key[16];
	struct store_result result;

	snprintf(key, sizeof(key), "%lu", i % 100);
	const struct store_op op = { STORE_ADD, STORE_ALWAYS,
	    { .pk = STR("views"), .sk = str_of(key), .n = 1 } };
	must(store_write(c, &op, 1, STORE_RELAXED, NOW, &result), "add");
}

static double fdatasync_rate(void)
{
	char path[300];
	double began;
	unsigned long n = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/raw", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	for (began = seconds(); fd >= 0 && seconds() - began < SECONDS; n++)
		if (pwrite(fd, body, BODY_BYTES, (off_t)(n % 1024 * BODY_BYTES)) < 0 ||
		    fdatasync(fd) != 0)
			break;
	close(fd);
	return (double)n / (seconds() - began);
}

static void print_reads(struct store_connection *c)
{
	printf("point read, 4 KB, %6u posts      %10.2f us\n", posts, point_us(c, posts));
	printf("point read, 4 KB, the same 20     %10.2f us\n", point_us(c, 20));
	printf("list of 20, 400 B each            %10.2f us\n", list_us(c, false));
	printf("list of 20 by index, 4 KB each    %10.2f us\n", list_us(c, true));
}

static void print_writes(void)
{
	double raw = fdatasync_rate(), got;

	printf("fdatasync of 4 KB, this disk      %10.0f /s\n", raw);
	got = rate(create_durable, 1, 1000000);
	printf("creates, durable,  1 thread       %10.0f /s   %5.2f x fdatasync\n", got, got / raw);
	got = rate(create_durable, THREADS, 2000000);
	printf("creates, durable, 32 threads      %10.0f /s   %5.2f x fdatasync\n", got, got / raw);
	got = rate(create_relaxed, THREADS, 3000000);
	printf("creates, relaxed, 32 threads      %10.0f /s\n", got);
	printf("counter adds, relaxed, 1 thread   %10.0f /s\n", rate(add_one, 1, 0));
	printf("counter adds, relaxed, 8 threads  %10.0f /s\n", rate(add_one, 8, 0));
}

static void remove_all(void)
{
	DIR *d = opendir(dir);

	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	rmdir(dir);
}

int main(int argc, char **argv)
{
	uint64_t wanted = posts;
	struct str reason = STR_NONE;
	struct store_connection *c;
	struct metrics *metrics;
	struct arena a;

	if (argc > 1 && !str_to_u64(str_of(argv[1]), &wanted))
		return 2;
	posts = (unsigned)wanted;
	snprintf(dir, sizeof(dir), "%s/store-bench-XXXXXX", argc > 2 ? argv[2] : "/tmp");
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(url, sizeof(url), "sqlite:%s/quiver.db", dir);
	memset(body, 'b', BODY_BYTES);
	arena_init(&a, 65536);
	must(metrics_open_private(&metrics), "metrics");
	must(store_open(&a, str_of(url), NULL, metrics, &store, &reason), "open");
	must(store_connect(store, &c), "connect");
	for (unsigned i = 0; i < posts; i++)
		create_post(c, i, STORE_RELAXED);
	print_reads(c);
	print_writes();
	store_disconnect(c);
	store_close(store);
	metrics_close(metrics);
	arena_clean(&a);
	remove_all();
	return 0;
}
