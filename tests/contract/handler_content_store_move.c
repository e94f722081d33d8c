/*
 * A store into a file and out of it: from every engine into every engine.
 * What it holds off: a file that was cut or changed, one of another SECRET_KEY, a store
 * that others write to meanwhile or that holds something else.
 */
#include "store_rig.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "content/store_file.h"
#include "content/store_move.h"

#define ITEMS 250
#define FILE_MAX_BYTES (1 << 20)

static const uint8_t secret[SECRET_BYTES] = { 1, 2, 3 };
static const uint8_t other_secret[SECRET_BYTES] = { 3, 2, 1 };

/* Items of every kind; the store's clock is the real one here. */
static void fill(struct rig *rig)
{
	char sk[16];
	struct store_item items[] = {
		{ .pk = STR("kinds"), .sk = STR("plain"), .version = 1 },
		{ .pk = STR("kinds"), .sk = STR("whole"), .version = 41, .n = -7,
		  .expires_ms = INT64_C(1) << 50, .index_pk = STR("i"), .index_sk = STR("\xc3\xa9"),
		  .body = STR("{\"a\":\"\\u0000\\\"\xc3\xa9\"}"), .text = STR("caf\xc3\xa9\nau lait") },
		{ .pk = STR("kinds"), .sk = STR("bytes"), .version = 2,
		  .body = STR("\xff\x00\xfe") },
		{ .pk = STR("kinds"), .sk = STR("most"), .version = 3, .n = INT64_MAX },
		{ .pk = STR("kinds"), .sk = STR("least\x01\"\\"), .version = 3, .n = INT64_MIN },
	};
	size_t failed;

	assert_int_equal(store_restore(rig->c, items, COUNT(items), &failed), OK);
	for (size_t i = 0; i < ITEMS; i++) {
		snprintf(sk, sizeof(sk), "%03zu", i);
		rig_put(rig, rig_item("many", sk, "{\"some\":\"thing\"}"));
	}
}

static struct store_sum sum_of(struct rig *rig)
{
	struct store_sum sum;

	assert_int_equal(store_sum_scan(rig->c, 0, NULL, NULL, &sum), OK);
	return sum;
}

static const char *file_of(struct rig *rig, const char *suffix)
{
	return arena_printf(&rig->arena, "%s/moved.ndjson%s", rig->dir, suffix).ptr;
}

static int move(struct rig *rig, const char *path, const uint8_t *key,
    int (*how)(struct store_move *m))
{
	struct store_move m = {
		.store = rig->store, .c = rig->c, .arena = &rig->arena, .path = path,
		.url = str_of(rig->url),
	};

	store_move_init(&m, key);
	return how(&m);
}

static struct str read_all(struct rig *rig, const char *path)
{
	char *text = arena_alloc(&rig->arena, FILE_MAX_BYTES);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, text, FILE_MAX_BYTES);

	assert_true(len > 0 && len < FILE_MAX_BYTES);
	close(fd);
	return (struct str){ text, (size_t)len };
}

static void write_all(const char *path, struct str text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_int_equal(write(fd, text.ptr, text.len), text.len);
	close(fd);
}

static void export(struct rig *rig)
{
	assert_int_equal(move(rig, file_of(rig, ""), secret, store_export), EX_OK);
}

/* --- the way there -------------------------------------------------------------------- */

TEST(a_store_arrives_whole_in_every_engine_and_comes_back)
{
	struct rig from, to;

	(void)state;
	EACH_ENGINE(from) {
		fill(&from);
		export(&from);
		struct store_sum sum = sum_of(&from);
		assert_int_equal(sum.items, ITEMS + 5);
		EACH_ENGINE(to) {
			struct store_sum there;
			assert_int_equal(move(&to, file_of(&from, ""), secret, store_import),
			    EX_OK);
			there = sum_of(&to);
			assert_true(store_sum_equal(&sum, &there));
			assert_str(rig_get(&to, "kinds", "bytes").body, STR("\xff\x00\xfe"));
			export(&to);
		}
		assert_int_equal(access(file_of(&from, ".import"), F_OK), -1);
		assert_int_equal(access(file_of(&from, ".part"), F_OK), -1);
	}
}

TEST(an_export_is_for_its_owner_alone)
{
	struct rig rig;
	struct stat st;

	(void)state;
	umask(0);
	EACH_ENGINE(rig) {
		write_all(file_of(&rig, ".part"), STR("junk"));
		chmod(file_of(&rig, ".part"), 0666);
		fill(&rig);
		export(&rig);
		assert_int_equal(stat(file_of(&rig, ""), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

TEST(an_export_follows_no_link_and_overwrites_nothing)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		assert_int_equal(symlink("/dev/null", file_of(&rig, ".part")), 0);
		assert_int_equal(move(&rig, file_of(&rig, ""), secret, store_export),
		    EX_CANTCREAT);
		unlink(file_of(&rig, ".part"));
		export(&rig);
		assert_int_equal(move(&rig, file_of(&rig, ""), secret, store_export),
		    EX_CANTCREAT);
		assert_int_equal(access(file_of(&rig, ".part"), F_OK), -1);
	}
}

TEST(an_empty_store_moves_too)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		export(&rig);
		assert_int_equal(move(&rig, file_of(&rig, ""), secret, store_import), EX_OK);
	}
}

/* --- stopped ------------------------------------------------------------------------------ */

TEST(an_export_that_was_stopped_anywhere_goes_on)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		fill(&rig);
		export(&rig);
		struct str whole = read_all(&rig, file_of(&rig, ""));
		for (size_t cut = 0; cut <= whole.len; cut += 1 + whole.len / 60) {
			unlink(file_of(&rig, ""));
			write_all(file_of(&rig, ".part"), str_first(whole, cut));
			export(&rig);
			struct str again = read_all(&rig, file_of(&rig, ""));
			assert_int_equal(again.len, whole.len);
			assert_memory_equal(again.ptr + 400, whole.ptr + 400, whole.len - 400);
		}
	}
}

TEST(an_export_that_was_begun_for_another_store_is_left_alone)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		fill(&rig);
		export(&rig);
		assert_int_equal(rename(file_of(&rig, ""), file_of(&rig, ".part")), 0);
		assert_int_equal(move(&rig, file_of(&rig, ""), other_secret, store_export),
		    EX_CANTCREAT);
		assert_int_equal(access(file_of(&rig, ".part"), F_OK), 0);
	}
}

TEST(a_store_that_was_written_to_meanwhile_is_found_out)
{
	struct rig rig;

	(void)state;
	EACH_ENGINE(rig) {
		fill(&rig);
		export(&rig);
		assert_int_equal(rename(file_of(&rig, ""), file_of(&rig, ".part")), 0);
		rig_put(&rig, rig_item("many", "007", "{}"));
		assert_int_equal(move(&rig, file_of(&rig, ""), secret, store_export),
		    EX_TEMPFAIL);
		assert_int_equal(access(file_of(&rig, ""), F_OK), -1);
		export(&rig);
	}
}

/* Leaves what an import that was stopped behind `items` items has left. */
static void stop_import(struct rig *from, struct rig *to, size_t items)
{
	struct str text = read_all(from, file_of(from, "")), rest = text, line, last = STR_NONE;
	struct store_line parsed;
	size_t failed, offset = str_index(text, '\n') + 1;

	(void)str_cut(&rest, '\n');
	for (size_t i = 0; i < items; i++) {
		line = str_cut(&rest, '\n');
		offset += line.len + 1;
		assert_int_equal(store_file_line(&to->arena, line, &parsed), OK);
		assert_int_equal(store_restore(to->c, &parsed.item, 1, &failed), OK);
	}
	for (; rest.ptr != NULL && rest.len > 0; )
		last = str_cut(&rest, '\n');
	assert_int_equal(store_file_line(&to->arena, last, &parsed), OK);
	write_all(file_of(from, ".import"), arena_printf(&to->arena, "{\"store\":\"%s\","
	    "\"sum\":\"%.*s\",\"offset\":%zu,\"items\":%zu}", to->url, STR_ARG(parsed.sum),
	    offset, items));
}

TEST(an_import_that_was_stopped_goes_on)
{
	struct rig from, to;

	(void)state;
	EACH_ENGINE(from) {
		fill(&from);
		export(&from);
		struct store_sum sum = sum_of(&from);
		EACH_ENGINE(to) {
			stop_import(&from, &to, 77);
			assert_int_equal(move(&to, file_of(&from, ""), secret, store_import),
			    EX_OK);
			struct store_sum there = sum_of(&to);
			assert_true(store_sum_equal(&sum, &there));
			assert_int_equal(access(file_of(&from, ".import"), F_OK), -1);
		}
	}
}

TEST(an_import_again_changes_nothing_and_says_that_all_is_there)
{
	struct rig from, to;

	(void)state;
	EACH_ENGINE(from) {
		fill(&from);
		export(&from);
		EACH_ENGINE(to) {
			for (int i = 0; i < 2; i++)
				assert_int_equal(move(&to, file_of(&from, ""), secret,
				    store_import), EX_OK);
		}
	}
}

TEST(what_an_engine_lost_or_another_added_is_found_out)
{
	struct rig from, to;

	(void)state;
	EACH_ENGINE(from) {
		fill(&from);
		export(&from);
		EACH_ENGINE(to) {
			stop_import(&from, &to, 77);
			rig_put(&to, rig_item("a stranger", "s", "{}"));
			assert_int_equal(move(&to, file_of(&from, ""), secret, store_import),
			    EX_SOFTWARE);
		}
	}
}

/* --- refused ------------------------------------------------------------------------------- */

static void imports_nothing(struct rig *rig, const char *path, const uint8_t *key, int status)
{
	struct store_sum sum;

	assert_int_equal(move(rig, path, key, store_import), status);
	sum = sum_of(rig);
	assert_int_equal(sum.items, 0);
}

TEST(a_file_that_was_cut_or_changed_is_not_imported)
{
	struct rig from, to;

	(void)state;
	EACH_ENGINE(from) {
		rig_put(&from, rig_item("p", "s", "{\"a\":1}"));
		rig_put(&from, rig_item("p", "t", "{\"a\":2}"));
		export(&from);
		struct str text = read_all(&from, file_of(&from, ""));
		const char *path = file_of(&from, ".bad");
		size_t items = str_index(text, '\n') + 1;
		EACH_ENGINE(to) {
			for (size_t cut = 0; cut < text.len; cut++) {
				write_all(path, str_first(text, cut));
				imports_nothing(&to, path, secret, EX_DATAERR);
			}
			for (size_t at = items; at < text.len; at++) {
				char *changed = arena_cstr(&from.arena, text);
				changed[at] ^= 1;
				write_all(path, (struct str){ changed, text.len });
				imports_nothing(&to, path, secret, EX_DATAERR);
			}
			write_all(path, arena_printf(&from.arena, "%.*s%.*s", STR_ARG(text),
			    STR_ARG(str_from(text, items))));
			imports_nothing(&to, path, secret, EX_DATAERR);
		}
	}
}

TEST(a_file_of_a_newer_format_is_refused_as_such)
{
	struct arena a;
	struct store_line line;

	(void)state;
	arena_init(&a, ARENA_MAX_BYTES);
	assert_int_equal(store_file_line(&a, STR("{\"quiver_store\":2}"), &line),
	    ERR_UNSUPPORTED);
	assert_int_equal(store_file_line(&a, STR("{\"quiver_store\":1}"), &line), ERR_INVALID);
	assert_int_equal(store_file_line(&a, STR("{}"), &line), ERR_INVALID);
	assert_int_equal(store_file_line(&a, STR("[1]"), &line), ERR_INVALID);
	assert_int_equal(store_file_line(&a, STR("{\"pk\":\"a\",\"body\":\"x\","
	    "\"body_base64\":\"eA==\"}"), &line), ERR_INVALID);
	arena_clean(&a);
}

TEST(a_file_of_another_secret_key_is_not_imported)
{
	struct rig from, to;

	(void)state;
	EACH_ENGINE(from) {
		fill(&from);
		export(&from);
		EACH_ENGINE(to)
			imports_nothing(&to, file_of(&from, ""), other_secret, EX_CONFIG);
	}
}

TEST(a_store_that_holds_something_else_is_left_alone)
{
	struct rig from, to;

	(void)state;
	EACH_ENGINE(from) {
		fill(&from);
		export(&from);
		EACH_ENGINE(to) {
			rig_put(&to, rig_item("kinds", "plain", "{\"mine\":true}"));
			assert_int_equal(move(&to, file_of(&from, ""), secret, store_import),
			    EX_CANTCREAT);
			assert_str(rig_get(&to, "kinds", "plain").body, STR("{\"mine\":true}"));
		}
	}
}

/* --- the sum ------------------------------------------------------------------------------- */

TEST(a_sum_tells_items_apart_and_not_their_order)
{
	const struct store_item base = { .pk = STR("p"), .sk = STR("s"), .body = STR("b"),
	    .version = 1 };
	struct store_item others[8];
	struct store_sum one = { 0 }, two = { 0 }, sum;
	struct buf scratch;

	(void)state;
	buf_init(&scratch, NULL, 65536);
	for (size_t i = 0; i < COUNT(others); i++)
		others[i] = base;
	others[0].pk = STR("ps");
	others[0].sk = STR("");
	others[1].body = STR("");
	others[1].text = STR("b");
	others[2].n = 1;
	others[3].version = 2;
	others[4].expires_ms = 1;
	others[5].index_pk = STR("b");
	others[6].body = STR("c");
	others[7].sk = STR("t");
	assert_int_equal(store_sum_add(&one, &base, &scratch), OK);
	for (size_t i = 0; i < COUNT(others); i++) {
		sum = (struct store_sum){ 0 };
		assert_int_equal(store_sum_add(&sum, &others[i], &scratch), OK);
		assert_false(store_sum_equal(&sum, &one));
	}
	one = (struct store_sum){ 0 };
	for (size_t i = 0; i < COUNT(others); i++) {
		assert_int_equal(store_sum_add(&one, &others[i], &scratch), OK);
		assert_int_equal(store_sum_add(&two, &others[COUNT(others) - 1 - i], &scratch),
		    OK);
	}
	assert_true(store_sum_equal(&one, &two));
	buf_clean(&scratch);
}

TEST_MAIN(
	RUN(a_store_arrives_whole_in_every_engine_and_comes_back),
	RUN(an_export_is_for_its_owner_alone),
	RUN(an_export_follows_no_link_and_overwrites_nothing), RUN(an_empty_store_moves_too),
	RUN(an_export_that_was_stopped_anywhere_goes_on),
	RUN(an_export_that_was_begun_for_another_store_is_left_alone),
	RUN(a_store_that_was_written_to_meanwhile_is_found_out),
	RUN(an_import_that_was_stopped_goes_on),
	RUN(an_import_again_changes_nothing_and_says_that_all_is_there),
	RUN(what_an_engine_lost_or_another_added_is_found_out),
	RUN(a_file_that_was_cut_or_changed_is_not_imported),
	RUN(a_file_of_a_newer_format_is_refused_as_such),
	RUN(a_file_of_another_secret_key_is_not_imported),
	RUN(a_store_that_holds_something_else_is_left_alone),
	RUN(a_sum_tells_items_apart_and_not_their_order)
)
