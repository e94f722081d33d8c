/*
 * The store's contract, large bodies: text of half a megabyte and more is kept by every
 * engine and comes back by every way there is; what one cannot hold it refuses by name,
 * and keeps nothing of it.
 */
#include "store_rig.h"

#include <fcntl.h>
#include <string.h>

#define HALF_MEGABYTE (512 << 10)       /* what a post's body may have */

/* Text that people wrote, which repeats itself only farther apart than an engine looks. */
static struct str real_text(size_t len)
{
	static const char *const files[] = { SOURCE_DIR "/README.md", SOURCE_DIR "/SECURITY.md" };
	static char page[40000];
	char *text = malloc(len);
	size_t n = 0;

	for (size_t i = 0; i < COUNT(files); i++) {
		int fd = open(files[i], O_RDONLY | O_CLOEXEC);
		ssize_t more = read(fd, page + n, sizeof(page) - n);
		assert_true(more >= 0);
		n += (size_t)more;
		close(fd);
	}
	assert_true(n == sizeof(page) && text != NULL);
	for (size_t at = 0; at < len; at += sizeof(page))
		memcpy(text + at, page, len - at < sizeof(page) ? len - at : sizeof(page));
	return (struct str){ text, len };
}

static void release(struct str text)
{
	free((void *)text.ptr);
}

TEST(text_of_half_a_megabyte_comes_back)
{
	/* Around the bounds of an engine, and twice what a post may have. */
	static const size_t sizes[] = {
		(64 << 10) - 1, 64 << 10, (64 << 10) + 1, 400 << 10, HALF_MEGABYTE,
		2 * HALF_MEGABYTE,
	};
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		for (size_t i = 0; i < COUNT(sizes); i++) {
			struct str body = real_text(sizes[i]);
			for (int j = 0; j < 2; j++)
				rig_put(&rig, (struct store_item){ .pk = STR("p"), .sk = STR("s"),
				    .body = body, .n = 7 });
			struct store_item item = rig_get(&rig, "p", "s");
			assert_true(str_eq(item.body, body));
			assert_int_equal(item.n, 7);
			release(body);
		}
		rig_put(&rig, rig_item("p", "s", "small again"));
		assert_str(rig_get(&rig, "p", "s").body, STR("small again"));
	}
}

struct expected {
	struct str body;
	unsigned   seen;
	bool       same;
};

static bool compare(void *context, const struct store_item *item)
{
	struct expected *e = context;

	if (str_eq(item->sk, STR("small")))
		return true;
	e->seen++;
	e->same = e->same && str_eq(item->body, e->body);
	return true;
}

TEST(large_text_comes_back_by_every_way)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct str body = real_text(HALF_MEGABYTE);
		struct expected e = { .body = body, .same = true };
		struct store_item items[3];
		size_t failed;
		bool more;
		for (size_t i = 0; i < COUNT(items); i++)
			items[i] = (struct store_item){ .pk = STR("p"), .sk = { &"abc"[i], 1 },
			    .index_pk = STR("i"), .index_sk = { &"abc"[i], 1 }, .version = 4,
			    .body = body, .text = STR("common") };
		rig_put(&rig, rig_item("p", "small", "{}"));
		rig_put(&rig, items[0]);
		assert_int_equal(store_restore(rig.c, items, COUNT(items), &failed), OK);
		for (int i = 0; i < 4; i++) {
			const struct store_query q = { .pk = i % 2 == 0 ? STR("p") : STR("i"),
			    .index = i % 2 == 1, .match = i / 2 == 1 ? STR("common") : STR_NONE };
			assert_int_equal(store_query(rig.c, &q, NOW, compare, &e), OK);
		}
		assert_int_equal(e.seen, 4 * COUNT(items));
		assert_int_equal(store_scan(rig.c, STR_NONE, STR_NONE, 0, NOW, compare, &e, &more),
		    OK);
		assert_int_equal(e.seen, 5 * COUNT(items));
		assert_true(e.same);
		release(body);
	}
}

TEST(a_list_of_large_bodies_is_kept_whole)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct str body = real_text(HALF_MEGABYTE);
		const struct store_op ops[] = {
			{ STORE_PUT, STORE_ABSENT, { .pk = STR("p"), .sk = STR("a"), .body = body } },
			{ STORE_PUT, STORE_ABSENT, { .pk = STR("p"), .sk = STR("b"), .body = body } },
			{ STORE_ADD, STORE_ALWAYS, { .pk = STR("p"), .sk = STR("c"), .body = body,
			    .n = 1 } },
			{ STORE_ADD, STORE_ALWAYS, { .pk = STR("p"), .sk = STR("a"), .n = 2 } },
		};
		struct store_result result;
		assert_int_equal(rig_write(&rig, ops, COUNT(ops), &result), OK);
		for (int i = 0; i < 3; i++) {
			const char sk[] = { "abc"[i], '\0' };
			assert_true(str_eq(rig_get(&rig, "p", sk).body, body));
		}
		assert_int_equal(rig_get(&rig, "p", "a").n, 2);
		release(body);
	}
}

TEST(the_largest_text_is_kept_or_refused_by_name)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		struct str body = real_text(STORE_ITEM_MAX_BYTES);
		struct store_item large = { .pk = STR("p"), .sk = STR("s"), .body = body,
		    .version = 1 };
		const struct store_op ops[] = {
			{ STORE_PUT, STORE_ALWAYS, rig_item("p", "first", "{}") },
			{ STORE_PUT, STORE_ALWAYS, large },
		};
		struct store_result result;
		size_t failed;
		enum err expected = rig.item_max == STORE_ITEM_MAX_BYTES ? OK : ERR_TOO_LARGE;
		assert_int_equal(rig_write(&rig, ops, COUNT(ops), &result), expected);
		assert_int_equal(result.failed, expected == OK ? 2 : 1);
		assert_true(rig_has(&rig, "p", "first") == (expected == OK));
		assert_int_equal(store_restore(rig.c, &large, 1, &failed), expected);
		assert_int_equal(failed, expected == OK ? 1 : 0);
		release(body);
	}
}

/* Sixteen megabytes of one letter are small where they lie, and whole where they come
 * back: one after the other, not all at once. */
TEST(a_page_of_bodies_that_become_small_comes_back)
{
	enum { ITEMS = 20 };
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		if (!rig.remote)
			continue;       /* hundreds of megabytes in its file, which prove nothing */
		char *letters = malloc(STORE_ITEM_MAX_BYTES);
		struct expected e = { .body = { letters, STORE_ITEM_MAX_BYTES }, .same = true };
		memset(letters, 'a', STORE_ITEM_MAX_BYTES);
		for (size_t i = 0; i < ITEMS; i++)
			rig_put(&rig, (struct store_item){ .pk = STR("p"),
			    .sk = { &"abcdefghijklmnopqrst"[i], 1 }, .body = e.body });
		assert_int_equal(store_query(rig.c, &(struct store_query){ .pk = STR("p") }, NOW,
		    compare, &e), OK);
		assert_int_equal(e.seen, ITEMS);
		assert_true(e.same);
		free(letters);
	}
}

TEST_MAIN(
	RUN(text_of_half_a_megabyte_comes_back), RUN(large_text_comes_back_by_every_way),
	RUN(a_list_of_large_bodies_is_kept_whole),
	RUN(the_largest_text_is_kept_or_refused_by_name),
	RUN(a_page_of_bodies_that_become_small_comes_back)
)
