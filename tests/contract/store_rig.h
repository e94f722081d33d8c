/*
 * store_rig: a store of each engine in a folder of its own, and short words for
 * what the store's tests do with it.  Every engine runs the same tests:
 *	EACH_ENGINE(rig) { … }
 */
#ifndef TESTS_CONTRACT_STORE_RIG_H
#define TESTS_CONTRACT_STORE_RIG_H

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "dynamodb_child.h"
#include "store/store.h"
#include "test.h"

#define NOW INT64_C(1700000000000)
#define ROWS_MAX 1000

struct rig {
	const char              *engine;        /* NULL: no more engines */
	size_t                   row;
	char                     dir[200];
	char                     url[240];
	size_t                   item_max;      /* bytes that a body of any may have */
	bool                     remote;        /* no file of ours: it sweeps by itself */
	unsigned                 rounds;        /* of a test that does the same again and again */
	struct arena             arena;
	struct config            config;
	struct metrics          *metrics;
	struct store            *store;
	struct store_connection *c;
};

/* The URL of a new, empty store of the engine in rig->dir. */
static void rig_sqlite(struct rig *rig)
{
	snprintf(rig->url, sizeof(rig->url), "sqlite:%s/quiver.db", rig->dir);
	rig->item_max = STORE_ITEM_MAX_BYTES;
	rig->rounds = 60;
}

/* DynamoDB's 400 KB are for all of an item: keys, names and numbers too. */
static void rig_dynamodb(struct rig *rig)
{
	struct str reason = STR_NONE;

	snprintf(rig->url, sizeof(rig->url), "dynamodb:%s", strrchr(rig->dir, '/') + 1);
	rig->item_max = 390 << 10;
	rig->remote = true;
	rig->rounds = 8;
	if (store_create(&rig->arena, str_of(rig->url), &rig->config, rig->metrics, &reason) != OK)
		fail_msg("dynamodb: %.*s", STR_ARG(reason));
}

static const struct rig_engine {
	const char *name;
	void (*prepare)(struct rig *rig);
} rig_engines[] = {
	{ "sqlite", rig_sqlite },
	{ "dynamodb", rig_dynamodb },
};

static inline const char *rig_setting(void *context, const char *name)
{
	const struct rig *rig = context;

	return strcmp(name, "STATE_DIR") == 0 ? rig->dir : dynamodb_child_setting(name);
}

static inline void rig_configure(struct rig *rig)
{
	struct buf problems;

	if (strcmp(rig->engine, "dynamodb") == 0)
		dynamodb_child_start();
	buf_init(&problems, &rig->arena, 1 << 16);
	if (config_load(&rig->config, rig_setting, rig, &problems) != OK)
		fail_msg("config: %s", buf_cstr(&problems));
}

static inline void rig_connect(struct rig *rig)
{
	struct str reason = STR_NONE;

	if (store_open(&rig->arena, str_of(rig->url), &rig->config, rig->metrics, &rig->store,
	    &reason) != OK)
		fail_msg("%s: %.*s", rig->engine, STR_ARG(reason));
	assert_int_equal(store_connect(rig->store, &rig->c), OK);
}

static inline void rig_disconnect(struct rig *rig)
{
	store_disconnect(rig->c);
	store_close(rig->store);
}

static inline void rig_directory(struct rig *rig)
{
	const char *base = getenv("TMPDIR");

	snprintf(rig->dir, sizeof(rig->dir), "%s/quiver-store-XXXXXX",
	    base == NULL ? "/tmp" : base);
	assert_non_null(mkdtemp(rig->dir));
}

static inline void rig_open(struct rig *rig, size_t row)
{
	*rig = (struct rig){ .row = row };
	if (row == COUNT(rig_engines))
		return;
	rig->engine = rig_engines[row].name;
	rig_directory(rig);
	arena_init(&rig->arena, ARENA_MAX_BYTES);
	assert_int_equal(metrics_open_private(&rig->metrics), OK);
	rig_configure(rig);
	rig_engines[row].prepare(rig);
	rig_connect(rig);
}

static inline void rig_remove(struct rig *rig)
{
	DIR *d = opendir(rig->dir);

	for (struct dirent *e = readdir(d); e != NULL; e = readdir(d))
		unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	assert_int_equal(rmdir(rig->dir), 0);
}

static inline void rig_close(struct rig *rig)
{
	rig_disconnect(rig);
	metrics_close(rig->metrics);
	config_clean(&rig->config);
	rig_remove(rig);
	arena_clean(&rig->arena);
}

static inline void rig_next(struct rig *rig)
{
	rig_close(rig);
	rig_open(rig, rig->row + 1);
}

#define EACH_ENGINE(rig)                                                       \
	for (rig_open(&(rig), 0); (rig).engine != NULL; rig_next(&(rig)))

/* SQLite alone, for what DynamoDB does not have or promise; it need not even start. */
#define IN_A_FILE(rig)                                                         \
	for (rig_open(&(rig), 0); (rig).engine != NULL; rig_close(&(rig)), (rig).engine = NULL)

/* --- words --- */

static inline enum err rig_write(struct rig *rig, const struct store_op *ops, size_t n,
    struct store_result *result)
{
	return store_write(rig->c, ops, n, STORE_RELAXED, NOW, result);
}

static inline enum err rig_one(struct rig *rig, enum store_verb verb,
    enum store_condition condition, struct store_item item)
{
	const struct store_op op = { verb, condition, item };
	struct store_result result;

	return rig_write(rig, &op, 1, &result);
}

static inline struct store_item rig_item(const char *pk, const char *sk, const char *body)
{
	return (struct store_item){
		.pk = str_of(pk), .sk = str_of(sk), .body = str_of(body)
	};
}

static inline void rig_put(struct rig *rig, struct store_item item)
{
	assert_int_equal(rig_one(rig, STORE_PUT, STORE_ALWAYS, item), OK);
}

/* The item, which must be there. */
static inline struct store_item rig_get(struct rig *rig, const char *pk, const char *sk)
{
	struct store_item item = { .n = 0 };

	assert_int_equal(store_get(rig->c, &rig->arena, str_of(pk), str_of(sk), NOW, &item), OK);
	return item;
}

/* What store_get says, at any time. */
static inline enum err rig_look(struct rig *rig, struct str pk, struct str sk, int64_t now_ms)
{
	struct store_item item;

	return store_get(rig->c, &rig->arena, pk, sk, now_ms, &item);
}

static inline bool rig_has(struct rig *rig, const char *pk, const char *sk)
{
	struct store_item item;
	enum err err = store_get(rig->c, &rig->arena, str_of(pk), str_of(sk), NOW, &item);

	if (err != OK)
		assert_int_equal(err, ERR_NOT_FOUND);
	return err == OK;
}

/* Bytes that nothing makes smaller: xorshift64, Marsaglia 2003. */
static inline void rig_noise(char *bytes, size_t n)
{
	uint64_t random = 88172645463325252;

	for (size_t i = 0; i < n; i++) {
		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		bytes[i] = (char)(random >> 32);
	}
}

/* Sort keys of a query, joined by spaces. */
struct rig_keys {
	struct buf text;
	size_t     n, stop_after;       /* 0: never */
};

static inline bool rig_key(void *context, const struct store_item *item)
{
	struct rig_keys *keys = context;

	if (keys->n++ > 0)
		buf_char(&keys->text, ' ');
	buf_add(&keys->text, item->sk);
	return keys->n != keys->stop_after;
}

static inline struct str rig_query(struct rig *rig, struct store_query q)
{
	struct rig_keys keys = { .n = 0 };

	buf_init(&keys.text, &rig->arena, 1 << 20);
	assert_int_equal(store_query(rig->c, &q, NOW, rig_key, &keys), OK);
	return buf_str(&keys.text);
}

#endif
